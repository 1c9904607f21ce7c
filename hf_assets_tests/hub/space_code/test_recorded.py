"""Files of Spaces as others recorded them: a table of an archive, with a reason for each null."""

import csv
import gzip
import shutil
from pathlib import Path

import polars as pl
import pytest

from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets.hub.space_code.days import NoTrees
from hf_assets.hub.space_code.rules import code_adds_up, reasons_known, spaces_answered
from hf_assets.hub.space_code.schemas import SPACE_CODE
from hf_assets.hub.space_code.table import space_code
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets_tests.support.hub.space_files import tree_days

RECORDED = "2023-11-16"
NOWHERE = "http://127.0.0.1:9"

pytestmark = pytest.mark.usefixtures("unsynced")


def table_of(lake: Lake, folder: Path, day: str = RECORDED) -> StoredTable:
    days = tree_days(lake, NOWHERE, recorded=RecordedDays(folder).space_files)
    answers = days.get_or_ask(day, None, None)
    return lake.write(SPACE_CODE, day, space_code(answers, None, None, day))


def write(folder: Path, text: str, name: str = f"space-files-{RECORDED}.csv") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


def test_each_null_has_its_reason(lake: Lake, tmp_path: Path) -> None:
    text = "name,size,n_files\na/1,2551.0,4.0\na/2,,1200\na/3,,\na/4,,17\na/5,9,52243\n"
    stored = table_of(lake, write(tmp_path / "past", text))
    rows = stored.frame.select("id", "n_files", "bytes", "reason").collect().rows()
    assert rows == [
        ("a/1", 4, 2551, None),
        ("a/2", 1200, None, "too many files"),
        ("a/3", None, None, "failed"),
        ("a/4", 17, None, "not recorded"),
        ("a/5", 52243, 9, None),
    ]
    assert reasons_known(stored).passed
    assert stored.provenance["raw_space_trees"]["source"] == "folder"


def test_other_columns_units_and_formats(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "past"
    text = "category,model,space,size_kib\nb,m,a/1,2.5\nc,n,a/1,2.5\nb,m,a/2,\n"
    write(folder, text)
    pl.DataFrame({"ID": ["a/9"], "n_files": [3], "bytes": [70]}).write_parquet(
        folder / "space_files_2023-11-17.parquet"
    )
    with gzip.open(folder / "space-files-2023-11-18.csv.gz", "wt") as packed:
        packed.write("id,n_files\na/9,3\n")
    rows = table_of(lake, folder).frame.select("id", "bytes", "tags", "reason").collect().rows()
    assert rows == [("a/1", 2560, ["b", "c"], "not recorded"), ("a/2", None, ["b"], "failed")]
    (row,) = table_of(lake, folder, "2023-11-17").frame.collect().rows(named=True)
    assert (row["n_files"], row["bytes"], row["tags"]) == (3, 70, None)
    (row,) = table_of(lake, folder, "2023-11-18").frame.collect().rows(named=True)
    assert (row["n_files"], row["bytes"], row["reason"]) == (3, None, "not recorded")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,likes\na/1,2\n", "it has columns name, likes"),
        ("name,size,n_files\na/1,many,4\n", "space-files-2023-11-16.csv cannot be read"),
        ("name,size,n_files\n,2,4\n", "1 rows have no name of a Space"),
    ],
)
def test_a_broken_recording_names_the_file_or_the_fault(
    lake: Lake, tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(ArchiveError, match=says):
        table_of(lake, write(tmp_path / "past", text))


def test_a_recording_is_no_listing(lake: Lake, tmp_path: Path) -> None:
    folder = write(tmp_path / "past", "name,size,n_files\na/1,2,4\n")
    archive = RecordedDays(folder)
    archive.require_days()
    assert archive.days() == set()
    assert archive.find("spaces", RECORDED) is None
    assert archive.find("models", RECORDED) is None
    with pytest.raises(NoTrees, match="2023-11-15 is over"):
        table_of(lake, folder, "2023-11-15")
    (folder / "2023-11-16.json").write_text('{"models": [{"id": "a/m"}], "spaces": []}')
    assert RecordedDays(folder).days() == {RECORDED}
    write(folder, "name,size\na/1,2\n", f"{RECORDED}-space-files.csv")
    with pytest.raises(ArchiveError, match="both hold the files of 2023-11-16"):
        RecordedDays(folder).space_files(RECORDED)


def test_the_recording_of_2023_has_the_numbers_of_its_authors(
    lake: Lake, tmp_path: Path, real_data: Path
) -> None:
    """An independent count with the csv module, and what the authors printed."""
    source = real_data / "hub-spaces-2023-11" / "files.csv"
    shutil.copyfile(source, tmp_path / f"space-files-{RECORDED}.csv")
    stored = table_of(lake, tmp_path)
    frame = stored.frame.collect()
    with source.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert frame.height == frame["id"].n_unique() == len({row["name"] for row in rows}) == 3737
    assert frame["n_files"].null_count() == sum(not row["n_files"] for row in rows) == 4
    assert (frame["n_files"] > 1000).sum() == 73
    assert frame["n_files"].max() == 52_243
    assert frame["bytes"].null_count() == sum(not row["size"] for row in rows) == 134
    heaviest = frame["bytes"].max()
    assert isinstance(heaviest, int)
    assert heaviest // 1024**2 == 135
    assert frame["bytes"].sum() == sum(round(float(row["size"])) for row in rows if row["size"])
    reasons = dict(frame["reason"].drop_nulls().value_counts().rows())
    assert reasons == {"too many files": 62, "not recorded": 68, "failed": 4}
    for rule in (code_adds_up, reasons_known, spaces_answered):
        assert rule(stored).passed


@pytest.mark.parametrize(
    ("task", "spaces", "rows"), [("text-classification", 651, 719), ("text-generation", 2620, 2803)]
)
def test_the_recordings_of_2024_have_the_sizes_of_their_authors(
    lake: Lake, tmp_path: Path, real_data: Path, task: str, spaces: int, rows: int
) -> None:
    """Their unit is KiB, which only the name of the column can say."""
    source = real_data / "hub-spaces-by-model-2024-01" / f"identical-{task}.csv"
    header, *lines = source.read_text("utf-8").splitlines()
    assert header == "category,model,space,size"
    assert len(lines) == rows
    day = "2024-01-19"
    text = "\n".join(["category,model,space,size_kib", *lines])
    stored = table_of(lake, write(tmp_path / "past", text, f"space-files-{day}.csv"), day)
    frame = stored.frame.collect()
    assert frame.height == spaces
    assert frame["tags"].explode().unique().to_list() == [task]
    sizes = {name: float(size) for _, _, name, size in csv.reader(reversed(lines))}
    assert dict(frame.select("id", "bytes").rows()) == {
        name: round(size * 1024) for name, size in sizes.items()
    }
