"""A lake whose old days are emptied while it is copied: each day of the copy has its rows."""

from pathlib import Path

import pytest

from hf_assets.copying.copy import Copy, Summary
from hf_assets.hub.repository_days.old_days import read_day
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import KINDS, OF_MODELS, Kind
from hf_assets.object_store.path import LakePath
from hf_assets.storage.lake import Lake
from hf_assets_tests.hub.repository_days.lake_of_days import (
    DAYS,
    empty,
    judge,
    rows_of,
    source,
    write_day,
)

pytestmark = pytest.mark.usefixtures("unsynced")
FIRST, SECOND = DAYS[:2]


@pytest.fixture(params=["folder", "store"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> LakePath:
    return tmp_path / "copy" if request.param == "folder" else request.getfixturevalue("bucket")


def write(lake: Lake, day: str, kind: Kind) -> None:
    columns = kind.source.columns
    rows = [{name: row[name] for name in row if name in columns} for row in rows_of(day)]
    write_day(lake, day, rows, kind)


def copied(lake: Lake, target: LakePath) -> Summary:
    return Copy(lake.root, target, check=False, log=lambda _: None).run()


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.source.name)
def test_days_that_are_emptied_while_a_lake_is_copied(
    kind: Kind, lake: Lake, target: LakePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(lake, FIRST, kind)
    judge(lake, [FIRST])
    refresh(lake, kind)
    write(lake, SECOND, kind)
    before = {day: source(lake, day, kind) for day in (FIRST, SECOND)}
    original, table = Copy._group, kind.source.name

    def group(self: Copy, name: str) -> None:
        if name == table:
            judge(lake, [FIRST, SECOND])
            refresh(lake, kind)
            for day in before:
                empty(lake, day, kind)
        original(self, name)

    monkeypatch.setattr(Copy, "_group", group)
    assert copied(lake, target).complete
    for day, rows in before.items():
        there = read_day(Lake(target), table, day).frame.select(kind.kept).sort("hub_id")
        assert there.collect().equals(rows, null_equal=True)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.source.name)
def test_no_emptied_day_comes_before_its_rows(
    kind: Kind, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that is ended there is a lake, too."""
    write(lake, FIRST, kind)
    judge(lake, [FIRST])
    refresh(lake, kind)
    empty(lake, FIRST, kind)
    original, rows = Copy._group, []

    def group(self: Copy, name: str) -> None:
        original(self, name)
        if name == kind.source.name:
            rows.append(read_day(Lake(tmp_path / "copy"), name, FIRST).rows)

    monkeypatch.setattr(Copy, "_group", group)
    assert copied(lake, tmp_path / "copy").complete
    assert rows
    assert rows[0]


def test_a_series_that_failed_at_first_and_is_right_at_the_end(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(lake, FIRST, OF_MODELS)
    judge(lake, [FIRST])
    refresh(lake, OF_MODELS)
    series, original = OF_MODELS.table.name, Copy._files

    def files(self: Copy, group: str, *others: object) -> None:
        if group == series and not (tmp_path / "copy" / series).exists():
            monkeypatch.setattr(Copy, "_files", original)
            write(lake, SECOND, OF_MODELS)
            judge(lake, [FIRST, SECOND])
            refresh(lake, OF_MODELS)
        original(self, group, *others)  # ty: ignore[invalid-argument-type]

    monkeypatch.setattr(Copy, "_files", files)
    summary = copied(lake, tmp_path / "copy")
    assert summary.complete, summary.failed
    assert Lake(tmp_path / "copy").read(series, None).rows == lake.read(series, None).rows
