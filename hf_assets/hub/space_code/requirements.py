"""The packages that a requirements.txt names.

`packaging` parses a requirement; it has no reader of requirements files, whose lines pip defines:
comments, options, lines that go on, addresses.
"""

import codecs
import re
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

_COMMENT = re.compile(r"(^|\s)#.*$")
# Options that follow a requirement on its line, such as --hash=….
_OPTIONS = re.compile(r"\s--?[A-Za-z].*$")
_INCLUDE = re.compile(r"^(-r|-c|--requirement|--constraint)\b")
_EDITABLE = re.compile(r"^(-e|--editable)[\s=]+")
_ADDRESS = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|git\+|file:|\.{0,2}/|\.$)", re.IGNORECASE)
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
          (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip


class Requirements(NamedTuple):
    """Counts of a requirements file.

    Attributes:
        packages: distinct packages, those by an address or a path too.
        includes: other files that it includes (`-r`, `-c`): their packages are not counted.
        invalid: lines that are no requirement.
    """

    packages: int
    includes: int
    invalid: int


def count_requirements(content: bytes) -> Requirements:
    """The packages that a requirements file names; it may hold any bytes."""
    packages: set[str] = set()
    includes = invalid = 0
    for line in _lines(content):
        if _INCLUDE.match(line):
            includes += 1
            continue
        target = _EDITABLE.sub("", line)
        if target == line and line.startswith("-"):
            continue  # an option of pip, such as --index-url
        name = _name(target.strip(), editable=target != line)
        if name is None:
            invalid += 1
        else:
            packages.add(name)
    return Requirements(len(packages), includes, invalid)


def _lines(content: bytes) -> list[str]:
    """Lines without comments and blanks; a line that ends in a backslash goes on."""
    text = _decoded(content).replace("\\\r\n", "").replace("\\\n", "")
    lines = (_COMMENT.sub("", line).strip() for line in text.splitlines())
    return [line for line in lines if line]


def _decoded(content: bytes) -> str:
    """As pip reads it: by its byte order mark, else UTF-8; other bytes as Latin-1."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _name(requirement: str, *, editable: bool) -> str | None:
    """The package's name, or its address where it has none; None for no requirement."""
    if editable or _ADDRESS.match(requirement):
        egg = _EGG.search(requirement)
        return canonicalize_name(egg[1]) if egg else requirement
    try:
        return canonicalize_name(Requirement(_OPTIONS.sub("", requirement)).name)
    except InvalidRequirement:
        return None
