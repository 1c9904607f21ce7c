"""Concurrent refreshes of a series, readers meanwhile, and killed refreshes."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from hf_assets.object_store.path import StorePath
from hf_assets.storage import month_files, months
from hf_assets.storage.durable import STALE_TEMPORARY
from hf_assets.storage.lake import Lake, MissingDay
from hf_assets.storage.locks import BusyError
from hf_assets.storage.month_files import MonthFiles
from hf_assets.storage.opened import OpenedFile
from hf_assets.trends.series.incremental import levels, refresh
from hf_assets.trends.series.past import Past
from hf_assets_tests.support.hub.captures import ROOT, python
from hf_assets_tests.support.trends.days import day
from hf_assets_tests.support.trends.quarters import LEVELS, Days, whole

SERIES = LEVELS[0]
NAME = SERIES.table.name
REFRESH = """
import sys
from hf_assets.storage.lake import Lake
from hf_assets.trends.series.incremental import refresh
from hf_assets.trends.series.past import Past
from hf_assets_tests.support.trends.quarters import LEVELS
(stored,) = refresh(Past(Lake.at(sys.argv[1])), LEVELS[0])
print(stored.notes["months made"])
"""


@pytest.fixture
def days(lake: Lake) -> Days:
    """The last days of March and the first of April, and one series of them."""
    return two_months(lake)


def two_months(lake: Lake) -> Days:
    found = Days(lake)
    for number in range(25, 40):
        found.put(number, number % 10)
    refresh(found.judged(), SERIES)
    return found


def table(lake: Lake) -> pl.DataFrame:
    """The series as it is read, which is as many rows as it says."""
    stored = lake.read(NAME, None)
    frame = stored.frame.collect()
    assert stored.rows == frame.height
    return frame


def as_if_made_at_once(lake: Lake) -> None:
    assert_frame_equal(table(lake), whole(SERIES, Past(lake)))
    public = [lake.folder(NAME, month) / "data.parquet" for month in lake.months(NAME)]
    assert_frame_equal(pl.read_parquet(public), table(lake))


def test_a_reader_keeps_the_table_it_began_with(days: Days) -> None:
    before, stored = table(days.lake), days.lake.read(NAME, None)
    frame, size = stored.frame, stored.bytes
    days.put(26, 1)
    days.put(33, 1)
    refresh(days.judged(), SERIES)
    assert_frame_equal(stored.frame.collect(), before)
    assert_frame_equal(frame.collect(), before)
    assert stored.bytes == size
    assert not table(days.lake).equals(before)
    for number in list(days.seeds):
        days.drop(number)
    refresh(days.judged(), SERIES)
    assert table(days.lake).is_empty()
    assert days.lake.months(NAME) == []
    assert_frame_equal(frame.collect(), before)


def test_files_that_are_the_table_no_longer_stay_for_a_day(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = days.lake.folder(NAME, None) / ".versions"
    assert len(list(versions.iterdir())) == 2
    days.put(33, 1)
    refresh(days.judged(), SERIES)
    assert len(list(versions.iterdir())) == 3
    refresh(days.judged(), SERIES)
    assert len(list(versions.iterdir())) == 3
    now = month_files.time.time()
    monkeypatch.setattr(month_files.time, "time", lambda: now + STALE_TEMPORARY + 1)
    refresh(days.judged(), SERIES)
    assert len(list(versions.iterdir())) == 2
    as_if_made_at_once(days.lake)


@pytest.mark.usefixtures("locks")
def test_the_second_of_two_refreshes_waits_and_finds_nothing_to_do(days: Days) -> None:
    days.put(40, 1)
    days.judged()
    second, tried = [], threading.Event()
    lock, make = MonthFiles.lock, SERIES.make

    def locking(files: MonthFiles, wait: float | None = None) -> object:
        tried.set()
        return lock(files, wait)

    def making(past: Past) -> object:
        tried.clear()
        second.append(pool.submit(lambda: refresh(Past(days.lake), SERIES)))
        # The other is at the lock; it goes on when this one is at its end.
        assert tried.wait(60)
        return make(past)

    with ThreadPoolExecutor(1) as pool, pytest.MonkeyPatch.context() as patch:
        patch.setattr(MonthFiles, "lock", locking)
        (first,) = refresh(Past(days.lake), levels(SERIES.table, making))  # ty: ignore[invalid-argument-type]
        (other,) = second[0].result(60)
    assert (first.notes["months made"], other.notes["months made"]) == (1, 0)
    as_if_made_at_once(days.lake)


def test_a_refresh_that_began_to_look_before_another_deletes_nothing_of_it(days: Days) -> None:
    early = Past(days.lake)
    assert len(early.metrics_files) == 15
    assert len(early.changes_files) == early.quality.height == 15
    days.put(62, 1)  # the second of May
    refresh(days.judged(), SERIES)
    (stored,) = refresh(early, SERIES)
    assert days.lake.months(NAME) == ["2025-03", "2025-04", "2025-05"]
    assert stored.notes["months made"] == 0
    as_if_made_at_once(days.lake)


def eight_refresh(days: Days) -> None:
    """Eight processes refresh at once: one of them builds the two months that have changed."""
    days.put(26, 1)
    days.put(33, 1)
    days.judged()
    command = [sys.executable, "-c", REFRESH, str(days.lake.root)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(8)
    ]
    made = sorted(int(process.communicate(timeout=600)[0]) for process in processes)
    assert made == [0] * 7 + [2]
    assert_frame_equal(table(days.lake), whole(SERIES, Past(days.lake)))


@pytest.mark.heavy
@pytest.mark.usefixtures("locks")
def test_of_eight_processes_one_builds_the_series(days: Days) -> None:
    eight_refresh(days)
    as_if_made_at_once(days.lake)


@pytest.mark.heavy
@pytest.mark.release
@pytest.mark.usefixtures("postgres_locks")
def test_of_eight_processes_one_builds_the_series_on_a_store(bucket: StorePath) -> None:
    eight_refresh(two_months(Lake(bucket)))


@pytest.mark.usefixtures("locks")
def test_a_refresh_that_nobody_ends_is_named(days: Days) -> None:
    files = MonthFiles(days.lake.folder(NAME, None))
    told = r"another run has been refreshing .*/category_history for over 0 s"
    with files.lock(), pytest.raises(BusyError, match=told) as seen, files.lock(0):
        pass
    assert not seen.value.permanent
    with files.lock(0) as waited:
        assert not waited


def test_a_copy_of_days_that_is_replaced_meanwhile_counts_no_day_twice(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Days(lake)
    for number in range(8):
        found.put(number, number)
    numbers = [day(number) for number in range(14)]
    assert Past(found.judged().lake).dimension("model").height
    for number in range(8, 14):
        found.put(number, number)
    found.judged()
    kept = months._kept

    def replaced(path: Path, *arguments: object) -> object:
        monkeypatch.undo()
        copy = kept(path, *arguments)  # ty: ignore[invalid-argument-type]
        with monkeypatch.context() as patch:
            patch.setattr(months, "WAITING", 0)
            assert Past(lake).dimension("category").height  # keeps all fourteen days
        return copy

    monkeypatch.setattr(months, "_kept", replaced)
    past = Past(lake)
    rows = past.dimension("usage_total")
    assert [past.calendar.days[at] for at in rows["at"]] == [
        (one - numbers[0]).days + past.calendar.days[0] for one in numbers
    ]


# Crashes


@pytest.mark.usefixtures("locks")
def test_a_killed_refresh_leaves_the_old_table_and_its_lock(days: Days) -> None:
    before = table(days.lake)
    days.put(26, 1)
    days.put(33, 1)
    past = days.judged()
    writer = python("hf_assets_tests.support.trends.slow_series", days.lake.root)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "half\n", writer.communicate()
    with pytest.raises(BusyError), MonthFiles(days.lake.folder(NAME, None)).lock(0):
        pass
    writer.kill()
    writer.communicate()
    assert_frame_equal(table(days.lake), before)
    public = [days.lake.folder(NAME, month) / "data.parquet" for month in days.lake.months(NAME)]
    assert_frame_equal(pl.read_parquet(public), before)
    refresh(past, SERIES)
    as_if_made_at_once(days.lake)


def test_a_crash_before_the_public_names_is_made_up_for(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    days.put(33, 1)
    past = days.judged()
    with monkeypatch.context() as patch:
        patch.setattr(MonthFiles, "_publish", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            refresh(past, SERIES)
    assert_frame_equal(table(days.lake), whole(SERIES, past))
    (stored,) = refresh(past, SERIES)
    assert stored.notes["months made"] == 0
    as_if_made_at_once(days.lake)


# Lakes of before, and copies


def of_before(lake: Lake) -> None:
    """The same as it was stored until versions had names."""
    folder = lake.folder(NAME, None)
    said = json.loads((folder / "months.json").read_bytes())
    said = {key: said[key] for key in ("months", "notes", "seconds")}
    (folder / "months.json").write_text(json.dumps(said))
    shutil.rmtree(folder / ".versions")


def without_hidden_files(lake: Lake) -> None:
    shutil.rmtree(lake.folder(NAME, None) / ".versions")


@pytest.mark.parametrize("change", [of_before, without_hidden_files])
def test_a_lake_without_versions_is_read_and_gets_them(
    days: Days, change: Callable[[Lake], None]
) -> None:
    before, inodes = table(days.lake), _inodes(days.lake)
    change(days.lake)
    assert_frame_equal(table(days.lake), before)
    (stored,) = refresh(days.judged(), SERIES)
    assert stored.notes["months made"] == 0
    assert {path.parent.name for path in stored.months} == {".versions"}
    assert _inodes(days.lake) == inodes, "the same files"
    stored = days.lake.read(NAME, None)
    days.put(33, 1)
    refresh(days.judged(), SERIES)
    assert_frame_equal(stored.frame.collect(), before)
    as_if_made_at_once(days.lake)


def _inodes(lake: Lake) -> list[int]:
    paths = lake.folder(NAME, None).glob("month=*/data.parquet")
    return [path.stat().st_ino for path in sorted(paths)]


def test_where_files_have_one_name_only_the_public_ones_are_copies(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError("one name a file")

    monkeypatch.setattr(os, "link", refused)
    days.put(33, 1)
    refresh(days.judged(), SERIES)
    as_if_made_at_once(days.lake)


def test_a_month_that_is_gone_is_named_and_rebuilt(days: Days) -> None:
    versions = days.lake.folder(NAME, None) / ".versions"
    without_hidden_files(days.lake)
    shutil.rmtree(days.lake.folder(NAME, "2025-03"))
    with pytest.raises(MissingDay, match=r"month=2025-03/data.parquet is gone, a part of category"):
        days.lake.read(NAME, None)
    (stored,) = refresh(days.judged(), SERIES)
    assert stored.notes["months made"] == 1
    assert len(list(versions.iterdir())) == 2
    as_if_made_at_once(days.lake)


def test_a_table_that_becomes_months_while_it_is_looked_for(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = days.lake
    folder = lake.folder(NAME, None)
    shutil.move(folder, folder.with_name("aside"))
    wanted = lake.write(SERIES.table, None, SERIES.make(Past(lake))).rows

    def opening(path: object) -> OpenedFile:
        monkeypatch.undo()
        shutil.rmtree(folder)
        shutil.move(folder.with_name("aside"), folder)
        return OpenedFile(str(path))

    monkeypatch.setattr("hf_assets.storage.lake.open_file", opening)
    assert lake.read(NAME, None).rows == wanted
