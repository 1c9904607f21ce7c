"""Days of a small table kept together by month, so that a year is read in a dozen files.

Opening a file of 100 KB costs more than reading it. The copies lie next to the days: the rows of
a month in `<table>/by_month/YYYY-MM.parquet`, with the columns that are wanted and a note of the
size and time of each day's file, and what the footers say in `YYYY-MM.json`. A day that is new,
made again or gone has its month rebuilt; of the last month a few new days may wait for that. All
of it is a copy: whoever deletes it loses nothing.
"""

import itertools
import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import polars as pl

from hf_assets.object_store.commit import ANY
from hf_assets.object_store.errors import ReplacedError
from hf_assets.object_store.listing import stored_days
from hf_assets.object_store.path import LakePath, StorePath
from hf_assets.storage.durable import replacing, write_bytes
from hf_assets.storage.lake import DATA_FILE, Lake
from hf_assets.storage.opened import LakeFile, OpenedFile, open_file, open_files, read_each, scan
from hf_assets.storage.parquet import Table

# New days of the last month that are read one by one: it costs less to read so many than to
# rebuild the month every night.
WAITING = 6
_NOTE = "hf_assets_days"
# Of a day's file: its size and the time it was written, in nanoseconds; on a store, another number.
Mark = tuple[int, int]


def month_of(day: str) -> str:
    """The month of a day: YYYY-MM."""
    return day[:7]


def marks(lake: Lake, asset: str) -> dict[str, Mark]:
    """The stored days, oldest first, each with its mark: another mark, another version."""
    if isinstance(lake.root, StorePath):
        days = stored_days(lake.folder(asset, None), DATA_FILE)
        return {day: facts.mark for day, facts in days.items()}
    # Texts, where a Path for each of a thousand days costs more than the call.
    folder = str(lake.folder(asset, None))
    found = {}
    for day in lake.days(asset):
        try:
            about = os.stat(_file(folder, day))
        except FileNotFoundError:  # it has gone meanwhile
            continue
        found[day] = (about.st_size, about.st_mtime_ns)
    return found


def by_month(
    lake: Lake,
    table: Table,
    days: Mapping[str, Mark],
    columns: Mapping[str, pl.DataType],
    only: Collection[str] | None = None,
) -> list[pl.LazyFrame]:
    """Those columns of those days, unread: in the order of months, and of days in a dimension.

    A column that an old file lacks is null.

    Args:
        lake: the lake.
        table: a table of dimensions, a day a file.
        days: every stored day of it, oldest first, with its mark.
        columns: those wanted, each as what; `dimension` among them.
        only: the months that are wanted; None: all.
    """
    folder = lake.folder(table.name, None)
    months = _by_month(days)
    newest = next(reversed(months), None)
    kept: list[LakeFile] = []
    fresh: list[str] = []
    if only is not None:
        months = {month: of_month for month, of_month in months.items() if month in only}
    paths = [folder / "by_month" / f"{month}.parquet" for month in months]
    copies = read_each(_open_copy, paths, folder)
    for (month, of_month), path, opened in zip(months.items(), paths, copies, strict=True):
        copy, there = _kept(opened, of_month, columns)
        if len(of_month) - there > (WAITING if month == newest else 0):
            frame = _days(folder, of_month, table, columns).sort("dimension", maintain_order=True)
            # The marks are older than the rows: a day that is replaced meanwhile is read again.
            note = {"columns": _kinds(columns), "days": _listed(of_month)}
            copy = _write_copy(path, frame.collect(), note, compression_level=1)
            there = len(of_month)
        if there and copy:
            kept.append(copy)
        fresh += itertools.islice(of_month, there, None)
    # One plan: a dozen cost twice as much.
    plans = [scan(kept)] if kept else []
    return plans + ([_days(folder, fresh, table, columns)] if fresh else [])


def frames_by_month(
    lake: Lake,
    asset: str,
    folder: str,
    schema: Mapping[str, Any],
    read: Callable[[Lake, str], pl.DataFrame | None],
) -> pl.DataFrame:
    """The rows that `read` gives of each stored day, as one frame; copied to a file a month.

    Args:
        lake: the lake.
        asset: a table, a day a file.
        folder: its name, next to the days.
        schema: of the frame.
        read: the rows of a day, or None.
    """
    months, root = _by_month(marks(lake, asset)), lake.folder(asset, None)
    paths = [root / folder / f"{month}.parquet" for month in months]
    opened, copies = read_each(_open_copy, paths, root), []
    for of_month, path, (copy, kept) in zip(months.values(), paths, opened, strict=True):
        note = _listed(of_month)
        if copy is None or kept != note:
            rows = read_each(lambda day: read(lake, day), of_month, root)
            frames = [frame for frame in rows if frame is not None]
            copy = _write_copy(path, pl.concat([pl.DataFrame(schema=schema), *frames]), note)
        copies.append(copy)
    return scan(copies).collect() if copies else pl.DataFrame(schema=schema)


def _kept(
    opened: tuple[LakeFile | None, Any],
    days: Mapping[str, Mark],
    columns: Mapping[str, pl.DataType],
) -> tuple[LakeFile | None, int]:
    """The copy, and how many of those days are kept in it, the first: none if one has changed."""
    copy, note = opened
    kept = note.get("days", [])
    same = note.get("columns") == _kinds(columns) and kept == _listed(days)[: len(kept)]
    return copy, len(kept) if same else 0


def _open_copy(path: LakePath) -> tuple[LakeFile | None, Any]:
    """A copy and its note; None and {} where there is none, or somebody broke it."""
    try:
        copy = open_file(path)
        return copy, copy.footer(_NOTE)
    except (FileNotFoundError, ValueError, pl.exceptions.PolarsError):
        return None, {}


def _write_copy(path: LakePath, rows: pl.DataFrame, note: Any, **options: Any) -> LakeFile:
    """Replace a copy. Returns these rows, also where another process puts its own there next.

    Raises:
        ReplacedError: on a store, where that one's are others.
    """
    with replacing(path, ANY) as new:
        rows.write_parquet(new, metadata={_NOTE: json.dumps(note)}, **options)
        written = OpenedFile(new)
    if isinstance(path, StorePath):
        # The days of a note have marks: an equal note, equal rows.
        copy = open_file(path)
        if copy.footer(_NOTE) != note:
            raise ReplacedError(path)
        return copy
    written.path = path
    return written


def _listed(days: Mapping[str, Mark]) -> list[list[Any]]:
    """Days and marks as JSON gives them back."""
    return [[day, *mark] for day, mark in days.items()]


def _kinds(columns: Mapping[str, pl.DataType]) -> dict[str, str]:
    return {name: str(kind) for name, kind in columns.items()}


def _days(
    folder: LakePath, days: Iterable[str], table: Table, columns: Mapping[str, pl.DataType]
) -> pl.LazyFrame:
    on_store = isinstance(folder, StorePath)
    paths = [folder / _file("", day) if on_store else _file(str(folder), day) for day in days]
    return scan(
        open_files(paths),
        schema=table.schema,
        missing_columns="insert",
        extra_columns="ignore",
    ).select(pl.col(name).cast(kind) for name, kind in columns.items())


def notes_by_month(lake: Lake, asset: str) -> dict[str, dict[str, Any]]:
    """`Lake.notes` of each stored day, oldest first."""
    return kept_by_month(lake, asset, "by_month", lambda lake, day: lake.notes(asset, day))


def kept_by_month(
    lake: Lake, asset: str, folder: str, read: Callable[[Lake, str], dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """What `read` gives of each stored day, oldest first; copied to a file a month.

    Args:
        lake: the lake.
        asset: a table, a day a file.
        folder: its name, next to the days.
        read: of one day; JSON, and of its file alone.
    """
    every: dict[str, dict[str, Any]] = {}
    months, root = _by_month(marks(lake, asset)), lake.folder(asset, None)
    paths = [root / folder / f"{month}.json" for month in months]
    copies = read_each(_kept_notes, paths, root)
    for of_month, path, kept in zip(months.values(), paths, copies, strict=True):
        current = {
            day: kept[day][1]
            for day, mark in of_month.items()
            if day in kept and tuple(kept[day][0]) == mark
        }
        if missing := [day for day in of_month if day not in current]:
            new = read_each(lambda day: read(lake, day), missing, root)
            current |= dict(zip(missing, new, strict=True))
            copy = {day: (mark, current[day]) for day, mark in of_month.items()}
            write_bytes(path, json.dumps(copy).encode(), ANY)
        every |= current
    return every


def _kept_notes(path: LakePath) -> dict[str, Any]:
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):  # a copy that somebody broke is rebuilt
        return {}


def _by_month(days: Mapping[str, Mark]) -> dict[str, dict[str, Mark]]:
    months = itertools.groupby(days.items(), key=lambda item: month_of(item[0]))
    return {month: dict(of_month) for month, of_month in months}


def _file(folder: str, day: str) -> str:
    return f"{folder}/day={day}/{DATA_FILE}"
