"""Figures of single models over many days: their ranks, and the phase of hype of each."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from hf_assets.charts.axes import day_name
from hf_assets.charts.figure import figure
from hf_assets.charts.ledger import Cell, Head, Spark, ledger, ledger_height
from hf_assets.charts.lines import Ranked, plot_box, ranks_panel
from hf_assets.charts.marks import FAINT, MUTED, NONE, Sheet, is_narrow
from hf_assets.charts.numbers import exact, human, percent, plural
from hf_assets.charts.panels import DOWN, PALETTE, UP
from hf_assets.charts.wording import clean
from hf_assets.trends.figures.day.snapshot import number_of, shortened
from hf_assets.trends.figures.history.history import (
    History,
    drawn_from,
    last_trusted_day,
    model_name,
    ordinals,
    period_of,
    series,
)
from hf_assets.trends.series.schemas import MODEL_HISTORY, MODEL_PHASES

_RANKS, _COLUMNS = 20, 60  # ranks of the bump chart; days it shows at most


# --- ranks ---------------------------------------------------------------------------------------


@figure
def top_ranks(h: History) -> Figure:
    """The ranks of the 20 most downloaded models, day by day."""
    title = f"The first {_RANKS} models and how they got there"
    models = h.frames[MODEL_HISTORY.name]
    last = last_trusted_day(models)
    columns = ("day", "hub_id", "id", "rank")
    ranked = models.select(columns).filter(pl.col("rank").is_between(1, _RANKS))
    frame = ranked.filter(pl.col("day") <= last).sort("day", "rank").collect() if last else None
    if frame is None or not frame.height:
        return Sheet(title, "", []).message("no ranks of models yet")
    period = period_of(h, frame["day"])
    assert period is not None, "a frame with rows has days"
    days = ordinals(frame)
    every = -(-len(days) // _COLUMNS)
    shown = days[::-1][::every][::-1]
    names = dict(frame.select("hub_id", "id").iter_rows())
    found = series(frame, "hub_id", "rank", shown)
    now = frame.filter(pl.col("day") == last)["hub_id"].to_list()
    ranks = {one: [None if v is None else int(v) for v in found[one]] for one in now}
    colors = _moved_most(ranks)
    rows = [
        Ranked(model_name(names[one]), shown, ranks[one], colors[one], _rank_change(ranks[one]))
        for one in now
    ]
    moved = sum(row.note not in ("", "=") for row in rows)
    caption = [
        *period.words,
        drawn_from(MODEL_HISTORY, frame.height),
        f"every {every}th day shown" if every > 1 else "",
        f"by downloads in the last 30 days; behind a name: ranks gained or lost since "
        f"{day_name(shown[0])}",
    ]
    came = sum(row.note == "new" for row in rows)
    lead = f"{shortened(rows[0].name)} is first on {day_name(days[-1])}"
    if len(days) > 1:
        lead += f"; {moved} of {len(rows)} stand elsewhere than on the first day"
        lead += f", {came} of them were not among the first {_RANKS}" if came else ""
    legend = [(color, words) for color, words in _COLORS if color in colors.values()]
    legend += period.legend("days not trusted: no ranks")
    sheet = Sheet(title, lead, [c for c in caption if c], 27 * _RANKS, legend)
    ranks_panel(sheet, plot_box(sheet), period.along, rows, _RANKS)
    return sheet.figure


def _rank_change(ranks: Sequence[int | None]) -> str:
    """Ranks gained or lost since the first day."""
    first, last = ranks[0], ranks[-1]
    if len(ranks) < 2 or last is None:
        return ""
    if first is None:
        return "new"
    return f"▲{first - last}" if last < first else f"▼{last - first}" if last > first else "="


_COLORS = (
    (UP, "rose most"), (DOWN, "fell most"), (PALETTE[1], f"new among the first {_RANKS}"),
    (NONE, "others"),
)  # fmt: skip


def _moved_most(ranks: dict[str, list[int | None]]) -> dict[str, str]:
    """Colours: the three that rose most, the three that fell most, the new ones; others grey."""
    ends = {one: (at[0], at[-1]) for one, at in ranks.items() if len(at) > 1}
    moved = {one: first - last for one, (first, last) in ends.items() if first and last}
    up = sorted((one for one in moved if moved[one] > 1), key=lambda one: -moved[one])[:3]
    down = sorted((one for one in moved if moved[one] < -1), key=lambda one: moved[one])[:3]
    came = [one for one, (first, _) in ends.items() if first is None]
    return (
        dict.fromkeys(ranks, NONE) | dict.fromkeys(came, PALETTE[1])
        | dict.fromkeys(up, UP) | dict.fromkeys(down, DOWN)
    )  # fmt: skip


# --- hype ----------------------------------------------------------------------------------------

_PHASES = {
    "new": PALETTE[1], "rising": UP, "peak": PALETTE[4], "plateau": NONE, "falling": DOWN,
}  # fmt: skip
_EACH, _LARGEST = 4, 1000  # models shown of a phase; models that count


@figure
def hype_phases(h: History) -> Figure:
    """Where the top models stand: new, rising, at their peak so far, on a plateau, falling."""
    title = "Rising, at the peak so far, past it"
    phases = h.rows(MODEL_PHASES)
    newest = max((day for day in phases["last_day"] if day), default=None)
    # Smaller ones move by a fifth in two weeks for no reason.
    largest = phases.filter(pl.col("last_day") == pl.lit(newest, pl.Date)).sort(
        "latest", "hub_id", descending=[True, False], nulls_last=True
    )
    now = largest.head(_LARGEST).filter(pl.col("phase").is_in(list(_PHASES)))
    if not now.height or newest is None:
        return Sheet(title, "", []).message("no phases of models yet")
    groups = {
        name: group
        for name in _PHASES
        if (group := now.filter(pl.col("phase") == name).sort(
            "latest", "hub_id", descending=[True, False], nulls_last=True)).height
    }  # fmt: skip
    shown = {name: group.head(_EACH).to_dicts() for name, group in groups.items()}
    chosen = [row["hub_id"] for rows in shown.values() for row in rows]
    past = h.rows(MODEL_HISTORY, pl.col("hub_id").is_in(chosen))
    days = ordinals(past)
    found = series(past, "hub_id", "downloads", days)
    period = period_of(h, past["day"]) or period_of(h, [newest])
    caption = [
        *(period.words if period else []),
        drawn_from(MODEL_PHASES, phases.height),
        "downloads in the last 30 days; each small line has its own scale, from 0",
        "peak ÷ now: how many times today's downloads the highest day so far had",
    ]
    counts = {name: group.height for name, group in groups.items()}
    lead = f"Of {plural(now.height, 'model', number=exact)} on {day_name(newest)}: " + ", ".join(
        f"{percent(n, now.height)} {_said(name)}" for name, n in counts.items()
    )
    deep = sum(ledger_height(len(rows)) + 36 for rows in shown.values())
    sheet = Sheet(title, lead, caption, deep + 26 - 40)
    _strip(sheet, counts)
    box = plot_box(sheet)
    top = box.top + 40
    for name, rows in shown.items():
        sheet.box(box.left, top - 8, 11, 11, _PHASES[name])
        total = f"{_said(name)} — {plural(counts[name], 'model', number=exact)}"
        sheet.text(box.left + 17, top + 2, total, 10.5, bold=True)
        cells = [_standing(row, days, found, _PHASES[name]) for row in rows]
        heads = (
            Head("", 0.36), Head("category", 0.2, wide=True),
            Head("downloads" if len(days) > 1 else "", 0.2), Head("now", 0.12, "right"),
            Head("highest so far", 0.13, "right", wide=True),
            Head("peak ÷ now", 0.19 if is_narrow() else 0.13, "right"),
        )  # fmt: skip
        ledger(sheet, box._replace(top=top - (0 if is_narrow() else 8)), heads, cells)
        top += ledger_height(len(rows)) + 36
    return sheet.figure


def _said(phase: str) -> str:
    return {"peak": "at the peak so far", "plateau": "on a plateau"}.get(phase, phase)


def _strip(sheet: Sheet, counts: dict[str, int]) -> None:
    """The number of models in each phase, as a bar."""
    box, whole_count, x = plot_box(sheet), sum(counts.values()), 0.0
    for name, count in counts.items():
        wide = (box.right - box.left) * count / whole_count
        sheet.box(box.left + x, box.top, max(wide - 1.5, 1), 14, _PHASES[name])
        x += wide


def _standing(
    row: dict[str, Any], days: Sequence[int], found: dict[str, list[float | None]], color: str
) -> list[Cell | Spark]:
    peak, latest = number_of(row["peak"]), number_of(row["latest"])
    past = row["phase"] not in ("new", "rising")
    over = peak / latest if past and peak and latest else None
    line = "#5B6472" if color == NONE else color
    return [
        Cell(model_name(row["id"])),
        Cell(clean(row["category"] or "none given"), MUTED),
        Spark(days, found.get(row["hub_id"], [None] * len(days)), line),
        Cell(human(latest) if latest is not None else ""),
        Cell(human(peak) if past and peak is not None else "", MUTED),
        Cell(f"{over:.1f}" if over else "", FAINT),
    ]
