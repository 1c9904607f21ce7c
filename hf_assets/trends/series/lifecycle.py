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
    nothing is created or deleted: models enter and leave it.
    """
    rows = pl.concat([past.changes("compared"), past.changes("lifecycle")])

    def counted(dimension: str, key: str) -> pl.Expr:
        mine = (pl.col("dimension") == dimension) & (pl.col("key") == key)
        return pl.col("rows").filter(mine).first()

    trusted, fresh = past.trusted_days, ~pl.col("day").is_in(past.stale_days)
    frame = (
        rows.group_by("day", maintain_order=True)
        .agg(
            pl.col("before").first(),
            days_spanned=pl.col("hours").first() / 24,
            models=counted("compared", "rows"),
            **{name: counted("lifecycle", name) for name in _COUNTED},
        )
        .join(past.quality.select("day", *LIVES), on="day", how="left")
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
    return TableWrite(frames=[frame.select(LIFECYCLE.schema.names())], notes={"days": frame.height})
