"""Posts.xml becomes questions: all of them, none else, or an error that names the place."""

import hashlib
import re
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import polars as pl
import py7zr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.corpora.schemas import texts_table
from hf_assets.corpora.stackexchange.dumps import DumpError, read_posts, tags_of
from hf_assets.corpora.stackexchange.sites import NoSite, Site, licence_of, site_of
from hf_assets.demo.labels.dump import write_dump
from hf_assets.storage.lake import Lake, TableWrite

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<posts>\n'
TAIL = "</posts>"
GOOD = {
    "Id": "7",
    "PostTypeId": "1",
    "CreationDate": "2016-08-02T15:39:14.947",
    "Body": "<p>x &amp; y</p>",
    "OwnerUserId": "8",
    "Title": "Is a < b & \"c\"?",
    "Tags": "<c++><.net>",
}  # fmt: skip


def row(**changes: str | None) -> str:
    values = {**GOOD, **changes}
    written = " ".join(f"{k}={quoteattr(v)}" for k, v in values.items() if v is not None)
    return f"  <row {written} />\n"


def read(path: Path, site: str = "ai") -> tuple[pl.DataFrame, TableWrite]:
    made = read_posts(path, site)
    return pl.concat(list(made.frames)), made


@pytest.fixture
def posts(tmp_path: Path):
    """Writes a Posts.xml of these rows."""

    def write(*rows: str, head: str = HEAD, tail: str = TAIL, encoding: str = "utf-8") -> Path:
        path = tmp_path / "Posts.xml"
        path.write_bytes((head + "".join(rows) + tail).encode(encoding))
        return path

    return write


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


@pytest.mark.parametrize(
    ("given", "host", "name"),
    [
        ("ai", "ai.stackexchange.com", "ai"),
        ("https://AI.stackexchange.com/", "ai.stackexchange.com", "ai"),
        ("stackoverflow", "stackoverflow.com", "stackoverflow"),
        ("stackoverflow.com", "stackoverflow.com", "stackoverflow"),
        ("es.stackoverflow", "es.stackoverflow.com", "es.stackoverflow"),
        ("meta.stackoverflow.com", "meta.stackoverflow.com", "meta.stackoverflow"),
        ("superuser.meta", "meta.superuser.com", "meta.superuser"),
        ("serverfault", "serverfault.com", "serverfault"),
        ("askubuntu", "askubuntu.com", "askubuntu"),
        ("stackapps", "stackapps.com", "stackapps"),
        ("mathoverflow.net", "mathoverflow.net", "mathoverflow.net"),
        ("mathoverflow", "mathoverflow.net", "mathoverflow.net"),
        ("meta.mathoverflow.net", "meta.mathoverflow.net", "meta.mathoverflow.net"),
        ("meta.datascience", "datascience.meta.stackexchange.com", "datascience.meta"),
        ("datascience.meta", "datascience.meta.stackexchange.com", "datascience.meta"),
        ("datascience.meta.stackexchange.com", "datascience.meta.stackexchange.com",
         "datascience.meta"),
        ("meta", "meta.stackexchange.com", "meta"),
        ("meta.stackexchange.com", "meta.stackexchange.com", "meta"),
    ],
)  # fmt: skip
def test_sites(given: str, host: str, name: str) -> None:
    assert Site.of(given) == Site(host, name)
    assert Site.of(host) == Site.of(name) == Site(host, name)


@pytest.mark.parametrize(
    "name",
    ["ai.stackexchange.com.7z", "ai.stackexchange.com/Posts.xml", "ai.stackexchange.com-Posts.7z"],
)
def test_a_dump_of_another_site_takes_no_ids_of_this_one(
    tmp_path: Path, dump: Path, name: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if name.endswith(".7z"):
        packed(path, Posts=dump)
    else:
        path.write_bytes(dump.read_bytes())
    with pytest.raises(DumpError) as failed:
        read_posts(path, "meta.ai")
    said = str(failed.value)
    assert f"{path} is named after ai.stackexchange.com" in said
    assert "to be read as ai.meta.stackexchange.com" in said
    assert "HF_ASSETS_STACKEXCHANGE_SITE" in said
    assert read(path, "ai")[0]["id"].str.starts_with("stackexchange:ai:").all()


def test_a_name_that_is_no_sites_says_nothing(tmp_path: Path, dump: Path) -> None:
    (tmp_path / "example.com").mkdir()
    for name in ("example.com/Posts.xml", "ai-Posts-2016.xml", "com.xml"):
        path = tmp_path / name
        path.write_bytes(dump.read_bytes())
        assert read(path, "datascience")[0].height


def test_a_question_says_its_site() -> None:
    for name in ("ai", "ai.meta", "mathoverflow.net"):
        asked = Site.of(name)
        found = asked.row(7, title="", body="", tags=[], user=None, user_name=None, licence=None,
                          created=None)["id"]  # fmt: skip
        assert found == f"{asked.prefix}7"
        assert site_of(found) == asked.name
    assert site_of("kaggle:7") is None


@pytest.mark.parametrize("given", ["", "a/b", "x@y", "a..b", "-", "example.com", "a b", "ai?x=1"])
def test_no_sites(given: str) -> None:
    with pytest.raises(NoSite, match="site") as failed:
        Site.of(given)
    assert failed.value.permanent
    assert isinstance(failed.value, ValueError)  # what pydantic and callers catch


@pytest.mark.parametrize(
    ("moment", "licence"),
    [
        (datetime(2011, 4, 7, 23, 59, 59, tzinfo=UTC), "CC BY-SA 2.5"),
        (datetime(2011, 4, 8, tzinfo=UTC), "CC BY-SA 3.0"),
        (datetime(2018, 5, 1, 23, 59, 59, tzinfo=UTC), "CC BY-SA 3.0"),
        (datetime(2018, 5, 2, tzinfo=UTC), "CC BY-SA 4.0"),
        (None, None),
    ],
)
def test_the_licence_of_a_day(moment: datetime | None, licence: str | None) -> None:
    assert licence_of(moment) == licence


def test_the_licence_that_a_post_names_counts(posts) -> None:
    frame, _ = read(posts(row(ContentLicense="CC BY-SA 2.5")))
    assert frame["license"].to_list() == ["CC BY-SA 2.5"]


# .7z


QUICK = [{"id": py7zr.FILTER_LZMA2, "preset": 0}]


def packed(path: Path, **members: bytes | Path) -> Path:
    with py7zr.SevenZipFile(path, "w", filters=QUICK) as archive:
        for name, content in members.items():
            name = name.replace("__", "/") + ".xml"
            if isinstance(content, Path):
                archive.write(content, name)
            else:
                archive.writestr(content, name)
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A generated Posts.xml of 1500 questions."""
    path = tmp_path_factory.mktemp("dump") / "Posts.xml"
    write_dump(path, 1500, until=date(2026, 11, 19))
    return path.read_bytes()


@pytest.fixture
def dump(tmp_path: Path, written: bytes) -> Path:
    path = tmp_path / "plain.xml"
    path.write_bytes(written)
    return path


def many_posts(path: Path) -> int:
    """Write more questions than a frame holds."""
    count, body = 9000, f"<p>{'word ' * 200}</p>"
    path.write_text(HEAD + "".join(row(Id=str(n), Body=body) for n in range(1, count + 1)) + TAIL)
    return count


def test_a_7z_gives_what_the_plain_file_gives(tmp_path: Path, dump: Path) -> None:
    archive = packed(tmp_path / "x.7z", Users=b"<users />", ai__Posts=dump, Votes=b"<votes />")
    frame, made = read(archive)
    plain, plain_made = read(dump)
    assert frame.equals(plain)
    assert made.notes == plain_made.notes
    facts, plain_facts = (one.provenance["question_dump"] for one in (made, plain_made))
    assert facts["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert facts["bytes"] == archive.stat().st_size
    own = {"file", "bytes", "sha256"}
    assert {k: v for k, v in facts.items() if k not in own} == {
        k: v for k, v in plain_facts.items() if k not in own
    }


def test_frames_are_small_and_come_before_the_end(dump: Path) -> None:
    count = many_posts(dump)
    heights = [frame.height for frame in read_posts(dump, "ai").frames]
    assert sum(heights) == count == 9000
    assert len(heights) >= 3
    assert max(heights) < 10_000


def test_a_7z_without_posts(tmp_path: Path) -> None:
    with pytest.raises(DumpError, match=r"holds no Posts\.xml"):
        read(packed(tmp_path / "x.7z", Users=b"<users />"))


def test_a_7z_with_two_posts(tmp_path: Path, dump: Path) -> None:
    with pytest.raises(DumpError, match=r"more than one Posts\.xml"):
        read(packed(tmp_path / "x.7z", a__Posts=dump, b__Posts=dump))


def test_a_7z_that_is_cut_or_damaged(tmp_path: Path, dump: Path) -> None:
    archive = packed(tmp_path / "x.7z", Posts=dump)
    whole = archive.read_bytes()
    for size in (7, 20, len(whole) // 2, len(whole) - 1):
        archive.write_bytes(whole[:size])
        with pytest.raises(DumpError, match=r"broken or truncated \.7z"):
            read(archive)
    for at in (len(whole) // 4, len(whole) // 2):
        archive.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(DumpError):
            read(archive)


def test_the_checksum_of_what_was_unpacked_counts(tmp_path: Path, dump: Path) -> None:
    archive = tmp_path / "x.7z"
    with py7zr.SevenZipFile(archive, "w", filters=[{"id": py7zr.FILTER_COPY}]) as writer:
        writer.write(dump, "Posts.xml")
    # One letter of a body, so that the XML stays whole.
    found = archive.read_bytes()
    assert found.count(b"bear with me") > 1
    archive.write_bytes(found.replace(b"bear with me", b"bear with us", 1))
    with pytest.raises(DumpError, match="CrcError"):
        read(archive)


def test_a_7z_with_a_password(tmp_path: Path, dump: Path) -> None:
    with py7zr.SevenZipFile(tmp_path / "x.7z", "w", password="p") as archive:
        archive.write(dump, "Posts.xml")
    with pytest.raises(DumpError, match="password"):
        read(tmp_path / "x.7z")


@pytest.mark.parametrize("name", ["x.7z.001", "Posts.7z.002"])
def test_a_part_of_a_split_archive(tmp_path: Path, dump: Path, name: str) -> None:
    part = tmp_path / name
    part.write_bytes(packed(tmp_path / "x.7z", Posts=dump).read_bytes()[:1000])
    with pytest.raises(DumpError, match="join the parts"):
        read(part)


def test_a_7z_by_name_alone(tmp_path: Path, dump: Path) -> None:
    with pytest.raises(DumpError, match=r"no \.7z"):
        read(dump.rename(tmp_path / "x.7z"))


def test_a_reader_that_leaves_early_leaves_no_thread(tmp_path: Path, dump: Path) -> None:
    many_posts(dump)
    frames = iter(read_posts(packed(tmp_path / "x.7z", Posts=dump), "ai").frames)
    next(frames)
    assert [one for one in threading.enumerate() if one.name == "unpacking"]
    frames.close()  # ty: ignore[missing-attribute]
    assert not [one for one in threading.enumerate() if one.name == "unpacking"]


# Into the lake


def test_a_dump_in_the_lake(lake: Lake, dump: Path) -> None:
    stored = lake.write(texts_table("question_dump"), None, read_posts(dump, "generated"))
    assert stored.rows == stored.notes["questions"] == 1500
    facts = stored.provenance["question_dump"]
    assert facts["site"] == "generated.stackexchange.com"
    assert facts["last_question"].startswith("2026-11-19")


def test_a_broken_dump_leaves_the_old_one(lake: Lake, dump: Path) -> None:
    table = texts_table("question_dump")
    lake.write(table, None, read_posts(dump, "generated"))
    dump.write_bytes(dump.read_bytes()[:-100])
    with pytest.raises(DumpError):
        lake.write(table, None, read_posts(dump, "generated"))
    assert lake.read("question_dump", None).rows == 1500


# Real dumps

DUMPS = {
    "ai-Posts-2016-12.xml": ("ai", 1279, 421, "2016-12-11"),
    "ai-Posts-2017-03.xml": ("ai", 1735, 604, "2017-03-13"),
    "datascience-META-Posts-2024-03.xml": ("meta.datascience", 624, 257, "2024-01-24"),
}


@pytest.mark.parametrize("name", DUMPS)
def test_real_dumps(real_data: Path, name: str) -> None:
    path = real_data / "stackexchange-dumps" / name
    site, posts, questions, last = DUMPS[name]
    frame, made = read(path, site)
    assert made.notes["posts"] == posts
    assert frame.height == made.notes["questions"] == questions
    assert made.provenance["question_dump"]["last_question"].startswith(last)
    # Another parser, and another way to take tags apart.
    rows = [one.attrib for one in ElementTree.parse(path).getroot() if one.get("PostTypeId") == "1"]
    wanted = {
        one["Id"]: (one["Title"], one["Body"], re.findall(r"[^<>|]+", one["Tags"])) for one in rows
    }
    found = {
        row["id"].split(":")[-1]: (row["title"], row["body"], row["labels"])
        for row in frame.iter_rows(named=True)
    }
    assert found == wanted
    assert frame["id"].is_unique().all()
    assert frame["license"].null_count() == 0


MEASURE = """
import resource, sys
from pathlib import Path
from hf_assets.corpora.stackexchange.dumps import read_posts
total = sum(frame.height for frame in read_posts(Path(sys.argv[1]), "ai").frames)
print(total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.heavy
@pytest.mark.parametrize("form", ["plain", "7z"])
def test_memory_does_not_grow_with_the_dump(tmp_path: Path, form: str) -> None:
    peaks = []
    for count in (6_000, 90_000):  # 8 and 120 MB
        path = tmp_path / "Posts.xml"
        write_dump(path, count, until=date(2026, 11, 19))
        megabytes = path.stat().st_size / 1e6
        if form == "7z":
            path = packed(tmp_path / "x.7z", Posts=path)
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
        )
        total, peak = map(int, done.stdout.split())
        assert total == count
        peaks.append(peak)
    assert megabytes > 100
    assert peaks[1] - peaks[0] < 60, peaks
