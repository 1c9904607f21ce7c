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

# Rows of a row group: one repository is found by the statistics of groups. Of a million rows and
# more, twice as many: to read which groups there are takes longer than to read one.
ROW_GROUP, LARGE = 1 << 13, 1_000_000
# Bits 0 to 30: the days of a month.
DAYS = 31

EARLIER_IDS = pl.List(pl.Struct({"until": pl.Int32, "id": pl.String}))
# What begins the identity of a repository whose source gives none.
NAMED = "name:"
# The note of an emptied day that has the digest of its rows: another version of them, from an older
# backup, is noticed.
ROWS_DIGEST = "rows_digest"
# Hub identities begin with the second of their creation, so that nothing is left to store: 0.
CREATED, CREATED_AFTER = "created_at", "created_after"
EARLIER_TRAITS = "earlier_traits"
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
    """A kind of repository: its series, and the table of a day that the series is made of.

    `traits` are columns of that table that seldom change.
    """

    table: Table
    source: Table
    counters: tuple[Counter, ...]
    traits: tuple[str, ...]
    # The column of `day_quality` that trusts a day of it.
    trusted: str

    @property
    def kept(self) -> tuple[str, ...]:
        """The columns of a day's table that the series gives back."""
        return ("hub_id", "id", *self.traits, *(counter.name for counter in self.counters))

    @property
    def traits_stored(self) -> tuple[str, ...]:
        """The columns of a month that have the traits."""
        return tuple(stored_as(name) for name in self.traits)


def stored_as(trait: str) -> str:
    """The column of a month that has that trait."""
    return CREATED_AFTER if trait == CREATED else trait


def _traits(source: Table, names: tuple[str, ...]) -> dict[str, Column]:
    """The columns of traits in a month's table."""
    columns = {
        name: Column(
            source.columns[name].dtype,
            f"{source.columns[name].description} As of the last day in the month that lists it.",
        )
        for name in names
    }
    if CREATED in columns:
        meaning = "From the second that hub_id begins with (its first 8 hex digits; 0 where they "
        meaning += "are none) to created_at, ms. As of that day."
        after = Column(pl.Int64, meaning)
        columns = {
            stored_as(name): after if name == CREATED else one for name, one in columns.items()
        }
    fields = {name: column.dtype for name, column in columns.items()}
    earlier = "Other values that these had within the month, all together: each `until` the day of "
    earlier += "the month from which it had the next."
    dtype = pl.List(pl.Struct({"until": pl.Int32, **fields}))
    return {**columns, EARLIER_TRAITS: Column(dtype, earlier)}


def _kind(name: str, source: Table, trusted: str, what: str, traits: tuple[str, ...]) -> Kind:
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
    columns |= _traits(source, traits)
    table = Table(
        name=name,
        required=("first_day", "hub_id", "id", "stored", "trusted", "listed"),
        encodings={"hub_id": "DELTA_BYTE_ARRAY", "id": "DELTA_LENGTH_BYTE_ARRAY"},
        # Level 3 takes a third more time, and saves nothing of identities, a twentieth of names.
        zstd_level=1,
        columns=columns,
        row_group=ROW_GROUP,
        bounds=("first_day", "hub_id", "id"),
    )
    return Kind(table, source, counters, traits, trusted)


_BOTH = ("created_at", "floor_dated", "gated", "private")
OF_MODELS = _kind("model_days", tables.MODELS, "trusted", "model", ("category", *_BOTH))
OF_DATASETS = _kind(
    "dataset_days",
    tables.HUB_DATASETS,
    "datasets_trusted",
    "dataset",
    ("task_categories", "size_category", *_BOTH),
)
OF_SPACES = _kind(
    "space_days", tables.ENRICHED_SPACES, "trusted", "Space", ("private", "sdk", "n_models")
)
MODEL_DAYS, DATASET_DAYS, SPACE_DAYS = OF_MODELS.table, OF_DATASETS.table, OF_SPACES.table
KINDS: Mapping[str, Kind] = {kind.table.name: kind for kind in (OF_MODELS, OF_DATASETS, OF_SPACES)}
# By the name of the table of a day.
KIND_OF: Mapping[str, Kind] = {kind.source.name: kind for kind in KINDS.values()}
