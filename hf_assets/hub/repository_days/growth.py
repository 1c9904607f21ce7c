"""Growth of every repository between two days."""

from datetime import timedelta

import polars as pl

from hf_assets.hub.repository_days.reading import expand, month_file
from hf_assets.storage.lake import Lake, MissingDay, iso
from hf_assets.storage.opened import scan


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
    now, then = (_downloads(lake, table, one) for one in (day, earlier))
    both = now.join(then.select("hub_id", before="downloads"), on="hub_id")
    rate = pl.when(pl.col("before") > 0).then(pl.col("downloads") / pl.col("before") - 1)
    return both.filter(pl.col("before") >= floor).with_columns(growth=rate)


def _downloads(lake: Lake, table: str, day: str) -> pl.DataFrame:
    file = month_file(lake, table, day)
    if file is None:
        raise MissingDay(f"{table} has no {day}: materialise {table} first")
    bit = 1 << (iso(day).day - 1)
    rows = scan([file]).filter((pl.col("listed") & bit) != 0)
    days = expand(rows).filter(pl.col("day") == iso(day))
    return days.select("hub_id", "id", "downloads").collect()
