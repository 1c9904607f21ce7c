"""Days of an archive beside its files: the same values; a column or value that is lost is told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from hf_assets.hub.archive.base import ArchivedDay, ArchivedPage
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets_tests.defs.conftest import (
    RAW,
    Make,
    checks,
    days_ago,
    made,
)
from hf_assets_tests.support.defs.archives import recorded


@pytest.mark.heavy
def test_counters_of_recovered_days_are_those_of_the_file(world: Make, tmp_path: Path) -> None:
    hub = world(
        archive=recorded(tmp_path / "days", days_ago(1), fetched_at=f"{days_ago(1)}T09:00:00Z")
    )
    assert hub.recover(days_ago(1), days_ago(1)).success
    stored = hub.lake.read("models", days_ago(1))
    assert stored.frame.select(pl.col("downloads").sum()).collect().item() == sum(range(30))
    assert stored.provenance["raw_models"]["finished"] == f"{days_ago(1)}T09:00:00+00:00"


def losing(patch: pytest.MonkeyPatch, field: str, every: int) -> None:
    """Readers of recorded days miss that field in every so many rows, or know no such column."""
    find = RecordedDays.find

    def wrapped(self: RecordedDays, kind: Any, day: str) -> ArchivedDay | None:
        found = find(self, kind, day)
        if found:
            read = found.read
            found.read = lambda: lost(found, read())
        return found

    def lost(found: ArchivedDay, pages: Iterator[ArchivedPage]) -> Iterator[ArchivedPage]:
        for page in pages:
            rows = json.loads(page.body)
            for row in rows[::every]:
                row.pop(field, None)
            yield ArchivedPage(json.dumps(rows).encode(), page.ids)
        if every == 1:
            found.seen.discard(field)

    patch.setattr(RecordedDays, "find", wrapped)


@pytest.mark.heavy
def test_recorded_days_agree_with_their_files(world: Make, tmp_path: Path) -> None:
    days = [days_ago(2), days_ago(1)]
    hub = world(archive=recorded(tmp_path / "days", *days, spaces=[{"id": "a/s", "likes": 2}]))
    both = checks(hub.materialize(*RAW, "models", "enriched_spaces", days=(days[0], days[1])))
    for table in ("models", "enriched_spaces"):
        verdict = both[table, "reconciliation"]
        assert verdict.passed
        assert "numbers agree" in verdict.metadata["results"].value
    one = checks(hub.materialize("models", day=days[1]))["models", "reconciliation"]
    assert one.metadata["compared"].value
    assert one.metadata["rows, file"].value == one.metadata["rows, table"].value == 31
    for raw in RAW:
        assert both[raw, "unread_columns"].passed


def test_a_value_that_a_reader_loses_is_an_error_that_stops_nothing(
    world: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losing(monkeypatch, "downloads", every=2)
    hub = world(archive=recorded(tmp_path / "days", days_ago(1)))
    result = hub.materialize("raw_models", "models", "daily_changes", day=days_ago(1))
    assert result.success
    verdict = checks(result)["models", "reconciliation"]
    assert not verdict.passed
    assert verdict.severity == dg.AssetCheckSeverity.ERROR
    assert "sum of downloads: 435 in the file, 225 in the table" in verdict.description
    assert verdict.metadata["sum of downloads, table"].value == 225
    assert "daily_changes" in made(result)


def test_columns_that_were_not_read_are_one_line_and_a_check(
    world: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    days = [days_ago(n) for n in (4, 3, 2, 1)]
    losing(monkeypatch, "likes", every=1)
    hub = world(archive=recorded(tmp_path / "days", *days))
    result = hub.materialize("raw_models", "models", days=(days[0], days[-1]))
    assert result.success
    said = capfd.readouterr().err
    line = f"`likes` on 4 days, {days[0]} to {days[-1]}: looks like `likes` and was not read"
    assert said.count(line) == said.count("`likes` on") == 1
    verdict = checks(result)["raw_models", "unread_columns"]
    assert not verdict.passed
    assert verdict.severity == dg.AssetCheckSeverity.WARN
    assert f"{days[0]}: `likes`: looks like `likes`" in verdict.metadata["results"].value
    assert "likes" in hub.figures("raw_models", "unread fields")[days[0]]
    # What the run names as left out is a warning.
    parted = checks(result)["models", "reconciliation"]
    assert not parted.passed
    assert parted.severity == dg.AssetCheckSeverity.WARN


def test_names_of_columns_do_not_flood_the_log(
    world: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    losing(monkeypatch, "likes", every=1)
    names = [f"likes{n}" + "\u202e" * 200 for n in range(40)]
    (tmp_path / "days").mkdir()
    cells = ",1" * len(names)
    text = f"id,{','.join(names)}\na/x{cells}\n"
    (tmp_path / "days" / f"{days_ago(1)}.csv").write_text(text)
    hub = world(archive=tmp_path / "days")
    result = hub.materialize("raw_models", day=days_ago(1))
    assert result.success
    said = capfd.readouterr().err
    assert "`likes0" in said
    assert "\u202e" not in said
    verdict = checks(result)["raw_models", "unread_columns"]
    assert verdict.description.startswith("`likes0")
    assert "\u202e" not in verdict.description
    assert len(verdict.description) < 2500
