"""Queries of the pages over the lake, read lazily: memory holds the rows that are shown.

Each answer is of one asset and one day, so that a number can be traced.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

import polars as pl

from hf_assets.apps.index.query import LISTED, NONE_GIVEN, ModelQuery
from hf_assets.csv_cells import inert_cells
from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.object_store.path import LakePath
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, iso
from hf_assets.trends.spikes import spikes

# Rows of a list on a page; the download has all of them.
SHOWN = 200
# A page may read this many rows over all stored days without asking first.
CHEAP_ROWS = 20_000_000
_SPACES = ("id", "sdk", "stage", "hardware", "likes", "n_models", "n_datasets", "created_at")


@dataclass(frozen=True)
class Page:
    """The first rows of a result, and the number of all rows."""

    rows: pl.DataFrame
    total: int


class LakeReader:
    """Reads the Hub's tables of a lake."""

    def __init__(self, root: LakePath) -> None:
        self.lake = Lake(root)

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
            return self.lake.read(asset, day)
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
        """Options of a filter: the keys of that day, most models first."""
        found = self.metrics(day, dimension)
        if found.is_empty():
            return []
        ranked = found.filter(pl.col("rank").is_not_null()).sort("rows", descending=True)
        return [NONE_GIVEN if key is None else key for key in ranked["key"]]

    # --- models ----------------------------------------------------------------------------------

    def models(self, day: str, query: ModelQuery, first: int = SHOWN) -> Page:
        """The matching models in the query's order, and their number."""
        stored = self.table("models", day)
        if stored is None:
            return Page(pl.DataFrame(), 0)
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
        found = stored.frame.filter(pl.col("id") == name).head(1).collect()
        return found.row(0, named=True) if found.height else None

    def rank_in_category(self, day: str, model: dict[str, Any]) -> tuple[int, int] | None:
        """A model's rank by downloads in its category, and the number of models there."""
        stored, category = self.table("models", day), model["category"]
        if stored is None or category is None or model["downloads"] is None:
            return None
        there = stored.frame.filter(pl.col("category") == category)
        rank, size = (
            there.select((pl.col("downloads") > model["downloads"]).sum() + 1, pl.len())
            .collect()
            .row(0)
        )
        return rank, size

    def history(self, model: dict[str, Any]) -> pl.DataFrame:
        """A model's days in `model_history`; empty where it never was in a day's top 1,000."""
        found = self.series("model_history")
        if found is None:
            return pl.DataFrame()
        return found.filter(pl.col("hub_id") == model["hub_id"]).sort("day").collect()

    def phase(self, model: dict[str, Any]) -> dict[str, Any] | None:
        """A model's row of `model_phases`, or None."""
        found = self.series("model_phases")
        if found is None:
            return None
        rows = found.filter(pl.col("hub_id") == model["hub_id"]).head(1).collect()
        return rows.row(0, named=True) if rows.height else None

    def rows_of_all_days(self) -> int:
        """Number of rows of `models` over all stored days."""
        return sum(self.lake.read("models", day).rows for day in self.days())

    def every_day(self, model: dict[str, Any]) -> pl.DataFrame:
        """A model's counters on every stored day, read file by file: day, downloads, likes, …"""
        wanted = ("day", "id", "downloads", "downloads_all_time", "likes")
        found = [
            self.lake.read("models", day)
            .frame.filter(pl.col("hub_id") == model["hub_id"])
            .select(wanted)
            .collect()
            for day in reversed(self.days())
        ]
        return pl.concat(found) if found else pl.DataFrame()

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


def _most_liked(frame: pl.LazyFrame, columns: tuple[str, ...], first: int) -> Page:
    best = frame.select(columns).sort("likes", "id", descending=[True, False], nulls_last=True)
    total, rows = pl.collect_all([frame.select(pl.len()), best.head(first)], engine="streaming")
    return Page(rows, total.item())


def as_file(frame: pl.LazyFrame, kind: Literal["csv", "parquet"]) -> bytes:
    """All rows as a file. In CSV, lists are JSON, and a spreadsheet runs no cell as a formula."""
    out = BytesIO()
    if kind == "parquet":
        frame.collect().write_parquet(out, compression="zstd")
        return out.getvalue()
    schema = frame.collect_schema()
    frame = frame.with_columns(_as_json(name) for name, kind in schema.items() if kind.is_nested())
    inert_cells(frame).collect().write_csv(out)
    return out.getvalue()


def _as_json(name: str) -> pl.Expr:
    """A column of lists as JSON text."""
    json = pl.struct(name).struct.json_encode()
    return json.str.extract(r"(?s)^\{\"[^\"]+\":(.*)\}$").alias(name)
