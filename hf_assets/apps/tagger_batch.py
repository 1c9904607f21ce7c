"""Several texts for the tagger page: lines, or a CSV file, and the file that comes back."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from hf_assets.apps.tagger_service import MOST_TEXTS, Answer, Refused
from hf_assets.corpora.corpus import joined
from hf_assets.csv_cells import inert_cells

# Bytes of a file: as the page sends it, it is a third longer, and a body has a limit (`guard`).
MOST_CSV = 3_000_000
# Columns that are read, in any case.
TEXT, TITLE = "text", "title"
# Columns that are added.
LABELS, SCORES, REMARK = "tagger_labels", "tagger_scores", "tagger_remark"
_SEPARATORS = ",;\t"
_BETWEEN = "; "
# What a program for tables stores as "Unicode text".
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SAVE_AS = "save it as CSV UTF-8"


@dataclass(frozen=True)
class Texts:
    """Texts, and the table that they are from: all columns are text."""

    table: pl.DataFrame
    texts: list[str]

    def labelled(self, answers: Sequence[Answer | None]) -> bytes:
        """The table with labels and scores, as CSV in UTF-8; no cell is run by a spreadsheet."""
        found = [one.fit if one else [] for one in answers]
        remarks = [one.meaning if one else "The text is empty." for one in answers]
        added = pl.DataFrame(
            {
                LABELS: [_BETWEEN.join(tag.label for tag in tags) for tags in found],
                SCORES: [_BETWEEN.join(f"{tag.score:.3f}" for tag in tags) for tags in found],
                REMARK: remarks,
            },
            schema=dict.fromkeys((LABELS, SCORES, REMARK), pl.String),
        )
        table = inert_cells(self.table.with_columns(added).lazy()).collect()
        names = inert_cells(pl.LazyFrame({"name": table.columns})).collect()["name"]
        table.columns = names.to_list()
        # With a mark of its encoding: without, Excel takes it for another.
        return table.write_csv(include_bom=True).encode()


def from_lines(given: str) -> Texts:
    """A text a line; blank lines are none.

    Raises:
        Refused: there is none, or there are too many.
    """
    texts = [line.strip() for line in given.splitlines() if line.strip()]
    if not texts:
        raise Refused("There is nothing to read yet: write texts, one a line, or choose a CSV file")
    _require_few(len(texts))
    return Texts(pl.DataFrame({TEXT: texts}), texts)


def from_csv(content: bytes) -> Texts:
    """The column `text` of a CSV file, with that of `title` before it if there is one.

    Raises:
        Refused: it is too large, no UTF-8, no CSV, or has no such column.
    """
    if len(content) > MOST_CSV:
        raise Refused(
            f"The file has {len(content):,} bytes: the limit is {MOST_CSV:,}, split the file"
        )
    header, *rows = _rows(_decoded(content))
    names = [name.strip().casefold() for name in header]
    if TEXT not in names:
        there = ", ".join(header)
        raise Refused(
            f"The file has no column {TEXT!r}: its first line names {there:.200}. Name the column "
            f"of the texts {TEXT!r}, and that of their titles, if there is one, {TITLE!r}"
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Refused(f"Two columns of the file have one name: {', '.join(twice):.200}")
    if not rows:
        raise Refused("The file has a first line, and no texts below it")
    _require_few(len(rows))
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    read = [names.index(name) for name in (TITLE, TEXT) if name in names]
    texts = [joined(row[column] for column in read) for row in rows]
    return Texts(pl.DataFrame(columns, schema=dict.fromkeys(header, pl.String)), texts)


def _require_few(count: int) -> None:
    if count > MOST_TEXTS:
        raise Refused(f"{count:,} texts are too many: the limit is {MOST_TEXTS:,}, split the file")


def _decoded(content: bytes) -> str:
    if content.startswith(_UTF16):
        raise Refused(f"The file is in UTF-16: {_SAVE_AS}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"Byte {error.start + 1:,} of the file is no UTF-8: {_SAVE_AS}") from None
    if "\0" in text:
        raise Refused("The file is no CSV: it has characters of no text")
    return text


def _rows(text: str) -> list[list[str]]:
    """The rows, the names of columns first, all of one length."""
    # A text may be longer than the module's own limit, 128 KB.
    csv.field_size_limit(max(csv.field_size_limit(), MOST_CSV))
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found: list[list[str]] = []
    try:
        for row in rows:
            if not row:  # a blank line
                continue
            if found and len(row) != len(found[0]):
                raise Refused(
                    f"Line {rows.line_num:,} of the file has {len(row)} cells, the first "
                    f"{len(found[0])}: put a text with {separator!r} in it in quotes"
                )
            found.append(row)
    except csv.Error as error:
        raise Refused(f"Line {rows.line_num:,} of the file is no CSV: {error}") from None
    if not found:
        raise Refused("The file is empty")
    return found
