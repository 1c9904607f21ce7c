"""Made-up rows of what uses what: a day's aggregates, and a series of days."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from hf_assets.trends.series.schemas import USED_BY_HISTORY

Row = dict[str, Any]
KINDS = ("space-model", "space-dataset", "model-dataset", "model-paper", "model-model")


def day_rows(categories: int = 48, targets: int = 30) -> list[Row]:
    """Rows of `daily_metrics`; the categories are those of `snapshots.normal`."""
    found: list[Row] = [
        {"dimension": "edges", "key": kind, "rows": 900 * at, "value": 400.0, "share_rows": 0.2}
        for at, kind in enumerate(KINDS, 1)
    ]
    found.append({"dimension": "training_data", "key": "all", "rows": 134, "downloads": 900_000,
                  "share_rows": 0.134, "share_downloads": 0.35})  # fmt: skip
    found += [
        {"dimension": "training_data_category", "key": f"category-of-some-length-{at}",
         "rows": 90 // (at + 1), "share_rows": 1 / (at + 2), "share_downloads": 0.1}
        for at in range(categories)
    ]  # fmt: skip
    for of in ("dataset", "paper"):
        found += [
            {"dimension": f"used_{of}", "rank": at + 1, "rows": 4000 // (at + 1),
             "key": f"organisation-{at}/a-long-name-of-a-dataset-{at}" if of == "dataset"
             else f"19{at:02d}.09700",
             "downloads": 70_000 * (at % 7 + 1), "value": float(90 // (at + 1))}
            for at in range(targets)
        ]  # fmt: skip
    return found


def used_by(
    rng: np.random.Generator,
    every: Sequence[dt.date],
    there: Sequence[int],
    trusted: Mapping[int, bool],
    models: np.ndarray,
) -> pl.DataFrame:
    """`used_by_history` of those of the days that are there."""
    days = len(every)
    share = 0.11 + np.cumsum(rng.normal(0.0002, 0.0005, days))
    rows = [
        {"day": every[i], "of": "training_data", "key": "all", "models": share[i] * models[i],
         "share_models": share[i], "share_downloads": 0.3 + 0.4 * share[i], "trusted": trusted[i]}
        for i in there
    ]  # fmt: skip
    for of, name in (
        ("dataset", "organisation-{0}/dataset-{0}-large"),
        ("paper", "24{0:02d}.0001"),
    ):
        for at in range(12):
            level = 9000 / (at + 1) ** 0.8
            walk = level * np.exp(np.cumsum(rng.normal(0.001, 0.002, days)))
            rows += [{"day": every[i], "of": of, "key": name.format(at), "models": walk[i],
                      "trusted": trusted[i]} for i in there]  # fmt: skip
    full = [{name: row.get(name) for name in USED_BY_HISTORY.columns} for row in rows]
    return pl.DataFrame(full, schema=USED_BY_HISTORY.schema)
