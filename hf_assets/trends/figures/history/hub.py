"""Figures of the whole Hub over many days: shares, licences, new models, concentration, Spaces."""

from collections.abc import Sequence

import polars as pl
from matplotlib.figure import Figure

from hf_assets.charts.axes import span_up
from hf_assets.charts.figure import figure
from hf_assets.charts.lines import Line, lines_panel, plot_box
from hf_assets.charts.marks import MUTED, Sheet, is_narrow
from hf_assets.charts.numbers import exact, human, percent, plural
from hf_assets.charts.panels import DOWN, PALETTE, UP, below, beside, split
from hf_assets.charts.wording import clean
from hf_assets.trends.figures.day.snapshot import number_of, shortened
from hf_assets.trends.figures.history.history import (
    History,
    drawn_from,
    ends_of,
    lives,
    model_name,
    ordinals,
    period_of,
    series,
    signed,
)
from hf_assets.trends.figures.history.shares import BEHIND, in_percent, moved, nothing, over_time
from hf_assets.trends.series.schemas import (
    CATEGORY_HISTORY,
    CONCENTRATION_HISTORY,
    LIBRARY_HISTORY,
    LICENSE_HISTORY,
    SPACE_USAGE_HISTORY,
)


@figure
def category_shares(h: History) -> Figure:
    """Share of downloads and of models in each category, day by day."""
    frame = h.rows(CATEGORY_HISTORY)
    return over_time(h, CATEGORY_HISTORY, frame, "Categories over time", "categories")


@figure
def library_shares(h: History) -> Figure:
    """Share of downloads and of models made for each library, day by day."""
    frame = h.rows(LIBRARY_HISTORY)
    return over_time(h, LIBRARY_HISTORY, frame, "Libraries over time", "libraries")


# --- licences ------------------------------------------------------------------------------------

_GROUPS = {
    "permissive": "permissive", "openrail": "OpenRAIL", "copyleft": "copyleft",
    "restricted": "other, with restrictions", "none": "none given",
}  # fmt: skip


@figure
def license_mix(h: History) -> Figure:
    """Share of downloads and of models under each kind of licence, day by day."""
    frame = h.rows(LICENSE_HISTORY, pl.col("of") == "group")
    # Models without a licence are a group of the metrics, and the grey layer on top here.
    frame = frame.with_columns(pl.col("key").replace("none", None))
    return over_time(h, LICENSE_HISTORY, frame, "Licences over time", "kinds of licence",
                      keys=list(_GROUPS)[:-1], names=_GROUPS)  # fmt: skip


@figure
def license_drift(h: History) -> Figure:
    """How often a derivative's licence is looser, or stricter, than its base model's."""
    title = "Are derivatives licensed more loosely than their base models?"
    frame = h.rows(LICENSE_HISTORY, pl.col("of") == "against_base")
    days, period = ordinals(frame), period_of(h, frame["day"])
    panels = {}
    for words, column in (("of derivatives, by number", "rows"),
                         ("of derivatives, by downloads", "downloads")):  # fmt: skip
        found = series(frame, "key", column, days)
        wholes = [
            sum(found.get(key, [0] * len(days))[i] or 0 for key in ("looser", "same", "stricter"))
            for i in range(len(days))
        ]
        lines = [
            Line(key, days, y, color, percent(ends[1], 1))
            for key, color in (("looser", DOWN), ("stricter", UP))
            if (y := _parts(found.get(key), wholes)) and (ends := ends_of(y))
        ]
        if lines:
            panels[words] = (lines, wholes[-1], found.get("unknown"))
    if not period or not panels:
        return nothing(title, h, "derivatives of listed base models")
    lines, known, unknown = next(iter(panels.values()))
    left_out = number_of(unknown[-1]) if unknown else None
    caption = [
        *period.words,
        drawn_from(LICENSE_HISTORY, frame.height),
        "all others carry a licence as strict as their base model's",
        f"{plural(left_out, 'derivative', number=exact)} with an unknown licence left "
        "out on the last day" if left_out else "",
    ]  # fmt: skip
    words = " and ".join(f"{line.note} {line.name}" for line in lines)
    lead = f"Of {plural(known, 'derivative')} whose base model is listed: {words} on the last day"
    sheet = Sheet(title, lead, [part for part in caption if part], 480, period.legend())
    shown = [line for ls, _, _ in panels.values() for line in ls]
    top = max((y for line in shown for y in line.y if y), default=0.1)
    boxes = below(plot_box(sheet), len(panels))
    for box, (name, (ls, _, _)) in zip(boxes, panels.items(), strict=True):
        up = span_up([0, top], in_percent, most=1)
        lines_panel(sheet, box, period.along, up, ls, name, room=130, step=period.step)
    return sheet.figure


def _parts(values: Sequence[float | None] | None, wholes: Sequence[float]) -> list[float | None]:
    if values is None:
        return []
    return [
        None if value is None or not whole > 0 else value / whole
        for value, whole in zip(values, wholes, strict=True)
    ]


# --- concentration -------------------------------------------------------------------------------

_TOPS = {"top_1000": "the first 1000", "top_100": "the first 100", "top_10": "the first 10",
         "top_1": "the first model"}  # fmt: skip
_EVENNESS = {
    "gini": "Gini: 0 if all had the same, 1 if one had all",
    "effective_number": "effective number: as if so many had equal parts",
}


@figure
def concentration(h: History) -> Figure:
    """Share of downloads of the top 1, 10, 100 and 1000 models; Gini and effective number."""
    title = "How few hold the downloads, over time"
    frame = h.rows(CONCENTRATION_HISTORY)
    models = frame.filter(pl.col("of") == "models")
    days, period = ordinals(frame), period_of(h, frame["day"])
    tops = []
    for i, (column, words) in enumerate(_TOPS.items()):
        y = series(models, "of", column, days).get("models", [])
        if ends_of(y):
            tops.append(Line(words, days, y, PALETTE[(2, 0, 1, 3)[i]], moved(y)))
    if not period or not tops:
        return nothing(title, h, "shares of the first models")
    small = []
    for column, words in _EVENNESS.items():
        found = series(frame, "of", column, days)
        lines = [
            Line(name, days, found[name], color, f"{ends[1]:.3f}" if column == "gini"
                 else human(ends[1]))
            for name, color in (("models", PALETTE[0]), ("authors", PALETTE[5]))
            if name in found and (ends := ends_of(found[name]))
        ]  # fmt: skip
        if lines:
            small.append((column, words, lines))
    caption = [*period.words, drawn_from(CONCENTRATION_HISTORY, frame.height), BEHIND]
    low = next(line for line in tops if line.name == tops[min(2, len(tops) - 1)].name)
    lead = f"{low.name[0].upper()}{low.name[1:]} {'holds' if 'model' in low.name else 'hold'} "
    lead += f"{percent((ends_of(low.y) or (0, 0))[1], 1)} of the downloads"
    if len(days) > 1:
        lead += f", {signed(100 * _change(low.y))} points since the first day"
    extra = 200 * (len(small) if is_narrow() else min(len(small), 1))
    sheet = Sheet(title, lead, caption, 330 + extra - 20, period.legend())
    upper, lower = split(plot_box(sheet), 330, extra)
    up = span_up([v for line in tops for v in line.y if v is not None], in_percent, most=1)
    lines_panel(sheet, upper, period.along, up, tops, "share of downloads", step=period.step)
    for box, (column, words, lines) in zip(beside(lower, max(len(small), 1)), small, strict=False):
        values = [v for line in lines for v in line.y if v is not None]
        up = span_up(values, zero=column != "gini")
        lines_panel(sheet, box, period.along, up, lines, words, room=118, step=period.step)
    return sheet.figure


def _change(values: Sequence[float | None]) -> float:
    ends = ends_of(values)
    return ends[1] - ends[0] if ends else 0.0


# --- Spaces --------------------------------------------------------------------------------------


@figure
def space_usage(h: History) -> Figure:
    """The models that most Spaces use, and how many Spaces name a model at all, day by day."""
    title = "Models in Spaces over time"
    frame = h.rows(SPACE_USAGE_HISTORY, pl.col("of").is_in(["model", "total"]))
    models = frame.filter(pl.col("of") == "model", pl.col("key").is_not_null())
    days, period = ordinals(frame), period_of(h, frame["day"])
    found = series(models, "key", "spaces", days)
    last = {key: ends[1] for key, y in found.items() if (ends := ends_of(y)) and lives(y)}
    best = sorted(last, key=lambda key: (-last[key], key))[:8]
    if not period or not best or not last[best[0]] > 0:
        return nothing(title, h, "models used in Spaces")
    lines = [
        Line(model_name(key), days, found[key], PALETTE[i], human(last[key]))
        for i, key in enumerate(best)
    ]
    total = series(frame.filter(pl.col("of") == "total"), "key", "spaces", days)
    small = [
        (key, Line("", days, total[key], MUTED, human(ends[1])))
        for key in ("Spaces", "Spaces with models", "models used")
        if key in total and (ends := ends_of(total[key]))
    ]
    caption = [*period.words, drawn_from(SPACE_USAGE_HISTORY, frame.height),
               "the 8 models that most Spaces name; each panel has its own scale"]  # fmt: skip
    gain = max(best, key=lambda key: (_change(found[key]), key))
    lead = f"{shortened(clean(best[0]))} is named by most, {plural(last[best[0]], 'Space')}"
    if _change(found[gain]) > 0:
        more = f"+{human(_change(found[gain]))}"
        same = gain == best[0]
        lead += f"; it gained most, {more}" if same else (
            f"; {shortened(clean(gain))} gained most, {more}"
        )  # fmt: skip
    extra = 150 * (len(small) if is_narrow() else min(len(small), 1))
    sheet = Sheet(title, lead, caption, 350 + extra - 20, period.legend())
    upper, lower = split(plot_box(sheet), 350, extra)
    up = span_up([v for line in lines for v in line.y if v is not None], zero=False)
    lines_panel(sheet, upper, period.along, up, lines, "Spaces that name the model",
                step=period.step)  # fmt: skip
    for box, (words, line) in zip(beside(lower, max(len(small), 1)), small, strict=False):
        up = span_up([v for v in line.y if v is not None], zero=False)
        lines_panel(sheet, box, period.along, up, [line], words, room=64, step=period.step)
    return sheet.figure
