"""Posts.xml becomes questions: all of them, none else, or an error that names the place."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import py7zr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.corpora.stackexchange.dumps import DumpError, read_posts, tags_of
from hf_assets_tests.support.corpora.dumps import HEAD, TAIL, read, row


def test_a_question(posts) -> None:
    frame, made = read(posts(row()))
    assert frame.row(0, named=True) == {
        "id": "stackexchange:ai:7",
        "title": 'Is a < b & "c"?',
        "body": "<p>x &amp; y</p>",
        "labels": ["c++", ".net"],
        "link": "https://ai.stackexchange.com/q/7",
        "author": "user 8",
        "author_link": "https://ai.stackexchange.com/users/8",
        "license": "CC BY-SA 3.0",
        "created_at": datetime(2016, 8, 2, 15, 39, 14, 947_000, UTC),
        "split": None,
    }
    assert made.notes == {
        "posts": 1,
        "questions": 1,
        "dropped: not a question": 0,
        "dropped: planted post": 0,
    }


def test_times_are_in_utc_wherever_they_are_read(posts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        frame, _ = read(posts(row(CreationDate="2016-08-02T23:59:59.5")))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert frame["created_at"].item() == datetime(2016, 8, 2, 23, 59, 59, 500_000, UTC)


def test_every_dropped_row_has_a_reason(posts) -> None:
    frame, made = read(
        posts(
            row(Id="1"),
            row(Id="2", PostTypeId="2", Title=None, Tags=None),
            row(Id="3", PostTypeId="5"),
            row(Id="4", PostTypeId=None),
            row(Id=None),
            row(Id="x"),
            row(Id="-3"),
            row(Id="1"),
            row(Id="5", Tags="a, b"),
            row(Id="999999999"),
            row(Id="1000000000"),
            row(Id="1000000010", PostTypeId="2"),
        )
    )
    assert frame["id"].to_list() == ["stackexchange:ai:1", "stackexchange:ai:999999999"]
    assert made.notes == {
        "posts": 12,
        "questions": 2,
        "dropped: not a question": 2,
        "dropped: planted post": 2,
        "dropped: no PostTypeId": 1,
        "dropped: no Id that can be read": 3,
        "dropped: Id seen before": 1,
        "dropped: Tags in no known spelling": 1,
    }
    dropped = sum(count for name, count in made.notes.items() if name.startswith("dropped"))
    assert dropped + made.notes["questions"] == made.notes["posts"]


@pytest.mark.parametrize(
    "declared",
    [
        "x-none",
        "shift_jis",
        "gb18030",
        "utf-7",
        "utf-32",
        "utf-16",
        "cp037",
        "base64",
        "idna",
        "hex",
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_an_encoding_that_the_parser_does_not_read_is_named(
    posts, declared: str, packed: bool
) -> None:
    path = posts(row(), head=HEAD.replace("utf-8", declared))
    if packed:
        plain, path = path, path.with_suffix(".7z")
        with py7zr.SevenZipFile(path, "w") as archive:
            archive.write(plain, "Posts.xml")
    with pytest.raises(DumpError) as failed:
        read(path)
    message = str(failed.value)
    assert message.startswith(f"{path} declares {declared!r} at line 1")
    assert "convert it to UTF-8" in message
    assert failed.value.permanent


def test_an_encoding_that_the_parser_reads_is_read(posts) -> None:
    head = HEAD.replace("utf-8", "windows-1252")
    frame, _ = read(posts(row(Body="é"), head=head, encoding="windows-1252"))
    assert frame["body"].item() == "é"


def test_what_a_question_lacks_is_left_to_the_corpus_and_counted(posts) -> None:
    frame, made = read(
        posts(
            row(Id="1", Body=None, Tags=None, Title=None),
            row(Id="2", Body="", Tags="", Title="", CreationDate="yesterday"),
            row(Id="3", OwnerUserId=None),
            row(Id="4", OwnerUserId=None, OwnerDisplayName="Zoë <b>"),
            row(Id="5", OwnerUserId="../x"),
            row(Id="6", OwnerUserId="-1", OwnerDisplayName="Community"),
        )
    )
    assert frame["title"].to_list()[:2] == ["", ""]
    assert frame["body"].to_list()[:2] == ["", ""]
    assert frame["labels"].to_list()[:2] == [[], []]
    assert frame["created_at"].null_count() == frame["license"].null_count() == 1
    assert frame["author"].to_list()[2:] == [None, "Zoë <b>", None, "Community"]
    assert frame["author_link"].to_list()[2:] == [
        *[None] * 3,
        "https://ai.stackexchange.com/users/-1",
    ]
    for name in ("without Title", "without Body", "without Tags"):
        assert made.notes[name] == 2
    assert made.notes["without a CreationDate that can be read"] == 1


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("<a><b>", ["a", "b"]),
        ("|a|b|", ["a", "b"]),
        ("<c++>", ["c++"]),
        ("|a|", ["a"]),
        ("<a,b><'c'>", ["a,b", "'c'"]),
        ("|../x|😀|", ["../x", "😀"]),
        ("", []),
        ("a b", None),
        ("<a|b>", None),
        ("|a<b|", None),
        ("<a>|b|", None),
        ("<a><>", None),
        ("||", None),
        ("|", None),
        ("<a", None),
        ("|a|b", None),
    ],
)
def test_both_spellings_of_tags_and_no_third(text: str, tags: list[str] | None) -> None:
    assert tags_of(text) == tags


@given(st.lists(st.text(st.characters(exclude_characters="<>|"), min_size=1), min_size=1))
def test_tags_come_back_from_both_spellings(tags: list[str]) -> None:
    assert tags_of("".join(f"<{tag}>" for tag in tags)) == tags
    assert tags_of(f"|{'|'.join(tags)}|") == tags


def test_a_tag_given_twice_is_one(posts) -> None:
    assert read(posts(row(Tags="<b><a><b>")))[0]["labels"].to_list() == [["b", "a"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_or_none(posts, encoding: str) -> None:
    frame, _ = read(posts(row(Title="naïve 😀"), encoding=encoding))
    assert frame["title"].to_list() == ["naïve 😀"]


def test_a_declared_encoding_is_read(posts) -> None:
    path = posts(row(Title="naïve"), head=HEAD.replace("utf-8", "iso-8859-1"), encoding="latin-1")
    assert read(path)[0]["title"].to_list() == ["naïve"]


def test_a_wrong_encoding_names_line_and_byte(posts) -> None:
    path = posts(row(), row(Id="8", Title="naïve"), encoding="latin-1")
    at = path.read_bytes().index(b"\xef")
    with pytest.raises(DumpError, match=rf"line 4, byte {at:,}") as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ("  <row Id='9' Title='a'b' />\n", 4),
        ("  <row Id='9' Title='a & b' />\n", 4),
        ("  <row Id='9' Title='<p>' />\n", 4),
        ("  <row Id='9' Id='10' />\n", 4),
        ("  <row Id='9' Title='&#xD800;' />\n", 4),
        ("  <row Id='9' Title='\x01' />\n", 4),
        ("  <row Id='9' Title='&nbsp;' />\n", 4),
        ("  <row Id='9'>\n", 5),
    ],
)
def test_broken_xml_names_file_line_and_byte(posts, broken: str, line: int) -> None:
    path = posts(row(), broken)
    with pytest.raises(DumpError, match=rf"at line {line}, byte [0-9,]+") as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_file_cut_anywhere_is_never_taken_for_whole(posts) -> None:
    whole = posts(*(row(Id=str(n)) for n in range(1, 4))).read_bytes()
    path = posts()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(DumpError, match="line"):
            read(path)


def test_what_comes_after_the_end_is_refused(posts) -> None:
    with pytest.raises(DumpError, match="junk"):
        read(posts(row(), tail=TAIL + row()))


@pytest.mark.parametrize(
    "rows",
    ["<users><row Id='1' /></users>", "<posts><user Id='1' /></posts>",
     "<posts><row Id='1'><row Id='2' /></row></posts>"],
)  # fmt: skip
def test_another_file_is_no_posts(posts, rows: str) -> None:
    with pytest.raises(DumpError, match=r"is no Posts\.xml"):
        read(posts(rows, head="", tail=""))


BOMB = '<!DOCTYPE posts [<!ENTITY a "xxxxxxxxxx">' + "".join(
    f'<!ENTITY {"abcdefghij"[n]} "{("&" + "abcdefghij"[n - 1] + ";") * 10}">' for n in range(1, 10)
)


@pytest.mark.parametrize(
    "declared",
    [
        BOMB + "]>",
        '<!DOCTYPE posts [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE posts SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE posts [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x"> %a;]>',
        "<!DOCTYPE posts>",
    ],
)
def test_entities_are_refused(posts, declared: str) -> None:
    head = f'<?xml version="1.0"?>\n{declared}\n<posts>\n'
    with pytest.raises(DumpError, match=r"declares a document type .* at line 2"):
        read(posts("  <row Id='1' PostTypeId='1' Title='&a;&j;' />\n", head=head))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=50))
def test_any_title_comes_back(tmp_path_factory, title: str) -> None:
    path = tmp_path_factory.mktemp("dump") / "Posts.xml"
    title = "".join(c for c in title if ord(c) not in (0xFFFE, 0xFFFF))
    path.write_text(HEAD + row(Title=title) + TAIL, encoding="utf-8")
    assert read(path)[0]["title"].to_list() == [title]


_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=9)
_TAG = st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]), min_size=1, max_size=4)
_POST = st.tuples(_WORDS, _WORDS, st.lists(_TAG, max_size=3, unique=True), st.sampled_from("12"))


@given(st.lists(_POST, max_size=6), st.data())
def test_any_dump_is_its_questions_or_an_error_with_a_place(
    tmp_path_factory: pytest.TempPathFactory, found: list[Any], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("dump") / "Posts.xml"
    piped = data.draw(st.booleans())
    rows = [
        row(
            Id=str(number),
            PostTypeId=kind,
            Title=title,
            Body=f"<p>{body}</p>",
            Tags=f"|{'|'.join(tags)}|" if piped and tags else "".join(f"<{tag}>" for tag in tags),
        )
        for number, (title, body, tags, kind) in enumerate(found)
    ]
    content = (HEAD + "".join(rows) + TAIL).encode()
    path.write_bytes(content)
    wanted = [(f"stackexchange:ai:{number}", title, f"<p>{body}</p>", tags)
              for number, (title, body, tags, kind) in enumerate(found) if kind == "1"]  # fmt: skip
    frame, made = read(path)
    assert frame.select("id", "title", "body", "labels").rows() == wanted
    assert made.notes["posts"] == len(found)
    # Cut anywhere it is no dump; with a byte changed it is another one, or none.
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(DumpError, match=r"Posts\.xml .* at line [0-9]+"):
        read(path)
    at = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:at] + data.draw(st.binary(max_size=2)) + content[at + 1 :])
    try:
        assert read(path)[0].height <= len(found)
    except DumpError as error:
        said = str(error)
    else:
        said = f"{path} at line "
    assert str(path) in said
    assert " at line " in said


def test_no_file_and_no_site(tmp_path: Path, posts) -> None:
    with pytest.raises(DumpError, match="is not there"):
        read_posts(tmp_path / "Posts.xml", "ai")
    with pytest.raises(ValueError, match="names no site"):
        read_posts(posts(), "../x")
