"""Meta Kaggle's tables: joined right, odd rows left out by file and line, labels never shifted."""

import csv
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.corpora.corpus import joined
from hf_assets.corpora.kaggle import meta_kaggle, meta_kaggle_rows
from hf_assets.corpora.kaggle.client import KaggleError
from hf_assets.corpora.kaggle.meta_kaggle import read_tables
from hf_assets.corpora.schemas import texts_table
from hf_assets.demo.labels.meta_kaggle import INVALID_ROWS, license_name, owner, slug, write_tables
from hf_assets.demo.labels.texts import GeneratedText, generated_datasets
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.corpora.meta_kaggle import COUNT, SEED, read

TEXTS = {f"kaggle:{text.id}": text for text in generated_datasets(COUNT, SEED)}
# What each oddity costs: the dataset, or nothing, and what is counted.
LOSES = {
    "too few fields": "dropped: DatasetVersions.csv: another count of fields",
    "too many fields": "dropped: DatasetVersions.csv: another count of fields",
    "open quote": "dropped: DatasetVersions.csv: broken quoting (',' expected after '\"')",
    "not UTF-8": "dropped: DatasetVersions.csv: not UTF-8",
    "no current version": "dropped: no current version",
    "version not there": "dropped: current version not in DatasetVersions.csv",
    "version of another dataset": "dropped: DatasetVersions.csv: version of another dataset",
}
KEEPS = {
    "unknown date": "Datasets.csv: dates that are not understood, left empty",
    "ISO date": "datasets",
    "version twice": "versions that are not current",
    "unknown tag": "tags that are not in Tags.csv",
    "tag twice": "datasets",
    "dataset twice": "dropped: Datasets.csv: dataset a second time",
    "other type": "of type 9",
}


def assert_right(row: dict[str, Any], text: GeneratedText) -> None:
    assert row["title"] == (text.title.strip() or None)
    assert row["body"] == (joined((text.subtitle, text.body)) or None)
    assert row["labels"] == list(dict.fromkeys(text.tags))
    assert row["license"] == license_name(text)
    assert row["split"] is None


def test_a_dataset_is_its_current_version_with_its_tags(tmp_path: Path, lake: Lake) -> None:
    write_tables(tmp_path, COUNT, SEED)
    rows, made = read(tmp_path)
    assert rows.keys() == TEXTS.keys()
    for name, row in rows.items():
        assert_right(row, TEXTS[name])
        assert row["created_at"] == TEXTS[name].created
        assert row["link"] is row["author"] is row["author_link"] is None
    assert made.notes["datasets"] == COUNT
    versions = sum(1 for _ in csv.reader((tmp_path / "DatasetVersions.csv").open(newline=""))) - 1
    assert made.notes["versions that are not current"] == versions - COUNT > 0
    files = made.provenance["dataset_dump"]["files"]
    assert files["Tags.csv"]["bytes"] == (tmp_path / "Tags.csv").stat().st_size

    stored = lake.write(texts_table("dataset_dump"), None, read_tables(tmp_path))
    assert stored.rows == COUNT == stored.notes["datasets"]
    assert stored.frame.collect()["labels"].to_list() == [row["labels"] for row in rows.values()]


def test_with_users_and_organisations_there_are_authors_and_links(tmp_path: Path) -> None:
    write_tables(tmp_path, COUNT, SEED, owners=True)
    rows, _ = read(tmp_path)
    for index, (name, text) in enumerate(TEXTS.items()):
        row = rows[name]
        if index % 10 == 0:
            assert row["author"] == "The Example Society"
            assert row["author_link"] == "https://www.kaggle.com/organizations/example-society"
            assert row["link"] == f"https://www.kaggle.com/datasets/example-society/{slug(text)}"
        else:
            assert row["author"] == text.author
            assert row["author_link"] == f"https://www.kaggle.com/{owner(text)}"
            assert row["link"] == f"https://www.kaggle.com/datasets/{owner(text)}/{slug(text)}"


def test_every_oddity_is_looked_at() -> None:
    assert {*LOSES, *KEEPS} == {*INVALID_ROWS}


@pytest.mark.parametrize("odd", INVALID_ROWS)
def test_an_odd_row_is_counted_and_shifts_nothing(odd: str, tmp_path: Path) -> None:
    struck = write_tables(tmp_path, COUNT, SEED, [odd])[odd]
    write_tables(tmp_path / "as it should be", COUNT, SEED)
    told: list[str] = []
    rows, made = read(tmp_path, told)
    assert rows.keys() == (TEXTS.keys() - {struck} if odd in LOSES else TEXTS.keys())
    for name, row in rows.items():
        assert_right(row, TEXTS[name])
        unread = odd == "unknown date" and name == struck
        assert row["created_at"] == (None if unread else TEXTS[name].created)
    reason = LOSES.get(odd) or KEEPS[odd]
    without = read(tmp_path / "as it should be")[1].notes[reason]
    assert made.notes[reason] == without + (reason != "datasets")


def test_every_oddity_at_once_shifts_nothing(tmp_path: Path) -> None:
    struck = write_tables(tmp_path, COUNT, SEED, INVALID_ROWS)
    rows, made = read(tmp_path)
    assert TEXTS.keys() - rows.keys() == {struck[odd] for odd in LOSES}
    for name, row in rows.items():
        assert_right(row, TEXTS[name])
    dropped = {what: count for what, count in made.notes.items() if what.startswith("dropped")}
    twice = {KEEPS["dataset twice"]: 1, LOSES["too few fields"]: 2}
    # A version that is not whole is counted as a row, and its dataset as one without it.
    assert dropped == dict.fromkeys(LOSES.values(), 1) | twice | {LOSES["version not there"]: 5}


def write(folder: Path, **tables: str | bytes) -> Path:
    """Tables of one dataset, some of them replaced."""
    given: dict[str, str | bytes] = {
        "Datasets": "Id,CurrentDatasetVersionId,CreationDate\n1,10,03/04/2021 05:06:07\n",
        "DatasetVersions": "Id,DatasetId,Title,Subtitle,Description,LicenseName\n10,1,T,S,D,L\n",
        "DatasetTags": "Id,DatasetId,TagId\n1,1,5\n2,1,6\n",
        "Tags": "Id,Name\n5,games\n6,art\n",
    } | tables
    folder.mkdir(exist_ok=True)
    for name, content in given.items():
        raw = content.encode() if isinstance(content, str) else content
        (folder / f"{name}.csv").write_bytes(raw)
    return folder


def test_the_line_of_an_odd_row_is_told(tmp_path: Path) -> None:
    versions = (
        "Id,DatasetId,Title,Subtitle,Description,LicenseName\n"
        '9,1,old,S,"one\ntwo\nthree",L\n'
        '10,1,T,S,"four\nfive",L,more\n'
    )
    told: list[str] = []
    rows, made = read(write(tmp_path, DatasetVersions=versions), told)
    assert rows == {}
    assert "DatasetVersions.csv, line 5: left out: 7 fields, not 6" in told
    assert made.notes["dropped: current version not in DatasetVersions.csv"] == 1


def test_a_long_text_after_a_broken_quote_is_one_odd_row(tmp_path: Path) -> None:
    text = 'a line, with commas\n1, 2, ""3""\n' * 1500
    versions = (
        "Id,DatasetId,Title,Subtitle,Description,LicenseName\n"
        f'9,1,old,"a "bad" one","{text}",L\n10,1,T,S,D,L\n'
    )
    rows, made = read(write(tmp_path, DatasetVersions=versions))
    assert [row["title"] for row in rows.values()] == ["T"]
    assert made.notes["DatasetVersions.csv: pieces after broken quoting"] >= 3000
    assert sum(n for what, n in made.notes.items() if what.startswith("dropped")) == 1


@pytest.mark.parametrize(
    "date",
    ["03/04/2021 05:06:07", "2021-03-04T05:06:07Z", "2021-03-04 05:06:07",
     "2021-03-04T06:06:07+01:00"],
)  # fmt: skip
def test_dates_in_any_known_form(date: str, tmp_path: Path) -> None:
    rows, _ = read(
        write(tmp_path, Datasets=f"Id,CurrentDatasetVersionId,CreationDate\n1,10,{date}\n")
    )
    assert rows["kaggle:1"]["created_at"] == datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)


def test_a_byte_order_mark_columns_in_another_order_and_more_of_them(tmp_path: Path) -> None:
    versions = (
        b'\xef\xbb\xbf"LicenseName","Description","New","Subtitle","Title","DatasetId","Id"\r\n'
        b'L,"D ""quoted""",x,S,T,1,10\r\n'
    )
    rows, _ = read(write(tmp_path, DatasetVersions=versions))
    row = rows["kaggle:1"]
    assert (row["title"], row["body"], row["license"]) == ("T", 'S\n\nD "quoted"', "L")
    assert row["labels"] == ["games", "art"]


@pytest.mark.parametrize("name", meta_kaggle.TABLES)
def test_a_missing_table_says_which_and_how_to_get_it(name: str, tmp_path: Path) -> None:
    write_tables(tmp_path, 20)
    (tmp_path / name).unlink()
    with pytest.raises(KaggleError, match=rf"has no {name}.*kaggle/meta-kaggle.*fetch") as caught:
        read_tables(tmp_path)
    assert caught.value.permanent


@pytest.mark.parametrize(
    "content",
    [b"", b"Id;DatasetId;Title\n1;2;3\n", b"<html>not found</html>\n",
     b"Id,DatasetId,Title,Subtitle,LicenseName\n10,1,T,S,L\n",
     b"Id,Id,DatasetId,Title,Subtitle,Description,LicenseName\n10,10,1,T,S,D,L\n",
     "Id,DatasetId,Title,Subtitle,Description,LicenseName\n".encode("utf-16")],
)  # fmt: skip
def test_a_file_that_is_something_else_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    made = read_tables(write(tmp_path, DatasetVersions=content))
    with pytest.raises(KaggleError, match=r"DatasetVersions\.csv, line 1: the header") as caught:
        list(made.frames)
    assert caught.value.permanent


def test_too_many_invalid_rows_make_the_file_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meta_kaggle_rows, "MOST_INVALID_ROWS", 3)
    tags = "Id,Name\n5,games\n" + "6\n" * 4
    made = read_tables(write(tmp_path, Tags=tags))
    with pytest.raises(KaggleError, match=r"Tags\.csv, line 6: 3 invalid rows") as caught:
        list(made.frames)
    assert caught.value.permanent


def test_a_quote_that_never_closes_ends_with_its_row(tmp_path: Path) -> None:
    versions = 'Id,DatasetId,Title,Subtitle,Description,LicenseName\n10,1,T,S,"D,L\n11,2,T,S,D,L\n'
    rows, made = read(write(tmp_path, DatasetVersions=versions))
    assert rows == {}
    assert made.notes["dropped: DatasetVersions.csv: broken quoting (unexpected end of data)"] == 1


def test_frames_are_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meta_kaggle, "BATCH", 25)
    write_tables(tmp_path, COUNT, SEED)
    assert [frame.height for frame in read_tables(tmp_path).frames] == [25, 25, 10]


def test_hostile_tags_slugs_and_names_stay_what_they_are(tmp_path: Path) -> None:
    tags = ["../x", "a,b", 'say "no"', "🦊", "x" * 300, "<b>bold</b>", " padded "]
    with (tmp_path / "tags.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("Id", "Name"), *enumerate(tags)])
    pairs = "DatasetId,TagId\n" + "".join(f"1,{number}\n" for number in range(len(tags)))
    folder = write(
        tmp_path / "tables",
        Tags=(tmp_path / "tags.csv").read_bytes(),
        DatasetTags=pairs,
        Datasets="Id,CurrentDatasetVersionId,CreationDate,OwnerUserId\n1,10,2021-01-01,4\n",
        DatasetVersions="Id,DatasetId,Title,Subtitle,Description,LicenseName,Slug\n"
        "10,1,T,S,D,L,../../evil?x=<b>\n",
        Users="Id,UserName,DisplayName\n4,a/b,<script>\n",
    )
    row = read(folder)[0]["kaggle:1"]
    assert row["labels"] == [tag.strip() for tag in tags]
    assert row["author"] == "<script>"
    assert row["link"] == ("https://www.kaggle.com/datasets/a%2Fb/..%2F..%2Fevil%3Fx%3D%3Cb%3E")


# Any text that CSV can hold, the marks it lives on more often.
WILD = st.text(
    st.one_of(st.sampled_from('",\n\r;\t \ufeff\x00'), st.characters(exclude_categories=["Cs"])),
    max_size=30,
)


@given(rows=st.lists(st.tuples(WILD, WILD, WILD, st.lists(WILD, max_size=3)), max_size=6))
def test_any_text_comes_back_as_it_was_written(
    rows: list[tuple[str, str, str, list[str]]],
) -> None:
    names = list(dict.fromkeys(tag.strip() for *_, tags in rows for tag in tags if tag.strip()))
    with tempfile.TemporaryDirectory() as name:
        folder = write(Path(name))

        def put(table: str, content: list[tuple[Any, ...]]) -> None:
            with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, quoting=csv.QUOTE_ALL).writerows(content)

        numbered = list(enumerate(rows, start=1))
        put("Tags", [("Id", "Name"), *enumerate(names)])
        put("Datasets", [("Id", "CurrentDatasetVersionId", "CreationDate"),
                         *((n, n * 10, "2021-01-01") for n, _ in numbered)])  # fmt: skip
        put("DatasetVersions",
            [("Id", "DatasetId", "Title", "Subtitle", "Description", "LicenseName"),
             *((n * 10, n, *texts[:3], "L") for n, texts in numbered)])  # fmt: skip
        put("DatasetTags", [("DatasetId", "TagId"),
                            *((n, names.index(tag.strip())) for n, (*_, tags) in numbered
                              for tag in tags if tag.strip())])  # fmt: skip
        found, made = read(folder)
    assert not [what for what in made.notes if what.startswith("dropped")]
    assert len(found) == len(rows)
    for number, (title, subtitle, body, tags) in numbered:
        row = found[f"kaggle:{number}"]
        assert row["title"] == (title.strip() or None)
        assert row["body"] == (joined((subtitle, body)) or None)
        assert row["labels"] == list(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))


def test_the_frames_have_the_columns_of_texts(tmp_path: Path) -> None:
    write_tables(tmp_path, 20)
    (frame,) = read_tables(tmp_path).frames
    assert frame.schema == texts_table("dataset_dump").schema
    assert frame["labels"].dtype == pl.List(pl.String)
