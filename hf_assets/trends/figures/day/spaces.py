"""Figures of correlations, and of how Spaces use models."""

import dataclasses
import math

import polars as pl
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure

from hf_assets.charts.columns import columns
from hf_assets.charts.figure import figure
from hf_assets.charts.marks import (
    BLUE,
    INK,
    MARGIN,
    MUTED,
    NAVY,
    NONE,
    OTHER,
    PALE,
    WIDTH,
    Bar,
    Sheet,
    bars,
    body,
    is_narrow,
)
from hf_assets.charts.numbers import MINUS, exact, human, percent, plural
from hf_assets.charts.wording import clean, fit
from hf_assets.trends.figures.day.snapshot import (
    SPACES,
    TOP,
    USES,
    Entry,
    Snapshot,
    caption_of,
    entries_of,
    finding,
    models_counted,
    number_of,
    numbered,
    ranked,
    rows_of,
    shortened,
    some,
    total,
)

_PANELS = 6  # panels of tags: more would be a poster

# From -1 (orange) over 0 (white) to 1 (blue): Okabe and Ito's pair, which all readers tell apart.
_DIVERGING = LinearSegmentedColormap.from_list("", ["#D55E00", "#FFFFFF", "#0072B2"])


# --- correlations --------------------------------------------------------------------------------

_MATRIX = 400  # px of a grid on a page for phones
_POPULARITY = {"downloads": "downloads", "likes": "likes", "trending_score": "trending"}


@figure
def correlations(s: Snapshot) -> Figure:
    """Pearson and Spearman correlations of downloads, likes and trending score over all models."""
    title = "Do downloads, likes and trending score go together?"
    found: dict[tuple[str, frozenset[str]], float | None] = {}
    for row in rows_of(s, "correlation"):
        method, *pair = (row.get("key") or "").split("/")
        if len(pair) == 2 and pair[0] != pair[1] and set(pair) <= set(_POPULARITY):
            found[method, frozenset(pair)] = number_of(row.get("value"))
    caption = caption_of(
        s, models_counted(s), "Pearson: of the numbers themselves, Spearman: of their ranks"
    )
    if not found:
        return Sheet(title, "", caption).message("no correlations in this capture")
    best = max(found, key=lambda at: (abs(found[at] or 0), at[0]))
    if found[best] is None:
        subtitle = "None of them is defined: a column is missing or the same for every model"
    else:
        one, two = (_POPULARITY[name] for name in _POPULARITY if name in best[1])
        subtitle = f"Closest: {one} and {two}, {best[0].capitalize()} {_signed(found[best] or 0)}"
    deep = 2 * _MATRIX if is_narrow() else 0
    sheet = Sheet(title, subtitle, caption, deep)
    for i, method in enumerate(("pearson", "spearman")):
        left, down = (MARGIN, i * _MATRIX) if is_narrow() else (MARGIN + i * (WIDTH / 2 - 14), 0)
        pairs = {pair: v for (m, pair), v in found.items() if m == method}
        _matrix(sheet, left, sheet.top + down, method, pairs)
    _scale(sheet)
    return sheet.figure


def _signed(value: float) -> str:
    text = f"{value:+.2f}"
    return "0.00" if text[1:] == "0.00" else text.replace("-", MINUS)


def _matrix(
    sheet: Sheet, left: float, above: float, method: str, found: dict[frozenset[str], float | None]
) -> None:
    """A grid of three by three: values printed, undefined ones in grey, the diagonal empty."""
    wide, high = (108, 108) if is_narrow() else (122, 130)
    start, top = left + 92, above + 58
    sheet.text(start, above + 18, method.capitalize(), 12, bold=True)
    for i, (row, name) in enumerate(_POPULARITY.items()):
        sheet.text(start - 12, top + (i + 0.5) * high + 4, name, ha="right")
        sheet.text(start + (i + 0.5) * wide, top - 9, name, ha="center")
        for j, column in enumerate(_POPULARITY):
            x, y = start + j * wide, top + i * high
            if i == j:
                continue
            value = found.get(frozenset((row, column)))
            shade = NONE if value is None else _shade(value)
            sheet.box(x, y, wide - 4, high - 4, shade, "#D5DAE2")
            words = "undefined" if value is None else _signed(value)
            ink = "white" if abs(value or 0) > 0.85 else INK
            size = 11 if value is None else 15
            sheet.text(x + wide / 2 - 1, y + high / 2 + 6, words, size, ink, ha="center")


def _shade(value: float) -> str:
    return to_hex(_DIVERGING((min(max(value, -1), 1) + 1) / 2))


def _scale(sheet: Sheet) -> None:
    """The colours' key, in the middle below the two grids."""
    left, y = sheet.width / 2 - 110, sheet.bottom - 42
    for i in range(11):
        sheet.box(left + 20 * i, y, 20, 12, _shade((i - 5) / 5), "#D5DAE2")
    for x, words in ((10, f"{MINUS}1"), (110, "0"), (210, "+1")):
        sheet.text(left + x, y + 28, words, 9, MUTED, ha="center")
    sheet.text(left - 12, y + 11, "opposite", 9, MUTED, ha="right")
    sheet.text(left + 232, y + 11, "together", 9, MUTED)


# --- Spaces --------------------------------------------------------------------------------------


def _spaces(s: Snapshot) -> str:
    return plural(s.spaces, "Space", number=exact)


def _pairs(pairs: object, spaces: object) -> str:
    """Such as "912 uses in 837 Spaces"; a use is a (Space, model) pair."""
    uses, distinct = number_of(pairs), number_of(spaces)
    if uses is None:
        return ""
    within = "" if distinct is None else f" in {plural(distinct, 'Space')}"
    return plural(uses, "use") + within


@figure
def chosen_models_by_tag(s: Snapshot) -> Figure:
    """For each tag, the models chosen in `top_models` by the number of Spaces that name them."""
    title = "The chosen models, by Spaces that use them"
    totals = {row["key"]: row for row in rows_of(s, "usage_tag") if row.get("key") is not None}
    chosen = _chosen(s)
    uses = {tag: number_of(row.get("rows")) or 0 for tag, row in totals.items()}
    tags = sorted(chosen, key=lambda tag: (-uses.get(tag, 0), tag))
    shown, hidden = tags[:_PANELS], len(tags) - _PANELS
    more = f"{plural(hidden, 'more tag')} left out" if hidden > 0 else ""
    caption = caption_of(s, _spaces(s), "a use is one Space naming one model", more)
    spaces = {e.key: e.value for entries in chosen.values() for e in entries}
    if not spaces or max(spaces.values()) <= 0:
        return Sheet(title, "", caption).message("no use of a chosen model in this capture")
    first = min(spaces, key=lambda name: (-spaces[name], name or ""))
    subtitle = (
        f"{plural(len(spaces), 'chosen model')}; {shortened(clean(first or ''))} is used the most, "
        f"by {plural(spaces[first], 'Space')}"
    )
    key = ((BLUE, "the tag is the model's category"), (PALE, "the tag is among its other tags"))
    abreast = 1 if is_narrow() else 2
    pairs = [shown[i : i + abreast] for i in range(0, len(shown), abreast)]
    deep = [max(min(len(chosen[tag]), TOP) for tag in pair) for pair in pairs]
    head, foot = 44, 66  # px above and below the bars of a panel
    sheet = Sheet(title, subtitle, caption, sum(body(n) + head + foot for n in deep) - 58, key)
    spare = (sheet.bottom - sheet.top - sum(body(n) + head + foot for n in deep)) / len(deep)
    top: float = sheet.top
    for pair, rows in zip(pairs, deep, strict=True):
        bottom = top + body(rows) + head + foot + spare
        for i, tag in enumerate(pair):
            left = WIDTH / 2 + 10 if i else MARGIN
            alone = abreast == 1 or len(shown) == 1
            right = sheet.width - MARGIN if i or alone else WIDTH / 2 - 10
            total = totals.get(tag, {})
            under = _pairs(total.get("rows"), total.get("value"))
            sheet.text(left, top + 14, fit(clean(tag), 11.5, right - left, True), 11.5, bold=True)
            sheet.text(left, top + 32, under or plural(len(chosen[tag]), "model"), 9.5, MUTED)
            bar_rows = [
                Bar(e.name, e.value, human(e.value),
                    color=BLUE if e.row.get("category") == tag else PALE)
                for e in chosen[tag][:TOP]
            ]  # fmt: skip
            bars(sheet, bar_rows, "Spaces", left=left, right=right, top=top + head, bottom=bottom,
                 slots=rows, names=0.34 if len(shown) == 1 else 0.46)  # fmt: skip
        top = bottom
    return sheet.figure


def _chosen(s: Snapshot) -> dict[str, list[Entry]]:
    """By tag, the models chosen for it with their Spaces, most used first."""
    found: dict[str, list[Entry]] = {}
    if {"chosen_tags", "id", "spaces"} <= set(s.usage.columns):
        for row in s.usage.filter(pl.col("chosen_tags").list.len() > 0).to_dicts():
            number = number_of(row["spaces"])
            for tag in dict.fromkeys(row["chosen_tags"]):
                if number is not None and tag is not None:
                    found.setdefault(tag, []).append(Entry(row["id"], number, row))
    return {
        tag: sorted(entries, key=lambda e: (-e.value, e.key or ""))
        for tag, entries in found.items()
    }


@figure
def usage_by_category(s: Snapshot) -> Figure:
    """Uses of the chosen models by their category: (Space, model) pairs and distinct Spaces."""
    title = "What the chosen models are used for"
    every = entries_of(s, "usage_category", "rows")
    caption = caption_of(s, _spaces(s), "a use is one Space naming one chosen model")
    if not every or total(every) <= 0:
        return Sheet(title, "", caption).message("no use of a chosen model in this capture")
    lead = finding(every, total(every), USES, "category", "categories")
    bar_rows = ranked(every, human, lambda row: some(row.get("value"), "Space"), "categories")
    for i, entry in enumerate(every[: len(bar_rows)]):
        if bar_rows[i].color != OTHER:  # Spaces of several categories would count twice in a sum
            inner = number_of(entry.row.get("value"))
            bar_rows[i] = dataclasses.replace(bar_rows[i], color=PALE, inner=inner)
    key = ((PALE, "uses: (Space, model) pairs"), (NAVY, "distinct Spaces"))
    sheet = Sheet(title, lead, caption, body(len(bar_rows)), key)
    bars(sheet, bar_rows, "uses")
    return sheet.figure


_BUCKETS = (*((n, n) for n in range(6)), (6, 10), (11, 20), (21, 50), (51, 100), (101, math.inf))


@figure
def models_per_space(s: Snapshot) -> Figure:
    """How many models a Space names: Spaces by that number."""
    title = "How many models a Space names"
    counts = numbered(entries_of(s, "models_per_space", "rows"), r"[0-9]{1,9}")
    whole = sum(counts.values())
    caption = caption_of(s, _spaces(s))
    if whole <= 0:
        missing = "Spaces by number of models" if s.spaces else "Spaces"
        return Sheet(title, "", caption).message(f"no {missing} in this capture")
    bar_rows = []
    for low, high in _BUCKETS:
        n = sum(v for k, v in counts.items() if low <= k <= high)
        beyond = "+" if is_narrow() else " or more"
        to = f"\N{EN DASH}{high}" if high < math.inf else beyond
        name = str(low) if low == high else f"{low}{to}"
        bar_rows.append(Bar(name, n, human(n), percent(n, whole), BLUE if low else NONE))
    while len(bar_rows) > 2 and bar_rows[-1].value <= 0:
        bar_rows.pop()
    some = whole - counts.get(0, 0)
    several = some - counts.get(1, 0)
    subtitle = f"{SPACES.of(some, whole)} {'names' if some == 1 else 'name'} a model"
    if several:
        most = max(number for number, n in counts.items() if n > 0)
        subtitle += f", {percent(several, some)} of those more than one; the most is {most}"
    sheet = Sheet(title, subtitle, caption)
    columns(sheet, bar_rows, "Spaces", "models named")
    return sheet.figure
