"""All figures of many days, drawn."""

from collections.abc import Callable

from matplotlib.figure import Figure

from hf_assets.charts.saving import Rendered, render
from hf_assets.trends.figures.history import adoption, days, hub, models
from hf_assets.trends.figures.history.history import TREND_FIGURES, History

# Importing these modules is what fills TREND_FIGURES; they are shown in this order.
SOURCES = (hub, models, adoption, days)


def every_figure() -> dict[str, Callable[[History], Figure]]:
    """All figures of many days by name, in the order in which to show them."""
    return {
        name: figure
        for source in SOURCES
        for name, figure in TREND_FIGURES.items()
        if figure.__module__ == source.__name__
    }


def draw_trends(history: History) -> dict[str, Rendered]:
    """Every figure of a history, by name."""
    return {name: render(figure(history)) for name, figure in every_figure().items()}
