"""The days of one repository as a series: interpolated on untrusted days, with its rates."""

import polars as pl

from hf_assets.hub.repository_days.reading import days_in, history_of
from hf_assets.hub.repository_days.schemas import KINDS
from hf_assets.storage.lake import Lake, MissingDay
from hf_assets.trends.lives.model_phases import FLOOR
from hf_assets.trends.series.calendar import EPOCH, calendar
from hf_assets.trends.series.panel import panel
from hf_assets.trends.series.past import Past


def days_of(lake: Lake, table: str, hub_id: str) -> pl.DataFrame | None:
    """The days of a repository, oldest first; None where the lake cannot tell.

    A missing day has no row; an untrusted one has interpolated levels, as in `model_history`.

    Args:
        lake: the lake.
        table: `model_days`, `dataset_days` or `space_days`.
        hub_id: its identity; `name:` and its name where it has none.

    Returns:
        day, source, trusted, id, the counters (null where unknown), and where it has downloads
        growth_7 and growth_28, from 100 downloads on.
    """
    days = days_in(lake, table)
    if not days:
        return None
    past = Past(lake)
    try:
        every = calendar(
            past.datasets_quality if table == "dataset_days" else past.quality, list(days)
        )
    except MissingDay:
        return None  # day_quality is older than the series, or missing
    counters = [one.name for one in KINDS[table].counters if one.name != "trending_score"]
    rows = history_of(lake, table, hub_id)
    number = (rows["day"] - EPOCH).dt.total_days().cast(pl.Int32).to_numpy()
    rows = rows.select("hub_id", "id", *(pl.col(name).cast(pl.Float64) for name in counters))
    rows = rows.with_columns(at=pl.Series(every.indices(number), dtype=pl.Int32))
    one = panel(rows, every, "hub_id", counters)
    rates = one.rates("downloads", FLOOR) if "downloads" in counters else {}
    return one.table(**rates).drop("hub_id")
