"""The series of every repository, read: rows a day, one repository, one day given back."""

from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa

from hf_assets.hub.repository_days.building import reading, row_groups
from hf_assets.hub.repository_days.expanding import columns_of, day_schema, expanded, of_day
from hf_assets.hub.repository_days.facts import DayFacts, days_of
from hf_assets.hub.repository_days.groups import row_of
from hf_assets.hub.repository_days.layout import empty
from hf_assets.hub.repository_days.schemas import KINDS, Kind
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, iso
from hf_assets.storage.month_files import month_of_file
from hf_assets.storage.months import month_of
from hf_assets.storage.opened import LakeFile, open_files, read_each


def days_in(lake: Lake, table: str) -> dict[str, DayFacts]:
    """The days of a series, oldest first; none where it was never materialised."""
    try:
        return _days(lake.read(table, None))
    except MissingDay:
        return {}


def expand(frame: pl.LazyFrame, traits: Sequence[str] = ()) -> pl.LazyFrame:
    """Rows of months as rows of days.

    Choose rows before: a month of 2.5 M models has 75 M days.

    Args:
        frame: rows of `model_days`, `dataset_days` or `space_days`.
        traits: those wanted, such as `category`.

    Returns:
        A row a repository and day on which it was listed: hub_id, id, day, trusted, those
        traits and the counters; a counter that the day did not give is null.
    """
    return _expanded(frame, _kind_of(frame), traits)


def _expanded(frame: pl.LazyFrame, kind: Kind, traits: Sequence[str]) -> pl.LazyFrame:
    return frame.map_batches(
        lambda rows: expanded(rows, kind, traits),
        schema=day_schema(kind, traits),
        predicate_pushdown=False,
        projection_pushdown=False,
        slice_pushdown=False,
    )


def history_of(lake: Lake, table: str, hub_id: str, traits: Sequence[str] = ()) -> pl.DataFrame:
    """The days of one repository, oldest first; without rows where it is unknown.

    Reads, of each month, the row group that may hold it.

    Args:
        lake: the lake.
        table: `model_days`, `dataset_days` or `space_days`.
        hub_id: of the repository; without one `name:` and its name.
        traits: those wanted, such as `category`.

    Raises:
        MissingDay: the series was never materialised.
    """
    stored, kind = lake.read(table, None), KINDS[table]
    files = stored.month_files if stored.months else []
    wanted = ["id", *traits, *(counter.name for counter in kind.counters)]
    columns = ["first_day", "trusted", *columns_of(kind, wanted)]

    def read(file: LakeFile) -> pa.Table | None:
        with reading(file):
            return row_of(file, hub_id, columns)

    found = (
        [row for row in read_each(read, files, files[0].path) if row is not None] if files else []
    )
    return expanded(_as_frame(found, kind, columns), kind, traits)


def _as_frame(rows: Sequence[pa.Table], kind: Kind, columns: Sequence[str]) -> pl.DataFrame:
    """The rows together: to make a frame of each takes polars a millisecond."""
    if not rows:
        return empty(kind)
    frame = pl.from_arrow(pa.concat_tables(rows, promote_options="permissive"))
    assert isinstance(frame, pl.DataFrame)
    if {*columns} <= {*frame.columns}:
        return frame
    # Months of an earlier version, all of which lack a column.
    return pl.concat([empty(kind), frame], how="diagonal")


def day_of(
    lake: Lake, table: str, day: str, columns: Sequence[str] | None = None
) -> pl.DataFrame | None:
    """A day given back: `hub_id` and the counters, or other columns, in the order of `hub_id`.

    None where the series has no such day.

    Args:
        lake: the lake.
        table: `model_days`, `dataset_days` or `space_days`.
        day: YYYY-MM-DD.
        columns: those wanted beside `hub_id`: `id` (its name then), traits, counters; None: the
            counters.
    """
    file = month_file(lake, table, day)
    if file is None:
        return None
    kind = KINDS[table]
    wanted = [counter.name for counter in kind.counters] if columns is None else list(columns)
    empty = pl.DataFrame(schema=kind.source.schema).select("hub_id", *wanted)
    return pl.concat([empty, *parts_of_day(file, kind, day, wanted)])


def parts_of_day(
    file: LakeFile, kind: Kind, day: str, columns: Sequence[str]
) -> Iterator[pl.DataFrame]:
    """The rows of `day_of`, some at a time.

    Args:
        file: of the day's month, which has the day.
        kind: of repository.
        day: YYYY-MM-DD.
        columns: those wanted beside `hub_id`.
    """
    bit, stored = iso(day).day - 1, columns_of(kind, columns)
    for rows in row_groups(file, stored):
        yield of_day(rows, bit, kind, columns)


def month_file(lake: Lake, table: str, day: str) -> LakeFile | None:
    """The file of a day's month, where that day is in it. MissingDay: it is damaged."""
    try:
        stored = lake.read(table, None)
    except MissingDay:
        return None
    of_month = [path for path in stored.months if month_of_file(path) == month_of(day)]
    for file in open_files(of_month):
        with reading(file):
            days = days_of(file.footer()["notes"])
        if day in days:
            return file
    return None


def _days(stored: StoredTable) -> dict[str, DayFacts]:
    found: dict[str, DayFacts] = {}
    for file in stored.month_files if stored.months else ():
        found |= days_of(file.footer()["notes"])
    return found


def _kind_of(frame: pl.LazyFrame) -> Kind:
    columns = set(frame.collect_schema().names())
    for kind in KINDS.values():
        if kind.table.columns.keys() <= columns:
            return kind
    for kind in KINDS.values():  # months of an earlier version, without traits
        if {*columns_of(kind, ["id", *(one.name for one in kind.counters)])} <= columns:
            return kind
    raise ValueError(
        "these are no rows of model_days, dataset_days or space_days: some of their columns are "
        "missing"
    )
