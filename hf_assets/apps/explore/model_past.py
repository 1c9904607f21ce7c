"""The days of a model, as the lake has them."""

from typing import Any

import polars as pl

from hf_assets.hub.repository_days.reading import history_of
from hf_assets.storage.lake import Lake, MissingDay, iso


def history(lake: Lake, model: dict[str, Any]) -> pl.DataFrame:
    """A model's days in `model_history`; empty where it never was in a day's top 1,000."""
    try:
        found = lake.read("model_history", None).frame
    except MissingDay:
        return pl.DataFrame()
    return found.filter(pl.col("hub_id") == model["hub_id"]).sort("day").collect()


def every_day(lake: Lake, model: dict[str, Any]) -> pl.DataFrame:
    """A model's counters on every stored day, read file by file: day, downloads, likes, …

    Those of emptied days are read in `model_days`.
    """
    wanted = ("day", "id", "downloads", "downloads_all_time", "likes")
    days = [lake.read("models", day) for day in lake.days("models")]
    mine = pl.col("hub_id") == model["hub_id"]
    found = [day.frame.filter(mine).select(wanted).collect() for day in days if not day.emptied]
    if emptied := [iso(day.day) for day in days if day.emptied]:
        past = history_of(lake, "model_days", model["hub_id"]).filter(pl.col("day").is_in(emptied))
        found.append(past.select(wanted))
    return pl.concat(found).sort("day", maintain_order=True) if found else pl.DataFrame()
