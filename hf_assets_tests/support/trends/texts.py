"""The texts of a figure, and a check that each can be read."""

import itertools
import warnings
from collections.abc import Callable

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from hf_assets.charts import marks


def texts(made: Figure) -> list[Text]:
    found = [*made.texts]
    for axes in made.axes:
        found += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
        found += [*axes.get_xticklabels(), *axes.get_yticklabels()]
    return [text for text in found if text.get_text() and text.get_visible()]


def words(made: Figure) -> str:
    return "\n".join(text.get_text() for text in texts(made)).replace("\u00a0", " ")


def check_texts(make: Callable[[], Figure]) -> Figure:
    """Every text lies on the sheet, is inert, and covers no other; the figure, laid out."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = make()
        with marks.house_style():
            # Lays out as drawing does, without the pixels, which take half the time.
            made.draw_without_rendering()
            canvas = FigureCanvasAgg(made)
            renderer = canvas.get_renderer()
            boxes = [(text.get_window_extent(renderer), text) for text in texts(made)]
    width, height = canvas.get_width_height()
    assert boxes
    for box, text in boxes:
        said = text.get_text()
        assert not text.get_parse_math(), said
        assert "e+" not in said, said
        assert box.x0 >= 0 <= box.y0, (said, box)
        assert box.x1 <= width + 0.5, (said, box)
        assert box.y1 <= height, (said, box)
    # A line's box has the font's leading above and below its ink: 2 px each may touch.
    for (one, a), (two, b) in itertools.combinations(boxes, 2):
        across = min(one.x1, two.x1) - max(one.x0, two.x0)
        along = min(one.y1, two.y1) - max(one.y0, two.y0)
        assert across <= 1 or along <= 4, (a.get_text(), b.get_text())
    return made
