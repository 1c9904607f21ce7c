"""Growth of every repository between two days."""

from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from hf_assets.hub.repository_days.reading import day_of
from hf_assets.storage.lake import Lake, MissingDay, iso


def growth(lake: Lake, table: str, day: str, over: int, floor: int = 0) -> pl.DataFrame:
    """Downloads of a day and of some days before, of all repositories listed on both.

    Args:
        lake: the lake.
        table: `model_days` or `dataset_days`.
        day: YYYY-MM-DD.
        over: days to look back.
        floor: downloads before, at least; a small base makes noise.

    Returns:
        hub_id, id, downloads, before, growth (null where `before` is 0), in no order.

    Raises:
        MissingDay: one of both days is not in the series.
    """
    earlier = (iso(day) - timedelta(over)).isoformat()
    now = _downloads(lake, table, day, ["id", "downloads"])
    then = _downloads(lake, table, earlier, ["downloads"]).rename({"downloads": "before"})
    both = now.join(then, on="hub_id").drop_nulls(["downloads", "before"])
    rate = pl.when(pl.col("before") > 0).then(pl.col("downloads") / pl.col("before") - 1)
    grown = both.filter(pl.col("before") >= floor).with_columns(growth=rate)
    # That engine merges what is in order; a join by hashes takes three times as long.
    return grown.collect(engine="streaming")


def _downloads(lake: Lake, table: str, day: str, columns: Sequence[str]) -> pl.LazyFrame:
    """In the order of `hub_id`."""
    rows = day_of(lake, table, day, columns)
    if rows is None:
        raise MissingDay(f"{table} has no {day}: materialise {table} first")
    return rows.lazy().set_sorted("hub_id")
