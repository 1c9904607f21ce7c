"""Schemas of the series of every repository: a row a repository and month.

A counter of a month is its value on the first day it was there for (`downloads`), the days on which
it changed (`downloads_changed`, a bit a day) and by how much (`downloads_steps`, in their order).
Where nothing happens, nothing is stored; and each month can be read without any other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from hf_assets.hub.tables import schemas as tables
from hf_assets.storage.parquet import Column, Table

# Rows of a row group: one repository is found by the statistics of groups.
ROW_GROUP = 1 << 13
# Bits 0 to 30: the days of a month.
DAYS = 31

EARLIER_IDS = pl.List(pl.Struct({"until": pl.Int32, "id": pl.String}))
# What begins the identity of a repository whose source gives none.
NAMED = "name:"
# The note of a day's table without rows: the series that has them.
ROWS_IN = "rows_in"
# A counter of whole numbers has steps. A score has its new values: a sum would lose digits.
STEPS, VALUES = "steps", "values"


@dataclass(frozen=True)
class Counter:
    """A number of a repository that changes from day to day, as a month stores it."""

    name: str
    dtype: type[pl.DataType] = pl.Int64

    @property
    def steps(self) -> bool:
        """Whether changes are stored as steps, not as new values."""
        return self.dtype == pl.Int64

    @property
    def known(self) -> str:
        """The column of the days on which it is not null; null: on each listed day."""
        return f"{self.name}_known"

    @property
    def changed(self) -> str:
        """The column of the days on which it differs from the day before that it is known for."""
        return f"{self.name}_changed"

    @property
    def changes(self) -> str:
        """The column of its steps, or new values."""
        return f"{self.name}_{STEPS if self.steps else VALUES}"

    @property
    def stored(self) -> tuple[str, str, str, str]:
        """The names of its columns."""
        return self.name, self.known, self.changed, self.changes

    def columns(self, meaning: str) -> Iterator[tuple[str, Column]]:
        """Its columns in a month's table."""
        first = Column(self.dtype, f"{meaning} On the month's first day with a value.")
        yield self.name, first
        yield (
            self.known,
            Column(pl.Int32, "Days on which it is known; null: on each listed day. Bits as above."),
        )
        yield self.changed, Column(pl.Int32, "Days on which it differs from the known day before.")
        what = (
            "By how much, in the order of days: 2 s where it rose by s, 2 s - 1 where it fell by s."
        )
        if not self.steps:
            what = "Its values there, in the order of days."
        yield self.changes, Column(pl.List(self.dtype), what)


@dataclass(frozen=True)
class Kind:
    """A kind of repository: its series, and the table of a day that the series is made of."""

    table: Table
    source: Table
    counters: tuple[Counter, ...]
    # The column of `day_quality` that trusts a day of it.
    trusted: str

    @property
    def kept(self) -> tuple[str, ...]:
        """The columns of a day's table that the series gives back."""
        return ("hub_id", "id", *(counter.name for counter in self.counters))


def _kind(name: str, source: Table, trusted: str, what: str) -> Kind:
    names = ("downloads", "downloads_all_time", "likes", "trending_score")
    counters = tuple(
        Counter(name, pl.Float64 if source.columns[name].dtype == pl.Float64 else pl.Int64)
        for name in names
        if name in source.columns
    )
    columns = {
        "first_day": Column(pl.Date, "First day of the month."),
        "hub_id": Column(
            pl.String, f"The Hub's own identity of the {what}; `name:` and its name without one."
        ),
        "id": Column(pl.String, "author/name, as of the last day in the month that lists it."),
        "earlier_ids": Column(
            EARLIER_IDS,
            "Other names it had within the month: each `until` the day of the month from which it "
            "had the next.",
        ),
        "stored": Column(
            pl.Int32, "Days that the month has: bit 0 is the first, bit 30 the 31st. In each row."
        ),
        "trusted": Column(pl.Int32, "Those that `day_quality` trusts. In each row."),
        "listed": Column(pl.Int32, "Those that list the repository."),
    }
    for counter in counters:
        columns |= dict(counter.columns(source.columns[counter.name].description))
    table = Table(
        name=name,
        required=("first_day", "hub_id", "id", "stored", "trusted", "listed"),
        encodings={"hub_id": "DELTA_BYTE_ARRAY", "id": "DELTA_LENGTH_BYTE_ARRAY"},
        # Level 3 takes a third more time, and saves nothing of identities, a twentieth of names.
        zstd_level=1,
        columns=columns,
        row_group=ROW_GROUP,
    )
    return Kind(table, source, counters, trusted)


OF_MODELS = _kind("model_days", tables.MODELS, "trusted", "model")
OF_DATASETS = _kind("dataset_days", tables.HUB_DATASETS, "datasets_trusted", "dataset")
OF_SPACES = _kind("space_days", tables.ENRICHED_SPACES, "trusted", "Space")
MODEL_DAYS, DATASET_DAYS, SPACE_DAYS = OF_MODELS.table, OF_DATASETS.table, OF_SPACES.table
KINDS: Mapping[str, Kind] = {kind.table.name: kind for kind in (OF_MODELS, OF_DATASETS, OF_SPACES)}
# By the name of the table of a day.
KIND_OF: Mapping[str, Kind] = {kind.source.name: kind for kind in KINDS.values()}
