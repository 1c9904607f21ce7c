"""Rules of the aggregates of a day."""

import polars as pl

from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable

# Each has every model of the day in exactly one of its keys.
OF_ALL_MODELS = ("category", "library", "license", "license_group", "year")


def sums_agree(metrics: StoredTable, models: StoredTable) -> RuleResult:
    """The aggregates have every model of the table once, and all its downloads.

    They differ where `models` was rebuilt and the aggregates were not.

    Args:
        metrics: a day of `daily_metrics`.
        models: that day of `models`, which may be thinned.
    """
    sums = (
        metrics.frame.filter(pl.col("dimension").is_in([*OF_ALL_MODELS, "sdk"]))
        .group_by("dimension")
        .agg(pl.col("rows", "downloads").sum())
        .collect()
    )
    by_dimension = {row[0]: row[1:] for row in sums.iter_rows()}
    downloads = models.frame.select(pl.col("downloads").sum()).collect().item()
    wanted = dict.fromkeys(OF_ALL_MODELS, (models.rows, downloads))
    if spaces := metrics.notes.get("Spaces"):
        wanted["sdk"] = (spaces, 0)
    faults = []
    for name, (rows, total) in wanted.items():
        has_rows, has_total = by_dimension.get(name, (0, 0))
        what = "Spaces" if name == "sdk" else "models"
        if has_rows != rows:
            faults.append(f"{name} has {has_rows:,} of {rows:,} {what}")
        elif has_total != total:
            faults.append(f"{name} has {has_total:,} of {total:,} downloads")
    metadata = {"models": models.rows, "downloads": downloads, "dimensions": len(wanted)}
    if faults:
        text = f"{'; '.join(faults)}: materialise daily_metrics of that day again."
        return RuleResult(False, text, metadata)
    text = f"{len(wanted)} dimensions have {models.rows:,} models and {downloads:,} downloads."
    return RuleResult(True, text, metadata)
