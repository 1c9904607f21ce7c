"""Rows of a recorded file for reconciliation, a bounded number at a time.

Reads in another way than the readers of `archive_folder`: CSV by Arrow, Parquet by polars, JSON
element by element. Columns are recognised by their letters: `created_at` and `createdAt` are the
same field.
"""

import csv
import gzip
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv

from hf_assets.hub.archive.field_names import SYNONYMS, is_row
from hf_assets.hub.archive.values import NO_NAME
from hf_assets.hub.client.wire import Kind
from hf_assets.hub.reconciliation.cells import FIELDS
from hf_assets.storage.opened import open_file, scan

ROWS = 20_000
# Bytes of a CSV block in Arrow, and of the longest row.
_BLOCK = 32 << 20
# Characters of JSON read at a time, and of the longest element.
_CHUNK = 1 << 20
_LONGEST = 64 << 20
_NAMES = ("id", "modelid", "repoid")
_DAYS = ("day", "date")
_NATIVE = {str: pa.string(), int: pa.int64(), float: pa.float64(), list: pa.list_(pa.string())}
_NO_LETTERS = re.compile(r"[^a-z]")

# An integer with more digits than Python reads is no number of anything.
_JSON = json.JSONDecoder(
    parse_int=lambda digits: int(digits) if len(digits) < 400 else float("inf")
)
# The columns of each field of the Hub, and of `_id`, `id` and `day`.
Columns = Mapping[str, list[str]]


def recognised(names: Iterable[str], kind: Kind) -> dict[str, list[str]]:
    """The columns of each field of the Hub, the field's own name first."""
    fields = {_letters(name): name for name in FIELDS[kind]}
    columns: dict[str, list[str]] = {}
    for name in names:
        letters = _letters(name)
        if name.strip() == "_id":
            field = "_id"
        elif letters in _NAMES:
            field = "id"
        elif letters in _DAYS:
            field = "day"
        else:
            field = fields.get(letters) or SYNONYMS[kind].get(letters, "")
        if field:
            columns.setdefault(field, []).append(name)
    first = {field: sorted(found, key=field.__ne__) for field, found in columns.items()}
    return first | ({"day": first["day"][:1]} if "day" in first else {})


def _letters(name: str) -> str:
    return _NO_LETTERS.sub("", name.lower())


def frames(path: Path, kind: Kind) -> Iterator[tuple[pl.DataFrame, Columns]]:
    """Some rows at a time, with the columns of each field.

    Raises:
        Exception: any error of the file's reader.
    """
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(".parquet"):
        yield from _parquet(path, kind)
    elif name.endswith(".csv"):
        yield from _csv(path, kind)
    else:
        with _text(path) as content:
            lines = not name.endswith(".json") or _is_lines(content)
            yield from _objects(_lines(content) if lines else _elements(content, kind), kind)


def _parquet(path: Path, kind: Kind) -> Iterator[tuple[pl.DataFrame, Columns]]:
    file = open_file(path)
    columns = recognised(file.arrow().schema_arrow.names, kind)
    wanted = [name for names in columns.values() for name in names]
    for frame in scan([file]).select(wanted).collect_batches(chunk_size=ROWS, maintain_order=False):
        yield frame, columns


def _csv(path: Path, kind: Kind) -> Iterator[tuple[pl.DataFrame, Columns]]:
    with _text(path) as content:
        names = next(csv.reader(content), [])
    columns = recognised(names, kind)
    wanted = [name for found in columns.values() for name in found]
    with pa.input_stream(path, compression="detect") as content:
        reader = pa_csv.open_csv(
            content,
            pa_csv.ReadOptions(block_size=_BLOCK),
            pa_csv.ParseOptions(newlines_in_values=True),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()),
                include_columns=wanted,
                strings_can_be_null=True,
                null_values=sorted(NO_NAME),
            ),
        )
        for batch in reader:
            frame = pl.DataFrame(pl.from_arrow(batch))
            yield frame.filter(~_headers(wanted)), columns


def _headers(names: list[str]) -> pl.Expr:
    """Rows that repeat the header, from an appended file."""
    return pl.all_horizontal(
        # The first cell may have the byte-order mark of its file.
        pl.col(name).str.strip_chars("\ufeff \t").eq_missing(pl.lit(name.strip()))
        for name in names
    )


def _text(path: Path) -> IO[str]:
    packed = path.name.lower().endswith(".gz")
    raw = gzip.open(path) if packed else path.open("rb")  # noqa: SIM115 - closed with the text
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")


def _objects(rows: Iterable[Any], kind: Kind) -> Iterator[tuple[pl.DataFrame, Columns]]:
    """Rows of JSON, some at a time."""
    rows = iter(rows)
    while some := list(islice(rows, ROWS)):
        objects = [row for row in some if isinstance(row, dict)]
        columns = recognised(dict.fromkeys(name for row in objects for name in row), kind)
        wanted = [name for names in columns.values() for name in names]
        values = ([row.get(name) for row in objects] for name in wanted)
        yield pl.DataFrame(list(map(_series, wanted, values))), columns


def _series(name: str, values: list[Any]) -> pl.Series:
    """Values of a single type unchanged, any others as texts."""
    types = set(map(type, values)) - {type(None)}
    if dict in types:
        # Of `safetensors` and `gguf` the total is all that counts.
        values = [one["total"] if type(one) is dict and "total" in one else one for one in values]
        types = set(map(type, values)) - {type(None)}
    if len(types) == 1 and (dtype := _NATIVE.get(types.pop())):
        with suppress(TypeError, ValueError, OverflowError, pa.ArrowException):
            return pl.Series(name, pa.array(values, dtype))
    return pl.Series(name, list(map(_as_text, values)), dtype=pl.String)


def _as_text(value: Any) -> str | None:
    if isinstance(value, str):
        # Half of a surrogate pair has no bytes.
        return value if value.isascii() else value.encode(errors="replace").decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return None if value != value else repr(value)
    return None if value is None else json.dumps(value)


def _is_lines(content: IO[str]) -> bool:
    """Whether a text is JSON lines, whatever its name: the first line is an object."""
    first = content.readline(_CHUNK)
    content.seek(0)
    try:
        row = _JSON.decode(first)
    except ValueError:
        return False
    return isinstance(row, dict) and (is_row(row) or not row.keys() & set(FIELDS))


def _lines(content: IO[str]) -> Iterator[Any]:
    for text in content:
        line = text.lstrip("\ufeff")
        if not line.strip():
            continue
        try:
            yield msgspec.json.decode(line)
        except msgspec.DecodeError:
            yield _JSON.decode(line)  # forgives more, NaN among it


class _Json:
    """A JSON text with a part of it in memory."""

    def __init__(self, content: IO[str]) -> None:
        self.content, self.text, self.at, self.ended = content, "", 0, False
        self._decode = _JSON.raw_decode

    def peek(self) -> str:
        """The next character after spaces; empty at the end."""
        while True:
            while self.at < len(self.text) and self.text[self.at].isspace():
                self.at += 1
            if self.at < len(self.text) or not self._more():
                return self.text[self.at : self.at + 1]

    def skip(self, mark: str) -> bool:
        """Skip that character, if it is the next."""
        if self.peek() != mark:
            return False
        self.at += 1
        return True

    def value(self) -> Any:
        """The next value."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self.text, self.at)
            except json.JSONDecodeError:
                if not self._more():
                    raise
                continue
            # A number may continue in the next chunk.
            if end == len(self.text) and self._more():
                continue
            self.at = end
            return value

    def _more(self) -> bool:
        left = self.text[self.at :]
        if self.ended or len(left) > _LONGEST:
            return False
        # Doubled: a long value must not be decoded from its beginning for each chunk.
        piece = self.content.read(max(_CHUNK, len(left)))
        self.text, self.at, self.ended = left + piece, 0, not piece
        return bool(piece)


def _elements(content: IO[str], kind: Kind) -> Iterator[Any]:
    """The elements of a JSON list, or of the list under `kind` in an object, one at a time."""
    text = _Json(content)
    if text.skip("{"):
        while text.peek() == '"':
            name = text.value()
            text.skip(":")
            if name == kind and text.peek() == "[":
                break
            text.value()
            text.skip(",")
    if not text.skip("["):
        raise ValueError("no list of rows")
    while text.peek() not in ("]", ""):
        yield text.value()
        if not text.skip(","):
            break
    if not text.skip("]"):
        raise ValueError("a list of rows without an end")
