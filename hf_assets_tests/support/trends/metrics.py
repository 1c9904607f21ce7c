"""`daily_metrics` of given rows, and the same aggregates counted by hand."""

import math
import statistics
from collections import defaultdict
from typing import Any

import numpy as np
import polars as pl

from hf_assets.hub.tables import schemas
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS, daily_metrics
from hf_assets_tests.conftest import DAY

Row = dict[str, Any]
SUMS = ("downloads", "downloads_all_time", "likes", "trending_score")


def frame_of(
    models: list[Row], spaces: list[Row] | None = None, used: list[Row] | None = None
) -> pl.DataFrame:
    """daily_metrics of these rows; columns left out are null."""
    made = daily_metrics(
        pl.LazyFrame(models, schema=schemas.MODELS.schema),
        pl.LazyFrame(spaces or [], schema=schemas.ENRICHED_SPACES.schema),
        pl.LazyFrame(used or [], schema=schemas.MODEL_USAGE.schema),
        [],
        DAY,
    )
    shaped = [
        one.select(DAILY_METRICS.schema.names()).cast(dict(DAILY_METRICS.schema))
        for one in made.frames
    ]
    return pl.concat(shaped)


def rows_of(frame: pl.DataFrame, dimension: str) -> dict[Any, Row]:
    found = frame.filter(pl.col("dimension") == dimension)
    return {row["key"]: row for row in found.iter_rows(named=True)}


def values_of(frame: pl.DataFrame, dimension: str) -> dict[str, float | None]:
    return {key: row["value"] for key, row in rows_of(frame, dimension).items()}


def total(values: list[Any]) -> Any:
    """A sum, None where there is nothing to sum."""
    said = [value for value in values if value is not None]
    return sum(said) if said else None


def near(found: float | None, wanted: float | None, digits: float = 1e-9) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return math.isclose(found, wanted, rel_tol=digits, abs_tol=digits)


# By hand


def naive_groups(rows: list[Row], column: str, sums: tuple[str, ...] = SUMS) -> dict[Any, Row]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    found = {
        key: {"rows": len(group), **{name: total([row[name] for row in group]) for name in sums}}
        for key, group in groups.items()
    }
    whole = {name: total([row[name] for row in rows]) for name in ("downloads", "likes")
             if name in sums}  # fmt: skip
    for group in found.values():
        group["share_rows"] = group["rows"] / len(rows)
        for name, of_all in whole.items():
            part = group[name]
            group[f"share_{name}"] = part / of_all if of_all and part is not None else None
    return found


def assert_groups(found: dict[Any, Row], wanted: dict[Any, Row]) -> None:
    assert found.keys() == wanted.keys()
    for key, group in wanted.items():
        for name, value in group.items():
            digits = 1e-6 if name.startswith("share") else 1e-9
            assert near(found[key][name], value, digits), (key, name, found[key][name], value)


def naive_gini(values: list[int]) -> float:
    pairs = sum(abs(one - other) for one in values for other in values)
    return pairs / (2 * len(values) ** 2 * statistics.fmean(values))


def naive_ranks(values: list[float]) -> list[float]:
    return [
        1 + sum(other < one for other in values) + (sum(other == one for other in values) - 1) / 2
        for one in values
    ]


def naive_correlation(pairs: list[tuple[float, float]]) -> float | None:
    if len(pairs) < 2:
        return None
    one, other = np.array(pairs, dtype=float).T
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def naive_concentration(of: str, held: list[int]) -> dict[str, float]:
    if not sum(held):
        return {}
    highest = sorted(held, reverse=True)
    hhi = sum((100 * one / sum(held)) ** 2 for one in held)
    tops = {f"top_{count}": count for count in (1, 10, 100, 1000)}
    tops["top_1_percent"] = -(-len(held) // 100)
    return {
        f"{of}/gini": naive_gini(held),
        f"{of}/hhi": hhi,
        f"{of}/effective_number": 10_000 / hhi,
        **{f"{of}/{name}": sum(highest[:count]) / sum(held) for name, count in tops.items()},
    }
