"""A month written again with further days, a range of identities at a time."""

import datetime
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager

import polars as pl
import pyarrow.parquet as pq

from hf_assets.hub.repository_days.layout import empty, joined
from hf_assets.hub.repository_days.schemas import LARGE, ROW_GROUP, Kind
from hf_assets.hub.repository_days.sources import DayRows
from hf_assets.hub.repository_days.traits import with_traits_stored
from hf_assets.object_store.errors import ReplacedError, StoreError
from hf_assets.storage.lake import MissingDay
from hf_assets.storage.opened import LakeFile

# Rows of the month that are in memory at a time, in whole row groups.
AT_ONCE = 4 * ROW_GROUP


def extended(
    month: LakeFile | None,
    days: Sequence[tuple[datetime.date, DayRows]],
    kind: Kind,
    trusted: Mapping[datetime.date, bool],
) -> Iterator[pl.DataFrame]:
    """The rows of a month with further days, `hub_id` ascending, a row group at a time.

    Args:
        month: its file; None where it has no day yet.
        days: later than those in it, oldest first, each with its rows, of which none was read.
        kind: of repository.
        trusted: every day of the month, and whether it is trusted.
    """
    same = [
        pl.lit(min(trusted).replace(day=1)).alias("first_day"),
        pl.lit(sum(_bit(day) for day in trusted), pl.Int32).alias("stored"),
        pl.lit(sum(_bit(day) for day, fits in trusted.items() if fits), pl.Int32).alias("trusted"),
    ]
    size = _row_group(month)
    waiting: list[pl.DataFrame] = []
    count = 0
    for rows in _ranges(month, days, kind):
        waiting.append(rows.with_columns(same))
        count += rows.height
        if count >= size:
            gathered = pl.concat(waiting, rechunk=False)
            full = count - count % size
            yield from gathered.head(full).iter_slices(size)
            waiting, count = [gathered.tail(count - full)], count - full
    yield from waiting


def _row_group(month: LakeFile | None) -> int:
    """Rows of a row group of a month that is written again."""
    if month is None:
        return ROW_GROUP
    with reading(month):
        about = month.arrow().metadata
    return 2 * ROW_GROUP if about.num_rows >= LARGE else ROW_GROUP


def _bit(day: datetime.date) -> int:
    return 1 << (day.day - 1)


def _ranges(
    month: LakeFile | None, days: Sequence[tuple[datetime.date, DayRows]], kind: Kind
) -> Iterator[pl.DataFrame]:
    """The joined rows of one range of identities after the other."""
    for joint, last in _parts(month, days, kind):
        for day, of_day in days:
            joint = joined(joint, day, with_traits_stored(of_day.until(last)), kind)
        yield joint


def _parts(
    month: LakeFile | None, days: Sequence[tuple[datetime.date, DayRows]], kind: Kind
) -> Iterator[tuple[pl.DataFrame, str | None]]:
    """Rows of the month, a few row groups at a time, and the last identity of the range."""
    if month is None:
        while last := days[0][1].ahead(AT_ONCE):
            yield empty(kind), last
        yield empty(kind), None
        return
    coming = row_groups(month)
    rows = next(coming)
    for following in coming:
        yield rows, rows["hub_id"][-1]
        rows = following
    yield rows, None


def row_groups(file: LakeFile, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    """The rows of a month, some row groups at a time; at least one frame.

    Args:
        file: of the month.
        columns: those wanted; None: all.
    """
    with reading(file):
        opened = file.arrow()
    with opened:
        for groups in _gathered(opened.metadata):
            with reading(file):
                rows = pl.from_arrow(opened.read_row_groups(groups, columns, use_threads=False))
            assert isinstance(rows, pl.DataFrame)
            yield rows


def _gathered(about: pq.FileMetaData) -> Iterator[list[int]]:
    """Neighbouring row groups of about `AT_ONCE` rows together; at least one list."""
    groups, rows = list[int](), 0
    for group in range(about.num_row_groups):
        groups.append(group)
        rows += about.row_group(group).num_rows
        if rows >= AT_ONCE:
            yield groups
            groups, rows = [], 0
    if groups or not about.num_row_groups:
        yield groups


@contextmanager
def reading(file: LakeFile) -> Generator[None]:
    """The block reads a month.

    Raises:
        MissingDay: the file is damaged.
    """
    try:
        yield
    except (StoreError, ReplacedError):
        raise
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise MissingDay(
            f"{file.path} is damaged ({error}): restore it from a backup, or rebuild all months "
            "where the tables of its days have their rows"
        ) from error
