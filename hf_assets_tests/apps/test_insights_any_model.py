"""What the pages say of models that were never among a day's first thousand: from `model_days`."""

import datetime as dt
from pathlib import Path
from urllib.parse import urlencode

import pytest

from hf_assets.storage.lake import Lake
from hf_assets.trends.lives.model_phases import model_phases
from hf_assets.trends.series.schemas import MODEL_PHASES
from hf_assets_tests.support.apps.scripts import Script
from hf_assets_tests.support.trends.days import FIRST, day
from hf_assets_tests.support.trends.lives import Row, kept_days, listed

pytestmark = pytest.mark.heavy
OLD = FIRST - dt.timedelta(400)
# Nobody has day 15, and day 14 is not trusted.
NEWEST, GAP, UNTRUSTED = 19, 15, 14
EVERY = "In seven days, among all models"


def rows_of(at: int) -> list[Row]:
    """Model 1 doubles in a week, 2 by one day's downloads, 3 falls, 4 is no longer listed."""
    spike = 900 * (at >= 18)
    rows = [
        listed(1, 100 + 15 * max(at - 12, 0), created=OLD, downloads_all_time=15 * at),
        listed(2, 400 + spike, created=OLD, downloads_all_time=at + spike),
        listed(3, 900 - 20 * at, created=OLD, downloads_all_time=100 * at),
    ]
    return [*rows, listed(4, 700, created=OLD)] if at < 10 else rows


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Script:
    root: Path = tmp_path_factory.mktemp("any")
    past = kept_days(
        Lake(root), {at: rows_of(at) for at in range(NEWEST + 1) if at != GAP}, [UNTRUSTED]
    )
    Lake(root).write(MODEL_PHASES, None, model_phases(past))
    return Script(root)


def test_the_page_of_any_model_has_its_days_growth_and_phase(script: Script) -> None:
    script.open("model?id=a/m1")
    assert "From model_days · all days" in script.said
    assert f"{day(0)} to {day(NEWEST)}. from 100 to 205" in script.charts[0].alt
    assert "Downloads moved by +105% in 7 days, to 2025-03-20" in script.said
    assert "<dt>Phase</dt><dd>rising" in script.html
    assert "materialise *model_days*" not in script.said


def test_a_model_that_is_gone_has_its_page_on_its_last_day(script: Script) -> None:
    script.open("model?id=a/m4")
    assert "a/m4</h1>" in script.html
    assert f"Stored days list it from {day(0)} to {day(9)}." in script.said
    there = f'href="model?day={day(9)}&amp;id=a/m4"'
    assert there in script.html
    script.open(f"model?id=a/m4&day={day(9)}")
    assert f"on {day(9)}" in script.said
    # All of its days, of which the first and the last have the same downloads.
    assert f"{day(0)} to {day(9)}. from 700 to 700" in script.charts[0].alt
    assert "Stored days list it" not in script.open("model?id=a/nobody").said


def test_any_models_are_compared_and_aligned_at_release(script: Script) -> None:
    asked = {"item": ["a/m1", "a/m3"], "as": "release"}
    script.open(f"compare?{urlencode(asked, doseq=True)}")
    (chart,) = script.charts
    assert "a/m1 from 100 to 205; a/m3 from 900 to 520" in chart.alt
    assert "by days since release, 400 to 419" in chart.alt
    assert "From model_days" in script.said


def test_the_overview_lists_risers_of_all_models_on_the_newest_day(script: Script) -> None:
    html = script.open("").html
    assert EVERY in html
    sides = dict(part.split("</caption>", 1) for part in html.split("<caption>")[1:])
    assert ">a/m1<" in sides["Rising, all models"]
    assert ">a/m2<" in sides["One-day spikes, all models"]
    for side, rows in sides.items():
        assert (">a/m2<" in rows) == (side == "One-day spikes, all models"), side
    assert "Of 3 models with 100 downloads or more a week ago: 1 rose, 1 by a single" in script.said
    # Of an earlier day they are not known.
    assert EVERY not in script.open(f"?day={day(NEWEST - 1)}").html
