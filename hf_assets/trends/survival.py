"""The share that has reached a milestone by each age, from interval-censored observations.

For each step between two observations, the number at risk at each age is known, and the number that
had reached the milestone at its end, but not the age within the step. Where every step is a day
long, that is the input of Kaplan and Meier's estimate. Where steps are longer, events on the last
day of their step would be late by half a step. Turnbull's estimate spreads the events over the ages
of their step, in proportion to the risk at each age, estimates the risk from that, and repeats
(expectation and maximisation). Those who come under observation at some age (delayed entry) or
leave it count for the ages between. The iteration stops after `ROUNDS`: where steps are long, many
curves fit nearly as well, and more rounds fit noise.

The variance is Greenwood's where every step is a day long. Otherwise it is its generalisation: the
inverse of the information that the counts hold about the cumulated risk, where a count within a
step informs about the sum over that step only. The risks of neighbouring ages that no count
separates are assumed to differ by a factor of some e^3 at most (`KNOWN`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

ROUNDS = 60
# A share that moves by less has converged.
SETTLED = 1e-6
# Prior information about the risk at an age: a tenth of that of a count.
KNOWN = 0.1
# Standard errors in a 95 % interval of a normal distribution.
NORMAL_95 = 1.959963984540054
_NOTHING = 1e-9


@dataclass(frozen=True)
class Cells:
    """Events of steps of the same length, by the last age of the step.

    Attributes:
        ages: the last age of each; the step begins with age 0 at the earliest.
        counts: number of events.
        step: days.
    """

    ages: np.ndarray
    counts: np.ndarray
    step: int

    @property
    def at(self) -> np.ndarray:
        """The possible ages of the events, a row a step; under 0: none."""
        return self.ages[:, None] - np.arange(self.step - 1, -1, -1)


def shares(steps: pl.DataFrame) -> pl.DataFrame:
    """The share that has reached each milestone by each age, with a 95 % interval.

    The interval is `share ± 1.96 standard errors`, within 0 and 1; null from the age on at which
    all at risk reached it, as its error is not defined there. `at_risk` is the weight of a step of
    the curve: few at risk make as large a step as many.

    Args:
        steps: milestone, age, step (days), at_risk, reached: a row for each age that a step of
            that length goes over, events at its last age.

    Returns:
        milestone, age, at_risk and reached (expected numbers, where a step is longer than a day),
        share, low, high; by milestone and age.
    """
    parts = [_of_milestone(part) for part in steps.sort("milestone", "age").partition_by(
        "milestone", maintain_order=True)]  # fmt: skip
    empty = pl.DataFrame(
        schema={
            "milestone": pl.Int64,
            "age": pl.Int32,
            **dict.fromkeys(("at_risk", "reached", "share", "low", "high"), pl.Float64),
        }
    )
    return pl.concat([empty, *parts])


def _of_milestone(steps: pl.DataFrame) -> pl.DataFrame:
    age = steps["age"].to_numpy()
    at_risk = np.bincount(age, steps["at_risk"].to_numpy()).astype(float)
    events = list(_cells(steps))
    at_risk, reached = spread_events(at_risk, events)
    there = np.flatnonzero(at_risk > _NOTHING)
    left = at_risk - reached
    all_reached = left <= _NOTHING * at_risk
    risk = np.divide(reached, at_risk, out=np.zeros(len(at_risk)), where=at_risk > _NOTHING)
    risk[all_reached & (reached > 0)] = 1.0
    waiting = np.cumprod(1 - risk)
    wide = NORMAL_95 * waiting * np.sqrt(_variances(at_risk, reached, risk, events))
    known = waiting > 0
    return pl.DataFrame(
        {
            "milestone": np.full(len(there), steps["milestone"][0]),
            "age": there.astype(np.int32),
            "at_risk": at_risk[there],
            "reached": reached[there],
            "share": 1 - waiting[there],
            "low": np.where(known, np.clip(1 - waiting - wide, 0, 1), np.nan)[there],
            "high": np.where(known, np.clip(1 - waiting + wide, 0, 1), np.nan)[there],
        },
        nan_to_null=True,
    )


def _cells(steps: pl.DataFrame) -> Iterator[Cells]:
    for part in steps.filter(pl.col("reached") > 0).partition_by("step", maintain_order=True):
        counts = part["reached"].to_numpy().astype(float)
        yield Cells(part["age"].to_numpy(), counts, int(part["step"][0]))


def spread_events(at_risk: np.ndarray, events: list[Cells]) -> tuple[np.ndarray, np.ndarray]:
    """The expected numbers at risk, and of events, at each age.

    Args:
        at_risk: the number in a step that goes over each age.
        events: those that reached the milestone in a step.
    """
    size = len(at_risk)
    exact = sum(
        (np.bincount(one.ages, one.counts, size) for one in events if one.step == 1),
        np.zeros(size),
    )
    wide = [(one.at >= 0, np.maximum(one.at, 0), one.counts) for one in events if one.step > 1]
    if not wide:
        return at_risk, exact
    # To begin with, evenly.
    risk = np.ones(size)
    still, reached = _round(at_risk, exact, wide, risk, even=True)
    share = np.zeros(size)
    for _ in range(ROUNDS):
        risk = np.minimum(np.divide(reached, still, out=np.zeros(size), where=still > _NOTHING), 1)
        still, reached = _round(at_risk, exact, wide, risk)
        before, share = share, 1 - np.cumprod(1 - risk)
        if np.abs(share - before).max(initial=0) < SETTLED:
            break
    return still, reached


def _round(
    at_risk: np.ndarray,
    exact: np.ndarray,
    wide: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    risk: np.ndarray,
    *,
    even: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """The numbers at risk and of events, by age, given the risk."""
    still, reached = at_risk.copy(), exact.copy()
    for inside, at, counts in wide:
        parts = inside * (1.0 if even else risk[at])
        if not even:
            parts[:, 1:] *= np.cumprod(1 - parts[:, :-1], axis=1)
        parts *= (counts / parts.sum(axis=1))[:, None]
        reached += np.bincount(at.ravel(), parts.ravel(), len(at_risk))
        # Those who have reached it are not at risk for the remainder of the step.
        over = (np.cumsum(parts, axis=1) - parts) * inside
        still -= np.bincount(at.ravel(), over.ravel(), len(at_risk))
    return np.maximum(still, reached), reached


def _variances(
    at_risk: np.ndarray, reached: np.ndarray, risk: np.ndarray, events: list[Cells]
) -> np.ndarray:
    """The variance of the cumulated risk at each age: of the logarithm of the survivors."""
    defined = (risk > 0) & (risk < 1)
    if all(one.step == 1 for one in events):
        terms = np.zeros(len(risk))
        seen, events_of = at_risk[defined], reached[defined]
        terms[defined] = events_of / (seen * np.maximum(seen - events_of, _NOTHING))
        return np.cumsum(terms)
    hazard = -np.log1p(-np.where(defined, risk, 0))
    summed = np.append(0, np.cumsum(hazard))
    # Information of the events of a step about the sum of the hazards from its first to its last.
    informed, blurred = np.zeros((2, len(risk), len(risk)))
    for one in events:
        first = np.maximum(one.ages - one.step + 1, 0)
        over = np.maximum(summed[one.ages + 1] - summed[first], _NOTHING)
        np.add.at(informed, (first, one.ages), one.counts * np.exp(-over) / np.expm1(-over) ** 2)
        if one.step > 1:
            blurred[first, one.ages] = 1
    whole = _both_ways(informed)
    unclear = np.diag(_both_ways(blurred)) > 0
    active = np.flatnonzero(defined & (hazard > _NOTHING) & (np.diag(whole) > 0))
    scale = hazard[active]
    information = whole[np.ix_(active, active)] * np.outer(scale, scale)
    information[np.diag_indices(len(active))] += KNOWN * unclear[active]
    covariance = np.linalg.inv(information) * np.outer(scale, scale)
    found = np.zeros(len(risk))
    found[active] = np.diag(covariance.cumsum(axis=0).cumsum(axis=1))
    # Ages without events have the variance of the last age with some.
    last = np.maximum.accumulate(np.where(np.isin(np.arange(len(risk)), active),
                                          np.arange(len(risk)), -1))  # fmt: skip
    return np.where(last >= 0, np.maximum(found[last], 0), 0.0)


def _both_ways(cells: np.ndarray) -> np.ndarray:
    """For each pair of ages the sum over the steps (first, last age) that go over both."""
    over = cells.cumsum(axis=0)[:, ::-1].cumsum(axis=1)[:, ::-1]
    upper = np.triu(over)
    return upper + np.triu(over, 1).T
