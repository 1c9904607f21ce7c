"""How long models take to a number of downloads, those that still wait counted as waiting.

`daily_changes` counts, for each step between two days, how many models below the number were at
risk at each age, and how many of them reached it: discrete hazards. Added up over all trusted steps
they are the table that Kaplan and Meier's estimate is made from. A model comes under observation at
the age at which it is first seen below the number (delayed entry) and leaves it at the age at which
it is last seen: the still-waiting are censored by construction, and nobody is followed by name.
"""

import datetime

import numpy as np
import polars as pl

from hf_assets.lake import Made
from hf_assets.trends.history import Past
from hf_assets.trends.monthly import brought_up, counts
from hf_assets.trends.tables import ADOPTION_HISTORY, ADOPTION_STEPS

# Standard errors in a 95 % interval of a normal distribution.
NORMAL_95 = 1.959963984540054


def adoption_history(past: Past, *, anew: bool = False) -> Made:
    """A row a milestone and age with models at risk. Columns: `ADOPTION_HISTORY`.

    The steps are kept by month beside it, and those that stand are not counted again; `anew` does.
    """
    (steps,) = brought_up(past, counts(ADOPTION_STEPS, adoption_steps), anew=anew)
    frame = steps.frame.drop("day").group_by("milestone", "age").sum().collect()
    notes = {"models that reached a number": frame["reached"].sum()}
    return Made(frames=[kaplan_meier(frame)], notes=notes)


def adoption_steps(past: Past) -> Made:
    """The steps of each month added up. Columns: `ADOPTION_STEPS`.

    Steps count whose two days are both trusted: what is missed on one is missed by risk and event.
    Those of a stale day do not: they go over steps that other days count.
    """
    trusted = past.trusted_days
    fresh = sorted(set(trusted) - set(past.stale_days))
    rows = past.changes("adoption")
    month = pl.col("day").dt.truncate("1mo")
    parts = rows.with_columns(month=month).partition_by("month", maintain_order=True)
    return Made(
        _hazards(part, trusted, fresh).with_columns(day=pl.lit(part["month"][0])) for part in parts
    )


def _hazards(
    rows: pl.DataFrame, trusted: list[datetime.date], fresh: list[datetime.date]
) -> pl.DataFrame:
    """The steps among those rows that count, added up: what `kaplan_meier` takes."""
    counts = _among(rows["day"], fresh) & _among(rows["before"], trusted)
    # The rows of a milestone lie together, a few hundred a day.
    runs = rows["key"].rle().struct.unnest()
    numbers = runs["value"].cast(pl.String).cast(pl.Int64).to_numpy()
    milestones, which = np.unique(numbers, return_inverse=True)
    age = rows["age"].to_numpy()
    ages = int(age.max(initial=-1)) + 1
    cell = np.repeat(which * ages, runs["len"].to_numpy()) + age
    at_risk, reached = (
        np.bincount(cell, rows[name].to_numpy() * counts, len(milestones) * ages)
        for name in ("rows", "value")
    )
    there = np.flatnonzero(at_risk)
    return pl.DataFrame(
        {
            "milestone": milestones[there // ages],
            "age": there % ages,
            "at_risk": at_risk[there],
            "reached": reached[there],
        },
    ).cast({"age": pl.Int32, "at_risk": pl.Int64, "reached": pl.Int64})


def _among(days: pl.Series, wanted: list[datetime.date]) -> np.ndarray:
    """Whether each day is one of those; a day's rows lie together."""
    runs = days.rle().struct.unnest()
    fits = runs["value"].is_in(wanted).fill_null(False)
    return np.repeat(fits.to_numpy(), runs["len"].to_numpy())


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
