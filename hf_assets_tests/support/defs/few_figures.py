"""A graph that draws two figures of a day and two of a history, in this process.

The figures are nine tenths of a run over the graph. `defs/hub/test_today.py`, `defs/trends` and
`trends/figures` draw all of them; tests of anything else draw these.
"""

import os

import pytest

from hf_assets.charts import saving
from hf_assets.trends.figures import registry
from hf_assets.trends.figures.day import models as of_a_day
from hf_assets.trends.figures.day import space_code
from hf_assets.trends.figures.history import days, models

# A name that others wrote, and a count, of each.
DAY_FIGURES = (of_a_day.top_models, of_a_day.models_by_year)
CODE_FIGURES = (space_code.code_files,)
HISTORY_FIGURES = (models.top_ranks, days.day_quality)


def draw_few_figures(patch: pytest.MonkeyPatch) -> None:
    """Until the patch is undone; a process that draws for this one would draw all of them."""
    patch.setattr(registry, "DAY_FIGURES", DAY_FIGURES)
    patch.setattr(registry, "CODE_FIGURES", CODE_FIGURES)
    patch.setattr(registry, "HISTORY_FIGURES", HISTORY_FIGURES)
    patch.setattr(os, "cpu_count", lambda: 1)


def draw_small_files(patch: pytest.MonkeyPatch) -> None:
    """360 pixels wide, until the patch is undone; 1800 are asked in `trends/figures`, and half of
    them, of the gallery, in `defs/test_ui.py`.
    """
    patch.setattr(saving, "_FILE_DPI", 36)
