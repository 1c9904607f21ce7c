"""Days whose rows lie in the series alone: given back exactly, and never lost."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from hf_assets.copying.copy import Copy
from hf_assets.hub.repository_days import old_days, rebuilding
from hf_assets.hub.repository_days.old_days import gives_back, read_day
from hf_assets.hub.repository_days.reading import days_in
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.rules import gives_newest_day_back, has_stored_days
from hf_assets.hub.repository_days.schemas import KINDS, OF_DATASETS, OF_MODELS
from hf_assets.object_store.scratch import scratch
from hf_assets.storage.lake import Lake, MissingDay, TableWrite
from hf_assets_tests.hub.repository_days.lake_of_days import (
    DAYS,
    OLD,
    Old,
    all_there,
    empty,
    judge,
    make_again,
    rows_of,
    write_day,
)

pytestmark = pytest.mark.usefixtures("unsynced")


@pytest.mark.parametrize("name", KINDS)
def test_a_day_is_given_back_as_its_table_had_it(
    any_lake: Lake, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a folder and on a store."""
    monkeypatch.setenv("HF_ASSETS_SCRATCH", str(tmp_path / "scratch"))
    kind, asset = KINDS[name], KINDS[name].source.name
    for day in DAYS[:3]:
        nameless = {"hub_id": None, "id": "a/b", "likes": 3}
        write_day(any_lake, day, [nameless, *rows_of(day)], kind, aside=True)
    judge(any_lake, DAYS[:3])
    refresh(any_lake, kind)
    before = any_lake.read(asset, DAYS[1])
    assert read_day(any_lake, asset, DAYS[1]) == before
    rows = empty(any_lake, DAYS[1], kind)
    stored = read_day(any_lake, asset, DAYS[1])
    assert stored.frame.collect().equals(rows)
    table = pl.from_arrow(stored.file.arrow().read())
    assert isinstance(table, pl.DataFrame)
    assert table.equals(rows)
    assert (stored.rows, stored.day, stored.path) == (rows.height, DAYS[1], before.path)
    assert stored.bytes > any_lake.read(asset, DAYS[1]).bytes
    kept = {name: note for name, note in stored.notes.items() if name not in {"thinned", "kept"}}
    assert (kept, stored.provenance) == (before.notes, before.provenance)
    assert stored.asides["quarantine"].equals(before.asides["quarantine"])
    assert stored.file.footer()["notes"] == stored.notes
    again = read_day(any_lake, asset, DAYS[1])
    assert again.file.mark == stored.file.mark
    assert not list(scratch().glob(".*.tmp"))
    assert gives_back(any_lake, asset, DAYS[1]) is None


def test_days_read_stay_while_many_files_are_open(filled: Lake, old: Old) -> None:
    stored = read_day(filled, "models", OLD[0])
    others = [filled.read("models", DAYS[2]) for _ in range(200)]
    assert stored.frame.collect().equals(old[OLD[0]])
    assert len(others) == 200


def _mark(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the series say that it was made of the files that are there now."""
    month = old_days._month

    def marked(lake: Lake, kind: Any, day: str) -> Any:
        file, facts = month(lake, kind, day)
        mark = lake.read(kind.source.name, day).file.mark
        return file, facts and msgspec.structs.replace(facts, mark=mark)

    monkeypatch.setattr(old_days, "_month", marked)


@pytest.mark.parametrize("column", OF_MODELS.kept)
def test_other_values_are_noticed_column_by_column(
    filled: Lake, column: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, day = rows_of(DAYS[0]), DAYS[0]
    other = next(row[column] for row in rows if row[column] != rows[3][column])
    if column == "hub_id":
        other = f"{rows[3][column]}0"
    write_day(filled, day, [*rows[:3], rows[3] | {column: other}, *rows[4:]])
    assert gives_back(filled, "models", day) == (
        "model_days has another version of it: materialise model_days first"
    )
    _mark(filled, monkeypatch)
    assert gives_back(filled, "models", day) == f"model_days has other values of {column}"
    assert gives_back(filled, "models", DAYS[1]) is None


def test_other_elements_of_a_list_are_noticed(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as before, so that lengths are equal."""
    day, row = DAYS[0], {"hub_id": "a", "id": "a/b"}
    write_day(lake, day, [row | {"task_categories": ["a", None]}], OF_DATASETS)
    judge(lake, [day])
    refresh(lake, OF_DATASETS)
    assert gives_back(lake, "hub_datasets", day) is None
    _mark(lake, monkeypatch)
    for other in (["b", None], ["a", "b"]):
        write_day(lake, day, [row | {"task_categories": other}], OF_DATASETS)
        reason = gives_back(lake, "hub_datasets", day)
        assert reason == "dataset_days has other values of task_categories"


def test_what_cannot_be_given_back_says_why(filled: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write_day(filled, "2026-02-06", rows_of(DAYS[0]))
    assert gives_back(filled, "models", "2026-02-06") == "model_days does not have it"
    with pytest.raises(MissingDay, match="there is no models for 2026-03-01"):
        gives_back(filled, "models", "2026-03-01")
    rows = rows_of(DAYS[0])
    write_day(filled, DAYS[0], [*rows, rows[0]])
    write_day(filled, DAYS[1], [{"hub_id": "name:a", "id": "b"}])
    refresh(filled, OF_MODELS)
    repeated = "1 of its rows repeat the identity of another"
    assert gives_back(filled, "models", DAYS[0]) == repeated
    assert gives_back(filled, "models", DAYS[1]) == "model_days has other values of hub_id"
    write_day(filled, DAYS[1], [])
    _mark(filled, monkeypatch)
    assert gives_back(filled, "models", DAYS[1]) == ("model_days has 1 rows of it, its table has 0")


def _late(lake: Lake) -> None:
    write_day(lake, "2026-01-29", rows_of("2026-01-29"))
    judge(lake, sorted([*DAYS, "2026-01-29"]))


def _withdrawn(lake: Lake) -> None:
    (lake.folder("models", DAYS[3]) / "data.parquet").unlink()


def _judged(lake: Lake) -> None:
    judge(lake, DAYS, [DAYS[0], DAYS[7]])


def _all_again(lake: Lake) -> None:
    for day in {*DAYS} - {*OLD}:
        write_day(lake, day, rows_of(day, seed=5))


def _touched(lake: Lake) -> None:
    for day in DAYS:
        os.utime(lake.folder("models", day) / "data.parquet", (1, 1))


def _nothing(_: Lake) -> None:
    pass


CHANGES = (_nothing, make_again, _late, _withdrawn, _judged, _all_again, _touched)


@pytest.mark.parametrize(
    ("how", "change"),
    [
        *(("refresh", change) for change in CHANGES),
        *(("rebuild_all", change) for change in (_nothing, _late, _withdrawn)),
        *(("other rules", change) for change in (make_again, _judged)),
    ],
)
def test_days_without_rows_of_their_own_stay(
    filled: Lake,
    old: Old,
    change: Callable[[Lake], None],
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rebuilding, "ROWS_AT_ONCE", 100)
    change(filled)
    if how == "other rules":
        monkeypatch.setattr(rebuilding, "RULES", 99)
    refresh(filled, OF_MODELS, full_refresh=how == "rebuild_all")
    all_there(filled, old)
    assert has_stored_days(filled, OF_MODELS).passed
    assert gives_newest_day_back(filled, OF_MODELS).passed
    for day in filled.days("models"):
        assert gives_back(filled, "models", day) is None
    assert [day for day, one in days_in(filled, "model_days").items() if one.only_here] == [*OLD]


def test_a_day_captured_again_has_its_new_rows(filled: Lake, old: Old) -> None:
    refresh(filled, OF_MODELS)
    write_day(filled, OLD[0], rows_of(OLD[0], seed=4))
    refresh(filled, OF_MODELS)
    old[OLD[0]] = empty(filled, OLD[0])
    assert not old[OLD[0]].is_empty()
    all_there(filled, old)


def test_rows_without_a_table_stay_and_are_named(filled: Lake, old: Old) -> None:
    """A folder that was lost is no withdrawal."""
    refresh(filled, OF_MODELS)
    for day in DAYS:
        (filled.folder("models", day) / "data.parquet").unlink()
    refresh(filled, OF_MODELS)
    assert list(days_in(filled, "model_days")) == [*OLD]
    assert has_stored_days(filled, OF_MODELS).description == (
        f"3 of its days are not stored, such as {OLD[0]}; the rows of {', '.join(OLD)} are in it "
        "alone: restore models of these days, or materialise model_days with `withdraw` and them"
    )
    for day in OLD:
        write_day(filled, day, [])
        stored = filled.read("models", day)
        notes = {**stored.notes, "rows_in": "model_days"}
        filled.write(OF_MODELS.source, day, TableWrite([], notes))
    all_there(filled, old)


def test_a_copied_lake_gives_every_day_back(
    filled: Lake, old: Old, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    other = Lake(tmp_path / "copy")
    Copy(filled.root, other.root, check=False, log=lambda _: None).run()
    all_there(other, old)
    refresh(other, OF_MODELS)
    all_there(other, old)
