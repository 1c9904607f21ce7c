"""How many models were created, deleted and changed, a day."""

import polars as pl

from hf_assets.storage.lake import TableWrite
from hf_assets.trends.series.past import LIVES, Past
from hf_assets.trends.series.schemas import LIFECYCLE

_COUNTED = ("created", "deleted", "renamed", "gated_on", "gated_off")


def lifecycle(past: Past) -> TableWrite:
    """A row a stored day. Columns: `LIFECYCLE`.

    Counts are not interpolated: on an untrusted day they are as counted, since nothing says on
    which side of a partial day a model was deleted. `trusted` says that both days compared are. A
    stale day has no counts: they would repeat those of the days in between. Models that returned,
    or were first seen late, are counted by `day_quality` over all days. In a list of some models
    nothing is created or deleted: models enter and leave it. Datasets, compared with a baseline day
    of their own, have columns of their own.
    """
    models = _counts(past, "", past.quality)
    datasets = _counts(past, "datasets ", past.datasets_quality)
    own = datasets.rename({name: f"datasets_{name}" for name in datasets.columns if name != "day"})
    own = own.rename({"datasets_listed": "datasets"})
    frame = models.rename({"listed": "models"}).join(own, on="day", how="left")
    return TableWrite(
        frames=[frame.sort("day").select(LIFECYCLE.schema.names())], notes={"days": frame.height}
    )


def _counts(past: Past, prefix: str, quality: pl.DataFrame) -> pl.DataFrame:
    """The counts of each day of one listing.

    Args:
        past: the days.
        prefix: of the dimensions of that listing in `daily_changes`.
        quality: what `day_quality` says of that listing.
    """
    rows = pl.concat([past.changes(f"{prefix}compared"), past.changes(f"{prefix}lifecycle")])

    def counted(dimension: str, key: str) -> pl.Expr:
        mine = (pl.col("dimension") == f"{prefix}{dimension}") & (pl.col("key") == key)
        return pl.col("rows").filter(mine).first()

    trusted = quality.filter("trusted")["day"].implode()
    fresh = ~pl.col("day").is_in(quality.filter("stale")["day"].implode())
    return (
        rows.group_by("day", maintain_order=True)
        .agg(
            pl.col("before").first(),
            days_spanned=pl.col("hours").first() / 24,
            listed=counted("compared", "rows"),
            **{name: counted("lifecycle", name) for name in _COUNTED},
        )
        .join(quality.select("day", *LIVES), on="day", how="left")
        .with_columns(
            pl.when(pl.col("left").is_null()).then(pl.col(name)).alias(name)
            for name in ("created", "deleted")
        )
        .with_columns(pl.when(fresh).then(pl.col(name)).alias(name) for name in (*_COUNTED, *LIVES))
        .with_columns(
            created_per_day=pl.when(pl.col("days_spanned") > 0).then(
                pl.col("created") / pl.col("days_spanned")
            ),
            trusted=pl.col("day").is_in(trusted)
            & fresh
            & pl.coalesce(pl.col("before").is_in(trusted), pl.lit(True)),
        )
        .sort("day")
    )
