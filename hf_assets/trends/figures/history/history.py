"""The data of the figures over many days, with their helpers: periods, captions, series by key."""

import datetime
import functools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from hf_assets.charts.axes import Along, day_name, days_along
from hf_assets.charts.lines import usual_step
from hf_assets.charts.marks import is_narrow
from hf_assets.charts.numbers import MINUS, exact, plural
from hf_assets.charts.panels import MISSING, SHADE
from hf_assets.charts.wording import clean, fit
from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.storage.lake import Lake, MissingDay
from hf_assets.storage.parquet import Table
from hf_assets.trends.figures.day.snapshot import number_of
from hf_assets.trends.lives.risers import RISERS, risers
from hf_assets.trends.series import schemas

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        schemas.CATEGORY_HISTORY, schemas.LIBRARY_HISTORY, schemas.LICENSE_HISTORY,
        schemas.FAMILY_HISTORY,
        schemas.MODEL_HISTORY, schemas.MODEL_PHASES, schemas.ADOPTION_HISTORY,
        schemas.SPACE_USAGE_HISTORY, schemas.CONCENTRATION_HISTORY, schemas.LIFECYCLE, DAY_QUALITY,
        schemas.DATASET_HISTORY, schemas.DATASET_GROUP_HISTORY, schemas.PREDICTION_HISTORY,
        schemas.USED_BY_HISTORY,
    )
}  # fmt: skip
Rows = list[dict[str, Any]]
INTERPOLATED = "days not trusted: interpolated between trusted days, or left open"


@dataclass(frozen=True)
class History:
    """The series by the name of their table, unread, each with all columns of its table.

    Attributes:
        frames: of `model_phases` the models of `model_history` alone.
        risers: the strongest among all models (`trends.lives.risers`).
    """

    frames: Mapping[str, pl.LazyFrame]
    risers: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RISERS), compare=False)

    @classmethod
    def of(
        cls,
        frames: Mapping[str, pl.DataFrame | pl.LazyFrame],
        risers: pl.DataFrame | None = None,
    ) -> "History":
        """From the given tables: a missing table or column is empty."""
        found = {}
        for name, table in TABLES.items():
            frame = frames.get(name, pl.DataFrame(schema=table.schema)).lazy()
            have = frame.collect_schema().names()
            found[name] = frame.select(
                (pl.col(column) if column in have else pl.lit(None))
                .cast(dtype, strict=False)
                .alias(column)
                for column, dtype in table.schema.items()
            )
        return cls(found) if risers is None else cls(found, risers)

    @functools.cached_property
    def days(self) -> pl.DataFrame:
        """`day_quality`, in order."""
        days = self.frames[DAY_QUALITY.name].filter(pl.col("day").is_not_null())
        return days.sort("day").collect()

    def rows(self, table: Table, *where: pl.Expr) -> pl.DataFrame:
        """The rows of a series that meet every condition, by day."""
        rows = self.frames[table.name].filter(pl.lit(True), *where)
        by_day = rows.sort("day", maintain_order=True) if "day" in table.columns else rows
        return by_day.collect()


def read_history(lake: Lake) -> History:
    """The series of a lake, those by month unread; those never materialised are empty."""
    found: dict[str, pl.DataFrame | pl.LazyFrame] = {}
    for name in TABLES:
        # Other processes draw figures.
        with suppress(MissingDay):
            stored = lake.read(name, None)
            shown = name != schemas.MODEL_PHASES.name
            found[name] = stored.sendable if shown else _of_first_thousand(lake, stored.frame)
    return History.of(found, risers(lake))


def _of_first_thousand(lake: Lake, phases: pl.LazyFrame) -> pl.DataFrame:
    """The rows of models that were ever among a day's first thousand: of all, they are too many."""
    models = lake.read(schemas.MODEL_HISTORY.name, None).frame.select("hub_id").unique()
    return phases.join(models, on="hub_id", how="semi", maintain_order="left").collect()


def last_trusted_day(frame: pl.LazyFrame) -> datetime.date | None:
    """The newest trusted day of a series; its newest day where none is trusted."""
    days = frame.filter(pl.col("day").is_not_null()).select("day", "trusted").unique().collect()
    trusted = days.filter(pl.col("trusted").fill_null(False))
    return max((trusted if trusted.height else days)["day"], default=None)


# --- days ----------------------------------------------------------------------------------------


class Period(NamedTuple):
    """The days that a figure shows.

    Attributes:
        first, last: as ordinals.
        step: the usual distance of two days.
        shaded: stretches of days that are not trusted.
        missing: stretches of days without rows; none where the step is longer than a day.
        words: the caption's words on them.
    """

    first: int
    last: int
    step: float
    shaded: list[tuple[float, float]]
    missing: list[tuple[float, float]]
    words: list[str]

    @property
    def along(self) -> Along:
        """The axis of those days."""
        return days_along(self.first, self.last, self.shaded, self.missing)

    def legend(self, not_trusted: str = INTERPOLATED) -> list[tuple[str, str]]:
        """The key to the shading, where there is any; `not_trusted` names untrusted days."""
        keys = ((SHADE, not_trusted, self.shaded), (MISSING, "missing days", self.missing))
        return [(color, words) for color, words, days in keys if days]


def period_of(
    h: History, days: Iterable[datetime.date], *, of_datasets: bool = False
) -> Period | None:
    """The days of a series, with their gaps and flags; None where it has none.

    Args:
        h: the history.
        days: of the series.
        of_datasets: the flags are those of the days' datasets.
    """
    shown = sorted({day.toordinal() for day in days if day})
    if not shown:
        return None
    first, last = shown[0], shown[-1]
    flags = h.days
    if of_datasets:
        flags = flags.with_columns(trusted="datasets_trusted", gap=pl.col("datasets").is_null())
    rows = [row for row in flags.to_dicts() if first <= row["day"].toordinal() <= last]
    flagged = [row["day"].toordinal() for row in rows if row["trusted"] is False
               and not row["gap"]]  # fmt: skip
    step = usual_step(shown)
    absent = set(range(first, last + 1)) - set(shown) - set(flagged)
    missing = sorted(absent) if step == 1 else []
    span = day_name(first) if first == last else f"{day_name(first)} to {day_name(last)}"
    counted = plural(len(shown), "day", number=exact)
    if missing:
        counted += f", {exact(len(missing))} missing"
    if flagged:
        counted += f", {exact(len(flagged))} not trusted"
    words = [f"{span}: {counted}", *filter(None, [sources(rows)])]
    return Period(first, last, step, _stretches(flagged), _stretches(missing), words)


def _stretches(days: Iterable[int]) -> list[tuple[float, float]]:
    """Neighbouring days joined, half a day on either side."""
    found: list[tuple[float, float]] = []
    for day in days:
        if found and day - found[-1][1] <= 0.5:
            found[-1] = (found[-1][0], day + 0.5)
        else:
            found.append((day - 0.5, day + 0.5))
    return found


def sources(days: Sequence[Mapping[str, Any]]) -> str:
    """The sources of these rows of `day_quality`, such as "hub-stats (46), captured (12)"."""
    counted = Counter(_source(row) for row in days if row["source"])
    if len(counted) == 1:
        return next(iter(counted))
    return ", ".join(f"{name} ({exact(count)})" for name, count in counted.most_common(4))


def is_embedded(row: Mapping[str, Any]) -> bool:
    """Whether a day of `day_quality` was captured from an embedded Hub."""
    loopback = ("127.0.0.1", "localhost", "[::1]")
    return row["source"] == "captured" and _host(row).startswith(loopback)


def _host(row: Mapping[str, Any]) -> str:
    return clean(str(row["origin"] or "")).split("://")[-1].split("/")[0]


def _source(row: Mapping[str, Any]) -> str:
    if is_embedded(row):
        return "captured from an embedded Hub"
    if row["source"] == "captured":
        host = _host(row)
        return f"captured from {fit(host, 8.5, 200)}" if host and host != "(blank)" else "captured"
    if row["source"] == "folder":
        return "recorded files"
    return fit(clean(str(row["source"])), 8.5, 160)


def drawn_from(table: Table, rows: int) -> str:
    """Such as "category_history: 2 880 rows"."""
    return f"{table.name}: {plural(rows, 'row', number=exact)}"


# --- series --------------------------------------------------------------------------------------


def ordinals(frame: pl.DataFrame) -> list[int]:
    """The distinct days of a frame, in order."""
    return [day.toordinal() for day in frame["day"].unique().sort() if day]


def series(
    frame: pl.DataFrame, by: str, value: str, days: Sequence[int]
) -> dict[Any, list[float | None]]:
    """For each key of column `by` its values on those days; None where it has none."""
    index = {day: i for i, day in enumerate(days)}
    found: dict[Any, list[float | None]] = {}
    for day, key, number in frame.select("day", by, value).iter_rows():
        if day and day.toordinal() in index:
            values = found.setdefault(key, [None] * len(days))
            values[index[day.toordinal()]] = number_of(number)
    return found


def ends_of(values: Sequence[float | None]) -> tuple[float, float] | None:
    """The first and the last value that is not None."""
    known = [value for value in values if value is not None]
    return (known[0], known[-1]) if known else None


def lives(values: Sequence[float | None]) -> bool:
    """Whether there is a value in the last tenth of the days."""
    return any(value is not None for value in values[-max(1, math.ceil(len(values) / 10)) :])


def model_name(id: str | None) -> str:
    """A model's id made inert; on a page for phones without its author, which takes half of it."""
    name = clean(id or "")
    return name.partition("/")[2] or name if is_narrow() else name


def signed(value: float, digits: int = 1) -> str:
    """Such as "+1.2" or "0.0"."""
    text = f"{value:+.{digits}f}"
    return text[1:] if not float(text) else text.replace("-", MINUS)


def grown(rate: float | None) -> str:
    """A growth for people: +3.4%, +12%, +1 240%; empty where unknown."""
    rate = number_of(rate)
    if rate is None:
        return ""
    size = abs(100 * rate)
    if size >= 9.95:
        return f"{MINUS if rate < 0 else '+'}{exact(size)}%"
    return signed(100 * rate) + "%"
