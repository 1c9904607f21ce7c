"""How many models came, went and changed, a day."""

import polars as pl

from hf_assets.lake import Made
from hf_assets.trends.history import Past
from hf_assets.trends.tables import LIFECYCLE

_COUNTED = ("created", "returned", "deleted", "renamed", "gated_on", "gated_off")


def lifecycle(past: Past) -> Made:
    """A row a stored day. Columns: `LIFECYCLE`.

    A count is what was found, on an untrusted day too: it is no level, and nothing says on which
    side of a partial day a model went. Its `trusted` says that both days compared are. A stale day
    has no counts: they would be those of the days that came between, once more.
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
        .with_columns(pl.when(fresh).then(pl.col(name)).alias(name) for name in _COUNTED)
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
    return Made(frames=[frame.select(LIFECYCLE.schema.names())], notes={"days": frame.height})
