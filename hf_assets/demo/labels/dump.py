"""A Posts.xml of generated questions, in the form of Stack Exchange's data dumps."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

from hf_assets.demo.labels.texts import GeneratedText, GeneratedTexts

# Newer dumps hold a question and an answer with these ids, which nobody wrote.
_PLANTED = (1_000_000_001, 1_000_000_010)
_LINE_ENDS = {"\n": "&#xA;", "\r": "&#xD;", "\t": "&#x9;", '"': "&quot;"}


def write_dump(
    path: Path,
    count: int,
    seed: int = 0,
    *,
    until: date,
    texts: GeneratedTexts | None = None,
    tags: Literal["|a|b|", "<a><b>"] = "|a|b|",
) -> None:
    """Write a dump: a byte order mark, questions with answers in between, two planted posts.

    The questions are those that the embedded API serves for their days under the same seed.

    Args:
        path: the file to write.
        count: questions.
        seed: as for `GeneratedTexts`.
        until: the day of the last question (UTC).
        texts: the questions, in place of those of that seed.
        tags: how tags are spelt: since 2024, or before.

    Raises:
        ValueError: there are not so many questions before that day.
    """
    texts = texts or GeneratedTexts("questions", seed)
    midnight = datetime(until.year, until.month, until.day, tzinfo=UTC) + timedelta(days=1)
    stop = texts.indices(midnight, midnight + timedelta(days=1)).start
    if count > stop:
        raise ValueError(f"only {stop:,} questions are generated up to {until}: {count:,} asked")
    with path.open("w", encoding="utf-8-sig", newline="\r\n") as out:
        out.write('<?xml version="1.0" encoding="utf-8"?>\n<posts>\n')
        for index in range(stop - count, stop):
            for row in _posts(texts.text(index), index, tags):
                out.write(_row(row))
        for row in _planted(until):
            out.write(_row(row))
        out.write("</posts>")


def _posts(text: GeneratedText, index: int, tags: str) -> Iterator[dict[str, object]]:
    """A question, and up to two answers to it."""
    spelt = "".join(f"<{tag}>" for tag in text.tags)
    if tags == "|a|b|" and text.tags:
        spelt = f"|{'|'.join(text.tags)}|"
    owner = (
        {"OwnerUserId": text.author_id} if text.author_id else {"OwnerDisplayName": f"user{index}"}
    )
    yield {
        "Id": text.id,
        "PostTypeId": 1,
        "CreationDate": _time(text.created),
        "Score": index % 9 - 1,
        "ViewCount": index % 997,
        "Body": text.body,
        **owner,
        "LastActivityDate": _time(text.created),
        "Title": text.title,
        "Tags": spelt,
        "AnswerCount": index % 3,
        "CommentCount": 0,
        "ContentLicense": "CC BY-SA 4.0",
    }
    for nth in range(1, index % 3 + 1):
        yield {
            "Id": text.id + nth,
            "PostTypeId": 2,
            "ParentId": text.id,
            "CreationDate": _time(text.created + timedelta(minutes=nth)),
            "Score": nth,
            "Body": f"<p>It depends on the details of question {text.id}.</p>\n",
            "OwnerUserId": index % 4000 + 1,
            "LastActivityDate": _time(text.created + timedelta(minutes=nth)),
            "CommentCount": 0,
            "ContentLicense": "CC BY-SA 4.0",
        }


def _planted(day: date) -> Iterator[dict[str, object]]:
    for kind, number in enumerate(_PLANTED, 1):
        yield {
            "Id": number,
            "PostTypeId": kind,
            **({"ParentId": _PLANTED[0]} if kind == 2 else {}),
            "CreationDate": f"{day}T00:00:00.000",
            "Score": 0,
            "Body": "<p>This post was planted.</p>",
            "OwnerUserId": -1,
            **({"Title": "A planted question", "Tags": "|planted|"} if kind == 1 else {}),
            "ContentLicense": "CC BY-SA 4.0",
        }


def _row(values: dict[str, object]) -> str:
    written = (f'{name}="{escape(str(value), _LINE_ENDS)}"' for name, value in values.items())
    return f"  <row {' '.join(written)} />\n"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}"
