"""A day is stored whole or not at all: errors, full disks, killed writers, many days."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from hf_assets.object_store.errors import CommitConflict
from hf_assets.storage import durable
from hf_assets.storage.durable import StorageError, append_line, replacing
from hf_assets.storage.lake import SETTLING, Lake, TableWrite
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.full_disk import files_no_longer_than
from hf_assets_tests.support.hub.captures import python
from hf_assets_tests.support.slow_writer import NUMBERS, numbers, temporaries


def broken(error: BaseException) -> Iterator[pl.DataFrame]:
    yield numbers(500, 3000)
    raise error


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), MemoryError()])
def test_an_error_on_the_way_leaves_the_old_day(lake: Lake, error: BaseException) -> None:
    before = lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)], notes={"x": 1}))
    content = before.path.read_bytes()
    with pytest.raises(type(error)):
        lake.write(NUMBERS, DAY, TableWrite(broken(error)))
    assert before.path.read_bytes() == content
    assert lake.read("numbers", DAY) == before
    assert not temporaries(lake)


def test_an_error_on_the_way_leaves_no_day_where_none_was(lake: Lake) -> None:
    with pytest.raises(RuntimeError):
        lake.write(NUMBERS, DAY, TableWrite(broken(RuntimeError("x"))))
    assert lake.days("numbers") == []
    assert not temporaries(lake)


# Many days

DAYS = [f"2026-11-0{at}" for at in range(1, 8)]


def made_of(at: int) -> TableWrite:
    return TableWrite([numbers(at, at + 1)], notes={"at": at})


def test_many_days_are_given_in_order_each_when_it_is_there(lake: Lake) -> None:
    makes = {day: lambda at=at: made_of(at) for at, day in enumerate(DAYS)}
    given = []
    for day, stored in lake.write_days(NUMBERS, makes):
        assert day == stored.day
        assert lake.read("numbers", day) == stored
        given.append((day, stored.rows, stored.notes["at"]))
    assert given == [(day, at + 1, at) for at, day in enumerate(DAYS)]
    assert list(lake.write_days(NUMBERS, {})) == []
    assert [day for day, _ in lake.write_days(NUMBERS, {None: lambda: made_of(0)})] == [None]


@pytest.mark.parametrize("late", [False, True], ids=["at once", "on the way"])
def test_days_before_one_that_fails_are_given_and_none_after_it_is_made(
    lake: Lake, late: bool
) -> None:
    begun: list[int] = []

    def make(at: int) -> TableWrite:
        begun.append(at)
        if at == 3 and not late:
            raise RuntimeError("x")
        return TableWrite(broken(RuntimeError("x"))) if at == 3 else made_of(at)

    makes = {day: lambda at=at: make(at) for at, day in enumerate(DAYS)}
    given = []
    with pytest.raises(RuntimeError, match="x"):
        given.extend(day for day, _ in lake.write_days(NUMBERS, makes))
    assert given == lake.days("numbers") == DAYS[:3]
    assert begun == [0, 1, 2, 3]
    assert not temporaries(lake)


def test_two_days_are_made_at_a_time_and_given_in_order(lake: Lake) -> None:
    both = threading.Barrier(2, timeout=60)
    makes = {day: lambda at=at: (both.wait(), made_of(at))[1] for at, day in enumerate(DAYS[:6])}
    given = [(day, one.notes["at"]) for day, one in lake.write_days(NUMBERS, makes, at_once=2)]
    assert given == [(day, at) for at, day in enumerate(DAYS[:6])]


def test_a_day_made_beside_one_that_fails_is_not_stored(lake: Lake) -> None:
    after = threading.Event()

    def fails() -> TableWrite:
        assert after.wait(60)
        raise RuntimeError("x")

    def made() -> TableWrite:
        after.set()
        return made_of(2)

    makes = {DAYS[0]: lambda: made_of(0), DAYS[1]: fails, DAYS[2]: made, DAYS[3]: made}
    given = []
    with pytest.raises(RuntimeError, match="x"):
        given.extend(day for day, _ in lake.write_days(NUMBERS, makes, at_once=2))
    assert given == lake.days("numbers") == DAYS[:1]
    assert not temporaries(lake)


def test_the_next_day_is_made_while_the_caller_has_the_last(lake: Lake) -> None:
    second = threading.Event()
    makes = {DAYS[0]: lambda: made_of(0), DAYS[1]: lambda: (second.set(), made_of(1))[1]}
    days = lake.write_days(NUMBERS, makes)
    next(days)
    assert second.wait(60)
    assert [day for day, _ in days] == [DAYS[1]]


def test_who_asks_for_no_more_days_gets_no_more(lake: Lake) -> None:
    begun: list[str] = []
    many = [f"2026-10-{at:02}" for at in range(1, 2 * SETTLING + 3)]
    makes = {day: lambda day=day: (begun.append(day), made_of(1))[1] for day in many}
    days = lake.write_days(NUMBERS, makes)
    next(days)
    days.close()
    stored = lake.days("numbers")
    # What was written waits for the disk, and gets there; one more may have been begun.
    assert stored == many[: len(stored)]
    assert begun[: len(stored)] == stored
    assert len(begun) <= len(stored) + 1
    assert len(stored) <= SETTLING + 1
    assert not temporaries(lake)


def test_a_reader_sees_the_old_day_until_the_new_one_is_whole(lake: Lake) -> None:
    lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)]))
    seen: list[int] = []

    def frames() -> Iterator[pl.DataFrame]:
        for at in range(3):
            yield numbers(at * 2000, 2000)
            seen.append(lake.read("numbers", DAY).frame.collect().height)

    lake.write(NUMBERS, DAY, TableWrite(frames()))
    assert seen == [3, 3, 3]
    assert lake.read("numbers", DAY).rows == 6000


def test_two_writers_of_one_day_leave_one_of_the_two_whole(lake: Lake) -> None:
    turns = threading.Barrier(2)

    def frames(first: int) -> Iterator[pl.DataFrame]:
        for at in range(4):
            turns.wait()  # batch by batch, both at once
            yield numbers(first + at * 1500, 1500)

    conflicts: list[CommitConflict] = []

    def write(first: int) -> None:
        try:
            lake.write(NUMBERS, DAY, TableWrite(frames(first), notes={"first": first}))
        except CommitConflict as error:
            conflicts.append(error)

    for number in range(5):
        # Others each time: who stores the very bytes that are there leaves the tag as it was.
        firsts = (number * 10_000, 1_000_000 + number * 10_000)
        threads = [threading.Thread(target=write, args=(first,)) for first in firsts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)  # a store that is busy is asked again for two minutes
        stored = lake.read("numbers", DAY)
        first = stored.notes["first"]
        assert stored.frame.collect()["n"].to_list() == list(range(first, first + 6000))
        assert not temporaries(lake)
        # On a store the slower one is told, with an error.
        assert len(conflicts) == (0 if isinstance(lake.root, Path) else number + 1)


def test_many_writers_of_one_file_leave_one_of_them(lake: Lake) -> None:
    contents = [bytes([65 + at]) * 100_000 for at in range(6)]

    def write(content: bytes) -> None:
        with suppress(CommitConflict):
            lake.write_file("figures", DAY, "a.svg", content)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (lake.folder("figures", DAY) / "a.svg").read_bytes() in contents
    assert not temporaries(lake)


def random_numbers(count: int) -> pl.DataFrame:
    """Numbers that do not compress."""
    return numbers(0, count).with_columns(n=pl.col("n").hash(1).reinterpret(signed=True))


def test_a_day_that_finds_no_room_leaves_the_old_one(folder_lake: Lake) -> None:
    before = folder_lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)]))
    content = before.path.read_bytes()
    with files_no_longer_than(50_000), pytest.raises(OSError, match="File too large"):
        folder_lake.write(NUMBERS, DAY, TableWrite([random_numbers(100_000)]))
    assert before.path.read_bytes() == content
    assert not temporaries(folder_lake)


def test_a_file_that_finds_no_room_leaves_the_old_one(folder_lake: Lake) -> None:
    path = folder_lake.write_file("figures", DAY, "a.svg", b"old")
    with files_no_longer_than(50_000), pytest.raises(OSError, match="File too large"):
        folder_lake.write_file("figures", DAY, "a.svg", b"x" * 100_000)
    assert path.read_bytes() == b"old"
    assert not temporaries(folder_lake)


def test_a_side_table_that_finds_no_room_leaves_the_old_day(folder_lake: Lake) -> None:
    before = folder_lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)]))
    content = before.path.read_bytes()
    aside = {"quarantine": random_numbers(100_000)}
    with files_no_longer_than(50_000), pytest.raises((OSError, pl.exceptions.PolarsError)):
        folder_lake.write(NUMBERS, DAY, TableWrite([numbers(0, 4)], aside=aside))
    assert before.path.read_bytes() == content
    assert folder_lake.read("numbers", DAY).aside("quarantine") is None
    assert not temporaries(folder_lake)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    try:
        mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a small file system cannot be mounted here (root alone may)")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_leaves_the_old_day(small_disk: Path) -> None:
    lake = Lake(small_disk)
    before = lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)]))
    content = before.path.read_bytes()
    told = f"No space left on device. The file system of {small_disk}.* has 0 of 262,144 bytes free"
    for write in (
        lambda: lake.write(NUMBERS, DAY, TableWrite([random_numbers(10_000) for _ in range(10)])),
        lambda: lake.write(NUMBERS, DAY, TableWrite([], aside={"odd": random_numbers(100_000)})),
        lambda: lake.write_file("figures", DAY, "a.svg", b"x" * 400_000),
        lambda: append_line(small_disk / "journal", b"x" * 400_000),
    ):
        with pytest.raises(StorageError, match=told) as seen:
            write()
        assert seen.value.permanent
        assert "free some space, or set HF_ASSETS_DATA" in str(seen.value)
        (small_disk / "journal").unlink(missing_ok=True)
    assert before.path.read_bytes() == content
    assert not temporaries(lake)
    assert lake.write(NUMBERS, DAY, TableWrite([numbers(0, 5)])).rows == 5
    del before  # who has a file open holds its file system


@pytest.mark.heavy
def test_a_killed_writer_leaves_the_old_day_and_what_it_left_is_swept(folder_lake: Lake) -> None:
    before = folder_lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)]))
    content = before.path.read_bytes()
    writer = python("hf_assets_tests.support.slow_writer", folder_lake.root)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "half\n", writer.communicate()
    writer.kill()
    writer.communicate()
    assert before.path.read_bytes() == content
    assert folder_lake.days("numbers") == [DAY]
    (left,) = temporaries(folder_lake)
    # It may be a running writer's: it stays for a day.
    folder_lake.write(NUMBERS, DAY, TableWrite([numbers(0, 4)]))
    assert left.exists()
    long_ago = time.time() - durable.STALE_TEMPORARY - 60
    os.utime(left, (long_ago, long_ago))
    folder_lake.write(NUMBERS, DAY, TableWrite([numbers(0, 5)]))
    assert not temporaries(folder_lake)
    assert folder_lake.read("numbers", DAY).rows == 5


def test_nothing_but_temporaries_is_swept(folder_lake: Lake) -> None:
    folder = folder_lake.write_file("figures", DAY, "a.svg", b"x").parent
    others = [folder / name for name in (".lock", "old.png", "note.tmp")]
    for other in others:
        other.write_bytes(b"x")
        os.utime(other, (0, 0))
    folder_lake.write_file("figures", DAY, "b.svg", b"x")
    assert all(other.exists() for other in others)


def test_replacing_needs_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_bytes() == b"old"


def test_a_journal_grows_by_lines(tmp_path: Path) -> None:
    journal = tmp_path / "j"
    for number in range(3):
        append_line(journal, json.dumps(number).encode())
    assert journal.read_bytes() == b"0\n1\n2\n"
