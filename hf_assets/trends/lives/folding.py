"""Some models' rows of `model_phases`, from what is kept of earlier days and their later days."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa

from hf_assets.trends.lives.matrices import Matrices
from hf_assets.trends.lives.so_far import CONTEXT, CROSSED, SO_FAR
from hf_assets.trends.series.calendar import Calendar
from hf_assets.trends.series.panel import BLOCK
from hf_assets.trends.series.phases import SoFar, days_to, phases
from hf_assets.trends.series.schemas import MODEL_PHASES

LEVELS = ("downloads", "downloads_all_time")
_SAID = ("id", "category", "created")
_OTHERS = ("hub_id", *_SAID, "phase", "minima_days", "minima")
_NUMBERS = [name for name in SO_FAR.columns if name not in _OTHERS]


@dataclass
class Fold:
    """Some models, those of earlier days among them.

    Args:
        part: their levels, beside rows of `SO_FAR`.
        calendar: of the levels.
        begin: the first day that is not in `SO_FAR`; None: there is none of it.
        end: the day before which rows count; None: all do.
    """

    part: Matrices
    calendar: Calendar
    begin: int | None
    end: int | None

    def __post_init__(self) -> None:
        self._texts()
        before = self.earlier
        self.numbers = {
            name: before[name].to_physical().cast(pl.Float64).to_numpy(writable=True)
            for name in _NUMBERS
        }
        self.phase = before["phase"].fill_null("").to_numpy().astype("U8")
        self.low = _flat(before["minima_days"], before["minima"])
        self._later()

    @cached_property
    def models(self) -> pl.DataFrame:
        """hub_id; row, in the levels; and kept, in the rows of `SO_FAR`."""
        names = self.part.names.select("hub_id").with_row_index("row")
        if self.begin is None:
            return names.with_columns(kept=pl.lit(None, pl.UInt32))
        kept = self.part.beside.select("hub_id").with_row_index("kept")
        return names.join(kept, on="hub_id", how="full", coalesce=True).sort("hub_id")

    @cached_property
    def earlier(self) -> pl.DataFrame:
        """The rows of `SO_FAR`, of nulls where there are none."""
        if self.begin is None:
            nothing = [pl.lit(None, kind).alias(name) for name, kind in SO_FAR.schema.items()]
            return self.models.select("hub_id").with_columns(nothing[1:])
        return self.part.beside.select(pl.all().gather(self.models["kept"]))

    @cached_property
    def at(self) -> np.ndarray:
        """The place of each row of the levels among the models."""
        return np.flatnonzero(self.models["row"].is_not_null().to_numpy())

    def _texts(self) -> None:
        later = self.part.names.select(pl.all().gather(self.models["row"]))
        there = later["hub_id"].is_not_null()
        # What a later day says counts, unknown or not.
        texts = [later[name].zip_with(there, self.earlier[name]) for name in _SAID]
        self.named = self.models.select("hub_id", *texts)
        self.created = self.named["created"].to_physical().cast(pl.Float64).to_numpy()

    def _later(self) -> None:
        """Bring numbers, phase and minima up to the later days."""
        days = self.calendar.days
        near, new = np.ones((2, len(days)), bool)
        if self.begin is not None:
            near = days >= self.begin - CONTEXT
            new = days >= self.begin
        if self.end is not None:
            new = new & (days < self.end)
        level, all_time = (self.part.levels[name][:, near] for name in LEVELS)
        seen = ~np.isnan(level)
        there = np.flatnonzero(seen[:, new[near]].any(axis=1))
        size = max(BLOCK // max(len(days), 1), 1)
        lows = []
        for begin in range(0, len(there), size):
            rows = there[begin : begin + size]
            at = self.at[rows]
            key, day = np.nonzero(seen[rows])
            of = level[rows][key, day], all_time[rows][key, day]
            so_far = self._so_far(at) if self.begin is not None else None
            found = phases(key, self.created[at], days[near][day], *of, so_far, self.end)
            self.phase[at] = found["phase"]
            for name in _NUMBERS:
                self.numbers[name][at] = found[name]
            if self.end is not None:
                lows.append((at[found["low_model"]], found["low_day"], found["low"]))
        if self.end is not None:
            self._put(self.at[there], lows)

    def _so_far(self, at: np.ndarray) -> SoFar:
        assert self.begin is not None
        model, day, level = self.low
        part = slice(*np.searchsorted(model, [at[0], at[-1] + 1]))
        number = np.full(at[-1] - at[0] + 1, -1)
        number[at - at[0]] = np.arange(len(at))
        of_block = number[model[part] - at[0]]
        mine = of_block >= 0
        known = {name: one[at] for name, one in self.numbers.items()}
        return SoFar(self.begin, known, (of_block[mine], day[part][mine], level[part][mine]))

    def _put(self, at: np.ndarray, lows: Sequence[tuple[np.ndarray, ...]]) -> None:
        """Replace the minima of these models."""
        stays = np.ones(self.models.height, bool)
        stays[at] = False
        stays = stays[self.low[0]]
        every = [tuple(one[stays] for one in self.low), *lows]
        model, day, level = (np.concatenate(parts) for parts in zip(*every, strict=True))
        order = np.argsort(model, kind="stable")
        self.low = model[order], day[order], level[order]

    def kept(self) -> pl.DataFrame:
        """Their rows of `SO_FAR`."""
        model, day, level = self.low
        ends = np.cumsum(np.bincount(model, minlength=self.models.height))
        columns = [*self._columns(_NUMBERS), self._phases()]
        columns += [
            _lists(ends, pl.Series(name, one, kind))
            for name, one, kind in (("minima_days", day, pl.Int32), ("minima", level, pl.Float64))
        ]
        return self.named.hstack(columns).select(SO_FAR.schema.names())

    def rows(self, growth: dict[str, np.ndarray]) -> pl.DataFrame:
        """Their rows of `MODEL_PHASES`; those without known downloads have none.

        Args:
            growth: the columns `GROWTH` of each row of the levels.
        """
        self.numbers |= days_to({name: self.numbers[name] for name in CROSSED}, self.created)
        for name, values in growth.items():
            self.numbers[name] = np.full(self.models.height, np.nan)
            self.numbers[name][self.at] = values
        names = [name for name in MODEL_PHASES.columns if name not in _OTHERS]
        frame = self.named.hstack([*self._columns(names), self._phases()])
        return frame.filter(pl.col("days").is_not_null()).select(MODEL_PHASES.schema.names())

    def _columns(self, names: list[str]) -> list[pl.Series]:
        kinds = SO_FAR.schema | MODEL_PHASES.schema
        found = []
        for name in names:
            column = pl.Series(name, self.numbers[name], nan_to_null=True)
            # A date is a whole number of days.
            column = column.cast(pl.Int32) if kinds[name] == pl.Date else column
            found.append(column.cast(kinds[name]))
        return found

    def _phases(self) -> pl.Series:
        return pl.Series("phase", self.phase).replace("", None)


def _flat(days: pl.Series, levels: pl.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lists as rows: the number of each row's list, its day and its level."""
    sizes = days.list.len().fill_null(0).to_numpy()
    model = np.repeat(np.arange(len(days)), sizes)
    if not len(model):
        return model, np.zeros(0, np.int64), np.zeros(0)
    there = pl.Series(sizes > 0)
    day, level = (one.filter(there).explode().to_numpy() for one in (days, levels))
    return model, day.astype(np.int64), level


def _lists(ends: np.ndarray, values: pl.Series) -> pl.Series:
    """Values as lists, each up to its end."""
    # By polars: `pa.array` imports pandas, to see whether a value is of it.
    offsets = pl.Series(np.append(0, ends), dtype=pl.Int64).to_arrow()
    lists = pl.from_arrow(pa.LargeListArray.from_arrays(offsets, values.to_arrow()))
    assert isinstance(lists, pl.Series)
    return lists.alias(values.name)
