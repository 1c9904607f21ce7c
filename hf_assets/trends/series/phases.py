"""The life of a model: peak, half-life, phase.

Levels are downloads of the last 30 days, interpolated on untrusted days. Days on which a model is
not listed are unknown: they neither lower its level nor count as seen.

- Smoothed level: the median of the levels within `SMOOTH` days either side, seven days when all are
  seen: a week takes out the weekend, a median takes out a day of robots.
- Peak: the highest smoothed level, the first day of it.
- Half-life: days from the peak to the first seen day from which on no smoothed level is above half
  of the peak; null where the last seen day is above it.
- Peak to plateau: the peak over the median level of the last `WINDOW` days; null while the peak is
  among them.
- Days to a number of downloads: from creation to the first seen day with as many, if the model was
  seen with fewer at most `STEP` days before that; null otherwise: the crossing was not seen, or the
  Hub does not say when the model was created (`FLOOR`).
- Phase, on the model's last seen day, the first that holds of:
  - new: first seen under `WINDOW` days ago and under `YOUNG` days old;
  - unknown (null): not seen `WEEK` days or more before the last within the last `WINDOW` days, or
    at a level of 0: it has no rate of change;
  - rising, falling: the smoothed level changed by `MOVED` or more in `WINDOW` days, the change over
    the days really seen rescaled to as many;
  - peak: at least `NEAR` of its highest level so far, which is at most `YOUNG` days past and
    `CLIMBED` times the lowest of the `CLIMB` days before;
  - plateau: all others, at any level.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from hf_assets.hub.quality.schemas import MILESTONES
from hf_assets.trends.series.calendar import EPOCH
from hf_assets.trends.series.panel import STEP, blocks, numbers_of, stable_order
from hf_assets.trends.series.schemas import GROWTH, MODEL_PHASES

# The Hub gives this date to all older models.
FLOOR = datetime.date(2022, 3, 2)
_FLOOR = (FLOOR - EPOCH).days
SMOOTH = 3
WEEK = 7
# Two weekly cycles: shorter, and a holiday is a trend.
WINDOW = 14
# Downloads are of 30 days: until a model is 30 days old its count can only grow, and a peak stays
# in the count for as long.
YOUNG = 30
# Of the 531 most liked and most downloaded models of August 2026, half moved by 7 % or more in a
# week: a fifth in two weeks is more than the usual variation.
MOVED = 0.20
NEAR = 0.90
CLIMBED = 1.20
CLIMB = 60


def phases_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Phases of rows with hub_id, id, category, created, day and both downloads: no growth.

    Args:
        rows: those of a model in the order of days; rows of others may lie between them.
    """
    if rows["downloads"].has_nulls():
        rows = rows.filter(pl.col("downloads").is_not_null())
    if not rows.height:
        return pl.DataFrame(schema=PHASES_SCHEMA)
    # A month's rows of a model lie together: there are fewer names to look up than rows.
    runs = rows["hub_id"].rle().struct.unnest()
    key = np.repeat(numbers_of(runs["value"]), runs["len"].to_numpy())
    order = stable_order(key)
    key = key[order]
    last = order[np.append(np.flatnonzero(np.diff(key)), len(key) - 1)]
    # Of texts and dates only the last counts.
    texts = rows.select("hub_id", "id", "category", "created")[last]
    created = texts["created"].to_physical().cast(pl.Float64).to_numpy()
    known = [rows[name].to_physical().to_numpy() for name in _NUMBERS]
    # A few models at a time: intermediate arrays stay in the processor's caches.
    parts = [
        phases(key[part], created, *(one[order[part]] for one in known)) for part in blocks(key)
    ]
    return texts.hstack(phases_frame(parts))


def phases_frame(parts: Sequence[Mapping[str, np.ndarray]]) -> pl.DataFrame:
    """What `phases` gives of some models after the others, with the types of `MODEL_PHASES`."""
    names = [name for name in parts[0] if name in MODEL_PHASES.schema]
    found = {name: np.concatenate([part[name] for part in parts]) for name in names}
    columns = [
        pl.Series(name, values, nan_to_null=True).cast(MODEL_PHASES.schema[name])
        for name, values in found.items()
    ]
    return pl.DataFrame(columns).with_columns(pl.col("phase").replace("", None))


# The columns of `MODEL_PHASES` without growth.
PHASES_SCHEMA = pl.Schema(
    {name: dtype for name, dtype in MODEL_PHASES.schema.items() if name not in GROWTH}
)
_NUMBERS = ("day", "downloads", "downloads_all_time")


@dataclass(frozen=True)
class SoFar:
    """What the days before `begin` say of some models, by their number; NaN where unknown.

    Attributes:
        begin: a day: rows from it on are new, those of the `CONTEXT` days before serve medians.
        known: the numeric columns of `phases`, those of `KEPT`, and `crossed_N` for `days_to_N`:
            a day.
        minima: the smoothed levels of days before `begin` that are lower than all later ones there,
            of the last `CLIMB` days: model, day, level, in the order of models and days.
    """

    begin: int
    known: Mapping[str, np.ndarray]
    minima: tuple[np.ndarray, np.ndarray, np.ndarray]


# What later days need to know beside the columns of `phases`: the lowest smoothed level of the
# `CLIMB` days before the peak, and the highest all-time downloads.
KEPT = ("foot", "most_all_time")


def phases(
    key: np.ndarray,
    created: np.ndarray,
    day: np.ndarray,
    level: np.ndarray,
    all_time: np.ndarray,
    so_far: SoFar | None = None,
    end: int | None = None,
) -> dict[str, np.ndarray]:
    """The numeric columns of some models; NaN where unknown, days since 1970-01-01.

    And what later days need to know: `KEPT`, the day of each crossing, and with an `end` the
    `minima` as `low_model`, `low_day` and `low`.

    Args:
        key: the number of each row's model, ascending; its rows are in the order of days.
        created: of each model, by its number.
        so_far: what earlier days say; each model has a new row. None: all days are there.
        end: the day from which on rows serve medians alone; each model has rows before.
    """
    day = day.astype(np.int64)
    smooth = smoothed(key, day, level)
    if end is not None:
        every = (key, day, level, all_time, smooth)
        key, day, level, all_time, smooth = (one[day < end] for one in every)
    begins = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    ends = np.append(begins[1:], len(day))
    model = np.repeat(np.arange(len(begins)), ends - begins)
    last = ends - 1
    number = key[last]
    known = {name: one[number] for name, one in so_far.known.items()} if so_far else {}
    fresh = day >= so_far.begin if so_far else np.ones(len(day), bool)
    first = _first_where(fresh, begins, ends)
    first_day, last_day, days = day[first], day[last], ends - first
    if so_far:
        first_day = np.fmin(known["first_day"], first_day).astype(np.int64)
        days = days + np.nan_to_num(known["days"]).astype(np.int64)

    level_of_new = np.where(fresh, smooth, -np.inf)
    peak = np.maximum.reduceat(level_of_new, begins)
    peak_day = day[_first_where(level_of_new == peak[model], begins, ends)]
    earlier = known["peak"] >= peak if so_far else np.zeros(len(peak), bool)
    if so_far:
        peak = np.where(earlier, known["peak"], peak)
        peak_day = np.where(earlier, known["peak_day"], peak_day).astype(np.int64)

    recent = last_day[model] - day < WINDOW
    plateau = _medians(np.where(recent, level, np.nan), model)
    ratio = np.where(last_day - peak_day >= WINDOW, _over(peak, plateau), np.nan)

    after_high = _last_where(level_of_new > peak[model] / 2, begins, ends) + 1
    # Without a new row above the half, the first new one is the first after the last high.
    after_high = np.maximum(after_high, first)
    halved = (peak > 0) & (after_high < ends)
    half_life = np.where(halved, day[np.minimum(after_high, last)] - peak_day, np.nan)
    if so_far:
        stays = earlier & (after_high == first) & ~np.isnan(known["half_life"])
        half_life = np.where(stays, known["half_life"], half_life)

    created = created[number]
    base = _first_where(recent, begins, ends)
    seen = last_day - day[base]
    moved = np.power(_over(smooth[last], smooth[base]), WINDOW / np.maximum(seen, 1)) - 1
    before = fresh & (day <= peak_day[model]) & (day >= peak_day[model] - CLIMB)
    foot = np.minimum.reduceat(np.where(before, smooth, np.inf), begins)
    if so_far:
        foot = np.minimum(foot, _lowest(so_far, number, peak_day))
        foot = np.where(earlier, known["foot"], foot)
    at_peak_now = (smooth[last] >= NEAR * peak) & (last_day - peak_day <= YOUNG)
    at_peak_now &= peak >= CLIMBED * foot
    young = (last_day - first_day < WINDOW) & (last_day - created < YOUNG)
    phase = np.select(
        [young, (seen < WEEK) | np.isnan(moved), moved >= MOVED, moved <= -MOVED,
         at_peak_now],
        ["new", "", "rising", "falling", "peak"],
        "plateau",
    )  # fmt: skip
    all_time_of_new = np.where(fresh, all_time, np.nan)
    crossed = _crossings(all_time_of_new, all_time, day, begins, ends)
    most = np.fmax.reduceat(all_time_of_new, begins)
    if so_far:
        for name, milestone in zip(crossed, MILESTONES, strict=True):
            reached = known["most_all_time"] >= milestone
            crossed[name] = np.where(reached, known[name], crossed[name])
        most = np.fmax(most, known["most_all_time"])
    low = {} if end is None else _minima(so_far, (key, day, smooth), fresh, end)
    return {
        "first_day": first_day,
        "last_day": last_day,
        "days": days,
        "phase": phase,
        "peak_day": peak_day,
        "peak": peak,
        "latest": level[last],
        "peak_to_plateau": ratio,
        "half_life": half_life,
        **days_to(crossed, created),
        **crossed,
        "foot": foot,
        "most_all_time": most,
        **low,
    }


def days_to(crossed: Mapping[str, np.ndarray], created: np.ndarray) -> dict[str, np.ndarray]:
    """`days_to_N` of models that crossed N on those days; NaN where unknown.

    Args:
        crossed: `crossed_N` for each milestone.
        created: of each model.
    """
    since = np.where(created > _FLOOR, created, np.nan)
    return {f"days_to_{number}": crossed[f"crossed_{number}"] - since for number in MILESTONES}


def _lowest(so_far: SoFar, number: np.ndarray, peak_day: np.ndarray) -> np.ndarray:
    """The lowest earlier smoothed level of the `CLIMB` days before each peak; inf: none."""
    peaks, found = np.full((2, number[-1] - number[0] + 1), np.inf)
    peaks[number - number[0]] = peak_day
    model, day, level = so_far.minima
    part = slice(*np.searchsorted(model, [number[0], number[-1] + 1]))
    model, day, level = model[part] - number[0], day[part], level[part]
    fits = day >= peaks[model] - CLIMB
    np.minimum.at(found, model[fits], level[fits])
    return found[number - number[0]]


def _minima(
    so_far: SoFar | None, rows: tuple[np.ndarray, ...], fresh: np.ndarray, end: int
) -> dict[str, np.ndarray]:
    """The rows of the last days before `end` that are lower than all later ones of their model."""
    new = fresh & (rows[1] >= end - CLIMB)
    every = [one[new] for one in rows]
    if so_far:
        near = so_far.minima[1] >= end - CLIMB
        every = [
            np.concatenate([old[near], one]) for old, one in zip(so_far.minima, every, strict=True)
        ]
    order = np.argsort(every[0], kind="stable")
    model, day, smooth = (one[order] for one in every)
    # Of equal levels the last has the lowest rank. A model's ranks are below those of the next.
    rank = np.empty(len(model), np.int64)
    rank[len(model) - 1 - np.argsort(smooth[::-1], kind="stable")] = np.arange(len(model))
    rank += model.astype(np.int64) * len(model)
    low = np.flatnonzero(rank == np.minimum.accumulate(rank[::-1])[::-1])
    return {"low_model": model[low], "low_day": day[low], "low": smooth[low]}


def smoothed(model: np.ndarray, day: np.ndarray, level: np.ndarray) -> np.ndarray:
    """The median of each model's levels within `SMOOTH` days of each of its days."""
    near = np.full((2 * SMOOTH + 1, len(day)), np.inf)
    count = np.ones(len(day), np.int64)
    near[0] = level
    for away in range(1, SMOOTH + 1):
        fits = (model[away:] == model[:-away]) & (day[away:] - day[:-away] <= SMOOTH)
        near[away, away:][fits] = level[:-away][fits]
        near[SMOOTH + away, :-away][fits] = level[away:][fits]
        count[away:] += fits
        count[:-away] += fits
    # The lower half of each column sorted, by exchanges of whole rows: a sort is slower.
    for first in range(SMOOTH + 1):
        for at in range(2 * SMOOTH, first, -1):
            low = np.minimum(near[at - 1], near[at])
            np.maximum(near[at - 1], near[at], out=near[at])
            near[at - 1] = low
    row = np.arange(len(day))
    return (near[(count - 1) // 2, row] + near[count // 2, row]) / 2


def _first_where(holds: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Per model the first row where it holds; the row after its last where it holds nowhere."""
    enters = holds.copy()
    enters[1:] &= ~holds[:-1]
    enters[begins] = holds[begins]
    rows = np.append(np.flatnonzero(enters), len(holds))
    return np.minimum(rows[np.searchsorted(rows, begins)], ends)


def _last_where(holds: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Per model the last row where it holds; the row before its first where it holds nowhere."""
    leaves = holds.copy()
    leaves[:-1] &= ~holds[1:]
    leaves[ends - 1] = holds[ends - 1]
    rows = np.append(-1, np.flatnonzero(leaves))
    return np.maximum(rows[np.searchsorted(rows, ends) - 1], begins - 1)


def _medians(values: np.ndarray, model: np.ndarray) -> np.ndarray:
    """Per model the median of its values that are not NaN; each model has some."""
    kept = ~np.isnan(values)
    order = np.lexsort((values[kept], model[kept]))
    ordered, counts = values[kept][order], np.bincount(model[kept])
    begin = np.cumsum(counts) - counts
    return (ordered[begin + (counts - 1) // 2] + ordered[begin + counts // 2]) / 2


def _over(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)


def _crossings(
    new: np.ndarray,
    all_time: np.ndarray,
    day: np.ndarray,
    begins: np.ndarray,
    ends: np.ndarray,
) -> dict[str, np.ndarray]:
    """Per milestone and model the first day on which it was reached.

    A counter that was corrected may cross twice: the first time counts.

    Args:
        new: all-time downloads of new rows; `all_time` of all.
        day: of each row.
        begins: of each model's rows; `ends` likewise.
    """
    known = np.append(-1, np.flatnonzero(~np.isnan(all_time)))
    found = {}
    for number in MILESTONES:
        first = _first_where(new >= number, begins, ends)
        # The last known row before it counts if it is of the same model, and near.
        before = known[np.searchsorted(known, first) - 1]
        on = day[np.minimum(first, ends - 1)]
        seen = (first < ends) & (before >= begins) & (on - day[before] <= STEP)
        found[f"crossed_{number}"] = np.where(seen, on, np.nan)
    return found
