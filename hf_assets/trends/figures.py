"""The figures of one day of the Hub: small aggregate tables in, matplotlib figures out.

Adding a figure is one function here, `@figure`, from `Snapshot` to `Figure`; its name is the key in
`FIGURES` and the name of its files. What is measured is said in the title, what was found in the
subtitle, and day, source, rows and what was left out in the caption. A table that is missing,
empty or all null gives a frame that says so, never an exception.
"""

import dataclasses
import datetime
import functools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import polars as pl
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure

from hf_assets.trends.charts import (
    BLUE,
    INK,
    MARGIN,
    MINUS,
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
    clean,
    columns,
    exact,
    fit,
    house_style,
    human,
    percent,
    plural,
    told,
)

TOP = 20
_PANELS = 6  # tags shown beside and below each other: more is a poster
FIGURES: dict[str, Callable[["Snapshot"], Figure]] = {}

# From -1 (orange) over 0 (white) to 1 (blue): Okabe and Ito's pair, which all readers tell apart.
_DIVERGING = LinearSegmentedColormap.from_list("", ["#D55E00", "#FFFFFF", "#0072B2"])


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """One day: its date, where it came from, rows of its tables, and two small tables.

    `metrics` is the tidy `daily_metrics` table (dimension, key, rank, rows, downloads, …, value),
    `usage` the `model_usage` table (id, spaces, authors, likes, category, known, chosen_tags).
    """

    day: datetime.date
    source: str
    models: int
    spaces: int
    metrics: pl.DataFrame
    usage: pl.DataFrame


def figure(make: Callable[[Snapshot], Figure]) -> Callable[[Snapshot], Figure]:
    """Register `make` in `FIGURES` under its name, drawn in the house style."""

    @functools.wraps(make)
    def styled(snapshot: Snapshot) -> Figure:
        with house_style():
            return make(snapshot)

    FIGURES[styled.__name__] = styled
    return styled


# --- rows of the tables --------------------------------------------------------------------------


class Entry(NamedTuple):
    """A key with its number; `row` is the whole row of `metrics`."""

    key: str | None
    value: float
    row: dict[str, Any]

    @property
    def name(self) -> str:
        """The key made inert; "none given" where there is none."""
        return "none given" if self.key is None else clean(self.key)


def _number(value: object) -> float | None:
    finite = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if finite else None


def _rows(s: Snapshot, dimension: str) -> list[dict[str, Any]]:
    if "dimension" not in s.metrics.columns:
        return []
    return s.metrics.filter(pl.col("dimension") == dimension).to_dicts()


def _entries(s: Snapshot, dimension: str, measure: str) -> list[Entry]:
    """Keys of a dimension that have a number, largest first; ties by key, null last."""
    found = [
        Entry(row.get("key"), number, row)
        for row in _rows(s, dimension)
        if (number := _number(row.get(measure))) is not None
    ]
    return sorted(found, key=lambda e: (-e.value, e.key is None, e.key or ""))


def _numbered(entries: Sequence[Entry], pattern: str) -> dict[int, float]:
    """Values by key, of the keys that are whole numbers of that form."""
    found: dict[int, float] = {}
    for entry in entries:
        if entry.key is not None and re.fullmatch(pattern, entry.key):
            found[int(entry.key)] = found.get(int(entry.key), 0) + max(entry.value, 0)
    return found


def _sum(entries: Sequence[Entry]) -> float:
    return sum(max(entry.value, 0) for entry in entries)


def _caption(s: Snapshot, *about: str) -> list[str]:
    return [s.day.isoformat(), fit(clean(s.source), 8.5, 300), *filter(None, about)]


def _models(s: Snapshot) -> str:
    return plural(s.models, "model", number=exact)


def _some(value: object, one: str, many: str = "") -> str:
    number = _number(value)
    return "" if number is None else plural(number, one, many, human)


def _short(name: str) -> str:
    return fit(name, 11.5, 260)


class Unit(NamedTuple):
    """What is counted, for one and for many, and what is missing where there is none."""

    one: str
    many: str
    none: str

    def of(self, part: float, whole: float) -> str:
        """Such as "421M of 737M downloads (57%)"."""
        return f"{told(part)} of {plural(whole, self.one, self.many)} ({percent(part, whole)})"


_DOWNLOADS = Unit("download", "downloads", "downloads")
_MODELS = Unit("model", "models", "models")
_SPACES = Unit("Space", "Spaces", "Spaces")
_USES = Unit("use", "uses", "uses")


def _lead(entries: Sequence[Entry], whole: float, unit: Unit, noun: str, nouns: str) -> str:
    """The finding of a ranking: who holds how much of `whole`."""
    first, among = entries[0], plural(len(entries), noun, nouns)
    if whole <= 0 or first.value <= 0:
        return f"No {unit.none} in {'any of the ' if len(entries) > 1 else ''}{among}"
    if len(entries) == 1:
        return f"{_short(first.name)}, the only {noun}, has {unit.of(first.value, whole)}"
    if len(entries) > 3:
        return f"The first three of {among} take {unit.of(_sum(entries[:3]), whole)}"
    tied = sum(entry.value == first.value for entry in entries)
    if tied > 1:
        return f"{tied} {nouns} tie at the top with {unit.of(first.value, whole)} each"
    return f"{_short(first.name)} leads {among} with {unit.of(first.value, whole)}"


def _ranked(
    entries: Sequence[Entry],
    label: Callable[[float], str],
    note: Callable[[dict[str, Any]], str],
    nouns: str,
) -> list[Bar]:
    """The top 20, the first three dark, and a grey bar for the others. One other is itself."""
    shown = entries if len(entries) == TOP + 1 else entries[:TOP]
    made = [
        Bar(e.name, e.value, label(e.value), note(e.row), BLUE if i < 3 else PALE)
        for i, e in enumerate(shown)
    ]
    if rest := entries[len(shown) :]:
        rows = [_number(e.row.get("rows")) for e in rest]
        both = {"rows": None if None in rows else sum(r or 0 for r in rows)}
        made.append(
            Bar(f"{len(rest)} other {nouns}", _sum(rest), label(_sum(rest)), note(both), OTHER)
        )
    return made


# --- by category ---------------------------------------------------------------------------------


def _none(s: Snapshot, noun: str) -> str:
    return f"models by {noun}" if s.models else "models"


def _by_category(s: Snapshot, measure: str, title: str, unit: Unit, axis: str) -> Figure:
    rows, every = _rows(s, "category"), _entries(s, "category", measure)
    entries = [e for e in every if e.key is not None]
    counted = {e.key: e.value for e in _entries(s, "category", "rows")}
    without = counted.pop(None, 0)
    tagged = exact(sum(counted.values()))
    models = f"{_models(s)}: {tagged} with a category, {exact(without)} without"
    gone = sum(row.get("key") is not None for row in rows) - len(entries)
    if not entries:
        missing = unit.none if not every else "models with a category"
        sheet = Sheet(title, "", _caption(s, models if counted else _models(s)))
        return sheet.message(f"no {missing if rows else _none(s, 'category')} in this capture")
    caption = _caption(
        s,
        f"{models} one left out" if counted else _models(s),
        f"{plural(gone, 'category', 'categories')} without a number left out" if gone else "",
    )
    lead = _lead(entries, _sum(entries), unit, "category", "categories")
    made = _ranked(entries, human, lambda row: _some(row.get("rows"), "model"), "categories")
    sheet = Sheet(title, lead, caption, body(len(made)))
    bars(sheet, made, axis)
    return sheet.figure


@figure
def downloads_by_category(s: Snapshot) -> Figure:
    """Downloads of the last 30 days, summed over the models of each category."""
    axis = "downloads in the last 30 days"
    return _by_category(s, "downloads", "Downloads by category", _DOWNLOADS, axis)


@figure
def likes_by_category(s: Snapshot) -> Figure:
    """Likes, summed over the models of each category."""
    unit = Unit("like", "likes", "likes")
    return _by_category(s, "likes", "Likes by category", unit, "likes, all time")


@figure
def trending_by_category(s: Snapshot) -> Figure:
    """The Hub's trending score, summed over the models of each category."""
    unit = Unit("point", "points", "trending score")
    title, axis = "Trending score by category", "sum of the models' trending scores"
    return _by_category(s, "trending_score", title, unit, axis)


# --- shares of models ----------------------------------------------------------------------------


def _shares(s: Snapshot, dimension: str, title: str, noun: str, nouns: str) -> Figure:
    every = _entries(s, dimension, "rows")
    entries = [e for e in every if e.key is not None]
    without = _sum([e for e in every if e.key is None])
    whole = max(_sum(every), s.models)
    caption = _caption(s, _models(s), f"shares are of all of them, with or without a {noun}")
    if not every or whole <= 0:
        return Sheet(title, "", caption).message(f"no {_none(s, noun)} in this capture")
    label = functools.partial(percent, whole=whole)
    made = _ranked(entries, label, lambda r: _some(r.get("rows"), "model"), nouns)
    if without:
        note = _some(without, "model")
        made.append(Bar(f"no {noun} given", without, label(without), note, NONE))
    said = f"{percent(without, whole)} of the models give no {noun}" if without else ""
    if entries:
        lead = _lead(entries, whole, _MODELS, noun, nouns)
        said = f"{lead}; {said}" if said else lead
    sheet = Sheet(title, said, caption, body(len(made)))
    shown = [dataclasses.replace(bar, value=100 * bar.value / whole) for bar in made]
    bars(sheet, shown, "share of all models", number=lambda v: f"{human(v)}%", share=True)
    return sheet.figure


@figure
def category_share(s: Snapshot) -> Figure:
    """Share of all models in each category, and of those in none."""
    return _shares(s, "category", "Share of models by category", "category", "categories")


@figure
def library_share(s: Snapshot) -> Figure:
    """Share of all models made for each library, and of those that name none."""
    return _shares(s, "library", "Share of models by library", "library", "libraries")


@figure
def license_mix(s: Snapshot) -> Figure:
    """Share of all models under each licence, and of those that name none."""
    return _shares(s, "license", "Share of models by licence", "licence", "licences")


# --- years, single models ------------------------------------------------------------------------


@figure
def models_by_year(s: Snapshot) -> Figure:
    """Models by the year they were created; the Hub's floor date stands apart."""
    title = "Models by year of creation"
    every = _entries(s, "year", "rows")
    years = _numbered(every, r"[12][0-9]{3}")
    floor = [e for e in every if (e.key or "").endswith("(floor)")]
    known = _sum(every) - _sum([e for e in every if e.key is None])
    odd = known - sum(years.values()) - _sum(floor)
    day = clean((floor[0].key or "").removesuffix("(floor)"), 12) if floor else ""
    caption = _caption(
        s,
        _models(s),
        f"{day} is the Hub's own floor date: those models were made on that day or before"
        if floor else "",
        f"{plural(odd, 'model')} without a year of creation left out" if odd > 0 else "",
    )  # fmt: skip
    if not years and not floor:
        return Sheet(title, "", caption).message("no models with a year in this capture")
    if years and max(years) - min(years) < 30:  # a gap is a year without models
        years = {year: years.get(year, 0) for year in range(min(years), max(years) + 1)}
    shown = sorted(years.items())[-12:]
    made = [Bar(f"≤ {day}", _sum(floor), human(_sum(floor)), percent(_sum(floor), known), NONE,
                apart=True)] if floor else []  # fmt: skip
    most = max((n for _, n in shown), default=0)
    for year, n in shown:
        name = f"{year} so far" if year == s.day.year else str(year)
        color = BLUE if n == most else PALE
        made.append(Bar(name, n, human(n), percent(n, known), color))
    best = [str(year) for year, n in shown if n == most]
    said = f"All {plural(_sum(floor), 'model')} date from {day} or before"
    if len(best) == 1:
        verb = "was" if most == 1 else "were"
        said = f"{_MODELS.of(most, known)} {verb} created in {best[0]}"
    elif best:
        said = f"{len(best)} years tie with {plural(most, 'model')} each"
    sheet = Sheet(title, said, caption)
    columns(sheet, made, "models", "year of creation")
    return sheet.figure


@figure
def top_models(s: Snapshot) -> Figure:
    """The 20 models with the most downloads of the last 30 days."""
    title = "The most downloaded models"
    entries = [e for e in _entries(s, "model", "downloads") if e.key is not None][:TOP]
    others = s.models - len(entries)
    left = f"the other {plural(others, 'model', number=exact)} left out" if others > 0 else ""
    caption = _caption(s, _models(s), left if entries else "")
    if not entries:
        missing = "downloads" if _rows(s, "model") else "models"
        return Sheet(title, "", caption).message(f"no {missing} in this capture")
    made = _ranked(entries, human, lambda r: _some(r.get("likes"), "like"), "models")
    whole, held = _sum(_entries(s, "category", "downloads")), _sum(entries)
    taken = _DOWNLOADS.of(held, whole) if whole >= held > 0 else plural(held, "download")
    said = f"These {len(entries)} take {taken}" if len(entries) > 1 else f"The only one has {taken}"
    sheet = Sheet(title, said, caption, body(len(made)))
    bars(sheet, made, "downloads in the last 30 days", names=0.42)
    return sheet.figure


@figure
def concentration(s: Snapshot) -> Figure:
    """Share of all downloads held by the 1, 10, 100 and 1000 most downloaded models."""
    title = "How few models hold the downloads"
    found = {e.key: e.value for e in _entries(s, "concentration", "value") if e.value >= 0}
    tops = {n: found[key] for n in (1, 10, 100, 1000) if (key := f"downloads/top_{n}") in found}
    caption = _caption(s, _models(s), "Gini: 0 if all had the same, 1 if one had all")
    if not tops:
        return Sheet(title, "", caption).message("no downloads in this capture")
    ten = max((n for n in tops if n <= 10), default=min(tops))
    who = "The first model holds" if ten == 1 else f"The first {ten} models hold"
    said = f"{who} {percent(tops[ten], 1)} of the downloads of the last 30 days"
    if "downloads/gini" in found:
        said += f"; Gini {found['downloads/gini']:.2f}"
    made = [
        Bar(
            "the first model" if n == 1 else f"the first {exact(n)}",
            100 * share,
            percent(share, 1),
            "all of them" if n >= s.models else "",
        )
        for n, share in tops.items()
    ]
    sheet = Sheet(title, said, caption)
    bars(sheet, made, "share of downloads", number=lambda v: f"{human(v)}%", share=True)
    return sheet.figure


# --- correlations --------------------------------------------------------------------------------

_POPULARITY = {"downloads": "downloads", "likes": "likes", "trending_score": "trending"}


@figure
def correlations(s: Snapshot) -> Figure:
    """Pearson and Spearman correlations of downloads, likes and trending score over all models."""
    title = "Do downloads, likes and trending score go together?"
    found: dict[tuple[str, frozenset[str]], float | None] = {}
    for row in _rows(s, "correlation"):
        method, *pair = (row.get("key") or "").split("/")
        if len(pair) == 2 and pair[0] != pair[1] and set(pair) <= set(_POPULARITY):
            found[method, frozenset(pair)] = _number(row.get("value"))
    caption = _caption(
        s, _models(s), "Pearson: of the numbers themselves, Spearman: of their ranks"
    )
    if not found:
        return Sheet(title, "", caption).message("no correlations in this capture")
    best = max(found, key=lambda at: (abs(found[at] or 0), at[0]))
    if found[best] is None:
        said = "None of them is defined: a column is missing or the same for every model"
    else:
        one, two = (_POPULARITY[name] for name in _POPULARITY if name in best[1])
        said = f"Closest: {one} and {two}, {best[0].capitalize()} {_signed(found[best] or 0)}"
    sheet = Sheet(title, said, caption)
    for left, method in ((MARGIN, "pearson"), (WIDTH / 2 + 10, "spearman")):
        _matrix(sheet, left, method, {pair: v for (m, pair), v in found.items() if m == method})
    _scale(sheet)
    return sheet.figure


def _signed(value: float) -> str:
    text = f"{value:+.2f}"
    return "0.00" if text[1:] == "0.00" else text.replace("-", MINUS)


def _matrix(
    sheet: Sheet, left: float, method: str, found: dict[frozenset[str], float | None]
) -> None:
    """A grid of three by three: values printed, what is not defined in grey, the diagonal empty."""
    wide, high = 122, 130
    start, top = left + 92, sheet.top + 58
    sheet.text(start, sheet.top + 18, method.capitalize(), 12, bold=True)
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
    left, y = WIDTH / 2 - 110, sheet.bottom - 42
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
    """Such as "912 uses in 837 Spaces": what a (Space, model) pair is called in prose."""
    uses, distinct = _number(pairs), _number(spaces)
    if uses is None:
        return ""
    within = "" if distinct is None else f" in {plural(distinct, 'Space')}"
    return plural(uses, "use") + within


@figure
def chosen_models_by_tag(s: Snapshot) -> Figure:
    """For each tag, the models chosen in `top_models` by the number of Spaces that name them."""
    title = "The chosen models, by Spaces that use them"
    totals = {row["key"]: row for row in _rows(s, "usage_tag") if row.get("key") is not None}
    chosen = _chosen(s)
    uses = {tag: _number(row.get("rows")) or 0 for tag, row in totals.items()}
    tags = sorted(chosen, key=lambda tag: (-uses.get(tag, 0), tag))
    shown, hidden = tags[:_PANELS], len(tags) - _PANELS
    more = f"{plural(hidden, 'more tag')} left out" if hidden > 0 else ""
    caption = _caption(s, _spaces(s), "a use is one Space naming one model", more)
    spaces = {e.key: e.value for entries in chosen.values() for e in entries}
    if not spaces or max(spaces.values()) <= 0:
        return Sheet(title, "", caption).message("no use of a chosen model in this capture")
    first = min(spaces, key=lambda name: (-spaces[name], name or ""))
    said = (
        f"{plural(len(spaces), 'chosen model')}; {_short(clean(first or ''))} is used the most, "
        f"by {plural(spaces[first], 'Space')}"
    )
    key = ((BLUE, "the tag is the model's category"), (PALE, "the tag is among its other tags"))
    pairs = [shown[i : i + 2] for i in range(0, len(shown), 2)]
    deep = [max(min(len(chosen[tag]), TOP) for tag in pair) for pair in pairs]
    head, foot = 44, 66  # px above and below the bars of a panel
    sheet = Sheet(title, said, caption, sum(body(n) + head + foot for n in deep) - 58, key)
    spare = (sheet.bottom - sheet.top - sum(body(n) + head + foot for n in deep)) / len(deep)
    top: float = sheet.top
    for pair, rows in zip(pairs, deep, strict=True):
        bottom = top + body(rows) + head + foot + spare
        for i, tag in enumerate(pair):
            left = WIDTH / 2 + 10 if i else MARGIN
            right = WIDTH - MARGIN if i or len(shown) == 1 else WIDTH / 2 - 10
            total = totals.get(tag, {})
            under = _pairs(total.get("rows"), total.get("value"))
            sheet.text(left, top + 14, fit(clean(tag), 11.5, right - left, True), 11.5, bold=True)
            sheet.text(left, top + 32, under or plural(len(chosen[tag]), "model"), 9.5, MUTED)
            made = [
                Bar(e.name, e.value, human(e.value),
                    color=BLUE if e.row.get("category") == tag else PALE)
                for e in chosen[tag][:TOP]
            ]  # fmt: skip
            bars(sheet, made, "Spaces", left=left, right=right, top=top + head, bottom=bottom,
                 slots=rows, names=0.34 if len(shown) == 1 else 0.46)  # fmt: skip
        top = bottom
    return sheet.figure


def _chosen(s: Snapshot) -> dict[str, list[Entry]]:
    """By tag, the models chosen for it with their Spaces, most used first."""
    found: dict[str, list[Entry]] = {}
    if {"chosen_tags", "id", "spaces"} <= set(s.usage.columns):
        for row in s.usage.filter(pl.col("chosen_tags").list.len() > 0).to_dicts():
            number = _number(row["spaces"])
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
    every = _entries(s, "usage_category", "rows")
    caption = _caption(s, _spaces(s), "a use is one Space naming one chosen model")
    if not every or _sum(every) <= 0:
        return Sheet(title, "", caption).message("no use of a chosen model in this capture")
    lead = _lead(every, _sum(every), _USES, "category", "categories")
    made = _ranked(every, human, lambda row: _some(row.get("value"), "Space"), "categories")
    for i, entry in enumerate(every[: len(made)]):
        if made[i].color != OTHER:  # Spaces of several categories would count twice in a sum
            inner = _number(entry.row.get("value"))
            made[i] = dataclasses.replace(made[i], color=PALE, inner=inner)
    key = ((PALE, "uses: (Space, model) pairs"), (NAVY, "distinct Spaces"))
    sheet = Sheet(title, lead, caption, body(len(made)), key)
    bars(sheet, made, "uses")
    return sheet.figure


_BUCKETS = (*((n, n) for n in range(6)), (6, 10), (11, 20), (21, 50), (51, 100), (101, math.inf))


@figure
def models_per_space(s: Snapshot) -> Figure:
    """How many models a Space names: Spaces by that number."""
    title = "How many models a Space names"
    counts = _numbered(_entries(s, "models_per_space", "rows"), r"[0-9]{1,9}")
    whole = sum(counts.values())
    caption = _caption(s, _spaces(s))
    if whole <= 0:
        missing = "Spaces by number of models" if s.spaces else "Spaces"
        return Sheet(title, "", caption).message(f"no {missing} in this capture")
    made = []
    for low, high in _BUCKETS:
        n = sum(v for k, v in counts.items() if low <= k <= high)
        to = f"\N{EN DASH}{high}" if high < math.inf else " or more"
        name = str(low) if low == high else f"{low}{to}"
        made.append(Bar(name, n, human(n), percent(n, whole), BLUE if low else NONE))
    while len(made) > 2 and made[-1].value <= 0:
        made.pop()
    some = whole - counts.get(0, 0)
    several = some - counts.get(1, 0)
    said = f"{_SPACES.of(some, whole)} {'names' if some == 1 else 'name'} a model"
    if several:
        most = max(number for number, n in counts.items() if n > 0)
        said += f", {percent(several, some)} of those more than one; the most is {most}"
    sheet = Sheet(title, said, caption)
    columns(sheet, made, "Spaces", "models named")
    return sheet.figure
