"""How long models take to a number of downloads; models that have not reached it are censored.

`daily_changes` counts, for each step between two days, how many models below the number were at
risk at each age, and how many of them had reached it at its end. `trends.survival` estimates from
these counts, added up over all trusted steps by the length of the step: Kaplan and Meier's estimate
where days follow each other, Turnbull's where they do not, as nobody saw on which day within a step
a model reached the number. A model comes under observation at the age at which it is first seen
below the number (delayed entry) and leaves it at the age at which it is last seen, so that models
still below it are censored by construction, and nobody is followed by name.

The columns `day` and `before` give the length of a step. Days compared by older versions have no
steps of more than a week.
"""

import datetime

import numpy as np
import polars as pl

from hf_assets.storage.lake import TableWrite
from hf_assets.storage.parquet import Column, Table
from hf_assets.trends.series.incremental import counts, refresh
from hf_assets.trends.series.past import Past
from hf_assets.trends.series.schemas import ADOPTION_HISTORY
from hf_assets.trends.survival import shares

# The input of `adoption_history`, by month; not an asset.
ADOPTION_STEPS = Table(
    name="adoption_history/steps",
    required=("day", "milestone"),
    columns={
        "day": Column(pl.Date, "First day of the month."),
        "milestone": ADOPTION_HISTORY.columns["milestone"],
        "age": ADOPTION_HISTORY.columns["age"],
        "step": Column(pl.Int32, "Days from one look to the next."),
        "at_risk": Column(pl.Int64, "Models below it whose step goes over that age."),
        "reached": Column(
            pl.Int64, "Models that had reached it at the end of a step, at that age."
        ),
    },
)


def adoption_history(past: Past, *, full_refresh: bool = False) -> TableWrite:
    """A row a milestone and age with models at risk. Columns: `ADOPTION_HISTORY`.

    The steps are stored by month in the same folder; `full_refresh` counts all of them again.
    """
    (steps,) = refresh(past, counts(ADOPTION_STEPS, adoption_steps), full_refresh=full_refresh)
    frame = steps.frame.drop("day").group_by("milestone", "age", "step").sum().collect()
    notes = {"models that reached a number": frame["reached"].sum()}
    return TableWrite(frames=[shares(frame)], notes=notes)


def adoption_steps(past: Past) -> TableWrite:
    """The steps of each month added up. Columns: `ADOPTION_STEPS`.

    A step counts if both of its days are trusted: a model missing on one of them is missing from
    risk and events alike. Steps of a stale day do not count: they overlap those of other days.
    """
    trusted = past.trusted_days
    fresh = sorted(set(trusted) - set(past.stale_days))
    rows = past.changes("adoption")
    month = pl.col("day").dt.truncate("1mo")
    parts = rows.with_columns(month=month).partition_by("month", maintain_order=True)
    return TableWrite(
        _hazards(part, trusted, fresh).with_columns(day=pl.lit(part["month"][0])) for part in parts
    )


def _hazards(
    rows: pl.DataFrame, trusted: list[datetime.date], fresh: list[datetime.date]
) -> pl.DataFrame:
    """The valid steps among these rows, added up: the input of `survival.shares`."""
    counts = _among(rows["day"], fresh) & _among(rows["before"], trusted)
    # Nearly always a day, and few other lengths: small numbers make the cells.
    days = (rows["day"] - rows["before"]).dt.total_days().fill_null(1).clip(1).to_numpy()
    lengths, length = np.unique(days, return_inverse=True)
    # The rows of a milestone lie together, a few hundred a day.
    runs = rows["key"].rle().struct.unnest()
    numbers = runs["value"].cast(pl.String).cast(pl.Int64).to_numpy()
    milestones, which = np.unique(numbers, return_inverse=True)
    age = rows["age"].to_numpy()
    ages = int(age.max(initial=-1)) + 1
    cell = (np.repeat(which * ages, runs["len"].to_numpy()) + age) * len(lengths) + length
    at_risk, reached = (
        np.bincount(cell, rows[name].to_numpy() * counts, len(milestones) * ages * len(lengths))
        for name in ("rows", "value")
    )
    there = np.flatnonzero(at_risk)
    aged, length = np.divmod(there, max(len(lengths), 1))
    return pl.DataFrame(
        {
            "milestone": milestones[aged // ages],
            "age": aged % ages,
            "step": lengths[length],
            "at_risk": at_risk[there],
            "reached": reached[there],
        },
    ).cast({"age": pl.Int32, "step": pl.Int32, "at_risk": pl.Int64, "reached": pl.Int64})


def _among(days: pl.Series, wanted: list[datetime.date]) -> np.ndarray:
    """Whether each day is among `wanted`; a day's rows lie together."""
    runs = days.rle().struct.unnest()
    fits = runs["value"].is_in(wanted).fill_null(False)
    return np.repeat(fits.to_numpy(), runs["len"].to_numpy())
