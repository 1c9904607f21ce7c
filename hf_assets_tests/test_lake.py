"""What is stored is whole, and comes back as it was."""

import json
import os
import resource
import subprocess
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets import durable
from hf_assets.durable import append_line, replacing
from hf_assets.hub import schemas
from hf_assets.lake import SETTLING, Lake, Made, MissingDay, iso, today
from hf_assets.parquet import Table
from hf_assets.trends.metrics import DAILY_METRICS
from hf_assets_tests.conftest import DAY
from hf_assets_tests.hub.helpers import python
from hf_assets_tests.slow_writer import NUMBERS, numbers

TABLES = [
    schemas.MODELS,
    schemas.ENRICHED_SPACES,
    schemas.TOP_MODELS,
    schemas.MODEL_USAGE,
    DAILY_METRICS,
]
each_table = pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])


def temporaries(lake: Lake) -> list[Path]:
    return list(lake.root.rglob("*.tmp"))


# Round trips

values: dict[Any, st.SearchStrategy[Any]] = {
    pl.String: st.text(max_size=6) | st.sampled_from(["", "\0", "名", "x" * 500]),
    pl.Int64: st.integers(-(2**63), 2**63 - 1),
    pl.Int32: st.integers(-(2**31), 2**31 - 1),
    pl.Float64: st.floats(allow_nan=False),
    pl.Float32: st.floats(allow_nan=False, width=32),
    pl.Boolean: st.booleans(),
    pl.Date: st.dates(),
    pl.Datetime: st.datetimes(
        datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)
    ).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)),
}


def of(dtype: Any) -> st.SearchStrategy[Any]:
    if isinstance(dtype, pl.List):
        return st.lists(of(dtype.inner), max_size=3)
    if isinstance(dtype, pl.Struct):
        return st.fixed_dictionaries(
            {field.name: st.none() | of(field.dtype) for field in dtype.fields}
        )
    return values[dtype.base_type()]


@each_table
@settings(max_examples=20)
@given(data=st.data())
def test_every_schema_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, table: Table, data: st.DataObject
) -> None:
    row = st.fixed_dictionaries(
        {
            name: of(dtype) if name in table.required else st.none() | of(dtype)
            for name, dtype in table.schema.items()
        }
    )
    batches = data.draw(st.lists(st.lists(row, max_size=4), max_size=3))
    frames = [pl.DataFrame(batch, schema=table.schema, orient="row") for batch in batches]
    lake = Lake(tmp_path_factory.mktemp("lake"))
    stored = lake.write(table, DAY, Made(frames))
    wanted = pl.concat([pl.DataFrame(schema=table.schema), *frames])
    found = stored.frame.collect()
    assert found.schema == table.schema
    assert found.to_dicts() == wanted.to_dicts()
    assert stored.rows == wanted.height
    with_other_eyes = pq.read_table(stored.path)
    assert with_other_eyes.num_rows == wanted.height
    assert with_other_eyes.column_names == list(table.columns)


@each_table
@pytest.mark.parametrize("frames", ["none", "one of no rows"])
def test_an_empty_day_is_a_day(lake: Lake, table: Table, frames: str) -> None:
    empty = [] if frames == "none" else [pl.DataFrame(schema=table.schema)]
    stored = lake.write(table, DAY, Made(empty))
    assert stored.rows == 0
    assert stored.frame.collect().schema == table.schema
    assert lake.days(table.name) == [DAY]


@each_table
def test_every_column_says_what_it_means(table: Table) -> None:
    assert all(column.description for column in table.columns.values())
    assert set(table.required) <= table.columns.keys()
    assert set(table.encodings) <= table.columns.keys()
    assert table.preview_by is None or table.preview_by in table.columns
    assert "day" in table.columns


def test_columns_in_another_order_and_another_width_are_shaped(lake: Lake) -> None:
    frame = pl.DataFrame({"n": [1, 2], "more": ["x", "y"], "day": [iso(DAY)] * 2})
    stored = lake.write(NUMBERS, DAY, Made([frame.cast({"n": pl.UInt8})]))
    assert stored.frame.collect().schema == NUMBERS.schema
    assert stored.frame.collect()["n"].to_list() == [1, 2]


def test_a_value_too_large_for_its_column_is_an_error_and_not_another_value(lake: Lake) -> None:
    lake.write(NUMBERS, DAY, Made([numbers(0, 3)]))
    large = numbers(0, 1).with_columns(n=pl.lit(2**63, pl.UInt64))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        lake.write(NUMBERS, DAY, Made([large]))
    assert lake.read("numbers", DAY).rows == 3
    assert not temporaries(lake)


def test_batches_are_written_in_their_order(lake: Lake) -> None:
    frames = [numbers(0, 700), numbers(700, 1), numbers(701, 2500), numbers(3201, 10)]
    stored = lake.write(NUMBERS, DAY, Made(iter(frames)))
    assert stored.frame.collect()["n"].to_list() == list(range(3211))
    assert 1 < pq.read_metadata(stored.path).num_row_groups < 10


# Footer and side tables


def test_the_footer_carries_notes_and_provenance(lake: Lake) -> None:
    made = Made([numbers(0, 3)])

    def frames() -> Iterator[pl.DataFrame]:
        yield numbers(0, 3)
        made.notes |= {"served": 4, "späte Notiz": "<b>", "share": 0.5}

    made.frames = frames()
    made.provenance = {"raw": {"endpoint": "http://x", "started": "2026", "limited": False}}
    written = lake.write(NUMBERS, DAY, made)
    read = lake.read("numbers", DAY)
    assert read == written
    assert read.notes == {"served": 4, "späte Notiz": "<b>", "share": 0.5}
    assert read.provenance == made.provenance
    assert (read.day, read.rows) == (DAY, 3)
    assert read.seconds >= 0


def test_a_note_that_is_no_json_is_written_as_text(lake: Lake) -> None:
    stored = lake.write(NUMBERS, DAY, Made([], notes={"when": date(2026, 1, 2)}))
    assert stored.notes == {"when": "2026-01-02"}


def test_a_file_of_someone_elses_is_read_without_notes(lake: Lake) -> None:
    path = lake.folder("numbers", DAY) / "data.parquet"
    path.parent.mkdir(parents=True)
    numbers(0, 3).write_parquet(path)
    stored = lake.read("numbers", DAY)
    assert (stored.rows, stored.notes, stored.provenance) == (3, {}, {})


def test_side_tables_come_and_go_with_their_rows(lake: Lake) -> None:
    side = pl.DataFrame({"reason": ["no id"]})
    stored = lake.write(NUMBERS, DAY, Made([], aside={"quarantine": side}))
    found = stored.aside("quarantine")
    assert found is not None
    assert found.equals(side)
    assert stored.aside("other") is None
    stored = lake.write(NUMBERS, DAY, Made([], aside={"quarantine": side.clear()}))
    assert stored.aside("quarantine") is None
    assert [path.name for path in stored.path.parent.iterdir()] == ["data.parquet"]


# Days


def test_days_are_those_that_are_whole_oldest_first(lake: Lake) -> None:
    assert lake.days("numbers") == []
    for day in ("2026-11-20", "2024-12-31", "2026-02-03"):
        lake.write(NUMBERS, day, Made([]))
    lake.folder("numbers", "2026-01-01").mkdir()
    lake.write_file("numbers", "2026-01-02", "figure.png", b"x")
    assert lake.days("numbers") == ["2024-12-31", "2026-02-03", "2026-11-20"]
    assert lake.days("numbers", "figure.png") == ["2026-01-02"]
    assert lake.days("other") == []


def test_before_is_the_last_earlier_day(lake: Lake) -> None:
    for day in ("2026-11-20", "2026-11-17", "2026-11-15"):
        lake.write(NUMBERS, day, Made([]))
    found = [lake.before("numbers", day) for day in ("2026-11-20", "2026-11-16", "2027-01-01")]
    assert [one and one.day for one in found] == ["2026-11-17", "2026-11-15", "2026-11-20"]
    assert lake.before("numbers", "2026-11-15") is None
    assert lake.before("other", "2026-11-15") is None


def test_a_missing_day_says_what_to_materialise(lake: Lake) -> None:
    with pytest.raises(MissingDay, match=r"no numbers for 2026-11-20: materialise numbers"):
        lake.read("numbers", DAY)
    assert not lake.root.exists()


def test_today_is_a_day(lake: Lake) -> None:
    assert lake.folder("x", today()).name == f"day={today()}"
    assert iso("2026-11-20") == date(2026, 11, 20)


# Names


@pytest.mark.parametrize(
    "asset",
    ["", "..", "../x", "a/../b", "/etc", "A", "a b", "a\0", "a\n", ".hidden", "a\\b", "<a>", "é"],
)
def test_no_folder_for_what_is_no_asset(lake: Lake, asset: str) -> None:
    with pytest.raises(ValueError, match="not an asset's name"):
        lake.folder(asset, DAY)


@pytest.mark.parametrize(
    "day",
    ["", "2026", "2026-11-2", "2026-11-20\n", " 2026-11-20", "../../../x", "2026-11-20/..",
     "20261120", "\u0662\u0660\u0662\u0666-\u0661\u0661-\u0662\u0660", "2026/11/20", "today"],
)  # fmt: skip
def test_no_folder_for_what_is_no_day(lake: Lake, day: str) -> None:
    with pytest.raises(ValueError, match="not a day"):
        lake.folder("models", day)
    with pytest.raises(ValueError, match="not a day"):
        lake.write(NUMBERS, day, Made([]))
    assert not lake.root.exists()


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".lock", "/x", "A.png", "x\0"])
def test_no_file_for_what_is_no_file_name(lake: Lake, name: str) -> None:
    with pytest.raises(ValueError, match="not a file name"):
        lake.write_file("figures", DAY, name, b"x")
    assert not lake.root.exists()


@given(asset=st.text(alphabet="ab./_-\\ \n0", max_size=12), day=st.text(max_size=12))
def test_every_folder_lies_under_the_root(asset: str, day: str) -> None:
    lake = Lake(Path("/lake"))
    for key in (day, DAY):
        try:
            folder = lake.folder(asset, key)
        except ValueError:
            continue
        assert Path(os.path.normpath(folder)).is_relative_to("/lake")


# Whole or not at all


def broken(error: BaseException) -> Iterator[pl.DataFrame]:
    yield numbers(500, 3000)
    raise error


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyboardInterrupt(), MemoryError()])
def test_an_error_on_the_way_leaves_the_old_day(lake: Lake, error: BaseException) -> None:
    before = lake.write(NUMBERS, DAY, Made([numbers(0, 3)], notes={"x": 1}))
    content = before.path.read_bytes()
    with pytest.raises(type(error)):
        lake.write(NUMBERS, DAY, Made(broken(error)))
    assert before.path.read_bytes() == content
    assert lake.read("numbers", DAY) == before
    assert not temporaries(lake)


def test_an_error_on_the_way_leaves_no_day_where_none_was(lake: Lake) -> None:
    with pytest.raises(RuntimeError):
        lake.write(NUMBERS, DAY, Made(broken(RuntimeError("x"))))
    assert lake.days("numbers") == []
    assert not temporaries(lake)


# Many days

DAYS = [f"2026-11-0{at}" for at in range(1, 8)]


def made_of(at: int) -> Made:
    return Made([numbers(at, at + 1)], notes={"at": at})


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

    def make(at: int) -> Made:
        begun.append(at)
        if at == 3 and not late:
            raise RuntimeError("x")
        return Made(broken(RuntimeError("x"))) if at == 3 else made_of(at)

    makes = {day: lambda at=at: make(at) for at, day in enumerate(DAYS)}
    given = []
    with pytest.raises(RuntimeError, match="x"):
        given.extend(day for day, _ in lake.write_days(NUMBERS, makes))
    assert given == lake.days("numbers") == DAYS[:3]
    assert begun == [0, 1, 2, 3]
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
    lake.write(NUMBERS, DAY, Made([numbers(0, 3)]))
    seen: list[int] = []

    def frames() -> Iterator[pl.DataFrame]:
        for at in range(3):
            yield numbers(at * 2000, 2000)
            seen.append(lake.read("numbers", DAY).frame.collect().height)

    lake.write(NUMBERS, DAY, Made(frames()))
    assert seen == [3, 3, 3]
    assert lake.read("numbers", DAY).rows == 6000


def test_two_writers_of_one_day_leave_one_of_the_two_whole(lake: Lake) -> None:
    turns = threading.Barrier(2)

    def frames(first: int) -> Iterator[pl.DataFrame]:
        for at in range(4):
            turns.wait()  # batch by batch, both at once
            yield numbers(first + at * 1500, 1500)

    def write(first: int) -> None:
        lake.write(NUMBERS, DAY, Made(frames(first), notes={"first": first}))

    for _ in range(5):
        threads = [threading.Thread(target=write, args=(first,)) for first in (0, 1_000_000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        stored = lake.read("numbers", DAY)
        first = stored.notes["first"]
        assert stored.frame.collect()["n"].to_list() == list(range(first, first + 6000))
        assert not temporaries(lake)


def test_many_writers_of_one_file_leave_one_of_them(lake: Lake) -> None:
    contents = [bytes([65 + at]) * 100_000 for at in range(6)]
    threads = [
        threading.Thread(target=lake.write_file, args=("figures", DAY, "a.svg", content))
        for content in contents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (lake.folder("figures", DAY) / "a.svg").read_bytes() in contents
    assert not temporaries(lake)


@contextmanager
def files_no_longer_than(size: int) -> Generator[None]:
    """The operating system refuses to write further into any file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def random_numbers(count: int) -> pl.DataFrame:
    """Numbers that do not compress."""
    return numbers(0, count).with_columns(n=pl.col("n").hash(1).reinterpret(signed=True))


def test_a_day_that_finds_no_room_leaves_the_old_one(lake: Lake) -> None:
    before = lake.write(NUMBERS, DAY, Made([numbers(0, 3)]))
    content = before.path.read_bytes()
    with files_no_longer_than(50_000), pytest.raises(OSError, match="File too large"):
        lake.write(NUMBERS, DAY, Made([random_numbers(100_000)]))
    assert before.path.read_bytes() == content
    assert not temporaries(lake)


def test_a_file_that_finds_no_room_leaves_the_old_one(lake: Lake) -> None:
    path = lake.write_file("figures", DAY, "a.svg", b"old")
    with files_no_longer_than(50_000), pytest.raises(OSError, match="File too large"):
        lake.write_file("figures", DAY, "a.svg", b"x" * 100_000)
    assert path.read_bytes() == b"old"
    assert not temporaries(lake)


def test_a_side_table_that_finds_no_room_leaves_the_old_day(lake: Lake) -> None:
    before = lake.write(NUMBERS, DAY, Made([numbers(0, 3)]))
    content = before.path.read_bytes()
    aside = {"quarantine": random_numbers(100_000)}
    with files_no_longer_than(50_000), pytest.raises((OSError, pl.exceptions.PolarsError)):
        lake.write(NUMBERS, DAY, Made([numbers(0, 4)], aside=aside))
    assert before.path.read_bytes() == content
    assert lake.read("numbers", DAY).aside("quarantine") is None
    assert not temporaries(lake)


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
    before = lake.write(NUMBERS, DAY, Made([numbers(0, 3)]))
    content = before.path.read_bytes()
    with pytest.raises(OSError, match="No space left on device"):
        lake.write(NUMBERS, DAY, Made([random_numbers(10_000) for _ in range(10)]))
    with pytest.raises(OSError, match="No space left on device"):
        lake.write_file("figures", DAY, "a.svg", b"x" * 400_000)
    assert before.path.read_bytes() == content
    assert not temporaries(lake)
    assert lake.write(NUMBERS, DAY, Made([numbers(0, 5)])).rows == 5


def test_a_killed_writer_leaves_the_old_day_and_what_it_left_is_swept(lake: Lake) -> None:
    before = lake.write(NUMBERS, DAY, Made([numbers(0, 3)]))
    content = before.path.read_bytes()
    writer = python("hf_assets_tests.slow_writer", lake.root)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "half\n", writer.communicate()
    writer.kill()
    writer.communicate()
    assert before.path.read_bytes() == content
    assert lake.days("numbers") == [DAY]
    (left,) = temporaries(lake)
    # It may be a running writer's: it stays for a day.
    lake.write(NUMBERS, DAY, Made([numbers(0, 4)]))
    assert left.exists()
    long_ago = time.time() - durable.STALE_TEMPORARY - 60
    os.utime(left, (long_ago, long_ago))
    lake.write(NUMBERS, DAY, Made([numbers(0, 5)]))
    assert not temporaries(lake)
    assert lake.read("numbers", DAY).rows == 5


def test_nothing_but_temporaries_is_swept(lake: Lake) -> None:
    folder = lake.write_file("figures", DAY, "a.svg", b"x").parent
    others = [folder / name for name in (".lock", "old.png", "note.tmp")]
    for other in others:
        other.write_bytes(b"x")
        os.utime(other, (0, 0))
    lake.write_file("figures", DAY, "b.svg", b"x")
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


# Encodings


def test_columns_are_encoded_as_the_table_says_else_by_their_type(lake: Lake) -> None:
    frame = pl.DataFrame({"hub_id": [f"{n:024x}" for n in range(2000)]}).with_columns(
        id=pl.col("hub_id"),
        likes=pl.int_range(2000),
        day=pl.lit(iso(DAY)),
        tags=pl.concat_list(pl.lit("a-tag"), pl.format("tag-{}", pl.col("hub_id"))),
    )
    frame = pl.concat([pl.DataFrame(schema=schemas.MODELS.schema), frame], how="diagonal_relaxed")
    stored = lake.write(schemas.MODELS, DAY, Made([frame]))
    metadata = pq.read_metadata(stored.path)
    columns = [metadata.row_group(0).column(at) for at in range(metadata.num_columns)]
    by_path = {column.path_in_schema: column for column in columns}
    assert by_path["tags.list.element"].has_dictionary_page
    assert "BYTE_STREAM_SPLIT" in by_path["likes"].encodings
    for name, encoding in schemas.MODELS.encodings.items():
        assert encoding in by_path[name].encodings
    assert {column.compression for column in columns} == {"ZSTD"}
