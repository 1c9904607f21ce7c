"""A leaderboard of small models."""

from typing import Any

from hf_assets.classifiers.evaluation.results import (
    Leaderboard,
)


def row_of(board: Leaderboard, model: str, runtime: str | None = None) -> dict[str, Any]:
    wanted = {"model": model, **({"runtime": runtime} if runtime else {})}
    return board.rows.filter(**wanted).to_dicts()[0]
