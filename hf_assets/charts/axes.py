"""The span and the ticks of axes: days, ages, values. Days are ordinals (`date.toordinal`)."""

import datetime
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from matplotlib.ticker import MaxNLocator

from hf_assets.charts.numbers import exact, human

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


# --- the axis along which things change ----------------------------------------------------------

Ticks = list[tuple[float, str]]


@dataclass(frozen=True)
class Along:
    """What the horizontal axis spans, its ticks for so many px, and the stretches to shade.

    `shaded` stretches hold days that are not trusted, `missing` ones days without data.
    """

    low: float
    high: float
    ticks: Callable[[float], Ticks]
    name: str = ""
    shaded: Sequence[tuple[float, float]] = field(default=())
    missing: Sequence[tuple[float, float]] = field(default=())


def days_along(
    first: int,
    last: int,
    shaded: Sequence[tuple[float, float]] = (),
    missing: Sequence[tuple[float, float]] = (),
) -> Along:
    """An axis of days from `first` to `last`; a single day stands in the middle."""
    pad = 0.5 if first == last else 0.0
    ticks = partial(day_ticks, first, last)
    return Along(first - pad, last + pad, ticks, shaded=shaded, missing=missing)


def ages_along(last: float, name: str) -> Along:
    """An axis of whole numbers from 0 to `last`."""
    last = max(last, 1)

    def ticks(px: float) -> Ticks:
        most = max(2, int(px / 70))
        found = MaxNLocator(most, steps=[1, 2, 3, 5, 6, 10], integer=True).tick_values(0, last)
        return [(tick, human(tick)) for tick in found if 0 <= tick <= last]

    return Along(0, last, ticks, name)


def day_ticks(first: int, last: int, px: float, least: int = 1) -> Ticks:
    """Ticks at days, Mondays, months or years, whichever fit; each new year has its number below.

    With `least` 7, ticks are a week apart or more.
    """
    most = max(1, int(px / 58))
    begin, end = datetime.date.fromordinal(first), datetime.date.fromordinal(last)
    for step in (1, 2) if least == 1 else ():
        found = list(range(last, first - 1, -step))[::-1]
        if 0 < len(found) <= most:
            return _with_years([datetime.date.fromordinal(n) for n in found], _of_day)
    for step in (7, 14):
        monday = first + -datetime.date.fromordinal(first).weekday() % 7
        found = list(range(monday, last + 1, step))
        if 0 < len(found) <= most:
            return _with_years([datetime.date.fromordinal(n) for n in found], _of_day)
    whole = range(begin.year * 12 + begin.month - 1, end.year * 12 + end.month)
    months = [datetime.date(n // 12, n % 12 + 1, 1) for n in whole]
    months = [month for month in months if month >= begin]
    for step in (1, 2, 3, 6):
        kept = [month for month in months if (month.month - 1) % step == 0]
        if 0 < len(kept) <= most:
            return _with_years(kept, lambda month: _MONTHS[month.month - 1])
    years = range(begin.year + (begin > datetime.date(begin.year, 1, 1)), end.year + 1)
    if not years:
        return _with_years([end], _of_day)
    step = math.ceil(len(years) / most)
    return [(datetime.date(year, 1, 1).toordinal(), str(year)) for year in years[::step]]


def _of_day(day: datetime.date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]}"


def _with_years(days: Iterable[datetime.date], name: Callable[[datetime.date], str]) -> Ticks:
    found: Ticks = []
    year = 0
    for day in days:
        found.append((day.toordinal(), name(day) + (f"\n{day.year}" if day.year != year else "")))
        year = day.year
    return found


def day_name(day: datetime.date | int) -> str:
    """Such as "25 Nov 2026"."""
    day = datetime.date.fromordinal(day) if isinstance(day, int) else day
    return f"{_of_day(day)} {day.year}"


# --- the value axis ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Up:
    """The span of the vertical axis and the format of its numbers.

    `log`: the ticks are decades; `whole`: the ticks are whole numbers.
    """

    low: float
    high: float
    number: Callable[[float], str] = human
    log: bool = False
    whole: bool = False

    def ticks(self, px: float) -> list[float]:
        """Round values within the axis, some 45 px apart."""
        most = max(2, int(px / 45))
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            step = max(1, -(-(last - first) // most))
            return [10.0**n for n in range(first, last + 1, step)]
        steps = [1, 2, 2.5, 5, 10]
        found = MaxNLocator(most, steps=steps, integer=self.whole).tick_values(self.low, self.high)
        slack = 1e-9 * (self.high - self.low)
        return [tick for tick in found if self.low - slack <= tick <= self.high + slack]

    def labels(self, ticks: Sequence[float]) -> list[str]:
        """The ticks as texts; with every digit where three digits would make two of them alike."""
        found = [self.number(tick) for tick in ticks]
        if len(set(found)) == len(found):
            return found
        return [exact(tick) if abs(tick) >= 1000 else f"{tick:.6g}" for tick in ticks]


def span_up(
    values: Iterable[float],
    number: Callable[[float], str] = human,
    *,
    zero: bool = True,
    log: bool = False,
    whole: bool = False,
    most: float = math.inf,
) -> Up:
    """An axis that holds these values, with some air above; from 0 unless they are far from it.

    Args:
        values: numbers; infinite ones, and those not above 0 on a log axis, are ignored.
        number: formats the ticks.
        zero: always begin at 0.
        log: decades as ticks, two at least.
        whole: ticks at whole numbers only.
        most: the limit of all values, such as 1 for a share.
    """
    valid = [v for v in values if math.isfinite(v) and (v > 0 or not log)]
    low, high = min(valid, default=1.0), max(valid, default=1.0)
    if log:
        low, high = low / 1.4, high * 1.6
        if math.floor(math.log10(high)) - math.ceil(math.log10(low)) < 1:  # two ticks at least
            low, high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high)) * 1.02
        return Up(low, high, number, log=True)
    if high == low:
        low, high = min(0.0, low), max(high, 0.0) or 1.0
    near = zero or low < 0.45 * high
    span = high - (min(0.0, low) if near else low)
    bottom = min(0.0, low - 0.08 * span * (low < 0)) if near else low - 0.12 * span
    return Up(bottom, min(high + 0.08 * span, max(most, high)), number, whole=whole)
