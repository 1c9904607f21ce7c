"""What the run log says while a source is read and a corpus built: rows, and the share of it."""

import gzip
import hashlib
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import py7zr
import pytest

from hf_assets.corpora.building import build
from hf_assets.corpora.kaggle import meta_kaggle_rows
from hf_assets.corpora.kaggle.meta_kaggle import read_tables
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.corpora.schemas import texts_frame, texts_table
from hf_assets.corpora.stackexchange import dumps
from hf_assets.corpora.tables import records
from hf_assets.corpora.tables.table_source import read_table
from hf_assets.demo.labels.dump import write_dump
from hf_assets.demo.labels.meta_kaggle import write_tables
from hf_assets.storage.digests import sha256
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets_tests.corpora.conftest import make_rows

SHARE = re.compile(r"(.*) · (\d+) % of (\S+?)(?:, .* left)?")


pytestmark = pytest.mark.usefixtures("every_line")


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at the clock each line, and a small piece of a dump at a time."""
    monkeypatch.setattr(records, "_LINES_A_LOOK", 1)
    monkeypatch.setattr(meta_kaggle_rows, "LINES_A_LOOK", 1)
    monkeypatch.setattr(dumps, "_CHUNK", 1 << 12)


def read(write: TableWrite) -> int:
    return sum(frame.height for frame in write.frames)


def shares(lines: list[str], word: str, of: str) -> list[int]:
    """The percentages of the lines with that word, all of that file."""
    found = [match for line in lines if (match := SHARE.fullmatch(line)) and word in match[1]]
    assert {match[3] for match in found} == {of}, lines
    return [int(match[2]) for match in found]


def assert_rises(percent: list[int]) -> None:
    assert percent == sorted(percent)
    assert percent[0] < 50
    assert percent[-1] == 100


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "7z"])
def test_a_dump_says_its_posts_and_the_share_of_posts_xml(tmp_path: Path, packed: bool) -> None:
    path, lines = tmp_path / "Posts.xml", []
    write_dump(path, 60, until=date(2026, 11, 19))
    if packed:
        plain, path = path, tmp_path / "posts.7z"
        with py7zr.SevenZipFile(path, "w") as archive:
            archive.write(plain, "Posts.xml")
    assert read(dumps.read_posts(path, "ai", lines.append)) == 60
    assert_rises(shares(lines, "posts", "Posts.xml"))
    assert any(re.match(r"\d+ posts, \d+ questions · \d+ % of Posts.xml", line) for line in lines)
    assert_rises([0, *shares(lines, "SHA-256", path.name)])


def test_meta_kaggle_says_the_share_of_each_file(tmp_path: Path) -> None:
    lines: list[str] = []
    write_tables(tmp_path, 60)
    assert read(read_tables(tmp_path, lines.append)) > 0
    for name in ("Datasets.csv", "DatasetVersions.csv", "DatasetTags.csv", "Tags.csv"):
        ours = [line for line in lines if f" % of {name}" in line]
        assert_rises(shares(ours, "lines read", name))


def as_gz(path: Path) -> Path:
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed


WRITERS: dict[str, Callable[[pl.DataFrame, Path], None]] = {
    "csv": lambda rows, path: rows.write_csv(path),
    "tsv": lambda rows, path: rows.write_csv(path, separator="\t"),
    "jsonl": lambda rows, path: rows.write_ndjson(path),
    "parquet": lambda rows, path: rows.write_parquet(path),
}


@pytest.mark.parametrize(
    ("kind", "packed"),
    [
        (kind, packed)
        for kind in WRITERS
        for packed in (False, True)
        if kind != "parquet" or not packed
    ],
)
def test_a_table_of_ones_own_says_its_rows_and_share(
    tmp_path: Path, kind: str, packed: bool
) -> None:
    count = 2 * records.BATCH
    rows = [
        {"title": f"title {number}", "body": f"body {number:x} " * 4, "labels": "a"}
        for number in range(count)
    ]
    path, lines = tmp_path / f"own.{kind}", []
    WRITERS[kind](pl.DataFrame(rows), path)
    path = as_gz(path) if packed else path
    spec = CorpusSpec(name="own", source=path, rare_share=0.01, one_label=True)
    assert read(read_table(spec, lines.append)) == count
    percent = shares(lines, "read", path.name)
    # Parquet is read a batch at a time, of which there are two here.
    assert_rises([0, *percent] if kind == "parquet" else percent)
    assert lines[-1] == f"{path.name}: {count:,} rows"


def test_a_corpus_says_how_many_texts_are_cleaned_compared_and_split(
    lake: Lake, tmp_path: Path
) -> None:
    table, lines = texts_table("question_dump"), []
    stored = lake.write(table, None, TableWrite([texts_frame(make_rows(300))]))
    spec = CorpusSpec(name="toys", source=("question_dump",), rare_share=0.01)
    folder = tmp_path / "corpus"
    folder.mkdir()
    assert build(spec, [stored], folder, log=lines.append).rows == 300
    for step, first in (
        ("rows read and cleaned", "300 of 300"),
        ("texts indexed to find near duplicates", "0 of 300"),
        ("splits assigned, near duplicates to one split", "0 of 300"),
    ):
        line = next(line for line in lines if line.startswith(step))
        assert line.startswith(f"{step} · {first}"), line


def test_a_table_of_ones_own_is_not_counted_twice(tmp_path: Path) -> None:
    lines: list[str] = []
    folder = tmp_path / "corpus"
    folder.mkdir()
    spec = CorpusSpec(name="toys", source=("question_dump",), rare_share=0.01)
    build(spec, [TableWrite([texts_frame(make_rows(300))])], folder, log=lines.append)
    assert not [line for line in lines if "rows read" in line]


def test_the_digest_of_a_watched_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    path, content = tmp_path / "file", bytes(range(256)) * 10_000
    path.write_bytes(content)
    lines: list[str] = []
    assert sha256(path, lines.append) == hashlib.sha256(content).hexdigest()
    assert_rises([0, *shares(lines, "computing SHA-256", "file")])
    path.write_bytes(b"")
    assert sha256(path) == hashlib.sha256(b"").hexdigest()
