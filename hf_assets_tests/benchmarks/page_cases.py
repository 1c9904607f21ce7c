"""What `bench-page` measures, each a function that runs in its own process.

`python -m hf_assets_tests.benchmarks.page_cases NAME ARGUMENT…`
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl


class Rendered:
    """The listing of a generated Hub in place of a capture: pages are made when they are read."""

    def __init__(self, hub: Any, kind: Any) -> None:
        from hf_assets.demo.world.source import Where
        from hf_assets.hub.client.listing import FIELDS

        self._fields = frozenset(("_id", "id", "trendingScore", *FIELDS[kind]))
        self._listing = hub.listing(kind, "createdAt", Where())
        self.rows = self._listing.total
        self.provenance = {"source": "captured", "endpoint": "http://127.0.0.1:1"}
        self.manifest = SimpleNamespace(fields=sorted(self._fields))

    def page_numbers(self) -> range:
        """From 1."""
        return range(1, (self.rows + 999) // 1000 + 1)

    def fetch_ahead(self, _: Iterable[int]) -> None:
        """Nothing is far away."""

    def page(self, number: int) -> bytes:
        """A JSON list."""
        rows, _ = self._listing.page(number * 1000 - 1000, 1000, self._fields)
        return b"[" + b",".join(rows) + b"]"


def lake(folder: str, last: str, models: str, spaces: str, days: str) -> dict[str, Any]:
    """One generated day of models and Spaces with its metrics; the days before are its copies.

    Series have the day's own rows for each day. Files of the copies are links: what is measured
    reads one day, or series.
    """
    from hf_assets.demo.world.generator import GeneratedHub
    from hf_assets.hub.tables import cleaning, schemas, usage
    from hf_assets.storage.lake import Lake
    from hf_assets.trends.metrics import daily_metrics

    there, until = Lake(Path(folder)), date.fromisoformat(last)
    hub = GeneratedHub(int(models), int(spaces), day=until, sized_on=until)
    captured: Any = {kind: Rendered(hub, kind) for kind in ("models", "spaces")}

    def frame(name: str) -> pl.LazyFrame:
        return there.read(name, last).frame

    there.write(schemas.MODELS, last, cleaning.models(captured["models"], last))
    spaces_of = cleaning.enriched_spaces(captured["spaces"], frame("models"), last)
    there.write(schemas.ENRICHED_SPACES, last, spaces_of)
    tops = usage.top_models(frame("models"), last, tags=("gguf",), count=20, sort="likes")
    there.write(schemas.TOP_MODELS, last, tops)
    used = usage.model_usage(frame("enriched_spaces"), frame("models"), frame("top_models"), last)
    stored = there.write(schemas.MODEL_USAGE, last, used)
    sums = daily_metrics.daily_metrics(
        frame("models"),
        frame("enriched_spaces"),
        frame("model_usage"),
        stored.notes["chosen_usage"],
        last,
    )
    there.write(daily_metrics.DAILY_METRICS, last, sums)
    every = [until - timedelta(days=back) for back in range(int(days) - 1, -1, -1)]
    for day in every[:-1]:
        for name in ("models", "enriched_spaces", "model_usage", "daily_metrics"):
            path = there.folder(name, str(day)) / "data.parquet"
            path.parent.mkdir(parents=True)
            os.link(there.folder(name, last) / "data.parquet", path)
    _series(there, every)
    return {"bytes": there.read("models", last).bytes}


def _series(there: Any, days: list[date]) -> None:
    from hf_assets.hub.quality.schemas import DAY_QUALITY
    from hf_assets.storage.lake import TableWrite
    from hf_assets.trends.series import schemas

    last = str(days[-1])
    metrics = there.read("daily_metrics", last).frame.collect()
    named = {
        "category": schemas.CATEGORY_HISTORY,
        "author": schemas.AUTHOR_HISTORY,
        "library": schemas.LIBRARY_HISTORY,
    }
    best = there.read("models", last).frame.select(
        "hub_id", "id", "downloads", "likes", "category", "downloads_all_time"
    )
    tops = best.sort("downloads", descending=True).head(1000).collect()
    whole = [(table, metrics.filter(dimension=name)) for name, table in named.items()]
    for table, rows in (*whole, (schemas.MODEL_HISTORY, tops)):
        months = sorted({f"{day:%Y-%m}" for day in days})
        with there.refreshing(table.name):
            for month in months:
                parts = [
                    _shaped(rows, table.schema).with_columns(day=pl.lit(day))
                    for day in days
                    if f"{day:%Y-%m}" == month
                ]
                there.write(table, month, TableWrite(parts))
            there.join_months(table.name, months, {}, 0.0)
    quality = pl.DataFrame({"day": days, "trusted": [True] * len(days)})
    there.write(DAY_QUALITY, None, TableWrite([_shaped(quality, DAY_QUALITY.schema)]))


def _shaped(rows: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """The columns of a schema, null where there is none."""
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in schema.items()
    )


CASES: dict[str, Callable[..., dict[str, Any]]] = {case.__name__: case for case in (lake,)}

if __name__ == "__main__":
    began = time.process_time()
    print(json.dumps(CASES[sys.argv[1]](*sys.argv[2:])))
