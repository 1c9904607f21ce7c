"""What `bench-history` measures, each a function that runs in its own process.

`python -m hf_assets_tests.benchmarks.history_cases NAME ARGUMENT…`
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.object_store.path import location
from hf_assets.storage.lake import Lake, StoredTable, TableWrite
from hf_assets.storage.parquet import Table


def archive(folder: str, first: str, days: str, models: str, spaces: str) -> dict[str, Any]:
    """A folder of recorded days: models and Spaces of a generated Hub, a Parquet file a day."""
    from hf_assets.demo.hub_stats.columns import ModelColumns, SpaceColumns, State
    from hf_assets.demo.world.generator import GeneratedHub

    begin = date.fromisoformat(first)
    hub = GeneratedHub(int(models), int(spaces), day=begin, sized_on=begin)
    made = {"models": ModelColumns(hub), "spaces": SpaceColumns(hub, usage=True)}
    for kind, columns in made.items():
        place = Path(folder) / kind
        place.mkdir(parents=True, exist_ok=True)
        for offset in range(int(days)):
            day = begin + timedelta(days=offset)
            frame = pl.from_arrow(
                columns.table(State(day, day, day, cards=True, sizes=True, partial=False))
            )
            assert isinstance(frame, pl.DataFrame)
            heavy = {"siblings", "config", "cardData"} & set(frame.columns)
            frame.drop(heavy).write_parquet(place / f"{day}.parquet")
    return {"days": int(days)}


def series(lake: str) -> dict[str, Any]:
    """`day_quality` and every series, as the graph makes and stores them; CPU seconds of each."""
    import numpy.ma  # noqa: F401 - numpy loads it when it is first asked for what is unique

    from hf_assets.defs.trends.history import FROM_METRICS
    from hf_assets.hub.quality.day_quality import quality_table
    from hf_assets.hub.quality.schemas import DAY_QUALITY
    from hf_assets.trends.lives import model_phases
    from hf_assets.trends.series import adoption, lifecycle
    from hf_assets.trends.series import schemas as tables
    from hf_assets.trends.series.incremental import counts, refresh
    from hf_assets.trends.series.past import Past

    there, spent = _Timed(location(lake)), {}

    def spends(name: str, make: Callable[[], object]) -> None:
        began = time.process_time()
        make()
        spent[name] = time.process_time() - began

    def written(table: Any, make: Callable[[], Any]) -> None:
        spends(table.name, lambda: there.write(table, None, make()))

    written(DAY_QUALITY, lambda: quality_table(there))
    there.storing = 0.0
    past = Past(there)
    for name, (one, _) in FROM_METRICS.items():
        spends(name, lambda one=one: refresh(past, one))
    lives = counts(tables.LIFECYCLE, lifecycle.lifecycle)
    spends("lifecycle", lambda: refresh(past, lives))
    written(tables.ADOPTION_HISTORY, lambda: adoption.adoption_history(past))
    written(tables.MODEL_PHASES, lambda: model_phases.model_phases(past))
    return {"cpu": spent, "storing": there.storing}


class _Timed(Lake):
    """A lake that counts the CPU seconds of storing: what is stored is made before."""

    storing = 0.0

    def write(self, table: Table, day: str | None, content: TableWrite) -> StoredTable:
        """As the lake does."""
        began = time.process_time()
        stored = super().write(table, day, content)
        self.storing += time.process_time() - began
        return stored

    def join_months(
        self, asset: str, months: Sequence[str], notes: Mapping[str, Any], seconds: float
    ) -> StoredTable:
        """As the lake does."""
        began = time.process_time()
        stored = super().join_months(asset, months, notes, seconds)
        self.storing += time.process_time() - began
        return stored


def scan(lake: str) -> dict[str, Any]:
    """Downloads by category and day, with their growth over 7 days: one lazy plan over all days."""
    began = time.process_time()
    rows = (
        pl.scan_parquet(f"{lake}/models/day=*/data.parquet", hive_partitioning=False)
        .group_by("day", "category")
        .agg(pl.col("downloads").sum(), rows=pl.len())
        .sort("category", "day")
        .with_columns(growth=pl.col("downloads") / pl.col("downloads").shift(7).over("category"))
        .collect()
    )
    return {"cpu": time.process_time() - began, "rows": rows.height}


def pandas(lake: str) -> dict[str, Any]:
    """The same by pandas, a day's columns at a time: all days at once do not fit."""
    import pandas as pd

    began = time.process_time()
    found = []
    for path in sorted(Path(lake).glob("models/day=*/data.parquet")):
        frame = pd.read_parquet(path, columns=["day", "category", "downloads"])
        sums = frame.groupby(["day", "category"], dropna=False)["downloads"].agg(["sum", "size"])
        found.append(sums.reset_index())
    rows = pd.concat(found).sort_values(["category", "day"])
    rows["growth"] = rows["sum"] / rows.groupby("category", dropna=False)["sum"].shift(7)
    return {"cpu": time.process_time() - began, "rows": len(rows)}


def thin(lake: str, tables: str, pages: str) -> dict[str, Any]:
    """Days thinned, bytes before and after, of each asset; as if every day were trusted."""
    from hf_assets.hub.retention import Ages
    from hf_assets.hub.retention import thin as thinned

    there = Lake(Path(lake))
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    ages = Ages(int(tables), int(pages))
    for one in thinned(there, there.days("models"), date.today().isoformat(), ages):
        asset = sums[one.asset]
        asset[0] += 1
        asset[1] += one.before
        asset[2] += one.after
    return dict(sums)


CASES = {case.__name__: case for case in (archive, series, scan, pandas, thin)}

if __name__ == "__main__":
    print(json.dumps(CASES[sys.argv[1]](*sys.argv[2:])))
