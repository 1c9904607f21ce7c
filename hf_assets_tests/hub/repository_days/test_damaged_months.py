"""Months that are damaged, lost, killed while they are written, or of an earlier version."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hf_assets.hub.repository_days import rebuilding
from hf_assets.hub.repository_days.facts import days_of
from hf_assets.hub.repository_days.old_days import gives_back, read_day
from hf_assets.hub.repository_days.reading import expand
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import EARLIER_TRAITS, OF_MODELS
from hf_assets.storage.lake import Lake, MissingDay, TableWrite
from hf_assets.storage.parquet import ParquetBatches, Table
from hf_assets_tests.hub.repository_days.lake_of_days import (
    DAYS,
    OLD,
    Old,
    all_there,
    empty,
    make_again,
    rows_of,
    write_day,
)

pytestmark = pytest.mark.usefixtures("unsynced")


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
    make_again(filled)
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
    make_again(filled)
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
