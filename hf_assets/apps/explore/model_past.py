"""The days of a model, as the lake has them."""

from typing import Any

import polars as pl

from hf_assets.storage.lake import Lake, MissingDay


def history(lake: Lake, model: dict[str, Any]) -> pl.DataFrame:
    """A model's days in `model_history`; empty where it never was in a day's top 1,000."""
    try:
        found = lake.read("model_history", None).frame
    except MissingDay:
        return pl.DataFrame()
    return found.filter(pl.col("hub_id") == model["hub_id"]).sort("day").collect()


def every_day(lake: Lake, model: dict[str, Any]) -> pl.DataFrame:
    """A model's counters on every stored day, read file by file: day, downloads, likes, …"""
    wanted = ("day", "id", "downloads", "downloads_all_time", "likes")
    found = [
        lake.read("models", day)
        .frame.filter(pl.col("hub_id") == model["hub_id"])
        .select(wanted)
        .collect()
        for day in lake.days("models")
    ]
    return pl.concat(found) if found else pl.DataFrame()
