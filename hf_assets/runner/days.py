"""Ranges of days, as a person types them."""

from datetime import date, timedelta


def parse_range(text: str, first: date, last: date, last_is: str = "today") -> list[str]:
    """The partition keys of `2026-11-01...2026-11-30`, or of one day.

    Args:
        text: first and last day with three dots between, or one day.
        first: the earliest day that can be asked for.
        last: the latest.
        last_is: what day that is, in words.

    Raises:
        ValueError: no such range, or days outside; the message says which.
    """
    ends = text.split("...")
    try:
        begin, end = (date.fromisoformat(day) for day in (ends[0], ends[-1]))
    except ValueError:
        begin = end = None
    if begin is None or end is None or len(ends) > 2:
        raise ValueError(f"{text!r} is no range of days: 2026-11-01...2026-11-30, or one day")
    if begin > end:
        raise ValueError(f"{begin} is after {end}")
    if begin < first:
        raise ValueError(f"{begin} is before {first}, the first day (HF_ASSETS_FIRST_DAY)")
    if end > last:
        raise ValueError(f"{end} is after {last}, {last_is} (UTC)")
    return [f"{begin + timedelta(number)}" for number in range((end - begin).days + 1)]
