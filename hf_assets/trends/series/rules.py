"""The rules that a series must pass, whatever it is of."""

from collections.abc import Sequence

import polars as pl

from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable

# Shares are of whole numbers: what is above one by more is counted twice.
ROUNDING = 1e-6


def grows_with_days(history: StoredTable, stored: Sequence[str]) -> RuleResult:
    """Every stored day with rows is in the series, and no other.

    Args:
        history: a table with `day`.
        stored: the days of the tables it is made from.
    """
    there = history.frame.select(pl.col("day").unique()).collect()["day"]
    found = {day.isoformat() for day in there}
    missing, more = sorted(set(stored) - found), sorted(found - set(stored))
    said = [
        *([f"{len(missing)} stored days are not in it, such as {missing[0]}"] if missing else []),
        *([f"{len(more)} of its days are not stored, such as {more[0]}"] if more else []),
    ]
    return RuleResult(
        passed=not said,
        description="; ".join(said) or f"all {len(found)} stored days are in it",
        metadata={"days": len(found), "missing": len(missing), "not stored": len(more)},
    )


def shares_add_up(history: StoredTable, *of: str) -> RuleResult:
    """On no day do the shares of a column add up to more than one.

    Args:
        history: a table with `day`, share_rows or share_downloads.
        of: columns that part the table into wholes.
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
