"""Days whose rows lie in the series alone: given back exactly, and never lost."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from hf_assets.copying.copy import Copy
from hf_assets.hub.repository_days import old_days, rebuilding
from hf_assets.hub.repository_days.facts import days_of
from hf_assets.hub.repository_days.old_days import gives_back, read_day
from hf_assets.hub.repository_days.reading import days_in, expand
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.rules import gives_newest_day_back, has_stored_days
from hf_assets.hub.repository_days.schemas import EARLIER_TRAITS, KINDS, OF_DATASETS, OF_MODELS
from hf_assets.object_store.scratch import scratch
from hf_assets.storage.lake import Lake, MissingDay, TableWrite
from hf_assets.storage.parquet import ParquetBatches, Table
from hf_assets_tests.hub.repository_days.lake_of_days import (
    DAYS,
    empty,
    judge,
    rows_of,
    write_day,
)

pytestmark = pytest.mark.usefixtures("unsynced")
# Emptied: two of three trusted days of January, one of February.
OLD = (DAYS[0], DAYS[1], DAYS[5])
Old = dict[str, pl.DataFrame]


@pytest.fixture
def old(filled: Lake) -> Old:
    """What the emptied days had."""
    return {day: empty(filled, day) for day in OLD}


def all_there(lake: Lake, old: Old) -> None:
    for day, rows in old.items():
        stored = read_day(lake, "models", day)
        found = stored.frame.collect()
        assert found.equals(rows), day
        assert stored.rows == rows.height


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


def _again(lake: Lake) -> None:
    write_day(lake, DAYS[2], rows_of(DAYS[2], seed=9))


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


CHANGES = (_nothing, _again, _late, _withdrawn, _judged, _all_again, _touched)


@pytest.mark.parametrize(
    ("how", "change"),
    [
        *(("refresh", change) for change in CHANGES),
        *(("rebuild_all", change) for change in (_nothing, _late, _withdrawn)),
        *(("other rules", change) for change in (_again, _judged)),
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
        f"3 of its days are not stored, such as {OLD[0]}"
    )
    for day in OLD:
        write_day(filled, day, [])
        stored = filled.read("models", day)
        notes = {**stored.notes, "rows_in": "model_days"}
        filled.write(OF_MODELS.source, day, TableWrite([], notes))
    all_there(filled, old)


def _refreshed(lake: Lake) -> bool:
    try:
        refresh(lake, OF_MODELS, full_refresh=True)
    except OSError:
        return False
    return True


@pytest.mark.heavy
def test_a_kill_at_any_write_leaves_every_day(
    filled: Lake, old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "ROWS_AT_ONCE", 1)
    _again(filled)
    for fatal in itertools.count():
        calls = itertools.count()

        def dies(method: Any, calls: Any = calls, fatal: int = fatal) -> Any:
            def checked(*of: Any, **named: Any) -> Any:
                if next(calls) == fatal:
                    raise OSError("killed")
                return method(*of, **named)

            return checked

        with monkeypatch.context() as patched:
            patched.setattr(ParquetBatches, "write", dies(ParquetBatches.write))
            patched.setattr(ParquetBatches, "__exit__", dies(ParquetBatches.__exit__))
            patched.setattr(Path, "replace", dies(Path.replace))
            patched.setattr(os, "link", dies(os.link))
            done = _refreshed(filled)
        all_there(filled, old)
        if done:
            break
    assert fatal > 12
    assert gives_back(filled, "models", DAYS[2]) is None


def _lost(lake: Lake) -> None:
    for path in _january(lake):
        path.unlink()


def _cut_off(lake: Lake) -> None:
    for path in _january(lake):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content[: len(content) // 2])


def _overwritten(lake: Lake) -> None:
    for path in _january(lake):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content[:100] + bytes(4000) + content[4100:])


def _january(lake: Lake) -> list[Path]:
    folder = lake.root / "model_days"
    return [*folder.glob(".versions/2026-01*"), *folder.glob("month=2026-01/*")]


@pytest.mark.parametrize("harm", [_lost, _cut_off, _overwritten])
def test_a_damaged_month_names_the_days_that_nothing_else_has(
    filled: Lake, old: Old, harm: Callable[[Lake], None]
) -> None:
    refresh(filled, OF_MODELS)
    _again(filled)
    harm(filled)
    before = {path: path.read_bytes() for path in _january(filled)}
    named = rf"{OLD[0]} and {OLD[1]} are nowhere else: restore model_days from a backup"
    for again in (False, True):
        with pytest.raises(MissingDay, match=named):
            refresh(filled, OF_MODELS, full_refresh=again)
    with pytest.raises(MissingDay, match="restore"):
        read_day(filled, "models", OLD[0])
    assert {path: path.read_bytes() for path in _january(filled)} == before


def test_a_damaged_month_of_days_with_rows_is_made_again(filled: Lake) -> None:
    _cut_off(filled)
    refresh(filled, OF_MODELS)
    for day in DAYS:
        assert gives_back(filled, "models", day) is None


def test_an_older_copy_of_a_month_is_noticed(filled: Lake) -> None:
    """A backup from before the day was captured again."""
    (public,) = filled.root.glob("model_days/month=2026-01/data.parquet")
    backup = public.read_bytes()
    write_day(filled, OLD[0], rows_of(OLD[0], seed=4))
    refresh(filled, OF_MODELS)
    empty(filled, OLD[0])
    _lost(filled)
    public.write_bytes(backup)
    with pytest.raises(MissingDay, match="other rows than it had: restore it"):
        read_day(filled, "models", OLD[0])
    for again in (False, True):
        with pytest.raises(MissingDay, match=f"{OLD[0]} are nowhere else"):
            refresh(filled, OF_MODELS, full_refresh=again)


def test_a_copied_lake_gives_every_day_back(
    filled: Lake, old: Old, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    other = Lake(tmp_path / "copy")
    Copy(filled.root, other.root, check=False, log=lambda _: None).run()
    all_there(other, old)
    refresh(other, OF_MODELS)
    all_there(other, old)


# As a month was before it had traits.
_EARLIER = Table(
    name="model_days",
    columns={
        name: column
        for name, column in OF_MODELS.table.columns.items()
        if name not in {*OF_MODELS.traits_stored, EARLIER_TRAITS}
    },
)


def test_months_of_an_earlier_version_are_made_again(filled: Lake) -> None:
    expected = filled.read("model_days", None).frame.collect()
    expanded = expand(expected.lazy()).collect()
    for month in filled.months("model_days"):
        stored = filled.read("model_days", month)
        notes = {**stored.notes, "rules": 1}
        rows = stored.frame.select(*_EARLIER.columns).collect()
        filled.write(_EARLIER, month, TableWrite([rows], notes))
    filled.join_months("model_days", filled.months("model_days"), {}, 0.0)
    there = filled.read("model_days", None)
    assert EARLIER_TRAITS not in there.frame.collect_schema().names()
    assert expand(there.frame).collect().equals(expanded)
    for day in DAYS[:2]:  # thinned by that version
        stored = filled.read("models", day)
        notes = {"thinned": "2026-05-01", "kept": ", ".join(("day", *OF_MODELS.kept))}
        filled.write(OF_MODELS.source, day, TableWrite([stored.frame.collect()], notes))
    refresh(filled, OF_MODELS)
    assert filled.read("model_days", None).frame.collect().equals(expected)
    assert all(days_of(one) for one in filled.month_notes("model_days").values())
