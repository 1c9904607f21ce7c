"""Phase, growth and one-day spikes of every model: `model_phases`, from `model_days`.

Figures and report need it: where `model_days` cannot be used, it is made of `model_history`.
Some thousands of models at a time: memory holds no more, and the time grows with the days of all.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from hf_assets.errors import clean
from hf_assets.hub.repository_days.reading import days_in
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import MODEL_DAYS, OF_MODELS
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, TableWrite
from hf_assets.trends.lives.matrices import CELLS, Matrices, identities, matrices
from hf_assets.trends.lives.texts import of_models, texts
from hf_assets.trends.series.calendar import Calendar, calendar
from hf_assets.trends.series.panel import BLOCK, SLACK, Panel
from hf_assets.trends.series.past import Past
from hf_assets.trends.series.phases import phases, phases_frame, phases_of
from hf_assets.trends.series.schemas import GROWTH, MODEL_HISTORY, MODEL_PHASES
from hf_assets.trends.spikes import LEAST_DAYS, WEEK

# Downloads a week or four before: a smaller base gives noise.
FLOOR = 100.0
_LEVELS = ("downloads", "downloads_all_time")
# Characters of an error in the log.
_LONGEST = 2000
# Days before the newest trusted one whose rows growth looks back on.
_BACK = 28 + SLACK


def store_phases(lake: Lake, log: Callable[[str], None]) -> StoredTable:
    """Make `model_days` current, and store `model_phases` of it; on an error, of `model_history`.

    A table of the first thousand alone says so in its notes.

    Args:
        lake: the lake.
        log: takes the error.

    Raises:
        MissingDay: `model_history` was never materialised.
    """
    history = lake.read(MODEL_HISTORY.name, None)
    try:
        if lake.days(OF_MODELS.source.name):
            refresh(lake, OF_MODELS)
        return lake.write(MODEL_PHASES, None, model_phases(Past(lake)))
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 - figures wait
        log(f"model_phases is made of model_history, without model_days: {clean(error, _LONGEST)}")
        lives = of_first_thousand(history)
        lives.notes[MODEL_DAYS.name] = f"not used ({type(error).__name__}): first thousand alone"
        return lake.write(MODEL_PHASES, None, lives)


def model_phases(past: Past, cells: int = CELLS) -> TableWrite:
    """A row a model that was ever listed with known downloads. Columns: `MODEL_PHASES`.

    In a lake without `model_days`, those of `model_history` alone, without growth.

    Args:
        past: the stored days.
        cells: numbers of a counter in memory, about.

    Raises:
        MissingDay: `day_quality` was never materialised, or lacks a day.
    """
    try:
        past.lake.read(MODEL_DAYS.name, None)
    except MissingDay:
        return of_first_thousand(past.lake.read(MODEL_HISTORY.name, None))
    days = list(days_in(past.lake, MODEL_DAYS.name))
    notes: dict[str, int] = {}
    return TableWrite(_frames(past, days, cells, notes), notes=notes)


def of_first_thousand(history: StoredTable) -> TableWrite:
    """`model_phases` of `model_history`, a model's rows in the order of days."""
    columns = ["hub_id", "id", "category", "created", "day", *_LEVELS]
    lives = phases_of(history.frame.select(columns).collect())
    lives = lives.with_columns(pl.lit(None, one.dtype).alias(name) for name, one in GROWTH.items())
    counts = Counter(dict(lives["phase"].value_counts().iter_rows()))
    return TableWrite([lives], _counted(counts), history.provenance)


def _counted(phases: Counter[str | None]) -> dict[str, int]:
    ordered = sorted(phases.items(), key=lambda item: (-item[1], item[0] or ""))
    named = {f"models {phase or 'of unknown phase'}": count for phase, count in ordered}
    return {"models": phases.total(), **named}


def _frames(
    past: Past, days: list[str], cells: int, notes: dict[str, int]
) -> Iterator[pl.DataFrame]:
    every = calendar(past.quality, days)
    lake, counts = past.lake, Counter[str | None]()
    about = texts(lake, days, identities(lake, MODEL_DAYS.name))
    for part in matrices(lake, MODEL_DAYS.name, every, _LEVELS, cells):
        frame = _lives(part, of_models(about, part.names["hub_id"]), every)
        counts.update(dict(frame["phase"].value_counts().iter_rows()))
        yield frame
    notes |= _counted(counts)


def _lives(part: Matrices, texts: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """The rows of some models."""
    created = texts["created"].to_physical().cast(pl.Float64).to_numpy()
    level, all_time = (part.levels[name] for name in _LEVELS)
    seen = ~np.isnan(level)
    size = max(BLOCK // max(len(calendar), 1), 1)
    parts, there = [], np.flatnonzero(seen.any(axis=1))
    for begin in range(0, len(there), size):
        rows = there[begin : begin + size]
        key, at = np.nonzero(seen[rows])
        of = level[rows][key, at], all_time[rows][key, at]
        parts.append(phases(key, created[rows], calendar.days[at], *of))
    if not parts:
        return pl.DataFrame(schema=MODEL_PHASES.schema)
    grown = {name: values[there] for name, values in _growth(part, calendar).items()}
    columns = [
        pl.Series(name, values, nan_to_null=True).cast(GROWTH[name].dtype)
        for name, values in grown.items()
    ]
    found = part.names.hstack(texts)[there].hstack(phases_frame(parts)).hstack(columns)
    return found.select(MODEL_PHASES.schema.names())


def _growth(part: Matrices, calendar: Calendar) -> dict[str, np.ndarray]:
    """growth_7, growth_28 and peak_share of each model on the newest trusted day; NaN if unknown.

    As `Panel` computes them for the first thousand, from a smaller base.
    """
    found = {name: np.full(part.names.height, np.nan) for name in GROWTH}
    trusted = np.flatnonzero(calendar.trusted)
    if not len(trusted):
        return found
    newest = trusted[-1]
    days = np.flatnonzero(calendar.days >= calendar.days[newest] - _BACK)
    days = days[days <= newest]
    recent = part.levels["downloads"][:, days]
    # Without a base there is no growth.
    large = np.flatnonzero((recent >= FLOOR).any(axis=1) & ~np.isnan(recent[:, -1]))
    if not len(large):
        return found
    key, at = np.nonzero(~np.isnan(recent[large]))
    levels = {name: one[large][:, days][key, at] for name, one in part.levels.items()}
    window = calendar.subset(days, np.ones(len(days), bool))
    panel = Panel(window, pl.DataFrame({"at": at.astype(np.int32)}), key, levels)
    last = np.flatnonzero(at == len(days) - 1)
    for name, values in panel.rates("downloads", FLOOR).items():
        found[name][large[key[last]]] = values[last]
    found["peak_share"][large] = _peak_shares(panel, len(large))
    found["peak_share"][np.isnan(found["growth_7"])] = np.nan
    return found


def _peak_shares(panel: Panel, size: int) -> np.ndarray:
    """The largest day's share of the downloads of the last week; NaN of too few known days."""
    daily = panel.daily("downloads_all_time")
    days = panel.calendar.days
    week = (days[panel.at] > days[-1] - WEEK) & np.isfinite(daily)
    key, daily = panel.key[week], daily[week]
    total, most = np.bincount(key, daily, size), np.zeros(size)
    np.maximum.at(most, key, daily)
    enough = (np.bincount(key, minlength=size) >= LEAST_DAYS) & (total > 0)
    return np.divide(most, total, out=np.full(size, np.nan), where=enough)
