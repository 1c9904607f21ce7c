"""A reader beside a writer sees the old version or the new one, of everything that is stored."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.hub.quality.rules import null_counts
from hf_assets.object_store.reading import StoreFile
from hf_assets.storage import opened
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, TableWrite
from hf_assets.storage.opened import MOST_OPEN, OpenedFile, ReplacedError
from hf_assets.storage.parquet import ROW_GROUP, Column, Table, in_parts
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.hub.captures import python
from hf_assets_tests.support.replacing_writer import COUNT, FIRST, VERSIONS, write
from hf_assets_tests.support.slow_writer import NUMBERS, numbers, put


def version(stored: StoredTable, frame: pl.LazyFrame | None = None) -> str:
    """Which version that is, wherever one looks; an error where two are mixed."""
    name = stored.notes["version"]
    first = FIRST[name]
    rows = stored.frame if frame is None else frame
    assert rows.select("n").collect()["n"].to_list() == list(range(first, first + COUNT))
    # What the statistics of row groups leave out is not there in any version.
    end = first + COUNT
    assert rows.filter(pl.col("n") >= end - 196).select(pl.len()).collect().item() == 196
    assert ("more" in rows.collect_schema()) == (name == "wide")
    assert stored.rows == COUNT == stored.file.arrow().metadata.num_rows
    assert null_counts(stored)["n"] == 0
    side = stored.aside("quarantine")
    assert side is not None
    assert side["version"].to_list() == [name]
    assert pl.read_parquet(stored.file.read_bytes()).height == COUNT
    return name


STEPS: dict[str, Callable[[pl.LazyFrame], object]] = {
    "read": lambda _: None,
    "schema known": lambda frame: frame.collect_schema(),
    "read once": lambda frame: frame.collect(),
}


@pytest.mark.parametrize("day", [DAY, None], ids=["day", "whole"])
@pytest.mark.parametrize("later", VERSIONS[1:], ids=["same layout", "other layout"])
@pytest.mark.parametrize("step", STEPS)
def test_a_day_replaced_between_two_steps_of_a_reader_is_the_old_one(
    lake: Lake, step: str, later: str, day: str | None
) -> None:
    write(lake, "old", day)
    stored = lake.read("numbers", day)
    frame = stored.frame
    STEPS[step](frame)
    write(lake, later, day)
    assert version(stored, frame) == version(stored) == "old"
    assert version(lake.read("numbers", day)) == later


def test_a_day_replaced_while_it_is_opened_is_one_of_the_two(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(lake, "old")
    on_store = not isinstance(lake.root, Path)
    kind = StoreFile if on_store else OpenedFile
    footer = kind.footer

    def replaced(file: Any, *arguments: str) -> object:
        with monkeypatch.context() as patch:
            patch.setattr(kind, "footer", footer)
            found = footer(file, *arguments)
            if not written:
                written.append(True)
                # In a folder the side table that this footer names is gone.
                write(lake, "new")
        return found

    written: list[bool] = []
    monkeypatch.setattr(kind, "footer", replaced)
    # On a store replaced side tables stay for a day: for this reader.
    assert version(lake.read("numbers", DAY)) == ("old" if on_store else "new")
    assert version(lake.read("numbers", DAY)) == "new"


@pytest.mark.heavy
def test_a_process_that_replaces_a_day_again_and_again(folder_lake: Lake) -> None:
    write(folder_lake, "old")
    writer = python("hf_assets_tests.support.replacing_writer", folder_lake.root, "21")
    while writer.poll() is None:
        version(folder_lake.read("numbers", DAY))
    assert writer.returncode == 0, writer.communicate()
    assert version(folder_lake.read("numbers", DAY)) == "old"
    folder = folder_lake.folder("numbers", DAY)
    assert sorted(path.name for path in folder.glob("[!.]*")) == [
        "data.parquet", "quarantine.parquet",
    ]  # fmt: skip
    assert len(list(folder.glob(".quarantine.*"))) == 1


# Side tables


def test_a_writer_that_dies_before_its_day_is_there_changes_no_side_table(
    folder_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder_lake, "old")
    path, replace = folder_lake.folder("numbers", DAY) / "data.parquet", Path.replace

    def full(temporary: Path, target: Path) -> Path:
        if target == path:
            raise OSError("gone")
        return replace(temporary, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="gone"):
        write(folder_lake, "new")
    monkeypatch.undo()
    assert version(folder_lake.read("numbers", DAY)) == "old"
    public = folder_lake.folder("numbers", DAY) / "quarantine.parquet"
    assert pl.read_parquet(public)["version"].to_list() == ["old"]
    assert len(list(public.parent.glob(".quarantine.*"))) == 1


def test_a_failed_day_without_odd_rows_leaves_those_of_the_old(lake: Lake) -> None:
    write(lake, "old")
    clear = {"quarantine": pl.DataFrame({"version": []})}
    with pytest.raises(ZeroDivisionError):
        lake.write(NUMBERS, DAY, TableWrite((1 / 0 for _ in "a"), aside=clear))  # ty: ignore[invalid-argument-type]
    assert version(lake.read("numbers", DAY)) == "old"
    lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)], aside=clear))
    assert [path.name for path in lake.folder("numbers", DAY).glob("[!.]*")] == ["data.parquet"]


def test_side_tables_of_a_lake_of_before(lake: Lake) -> None:
    folder = lake.folder("numbers", DAY)
    lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)]))
    footer = '{"rows": 3, "notes": {"version": "old"}}'
    data = folder / "data.parquet"
    put(data, pl.read_parquet(data.read_bytes()), metadata={"hf_assets": footer})
    put(folder / "quarantine.parquet", pl.DataFrame({"version": ["old"]}))
    stored = lake.read("numbers", DAY)
    assert stored.asides.keys() == {"quarantine"}
    write(lake, "new")
    assert stored.asides["quarantine"]["version"].to_list() == ["old"]
    assert version(lake.read("numbers", DAY)) == "new"
    public = (folder / "quarantine.parquet").read_bytes()
    assert pl.read_parquet(public)["version"].to_list() == ["new"]


def test_a_side_table_that_is_gone_is_named(folder_lake: Lake) -> None:
    write(folder_lake, "old")
    (hidden,) = folder_lake.folder("numbers", DAY).glob(".quarantine.*")
    hidden.unlink()
    # In a copy of a folder_lake, say, that leaves out what is hidden.
    assert version(folder_lake.read("numbers", DAY)) == "old"
    hidden.with_name("quarantine.parquet").unlink()
    with pytest.raises(MissingDay, match=r"quarantine\.parquet is gone, a part of numbers"):
        folder_lake.read("numbers", DAY)
    write(folder_lake, "new")
    assert version(folder_lake.read("numbers", DAY)) == "new"


# Many files


def test_days_beyond_those_kept_open_are_opened_again_and_never_mixed(folder_lake: Lake) -> None:
    write(folder_lake, "old")
    first = folder_lake.read("numbers", DAY)
    others = [OpenedFile(first.path) for _ in range(2 * MOST_OPEN)]
    assert version(first) == "old"
    assert sum(one._handle is not None for one in others) <= MOST_OPEN
    others += [OpenedFile(first.path) for _ in range(2 * MOST_OPEN)]
    assert {one.footer()["rows"] for one in others} == {COUNT}
    others += [OpenedFile(first.path) for _ in range(2 * MOST_OPEN)]
    write(folder_lake, "new")
    with pytest.raises(
        ReplacedError, match="was replaced while it was read: read it again"
    ) as seen:
        _ = first.frame
    assert not seen.value.permanent
    shutil.rmtree(folder_lake.root)
    with pytest.raises(ReplacedError):
        others[0].read_bytes()


def test_a_long_footer_is_read_whole(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "_TAIL", 64)
    notes = {"long": "x" * 5000}
    assert lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)], notes)).notes == notes


def test_a_page_asks_of_one_version(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its two questions, the number of rows and the first of them, are of the same file."""
    write(lake, "old", None)
    there = LakeReader(lake.root).series("numbers")
    assert there is not None
    count, best = there.select(pl.len()), there.sort("n").head(1)
    write(lake, "wide", None)
    total, rows = pl.collect_all([count, best], engine="streaming")
    assert (total.item(), rows["n"].item()) == (COUNT, 0)


def test_months_replaced_under_their_public_names_are_the_old_ones(lake: Lake) -> None:
    """Of a copy of a lake without hidden files, say."""
    keys = ["2026-10", "2026-11"]
    for key in keys:
        lake.write(NUMBERS, key, TableWrite([numbers(0, 3)]))
    lake.join_months("numbers", keys, {}, 0)
    folder = lake.folder("numbers", None)
    for path in [*folder.glob(".versions/*"), *folder.glob(".months/*")]:
        path.unlink()
    stored = lake.read("numbers", None)
    frame = stored.frame
    other = numbers(7, 9).select("day", "n", more=pl.lit("x"))
    for key in keys:
        put(folder / f"month={key}" / "data.parquet", other)
    assert frame.collect()["n"].to_list() == [0, 1, 2] * 2
    assert stored.frame.collect().height == 6
    assert lake.read("numbers", None).frame.collect()["n"].to_list() == [*range(7, 16)] * 2


def test_row_groups_are_whole_however_large_the_frames_are(lake: Lake) -> None:
    """Who reads as many rows at a time reads each row group once."""
    table = Table(
        "whole", {"n": Column(pl.Int64, "A number."), "of": Column(pl.List(pl.String), "Texts.")}
    )
    sizes = [100_000, 100_000, 7, 2 * ROW_GROUP, 5]
    starts = [sum(sizes[:at]) for at in range(len(sizes))]
    frames = (
        pl.DataFrame({"n": range(start, start + size)}).with_columns(
            of=pl.when(pl.col("n") % 3 > 0).then(pl.concat_list(pl.lit("x")))
        )
        for start, size in zip(starts, sizes, strict=True)
    )
    stored = lake.write(table, None, TableWrite(frames))
    metadata = stored.file.arrow().metadata
    groups = [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]
    assert groups == [ROW_GROUP] * 3 + [sum(sizes) - 3 * ROW_GROUP]
    frame = stored.frame.collect()
    assert frame["n"].to_list() == [*range(sum(sizes))]
    assert stored.file.footer()["list_nulls"] == {"of": frame["of"].null_count()}
    parts = [part.height for part in in_parts(stored.frame)]
    assert parts == groups
