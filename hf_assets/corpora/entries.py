"""Entries of a TOML file, each read by itself: a broken one stops no other.

Corpora and base models of a user are such entries. The graph loads this module, so it imports
nothing heavy.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from hf_assets.errors import InputError, clean

Entry = TypeVar("Entry")
# The first line of an entry, even where its end is broken; a dotted name is part of that above.
_HEAD = re.compile(
    r"""^[ \t]*\[{1,2}[ \t]*(?:(?P<bare>[A-Za-z_][\w-]*)(?![\w-]|[ \t]*\.)"""
    r"""|(?P<quoted>"[^"\n]*"|'[^'\n]*')[ \t]*\])""",
    re.MULTILINE,
)


class EntryError(InputError):
    """A TOML file, or an entry of it, cannot be used as it is; the message names file and entry."""


def problem(path: Path, why: str, name: str | None = None) -> EntryError:
    """The error of an entry, or of the file where there is no name."""
    entry = f"[{clean(name, 80)}] " if name is not None else ""
    return EntryError(f"{clean(path)}: {entry}{why}")


def entries(path: Path, variable: str) -> Iterator[tuple[str, Any]]:
    """Name and values of each entry; an `EntryError` in place of values that are no TOML.

    Args:
        variable: of the environment, which names the file; for messages.

    Raises:
        EntryError: the file cannot be read at all.
    """
    text = _text(path, variable)
    try:
        yield from _toml(text).items()
        return
    except ValueError as error:
        broken = clean(error)
    # A fault in one entry makes the complete file invalid: read each entry by itself.
    heads = list(_HEAD.finditer(text))
    if not heads:
        raise EntryError(f"{clean(path)} is no TOML: {broken}")
    names = ["", *(head["bare"] or head["quoted"][1:-1] for head in heads)]
    starts = [0, *(head.start() for head in heads)]
    lines = [text.count("\n", 0, start) for start in starts]
    for index, (name, start, end) in enumerate(
        zip(names, starts, [*starts[1:], None], strict=True)
    ):
        if names.index(name) < index:
            continue
        if names.count(name) > 1:
            at = " and ".join(f"{lines[i] + 1}" for i, other in enumerate(names) if other == name)
            why = f"stands more than once (lines {at}); remove or rename one"
            yield name, problem(path, why, name)
            continue
        try:
            # Line ends in front keep the numbers of lines in messages.
            yield from _toml("\n" * lines[index] + text[start:end]).items()
        except ValueError as error:
            yield name, problem(path, f"is no TOML: {clean(error)}", name or None)


def read_entries(
    path: Path, variable: str, read: Callable[[str, Any], Entry]
) -> tuple[dict[str, Entry], tuple[EntryError, ...]]:
    """What `read` makes of name and values of each entry, and an error for each broken one.

    Args:
        variable: as of `entries`.
        read: may raise EntryError; the values may be an EntryError, which `checked` raises.
    """
    made: dict[str, Entry] = {}
    problems: list[EntryError] = []
    try:
        for name, values in entries(path, variable):
            try:
                made[name] = read(name, values)
            except EntryError as error:
                problems.append(error)
    except EntryError as error:  # the file cannot be read at all
        problems.append(error)
    return made, tuple(problems)


def checked(name: str, values: Any, path: Path, known: Iterable[str]) -> dict[str, Any]:
    """The values of an entry, all of whose keys are known.

    Raises:
        EntryError: they are no entry, or have another key; the message has the nearest known one.
    """
    if isinstance(values, EntryError):
        raise values
    if not isinstance(values, Mapping):
        raise problem(path, f"{clean(name, 80)!r} stands outside of an entry; begin with [name]")
    keys = list(known)
    for key in values:
        if key not in keys:
            near = difflib.get_close_matches(str(key), keys, 1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(keys)}"
            raise problem(path, f"has an unknown key {clean(key, 80)!r}; {hint}", name)
    return dict(values)


def invalid(name: str, error: ValidationError, path: Path) -> EntryError:
    """The error of an entry whose values pydantic refuses."""
    reasons = dict.fromkeys(_reason(one) for one in error.errors(include_url=False))
    return problem(path, clean("; ".join(reasons), 1000), name)


def _reason(error: Any) -> str:
    key, message = ".".join(map(str, error["loc"][:1])), error["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message


def _text(path: Path, variable: str) -> str:
    try:
        if path.exists() and not path.is_file():  # reading a pipe would wait for ever
            raise OSError(0, "not a file")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        why = clean(getattr(error, "strerror", None) or error)
        message = f"{clean(path)} cannot be read ({why}); is {variable} right?"
        raise EntryError(message) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"{clean(path)} is no TOML: line {line} is not UTF-8; save the file as UTF-8"
        raise EntryError(message) from None


def _toml(text: str) -> dict[str, Any]:
    """TOML as a dict. ValueError, with line and column, if it is none."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("brackets are nested too deeply") from None
