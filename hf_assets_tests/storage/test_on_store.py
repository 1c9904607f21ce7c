"""Tables on a store: how many requests they cost, and what stands when something goes wrong."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.object_store import writer
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.errors import CommitConflict, ReplacedError, StoreError
from hf_assets.object_store.path import StorePath
from hf_assets.object_store.reading import StoreFile
from hf_assets.object_store.scratch import scratch
from hf_assets.storage import durable, months, side_tables
from hf_assets.storage.durable import StorageError, link, replacing, stamp, storing, write_bytes
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets_tests.conftest import DAY
from hf_assets_tests.storage.test_readers import version
from hf_assets_tests.support.full_disk import files_no_longer_than
from hf_assets_tests.support.hub.captures import python
from hf_assets_tests.support.object_store.counting import CountingProxy, Fault
from hf_assets_tests.support.replacing_writer import VERSIONS, write
from hf_assets_tests.support.slow_writer import NUMBERS, numbers, temporaries


@pytest.fixture
def stored_lake(bucket: StorePath, store_proxy: CountingProxy) -> Lake:
    """An empty lake on a store, through the proxy."""
    return Lake(bucket)


@pytest.fixture
def proxy(stored_lake: Lake, store_proxy: CountingProxy) -> CountingProxy:
    return store_proxy


def asked(proxy: CountingProxy) -> dict[str, int]:
    """The requests since the last call."""
    counts = dict(proxy.counts())
    proxy.clear()
    return counts


# Requests: the bounds that docs/cluster.md states


def test_requests_of_a_day(stored_lake: Lake, proxy: CountingProxy) -> None:
    lake, aside = stored_lake, {"quarantine": pl.DataFrame({"reason": ["no id"]})}
    lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)]))
    # What was there, the day, and the day as it is stored.
    assert asked(proxy) == {"GET range": 2, "PUT": 1}
    stored = lake.read("numbers", DAY)
    assert stored.frame.collect().height == 3
    assert lake.notes("numbers", DAY) == {}
    assert asked(proxy) == {"GET range": 2}
    lake.write(NUMBERS, DAY, TableWrite([numbers(0, 4)], aside=aside))
    # The side table, its public copy, and a look for old ones.
    assert asked(proxy) == {"GET range": 2, "PUT": 3, "GET": 1, "LIST": 1}
    assert lake.read("numbers", DAY).asides.keys() == {"quarantine"}
    assert asked(proxy) == {"GET range": 2}


def test_requests_of_many_days(stored_lake: Lake, proxy: CountingProxy) -> None:
    first = date(2025, 11, 1)
    every = [(first + timedelta(at)).isoformat() for at in range(61)]
    days = {day: lambda: TableWrite([]) for day in every}
    assert len(list(stored_lake.write_days(DAILY_METRICS, days))) == 61
    assert asked(proxy) == {"GET range": 122, "PUT": 61}
    assert stored_lake.days("daily_metrics") == every
    marks = months.marks(stored_lake, "daily_metrics")
    assert list(marks) == every
    assert asked(proxy) == {"LIST": 2}
    columns = {"dimension": pl.String(), "day": pl.Date()}
    months.by_month(stored_lake, DAILY_METRICS, marks, columns)
    # A request a day; of each month a look for the copy, the copy, and the copy as it is stored.
    assert asked(proxy) == {"GET range": 61 + 4, "PUT": 2}
    months.by_month(stored_lake, DAILY_METRICS, marks, columns)
    assert asked(proxy) == {"GET range": 2}
    months.notes_by_month(stored_lake, "daily_metrics")
    assert asked(proxy) == {"LIST": 1, "GET": 2, "GET range": 61, "PUT": 2}
    months.notes_by_month(stored_lake, "daily_metrics")
    assert asked(proxy) == {"LIST": 1, "GET": 2}


def test_requests_of_captures(stored_lake: Lake, proxy: CountingProxy) -> None:
    """The days of a raw asset, of which each has thousands of pages."""
    folder = stored_lake.folder("raw_models", None)
    for at in range(1, 6):
        for page in range(20):
            overwrite(folder / f"day=2026-11-0{at}" / "attempt" / str(page), b"x")
        if at != 3:
            overwrite(folder / f"day=2026-11-0{at}" / "capture.json", b"{}")
    proxy.clear()
    wanted = ["2026-11-01", "2026-11-02", "2026-11-04", "2026-11-05"]
    assert stored_lake.days("raw_models", "capture.json") == wanted
    assert asked(proxy) == {"LIST": 1, "HEAD": 5}


def test_requests_of_a_table_by_month(stored_lake: Lake, proxy: CountingProxy) -> None:
    lake, keys = stored_lake, [f"2026-{month:02}" for month in range(1, 13)]
    for key in keys:
        lake.write(NUMBERS, key, TableWrite([numbers(0, 3)]))
    asked(proxy)
    lake.join_months("numbers", keys, {}, 0)
    # months.json before and after, a footer and a public copy of each month.
    rest = {"LIST": 3, "DELETE many": 1}
    assert asked(proxy) == {"GET range": 2 + 12, "GET": 12, "PUT": 1 + 12, **rest}
    lake.write(NUMBERS, keys[-1], TableWrite([numbers(0, 5)]))
    asked(proxy)
    stored = lake.join_months("numbers", keys, {"x": 1}, 0)
    assert asked(proxy) == {"GET range": 2 + 1, "GET": 1, "PUT": 1 + 1, **rest}
    assert lake.read("numbers", None).rows == stored.rows == 11 * 3 + 5
    asked(proxy)
    assert stored.frame.collect().height == 38
    assert asked(proxy) == {"GET range": 12}


# Writers


def test_the_run_that_joined_months_is_named(
    stored_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_lake.write(NUMBERS, "2026-11", TableWrite([numbers(0, 3)]))
    writer.writing_as("0b1e5f")
    try:
        stored_lake.join_months("numbers", ["2026-11"], {}, 0)
    finally:
        writer.writing_as("")
    marker = (stored_lake.folder("numbers", None) / "months.json").read_text()
    assert json.loads(marker)["writer"] == "0b1e5f"


def test_who_was_slower_changes_nothing(stored_lake: Lake) -> None:
    lake = stored_lake
    write(lake, "old")

    def frames() -> Iterator[pl.DataFrame]:
        write(lake, "new")
        yield numbers(5, 5)

    aside = {"quarantine": pl.DataFrame({"version": ["third"]})}
    with pytest.raises(CommitConflict, match="another run stored s3:") as seen:
        lake.write(NUMBERS, DAY, TableWrite(frames(), aside=aside))
    assert not seen.value.permanent
    assert version(lake.read("numbers", DAY)) == "new"
    public = (lake.folder("numbers", DAY) / "quarantine.parquet").read_bytes()
    assert pl.read_parquet(public)["version"].to_list() == ["new"]


def test_a_day_that_was_deleted_meanwhile_stays_deleted(stored_lake: Lake) -> None:
    write(stored_lake, "old")
    path = stored_lake.folder("numbers", DAY) / "data.parquet"

    def replace() -> None:
        with replacing(path) as new:
            new.write_bytes(b"new")
            path.unlink()

    with pytest.raises(CommitConflict, match="was deleted while"):
        replace()
    assert stored_lake.days("numbers") == []


def test_a_lost_answer_is_no_loss(stored_lake: Lake, proxy: CountingProxy) -> None:
    proxy.faults = [Fault("lost", kinds=("PUT",), times=1)]
    write(stored_lake, "old")
    assert version(stored_lake.read("numbers", DAY)) == "old"
    proxy.faults = [Fault("lost", kinds=("PUT",), times=1, after=1)]
    write(stored_lake, "new")
    assert version(stored_lake.read("numbers", DAY)) == "new"


def test_a_refusal_leaves_the_old_day(stored_lake: Lake, proxy: CountingProxy) -> None:
    write(stored_lake, "old")
    for after in (0, 1):
        proxy.faults = [Fault("AccessDenied", kinds=("PUT",), after=after)]
        with pytest.raises(StoreError, match="AccessDenied: let this key"):
            write(stored_lake, "new")
        proxy.faults = []
        assert version(stored_lake.read("numbers", DAY)) == "old"
    assert not temporaries(stored_lake)


def test_a_join_that_another_machine_overtook_is_an_error(
    stored_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = stored_lake
    lake.write(NUMBERS, "2026-11", TableWrite([numbers(0, 3)]))
    manifest = lake.folder("numbers", None) / "months.json"

    def overtaken(path: StorePath, *arguments: Any) -> None:
        if path == manifest:
            overwrite(path, b"{}")
        write_bytes(path, *arguments)

    monkeypatch.setattr("hf_assets.storage.month_files.write_bytes", overtaken)
    with pytest.raises(CommitConflict):
        lake.join_months("numbers", ["2026-11"], {}, 0)
    assert lake.months("numbers") == []


def test_a_full_scratch_is_named(stored_lake: Lake) -> None:
    write(stored_lake, "old")
    frame = numbers(0, 100_000).with_columns(n=pl.col("n").hash().reinterpret(signed=True))
    with (
        files_no_longer_than(50_000),
        pytest.raises(StorageError, match="ulimit"),
    ):
        stored_lake.write(NUMBERS, DAY, TableWrite([frame]))
    assert version(stored_lake.read("numbers", DAY)) == "old"
    assert not temporaries(stored_lake)


def test_an_error_of_the_store_keeps_its_words(tmp_path: Path, bucket: StorePath) -> None:
    error = StoreError(
        "s3://lake/x", "InternalError", "its disk may be full (os error 28)", permanent=False
    )
    for path in (tmp_path, bucket):
        with pytest.raises(StoreError) as seen, storing(path):
            raise error
        assert seen.value is error


def test_old_side_tables_go_and_new_ones_stay(
    stored_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("old", "new", "old"):
        write(stored_lake, name)
    folder = stored_lake.folder("numbers", DAY)
    assert len(list(folder.glob(".quarantine.*"))) == 3
    monkeypatch.setattr(side_tables, "STALE_TEMPORARY", -1.0)
    write(stored_lake, "new")
    # The one that it replaced may have a reader.
    assert len(list(folder.glob(".quarantine.*"))) == 2
    assert version(stored_lake.read("numbers", DAY)) == "new"


def test_a_side_table_that_went_before_it_was_read(stored_lake: Lake) -> None:
    write(stored_lake, "old")
    stored = stored_lake.read("numbers", DAY)
    for path in list(stored_lake.folder("numbers", DAY).glob(".quarantine.*")):
        path.unlink()
    with pytest.raises(ReplacedError, match="read it again"):
        stored.aside("quarantine")


# Killed, and beside a writer


@pytest.mark.heavy
def test_a_reader_beside_a_writer_that_is_killed(bucket: StorePath, tmp_path: Path) -> None:
    """Whatever the moment, the day is one of its versions, complete."""
    lake, moments = Lake(bucket), random.Random(15)
    write(lake, "old")
    for _ in range(4):
        process = python("hf_assets_tests.support.replacing_writer", str(bucket), "100000")
        end, seen = None, set[str]()
        while end is None or time.monotonic() < end:
            seen.add(version(lake.read("numbers", DAY)))
            if len(seen) > 1 and end is None:
                end = time.monotonic() + moments.random() / 4
        process.kill()
        process.communicate()
        assert version(lake.read("numbers", DAY)) in VERSIONS
        assert lake.days("numbers") == [DAY]
    write(lake, "old")
    assert version(lake.read("numbers", DAY)) == "old"


SENDS = """
import sys
from pathlib import Path
from hf_assets.object_store.commit import commit
from hf_assets.object_store.path import location
def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
path, before = location(sys.argv[1]), 0
commit(path / "small", b"x", None)
import threading
before, seen, end = anonymous(), [], threading.Event()
def watch():
    while not end.wait(0.002):
        seen.append(anonymous())
threading.Thread(target=watch).start()
commit(path / "large", Path(sys.argv[2]), None)
end.set()
print(max(seen) - before)
"""


@pytest.mark.heavy
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_a_large_file_is_sent_without_a_copy_in_memory(bucket: StorePath, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(random.Random(1).randbytes(100_000_000))
    command = [sys.executable, "-c", SENDS, str(bucket), str(large)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert StoreFile(bucket / "large").size == 100_000_000
    assert int(done.stdout) * 1024 < 30_000_000


@pytest.mark.heavy
def test_a_writer_that_is_killed_half_way_leaves_nothing_on_the_store(bucket: StorePath) -> None:
    lake = Lake(bucket)
    process = python("hf_assets_tests.support.slow_writer", str(bucket))
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n", process.communicate()
    process.kill()
    process.communicate()
    assert list(bucket.below()) == []
    assert len(temporaries(lake)) == 1


# Files


def test_a_copy_is_whatever_was_written_last(bucket: StorePath) -> None:
    path = bucket / "copy"
    with replacing(path, durable.ANY) as new:
        new.write_bytes(b"mine")
        write_bytes(path, b"another's", durable.ANY)
    assert path.read_bytes() == b"mine"
    before = stamp(path)
    link(path, bucket / "second")
    assert (bucket / "second").read_bytes() == b"mine"
    write_bytes(path, b"more")
    assert stamp(path) != before != ()
    assert stamp(bucket / "none") == ()
    assert [each for each in scratch().iterdir() if each.suffix == ".tmp"] == []
