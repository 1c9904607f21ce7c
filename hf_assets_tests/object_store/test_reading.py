"""Rows of a store are those of a disk, of one version, from few requests."""

import io
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from hf_assets.object_store import reading, scanning
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.errors import ReplacedError
from hf_assets.object_store.path import StorePath
from hf_assets.object_store.reading import StoreFile
from hf_assets.object_store.scanning import scan_objects
from hf_assets.storage import months
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.object_store.counting import CountingProxy
from hf_assets_tests.support.object_store.strict import StrictBucket
from hf_assets_tests.support.slow_writer import NUMBERS, numbers

Query = Callable[[pl.LazyFrame], pl.LazyFrame]
QUERIES: dict[str, Query] = {
    "all": lambda rows: rows,
    "last column": lambda rows: rows.select(pl.last()),
    "reversed": lambda rows: rows.select(pl.all().reverse()),
    "count": lambda rows: rows.select(pl.len()),
    "head": lambda rows: rows.head(7),
    "column of the head": lambda rows: rows.head(23).select(pl.last()),
    "count of the head": lambda rows: rows.head(23).select(pl.len()),
    "first of a column": lambda rows: rows.select(pl.last().first()),
    "tail": lambda rows: rows.tail(5),
    "slice": lambda rows: rows.slice(11, 13),
    "numbered": lambda rows: rows.with_row_index("row number").filter(
        pl.col("row number") % 3 == 1
    ),
    "filter": lambda rows: rows.filter(pl.last().is_not_null()),
    "filter then head": lambda rows: rows.filter(pl.first().is_not_null()).head(3),
    "head then filter": lambda rows: rows.head(9).filter(pl.last().is_not_null()),
    "column of the head, then filter": lambda rows: (
        rows.head(23).filter(pl.last().is_not_null()).select(pl.first())
    ),
    "nothing": lambda rows: rows.select(),
}
SIZES = {
    "in memory": {},
    "at once": {"TAIL": 64},
    "by ranges": {"TAIL": 64, "AT_ONCE": 0, "PIECE": 2000},
}


@pytest.fixture(params=SIZES)
def sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Small files take the way of small ones, then of those of some MB, then of large ones."""
    shrink(monkeypatch, request.param)
    return request.param


def shrink(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for constant, value in SIZES[name].items():
        monkeypatch.setattr(reading, constant, value)
        if hasattr(scanning, constant):
            monkeypatch.setattr(scanning, constant, value)
    monkeypatch.setattr(scanning, "GAP", 100)


def put(path: StorePath, frame: pl.DataFrame, rows: int = 10) -> bytes:
    content = io.BytesIO()
    frame.write_parquet(content, row_group_size=rows, compression="zstd")
    overwrite(path, content.getvalue())
    return content.getvalue()


def frame(first: int, count: int = 60) -> pl.DataFrame:
    numbers = range(first, first + count)
    return pl.DataFrame(
        {
            "n": numbers,
            "a.b": [f"{number} 名" if number % 7 else None for number in numbers],
            "a": [{"b": number, "c": [number % 3, None]} for number in numbers],
            "when": [datetime(2026, 1, 1, tzinfo=UTC)] * count,
            "empty": pl.Series([None] * count, dtype=pl.List(pl.String)),
            "x": [number / 3 for number in numbers],
        }
    )


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_gives_what_it_gives_of_a_disk(bucket: StorePath, sizes: str, query: str) -> None:
    contents = [put(bucket / str(at), frame(at * 60)) for at in range(3)]
    files = [StoreFile(bucket / str(at)) for at in range(3)]
    ask = QUERIES[query]
    wanted = ask(pl.scan_parquet([io.BytesIO(content) for content in contents])).collect()
    assert_frame_equal(ask(scan_objects(files)).collect(), wanted)
    assert_frame_equal(ask(scan_objects(files)).collect(engine="streaming"), wanted)
    assert files[0].read_bytes() == contents[0]
    assert files[0].arrow().read().equals(pq.read_table(io.BytesIO(contents[0])))


def test_files_of_other_columns(bucket: StorePath, sizes: str) -> None:
    """As a table that got a column, and lost one."""
    put(bucket / "0", frame(0).drop("x"))
    put(bucket / "1", frame(60).with_columns(more=pl.lit("x")))
    files = [StoreFile(bucket / "0"), StoreFile(bucket / "1")]
    options: dict[str, Any] = {"missing_columns": "insert", "extra_columns": "ignore"}
    local: list[Any] = [io.BytesIO(file.read_bytes()) for file in files]
    for more in (dict[str, Any](), {"schema": frame(0).schema}):
        wanted = pl.scan_parquet(local, **options, **more).collect()
        assert_frame_equal(scan_objects(files, **options, **more).collect(), wanted)
    with pytest.raises(pl.exceptions.PolarsError):
        scan_objects(files).collect()


KINDS = [
    *(pl.Int8, pl.Int64, pl.UInt64, pl.Float32, pl.Float64, pl.Boolean, pl.String, pl.Binary),
    *(pl.Date, pl.Datetime("ms", "UTC"), pl.Time, pl.Duration("us"), pl.List(pl.String)),
]


@pytest.mark.parametrize("size", SIZES)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=dataframes(allowed_dtypes=KINDS, max_cols=4, max_size=40, allow_null=True),
    # polars panics where it reverses columns of texts that are null in the first batch.
    query=st.sampled_from(sorted(QUERIES.keys() - {"reversed"})),
    group=st.integers(1, 50),
)
def test_wild_frames(
    bucket: StorePath, rows: pl.DataFrame, query: str, group: int, size: str
) -> None:
    if not rows.width:
        return
    with pytest.MonkeyPatch.context() as monkeypatch:
        shrink(monkeypatch, size)
        content = put(bucket / "wild", rows, group)
        ask = QUERIES[query]
        wanted = ask(pl.scan_parquet(io.BytesIO(content))).collect()
        assert_frame_equal(ask(scan_objects([StoreFile(bucket / "wild")])).collect(), wanted)


def test_an_object_without_a_byte(bucket: StorePath) -> None:
    overwrite(bucket / "empty", b"")
    file = StoreFile(bucket / "empty")
    assert (file.size, file.read_bytes()) == (0, b"")
    with pytest.raises(FileNotFoundError):
        StoreFile(bucket / "none")


# Replaced while it is read


def reader(path: StorePath) -> Iterator[pl.DataFrame]:
    """Everything that asks for a file."""
    file = StoreFile(path)
    yield scan_objects([file]).collect()
    yield scan_objects([file]).select("n", "x").collect()
    yield pl.read_parquet(io.BytesIO(file.read_bytes()))
    yield pl.DataFrame(pl.from_arrow(file.arrow().read()))


VERSIONS = {
    "same layout": frame(1000),
    "longer": frame(1000, 90),
    "shorter": frame(1000, 5),
    "gone": None,
}


@pytest.mark.heavy
@pytest.mark.parametrize("later", VERSIONS)
def test_a_reader_gets_the_old_version_or_an_error(
    bucket: StorePath, sizes: str, later: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object is replaced before the first request of a reader, before the second, …"""
    path, old, new = bucket / "replaced", frame(0), VERSIONS[later]
    get, refused = reading.get, 0
    for at in itertools.count():
        put(path, old)
        asked = 0

        def counted(*arguments: Any, at: int = at) -> Any:
            nonlocal asked
            asked += 1
            if asked == at + 2:
                put(path, new) if new is not None else path.unlink()
            return get(*arguments)

        monkeypatch.setattr(reading, "get", counted)
        try:
            for rows in reader(path):
                assert_frame_equal(rows, old.select(rows.columns), check_dtypes=False)
        except ReplacedError:
            refused += 1
        monkeypatch.setattr(reading, "get", get)
        if asked < at + 2:
            break
    assert bool(refused) == (sizes != "in memory")
    if new is not None:
        put(path, new)
        assert_frame_equal(scan_objects([StoreFile(path)]).collect(), new)


# Requests


def test_requests_of_small_and_large_files(bucket: StorePath, store_proxy: CountingProxy) -> None:
    many = [bucket / f"{number:03}" for number in range(40)]
    for number, path in enumerate(many):
        put(path, frame(number * 60))
    store_proxy.clear()
    rows = scan_objects([StoreFile(path) for path in many])
    assert rows.select(pl.col("n").sum()).collect().item() == sum(range(2400))
    assert dict(store_proxy.counts()) == {"GET range": 40}
    # A large one: what was not asked for is not fetched.
    count = 400_000
    large = pl.DataFrame({"n": range(count), "x": pl.Series(range(count)).hash().cast(pl.Float64)})
    put(bucket / "large", large.with_columns(y=pl.col("x").reverse()), 100_000)
    store_proxy.clear()
    total = scan_objects([StoreFile(bucket / "large")]).select(pl.col("x").sum()).collect().item()
    assert total == pytest.approx(large["x"].sum())
    assert dict(store_proxy.counts()) == {"GET range": 5}
    assert sum(asked.size for asked in store_proxy.asked) < 0.6 * StoreFile(bucket / "large").size


def test_what_is_fetched_leaves_no_file(bucket: StorePath, monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch, "by ranges")
    put(bucket / "0", frame(0))
    rows = scan_objects([StoreFile(bucket / "0")])
    batches = iter(rows.collect_batches())
    next(batches)
    assert [path for path in Path(scanning.scratch()).rglob("*") if path.is_file()] == []


def test_dates_of_a_partition_are_the_files(bucket: StorePath, sizes: str) -> None:
    """As on a disk: the folder's name is no column."""
    path = bucket / "day=2020-01-01" / "data.parquet"
    put(path, pl.DataFrame({"day": [date(2026, 1, 1)]}))
    assert scan_objects([StoreFile(path)]).collect()["day"].to_list() == [date(2026, 1, 1)]


def test_tables_keep_within_the_limits_of_a_bucket(bucket: StorePath, strict: StrictBucket) -> None:
    lake, keys = Lake(bucket), ["2026-10", "2026-11"]
    aside = {"quarantine": pl.DataFrame({"reason": ["no id"]})}
    for number in (3, 4):
        stored = lake.write(NUMBERS, DAY, TableWrite([numbers(0, number)], aside=aside))
        assert stored.frame.collect().height == number
        assert stored.asides.keys() == {"quarantine"}
        for key in keys:
            lake.write(NUMBERS, key, TableWrite([numbers(0, number)]))
        assert lake.join_months("numbers", keys, {}, 0).frame.collect().height == 2 * number
    assert lake.days("numbers") == [DAY]
    assert len(months.marks(lake, "numbers")) == 1
