"""Rules of the aggregates of a day."""

import polars as pl

from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable

# Each has every model of the day in exactly one of its keys.
OF_ALL_MODELS = ("category", "library", "license", "license_group", "year")
# Each has every dataset of the day in exactly one of its keys.
OF_ALL_DATASETS = ("dataset_size", "dataset_license", "dataset_total")


def sums_agree(
    metrics: StoredTable, models: StoredTable, datasets: StoredTable | None = None
) -> RuleResult:
    """The aggregates have every model and dataset of the tables once, and all their downloads.

    They differ where a table was rebuilt and the aggregates were not.

    Args:
        metrics: a day of `daily_metrics`.
        models: that day of `models`, which may be thinned.
        datasets: that day of `hub_datasets`, if there is one.
    """
    sums = (
        metrics.frame.filter(pl.col("dimension").is_in([*OF_ALL_MODELS, *OF_ALL_DATASETS, "sdk"]))
        .group_by("dimension")
        .agg(pl.col("rows", "downloads").sum())
        .collect()
    )
    by_dimension = {row[0]: row[1:] for row in sums.iter_rows()}
    downloads = _downloads(models)
    wanted = dict.fromkeys(OF_ALL_MODELS, (models.rows, downloads))
    nouns = {"sdk": "Spaces"} | dict.fromkeys(OF_ALL_DATASETS, "datasets")
    if spaces := metrics.notes.get("Spaces"):
        wanted["sdk"] = (spaces, 0)
    if datasets is not None and datasets.rows:
        wanted |= dict.fromkeys(OF_ALL_DATASETS, (datasets.rows, _downloads(datasets)))
    faults = []
    for name, (rows, total) in wanted.items():
        has_rows, has_total = by_dimension.get(name, (0, 0))
        what = nouns.get(name, "models")
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


def _downloads(stored: StoredTable) -> int:
    return stored.frame.select(pl.col("downloads").sum()).collect().item()
