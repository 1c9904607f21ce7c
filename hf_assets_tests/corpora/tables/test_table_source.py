"""A user's table becomes texts, or an error with file and line."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.corpora.registry import CorpusSpec
from hf_assets.corpora.schemas import TEXTS_COLUMNS
from hf_assets.corpora.tables.records import TableError
from hf_assets.corpora.tables.table_source import TableSource, read_table
from hf_assets_tests.support.corpora.tables import OPTIONS, as_csv, read, source_of, write


def fails(path: Path, **options: Any) -> str:
    with pytest.raises(TableError) as failed:
        read(path, **options)
    assert str(path) in str(failed.value)
    assert failed.value.permanent
    return str(failed.value)


ROWS = [
    {"title": "One", "content": "<p>first\nline</p>", "tags": ["a", "b, c"]},
    {"title": "", "content": 'with "quotes", a comma', "tags": ["../x"]},
    {"title": None, "content": None, "tags": []},
]
IDS = ["birds:6fe43e95952efab07b1c8294", "birds:3c8009ab9e5d432b71947b8b",
       "birds:9dbbf69386d15cbd04cc35cb"]  # fmt: skip


def as_jsonl(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["csv", "tsv", "python", "jsonl", "parquet", "parquet text"])
def test_every_format_gives_the_same_texts(tmp_path: Path, kind: str, packed: bool) -> None:
    if kind.startswith("parquet"):
        frame = pl.DataFrame(ROWS, schema_overrides={"tags": pl.List(pl.String)})
        if kind == "parquet text":
            frame = frame.with_columns(tags=pl.Series([json.dumps(r["tags"]) for r in ROWS]))
        path = tmp_path / "birds.parquet"
        frame.write_parquet(path)
    else:
        text = {
            "csv": as_csv(ROWS, json.dumps),
            "tsv": as_csv(ROWS, json.dumps, "\t"),
            "python": as_csv(ROWS, str),
            "jsonl": as_jsonl(ROWS),
        }[kind]
        suffix = {"python": "csv"}.get(kind, kind)
        body = gzip.compress(text.encode()) if packed else text
        path = write(tmp_path, body, f"birds.{suffix}{'.gz' if packed else ''}")
    found = read(path, license="CC0")
    assert found.schema == {name: about.dtype for name, about in TEXTS_COLUMNS.items()}
    # Pinned: another hash would name, and might move, every row of every table there is.
    assert found["id"].to_list() == IDS
    assert found["labels"].to_list() == [["a", "b, c"], ["../x"], []]
    assert [body or None for body in found["body"]] == [row["content"] for row in ROWS]
    assert [title or None for title in found["title"]] == ["One", None, None]
    assert found["license"].to_list() == ["CC0"] * 3


def test_what_the_file_says_of_itself_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path, as_jsonl(ROWS), "birds.jsonl")
    told: list[str] = []
    made = source_of(path, **OPTIONS).read(told.append)
    assert sum(frame.height for frame in made.frames) == 3
    assert made.notes == {"rows": 3}
    (facts,) = made.provenance.values()
    assert facts["file"] == "birds.jsonl"
    assert facts["bytes"] == path.stat().st_size
    assert len(facts["sha256"]) == 64
    assert str(tmp_path) not in json.dumps(made.provenance)
    assert told == ["birds.jsonl: 3 rows"]


def test_more_rows_than_a_batch(tmp_path: Path) -> None:
    lines = "title,content,tags\n" + "".join(f"t{n},c{n},l{n}\n" for n in range(12_001))
    made = source_of(write(tmp_path, lines), **OPTIONS, separator=" ").read()
    frames = list(made.frames)
    assert len(frames) == 3
    found = pl.concat(frames)
    assert found["title"].to_list() == [f"t{n}" for n in range(12_001)]
    assert found["labels"].list.first().to_list() == [f"l{n}" for n in range(12_001)]
    assert found["id"].n_unique() == 12_001


def test_columns_that_say_more(tmp_path: Path) -> None:
    text = (
        "no,title,content,extra,tags,side,url,who,terms\n"
        "7,T,C,E,a b,train,https://x.example,Ann,CC0\n"
        "8,T,,E,,VAL,,,\n9,T,C,,a, dev ,u,w,t\n10,T,C,E,a,Test,u,w,t\n11,T,C,E,a,,u,w,t\n"
    )
    options = {"separator": " ", "id": "no", "split": "side", "link": "url", "author": "who",
               "license_column": "terms", "text": ("title", "content", "extra")}  # fmt: skip
    found = read(write(tmp_path, text), **options)
    assert found["id"].to_list() == [f"birds:{n}" for n in (7, 8, 9, 10, 11)]
    assert found["split"].to_list() == ["train", "validation", "validation", "test", None]
    assert found["body"].to_list()[:3] == ["C\n\nE", "E", "C"]
    assert found.select("link", "author", "license").row(0) == ("https://x.example", "Ann", "CC0")
    assert found["labels"].to_list()[:2] == [["a", "b"], []]


def test_one_column_of_text_has_no_title(tmp_path: Path) -> None:
    found = read(write(tmp_path, "content,tags\nhello,a\n"), text=("content",), separator=",")
    assert found.select("title", "body").row(0) == (None, "hello")


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xef\xbb\xbftitle,content,tags\nT,C,a\n")
    assert read(path, separator=" ").height == 1


def test_fields_longer_than_the_csv_module_likes(tmp_path: Path) -> None:
    path = write(tmp_path, f"title,content,tags\nT,{'x' * 300_000},a\n")
    assert read(path, separator=" ")["body"].str.len_chars().item() == 300_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('title,content,tags\n"a\nb",c,d\nT,C,a,more\n', "line 4: 4 fields where the header has 3"),
        ('title,content,tags\n"a\nb",c,d\nT,C\n', "line 4: 2 fields where the header has 3"),
        ('title,content,tags\nT,C,a\n"T,C,a\nT,C,a\n', "line 3: unexpected end of data"),
        ('title,content,tags\nT,C,a\nT,"C"x,a\n', "line 3: ',' expected after '\"'"),
        (b"title,content,tags\nT,C,a\nT,\xe9t\xe9,a\n", "line 3: byte 3 is no UTF-8"),
        ('title,content,tags\n"T\n\xff",C,a\n'.encode("latin-1"), "line 3: byte 1 is no UTF-8"),
        ("title,content,label\nT,C,a\n", "no column 'tags'; there are 'title', 'content', 'label'"),
        ("title,tags,content,tags\nT,a,C,b\n", "line 1: the column 'tags' is there twice"),
        ("", "is empty"),
        ("title,content,tags\rT,C,a\r", "line 1"),
    ],
)
def test_a_broken_csv_names_the_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert said in fails(write(tmp_path, text), separator=" ")


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        *[(tags, "is one label, and {first} has a list of labels")
          for tags in ("a b", "7", "None x", "(7)", "what a [day]")],
        *[(tags, "is no list of labels that can be read")
          for tags in ("[a, b]", "['a', 'b'", "['a', f()]", "[" * 5000, "['a', 'it''s']",
                       "['a''b']", "['a', ..., 'b']", "['a' 'b' ... 'c']", "['a' 'b', 'c']",
                       "{['a']}", "[joy anger]", "array(['a', 'b'", "__import__('os')")],
        *[(tags, "is no list of labels")
          for tags in ("[['a']]", "[r'a' b'b']", "[array(['a'], dtype=object)]", "[{'b': 1}]")],
        ("{'a': 1}", "is an object"), ("[True]", "has true and false"), ("'a'", "is in quotes"),
        ('"a"', "is in quotes"), ("[0. 1. 0.]", "is a vector of 0 and 1"),
    ],
)  # fmt: skip
def test_labels_that_are_no_list_name_the_line(tmp_path: Path, tags: str, said: str) -> None:
    rows = [ROWS[0], {**ROWS[1], "tags": tags}]
    path = write(tmp_path, as_csv(rows, str))
    message = fails(path)
    assert "line 4: " in message  # the text of the first row has two lines
    if "[{" not in tags:
        assert said.format(first=f"{path}, line 2") in message
    # That advice led to labels with brackets and quotes, and back again.
    assert "separator" not in message


@pytest.mark.parametrize(
    ("tags", "labels"),
    [("['a', '']", ["a", ""]), ("('a', 'b')", ["a", "b"]), ("{'b', 'a'}", ["a", "b"]),
     ('["a", null, 7]', ["a", "7"]), ("[]", []), ("  ", []), ("", []), ("['a', None]", ["a"]),
     ("['a' 'b']", ["a", "b"]), ("['a'\n 'b' \"it's\"]", ["a", "b", "it's"]), ("['joy']", ["joy"]),
     ("array(['a', 'b'], dtype=object)", ["a", "b"]), ("[ 3 12]", ["3", "12"]),
     ('[{"name": "a"}, {"name": "b", "id": 7}]', ["a", "b"]), ("[{'label': 'a'}]", ["a"])],
)  # fmt: skip
def test_lists_written_as_text(tmp_path: Path, tags: str, labels: list[str]) -> None:
    path = write(tmp_path, as_csv([{**ROWS[0], "tags": tags}], str))
    assert read(path)["labels"].to_list() == [labels]


@pytest.mark.parametrize("tags", ["['a', 'b']", '["a"]', "('a', 'b')", "{'a'}", " [] "])
def test_a_list_is_not_torn_at_a_separator(tmp_path: Path, tags: str) -> None:
    path = write(
        tmp_path, as_csv([{**ROWS[1], "tags": "x [y] (z)"}, {**ROWS[1], "tags": tags}], str)
    )
    said = fails(path, separator=" ")
    assert "line 3" in said
    assert "is a list already; leave the separator out" in said
    labels = read(write(tmp_path, as_csv([{**ROWS[1], "tags": "[y] (z)"}], str)), separator=" ")
    assert labels["labels"].to_list() == [["[y]", "(z)"]]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"title": "T", "content": "C", "tags": ["a"]', "line 2"),
        ("[1]", "line 2"),
        ('{"title": "T", "content": "C", "tags": {"a": 1}}', "line 2"),
        ('{"title": {"a": 1}, "content": "C", "tags": ["a"]}', "line 2: \"{'a': 1}\" in title"),
        ('{"title": "\\ud800", "content": "C", "tags": ["a"]}', "line 2"),
        ('{"a":' * 50_000, "line 2"),
    ],
)
def test_a_broken_json_line_names_the_line(tmp_path: Path, line: str, said: str) -> None:
    good = '{"title": "T", "content": "C", "tags": ["a"]}'
    assert said in fails(write(tmp_path, f"{good}\n{line}\n{good}\n", "birds.jsonl"))


def test_a_json_line_may_leave_out_what_others_have(tmp_path: Path) -> None:
    path = write(tmp_path, '{"content": "C", "tags": ["a"]}\n\n{"title": "T"}\n', "birds.jsonl")
    found = read(path).select("title", "body", "labels").rows()
    assert found == [(None, "C", ["a"]), ("T", None, [])]
    path = write(tmp_path, '{"content": "C", "tag": ["a"]}\n', "birds.jsonl")
    assert "no column 'title', 'tags'; there are 'content', 'tag'" in fails(path)


def test_other_files_that_are_not_what_they_seem(tmp_path: Path) -> None:
    assert "cannot be read" in fails(write(tmp_path, "no parquet", "birds.parquet"))
    assert "cannot be read" in fails(write(tmp_path, "no gzip", "birds.csv.gz"))
    assert "cannot be read" in fails(
        write(tmp_path, gzip.compress(b"title,content")[:-9], "b.csv.gz")
    )
    spoilt = bytearray(gzip.compress(as_jsonl(ROWS * 50).encode()))
    spoilt[20] ^= 0xFF
    assert "cannot be read" in fails(write(tmp_path, bytes(spoilt), "b.jsonl.gz"))
    assert "cannot be read" in fails(tmp_path / "none.csv")
    # An entry of the registry cannot name such a file.
    entry = CorpusSpec.model_construct(source=write(tmp_path, "x", "birds.xlsx"), **OPTIONS)
    with pytest.raises(TableError, match="is none of"):
        list(TableSource(entry).read().frames)


def test_ids_that_name_two_rows_or_none(tmp_path: Path) -> None:
    path = write(tmp_path, 'id,title,content,tags\n1,T,"C\nC",a\n2,T,C,a\n1,T,C,b\n')
    message = fails(path, id="id", separator=" ")
    assert "line 5: the id '1' is that of" in message
    assert message.endswith("line 2 already")
    path = write(tmp_path, "id,title,content,tags\n,T,C,a\n")
    assert "line 2: no id" in fails(path, id="id", separator=" ")


def test_a_split_of_another_name_names_the_line(tmp_path: Path) -> None:
    path = write(tmp_path, "title,content,tags,split\nT,C,a,train\nT,C,a,holdout\n")
    message = fails(path, split="split", separator=" ")
    assert "line 3: 'holdout' in split is no split" in message
    assert "validation" in message


def test_an_entry_of_the_registry_is_a_table(tmp_path: Path) -> None:
    path = write(tmp_path, "title,content,tags\nT,C,a|b\n")
    given: dict[str, Any] = {**OPTIONS, "separator": "|", "license": "CC0"}
    spec = CorpusSpec(name="x", source=path, rare_share=0.1, **given)
    found = pl.concat(read_table(spec).frames)
    assert found.select("labels", "license").row(0) == (["a", "b"], "CC0")
    with pytest.raises(TypeError, match="not a file"):
        read_table(CorpusSpec(name="x", source=("new_questions",), rare_share=0.1))
