"""Where every artefact lies, and how it gets there whole.

One table of one day is one Parquet file, `<root>/<asset>/day=YYYY-MM-DD/data.parquet`: written
beside its place, synced, and moved over the old file in one step, so that a reader sees the old day
or the new one. Its footer carries what a later reader wants to know without reading rows: where the
day came from, what was counted on the way, how long it took, which side tables belong to it. A
table without days lies in `<root>/<asset>/data.parquet`, or, where it is long and grows by days, a
month a file (`month_files`). What is more than tables (a corpus, a classifier) is a folder, and is
replaced as one.

Only this module and those it stands on may assume that the lake is a folder of this machine.
"""

import os
import re
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, suppress
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.storage.durable import replacing, restore, write_bytes
from hf_assets.storage.month_files import MonthFiles
from hf_assets.storage.opened import OpenedFile
from hf_assets.storage.parquet import ParquetBatches, Table
from hf_assets.storage.side_tables import DATA, SideTables, named
from hf_assets.storage.stored import StoredTable, TableWrite

# Days that are being made durable while the next is made: a disk syncs several in the time of one.
SETTLING = 8

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_./-]*")


class MissingDay(LookupError):
    """A table has no such day, or was never made; the message says what to materialise."""


class MissingArtefact(LookupError):
    """A folder was never made; the message says which."""


class Lake:
    """The tree of artefacts under one root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def folder(self, asset: str, day: str | None) -> Path:
        """Where that day of that asset lies (or month, of one kept by month); without, the asset.

        Raises:
            ValueError: no asset or day can have that name.
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

    def days(self, asset: str, marker: str = "data.parquet") -> list[str]:
        """The days of that asset that are whole, oldest first.

        Args:
            asset: its name.
            marker: the file whose presence says that the day is whole.
        """
        return self._parts(asset, "day=", marker)

    def months(self, asset: str) -> list[str]:
        """The months of a table that is kept by month, oldest first; none of any other."""
        return list(self._by_month(asset).manifest().months)

    def month_notes(self, asset: str) -> dict[str, dict[str, Any]]:
        """The notes of each month as it was written last, but for files that cannot be read."""
        found = {}
        for month, path in self._by_month(asset).latest().items():
            with suppress(OSError, ValueError, pl.exceptions.PolarsError):
                found[month] = OpenedFile(path).footer().get("notes", {})
        return found

    def refreshing(self, asset: str) -> AbstractContextManager[bool]:
        """Held by whoever writes and joins months of that table; see `MonthFiles.lock`."""
        return self._by_month(asset).lock()

    def join_months(
        self, asset: str, months: Sequence[str], notes: Mapping[str, Any], seconds: float
    ) -> StoredTable:
        """Make those months, as they were written last, the table, in one step: others go.

        Without any, the table is the one file that was written as such. Whoever writes and joins
        months holds `refreshing` for as long.
        """
        kept = self._by_month(asset)
        kept.join(months, lambda path: OpenedFile(path).footer()["rows"], notes, seconds)
        if months:
            (kept.folder / "data.parquet").unlink(missing_ok=True)
        return self.read(asset, None)

    def _by_month(self, asset: str) -> MonthFiles:
        return MonthFiles(self.folder(asset, None))

    def _parts(self, asset: str, prefix: str, marker: str) -> list[str]:
        # As texts: a glob of Paths takes eight times as long over a year of days.
        folder = f"{self.root}/{asset}"
        return sorted(
            name.removeprefix(prefix)
            for name in (os.listdir(folder) if os.path.isdir(folder) else ())
            if name.startswith(prefix) and os.path.exists(f"{folder}/{name}/{marker}")
        )

    def write(self, table: Table, day: str | None, made: TableWrite) -> StoredTable:
        """Store one day, or a table without days, in one step; on any error the old one stays."""
        self._staged(table, day, made).close()
        return self.read(table.name, day)

    def write_days(
        self, table: Table, makes: Mapping[Any, Callable[[], TableWrite]]
    ) -> Generator[tuple[str | None, StoredTable]]:
        """Store many days as `write` does, and give each when it is there.

        One day is made at a time, the next while the caller does something with those before; what
        was written waits for the disk beside that. After an error the days before it are given
        still, and the error comes last.
        """
        waiting: deque[tuple[str | None, Future[None]]] = deque()
        failed: Exception | None = None
        with ThreadPoolExecutor(SETTLING) as pool, closing(self._made(table, makes)) as made:
            try:
                for day, staged in made:
                    waiting.append((day, pool.submit(staged.close)))
                    while waiting and (waiting[0][1].done() or len(waiting) > SETTLING):
                        known, settled = waiting.popleft()
                        settled.result()
                        yield known, self.read(table.name, known)
            except Exception as error:  # noqa: BLE001 - raised below
                failed = error
            for known, settled in waiting:
                settled.result()
                yield known, self.read(table.name, known)
        if failed:
            raise failed

    def _made(
        self, table: Table, makes: Mapping[Any, Callable[[], TableWrite]]
    ) -> Generator[tuple[str | None, ExitStack]]:
        """Each day as `_staged`, in order; the next is begun when one is given."""
        with ThreadPoolExecutor(1) as maker:
            begun = (
                maker.submit(lambda day=day: self._staged(table, day, makes[day]()))
                for day in makes
            )
            coming = next(begun, None)
            try:
                for day in makes:
                    assert coming is not None
                    staged = coming.result()
                    coming = next(begun, None)
                    yield day, staged
            finally:
                # Nobody asks for it any more: what is written of the next is not put in place.
                if coming and not coming.cancel() and coming.exception() is None:
                    coming.result().__exit__(GeneratorExit, GeneratorExit(), None)

    def _staged(self, table: Table, day: str | None, made: TableWrite) -> ExitStack:
        """A day written beside its place; closing what is returned puts it there."""
        folder = self.folder(table.name, day)
        path = folder / "data.parquet"
        if day and _MONTH.fullmatch(day):
            path = self._by_month(table.name).new(day)
        began = time.perf_counter()
        # Everything is written before anything is moved; first in, last moved. The data come after
        # the side tables that they name: that is the moment from which on it is the new day.
        with ExitStack() as moves:
            sides = SideTables(folder, made.aside)
            if path.parent == folder:
                moves.enter_context(sides.published())
            with ParquetBatches(moves.enter_context(replacing(path)), table) as writer:
                for frame in made.frames:
                    writer.write(frame)
                writer.footer = {
                    "day": day,
                    "rows": writer.rows,
                    "notes": made.notes,
                    "provenance": made.provenance,
                    "seconds": round(time.perf_counter() - began, 3),
                    "aside": sides.name_versions(),
                }
            moves.enter_context(sides.written())
            return moves.pop_all()

    def read(self, asset: str, day: str | None) -> StoredTable:
        """That day of that table (or a table without days), unread. MissingDay if not there."""
        if day is None and (joined := self._joined(asset)):
            return joined
        try:
            files, footer = self._with_asides(asset, day)
        except MissingDay:
            # One file until now: another process has just made it a table of months.
            if day is None and (joined := self._joined(asset)):
                return joined
            raise
        data = files[DATA]
        return StoredTable(
            path=Path(data.path),
            day=day or "",
            # A table of a lake of long ago does not say how many rows it has.
            rows=footer["rows"] if "rows" in footer else data.arrow().metadata.num_rows,
            notes=footer.get("notes", {}),
            provenance=footer.get("provenance", {}),
            seconds=footer.get("seconds", 0.0),
            files=files,
        )

    def _joined(self, asset: str) -> StoredTable | None:
        """A table that is kept by month, as one; None: it is not."""
        kept = self._by_month(asset)
        if not (manifest := kept.manifest()).months:
            return None
        try:
            paths = kept.paths(manifest)
        except FileNotFoundError as error:
            raise MissingDay(
                f"{error.args[0]} is gone, a part of {asset}: materialise it first"
            ) from error
        rows = sum(manifest.months.values())
        return StoredTable(kept.folder, "", rows, manifest.notes, {}, manifest.seconds, paths)

    def _with_asides(
        self, asset: str, day: str | None
    ) -> tuple[dict[str, OpenedFile], dict[str, Any]]:
        """That day's file with the side tables that it names, all open, and its footer."""
        before = None
        while True:
            data = self._opened(asset, day)
            footer = data.footer()
            sides = named(footer, Path(data.path).parent)
            if data == before:
                # Nobody replaced the day: it is a copy of a lake without hidden files.
                sides = {name: path.with_name(f"{name}.parquet") for name, path in sides.items()}
            try:
                opened = {name: OpenedFile(path) for name, path in sides.items()}
                return {DATA: data, **opened}, footer
            except FileNotFoundError as error:
                if data == before:
                    raise MissingDay(
                        f"{error.filename} is gone, a part of {asset}: materialise it again"
                    ) from error
            before = data

    def notes(self, asset: str, day: str) -> dict[str, Any]:
        """The notes of `read` alone. MissingDay if not there."""
        return self._opened(asset, day).footer().get("notes", {})

    def _opened(self, asset: str, day: str | None) -> OpenedFile:
        """The file of that day, or of that month as it was written last."""
        path: str | Path | None = f"{self.folder(asset, day)}/data.parquet"
        if day and _MONTH.fullmatch(day):
            path = self._by_month(asset).latest().get(day)
        try:
            if path:
                return OpenedFile(path)
        except FileNotFoundError:
            pass
        raise MissingDay(
            f"there is no {asset} for {day}: materialise {asset} of that day first"
            if day
            else f"there is no {asset}: materialise it first"
        )

    def artefact(self, *names: str) -> Path:
        """A folder that is replaced as one; MissingArtefact where it was never made.

        To make it, write into `replacing_folder(lake.folder("/".join(names), None))`.
        """
        path = self.folder("/".join(names), None)
        restore(path)
        if not path.is_dir():
            raise MissingArtefact(f"there is no {'/'.join(names)}: materialise it first")
        return path

    def write_file(self, asset: str, day: str, name: str, content: bytes) -> Path:
        """Store one file of that day of that asset, atomically. Returns its path."""
        if not _NAME.fullmatch(name) or "/" in name:
            raise ValueError(f"not a file name of the lake: {name!r}")
        path = self.folder(asset, day) / name
        write_bytes(path, content)
        return path


def origin(facts: Mapping[str, Any]) -> str:
    """Where a day came from, in words: the revision and the file of it, or the endpoint.

    Args:
        facts: what a capture says of itself; one of `Stored.provenance`.
    """
    where = str(facts.get("file") or "")
    if revision := facts.get("revision"):
        told = f"{facts.get('dataset')} at {revision[:12]}"
        return f"{told}, {where}" if where else told
    return where or str(facts.get("endpoint") or "an unknown Hub")


def today() -> str:
    """The day it is now, in UTC: the partition key the Hub can still be asked for."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def iso(day: str) -> date:
    """A partition key as a date."""
    return date.fromisoformat(day)
