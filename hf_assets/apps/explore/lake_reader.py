"""Queries of the pages over the lake, read lazily: memory holds the rows that are shown.

Each answer is of one asset and one day, so that a number can be traced.
"""

from datetime import date
from typing import Any, Literal

import polars as pl

from hf_assets.apps.explore.model_past import every_day, history
from hf_assets.apps.index.answers import TOTALS, DayIndex
from hf_assets.apps.index.indexes import Indexes
from hf_assets.apps.index.old_days import OldDays
from hf_assets.apps.index.query import LISTED, NONE_GIVEN, ModelQuery, Page
from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.object_store.path import LakePath
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, iso
from hf_assets.storage.opened import read_row
from hf_assets.trends.metrics.languages import LANGUAGES
from hf_assets.trends.spikes import spikes

# Rows of a list on a page; the download has all of them.
SHOWN = 200
# Options of a filter at most; any other value may be typed.
OPTIONS = 300
# Lists of so many models are counted without an index.
CHEAP_LISTS = 100_000
# Filters whose options come from the models, and not from the day's metrics.
_COUNTED = ("gated", "tag", "language", "base_model", "relation")
# A page may read this many rows over all stored days without asking first.
CHEAP_ROWS = 20_000_000
_SPACES = ("id", "sdk", "stage", "hardware", "likes", "n_models", "n_datasets", "created_at")


class LakeReader:
    """Reads the Hub's tables of a lake.

    Args:
        root: of the lake.
        indexes: what answers about the models of a day, once it is made; the answers are the same
            without.
    """

    def __init__(self, root: LakePath, indexes: Indexes | None = None) -> None:
        self.lake, self._indexes = Lake(root), indexes
        self._days = OldDays(self.lake)

    # --- days ------------------------------------------------------------------------------------

    def days(self) -> list[str]:
        """Days that have models, newest first."""
        return self.lake.days("models")[::-1]

    def newest(self) -> str | None:
        """The newest trusted day, else the newest day; None in an empty lake."""
        days, flags = self.days(), self.flags()
        return next((day for day in days if not flags.get(day)), days[0] if days else None)

    def quality(self) -> pl.DataFrame:
        """`day_quality`, newest first; empty where it is not stored."""
        found = self.series("day_quality")
        frame = pl.DataFrame(schema=DAY_QUALITY.schema) if found is None else found.collect()
        return frame.sort("day", descending=True)

    def flags(self) -> dict[str, list[str]]:
        """The flags of each day that is not trusted."""
        untrusted = self.quality().filter(~pl.col("trusted")).select("day", "flags")
        return {day.isoformat(): flags or [] for day, flags in untrusted.iter_rows()}

    # --- tables ----------------------------------------------------------------------------------

    def table(self, asset: str, day: str) -> StoredTable | None:
        """A day of a table, unread; None where it is not stored."""
        try:
            return self._days.read(asset, day)
        except (MissingDay, ValueError):
            return None

    def over_all_days(self, name: str) -> StoredTable | None:
        """A table over all days, unread; None where it is not stored."""
        try:
            return self.lake.read(name, None)
        except MissingDay:
            return None

    def series(self, name: str) -> pl.LazyFrame | None:
        """The rows of a table over all days; None where it is not stored."""
        stored = self.over_all_days(name)
        return stored.frame if stored else None

    def movers(self, day: str, floor: int) -> dict[str, pl.DataFrame]:
        """The models that rose and fell in seven days, and those that rose by one day of them.

        Args:
            day: the partition key.
            floor: downloads that a model has at least.
        """
        found = self.series("model_history")
        if found is None:
            return {}
        growth = pl.col("growth_7")
        of_day = found.filter(pl.col("day") == iso(day), pl.col("downloads") >= floor)
        moved = of_day.filter(growth.is_finite()).sort("growth_7", "hub_id").collect()
        rose = moved.filter(growth > 0).reverse()
        spike = pl.col("hub_id").is_in(spikes(found, iso(day))["hub_id"].implode())
        return {
            "Rising": rose.filter(~spike),
            "Falling": moved.filter(growth < 0),
            "One-day spikes": rose.filter(spike),
        }

    def metrics(self, day: str, dimension: str) -> pl.DataFrame:
        """The rows of a dimension of that day's `daily_metrics`; none where it is not stored."""
        stored = self.table("daily_metrics", day)
        if stored is None:
            return pl.DataFrame()
        return stored.frame.filter(pl.col("dimension") == dimension).collect()

    def choices(self, day: str, dimension: str) -> list[str]:
        """Options of a filter: the values of that day, most models first.

        Args:
            day: the partition key.
            dimension: category, library, license, author, gated, tag, language, base_model or
                relation. Of a large day, tags and base models are known once its index is made.
        """
        if dimension in _COUNTED:
            return self._values(day, dimension)
        found = self.metrics(day, dimension)
        if found.is_empty():
            return []
        ranked = found.filter(pl.col("rank").is_not_null()).sort("rows", descending=True)
        return [NONE_GIVEN if key is None else key for key in ranked["key"]]

    def _values(self, day: str, dimension: str) -> list[str]:
        stored = self.table("models", day)
        if stored is None:
            return []
        field = "tag" if dimension == "language" else dimension
        most = OPTIONS if field == dimension else stored.rows
        if index := self._index(stored):
            if dimension == "language":
                return index.values_of(field, LANGUAGES)
            values = index.values(field, most)
        elif field == "gated" or stored.rows < CHEAP_LISTS:
            values = _counted_values(stored.frame, field, most)
        else:
            return list(LANGUAGES) if dimension == "language" else []
        if dimension == "language":
            known = set(LANGUAGES)
            return [value for value in values if value in known]
        return [NONE_GIVEN if value is None else value for value in values]

    # --- models ----------------------------------------------------------------------------------

    def _index(self, stored: StoredTable) -> DayIndex | None:
        return self._indexes.of(self.lake, stored) if self._indexes else None

    def prepare(self, day: str) -> None:
        """Begin to make the day's index, if there is none."""
        if stored := self.table("models", day):
            self._index(stored)

    def index_share(self, day: str) -> float | None:
        """How much of the day's index is made, 0 to 1; None where none is being made."""
        stored = self.table("models", day)
        return self._indexes.share(stored) if self._indexes and stored else None

    def models(self, day: str, query: ModelQuery, first: int = SHOWN) -> Page:
        """The matching models in the query's order, and their number."""
        stored = self.table("models", day)
        if stored is None:
            return Page(pl.DataFrame(), 0)
        if index := self._index(stored):
            return index.page(query, first)
        matching = stored.frame.filter(query.wanted)
        count = matching.select(pl.len())
        best = query.ordered(matching.select(LISTED))
        total, rows = pl.collect_all([count, best.head(first)], engine="streaming")
        return Page(rows, total.item())

    def model(self, day: str, name: str) -> dict[str, Any] | None:
        """The row of that model on that day, or None."""
        stored = self.table("models", day)
        if stored is None:
            return None
        if index := self._index(stored):
            at = index.position(name)
            return None if at is None else read_row(stored.file, at).row(0, named=True)
        found = stored.frame.filter(pl.col("id") == name).head(1).collect()
        return found.row(0, named=True) if found.height else None

    def totals(self, day: str, query: ModelQuery) -> dict[str, Any] | None:
        """Of the matching models: models, downloads, downloads_all_time, likes, first_created,
        last_created; None where the day is not stored."""
        stored = self.table("models", day)
        if stored is None:
            return None
        if index := self._index(stored):
            return index.sums(query)
        return stored.frame.filter(query.wanted).select(**TOTALS).collect().row(0, named=True)

    def rank_in_category(self, day: str, model: dict[str, Any]) -> tuple[int, int] | None:
        """A model's rank by downloads in its category, and the number of models there."""
        stored, category = self.table("models", day), model["category"]
        if stored is None or category is None or model["downloads"] is None:
            return None
        if index := self._index(stored):
            return index.rank(category, model["downloads"])
        there = stored.frame.filter(pl.col("category") == category)
        rank, size = (
            there.select((pl.col("downloads") > model["downloads"]).sum() + 1, pl.len())
            .collect()
            .row(0)
        )
        return rank, size

    def history(self, model: dict[str, Any]) -> pl.DataFrame:
        """A model's days; see `model_past.history`."""
        return history(self.lake, model)

    def phase(self, model: dict[str, Any]) -> dict[str, Any] | None:
        """A model's row of `model_phases`, or None."""
        found = self.series("model_phases")
        if found is None:
            return None
        rows = found.filter(pl.col("hub_id") == model["hub_id"]).head(1).collect()
        return rows.row(0, named=True) if rows.height else None

    def listed_between(self, name: str) -> tuple[date, date] | None:
        """The first and the last day that list a model of that name, its last one, or None."""
        found = self.series("model_phases")
        if found is None:
            return None
        days = found.filter(pl.col("id") == name).select("first_day", "last_day")
        # A name may have gone to another model since.
        rows = days.drop_nulls().sort("last_day").tail(1).collect()
        return rows.row(0) if rows.height else None

    def rows_of_all_days(self) -> int:
        """Number of rows of `models` over all stored days."""
        return sum(self.lake.read("models", day).rows for day in self.days())

    def every_day(self, model: dict[str, Any]) -> pl.DataFrame:
        """A model's counters on every stored day; see `model_past.every_day`."""
        return every_day(self.lake, model)

    def spaces_using(self, day: str, name: str, first: int = SHOWN) -> Page:
        """The Spaces that use a model, most liked first."""
        stored = self.table("enriched_spaces", day)
        if stored is None:
            return Page(pl.DataFrame(), 0)
        naming = stored.frame.filter(pl.col("models").list.contains(name))
        return _most_liked(naming, _SPACES, first)

    def derivatives(self, day: str, name: str, first: int = SHOWN) -> Page:
        """The models derived from a model, most downloads first, with their relation."""
        stored = self.table("models", day)
        if stored is None:
            return Page(pl.DataFrame(), 0)
        if index := self._index(stored):
            return index.derivatives(name, first)
        ids = pl.col("base_models").list.eval(pl.element().struct.field("id"))
        made = (
            stored.frame.select("id", "downloads", "likes", "license", "base_models")
            .filter(pl.col("base_models").list.len() > 0)
            .filter(ids.list.contains(name))
            .select(
                *("id", "downloads", "likes", "license"),
                relation=pl.col("base_models")
                .list.eval(
                    pl.element()
                    .filter(pl.element().struct.field("id") == name)
                    .struct.field("relation")
                )
                .list.first(),
            )
        )
        best = made.sort("downloads", "id", descending=[True, False], nulls_last=True)
        total, rows = pl.collect_all([made.select(pl.len()), best.head(first)], engine="streaming")
        return Page(rows, total.item())

    # --- Spaces ----------------------------------------------------------------------------------

    def spaces(
        self, day: str, search: str = "", sdk: str | None = None, first: int = SHOWN
    ) -> Page:
        """Spaces by name and sdk, most liked first."""
        stored = self.table("enriched_spaces", day)
        if stored is None:
            return Page(pl.DataFrame(), 0)
        wanted = ModelQuery(search).wanted
        if sdk is not None:
            wanted &= pl.col("sdk").is_null() if sdk == NONE_GIVEN else pl.col("sdk") == sdk
        return _most_liked(stored.frame.filter(wanted), _SPACES, first)

    def counted(self, day: str, column: Literal["sdk", "stage", "hardware"]) -> pl.DataFrame:
        """Number of Spaces by the values of a column: key, spaces; highest first."""
        stored = self.table("enriched_spaces", day)
        if stored is None or not stored.rows:
            return pl.DataFrame()
        grouped = stored.frame.group_by(key=pl.col(column).fill_null(NONE_GIVEN)).agg(
            spaces=pl.len()
        )
        return grouped.sort("spaces", "key", descending=[True, False]).collect()

    def most_used(self, day: str, first: int = SHOWN) -> pl.DataFrame:
        """Models by the Spaces that use them: id, category, spaces, authors, likes, known."""
        stored = self.table("model_usage", day)
        if stored is None:
            return pl.DataFrame()
        wanted = ("id", "category", "spaces", "authors", "likes", "known")
        ranked = stored.frame.select(wanted).sort("spaces", "id", descending=[True, False])
        return ranked.head(first).collect()


def _counted_values(frame: pl.LazyFrame, field: str, most: int) -> list[str | None]:
    """The values of a field of models, most models first, as an index has them."""
    values = {
        "tag": pl.col("tags").list.unique(),
        "base_model": pl.col("base_models").list.eval(pl.element().struct.field("id").unique()),
        "relation": pl.col("base_models").list.eval(pl.element().struct.field("relation").unique()),
    }
    shown = frame.select(value=values.get(field, pl.col(field)))
    if field == "relation":  # no base is no relation that is unknown
        shown = shown.filter(pl.col("value").list.len() > 0)
    if field in values:
        shown = shown.explode("value", empty_as_null=True)
    counts = shown.group_by("value").len()
    counts = counts.sort("len", "value", descending=[True, False], nulls_last=True)
    return counts.head(most).collect()["value"].to_list()


def _most_liked(frame: pl.LazyFrame, columns: tuple[str, ...], first: int) -> Page:
    best = frame.select(columns).sort("likes", "id", descending=[True, False], nulls_last=True)
    total, rows = pl.collect_all([frame.select(pl.len()), best.head(first)], engine="streaming")
    return Page(rows, total.item())
