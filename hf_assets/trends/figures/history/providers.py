"""Figures of inference providers over many days: prices of models, and models of providers."""

from collections.abc import Sequence

import polars as pl
from matplotlib.figure import Figure

from hf_assets.charts.axes import span_up
from hf_assets.charts.figure import FigureFunction, figure
from hf_assets.charts.lines import Line, lines_panel, plot_box
from hf_assets.charts.marks import Sheet
from hf_assets.charts.numbers import human, plural
from hf_assets.charts.panels import PALETTE, Box, split
from hf_assets.charts.wording import clean
from hf_assets.hub.providers.schemas import PROVIDER_HISTORY
from hf_assets.trends.figures.day.snapshot import number_of, shortened
from hf_assets.trends.figures.history.history import (
    History,
    Period,
    drawn_from,
    ends_of,
    model_name,
    ordinals,
    period_of,
    series,
)

_SHOWN = 8
_NOTHING = "no day with an answer of the router yet"
_SOURCE = "as Hugging Face's router listed them; a day without an answer is left open"


def _of(frame: pl.DataFrame, of: str) -> pl.DataFrame:
    return frame.filter(pl.col("of") == of).sort("day", maintain_order=True)


def _period(frame: pl.DataFrame) -> Period | None:
    # The rules of `day_quality` are about the Hub's listings: no day is shaded for them.
    return period_of(History.of({}), frame["day"])


def _dollars(value: float) -> str:
    return f"${value:.2f}" if value < 100 else f"${human(value)}"


@figure
def provider_prices(frame: pl.DataFrame) -> Figure:
    """The lowest price of a million output tokens, for the models that most providers serve."""
    title = "Price of a million output tokens"
    models, offers, period = _of(frame, "model"), _of(frame, "offer"), _period(frame)
    priced = models.filter(pl.col("cheapest_output").is_not_null())
    if not period or priced.is_empty():
        return Sheet(title, "", []).message(_NOTHING if not period else "no offer has a price yet")
    days = ordinals(frame)
    best = _most(priced, "model")
    found = series(priced, "model", "cheapest_output", days)
    dearest = series(priced, "model", "dearest_output", days)
    lines = [
        Line(model_name(key), days, found[key], PALETTE[i], _spread(found[key], dearest[key]))
        for i, key in enumerate(best)
    ]
    prices = [v for line in lines for v in line.y if v]
    caption = [
        *period.words,
        drawn_from(PROVIDER_HISTORY, frame.height),
        "the lowest price of the offers of a model; behind its name the lowest and the highest on "
        "the last day",
        _SOURCE,
    ]
    last = models.filter(pl.col("day") == models["day"].max())
    lead = f"{plural(last.height, 'model')} in {plural(int(last['offers'].sum()), 'offer')}; "
    lead += _widest(last)
    sheet = Sheet(title, lead, caption, 560, period.legend())
    upper, lower = split(plot_box(sheet), 340, 220)
    up = span_up(prices, _dollars, log=bool(prices) and max(prices) > 8 * min(prices))
    lines_panel(sheet, upper, period.along, up, lines, "lowest price, by model", step=period.step)
    _by_provider(sheet, lower, period, offers, days)
    return sheet.figure


def _by_provider(
    sheet: Sheet, box: Box, period: Period, offers: pl.DataFrame, days: Sequence[int]
) -> None:
    """The median price of each provider's offers of the models that several of them serve."""
    shared = offers.with_columns(rivals=pl.len().over("day", "model")).filter(pl.col("rivals") > 1)
    against = shared.with_columns(
        ratio=pl.col("price_output") / pl.col("price_output").median().over("day", "model")
    ).filter(pl.col("ratio").is_finite())
    medians = against.group_by("day", "provider", maintain_order=True).agg(
        pl.col("ratio").median(), offers=pl.len()
    )
    found = series(medians, "provider", "ratio", days)
    lines = [
        Line(clean(key), days, found[key], PALETTE[i], f"{ends[1]:.2f} x")
        for i, key in enumerate(_most(medians, "provider"))
        if (ends := ends_of(found[key]))
    ]
    values = [v for line in lines for v in line.y if v is not None]
    up = span_up(values or [1.0], lambda ratio: f"{ratio:.1f} x", zero=False)
    title = "price against the median of the same model's offers, by provider (median)"
    lines_panel(sheet, box, period.along, up, lines, title, step=period.step)


@figure
def provider_models(frame: pl.DataFrame) -> Figure:
    """How many models each inference provider serves, day by day."""
    title = "Models served by inference providers"
    providers, period = _of(frame, "provider"), _period(frame)
    if not period or providers.is_empty():
        return Sheet(title, "", []).message(_NOTHING)
    days = ordinals(frame)
    found = series(providers, "provider", "models", days)
    total = series(_of(frame, "total"), "of", "models", days).get("total", [])
    lines = [
        Line(clean(key), days, found[key], PALETTE[i], human((ends_of(found[key]) or (0, 0))[1]))
        for i, key in enumerate(_most(providers, "provider"))
    ]
    caption = [*period.words, drawn_from(PROVIDER_HISTORY, frame.height), _SOURCE]
    ends = ends_of(total) or (0, 0)
    lead = f"{plural(ends[1], 'model')} on the last day"
    if len(days) > 1:
        lead += f", {human(ends[0])} on the first"
    sheet = Sheet(title, lead, caption, 360, period.legend())
    up = span_up([v for line in lines for v in line.y if v is not None], whole=True)
    lines_panel(sheet, plot_box(sheet), period.along, up, lines, "models", step=period.step)
    return sheet.figure


FIGURES: tuple[FigureFunction[pl.DataFrame], ...] = (provider_prices, provider_models)


def _most(frame: pl.DataFrame, by: str) -> list[str]:
    """The keys with the most offers on the newest day."""
    newest = frame.filter(pl.col("day") == pl.col("day").max())
    return newest.sort("offers", by, descending=[True, False])[by].head(_SHOWN).to_list()


def _spread(low: Sequence[float | None], high: Sequence[float | None]) -> str:
    ends, tops = ends_of(low), ends_of(high)
    if ends is None or tops is None:
        return ""
    return _dollars(ends[1]) + (f" to {_dollars(tops[1])}" if tops[1] > ends[1] else "")


def _widest(last: pl.DataFrame) -> str:
    """The model whose highest price is the most times its lowest."""
    ratio = pl.col("dearest_output") / pl.col("cheapest_output")
    rows = (
        last.with_columns(ratio=ratio)
        .filter(pl.col("ratio").is_finite())
        .sort("ratio", "model", descending=[True, False])
        .head(1)
        .to_dicts()
    )
    if not rows or (times := number_of(rows[0]["ratio"]) or 1) <= 1:
        return "no model has two prices"
    return f"{shortened(clean(rows[0]['model']))} costs up to {times:.1f} times its lowest price"
