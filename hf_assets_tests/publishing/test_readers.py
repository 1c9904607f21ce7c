"""What is downloaded reads by the first call that a person types."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pytest
from huggingface_hub import HfFileSystem, snapshot_download

from hf_assets.storage.lake import Lake
from hf_assets_tests.publishing.conftest import Served, serving
from hf_assets_tests.support.publishing import DAYS, NAME, TOKEN, publish_now, small_lake

TABLES = ("models", "daily_metrics", "top_models", "category_history", "day_quality")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return small_lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def hub(lake: Lake) -> Iterator[Served]:
    with serving() as served:
        publish_now(lake, "small,models")
        yield served


@pytest.fixture(scope="module")
def copy(hub: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as a person downloads it."""
    root = tmp_path_factory.mktemp("copy")
    snapshot_download(
        NAME, repo_type="dataset", endpoint=hub.url, token=TOKEN, local_dir=root / "copy",
        cache_dir=root / "cache",
    )  # fmt: skip
    return root / "copy" / "data"


def read_by_duckdb(folder: Path) -> pl.DataFrame:
    rows = duckdb.sql(f"FROM '{folder}/*.parquet'")
    assert rows is not None
    return rows.pl()


def read_by_datasets(folder: Path) -> pl.DataFrame:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    root = str(folder.parents[1])
    rows = datasets.load_dataset(root, folder.name, split="train", cache_dir=f"{root}/../hf")
    return pl.DataFrame(pl.from_arrow(rows.data.table))


READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    "pandas, a folder": lambda folder: pl.from_pandas(pd.read_parquet(folder)),
    "pandas, files": lambda folder: pl.from_pandas(
        pd.concat([pd.read_parquet(one) for one in sorted(folder.glob("*.parquet"))])
    ),
    "polars, a folder": pl.read_parquet,
    "polars, a pattern": lambda folder: pl.read_parquet(folder / "*.parquet"),
    "polars, lazy": lambda folder: pl.scan_parquet(folder).collect(),
    "duckdb": read_by_duckdb,
    "pyarrow": lambda folder: pl.DataFrame(pl.from_arrow(ds.dataset(folder).to_table())),
    "datasets": read_by_datasets,
}


def as_values(frame: pl.DataFrame, columns: list[str]) -> list[Any]:
    """Rows in an order of their own, with times in one unit and pandas' NaN as null."""
    day = pl.col("day").cast(pl.Datetime("us")).dt.date()
    frame = frame.select(columns).with_columns(day)
    frame = frame.with_columns(
        pl.selectors.datetime().dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC")),
        pl.selectors.float().fill_nan(None).cast(pl.Float64),
    )
    return sorted(frame.rows(), key=repr)


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_gets_the_rows_that_were_stored(copy: Path, lake: Lake, reader: str) -> None:
    for table in ("models", "daily_metrics"):
        stored = pl.concat([lake.read(table, day).frame.collect() for day in DAYS])
        columns = [
            name for name in stored.columns
            if stored[name].null_count() < stored.height  # pandas has no type for nothing
        ]  # fmt: skip
        wanted = stored.filter(
            pl.col("id" if table == "models" else "key").ne_missing("acme/secret-model")
        )
        found = READERS[reader](copy / table)
        assert set(found.columns) == set(stored.columns)
        assert as_values(found, columns) == as_values(wanted, columns)


@pytest.mark.parametrize("table", TABLES)
def test_every_reader_reads_every_table(copy: Path, table: str) -> None:
    rows = {name: read(copy / table).height for name, read in READERS.items() if name != "datasets"}
    assert len(set(rows.values())) == 1
    assert rows["duckdb"] > 0


def test_types_are_those_of_the_lake(copy: Path) -> None:
    schema = pl.read_parquet_schema(copy / "models" / f"{DAYS[0]}.parquet")
    assert schema["day"] == pl.Date
    assert schema["created_at"] == pl.Datetime("ms", "UTC")
    assert schema["tags"] == pl.List(pl.String)
    assert schema["base_models"] == pl.List(pl.Struct({"id": pl.String, "relation": pl.String}))
    row = pl.read_parquet(copy / "models" / f"{DAYS[0]}.parquet").row(1, named=True)
    assert row["created_at"] == dt.datetime(2025, 1, 1, 0, 0, 0, 123_000, tzinfo=dt.UTC)


def test_pandas_reads_from_the_hub_itself(hub: Served) -> None:
    files = HfFileSystem(endpoint=hub.url, token=TOKEN, skip_instance_cache=True)
    frame = pd.read_parquet(f"datasets/{NAME}/data/daily_metrics", filesystem=files)
    assert len(frame) == len(DAYS) * 12
    assert sorted({str(day) for day in frame["day"]}) == list(DAYS)
