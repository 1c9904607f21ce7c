"""What `bench-page` measures, each a function that runs in its own process.

`python -m hf_assets_tests.benchmarks.page_cases NAME ARGUMENT…`
"""

import importlib
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

    form = "json"

    def __init__(self, hub: Any, kind: Any) -> None:
        from hf_assets.demo.world.source import Where
        from hf_assets.hub.client.listing import FIELDS

        self._fields = frozenset(("_id", "id", "trendingScore", *FIELDS[kind]))
        self._listing = hub.listing(kind, "createdAt", Where())
        self.rows = self._listing.total
        self.provenance = {"source": "captured", "endpoint": "http://127.0.0.1:1"}
        self.manifest = SimpleNamespace(fields=sorted(self._fields))
        self.records = dict.fromkeys(self.page_numbers(), SimpleNamespace(decoded=None))

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


def make(folder: str, day: str) -> dict[str, Any]:
    """The index of that day, in scratch."""
    from hf_assets.apps.index import folders
    from hf_assets.storage.lake import Lake

    models, began = Lake(Path(folder)).read("models", day), time.process_time()
    folders.make(models)
    size = folders._bytes(folders.home() / folders.index_name(models))
    return {"cpu": time.process_time() - began, "bytes": size}


def ask(folder: str, day: str, way: str) -> dict[str, Any]:
    """Twenty questions of visitors: wall and CPU seconds of each, cold and once more.

    Args:
        folder: the lake.
        day: whose models are asked for.
        way: "index", or "table": as before there were indexes.
    """
    from hf_assets.apps.explore.lake_reader import LakeReader
    from hf_assets.apps.index.indexes import Indexes

    reader = LakeReader(Path(folder), Indexes() if way == "index" else None)
    # As the pages, whose libraries are there before a visitor is.
    for module in ("streamlit", "pandas", "altair", "pyarrow.compute"):
        importlib.import_module(module)
    asked: dict[str, list[tuple[float, float]]] = {}
    for _ in range(2):
        for name, question in _questions(reader, day).items():
            wall, cpu = time.perf_counter(), time.process_time()
            question()
            spent = (time.perf_counter() - wall, time.process_time() - cpu)
            asked.setdefault(name, []).append(spent)
    return {"asked": asked, "answers": [str(q()) for q in _questions(reader, day).values()]}


def _questions(reader: Any, day: str) -> dict[str, Callable[[], Any]]:
    from hf_assets.apps.index.query import ModelQuery

    base, author = "google-bert/bert-base-uncased", "TheBloke"

    def listed(**chosen: Any) -> Callable[[], Any]:
        return lambda: reader.models(day, ModelQuery(**chosen)).rows.rows()

    def compared(asset: str, column: str) -> Callable[[], Any]:
        """The series of five keys or models."""
        rows = reader.series(asset).filter(pl.col("day") == pl.lit(day).str.to_date())
        keys = rows.filter(pl.col(column).is_not_null()).head(5).collect()[column]
        found = reader.series(asset).filter(pl.col(column).is_in(keys.implode()))
        return lambda: found.sort("day", column).select("day", column, "downloads").collect().rows()

    text = ("text-generation",)
    row = reader.model(day, base)
    return {
        "all models": listed(),
        "a word": listed(search="llama"),
        "two words": listed(search="llama gguf"),
        "a word that no name has": listed(search="zzqxy"),
        "a word in a category, by likes": listed(search="bert", category=text, sort="likes"),
        "a category": listed(category=text),
        "a category, library and licence": listed(
            category=text, library=("transformers",), license=("apache-2.0", "mit")
        ),
        "by likes": listed(sort="likes"),
        "the newest": listed(sort="created_at"),
        "trending": listed(sort="trending_score"),
        "a size, by likes": listed(size=("1B to 10B",), sort="likes"),
        "downloads from-to": listed(downloads=(1_000, 100_000), likes=(5, None)),
        "an author": listed(author=(author,)),
        "an author's totals": lambda: reader.totals(day, ModelQuery(author=(author,))),
        "new in a week": lambda: reader.models(day, ModelQuery.new_in_week(day)).rows.rows(),
        "one model": lambda: reader.model(day, base),
        "its rank": lambda: reader.rank_in_category(day, row),
        "its derivatives": lambda: reader.derivatives(day, base).rows.rows(),
        "five models compared": compared("model_history", "hub_id"),
        "five categories compared": compared("category_history", "key"),
    }


CASES: dict[str, Callable[..., dict[str, Any]]] = {
    case.__name__: case for case in (lake, make, ask)
}

if __name__ == "__main__":
    print(json.dumps(CASES[sys.argv[1]](*sys.argv[2:])))
