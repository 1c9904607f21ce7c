"""A small lake of the Hub's days for the tests of the pages: five days, a gap, one not trusted."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.hub.providers.history import history_of
from hf_assets.hub.providers.schemas import INFERENCE_PROVIDERS, PROVIDER_HISTORY
from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.hub.tables.schemas import (
    ENRICHED_SPACES,
    FAMILIES,
    HUB_DATASETS,
    MODEL_USAGE,
    MODELS,
)
from hf_assets.hub.uses.schemas import USED_BY, USES
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.storage.parquet import Table
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets.trends.series import schemas

DAYS = ("2026-11-16", "2026-11-17", "2026-11-18", "2026-11-20", "2026-11-21")
STALLED, LAST = "2026-11-18", "2026-11-21"
MARKUP = "<img src=x onerror=alert(1)>/**bold** :smile: $x$"
FORMULA = "=HYPERLINK(1)/model"
RARE = "someone/rarely-seen"
NAMES = (
    *(f"author{n % 4}/model-{n:02d}" for n in range(24)),
    *(MARKUP, FORMULA, RARE),
)
# Created six and five days before the last day; the model before them a day earlier.
NEW = (22, 23)
CATEGORIES = ("text-generation", "text-to-image", "fill-mask", None)
# Of every ninth model from the first on, and from the second on.
_TAGS = {0: ["gguf", "fr"], 1: ["en"]}
PROVENANCE = {
    "raw_models": {
        "endpoint": "https://huggingface.co",
        "started": "2026-11-21T03:00:00+00:00",
        "finished": "2026-11-21T03:20:00+00:00",
        "sha256": "ab" * 32,
    }
}


def write_hub_lake(root: Path, days: Sequence[str] = DAYS, *, history: bool = True) -> Lake:
    """Tables of those days and, if wanted, the series over them."""
    lake = Lake(root)
    for number, day in enumerate(days):
        _store(lake, MODELS, day, [_model(at, number) for at in range(len(NAMES))])
        _store(lake, ENRICHED_SPACES, day, [_space(at) for at in range(12)])
        _store(lake, HUB_DATASETS, day, [_dataset(at) for at in range(4)])
        _store(lake, FAMILIES, day, [
            {"hub_id": _hub_id(at), "id": NAMES[at], "root": NAMES[0], "downloads": 100 - at,
             "relation": "quantized" if at else None} for at in range(5)
        ])  # fmt: skip
        _store(lake, INFERENCE_PROVIDERS, day, [
            {"model": NAMES[at % 3], "provider": f"provider-{at}", "status": "live",
             "price_input": 0.1, "price_output": 0.2 + at} for at in range(5)
        ])  # fmt: skip
        usage = [
            {"id": NAMES[at], "known": True, "spaces": 9 - at, "authors": 3, "likes": at}
            for at in range(6)
        ]
        _store(lake, MODEL_USAGE, day, usage)
        edges = [("space-model", at, NAMES[at % 3]) for at in range(12)]
        edges += [("model-dataset", at, f"maker/data-{at % 4}") for at in range(9)]
        _store(lake, USES, day, [
            {"kind": kind, "source_id": _hub_id(at), "source": f"someone/{at}", "target": target}
            for kind, at, target in edges
        ])  # fmt: skip
        _store(lake, USED_BY, day, [
            {"of": of, "target": name, "models": 9 - at, "downloads": 1000 * at}
            for at in range(4) for of, name in (("paper", f"2305.0000{at}"),
                                                ("dataset", f"maker/data-{at}"))
        ])  # fmt: skip
        _store(lake, DAILY_METRICS, day, list(_metrics(number)))
    if history:
        offers = pl.concat(lake.read("inference_providers", day).frame.collect() for day in days)
        lake.write(PROVIDER_HISTORY, None, TableWrite([history_of(offers)]))
        _store(lake, DAY_QUALITY, None, list(_quality(days)))
        for table in (schemas.CATEGORY_HISTORY, schemas.AUTHOR_HISTORY, schemas.LIBRARY_HISTORY):
            keys = CATEGORIES if table is schemas.CATEGORY_HISTORY else ("author0", "author1")
            _by_month(lake, table, [_level(day, at, key) for at, day in enumerate(days)
                                    for key in keys])  # fmt: skip
        _by_month(lake, schemas.MODEL_HISTORY, list(_histories(days)))
        _store(lake, schemas.MODEL_PHASES, None, [{"hub_id": _hub_id(0), "phase": "rising"}])
    return lake


def write_groups(lake: Lake, days: Sequence[str] = DAYS) -> None:
    """Histories of licences and families, each beside keys of the same name of another kind."""
    for table, keys in (
        (schemas.LICENSE_HISTORY, {"license": ("mit", None), "group": ("mit",)}),
        (schemas.FAMILY_HISTORY, {"family": (NAMES[0], RARE), "relation": (NAMES[0],)}),
    ):
        _by_month(lake, table, [
            {"of": of, **_level(day, at, key), "downloads": 1000.0 * (1 + kind) + 100 * nth + at}
            for at, day in enumerate(days)
            for kind, (of, named) in enumerate(keys.items()) for nth, key in enumerate(named)
        ])  # fmt: skip


def _store(lake: Lake, table: Table, day: str | None, rows: list[dict[str, Any]]) -> None:
    if day:
        rows = [{"day": date.fromisoformat(day), **row} for row in rows]
    frame = pl.DataFrame(rows, schema=table.schema, orient="row")
    lake.write(table, day, TableWrite([frame], {"rows": len(rows)}, PROVENANCE))


def _by_month(lake: Lake, table: Table, rows: list[dict[str, Any]]) -> None:
    months = sorted({str(row["day"])[:7] for row in rows})
    for month in months:
        mine = [row for row in rows if str(row["day"]).startswith(month)]
        frame = pl.DataFrame(mine, schema=table.schema, orient="row")
        lake.write(table, month, TableWrite([frame]))
    lake.join_months(table.name, months, {"rows": len(rows)}, 0.0)


def _hub_id(number: int) -> str:
    return f"{number:024x}"


def _model(at: int, number: int) -> dict[str, Any]:
    name = NAMES[at]
    base = [{"id": NAMES[0], "relation": "finetune"}] if at in (1, 2) else []
    return {
        "hub_id": _hub_id(at),
        "id": name,
        "author": name.split("/")[0],
        "created_at": _created(at),
        "floor_dated": False,
        "downloads": 1_000_000 // (at + 1) + 1000 * number,
        "downloads_all_time": 10_000_000 // (at + 1),
        "likes": 100 - at,
        "trending_score": float(at),
        "category": CATEGORIES[at % 4],
        "library": "transformers" if at % 2 else None,
        "license": "mit" if at % 3 else "apache-2.0",
        "gated": "false",
        "parameters": 4 ** (at % 19),
        "tags": _TAGS.get(at % 9),
        "base_models": base,
    }


def _created(at: int) -> datetime | None:
    """Of an old scrape: nobody wrote down when; of two, in the week to the last day."""
    if NAMES[at] == RARE:
        return None
    if at in (21, *NEW):
        return datetime.fromisoformat(f"{LAST}T12:00Z") - timedelta(28 - at)
    return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(at)


def _space(at: int) -> dict[str, Any]:
    return {
        "hub_id": _hub_id(1000 + at),
        "id": f"maker{at % 3}/space-{at:02d}",
        "likes": 50 - at,
        "sdk": "gradio" if at % 2 else "static",
        "stage": "RUNNING",
        "hardware": "cpu-basic" if at % 2 else None,
        "models": [NAMES[at % 3]],
        "n_models": 1,
        "datasets": [],
        "n_datasets": 0,
    }


def _dataset(at: int) -> dict[str, Any]:
    tasks = ["question-answering", "translation"][: at % 3]
    return {"hub_id": _hub_id(2000 + at), "id": f"maker/data-{at}", "downloads": 900 - at,
            "task_categories": tasks}  # fmt: skip


def _metrics(number: int) -> Any:
    shared = {"downloads": 1000 + number, "likes": 3, "share_downloads": 0.2, "rows": 7}
    for dimension, keys in (
        ("category", CATEGORIES),
        ("author", ("author0", "author1", "<b>bold</b>")),
        ("library", ("transformers", None)),
        ("license", ("mit", "apache-2.0")),
    ):
        for rank, key in enumerate(keys, 1):
            yield {"dimension": dimension, "key": key, "rank": rank, **shared}
        yield {"dimension": dimension, "key": "(other)", **shared, "downloads": 10**9}


def _level(day: str, at: int, key: str | None) -> dict[str, Any]:
    return {
        "day": date.fromisoformat(day),
        "key": key,
        "rows": 7.0,
        "downloads": 1000.0 + at,
        "share_downloads": 0.25,
        "growth_7": 0.1,
        "trusted": day != STALLED,
    }


def _histories(days: Sequence[str]) -> Any:
    for number, day in enumerate(days):
        for at in range(26):  # all but the rare one
            row = _model(at, number)
            yield {
                "day": date.fromisoformat(day),
                "hub_id": row["hub_id"],
                "id": row["id"],
                "category": row["category"],
                "rank": at + 1,
                "downloads": float(row["downloads"]),
                "likes": float(row["likes"]),
                "growth_7": 0.75 - at / 20,
                "trusted": day != STALLED,
            }


def _quality(days: Sequence[str]) -> Any:
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        gap, stalled = day.isoformat() not in days, day.isoformat() == STALLED
        flags = ["gap"] if gap else ["stalled"] if stalled else []
        yield {
            "day": day,
            "source": None if gap else "captured",
            "origin": None if gap else "https://huggingface.co",
            "models": None if gap else len(NAMES),
            "gap": gap,
            "stalled": stalled,
            "flags": flags,
            "trusted": not flags,
        }
