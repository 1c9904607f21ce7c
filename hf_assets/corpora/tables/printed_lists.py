"""Recognises printed lists in a column of labels, and parses arrays as Postgres prints them.

`literals.py` parses literals of JSON, Python and numpy.
"""

import re
from typing import Any

from hf_assets.literals import InvalidLiteral, parse_literal

_LISTED = re.compile(r"\[|[({]\s*['\"\[({]|[\w.]++\(\s*[\[({]|(?:frozen)?set\(\s*\)$")
_OPENED = re.compile(r"\{|[\w.]++\(")
# Texts in quotes are passed over; one without an end is passed over as well.
_NESTING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[(){}]', re.DOTALL)
_QUOTED_LIST = re.compile(r"(?:[\w.]++\(\s*)?\[\s*['\"]")

# Postgres puts all in quotes that has spaces or signs of its own. What may be an object elsewhere
# (`{a:1}`, `{a=1}`) or has quotes of another kind (`{'a',b}`) is not taken for an array.
_ITEM = r"""(?:"(?:[^"\\]|\\["\\])*+"|[^\s"'{}()\[\],\\:=][^\s"{}()\[\],\\:=]*+)"""
_ARRAY = re.compile(rf"\{{(?:{_ITEM}(?:,{_ITEM})*+)?\}}")
_ITEMS = re.compile(_ITEM)
_FLAGS = {"t", "f"}


def is_attempt(text: str) -> bool:
    """Whether a text is a list, or was meant to be one: no label of its own, unless declared."""
    return bool(_LISTED.match(text)) or (_holds_all(text) and any(sign in text for sign in ",'\""))


def is_to_stay_whole(text: str) -> bool:
    """Whether no separator may take the text apart."""
    if is_list(text) or text == "{}":
        return True
    inner = text[1:-1]
    enclosed = text[0] == "[" and text[-1] == "]" and not {"[", "]"} & {*inner}
    return (
        enclosed
        or re.match(r"[\[({]\s*['\"]|[\w.]++\(\s*\[", text) is not None
        or (_holds_all(text) and any(sign in text for sign in ",'\""))
    )


def is_list(text: str) -> bool:
    """Whether a text can be read as a list."""
    if not (text[0] in "[({" or _LISTED.match(text)):
        return False
    try:
        return isinstance(parse_literal(text), list | tuple | set | frozenset)
    except InvalidLiteral:
        return False


def is_never_a_label(text: str) -> bool:
    """Whether not even `one_label` makes a label of a text: a list, if one that was cut short."""
    if is_list(text) or _QUOTED_LIST.match(text):
        return True
    if text[0] != "[" or "," not in text:
        return False
    try:
        return isinstance(parse_literal(text, bare_words=True), list)
    except InvalidLiteral:
        return False


def postgres_array(text: str) -> list[Any] | None:
    """The values of an array as Postgres prints it (`{joy,"New York"}`); None for all else."""
    if not _ARRAY.fullmatch(text):
        return None
    items = _ITEMS.findall(text[1:-1])
    if len(items) > 1 and {*items} <= _FLAGS:
        return [item == "t" for item in items]
    return [_value(item) for item in items]


def _value(item: str) -> Any:
    if item[0] == '"':
        return re.sub(r"\\(.)", r"\1", item[1:-1])
    if item == "NULL":
        return None
    if len(item) < 20 and re.fullmatch(r"-?\d+(?:\.\d+)?", item, re.ASCII):
        number = float(item) if "." in item else int(item)
        return number if str(number) == item else item
    return item


def _holds_all(text: str) -> bool:
    """Whether the braces, or brackets after a word, that open a text are closed at its end."""
    if not _OPENED.match(text):
        return False
    depth = 0
    for sign in _NESTING.finditer(text):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(sign[0], 0)
        if sign[0] in ")}" and depth <= 0:
            return sign.end() == len(text)
    return text[-1] in ")}"  # in a quote without an end, or one bracket of several
