"""Writes the leaderboard's figures as files; `figures.py` draws them."""

from pathlib import Path

from hf_assets.charts.saving import render
from hf_assets.classifiers.evaluation.figures import (
    label_scores,
    score_against_latency,
    score_against_size,
)
from hf_assets.classifiers.evaluation.results import Leaderboard

FIGURES = {
    figure.__name__: figure for figure in (score_against_size, score_against_latency, label_scores)
}


def write_figures(board: Leaderboard, folder: Path) -> None:
    """Leave each figure in `folder`, as PNG and SVG."""
    for name, figure in FIGURES.items():
        render(figure(board)).write(folder, name)
