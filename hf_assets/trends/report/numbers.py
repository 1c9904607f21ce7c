"""The report's summary: numbers, each with the asset and the day that it is from."""

import datetime
from collections.abc import Iterable
from typing import Any, NamedTuple

import polars as pl

from hf_assets.charts.axes import day_name
from hf_assets.charts.numbers import exact, human, percent, plural
from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.trends.figures.day.snapshot import number_of
from hf_assets.trends.figures.history.families import RELATIONS
from hf_assets.trends.figures.history.history import History, grown, signed, sources
from hf_assets.trends.figures.history.movers import growths, movers
from hf_assets.trends.series.schemas import (
    CONCENTRATION_HISTORY,
    FAMILY_HISTORY,
    LIFECYCLE,
    MODEL_HISTORY,
    USED_BY_HISTORY,
)

WEEK = 7
FLAGGED_ROWS = 60  # days in the report's table; all are in `day_quality`


class Number(NamedTuple):
    """A number with its label, a comparison, and the asset and day that it is from."""

    label: str
    value: str
    note: str
    trace: str


class FlaggedDay(NamedTuple):
    """A day that is missing or has a flag."""

    day: str
    what: str
    source: str
    models: str
    downloads: str


def newest_trusted(h: History) -> datetime.date | None:
    """The newest day of `day_quality` that is trusted."""
    return max(h.days.filter(pl.col("trusted").fill_null(False))["day"], default=None)


def numbers(h: History) -> list[Number]:
    """The summary of the newest trusted day and of the week before it.

    Only days of the same coverage are compared: a folder's lists are no smaller Hub.
    """
    day = newest_trusted(h)
    if day is None:
        return []
    by_day = {row["day"]: row for row in h.days.to_dicts() if row["trusted"]}
    earlier = [one for one in _same_coverage(h, day) if one in by_day and (day - one).days >= WEEK]
    before = by_day[max(earlier)] if earlier else None
    at = f"{DAY_QUALITY.name}, {day}"
    summary = [
        _counted(said, by_day[day], before, column, at)
        for column, said in (
            ("models", "models listed"),
            ("downloads", "downloads in the last 30 days"),
            ("spaces", "Spaces listed"),
        )
    ]
    summary.append(_datasets(by_day[day], before, at))
    summary += [_created(h, day), _held(h, day), _derived(h, day), _training_data(h, day)]
    summary += [_mover(h, day, rising=True), _mover(h, day, rising=False), _trusted(h)]
    return [number for number in summary if number is not None]


def _same_coverage(h: History, day: datetime.date) -> list[datetime.date]:
    """The days of the same coverage as this day."""
    of_day = h.days.filter(pl.col("day") == day)["coverage"][0]
    same = pl.col("coverage").eq_missing(pl.lit(of_day, pl.String))
    return h.days.filter(same)["day"].to_list()


def _counted(
    label: str, row: dict[str, Any], before: dict[str, Any] | None, column: str, at: str
) -> Number | None:
    value = number_of(row[column])
    if value is None:
        return None
    old = number_of(before[column]) if before else None
    note = ""
    if before and old:
        back = (row["day"] - before["day"]).days
        note = f"{grown(value / old - 1)} in {plural(back, 'day')}"
    return Number(label, human(value), note, at)


def _datasets(row: dict[str, Any], before: dict[str, Any] | None, at: str) -> Number | None:
    """The datasets of a day on which those are trusted, too."""
    if not row["datasets_trusted"]:
        return None
    comparable = before is not None and before["datasets_trusted"]
    comparable = comparable and row["datasets_coverage"] == before["datasets_coverage"]
    return _counted("datasets listed", row, before if comparable else None, "datasets", at)


def _created(h: History, day: datetime.date) -> Number | None:
    rows = h.rows(LIFECYCLE, pl.col("day") > day - datetime.timedelta(WEEK), pl.col("day") <= day,
                  pl.col("trusted"), pl.col("days_spanned") > 0,
                  pl.col("created").is_not_null())  # fmt: skip
    spanned = float(rows["days_spanned"].sum())
    if not rows.height or not spanned:
        return None
    rate = WEEK * int(rows["created"].sum()) / spanned
    note = f"from {plural(round(spanned, 1), 'day')} really spanned"
    return Number("new models a week", human(round(rate)), note, f"{LIFECYCLE.name}, to {day}")


def _held(h: History, day: datetime.date) -> Number | None:
    rows = h.rows(CONCENTRATION_HISTORY, pl.col("of") == "models", pl.col("day") <= day,
                  pl.col("day").is_in(_same_coverage(h, day)))  # fmt: skip
    rows = rows.filter(pl.col("top_10").is_finite())
    if not rows.height:
        return None
    first, last = rows.row(0, named=True), rows.row(-1, named=True)
    note = ""
    if first["day"] != last["day"]:
        change = signed(100 * (last["top_10"] - first["top_10"]))
        note = f"{change} points since {day_name(first['day'])}"
    return Number("of the downloads go to the first ten models", percent(last["top_10"], 1), note,
                  f"{CONCENTRATION_HISTORY.name}, {last['day']}")  # fmt: skip


def _derived(h: History, day: datetime.date) -> Number | None:
    rows = h.rows(FAMILY_HISTORY, pl.col("of") == "relation", pl.col("key").is_in([*RELATIONS]),
                  pl.col("day") <= day, pl.col("day").is_in(_same_coverage(h, day)),
                  pl.col("share_downloads").is_finite())  # fmt: skip
    by_day = rows.group_by("day").agg(pl.col("share_downloads").sum()).sort("day")
    if not by_day.height:
        return None
    (first, before), (last, now) = by_day.row(0), by_day.row(-1)
    note = ""
    if first != last:
        note = f"{signed(100 * (now - before))} points since {day_name(first)}"
    return Number("of the downloads go to models made from other models", percent(now, 1), note,
                  f"{FAMILY_HISTORY.name}, {last}")  # fmt: skip


def _training_data(h: History, day: datetime.date) -> Number | None:
    rows = h.rows(USED_BY_HISTORY, pl.col("of") == "training_data", pl.col("day") == day)
    share = number_of(rows["share_models"][0]) if rows.height else None
    if share is None:
        return None
    downloads = number_of(rows["share_downloads"][0])
    note = "" if downloads is None else f"with {percent(downloads, 1)} of the downloads"
    label = "of the models name their training data"
    return Number(label, percent(share, 1), note, f"{USED_BY_HISTORY.name}, {day}")


def _mover(h: History, day: datetime.date, *, rising: bool) -> Number | None:
    rows = movers(growths(h.frames[MODEL_HISTORY.name], day), rising=rising)
    if not rows.height:
        return None
    one = rows.row(0, named=True)
    label = f"downloads of the first {'riser' if rising else 'faller'} of the week"
    return Number(label, grown(one["growth_7"]), one["id"] or "", f"{MODEL_HISTORY.name}, {day}")


def _trusted(h: History) -> Number:
    good = int(h.days["trusted"].fill_null(False).sum())
    missing = int(h.days["gap"].fill_null(False).sum())
    note = f"of {exact(h.days.height)}" + (f"; {exact(missing)} missing" if missing else "")
    return Number("days that can be trusted", exact(good), note, DAY_QUALITY.name)


def flagged_days(h: History) -> tuple[list[FlaggedDay], int]:
    """Days with a flag, newest first, and the number of those that do not fit."""
    rows = [row for row in h.days.to_dicts()[::-1] if row["flags"] or row["trusted"] is False]
    shown = [
        FlaggedDay(
            str(row["day"]),
            _words([*(row["flags"] or []), *(row["schema_changes"] or [])]) or "not trusted",
            sources([row]),
            "" if row["models"] is None else exact(row["models"]),
            "" if row["downloads"] is None else human(row["downloads"]),
        )
        for row in rows[:FLAGGED_ROWS]
    ]
    return shown, len(rows) - len(shown)


def _words(flags: Iterable[str]) -> str:
    words = {"gap": "missing", "short": "under 18 hours after the last"}
    return ", ".join(words.get(flag, flag.replace("_", " ")) for flag in flags)
