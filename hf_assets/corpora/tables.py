"""Any table of texts with labels as texts: CSV, TSV, JSON lines (each also .gz) and Parquet.

What belongs here: reading a user's file so strictly that no label can land beside another row's
text; whatever is odd stops the reading, with file and line. What does not: what a text or a label
is worth (`building.py`).

CSV is read by the standard library's reader: it is strict about quotes and knows the line a record
begins in, where polars fills short rows with nulls.
"""

import csv
import dataclasses
import gzip
import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from hf_assets.corpora.corpus import joined
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.corpora.schemas import SplitName, texts_frame
from hf_assets.corpora.written import as_list
from hf_assets.errors import InputError
from hf_assets.lake import Made

# Rows of a frame: some MB of texts.
BATCH = 5_000
# No field of a text is longer than this; the csv module's own limit is 128 kB.
_LONGEST_FIELD = 1 << 30

_SPLITS: dict[str, SplitName] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}


class TableError(InputError):
    """A table cannot be read as it is; the message names file and line."""


@dataclass(frozen=True)
class _Record:
    """One row by column name, and where it begins."""

    place: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class TableSource:
    """A file, and which of its columns say what.

    Args:
        path: a .csv, .tsv, .jsonl, .ndjson (each also .gz) or .parquet file.
        text: columns; the first is the title where there are two or more.
        labels: the column of labels: a list, JSON or Python text of one, or text to be split.
        separator: what stands between the labels of a text; None where they are lists.
        id: a column without repetitions; without it, a row is named by what it says: title and
            text, and a number where rows say the very same.
        split: a column that names the side on which a row was published.
        license: the licence of all rows, where no column says it.
    """

    path: Path
    text: tuple[str, ...] = ("title", "body")
    labels: str = "labels"
    separator: str | None = None
    id: str | None = None
    split: str | None = None
    link: str | None = None
    author: str | None = None
    license_column: str | None = None
    license: str | None = None

    @property
    def columns(self) -> list[str]:
        """The columns that the file must have."""
        named = (self.id, self.split, self.link, self.author, self.license_column)
        return list(dict.fromkeys([*self.text, self.labels, *filter(None, named)]))

    def read(self, tell: Callable[[str], None] = lambda _: None) -> Made:
        """The rows as frames of texts, read while they are iterated.

        Raises:
            TableError: while iterating, where the file is not as it must be.
        """
        made = Made(frames=())
        made.frames = self._frames(made, tell)
        return made

    def _frames(self, made: Made, tell: Callable[[str], None]) -> Generator[pl.DataFrame]:
        try:
            with self.path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            # The name alone: where a file lies is nobody else's business.
            made.provenance["table"] = {
                "file": self.path.name,
                "sha256": digest,
                "bytes": self.path.stat().st_size,
            }
            rows: list[dict[str, Any]] = []
            total = 0
            for row in self._rows():
                rows.append(row)
                if len(rows) == BATCH:
                    total += len(rows)
                    yield texts_frame(rows)
                    rows.clear()
        except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as error:
            raise TableError(f"{self.path} cannot be read: {error}") from error
        total += len(rows)
        yield texts_frame(rows)
        made.notes["rows"] = total
        tell(f"{self.path.name}: {total:,} rows")

    def _rows(self) -> Iterator[dict[str, Any]]:
        kind = self.path.name.lower().removesuffix(".gz").rpartition(".")[2]
        read = _READERS.get(kind)
        if read is None:
            raise TableError(f"{self.path} is none of {', '.join(_READERS)}")
        ids: dict[str, str] = {}
        said: Counter[bytes] = Counter()
        stem = self.path.name.split(".")[0]
        for record in read(self.path, self.columns):
            texts = [_text(record, column) for column in self.text]
            name = _named(record, self.id, ids) if self.id else _name_of(texts, said)
            yield {
                "id": f"{stem}:{name}",
                "title": texts[0] if len(texts) > 1 else None,
                "body": joined(texts[1:]) if len(texts) > 2 else texts[-1],
                "labels": self._labels(record),
                "split": _side(record, self.split) if self.split else None,
                "link": _text(record, self.link),
                "author": _text(record, self.author),
                "license": _text(record, self.license_column) or self.license,
            }

    def _labels(self, record: _Record) -> list[str]:
        given = record.fields.get(self.labels)
        if isinstance(given, str):
            if not given.strip():
                return []
            if self.separator:
                if given.lstrip()[0] in "[({" and isinstance(as_list(given), list):
                    raise TableError(
                        f"{record.place}: {given[:80]!r} in {self.labels} is a list already; leave "
                        "the separator out of the corpus"
                    )
                return given.split(self.separator)
            given = as_list(given)
        if given is None:
            return []
        if not isinstance(given, list) or not all(_plain(one) for one in given):
            told = str(record.fields.get(self.labels))[:80]
            raise TableError(
                f"{record.place}: {told!r} in {self.labels} is no list of labels; is a separator "
                "missing from the corpus?"
            )
        return [str(one) for one in given if one is not None]


def read_table(spec: CorpusSpec, tell: Callable[[str], None] = lambda _: None) -> Made:
    """The texts of the file that an entry of the registry names as its source."""
    if not spec.file:
        raise TypeError(f"{spec.name} has its texts from {', '.join(spec.sources)}, not a file")
    shared = (field.name for field in dataclasses.fields(TableSource) if field.name != "path")
    return TableSource(spec.file, **{name: getattr(spec, name) for name in shared}).read(tell)


# --- values --------------------------------------------------------------------------------------


def _named(record: _Record, column: str, known: dict[str, str]) -> str:
    """The row's id, which no row before it has; `known` are those, with their places."""
    name = _text(record, column)
    if not name:
        raise TableError(f"{record.place}: no {column}, which is the column of ids")
    if (first := known.setdefault(name, record.place)) is not record.place:
        raise TableError(f"{record.place}: the id {name[:80]!r} is that of {first} already")
    return name


def _name_of(texts: list[str | None], said: Counter[bytes]) -> str:
    """A name that a row keeps wherever it stands in its file; `said` counts what came before.

    Rows that say the very same are numbered, and it does not matter which has which number: they
    are one duplicate group.
    """
    digest = hashlib.blake2b(digest_size=12, person=b"hf_assets row")
    for text in texts:
        # CSV cannot tell no text from an empty one; the length, lest one text pass for two.
        part = (text or "").encode("utf-8", "replace")
        digest.update(len(part).to_bytes(8, "big") + part)
    name = digest.digest()
    said[name] += 1
    return name.hex() + (f"-{said[name]}" if said[name] > 1 else "")


def _plain(value: Any) -> bool:
    return value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))


def _text(record: _Record, column: str | None) -> str | None:
    value = record.fields.get(column) if column else None
    if value is None or isinstance(value, str):
        return value
    if not _plain(value):
        raise TableError(f"{record.place}: {str(value)[:80]!r} in {column} is no text")
    return str(value)


def _side(record: _Record, column: str) -> SplitName | None:
    given = (_text(record, column) or "").strip()
    if given and given.lower() not in _SPLITS:
        told = f"{record.place}: {given[:80]!r} in {column} is no split; there are "
        raise TableError(told + ", ".join(_SPLITS))
    return _SPLITS[given.lower()] if given else None


# --- files ---------------------------------------------------------------------------------------


def _lines(path: Path) -> Iterator[str]:
    """Lines with their ends, decoded one by one, so that a wrong byte has a line."""
    packed = path.suffix.lower() == ".gz"
    with gzip.open(path) if packed else path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise TableError(
                    f"{path}, line {number}: byte {error.start + 1} is no UTF-8; save it as UTF-8"
                ) from error


def _expect(path: Path, wanted: Iterable[str], there: Iterable[str]) -> None:
    there = list(there)
    if lacking := [name for name in wanted if name not in there]:
        told = ", ".join(repr(name[:80]) for name in there[:50]) or "none"
        raise TableError(f"{path} has no column {', '.join(map(repr, lacking))}; there are {told}")


def _csv(path: Path, columns: list[str], delimiter: str = ",") -> Iterator[_Record]:
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(_lines(path), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    begins = 1
    try:
        for fields in reader:
            place = f"{path}, line {begins}"
            begins = reader.line_num + 1
            if header is None:
                header = fields
                if doubled := [name for name in columns if header.count(name) > 1]:
                    raise TableError(f"{place}: the column {doubled[0]!r} is there twice")
                _expect(path, columns, header)
            elif len(fields) == len(header):
                yield _Record(place, dict(zip(header, fields, strict=True)))
            elif fields:  # an empty line is no row
                raise TableError(
                    f"{place}: {len(fields)} fields where the header has {len(header)}; is a quote "
                    "or a comma in a text not quoted?"
                )
    except csv.Error as error:
        raise TableError(f"{path}, line {begins}: {error}; is a quote missing?") from error
    if header is None:
        raise TableError(f"{path} is empty")


def _tsv(path: Path, columns: list[str]) -> Iterator[_Record]:
    return _csv(path, columns, "\t")


def _json_lines(path: Path, columns: list[str]) -> Iterator[_Record]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    seen: dict[str, None] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            fields = decoder.decode(line)
        except (ValueError, RecursionError) as error:
            raise TableError(f"{place}: {error}; each line must be a JSON object") from error
        seen |= dict.fromkeys(fields)
        yield _Record(place, fields)
    _expect(path, columns, seen)


def _parquet(path: Path, columns: list[str]) -> Iterator[_Record]:
    frame = pl.scan_parquet(path, hive_partitioning=False)
    _expect(path, columns, frame.collect_schema().names())
    number = 0
    for batch in frame.select(columns).collect_batches(chunk_size=BATCH, maintain_order=True):
        for fields in batch.iter_rows(named=True):
            number += 1
            yield _Record(f"{path}, row {number}", fields)


_READERS: dict[str, Callable[[Path, list[str]], Iterator[_Record]]] = {
    "csv": _csv,
    "tsv": _tsv,
    "jsonl": _json_lines,
    "ndjson": _json_lines,
    "parquet": _parquet,
}
