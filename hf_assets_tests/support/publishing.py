"""A lake to publish, and the embedded repositories that receive it.

As a program it publishes a lake: `python -m hf_assets_tests.support.publishing LAKE`, with
HF_ENDPOINT and HF_TOKEN in the environment.
"""

import datetime as dt
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.hub.tables.schemas import MODELS, TOP_MODELS
from hf_assets.object_store.path import LakePath
from hf_assets.publishing.publication import Outcome, Plan, publish
from hf_assets.publishing.repository import Repository
from hf_assets.storage.folders import replacing_folder
from hf_assets.storage.lake import Lake, TableWrite, iso
from hf_assets.storage.parquet import Table
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets.trends.series.schemas import CATEGORY_HISTORY, MODEL_PHASES

TOKEN, READER = "hf_publisher0000000000000000000001", "hf_reader00000000000000000000000001"
OWNER, NAME = "acme", "acme/hub-days"
DAYS = ("2026-10-31", "2026-11-01", "2026-11-02")
HOSTILE = "evil/[x](javascript:alert)<img src=q onerror=a>|`${HOME}`"
SECRET_HOST, SECRET_PATH = "hub.internal.example", "/srv/people/maria/scrapes"
# A PNG of one pixel.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
PROVENANCE = {
    "raw_models": {
        "source": "folder",
        "endpoint": f"https://user:hf_secretsecretsecretsecret@{SECRET_HOST}",
        "file": f"{SECRET_PATH}/day.json",
        "finished": "2026-11-02T03:40:00+00:00",
        "sha256": "ab" * 32,
    }
}
Row = dict[str, Any]


def store(lake: Lake, table: Table, key: str | None, rows: list[Row]) -> None:
    frame = pl.DataFrame(rows, schema=dict(table.schema))
    lake.write(table, key, TableWrite([frame], provenance=PROVENANCE))


def model(number: int, day: str, **more: Any) -> Row:
    return {
        "day": iso(day),
        "hub_id": f"{number:024x}",
        "id": f"a{number % 7}/m{number}",
        "created_at": dt.datetime(2025, 1, 1, 0, 0, 0, 123_000, tzinfo=dt.UTC),
        "downloads": number,
        "tags": ["pytorch", f"tag-{number}"] if number % 3 else [],
        "base_models": [{"id": "a0/m0", "relation": "finetune"}] if number % 2 else None,
        "private": False,
        **more,
    }


def store_day(lake: Lake, day: str, models: int = 12, **more: Any) -> None:
    """A day of each daily table; its last model is private, its first has a hostile id."""
    rows = [model(number, day, **more) for number in range(models)]
    rows[0]["id"] = HOSTILE
    rows[-1] |= {"id": "acme/secret-model", "hub_id": "f" * 24, "private": True}
    store(lake, MODELS, day, rows)
    ranked = [
        {
            "day": iso(day),
            "dimension": "model",
            "key": row["id"],
            "hub_id": row["hub_id"],
            "rank": at,
            "rows": 1,
            "downloads": 10**6 - at,
        }
        for at, row in enumerate(rows, 1)
    ]
    totals = [{"day": iso(day), "dimension": "category", "key": None, "rows": models}]
    store(lake, DAILY_METRICS, day, totals + ranked)
    store(lake, TOP_MODELS, day, [{"day": iso(day), "tag": "x", "rank": 1, "id": HOSTILE,
                                   "hub_id": "0" * 24}])  # fmt: skip


def store_series(lake: Lake, days: tuple[str, ...] = DAYS) -> None:
    quality = [
        {
            "day": iso(day),
            "source": "folder" if at else "captured",
            "origin": f"{SECRET_PATH}/{day}.json" if at else f"https://{SECRET_HOST}",
            "flags": [],
            "trusted": True,
        }
        for at, day in enumerate(days)
    ]
    store(lake, DAY_QUALITY, None, quality)
    months = sorted({day[:7] for day in days})
    with lake.refreshing("category_history"):
        for month in months:
            rows = [{"day": iso(day), "key": "text-generation", "rows": 1.0}
                    for day in days if day.startswith(month)]  # fmt: skip
            store(lake, CATEGORY_HISTORY, month, rows)
        lake.join_months("category_history", months, {}, 0.0)
    store(lake, MODEL_PHASES, None, [{"hub_id": "1", "id": "a/b", "created": iso(days[0])}])


def store_figures(lake: Lake, day: str) -> None:
    lake.write_files("snapshot_figures", day, {"downloads.png": PIXEL, "figures.json": b"{}"})
    with replacing_folder(lake.folder("trend_figures", None), public=True) as folder:
        (folder / "ranks.png").write_bytes(PIXEL)
        (folder / "ranks.svg").write_text(f"<svg>{SECRET_PATH}</svg>")


def small_lake(root: LakePath, days: tuple[str, ...] = DAYS) -> Lake:
    lake = Lake(root)
    for day in days:
        store_day(lake, day)
    store_series(lake, days)
    store_figures(lake, days[-1])
    return lake


ABOUT: Mapping[str, str] = {"daily_metrics": "The day as sums | with a bar."}


def publish_now(lake: Lake, tables: str = "small", **how: Any) -> Outcome:
    license = how.pop("license", "other")
    return publish(lake, Repository(NAME), Plan(tables, license, ABOUT), **how)


if __name__ == "__main__":
    print(publish_now(Lake(Path(sys.argv[1])), "small,models").commit)
