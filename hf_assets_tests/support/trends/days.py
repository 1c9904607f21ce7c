"""Days written by hand into a lake: aggregates, changes, and their rows in `day_quality`."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from hf_assets.hub.quality.schemas import DAILY_CHANGES, DAY_QUALITY
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.storage.parquet import Table
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets.trends.series.past import Past

Row = dict[str, Any]
FIRST = dt.date(2025, 3, 1)


def day(number: int) -> dt.date:
    """The first day is 0."""
    return FIRST + dt.timedelta(number)


def verdict(number: int, **said: Any) -> Row:
    """A captured day, compared with the one before it, trusted."""
    before = said.pop("before", number - 1)
    return {
        "day": day(number),
        "source": "captured",
        "before": None if before is None or number == 0 else day(before),
        "hours": None if before is None or number == 0 else 24.0 * (number - before),
        "trusted": True,
        **said,
    }


def write(lake: Lake, table: Table, key: str | None, rows: Iterable[Row]) -> None:
    frame = pl.DataFrame(list(rows), schema=dict(table.schema))
    lake.write(table, key, TableWrite(frames=[frame]))


def judge(lake: Lake, verdicts: Iterable[Row]) -> None:
    write(lake, DAY_QUALITY, None, verdicts)


def kept(
    lake: Lake, days: Mapping[int, list[Row]], untrusted: Iterable[int] = (), **said: Mapping
) -> Past:
    """Days of `daily_metrics` by number, each compared with the last; `said` by column and day."""
    numbers, bad = sorted(days), set(untrusted)
    befores = dict(zip(numbers, [None, *numbers], strict=False))
    judge(
        lake,
        (
            verdict(
                one,
                **{"before": befores[one], "trusted": one not in bad}
                | {column: by_day[one] for column, by_day in said.items() if one in by_day},
            )
            for one in numbers
        ),
    )
    for number, rows in days.items():
        made = [{"day": day(number), **row} for row in rows]
        write(lake, DAILY_METRICS, day(number).isoformat(), made)
    return Past(lake)


def category(key: str | None, downloads: int | None, **more: Any) -> Row:
    return {"dimension": "category", "key": key, "rank": 1, "rows": 1, "downloads": downloads,
            "likes": 1, **more}  # fmt: skip


def model(number: int, downloads: int | None, **more: Any) -> Row:
    return {"dimension": "model", "hub_id": f"id{number:04d}", "key": f"a/m{number}", "rank": 1,
            "rows": 1, "downloads": downloads, "category": "text", **more}  # fmt: skip


def plain(downloads: Mapping[int, int | None], **more: Any) -> dict[int, list[dict[str, Any]]]:
    """One category with those downloads by day."""
    return {at: [category("text", level, **more)] for at, level in downloads.items()}


def changes(lake: Lake, number: int, rows: Iterable[Row], before: int | None = None) -> None:
    """A day of `daily_changes`, a day after the last unless said."""
    last = number - 1 if before is None else before
    said = {"day": day(number), "before": None if number == 0 else day(last),
            "hours": None if number == 0 else 24.0 * (number - last)}  # fmt: skip
    write(lake, DAILY_CHANGES, day(number).isoformat(), [{**said, **row} for row in rows])


def frame_of(made: TableWrite) -> pl.DataFrame:
    made.frames = list(made.frames)  # they may come once
    return pl.concat(made.frames, how="diagonal")


def column(made: TableWrite | pl.DataFrame, name: str, key: str | None = None) -> dict[int, Any]:
    """The values of a column by day number, of one key."""
    frame = made if isinstance(made, pl.DataFrame) else frame_of(made)
    if key is not None:
        frame = frame.filter(pl.col("key" if "key" in frame.columns else "hub_id") == key)
    return {(at - FIRST).days: value for at, value in frame.select("day", name).iter_rows()}
