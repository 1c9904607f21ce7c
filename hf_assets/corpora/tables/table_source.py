"""Any table of texts with labels as texts: CSV, TSV, JSON lines (each also .gz) and Parquet.

A user's file is read so strictly that no label can land beside another row's text: an invalid row
stops the reading, with file and line. `records.py` reads the rows of a format, `label_cells.py` the
cells of labels.
"""

import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.corpora.corpus import joined
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.corpora.schemas import SplitName, texts_frame
from hf_assets.corpora.tables.label_cells import LabelCells
from hf_assets.corpora.tables.records import BATCH, Layout, Record, TableError, records
from hf_assets.errors import clean
from hf_assets.progress import Log
from hf_assets.storage.digests import sha256
from hf_assets.storage.lake import TableWrite

_SPLITS: dict[str, SplitName] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}


@dataclass(frozen=True)
class TableSource:
    """The file of a registry's entry; the entry says which columns hold what.

    A row without a column of ids is named by its content: title and text, and a number where rows
    are the same.
    """

    spec: CorpusSpec

    @property
    def path(self) -> Path:
        """A .csv, .tsv, .jsonl, .ndjson (each also .gz) or .parquet file."""
        if self.spec.file is None:
            sources = ", ".join(self.spec.sources)
            raise TypeError(f"{self.spec.name} has its texts from {sources}, not a file")
        return self.spec.file

    @property
    def layout(self) -> Layout:
        """The columns that the file must have, and how its cells are separated."""
        spec = self.spec
        labels = (spec.labels,) if isinstance(spec.labels, str) else spec.labels
        optional = (spec.id, spec.split, spec.link, spec.author, spec.license_column)
        columns = dict.fromkeys([*spec.text, *labels, *filter(None, optional)])
        return Layout(tuple(columns), labels, spec.separator, spec.quoting)

    def read(self, log: Callable[[str], None] = lambda _: None) -> TableWrite:
        """The rows as frames of texts, read while they are iterated.

        Raises:
            TableError: while iterating, where the file is not as it must be.
            TypeError: the entry has source assets in place of a file.
        """
        write = TableWrite(frames=())
        write.frames = self._frames(self.path, write, log)
        return write

    def _frames(
        self, path: Path, write: TableWrite, log: Callable[[str], None]
    ) -> Generator[pl.DataFrame]:
        try:
            # The name alone: where a file lies is nobody else's business.
            write.provenance["table"] = {
                "file": path.name,
                "sha256": sha256(path, log),
                "bytes": path.stat().st_size,
            }
            rows: list[dict[str, Any]] = []
            total = 0
            layout, spec = self.layout, self.spec
            cells = LabelCells(layout.labels, spec.separator, spec.label_names, spec.one_label)
            for row in self._rows(layout, cells, log):
                rows.append(row)
                if len(rows) == BATCH:
                    total += len(rows)
                    yield texts_frame(rows)
                    rows.clear()
            cells.finish()
        except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as error:
            raise TableError(f"{path} cannot be read: {clean(error)}") from error
        total += len(rows)
        yield texts_frame(rows)
        write.notes["rows"] = total
        if cells.empty:
            write.notes["empty cells of labels, taken for 0"] = cells.empty
            log(f"{path.name}: {cells.empty:,} empty cells of labels, taken for 0")
        log(f"{path.name}: {total:,} rows")

    def _rows(self, layout: Layout, cells: LabelCells, log: Log) -> Iterator[dict[str, Any]]:
        spec = self.spec
        ids: dict[str, str] = {}
        contents: Counter[bytes] = Counter()
        stem = self.path.name.split(".")[0]
        for record in records(self.path, layout, log):
            texts = [_text(record, column) for column in spec.text]
            name = _named(record, spec.id, ids) if spec.id else _name_of(texts, contents)
            yield {
                "id": f"{stem}:{name}",
                "title": texts[0] if len(texts) > 1 else None,
                "body": joined(texts[1:]) if len(texts) > 2 else texts[-1],
                "labels": cells.read(record),
                "split": _split(record, spec.split) if spec.split else None,
                "link": _text(record, spec.link),
                "author": _text(record, spec.author),
                "license": _text(record, spec.license_column) or spec.license,
            }


def read_table(spec: CorpusSpec, log: Callable[[str], None] = lambda _: None) -> TableWrite:
    """The texts of the file that an entry of the registry names as its source."""
    return TableSource(spec).read(log)


# --- values --------------------------------------------------------------------------------------


def _named(record: Record, column: str, seen: dict[str, str]) -> str:
    """The row's id, which no row before it has; `seen` holds those, with their positions."""
    name = _text(record, column)
    if not name:
        raise TableError(f"{record.place}: no {column}, which is the column of ids")
    if (first := seen.setdefault(name, record.place)) is not record.place:
        raise TableError(f"{record.place}: the id {name[:80]!r} is that of {first} already")
    return name


def _name_of(texts: list[str | None], contents: Counter[bytes]) -> str:
    """A name that a row keeps wherever it stands in its file; `contents` counts earlier rows.

    Rows of the same content are numbered; their order does not matter, for they are one duplicate
    group.
    """
    digest = hashlib.blake2b(digest_size=12, person=b"hf_assets row")
    for text in texts:
        # CSV cannot tell no text from an empty one; the length, lest one text pass for two.
        part = (text or "").encode("utf-8", "replace")
        digest.update(len(part).to_bytes(8, "big") + part)
    name = digest.digest()
    contents[name] += 1
    return name.hex() + (f"-{contents[name]}" if contents[name] > 1 else "")


def _plain(value: Any) -> bool:
    return value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))


def _text(record: Record, column: str | None) -> str | None:
    value = record.fields.get(column) if column else None
    if value is None or isinstance(value, str):
        return value
    if not _plain(value):
        raise TableError(f"{record.place}: {str(value)[:80]!r} in {column} is no text")
    return str(value)


def _split(record: Record, column: str) -> SplitName | None:
    given = (_text(record, column) or "").strip()
    if given and given.lower() not in _SPLITS:
        message = f"{record.place}: {given[:80]!r} in {column} is no split; there are "
        raise TableError(message + ", ".join(_SPLITS))
    return _SPLITS[given.lower()] if given else None
