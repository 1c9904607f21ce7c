"""Offers of inference providers over all days.

A day has some three hundred rows, and a year 4 MB: the series is rebuilt from all days each time.
A day on which nobody asked, or whose answer was no list, has no rows: it is a gap and no zero.
"""

from collections.abc import Iterator

import polars as pl

from hf_assets.hub.providers.schemas import INFERENCE_PROVIDERS, PROVIDER_HISTORY
from hf_assets.storage.lake import Lake, TableWrite

# Days read at a time.
AT_ONCE = 100
# What the rows are grouped by, beside the day, for each value of `of`.
_GROUPS = {
    "offer": ["model", "provider"],
    "model": ["model"],
    "provider": ["provider"],
    "total": [],
}
_PRICED = pl.col("price_input").is_not_null() & pl.col("price_output").is_not_null()


def provider_history(lake: Lake) -> TableWrite:
    """A row for each day and offer, model, provider, and for all. Columns: `PROVIDER_HISTORY`."""
    days = lake.days(INFERENCE_PROVIDERS.name)
    notes = {"days": len(days)}
    if days:
        notes |= {"first day": days[0], "last day": days[-1]}
    return TableWrite(frames=_of_days(lake, days), notes=notes)


def _of_days(lake: Lake, days: list[str]) -> Iterator[pl.DataFrame]:
    for begin in range(0, len(days), AT_ONCE):
        read = [
            lake.read(INFERENCE_PROVIDERS.name, day).frame.collect()
            for day in days[begin : begin + AT_ONCE]
        ]
        yield history_of(pl.concat(read))


def history_of(offers: pl.DataFrame) -> pl.DataFrame:
    """The rows of one or more days of `inference_providers`."""
    return pl.concat(_grouped(offers, of, by) for of, by in _GROUPS.items())


def _grouped(offers: pl.DataFrame, of: str, by: list[str]) -> pl.DataFrame:
    price_input, price_output = (
        pl.col(name).filter(_PRICED) for name in ("price_input", "price_output")
    )
    found = offers.group_by("day", *by).agg(
        offers=pl.len().cast(pl.Int64),
        live=(pl.col("status") == "live").sum().cast(pl.Int64),
        priced=_PRICED.sum().cast(pl.Int64),
        models=pl.col("model").n_unique().cast(pl.Int64).alias("models"),
        providers=pl.col("provider").n_unique().cast(pl.Int64).alias("providers"),
        price_input=price_input.median(),
        price_output=price_output.median(),
        cheapest_output=price_output.min(),
        dearest_output=price_output.max(),
        context_length=pl.col("context_length").max(),
        first_token_latency=pl.col("first_token_latency").median(),
        throughput=pl.col("throughput").median(),
    )
    names = {
        name: pl.col(name) if name in by else pl.lit(None, pl.String)
        for name in ("model", "provider")
    }
    return (
        found.with_columns(of=pl.lit(of), **names)
        .select(PROVIDER_HISTORY.schema.names())
        .sort("day", "model", "provider")
    )
