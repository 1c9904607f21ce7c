"""A lenient reader of JSON lists: takes what JavaScript writes, and deep nesting in single rows."""

import json
import re
from collections.abc import Iterator
from typing import Any

# Characters of an invalid value that the quarantine keeps.
EXCERPT = 500
# A complete text, or one bracket or comma. An unclosed text matches once, to the body's end: a
# match from each of its quotes would cost the square of its length.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?P<end>"?)|[\[\]{},]', re.DOTALL)


def loose_rows(body: bytes) -> list[Any]:
    """The rows of a page as Python objects.

    `JSON.stringify` writes half of a surrogate pair as an escape; strict readers refuse the
    complete page for it. A row that is nested deeper than Python goes becomes a text that says so.

    Raises:
        ValueError: the body is no JSON list.
    """
    # Bytes that are no UTF-8 become half surrogates, too; the check of each value finds them.
    text = body.decode(errors="surrogateescape")
    try:
        rows = json.loads(text, parse_int=integer)
    except RecursionError:
        return [_shallow_row(row) for row in _split_rows(text)]
    if not isinstance(rows, list):
        raise ValueError(f"a {type(rows).__name__} where a list of rows belongs")
    return rows


def integer(digits: str) -> int | float:
    """A JSON integer; infinity for more digits than Python reads (4300)."""
    return int(digits) if len(digits) <= 4000 else float("inf")


def _shallow_row(text: str) -> Any:
    try:
        return json.loads(text, parse_int=integer)
    except RecursionError:
        return "nested too deep: " + text[:EXCERPT]


def _split_rows(text: str) -> Iterator[str]:
    """The elements of a JSON list as texts, without parsing them.

    Raises:
        ValueError: the list is not closed, or something follows it.
    """
    depth, begin, ended = 0, 0, False
    if not text.lstrip().startswith("["):
        raise ValueError("no list of rows, and nested too deep")
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark[0] == '"' and not token["end"]:
            raise ValueError("a text without end")
        if depth == 0 and ended:
            raise ValueError("something after the list of rows")
        if depth == 1 and mark in ",]" and text[begin : token.start()].strip():
            yield text[begin : token.start()]
        depth += (mark in "[{") - (mark in "]}")
        ended = ended or depth == 0
        if depth == 1 and mark in "[,":
            begin = token.end()
    if depth != 0:
        raise ValueError("nested deep, and never closed")
