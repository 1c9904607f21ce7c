"""The models whose downloads rose or fell most in a week, as data and as two figures."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import polars as pl
from matplotlib.figure import Figure

from hf_assets.charts.figure import figure
from hf_assets.charts.ledger import Cell, Head, Spark, ledger, ledger_height
from hf_assets.charts.lines import plot_box
from hf_assets.charts.marks import MUTED, Sheet, is_narrow
from hf_assets.charts.numbers import exact, human, plural
from hf_assets.charts.panels import DOWN, UP
from hf_assets.charts.wording import clean
from hf_assets.trends.figures.day.snapshot import shortened
from hf_assets.trends.figures.history.history import (
    History,
    grown,
    last_trusted_day,
    model_name,
    ordinals,
    period_of,
    series,
)
from hf_assets.trends.lives.model_phases import FLOOR
from hf_assets.trends.series.schemas import MODEL_HISTORY
from hf_assets.trends.spikes import MOST_IF_NEW, MOST_OF_WEEK, NEW_DAYS, spikes

_ROWS = 17
_SPIKES = 5  # spikes listed below the risers
BASE = 10_000  # downloads a week ago below which a growth says little
_SPARK_DAYS = 56
_APART = 40  # px from the risers to the table of spikes
_NO_RISERS = (
    f"one-day spikes, no risers: more than {MOST_OF_WEEK:.0%} of the week's downloads on a single "
    f"day, {MOST_IF_NEW:.0%} of a model younger than {NEW_DAYS} days"
)


@dataclass(frozen=True)
class Mover:
    """A model with its downloads of the last 30 days, now and a week ago.

    Attributes:
        id: author/name, as the Hub serves it.
        category: the Hub's `pipeline_tag`, None where it gives none.
        growth: over 7 days; 0.1 is a tenth more.
        past: downloads on each of `Movers.days`; None where unknown.
    """

    id: str
    category: str | None
    week_ago: float
    now: float
    growth: float
    past: list[float | None]


@dataclass(frozen=True)
class Movers:
    """The risers or the fallers of a week, the strongest first; `missing` says why there are none.

    Attributes:
        every: of all models, not of the first thousand alone.
        of: models with a base, whether they rose or fell.
        count: those of them that moved in this direction.
        days: the days of `Mover.past`, as ordinals.
        spiking: how many rose by a single day of the week alone; they are no risers.
        spikes: the strongest of those.
    """

    rising: bool
    caption: list[str]
    missing: str = ""
    of: int = 0
    count: int = 0
    days: list[int] = field(default_factory=list)
    rows: list[Mover] = field(default_factory=list)
    spiking: int = 0
    spikes: list[Mover] = field(default_factory=list)
    every: bool = False

    @property
    def title(self) -> str:
        """The figure's title."""
        if self.every:
            return "Risers of the week among all models"
        return "Risers of the week" if self.rising else "Fallers of the week"

    @property
    def spikes_title(self) -> str:
        """The heading of the spikes."""
        return f"{plural(self.spiking, 'one-day spike', number=exact)}, left out above"

    def finding(self, name: Callable[[str], str] = shortened) -> str:
        """Who moved most, and how many moved this way; of movers with rows."""
        first, verb = self.rows[0], "rose" if self.rising else "fell"
        lead = f"{name(clean(first.id))} {verb} most, {grown(first.growth)} to "
        lead += f"{human(first.now)} downloads; {exact(self.count)} of "
        return lead + f"{plural(self.of, 'model', number=exact)} {verb}"


def growths(models: pl.LazyFrame, day: datetime.date) -> pl.DataFrame:
    """The models of a day with a growth over 7 days.

    `base` is their downloads a week ago; `spike` marks a week that is a single day
    (`trends.spikes`).
    """
    rows = models.filter(pl.col("day") == day, pl.col("growth_7").is_finite()).collect()
    spike = pl.col("hub_id").is_in(spikes(models, day)["hub_id"].implode())
    return rows.with_columns(
        base=pl.col("downloads") / (1 + pl.col("growth_7")), spike=spike.fill_null(value=False)
    )


def movers(growths: pl.DataFrame, *, rising: bool, spikes: bool = False) -> pl.DataFrame:
    """Of those, the models that moved in this direction from a base, the strongest first.

    Models that rose by a one-day spike are no risers: they are returned if `spikes`, alone.
    """
    rose = pl.col("growth_7") > 0
    moved = rose & (pl.col("spike") == spikes) if rising else pl.col("growth_7") < 0
    side = growths.filter(pl.col("base") >= BASE, moved)
    return side.sort("growth_7", "hub_id", descending=[rising, False])


def weekly_movers(h: History, *, rising: bool) -> Movers:
    """The risers or the fallers up to the newest trusted day."""
    models = h.frames[MODEL_HISTORY.name]
    last = last_trusted_day(models)
    if last is None:
        return Movers(rising, [], "no models yet")
    grown_models = growths(models, last)
    side = movers(grown_models, rising=rising)
    best, spiking = side.head(_ROWS), movers(grown_models, rising=True, spikes=True)
    if not best.height:
        period = period_of(h, [last])
        missing = "no two days a week apart yet"
        if grown_models.height:
            missing = f"no model with {human(BASE)} downloads {'rose' if rising else 'fell'}"
        if rising and spiking.height:
            missing += f" but {plural(spiking.height, 'one-day spike', number=exact)}"
        return Movers(rising, period.words if period else [], missing)
    shown = pl.concat([best, spiking.head(_SPIKES if rising else 0)])
    past = models.filter(pl.col("hub_id").is_in(shown["hub_id"].to_list()),
                         pl.col("day") > last - pl.duration(days=_SPARK_DAYS),
                         pl.col("day") <= last).collect()  # fmt: skip
    days, period = ordinals(past), period_of(h, past["day"])
    levels = series(past, "hub_id", "downloads", days)
    based = grown_models.filter((pl.col("base") >= BASE) & (pl.col("growth_7") != 0)).height
    caption = [
        *(period.words if period else []),
        f"{plural(based, 'model', number=exact)} of the first 1000 with {human(BASE)} "
        "downloads or more a week ago",
        "downloads in the last 30 days; each small line has its own scale, from 0",
    ]
    rows = [
        Mover(
            row["id"] or "", row["category"], row["base"], row["downloads"], row["growth_7"],
            levels[row["hub_id"]],
        )
        for row in shown.to_dicts()
    ]  # fmt: skip
    rows, listed = rows[: best.height], rows[best.height :]
    count = spiking.height if rising else 0
    if count:
        caption.append(_NO_RISERS)
    return Movers(rising, caption, "", based, side.height, days, rows, count, listed)


def all_risers(h: History) -> Movers:
    """The risers up to the newest trusted day, of all models with a hundred downloads before."""
    if not h.risers.height:
        return Movers(True, [], "no growth of all models yet", every=True)
    past = h.risers.explode("past").drop_nulls("past")
    past = past.select("hub_id", level="past").unnest("level")
    days, first = ordinals(past), h.risers.row(0, named=True)
    levels, unknown = series(past, "hub_id", "downloads", days), [None] * len(days)
    rows = {
        spike: [
            Mover(
                row["id"] or "", row["category"], row["base"], row["downloads"], row["growth_7"],
                levels.get(row["hub_id"], unknown),
            )
            for row in h.risers.filter(pl.col("spike") == spike).to_dicts()
        ]
        for spike in (False, True)
    }  # fmt: skip
    period = period_of(h, past["day"])
    caption = [
        *(period.words if period else []),
        f"{plural(first['of'], 'model', number=exact)} of all with {human(FLOOR)} downloads or "
        "more a week ago",
        "downloads in the last 30 days; each small line has its own scale, from 0",
        *([_NO_RISERS] if first["spiking"] else []),
    ]
    missing = "" if rows[False] else "no model rose, but for one-day spikes"
    return Movers(
        True, caption, missing, first["of"], first["rose"], days, rows[False], first["spiking"],
        rows[True], every=True,
    )  # fmt: skip


@figure
def risers_of_all(h: History) -> Figure:
    """The models whose downloads grew most in a week, of all with a hundred a week before."""
    return _draw(all_risers(h))


@figure
def risers(h: History) -> Figure:
    """The models whose downloads grew most in a week, of those that had a base."""
    return _draw(weekly_movers(h, rising=True))


@figure
def fallers(h: History) -> Figure:
    """The models whose downloads fell most in a week, of those that had a base."""
    return _draw(weekly_movers(h, rising=False))


def _draw(week: Movers) -> Figure:
    if not week.rows:
        return Sheet(week.title, "", week.caption).message(week.missing)
    color = UP if week.rising else DOWN
    rows = _cells(week, week.rows, color)
    back = "" if is_narrow() else f", {plural(week.days[-1] - week.days[0] + 1, 'day')}"
    heads = (
        Head("model", 0.36), Head("category", 0.2, wide=True), Head(f"downloads{back}", 0.2),
        Head("a week ago", 0.11, "right", wide=True), Head("now", 0.12, "right"),
        Head("change", 0.12, "right"),
    )  # fmt: skip
    deep = ledger_height(len(rows)) - 40
    if week.spikes:
        deep += ledger_height(len(week.spikes)) + _APART
    sheet = Sheet(week.title, week.finding(), week.caption, deep)
    box = plot_box(sheet)
    ledger(sheet, box, heads, rows)
    if week.spikes:
        top = box.top + ledger_height(len(rows)) + _APART
        sheet.text(box.left, top - 4, week.spikes_title, 10.5, bold=True)
        ledger(sheet, box._replace(top=top), heads, _cells(week, week.spikes, MUTED))
    return sheet.figure


def _cells(week: Movers, rows: Sequence[Mover], color: str) -> list[list[Cell | Spark]]:
    return [
        [
            Cell(model_name(row.id), bold=i < 3),
            Cell(clean(row.category or "none given"), MUTED),
            Spark(week.days, row.past, color),
            Cell(human(row.week_ago), MUTED),
            Cell(human(row.now)),
            Cell(grown(row.growth), color, bold=True),
        ]
        for i, row in enumerate(rows)
    ]
