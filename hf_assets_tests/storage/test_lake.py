"""What is stored comes back as it was."""

import os
import pickle
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.hub.tables import schemas
from hf_assets.object_store.commit import ANY
from hf_assets.object_store.path import StorePath
from hf_assets.storage import month_files
from hf_assets.storage.durable import write_bytes
from hf_assets.storage.lake import Lake, MissingDay, TableWrite, iso, today
from hf_assets.storage.month_files import MonthFiles
from hf_assets.storage.parquet import Table
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.slow_writer import NUMBERS, numbers, put, temporaries

TABLES = [
    schemas.MODELS,
    schemas.ENRICHED_SPACES,
    schemas.TOP_MODELS,
    schemas.MODEL_USAGE,
    DAILY_METRICS,
]
each_table = pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])


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
@settings(max_examples=8)
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
    stored = lake.write(table, DAY, TableWrite(frames))
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
    stored = lake.write(table, DAY, TableWrite(empty))
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
    stored = lake.write(NUMBERS, DAY, TableWrite([frame.cast({"n": pl.UInt8})]))
    assert stored.frame.collect().schema == NUMBERS.schema
    assert stored.frame.collect()["n"].to_list() == [1, 2]


def test_a_value_too_large_for_its_column_is_an_error_and_not_another_value(lake: Lake) -> None:
    lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)]))
    large = numbers(0, 1).with_columns(n=pl.lit(2**63, pl.UInt64))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        lake.write(NUMBERS, DAY, TableWrite([large]))
    assert lake.read("numbers", DAY).rows == 3
    assert not temporaries(lake)


def test_batches_are_written_in_their_order(lake: Lake) -> None:
    frames = [numbers(0, 700), numbers(700, 1), numbers(701, 2500), numbers(3201, 10)]
    stored = lake.write(NUMBERS, DAY, TableWrite(iter(frames)))
    assert stored.frame.collect()["n"].to_list() == list(range(3211))
    assert 1 < stored.file.arrow().metadata.num_row_groups < 10


# Footer and side tables


def test_the_footer_carries_notes_and_provenance(lake: Lake) -> None:
    made = TableWrite([numbers(0, 3)])

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
    stored = lake.write(NUMBERS, DAY, TableWrite([], notes={"when": date(2026, 1, 2)}))
    assert stored.notes == {"when": "2026-01-02"}


def test_a_file_of_someone_elses_is_read_without_notes(lake: Lake) -> None:
    put(lake.folder("numbers", DAY) / "data.parquet", numbers(0, 3))
    stored = lake.read("numbers", DAY)
    assert (stored.rows, stored.notes, stored.provenance) == (3, {}, {})


def test_side_tables_come_and_go_with_their_rows(lake: Lake) -> None:
    side = pl.DataFrame({"reason": ["no id"]})
    stored = lake.write(NUMBERS, DAY, TableWrite([], aside={"quarantine": side}))
    found = stored.aside("quarantine")
    assert found is not None
    assert found.equals(side)
    assert stored.aside("other") is None
    stored = lake.write(NUMBERS, DAY, TableWrite([], aside={"quarantine": side.clear()}))
    assert stored.aside("quarantine") is None
    assert [path.name for path in stored.path.parent.glob("[!.]*")] == ["data.parquet"]


# Days


def test_days_are_those_that_are_whole_oldest_first(lake: Lake) -> None:
    assert lake.days("numbers") == []
    for day in ("2026-11-20", "2024-12-31", "2026-02-03"):
        lake.write(NUMBERS, day, TableWrite([]))
    lake.folder("numbers", "2026-01-01").mkdir()  # nothing, on a store
    lake.write_file("numbers", "2026-01-02", "figure.png", b"x")
    assert lake.days("numbers") == ["2024-12-31", "2026-02-03", "2026-11-20"]
    assert lake.days("numbers", "figure.png") == ["2026-01-02"]
    assert lake.days("other") == []


def test_months_are_a_table_when_they_are_joined(lake: Lake) -> None:
    for month, number in (("2026-09", 1), ("2026-10", 2), ("2026-11", 3)):
        lake.write(NUMBERS, month, TableWrite([numbers(0, number)]))
    with pytest.raises(MissingDay, match="there is no numbers"):
        lake.read("numbers", None)
    assert lake.days("numbers") == []
    stored = lake.join_months("numbers", ["2026-10", "2026-11"], {"days": 9}, 1.25)
    assert (stored.rows, stored.notes, stored.seconds) == (5, {"days": 9}, 1.25)
    assert stored.frame.collect().height == 5
    sent = pickle.loads(pickle.dumps(stored.sendable))
    assert sent.collect().equals(stored.frame.collect())
    assert stored.bytes == sum(len(path.read_bytes()) for path in stored.months)
    assert not lake.folder("numbers", "2026-09").exists()
    assert lake.months("numbers") == ["2026-10", "2026-11"]
    # A month that is written and not joined is no part of it yet.
    lake.write(NUMBERS, "2026-12", TableWrite([numbers(0, 4)]))
    assert lake.read("numbers", None).rows == 5
    lake.write(NUMBERS, None, TableWrite([]))
    assert lake.join_months("numbers", [], {}, 0).rows == 0
    assert lake.months("numbers") == []


@pytest.mark.parametrize("days_later", [0, 1])
def test_a_replaced_month_never_comes_back(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, days_later: int
) -> None:
    """However a run ends: here before it deletes what is old."""

    def join(rows: int) -> None:
        lake.write(NUMBERS, "2026-11", TableWrite([numbers(0, rows)]))
        lake.join_months("numbers", ["2026-11"], {}, 0)

    join(1)
    join(2)
    for name in ("_publish", "_publish_copies"):
        monkeypatch.setattr(MonthFiles, name, Mock(side_effect=KeyboardInterrupt))
    now = time.time() + days_later * (month_files.STALE_TEMPORARY + 60)
    monkeypatch.setattr(month_files.time, "time", lambda: now)
    with pytest.raises(KeyboardInterrupt):
        join(3)
    assert lake.read("numbers", "2026-11").rows == 3
    assert lake.read("numbers", None).rows == 3


def test_a_month_that_another_machine_is_about_to_join_stays(bucket: StorePath) -> None:
    lake = Lake(bucket)
    for month in ("2026-10", "2026-11"):
        lake.write(NUMBERS, month, TableWrite([numbers(0, 3)]))
    lake.join_months("numbers", ["2026-10"], {}, 0)
    lake.join_months("numbers", ["2026-11"], {}, 0)
    assert lake.read("numbers", None).rows == 3


def test_the_public_name_has_the_last_of_two_versions_of_one_second(lake: Lake) -> None:
    """They have the same size, as months have whose days' facts alone change."""
    files = MonthFiles(lake.folder("numbers", None))
    for content in (b"first", b"other", b"third"):
        write_bytes(files.new("2026-11"), content, ANY)
        files.join(["2026-11"], lambda _: 1, {}, 0)
        public = lake.folder("numbers", "2026-11") / "data.parquet"
        assert public.read_bytes() == content


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
def test_no_folder_for_what_is_no_asset(folder_lake: Lake, asset: str) -> None:
    with pytest.raises(ValueError, match="not an asset's name"):
        folder_lake.folder(asset, DAY)


@pytest.mark.parametrize(
    "day",
    ["", "2026", "2026-11-2", "2026-11-20\n", " 2026-11-20", "../../../x", "2026-11-20/..",
     "20261120", "\u0662\u0660\u0662\u0666-\u0661\u0661-\u0662\u0660", "2026/11/20", "today"],
)  # fmt: skip
def test_no_folder_for_what_is_no_day(folder_lake: Lake, day: str) -> None:
    with pytest.raises(ValueError, match="not a day"):
        folder_lake.folder("models", day)
    with pytest.raises(ValueError, match="not a day"):
        folder_lake.write(NUMBERS, day, TableWrite([]))
    assert not folder_lake.root.exists()


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".lock", "/x", "A.png", "x\0"])
def test_no_file_for_what_is_no_file_name(folder_lake: Lake, name: str) -> None:
    with pytest.raises(ValueError, match="not a file name"):
        folder_lake.write_file("figures", DAY, name, b"x")
    assert not folder_lake.root.exists()


@given(asset=st.text(alphabet="ab./_-\\ \n0", max_size=12), day=st.text(max_size=12))
def test_every_folder_lies_under_the_root(asset: str, day: str) -> None:
    lake = Lake(Path("/lake"))
    for key in (day, DAY):
        try:
            folder = lake.folder(asset, key)
        except ValueError:
            continue
        assert Path(os.path.normpath(folder)).is_relative_to("/lake")


# Encodings


def test_columns_are_encoded_as_the_table_says_else_by_their_type(lake: Lake) -> None:
    frame = pl.DataFrame({"hub_id": [f"{n:024x}" for n in range(2000)]}).with_columns(
        id=pl.col("hub_id"),
        likes=pl.int_range(2000),
        day=pl.lit(iso(DAY)),
        tags=pl.concat_list(pl.lit("a-tag"), pl.format("tag-{}", pl.col("hub_id"))),
    )
    frame = pl.concat([pl.DataFrame(schema=schemas.MODELS.schema), frame], how="diagonal_relaxed")
    stored = lake.write(schemas.MODELS, DAY, TableWrite([frame]))
    metadata = stored.file.arrow().metadata
    columns = [metadata.row_group(0).column(at) for at in range(metadata.num_columns)]
    by_path = {column.path_in_schema: column for column in columns}
    assert by_path["tags.list.element"].has_dictionary_page
    assert "BYTE_STREAM_SPLIT" in by_path["likes"].encodings
    for name, encoding in schemas.MODELS.encodings.items():
        assert encoding in by_path[name].encodings
    assert {column.compression for column in columns} == {"ZSTD"}
