"""The code of Spaces in the report: figures, and what they can and cannot say."""

from functools import partial
from pathlib import Path

import polars as pl
import pytest

from hf_assets.hub.space_code.schemas import SPACE_CODE
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.trends.figures.day.space_code import LIMITS, SpaceCode
from hf_assets.trends.figures.registry import CODE_FIGURES, Data
from hf_assets.trends.report import figures as report_figures
from hf_assets.trends.report.page import newest_code, write_report
from hf_assets.trends.report.rules import self_contained
from hf_assets_tests.support.trends.series import past
from hf_assets_tests.support.trends.space_code import day_of, normal


def of_code(data: Data) -> dict:
    """The figures of code alone."""
    if not isinstance(data, SpaceCode):
        return {}
    return {figure.name: partial(figure, data) for figure in CODE_FIGURES}


def test_the_report_shows_the_figures_and_their_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_figures, "drawings", of_code)
    files = write_report(past(12), None, processes=1, code=day_of(normal()))
    page = files["index.html"].decode()
    assert "Code of Spaces, 2026-11-20" in page
    assert f"{LIMITS}." in page
    assert page.count('<figure id="code-') == 4
    assert '<a href="#code">' in page
    result = self_contained(page)
    assert result.passed, result.description
    without = write_report(past(12), None, processes=1)["index.html"].decode()
    assert "Code of Spaces" not in without


@pytest.mark.usefixtures("unsynced")
def test_the_newest_stored_day_is_shown(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert newest_code(lake) is None
    for day in ("2026-11-19", "2026-11-20"):
        row = {"hub_id": "a", "id": "b/c", "reason": "gone", "packages_reason": "files unknown"}
        frame = pl.DataFrame(
            [{name: row.get(name) for name in SPACE_CODE.columns}], schema=SPACE_CODE.schema
        ).with_columns(day=pl.lit(day).str.to_date())
        lake.write(SPACE_CODE, day, TableWrite([frame]))
    found = newest_code(lake)
    assert found
    assert str(found.day) == "2026-11-20"
    assert found.rows["reason"].to_list() == ["gone"]
