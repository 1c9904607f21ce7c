"""The files of a lake that are published: what each is called, and what it then contains.

`data/<table>/<day or month>.parquet`: no `day=` in a path, as readers that make a column of it fail
on the column `day` in the file.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec.structs import replace

from hf_assets.hub.repository_days.old_days import read_day
from hf_assets.publishing.tables import portable_schema
from hf_assets.publishing.withheld import public_provenance, public_rows
from hf_assets.storage.digests import git_blob_id, sha256
from hf_assets.storage.folders import local_folder
from hf_assets.storage.lake import Lake, MissingArtefact, MissingDay
from hf_assets.storage.opened import LakeFile, open_file
from hf_assets.storage.parquet import FOOTER_KEY, ROW_GROUP, ZSTD_LEVEL, Table
from hf_assets.storage.records import Footer, Record
from hf_assets.storage.stored import ROWS_MARK

# Raise it when the content of published files changes: all are written again.
LAYOUT = 1
DATA, PICTURES = "data", "figures"
DAY_FIGURES = ("snapshot_figures", "space_code_figures")
OTHER_FIGURES = ("trend_figures", "provider_figures")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


class FileFacts(Record):
    """A file as it is published.

    Attributes:
        mark: of the stored file behind it: size and time of writing, in nanoseconds.
        size: bytes.
        sha256: the Hub's name of a large file.
        blob: git's name of a small file.
        rows: of a table.
    """

    mark: tuple[int, int]
    size: int
    sha256: str
    blob: str
    rows: int = 0


@dataclass(frozen=True)
class Part:
    """A file to be published.

    Attributes:
        path: in the repository.
        mark: of the stored file behind it.
        write: writes its content to a path; returns its rows.
        rows_mark: of an emptied day: the mark of the file that had its rows.
    """

    path: str
    mark: tuple[int, int]
    write: Callable[[Path], int]
    rows_mark: tuple[int, int] | None = None

    @property
    def key(self) -> str:
        """Its day or month."""
        return Path(self.path).stem

    def still(self, before: FileFacts | None) -> FileFacts | None:
        """What was published: it stays where the day was emptied since, and not replaced."""
        if before and before.mark == self.rows_mark:
            return replace(before, mark=self.mark)
        return before

    def written(self, path: Path) -> FileFacts:
        """Write the content to that path."""
        rows = self.write(path)
        size = path.stat().st_size
        return FileFacts(
            mark=self.mark, size=size, sha256=sha256(path), blob=git_blob_id(path), rows=rows
        )


def table_parts(lake: Lake, table: Table, private: Collection[str]) -> Iterator[Part]:
    """The files of a table, the oldest first; none where the lake lacks the table.

    Args:
        lake: the lake.
        table: of `publishable`.
        private: names that no published row has.
    """
    name = table.name
    if days := lake.days(name):
        for day in days:
            yield _day_part(lake, name, day, private)
        return
    for key, file in _stored(lake, name):
        yield Part(_path(name, key), file.mark, partial(_write_table, name, file, private))


def _day_part(lake: Lake, name: str, day: str, private: Collection[str]) -> Part:
    """A day; one that is emptied is published as its series gives it back."""
    stored = lake.read(name, day)
    file = stored.file
    if not stored.emptied:
        return Part(_path(name, day), file.mark, partial(_write_table, name, file, private))

    def write(path: Path) -> int:
        return _write_table(name, file, private, path, rows=read_day(lake, name, day).file)

    first, second = stored.notes[ROWS_MARK]
    return Part(_path(name, day), file.mark, write, rows_mark=(first, second))


def _path(name: str, key: str) -> str:
    return f"{DATA}/{name}/{key}.parquet"


def _stored(lake: Lake, name: str) -> Iterator[tuple[str, LakeFile]]:
    """Month of each file of a table without days."""
    try:
        stored = lake.read(name, None)
    except MissingDay:
        return
    if not stored.months:
        yield "all", stored.file
    for path in stored.months:
        # `.versions/2026-11.….parquet`, or `month=2026-11/data.parquet`.
        month = _MONTH.search(path.name) or _MONTH.search(path.parent.name)
        assert month, path
        yield month[0], open_file(path)


def _write_table(
    name: str,
    file: LakeFile,
    private: Collection[str],
    path: Path,
    *,
    rows: LakeFile | None = None,
) -> int:
    """Write a stored file with the types, columns and provenance that others get.

    In the encodings that every reader has, unlike those of the lake. Content-defined chunks let the
    Hub store what two versions of a file share once. `rows` has those of an emptied day.
    """
    source, schema = (rows or file).arrow(), portable_schema(name)
    written, waiting = 0, list[pa.Table]()
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        use_content_defined_chunking=True,
        write_page_index=True,
        store_schema=False,
    ) as writer:
        for group in range(source.num_row_groups):
            waiting.append(_public(source.read_row_group(group), schema, private))
            if sum(one.num_rows for one in waiting) >= ROW_GROUP:
                written += _flush(writer, waiting)
        written += _flush(writer, waiting)
        footer = Footer.read(file.footer())
        content = {"day": footer.day, "provenance": public_provenance(footer.provenance)}
        writer.add_key_value_metadata({FOOTER_KEY: json.dumps(content)})
    return written


def _flush(writer: pq.ParquetWriter, waiting: list[pa.Table]) -> int:
    table = pa.concat_tables(waiting) if waiting else None
    waiting.clear()
    if table is None or not table.num_rows:
        return 0
    writer.write_table(table, row_group_size=2 * ROW_GROUP)
    return table.num_rows


def _public(group: pa.Table, schema: pa.Schema, private: Collection[str]) -> pa.Table:
    frame = public_rows(pl.DataFrame(pl.from_arrow(group)), private)
    # A file of an earlier version may lack columns, or have others.
    table = frame.select(name for name in schema.names if name in frame.columns).to_arrow(
        compat_level=pl.CompatLevel.oldest()
    )
    for at, field in enumerate(schema):
        if field.name not in table.column_names:
            table = table.add_column(at, field, pa.nulls(table.num_rows, field.type))
    return table.cast(schema)


def figure_parts(lake: Lake) -> Iterator[Part]:
    """The figures over all days, and those of the newest day that has any, as PNG."""
    for asset in OTHER_FIGURES:
        with suppress(MissingArtefact):
            yield from _pictures(lake.artefact(asset), PICTURES)
    for asset in DAY_FIGURES:
        if days := lake.days(asset, "figures.json"):
            yield from _pictures(local_folder(lake.folder(asset, days[-1])), f"{PICTURES}/day")


def _pictures(folder: Path, name: str) -> Iterator[Part]:
    for path in sorted(folder.glob("*.png")):
        yield Part(f"{name}/{path.name}", open_file(path).mark, partial(_copy, path))


def _copy(source: Path, path: Path) -> int:
    shutil.copyfile(source, path)
    return 0


def basis(private: Collection[str], versions: Mapping[str, str]) -> str:
    """A digest of what the content of published files depends on, besides the stored files."""
    text = json.dumps([LAYOUT, sorted(private), dict(versions)])
    return hashlib.sha256(text.encode()).hexdigest()
