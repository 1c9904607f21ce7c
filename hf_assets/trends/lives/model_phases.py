"""Phase, growth and one-day spikes of every model: `model_phases`, from `model_days`.

Figures and report need it: where `model_days` cannot be used, it is made of `model_history`.
Some thousands of models at a time: memory holds no more. What is kept of earlier months (`so_far`)
leaves some weeks to be read each night; the rows are those of all days.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from hf_assets.errors import clean
from hf_assets.hub.repository_days.reading import days_in
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import MODEL_DAYS, OF_MODELS
from hf_assets.object_store.errors import StoreError
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, TableWrite
from hf_assets.storage.side_tables import DATA
from hf_assets.trends.lives import so_far
from hf_assets.trends.lives.folding import LEVELS, Fold
from hf_assets.trends.lives.matrices import CELLS, Matrices, matrices
from hf_assets.trends.series.calendar import Calendar, calendar
from hf_assets.trends.series.panel import SLACK, Panel
from hf_assets.trends.series.past import Past
from hf_assets.trends.series.phases import phases_of
from hf_assets.trends.series.schemas import GROWTH, MODEL_HISTORY, MODEL_PHASES
from hf_assets.trends.spikes import LEAST_DAYS, WEEK

# Downloads a week or four before: a smaller base gives noise.
FLOOR = 100.0
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
        return _stored_phases(lake, log)
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 - figures wait
        log(f"model_phases is made of model_history, without model_days: {clean(error, _LONGEST)}")
        lives = of_first_thousand(history)
        lives.notes[MODEL_DAYS.name] = f"not used ({type(error).__name__}): first thousand alone"
        return lake.write(MODEL_PHASES, None, lives)


def _stored_phases(lake: Lake, log: Callable[[str], None]) -> StoredTable:
    """Store the phases; where what is kept of earlier days cannot be read, of every day."""
    past = Past(lake)
    try:
        return lake.write(MODEL_PHASES, None, model_phases(past))
    except StoreError:
        raise  # nothing is wrong with the file
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        if not so_far.is_kept(lake):
            raise
        log(f"model_phases is made of every day again: {clean(error, _LONGEST)}")
        return lake.write(MODEL_PHASES, None, model_phases(past, full_refresh=True))


def model_phases(past: Past, cells: int = CELLS, *, full_refresh: bool = False) -> TableWrite:
    """A row a model that was ever listed with known downloads. Columns: `MODEL_PHASES`.

    In a lake without `model_days`, those of `model_history` alone, without growth.

    Args:
        past: the stored days.
        cells: numbers of a counter in memory, about.
        full_refresh: read every day, whatever is kept of earlier ones.

    Raises:
        MissingDay: `day_quality` was never materialised, or lacks a day.
    """
    try:
        past.lake.read(MODEL_DAYS.name, None)
    except MissingDay:
        return of_first_thousand(past.lake.read(MODEL_HISTORY.name, None))
    facts = days_in(past.lake, MODEL_DAYS.name)
    every = calendar(past.quality, list(facts))
    kept = None if full_refresh else so_far.stored(past.lake, every, facts)
    end = so_far.boundary(every)
    if end is not None and (kept is None or kept.notes[so_far.UNTIL] < end):
        rows = (fold.kept() for fold in _folds(past.lake, every, kept, end, cells))
        notes = so_far.notes(every, facts, end)
        kept = past.lake.write(so_far.SO_FAR, None, TableWrite(rows, notes=notes))
    counted: dict[str, int] = {}
    return TableWrite(_frames(past.lake, every, kept, cells, counted), notes=counted)


def of_first_thousand(history: StoredTable) -> TableWrite:
    """`model_phases` of `model_history`, a model's rows in the order of days."""
    columns = ["hub_id", "id", "category", "created", "day", *LEVELS]
    lives = phases_of(history.frame.select(columns).collect())
    lives = lives.with_columns(pl.lit(None, one.dtype).alias(name) for name, one in GROWTH.items())
    counts = Counter(dict(lives["phase"].value_counts().iter_rows()))
    return TableWrite([lives], _counted(counts), history.provenance)


def _counted(phases: Counter[str | None]) -> dict[str, int]:
    ordered = sorted(phases.items(), key=lambda item: (-item[1], item[0] or ""))
    named = {f"models {phase or 'of unknown phase'}": count for phase, count in ordered}
    return {"models": phases.total(), **named}


def _frames(
    lake: Lake, every: Calendar, kept: StoredTable | None, cells: int, notes: dict[str, int]
) -> Iterator[pl.DataFrame]:
    counts = Counter[str | None]()
    for fold in _folds(lake, every, kept, None, cells):
        frame = fold.rows(_growth(fold.part, fold.calendar))
        counts.update(dict(frame["phase"].value_counts().iter_rows()))
        yield frame
    notes |= _counted(counts)


def _folds(
    lake: Lake, every: Calendar, kept: StoredTable | None, end: int | None, cells: int
) -> Iterator[Fold]:
    """All models, some thousands at a time, with their days before `end` (None: with all)."""
    begin = kept.notes[so_far.UNTIL] if kept else None
    first = begin
    if first is not None:
        # Growth looks further back than medians do, at the beginning of a month.
        newest = every.days[every.trusted].max(initial=0)
        first -= so_far.CONTEXT
        first = first if end is not None else min(first, int(newest) - _BACK)
    days = so_far.window(every, first, end)
    beside = kept.files[DATA] if kept else None
    for part in matrices(lake, days, LEVELS, cells, beside):
        yield Fold(part, days, begin, end)


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
