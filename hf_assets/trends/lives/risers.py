"""The risers of a week among all models with 100 downloads or more before, one-day spikes apart."""

import datetime

import polars as pl

from hf_assets.hub.repository_days.reading import expand
from hf_assets.hub.repository_days.schemas import MODEL_DAYS
from hf_assets.storage.lake import Lake, MissingDay
from hf_assets.trends.series.schemas import MODEL_PHASES
from hf_assets.trends.spikes import is_spike

MOST, MOST_SPIKES = 17, 5
PAST_DAYS = 56
_NAMES = ("hub_id", "id", "category", "created")
# Of each model; and of all of them: models with a growth, those that rose, those by a spike.
RISERS = {
    **dict.fromkeys(("hub_id", "id", "category"), pl.String),
    **dict.fromkeys(("created", "day"), pl.Date),
    **dict.fromkeys(("base", "downloads", "growth_7"), pl.Float64),
    "spike": pl.Boolean,
    "past": pl.List(pl.Struct({"day": pl.Date, "downloads": pl.Float64})),
    **dict.fromkeys(("of", "rose", "spiking"), pl.Int64),
}


def risers(
    lake: Lake, most: int = MOST, most_spikes: int = MOST_SPIKES, past_days: int = PAST_DAYS
) -> pl.DataFrame:
    """The strongest risers up to the newest trusted day, then the strongest spikes.

    Args:
        lake: the lake.
        most: risers, at most.
        most_spikes: spikes, at most.
        past_days: days of `past`: downloads of each trusted day that lists the model.

    Returns:
        Columns: `RISERS`. Without rows where `model_phases` has no growth yet.
    """
    try:
        phases = lake.read(MODEL_PHASES.name, None).frame
    except MissingDay:
        return pl.DataFrame(schema=RISERS)
    if "growth_7" not in phases.collect_schema().names():  # written by an earlier version
        return pl.DataFrame(schema=RISERS)
    grown = phases.filter(pl.col("growth_7").is_finite()).with_columns(
        spike=is_spike(pl.col("peak_share"), pl.col("created"), pl.col("last_day")),
        rose=pl.col("growth_7") > 0,
    )
    rose = grown.filter("rose").sort("growth_7", "hub_id", descending=[True, False])
    counts, best, spiking = pl.collect_all(
        [
            grown.select(
                pl.len().alias("of").cast(pl.Int64),
                rose=(pl.col("rose") & ~pl.col("spike")).sum().cast(pl.Int64),
                spiking=(pl.col("rose") & pl.col("spike")).sum().cast(pl.Int64),
            ),
            rose.filter(~pl.col("spike")).head(most),
            rose.filter("spike").head(most_spikes),
        ]
    )
    found = pl.concat([best, spiking])
    if not found.height:
        return pl.DataFrame(schema=RISERS)
    growth = pl.col("growth_7").cast(pl.Float64)
    found = found.select(
        *_NAMES, "spike", day="last_day", downloads="latest", growth_7=growth,
        base=pl.col("latest") / (1 + growth),
    ).join(counts, how="cross")  # fmt: skip
    past = _past(lake, found["hub_id"], found["day"][0], past_days)
    joined = found.join(past, on="hub_id", how="left", maintain_order="left")
    return joined.select(pl.col(name).cast(kind) for name, kind in RISERS.items())


def _past(lake: Lake, hub_ids: pl.Series, day: datetime.date, days: int) -> pl.DataFrame:
    """hub_id, and past: the downloads of each trusted day up to that day."""
    first = day - datetime.timedelta(days - 1)
    months = lake.read(MODEL_DAYS.name, None).frame.filter(
        pl.col("first_day").is_between(first.replace(day=1), day),
        pl.col("hub_id").is_in(hub_ids.implode()),
    )
    rows = expand(months).filter(pl.col("day").is_between(first, day), pl.col("trusted"))
    level = pl.struct("day", pl.col("downloads").cast(pl.Float64))
    return rows.sort("hub_id", "day").group_by("hub_id").agg(past=level).collect()
