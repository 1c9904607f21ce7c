"""The lake: paths of artefacts, and atomic writes.

One table of one day is one Parquet file, `<root>/<asset>/day=YYYY-MM-DD/data.parquet`. It is
written to a temporary file, synced, and moved over the old file in one step, so that a reader sees
the old day or the new one. Its footer (`records.Footer`) answers questions about the day without
reading rows: its source, its counts, the seconds it took, its side tables. A table without days is
`<root>/<asset>/data.parquet`, or one file per month where it grows by days (`month_files`). An
artefact of many files (a corpus, a classifier) is a folder, and is replaced as one.

Only `storage` may assume that the lake is a folder of this machine.
"""

import os
import re
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.object_store.at_once import made_ahead
from hf_assets.object_store.errors import StoreError
from hf_assets.object_store.listing import stored_days
from hf_assets.object_store.path import LakePath, StorePath, location
from hf_assets.object_store.reading import StoreFile
from hf_assets.storage.durable import replacing, write_bytes
from hf_assets.storage.folders import local_folder, write_files
from hf_assets.storage.month_files import MonthFiles
from hf_assets.storage.opened import LakeFile, open_file, require_same
from hf_assets.storage.parquet import ParquetBatches, Table
from hf_assets.storage.records import Footer
from hf_assets.storage.side_tables import DATA, SideTables, side_table_paths
from hf_assets.storage.stored import StagedTable, StoredTable, TableWrite

# Days synced to disk at a time, while the next is written: a disk syncs several in the time of one.
SETTLING = 8

DATA_FILE = f"{DATA}.parquet"
# The marker of a day of thousands of objects.
_CAPTURE = "capture.json"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_./-]*")


class MissingDay(LookupError):
    """A table, or a day of it, is missing; the message says what to materialise."""


class MissingArtefact(LookupError):
    """A folder is missing; the message says which."""


class Lake:
    """The tree of artefacts under one root: a folder, or the address of a store."""

    def __init__(self, root: LakePath) -> None:
        self.root: Any = root.resolve()

    @classmethod
    def at(cls, text: str | Path) -> "Lake":
        """The lake of that folder, or that `s3://` address. AddressError."""
        return cls(location(text))

    def folder(self, asset: str, day: str | None) -> Any:
        """The folder of a day (or month) of an asset; without a day, of the asset.

        Raises:
            ValueError: the name is not one of an asset or a day.
        """
        if not _NAME.fullmatch(asset) or ".." in asset:
            raise ValueError(f"not an asset's name: {asset!r}")
        if day is None:
            return self.root / asset
        if _MONTH.fullmatch(day):
            return self.root / asset / f"month={day}"
        if not _DAY.fullmatch(day):
            raise ValueError(f"not a day (YYYY-MM-DD): {day!r}")
        return self.root / asset / f"day={day}"

    def days(self, asset: str, marker: str = DATA_FILE) -> list[str]:
        """The complete days of an asset, oldest first.

        On a store one request for 1,000 objects; of captures, one for a day.

        Args:
            asset: its name.
            marker: the file that only a complete day has.
        """
        if isinstance(self.root, StorePath):
            return list(stored_days(self.root / asset, marker, pages=marker == _CAPTURE))
        # As strings: a glob of Paths takes eight times as long over a year of days.
        folder = f"{self.root}/{asset}"
        return sorted(
            name.removeprefix("day=")
            for name in (os.listdir(folder) if os.path.isdir(folder) else ())
            if name.startswith("day=") and os.path.exists(f"{folder}/{name}/{marker}")
        )

    def months(self, asset: str) -> list[str]:
        """The months of a table that is stored by month, oldest first; else none."""
        return list(self._by_month(asset).manifest().months)

    def month_notes(self, asset: str) -> dict[str, dict[str, Any]]:
        """The notes of each month's newest file; without unreadable files."""
        notes = {}
        for month, path in self._by_month(asset).latest().items():
            try:
                notes[month] = _footer(open_file(path)).notes
            except StoreError:
                raise  # nothing is wrong with the file
            except (OSError, ValueError, pl.exceptions.PolarsError):
                continue
        return notes

    def refreshing(self, asset: str) -> AbstractContextManager[bool]:
        """The lock for writing and joining months of a table; see `MonthFiles.lock`."""
        return self._by_month(asset).lock()

    def join_months(
        self, asset: str, months: Sequence[str], notes: Mapping[str, Any], seconds: float
    ) -> StoredTable:
        """Publish the newest files of these months as the table; delete other months.

        The former single file goes too; without months, it is the table. The caller holds
        `refreshing` from the first month it writes.
        """
        files = self._by_month(asset)
        files.join(months, lambda path: open_file(path).footer()["rows"], notes, seconds)
        if months:
            (files.folder / DATA_FILE).unlink(missing_ok=True)
        return self.read(asset, None)

    def _by_month(self, asset: str) -> MonthFiles:
        return MonthFiles(self.folder(asset, None))

    def write(self, table: Table, day: str | None, content: TableWrite) -> StoredTable:
        """Store one day, or a table without days, in one step; on any error the old one stays.

        Raises:
            ReplacedError, CommitConflict: another version than `content.over` is there.
        """
        self._staged(table, day, content).moves.close()
        return self.read(table.name, day)

    def write_days(
        self, table: Table, makes: Mapping[Any, Callable[[], TableWrite]], at_once: int = 1
    ) -> Generator[tuple[str | None, StoredTable]]:
        """Store many days as `write` does, and yield each when it is stored, in order.

        The next days are made while the caller works with those before; syncing runs at the same
        time. After an error the days before it are yielded, then it is raised.

        Args:
            table: its schema.
            makes: by day, what makes it.
            at_once: days made at a time, each with the memory of one.
        """
        waiting: deque[tuple[str | None, pl.DataFrame, Future[None]]] = deque()
        failed: Exception | None = None
        staged_days = made_ahead(
            {day: lambda day=day: self._staged(table, day, makes[day]()) for day in makes},
            at_once,
            lambda staged: staged.moves.__exit__(GeneratorExit, GeneratorExit(), None),
        )
        with ThreadPoolExecutor(SETTLING) as pool, closing(staged_days) as written:
            try:
                for day, staged in written:
                    waiting.append((day, staged.shown, pool.submit(staged.moves.close)))
                    while waiting and (waiting[0][2].done() or len(waiting) > SETTLING):
                        yield self._settled(table, *waiting.popleft())
            except Exception as error:  # noqa: BLE001 - raised below
                failed = error
            for each in waiting:
                yield self._settled(table, *each)
        if failed:
            raise failed

    def _settled(
        self, table: Table, day: str | None, shown: pl.DataFrame, settled: Future[None]
    ) -> tuple[str | None, StoredTable]:
        """A day as it is stored, with the rows of its preview, when it is published."""
        settled.result()
        return day, replace(self.read(table.name, day), shown=shown)

    def _staged(self, table: Table, day: str | None, content: TableWrite) -> StagedTable:
        """A day in temporary files."""
        folder = self.folder(table.name, day)
        path, seen = folder / DATA_FILE, None
        if day and _MONTH.fullmatch(day):
            path = self._by_month(table.name).new(day)
        began = time.perf_counter()
        # Everything is written before anything is moved; first in, last moved. The data file comes
        # after the side tables that it names: with it the new day is published.
        with ExitStack() as moves:
            sides = SideTables(folder, content.aside)
            if path.parent == folder:
                seen = sides.seen()
                if isinstance(over := content.over and content.over.file, StoreFile):
                    seen = over.facts.tag
                moves.enter_context(sides.published())
            with ParquetBatches(moves.enter_context(replacing(path, seen)), table) as writer:
                for frame in content.frames:
                    writer.write(frame)
                writer.footer = Footer(
                    day=day,
                    rows=writer.rows if content.rows is None else content.rows,
                    notes=content.all_notes(),
                    provenance=content.provenance,
                    seconds=round(time.perf_counter() - began, 3),
                    aside=sides.name_versions(),
                )
            moves.enter_context(sides.written())
            if content.over:
                moves.callback(require_same, content.over.file)
            return StagedTable(moves.pop_all(), writer.shown)

    def read(self, asset: str, day: str | None) -> StoredTable:
        """One day of a table, or a table without days, unread. MissingDay if it is missing."""
        if day is None and (joined := self._joined(asset)):
            return joined
        try:
            files, footer = self._with_asides(asset, day)
        except MissingDay:
            # One file until now: another process has just stored it by month.
            if day is None and (joined := self._joined(asset)):
                return joined
            raise
        data = files[DATA]
        return StoredTable(
            path=_path(data),
            day=day or "",
            # Early versions did not write the number of rows.
            rows=data.arrow().metadata.num_rows if footer.rows is None else footer.rows,
            notes=footer.notes,
            provenance=footer.provenance,
            seconds=footer.seconds,
            files=files,
        )

    def _joined(self, asset: str) -> StoredTable | None:
        """A table that is stored by month, as one; None for another table."""
        files = self._by_month(asset)
        if not (manifest := files.manifest()).months:
            return None
        try:
            paths = files.paths(manifest)
        except FileNotFoundError as error:
            raise MissingDay(
                f"{error.args[0]} is gone, a part of {asset}: materialise it first"
            ) from error
        rows = sum(manifest.months.values())
        return StoredTable(files.folder, "", rows, manifest.notes, {}, manifest.seconds, paths)

    def _with_asides(self, asset: str, day: str | None) -> tuple[dict[str, LakeFile], Footer]:
        """A day's file and its side tables, all open, and its footer."""
        before = None
        while True:
            data = self._opened(asset, day)
            footer = _footer(data)
            sides = side_table_paths(footer, _path(data).parent)
            if isinstance(data, StoreFile):
                # Asked for when they are read. A replaced one stays for a day.
                paths = (
                    (name, path) for name, path in sides.items() if isinstance(path, StorePath)
                )
                later = {name: StoreFile(path, later=True) for name, path in paths}
                return {DATA: data, **later}, footer
            if data == before:
                # No writer replaced the day: it is a copy of a lake without hidden files.
                sides = {name: path.with_name(f"{name}.parquet") for name, path in sides.items()}
            try:
                opened = {name: open_file(path) for name, path in sides.items()}
                return {DATA: data, **opened}, footer
            except FileNotFoundError as error:
                if data == before:
                    raise MissingDay(
                        f"{error.filename} is gone, a part of {asset}: materialise it again"
                    ) from error
            before = data

    def notes(self, asset: str, day: str) -> dict[str, Any]:
        """The notes of `read` alone. MissingDay if it is missing."""
        return _footer(self._opened(asset, day)).notes

    def _opened(self, asset: str, day: str | None) -> LakeFile:
        """The file of a day, or the newest file of a month."""
        folder = self.folder(asset, day)
        path = folder / DATA_FILE if isinstance(folder, StorePath) else f"{folder}/{DATA_FILE}"
        if day and _MONTH.fullmatch(day):
            path = self._by_month(asset).latest().get(day)
        try:
            if path:
                return open_file(path)
        except FileNotFoundError:
            pass
        raise MissingDay(
            f"there is no {asset} for {day}: materialise {asset} of that day first"
            if day
            else f"there is no {asset}: materialise it first"
        )

    def artefact(self, *names: str) -> Path:
        """A folder that is replaced as one, on this machine; MissingArtefact if it is missing.

        To store it, write into `replacing_folder(lake.folder("/".join(names), None))`.
        """
        try:
            return local_folder(self.folder("/".join(names), None))
        except FileNotFoundError:
            raise MissingArtefact(f"there is no {'/'.join(names)}: materialise it first") from None

    def write_files(self, asset: str, day: str, files: Mapping[str, bytes]) -> None:
        """Store files in the folder of a day, each atomically; the last marks a complete day.

        On a store, readers of `local_folder` see all old ones or all new ones.
        """
        write_files(self.folder(asset, day), files)

    def write_file(self, asset: str, day: str, name: str, content: bytes) -> Path:
        """Store one file in the folder of a day, atomically. Returns its path."""
        if not _NAME.fullmatch(name) or "/" in name:
            raise ValueError(f"not a file name of the lake: {name!r}")
        path = self.folder(asset, day) / name
        write_bytes(path, content)
        return path


def _footer(file: LakeFile) -> Footer:
    return Footer.read(file.footer())


def _path(file: LakeFile) -> Any:
    return file.path if isinstance(file, StoreFile) else Path(file.path)


def today() -> str:
    """The current day in UTC: the only partition that the Hub can be listed for."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def iso(day: str) -> date:
    """A partition key as a date."""
    return date.fromisoformat(day)
