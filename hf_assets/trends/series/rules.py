"""The rules that every series must pass."""

from collections.abc import Sequence

import polars as pl

from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable

# Shares of whole numbers: a larger excess over one means that something is counted twice.
ROUNDING = 1e-6


def grows_with_days(history: StoredTable, stored: Sequence[str]) -> RuleResult:
    """Every stored day with rows is in the series, and no other.

    Args:
        history: a table with `day`.
        stored: the days of its input tables.
    """
    column = history.frame.select(pl.col("day").unique()).collect()["day"]
    days = {day.isoformat() for day in column}
    missing, more = sorted(set(stored) - days), sorted(days - set(stored))
    problems = [
        *([f"{len(missing)} stored days are not in it, such as {missing[0]}"] if missing else []),
        *([f"{len(more)} of its days are not stored, such as {more[0]}"] if more else []),
    ]
    return RuleResult(
        passed=not problems,
        description="; ".join(problems) or f"all {len(days)} stored days are in it",
        metadata={"days": len(days), "missing": len(missing), "not stored": len(more)},
    )


def shares_add_up(history: StoredTable, *of: str) -> RuleResult:
    """The shares of a day add up to one at most, in every column.

    Args:
        history: a table with `day`, share_rows or share_downloads.
        of: columns whose values each have shares of their own.
    """
    names = [name for name in history.frame.collect_schema() if name.startswith("share_")]
    sums = history.frame.group_by("day", *of).agg(pl.col(names).cast(pl.Float64).sum()).collect()
    tops = sums.select(pl.max_horizontal(pl.col(names).max())).item() if names else None
    highest = float(tops or 0)
    return RuleResult(
        passed=highest <= 1 + ROUNDING,
        description=f"the shares of a day add up to {highest:.6f} at most",
        metadata={"highest sum": highest},
    )
