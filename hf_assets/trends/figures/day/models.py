"""The figures of a day of the Hub's models.

The title names the measure, the subtitle the finding, and the caption the day, the source, the rows
and anything left out. A table that is missing, empty or all null gives a frame that says so, never
an exception.
"""

import dataclasses
import functools

from matplotlib.figure import Figure

from hf_assets.charts.columns import columns
from hf_assets.charts.figure import figure
from hf_assets.charts.marks import BLUE, NONE, PALE, Bar, Sheet, bars, body
from hf_assets.charts.numbers import exact, human, percent, plural
from hf_assets.charts.wording import clean
from hf_assets.trends.figures.day.snapshot import (
    DOWNLOADS,
    MODELS,
    TOP,
    Snapshot,
    Unit,
    caption_of,
    entries_of,
    finding,
    models_counted,
    numbered,
    ranked,
    rows_of,
    some,
    total,
)

# --- by category ---------------------------------------------------------------------------------


def _missing(s: Snapshot, noun: str) -> str:
    return f"models by {noun}" if s.models else "models"


def _by_category(s: Snapshot, measure: str, title: str, unit: Unit, axis: str) -> Figure:
    rows, every = rows_of(s, "category"), entries_of(s, "category", measure)
    entries = [e for e in every if e.key is not None]
    counted = {e.key: e.value for e in entries_of(s, "category", "rows")}
    without = counted.pop(None, 0)
    tagged = exact(sum(counted.values()))
    models = f"{models_counted(s)}: {tagged} with a category, {exact(without)} without"
    gone = sum(row.get("key") is not None for row in rows) - len(entries)
    if not entries:
        missing = unit.none if not every else "models with a category"
        sheet = Sheet(title, "", caption_of(s, models if counted else models_counted(s)))
        return sheet.message(f"no {missing if rows else _missing(s, 'category')} in this capture")
    caption = caption_of(
        s,
        f"{models} one left out" if counted else models_counted(s),
        f"{plural(gone, 'category', 'categories')} without a number left out" if gone else "",
    )
    lead = finding(entries, total(entries), unit, "category", "categories")
    bar_rows = ranked(entries, human, lambda row: some(row.get("rows"), "model"), "categories")
    sheet = Sheet(title, lead, caption, body(len(bar_rows)))
    bars(sheet, bar_rows, axis)
    return sheet.figure


@figure
def downloads_by_category(s: Snapshot) -> Figure:
    """Downloads of the last 30 days, summed over the models of each category."""
    axis = "downloads in the last 30 days"
    return _by_category(s, "downloads", "Downloads by category", DOWNLOADS, axis)


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
    every = entries_of(s, dimension, "rows")
    entries = [e for e in every if e.key is not None]
    without = total([e for e in every if e.key is None])
    whole = max(total(every), s.models)
    caption = caption_of(
        s, models_counted(s), f"shares are of all of them, with or without a {noun}"
    )
    if not every or whole <= 0:
        return Sheet(title, "", caption).message(f"no {_missing(s, noun)} in this capture")
    label = functools.partial(percent, whole=whole)
    bar_rows = ranked(entries, label, lambda r: some(r.get("rows"), "model"), nouns)
    if without:
        note = some(without, "model")
        bar_rows.append(Bar(f"no {noun} given", without, label(without), note, NONE))
    subtitle = f"{percent(without, whole)} of the models give no {noun}" if without else ""
    if entries:
        lead = finding(entries, whole, MODELS, noun, nouns)
        subtitle = f"{lead}; {subtitle}" if subtitle else lead
    sheet = Sheet(title, subtitle, caption, body(len(bar_rows)))
    shown = [dataclasses.replace(bar, value=100 * bar.value / whole) for bar in bar_rows]
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
    every = entries_of(s, "year", "rows")
    years = numbered(every, r"[12][0-9]{3}")
    floor = [e for e in every if (e.key or "").endswith("(floor)")]
    known = total(every) - total([e for e in every if e.key is None])
    odd = known - sum(years.values()) - total(floor)
    day = clean((floor[0].key or "").removesuffix("(floor)"), 12) if floor else ""
    caption = caption_of(
        s,
        models_counted(s),
        f"{day} is the Hub's own floor date: those models were made on that day or before"
        if floor else "",
        f"{plural(odd, 'model')} without a year of creation left out" if odd > 0 else "",
    )  # fmt: skip
    if not years and not floor:
        return Sheet(title, "", caption).message("no models with a year in this capture")
    if years and max(years) - min(years) < 30:  # a gap is a year without models
        years = {year: years.get(year, 0) for year in range(min(years), max(years) + 1)}
    shown = sorted(years.items())[-12:]
    bar_rows = []
    if floor:
        count = total(floor)
        name, share = f"≤ {day}", percent(count, known)
        bar_rows.append(Bar(name, count, human(count), share, NONE, apart=True))
    most = max((n for _, n in shown), default=0)
    for year, n in shown:
        name = f"{year} so far" if year == s.day.year else str(year)
        color = BLUE if n == most else PALE
        bar_rows.append(Bar(name, n, human(n), percent(n, known), color))
    best = [str(year) for year, n in shown if n == most]
    subtitle = f"All {plural(total(floor), 'model')} date from {day} or before"
    if len(best) == 1:
        verb = "was" if most == 1 else "were"
        subtitle = f"{MODELS.of(most, known)} {verb} created in {best[0]}"
    elif best:
        subtitle = f"{len(best)} years tie with {plural(most, 'model')} each"
    sheet = Sheet(title, subtitle, caption)
    columns(sheet, bar_rows, "models", "year of creation")
    return sheet.figure


@figure
def top_models(s: Snapshot) -> Figure:
    """The 20 models with the most downloads of the last 30 days."""
    title = "The most downloaded models"
    entries = [e for e in entries_of(s, "model", "downloads") if e.key is not None][:TOP]
    others = s.models - len(entries)
    left = f"the other {plural(others, 'model', number=exact)} left out" if others > 0 else ""
    caption = caption_of(s, models_counted(s), left if entries else "")
    if not entries:
        missing = "downloads" if rows_of(s, "model") else "models"
        return Sheet(title, "", caption).message(f"no {missing} in this capture")
    bar_rows = ranked(entries, human, lambda r: some(r.get("likes"), "like"), "models")
    whole, held = total(entries_of(s, "category", "downloads")), total(entries)
    taken = DOWNLOADS.of(held, whole) if whole >= held > 0 else plural(held, "download")
    subtitle = (
        f"These {len(entries)} take {taken}" if len(entries) > 1 else f"The only one has {taken}"
    )
    sheet = Sheet(title, subtitle, caption, body(len(bar_rows)))
    bars(sheet, bar_rows, "downloads in the last 30 days", names=0.42)
    return sheet.figure


@figure
def concentration(s: Snapshot) -> Figure:
    """Share of all downloads held by the 1, 10, 100 and 1000 most downloaded models."""
    title = "How few models hold the downloads"
    found = {e.key: e.value for e in entries_of(s, "concentration", "value") if e.value >= 0}
    tops = {n: found[key] for n in (1, 10, 100, 1000) if (key := f"downloads/top_{n}") in found}
    caption = caption_of(s, models_counted(s), "Gini: 0 if all had the same, 1 if one had all")
    if not tops:
        return Sheet(title, "", caption).message("no downloads in this capture")
    ten = max((n for n in tops if n <= 10), default=min(tops))
    who = "The first model holds" if ten == 1 else f"The first {ten} models hold"
    subtitle = f"{who} {percent(tops[ten], 1)} of the downloads of the last 30 days"
    if "downloads/gini" in found:
        subtitle += f"; Gini {found['downloads/gini']:.2f}"
    bar_rows = [
        Bar(
            "the first model" if n == 1 else f"the first {exact(n)}",
            100 * share,
            percent(share, 1),
            "all of them" if n >= s.models else "",
        )
        for n, share in tops.items()
    ]
    sheet = Sheet(title, subtitle, caption)
    bars(sheet, bar_rows, "share of downloads", number=lambda v: f"{human(v)}%", share=True)
    return sheet.figure
