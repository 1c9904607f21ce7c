"""How many models came, went and changed, a day."""

import polars as pl

from hf_assets.storage.lake import TableWrite
from hf_assets.trends.series.past import LIVES, Past
from hf_assets.trends.series.schemas import LIFECYCLE

_COUNTED = ("created", "deleted", "renamed", "gated_on", "gated_off")


def lifecycle(past: Past) -> TableWrite:
    """A row a stored day. Columns: `LIFECYCLE`.

    A count is what was found, on an untrusted day too: it is no level, and nothing says on which
    side of a partial day a model went. Its `trusted` says that both days compared are. A stale day
    has no counts: they would be those of the days that came between, once more. Who returned, and
    who was only first seen late, is as `day_quality` found it over all days. A list of some models
    has nobody created or deleted: they entered it and left it.
    """
    found = pl.concat([past.changes("compared"), past.changes("lifecycle")])

    def counted(dimension: str, key: str) -> pl.Expr:
        wanted = (pl.col("dimension") == dimension) & (pl.col("key") == key)
        return pl.col("rows").filter(wanted).first()

    trusted, fresh = past.trusted_days, ~pl.col("day").is_in(past.stale_days)
    frame = (
        found.group_by("day", maintain_order=True)
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
