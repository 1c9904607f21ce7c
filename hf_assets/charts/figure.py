"""The decorator of functions that draw one figure."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, TypeVar

from matplotlib.figure import Figure

from hf_assets.charts.marks import house_style

Data = TypeVar("Data")


class FigureFunction(Generic[Data]):
    """A function from data to a matplotlib figure, drawn in the house style.

    Attributes:
        name: the function's name, which is also the name of the figure's files.
    """

    def __init__(self, draw: Callable[[Data], Figure]) -> None:
        update_wrapper(self, draw)
        self.name = getattr(draw, "__name__", type(draw).__name__)
        self._draw = draw

    def __call__(self, data: Data) -> Figure:
        """Draw the figure of this data."""
        with house_style():
            return self._draw(data)


def figure(draw: Callable[[Data], Figure]) -> FigureFunction[Data]:
    """Draw what this function draws in the house style; `trends.figures.registry` lists it."""
    return FigureFunction(draw)
