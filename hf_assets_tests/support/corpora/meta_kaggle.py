"""Meta Kaggle's tables, read."""

from pathlib import Path
from typing import Any

from hf_assets.corpora.kaggle.meta_kaggle import read_tables

COUNT, SEED = 60, 3


def read(folder: Path, told: list[str] | None = None) -> tuple[dict[str, dict[str, Any]], Any]:
    made = read_tables(folder, (told if told is not None else []).append)
    rows = [row for frame in made.frames for row in frame.iter_rows(named=True)]
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: row for row in rows}, made
