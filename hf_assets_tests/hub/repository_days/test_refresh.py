"""A month changes with its days and no other; what it has stays, whatever becomes of the tables."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.hub.repository_days import rebuilding as module
from hf_assets.hub.repository_days.facts import digest
from hf_assets.hub.repository_days.reading import day_of, days_in, expand, history_of
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.rules import gives_newest_day_back, has_stored_days
from hf_assets.hub.repository_days.schemas import KINDS, OF_MODELS
from hf_assets.storage.lake import Lake
from hf_assets_tests.hub.repository_days.lake_of_days import (
    DAYS,
    UNTRUSTED,
    judge,
    rows_of,
    source,
    write_day,
)

JANUARY, FEBRUARY = "2026-01", "2026-02"


def _bytes(lake: Lake) -> dict[str, str]:
    stored = lake.read("model_days", None)
    files = zip(lake.months("model_days"), stored.months, strict=True)
    return {month: sha256(Path(path).read_bytes()).hexdigest() for month, path in files}


def _changed(lake: Lake) -> set[str]:
    """The months whose bytes a refresh changes."""
    before = _bytes(lake)
    refresh(lake, OF_MODELS)
    after = _bytes(lake)
    return {
        month for month in before.keys() | after.keys() if before.get(month) != after.get(month)
    }


def _given_back(lake: Lake) -> None:
    """Every day, hash by hash and value by value."""
    facts = days_in(lake, "model_days")
    for day in lake.days("models"):
        rows = day_of(lake, "model_days", day, OF_MODELS.kept[1:])
        assert rows is not None
        assert rows.equals(source(lake, day)), day
        assert digest([rows], OF_MODELS) == facts[day].digest
        assert rows.height == facts[day].rows


def test_every_day_is_given_back_exactly(filled: Lake) -> None:
    assert list(days_in(filled, "model_days")) == list(DAYS)
    _given_back(filled)
    assert has_stored_days(filled, OF_MODELS).passed
    assert gives_newest_day_back(filled, OF_MODELS).passed
    trusted = {day for day, facts in days_in(filled, "model_days").items() if facts.trusted}
    assert trusted == {*DAYS} - {*UNTRUSTED}


def test_nothing_changes_without_a_change(filled: Lake) -> None:
    assert not _changed(filled)
    assert filled.read("model_days", None).notes["months made"] == 0


def test_days_added_one_by_one_give_the_same_rows(filled: Lake, tmp_path: Path) -> None:
    other = Lake(tmp_path / "nightly")
    for number, day in enumerate(DAYS):
        write_day(other, day, rows_of(day))
        judge(other, DAYS[: number + 1])
        refresh(other, OF_MODELS)
    rows = [one.read("model_days", None).frame.collect() for one in (filled, other)]
    assert rows[0].equals(rows[1])


def test_few_days_at_a_time_give_the_same_rows(
    filled: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = filled.read("model_days", None).frame.collect()
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 1)
    refresh(filled, OF_MODELS, full_refresh=True)
    assert filled.read("model_days", None).frame.collect().equals(before)


def test_a_later_day_changes_its_month(filled: Lake) -> None:
    write_day(filled, "2026-02-06", rows_of("2026-02-06"))
    judge(filled, [*DAYS, "2026-02-06"])
    assert _changed(filled) == {FEBRUARY}
    _given_back(filled)


@pytest.mark.parametrize("day", ["2026-01-28", "2026-01-29"])
def test_a_day_made_again_or_late_changes_its_month(filled: Lake, day: str) -> None:
    write_day(filled, day, rows_of(day, seed=1))
    judge(filled, [*DAYS, "2026-01-29"])
    assert _changed(filled) == {JANUARY}
    _given_back(filled)


def test_a_day_made_again_with_equal_rows_is_not_joined_again(
    filled: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_day(filled, "2026-02-01", rows_of("2026-02-01"))
    before = filled.read("model_days", None).frame.collect()
    added: list[list[str]] = []
    monkeypatch.setattr(
        module.Rebuilt, "_batches", lambda self, days, _: added.append(days) or [days]
    )
    refresh(filled, OF_MODELS)
    assert added == [[]]
    assert filled.read("model_days", None).frame.collect().equals(before)
    assert not _changed(filled)


def test_a_withdrawn_day_changes_its_month(filled: Lake) -> None:
    (filled.folder("models", "2026-02-03") / "data.parquet").unlink()
    assert _changed(filled) == {FEBRUARY}
    assert day_of(filled, "model_days", "2026-02-03") is None
    _given_back(filled)


def test_a_month_without_days_goes(filled: Lake) -> None:
    for day in DAYS[:4]:
        (filled.folder("models", day) / "data.parquet").unlink()
    assert _changed(filled) == {JANUARY}
    assert filled.months("model_days") == [FEBRUARY]


def test_another_verdict_changes_its_month(filled: Lake) -> None:
    judge(filled, DAYS, ["2026-02-02"])
    assert _changed(filled) == {FEBRUARY, JANUARY} - {FEBRUARY}
    assert days_in(filled, "model_days")["2026-01-30"].trusted
    days = expand(filled.read("model_days", None).frame).filter(~pl.col("trusted")).collect()
    assert {day.isoformat() for day in days["day"]} == {"2026-02-02"}


def test_a_crash_between_parts_of_a_month_is_made_up_for(
    filled: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = filled.read("model_days", None).frame.collect()
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 1)
    read, calls = module.TableRows, iter(range(100))

    def broken(*of: Any) -> Any:
        if next(calls) == 2:
            raise OSError("the disk is full")
        return read(*of)

    monkeypatch.setattr(module, "TableRows", broken)
    with pytest.raises(OSError, match="full"):
        refresh(filled, OF_MODELS, full_refresh=True)
    assert filled.read("model_days", None).frame.collect().equals(before)
    refresh(filled, OF_MODELS)
    assert filled.read("model_days", None).frame.collect().equals(before)


def test_a_repeated_identity_is_counted_and_the_first_row_stays(lake: Lake) -> None:
    rows = rows_of(DAYS[0])
    write_day(lake, DAYS[0], [*rows, rows[0] | {"likes": 99}])
    judge(lake, DAYS[:1])
    refresh(lake, OF_MODELS)
    facts = days_in(lake, "model_days")[DAYS[0]]
    assert (facts.rows, facts.repeated) == (len(rows), 1)
    found = history_of(lake, "model_days", rows[0]["hub_id"])
    assert found["likes"].to_list() == [rows[0]["likes"]]


@pytest.mark.parametrize("name", KINDS)
def test_a_lake_without_days_has_a_table_without_rows(lake: Lake, name: str) -> None:
    judge(lake, DAYS)
    assert refresh(lake, KINDS[name]).rows == 0
    assert days_in(lake, name) == {}
    assert gives_newest_day_back(lake, KINDS[name]).passed
    assert refresh(lake, KINDS[name]).frame.collect().is_empty()


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_has_its_days(any_lake: Lake, name: str) -> None:
    """In a folder and on a store."""
    kind = KINDS[name]
    names = {*kind.kept}
    for day in DAYS[:5]:
        rows = [{key: row[key] for key in row.keys() & names} for row in rows_of(day)]
        write_day(any_lake, day, rows, kind)
    judge(any_lake, DAYS)
    refresh(any_lake, kind)
    for day in DAYS[:5]:
        found = day_of(any_lake, name, day, kind.kept[1:])
        assert found is not None
        assert found.equals(source(any_lake, day, kind))
    days = days_in(any_lake, name)
    assert [one.trusted for one in days.values()] == [day not in UNTRUSTED for day in DAYS[:5]]
    hub_id = source(any_lake, DAYS[0], kind)["hub_id"][0]
    assert history_of(any_lake, name, hub_id)["day"].is_sorted()
    write_day(any_lake, DAYS[4], [], kind)
    refresh(any_lake, kind)
    assert days_in(any_lake, name)[DAYS[4]].rows == 0


def test_counters_may_take_any_step(lake: Lake) -> None:
    levels = (0, 2**63 - 1, 2**62, 0)
    days = DAYS[: len(levels)]
    for day, level in zip(days, levels, strict=True):
        write_day(lake, day, [{"hub_id": "a", "id": "b/c", "downloads": level}])
    judge(lake, days)
    refresh(lake, OF_MODELS)
    _given_back(lake)
    assert history_of(lake, "model_days", "a")["downloads"].to_list() == [*levels]
