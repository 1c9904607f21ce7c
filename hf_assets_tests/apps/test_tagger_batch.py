"""Several texts: what is read of a CSV file, what comes back, what is refused and how."""

import csv
import io

import pytest

from hf_assets.apps import tagger_batch
from hf_assets.apps.tagger_batch import LABELS, REMARK, SCORES, from_csv, from_lines
from hf_assets.apps.tagger_service import Answer, Refused
from hf_assets.classifiers.tagger import Tag

FITS = Answer([Tag("trees", 0.953), Tag("=bagging", 0.5), Tag("bayes", 0.1)], 0.3, 0.3)
FAR = Answer([Tag("trees", 0.002)], 0.3, 0.3)


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_each_line_is_a_text() -> None:
    assert from_lines(" one \n\n two\r\nthree").texts == ["one", "two", "three"]


@pytest.mark.parametrize(
    "content",
    [
        b'id,title,text\n7,One,"a, b\nc"\n8,,two\n',
        b'\xef\xbb\xbfid;Title; TEXT\r\n7;One;"a, b\nc"\r\n\r\n8;;two\r\n',
        b'id\ttitle\ttext\n7\tOne\t"a, b\nc"\n8\t\ttwo',
    ],
)
def test_titles_and_texts_are_read_whatever_separates_them(content: bytes) -> None:
    texts = from_csv(content)
    assert texts.texts == ["One\n\na, b\nc", "two"]
    first, second = rows(texts.labelled([FITS, FAR]))
    assert (first["id"], first[LABELS], first[SCORES]) == (
        *("7", "trees; =bagging", "0.953; 0.500"),
    )
    assert first[REMARK] == ""
    assert (second["id"], second[LABELS]) == ("8", "")
    assert "No label comes near" in second[REMARK]


def test_no_cell_that_comes_back_is_run_by_a_spreadsheet() -> None:
    texts = from_csv(b"=cmd(),text\n@sum,=1+1\n-5,+a\n")
    answer = Answer([Tag("=bagging", 0.9)], 0.3, 0.3)
    first, second = rows(texts.labelled([answer, None]))
    assert first == {
        "'=cmd()": "'@sum", "text": "'=1+1", LABELS: "'=bagging", SCORES: "0.900", REMARK: "",
    }  # fmt: skip
    assert (second["'=cmd()"], second["text"]) == ("-5", "'+a")
    assert second[REMARK] == "The text is empty."


def test_what_came_back_can_be_given_again() -> None:
    once = from_csv(b"text\none\n").labelled([FITS])
    again = from_csv(once)
    assert again.texts == ["one"]
    assert rows(again.labelled([FAR]))[0][LABELS] == ""


def test_a_text_may_be_longer_than_the_module_allows() -> None:
    assert from_csv(b"text\n" + b"x" * 150_000).texts == ["x" * 150_000]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty"),
        (b"\n\n", "The file is empty"),
        (b"id,body\n1,a\n", "no column 'text': its first line names id, body. Name the column"),
        (b"text\n", "a first line, and no texts below it"),
        (b"text,Text\na,b\n", "Two columns of the file have one name: text"),
        (b"id,text\n1,a,b\n", "Line 2 of the file has 3 cells, the first 2: put a text with ','"),
        (b'id,text\n1,"a\n', "Line 2 of the file is no CSV: unexpected end of data"),
        (b"text\nna\xefve\n", "Byte 8 of the file is no UTF-8: save it as CSV UTF-8"),
        ("text\nnaïve\n".encode("utf-16"), "The file is in UTF-16: save it as CSV UTF-8"),
        (b"PK\x03\x04\0\0text", "The file is no CSV: it has characters of no text"),
        (b"text\n" + b"a\n" * 5_001, "5,001 texts are too many: the limit is 5,000, split the"),
        (b"text\n" + b"a" * 3_000_000, "The file has 3,000,005 bytes: the limit is 3,000,000"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        from_csv(content)
    assert words in str(refused.value)


def test_too_many_lines_and_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="There is nothing to read yet"):
        from_lines(" \n\n")
    monkeypatch.setattr(tagger_batch, "MOST_TEXTS", 2)
    with pytest.raises(Refused, match="3 texts are too many: the limit is 2"):
        from_lines("a\nb\nc")
