"""Any table of texts with labels as texts: CSV, TSV, JSON lines (each also .gz) and Parquet.

What belongs here: reading a user's file so strictly that no label can land beside another row's
text; whatever is odd stops the reading, with file and line. What does not: rows as a format has
them (`records.py`), cells of labels (`label_cells.py`), what a text is worth (`building.py`).
"""

import dataclasses
import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.corpora.corpus import joined
from hf_assets.corpora.registry import CorpusSpec, Quoting
from hf_assets.corpora.schemas import SplitName, texts_frame
from hf_assets.corpora.tables.label_cells import LabelCells
from hf_assets.corpora.tables.records import BATCH, Layout, Record, TableError, records
from hf_assets.errors import clean
from hf_assets.storage.lake import TableWrite

_SPLITS: dict[str, SplitName] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}


@dataclass(frozen=True)
class TableSource:
    """A file, and which of its columns say what.

    Args:
        path: a .csv, .tsv, .jsonl, .ndjson (each also .gz) or .parquet file.
        text: columns; the first is the title where there are two or more.
        labels: the column of labels: a list, JSON or a printed one, text to be split, or one
            label; or several columns, one for each label, with 0 and 1.
        separator: what stands between the labels of a text; None where they are lists.
        label_names: what the places of vectors of 0 and 1, or numbers of classes, stand for.
        one_label: each cell is one label, whatever signs are in it.
        quoting: whether quotes enclose fields of CSV; None: yes, unless the file speaks against.
        id: a column without repetitions; without it, a row is named by what it says: title and
            text, and a number where rows say the very same.
        split: a column that names the side on which a row was published.
        license: the licence of all rows, where no column says it.
    """

    path: Path
    text: tuple[str, ...] = ("title", "body")
    labels: str | tuple[str, ...] = "labels"
    separator: str | None = None
    label_names: tuple[str, ...] | None = None
    one_label: bool = False
    quoting: Quoting | None = None
    id: str | None = None
    split: str | None = None
    link: str | None = None
    author: str | None = None
    license_column: str | None = None
    license: str | None = None

    @property
    def layout(self) -> Layout:
        """What the file must have."""
        labels = (self.labels,) if isinstance(self.labels, str) else self.labels
        named = (self.id, self.split, self.link, self.author, self.license_column)
        columns = dict.fromkeys([*self.text, *labels, *filter(None, named)])
        return Layout(tuple(columns), labels, self.separator, self.quoting)

    def read(self, log: Callable[[str], None] = lambda _: None) -> TableWrite:
        """The rows as frames of texts, read while they are iterated.

        Raises:
            TableError: while iterating, where the file is not as it must be.
        """
        made = TableWrite(frames=())
        made.frames = self._frames(made, log)
        return made

    def _frames(self, made: TableWrite, log: Callable[[str], None]) -> Generator[pl.DataFrame]:
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
            layout = self.layout
            cells = LabelCells(layout.labels, self.separator, self.label_names, self.one_label)
            for row in self._rows(layout, cells):
                rows.append(row)
                if len(rows) == BATCH:
                    total += len(rows)
                    yield texts_frame(rows)
                    rows.clear()
            cells.finish()
        except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as error:
            raise TableError(f"{self.path} cannot be read: {clean(error)}") from error
        total += len(rows)
        yield texts_frame(rows)
        made.notes["rows"] = total
        if cells.empty:
            made.notes["empty cells of labels, taken for 0"] = cells.empty
            log(f"{self.path.name}: {cells.empty:,} empty cells of labels, taken for 0")
        log(f"{self.path.name}: {total:,} rows")

    def _rows(self, layout: Layout, cells: LabelCells) -> Iterator[dict[str, Any]]:
        ids: dict[str, str] = {}
        said: Counter[bytes] = Counter()
        stem = self.path.name.split(".")[0]
        for record in records(self.path, layout):
            texts = [_text(record, column) for column in self.text]
            name = _named(record, self.id, ids) if self.id else _name_of(texts, said)
            yield {
                "id": f"{stem}:{name}",
                "title": texts[0] if len(texts) > 1 else None,
                "body": joined(texts[1:]) if len(texts) > 2 else texts[-1],
                "labels": cells.read(record),
                "split": _side(record, self.split) if self.split else None,
                "link": _text(record, self.link),
                "author": _text(record, self.author),
                "license": _text(record, self.license_column) or self.license,
            }


def read_table(spec: CorpusSpec, log: Callable[[str], None] = lambda _: None) -> TableWrite:
    """The texts of the file that an entry of the registry names as its source."""
    if not spec.file:
        raise TypeError(f"{spec.name} has its texts from {', '.join(spec.sources)}, not a file")
    shared = (field.name for field in dataclasses.fields(TableSource) if field.name != "path")
    return TableSource(spec.file, **{name: getattr(spec, name) for name in shared}).read(log)


# --- values --------------------------------------------------------------------------------------


def _named(record: Record, column: str, known: dict[str, str]) -> str:
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


def _text(record: Record, column: str | None) -> str | None:
    value = record.fields.get(column) if column else None
    if value is None or isinstance(value, str):
        return value
    if not _plain(value):
        raise TableError(f"{record.place}: {str(value)[:80]!r} in {column} is no text")
    return str(value)


def _side(record: Record, column: str) -> SplitName | None:
    given = (_text(record, column) or "").strip()
    if given and given.lower() not in _SPLITS:
        told = f"{record.place}: {given[:80]!r} in {column} is no split; there are "
        raise TableError(told + ", ".join(_SPLITS))
    return _SPLITS[given.lower()] if given else None
