"""A JSON list read by a reader that forgives: what JavaScript writes, and depth in a single row."""

import json
import re
from collections.abc import Iterator
from typing import Any

# A value is kept for the reader, not the table: this many characters of it.
EXCERPT = 500
# A text to its end, or one bracket or comma. A text without end is taken once, to the body's end:
# tried from each of its quotes again, it would cost the square of its length.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?P<end>"?)|[\[\]{},]', re.DOTALL)


def loose_rows(body: bytes) -> list[Any]:
    """The rows of a page as Python objects, by a reader that forgives what JavaScript writes.

    `JSON.stringify` writes half of a surrogate pair as an escape, which strict readers refuse with
    the whole page.

    A row nested deeper than Python goes is a text that says so.

    Raises:
        ValueError: the body is no JSON list.
    """
    # Bytes that are no UTF-8 become half surrogates too: seen again where a value is kept.
    text = body.decode(errors="surrogateescape")
    try:
        rows = json.loads(text, parse_int=_integer)
    except RecursionError:
        return [_shallow_row(row) for row in _split_rows(text)]
    if not isinstance(rows, list):
        raise ValueError(f"a {type(rows).__name__} where a list of rows belongs")
    return rows


def _integer(digits: str) -> int | float:
    """A JSON integer; one with more digits than Python reads (4300) becomes infinite."""
    return int(digits) if len(digits) <= 4000 else float("inf")


def _shallow_row(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_integer)
    except RecursionError:
        return "nested too deep: " + text[:EXCERPT]


def _split_rows(text: str) -> Iterator[str]:
    """The elements of a JSON list as texts, without going down into them.

    Raises:
        ValueError: the list has no end, or something after it.
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
