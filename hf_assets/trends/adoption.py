"""How long models take to a number of downloads, those that still wait counted as waiting.

`daily_changes` counts, for each step between two days, how many models below the number were at
risk at each age, and how many of them reached it: discrete hazards. Added up over all trusted steps
they are the table that Kaplan and Meier's estimate is made from. A model comes under observation at
the age at which it is first seen below the number (delayed entry) and leaves it at the age at which
it is last seen: the still-waiting are censored by construction, and nobody is followed by name.
"""

import polars as pl

from hf_assets.hub.judged import DAILY_CHANGES
from hf_assets.lake import Made
from hf_assets.trends.history import Past
from hf_assets.trends.tables import ADOPTION_HISTORY

# Standard errors in a 95 % interval of a normal distribution.
NORMAL_95 = 1.959963984540054


def adoption_history(past: Past) -> Made:
    """A row a milestone and age with models at risk. Columns: `ADOPTION_HISTORY`.

    Steps count whose two days are both trusted: what is missed on one is missed by risk and event.
    Those of a stale day do not: they go over steps that other days count.
    """
    trusted, stale = past.trusted_days, past.stale_days
    parts = [
        part.filter(
            (pl.col("dimension") == "adoption")
            & pl.col("day").is_in(trusted)
            & ~pl.col("day").is_in(stale)
            & pl.col("before").is_in(trusted)
        )
        .group_by("key", "age")
        .agg(pl.col("rows", "value").sum())
        .collect()
        for part in past.changes()
    ]
    empty = pl.DataFrame(schema=DAILY_CHANGES.schema).select("key", "age", "rows", "value")
    hazards = (
        pl.concat([empty, *parts])
        .group_by("key", "age")
        .agg(at_risk=pl.col("rows").sum(), reached=pl.col("value").sum().cast(pl.Int64))
        .select("age", "at_risk", "reached", milestone=pl.col("key").cast(pl.Int64))
    )
    notes = {"models that reached a number": hazards["reached"].sum()}
    return Made(frames=[kaplan_meier(hazards)], notes=notes)


def kaplan_meier(hazards: pl.DataFrame) -> pl.DataFrame:
    """The share that has reached each milestone by each age, with Greenwood's interval.

    The interval is `share ± 1.96 standard errors`, within 0 and 1; null from the age on at which
    all at risk reached it, as its error is not defined there. Few at risk at an age make a step as
    large as many do: `at_risk` says how much a step is worth.

    Args:
        hazards: milestone, age, at_risk (at least 1), reached; a row each milestone and age.

    Returns:
        `ADOPTION_HISTORY`, by milestone and age.
    """
    at_risk, reached = pl.col("at_risk").cast(pl.Float64), pl.col("reached").cast(pl.Float64)
    waiting = (1 - reached / at_risk).cum_prod().over("milestone")
    summed = (reached / (at_risk * (at_risk - reached))).cum_sum().over("milestone")
    wide = NORMAL_95 * pl.col("waiting") * pl.col("summed").sqrt()
    defined = pl.when(pl.col("waiting") > 0)
    return (
        hazards.filter(pl.col("at_risk") > 0)
        .sort("milestone", "age")
        .with_columns(waiting=waiting, summed=summed)
        .with_columns(share=1 - pl.col("waiting"))
        .with_columns(
            low=defined.then((pl.col("share") - wide).clip(0, 1)),
            high=defined.then((pl.col("share") + wide).clip(0, 1)),
        )
        .select(ADOPTION_HISTORY.schema.names())
    )
