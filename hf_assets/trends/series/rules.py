"""The rules that every series must pass."""

import itertools
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


def one_row_a_model(
    phases: StoredTable, history: StoredTable, every: StoredTable | None = None
) -> RuleResult:
    """Each model of the history with a level has one row of phases, and no other model has one.

    They differ where `model_history` was rebuilt and `model_phases` was not.

    Args:
        phases: `model_phases`.
        history: `model_history`.
        every: `model_days`, where the lake has it: then models of it may have a row, too.
    """
    ids = pl.col("hub_id")
    rows = phases.frame.select(ids)
    # Without a trusted day there is no level.
    levels = history.frame.filter(pl.col("downloads").is_not_null()).select(ids).unique()
    listed = levels if every is None else every.frame.select(ids)
    counts = [
        levels.join(rows, on="hub_id", how="anti").select(pl.len()),
        rows.join(listed, on="hub_id", how="anti").select(pl.len()),
        rows.select(ids.n_unique()),
    ]
    missing, more, models = (one.item() for one in pl.collect_all(counts, engine="streaming"))
    source = "model_history" if every is None else "model_days"
    problems = [
        *([f"{missing:,} models of model_history are missing"] if missing else []),
        *([f"{more:,} models are not in {source}"] if more else []),
        *([f"{phases.rows - models:,} rows are duplicates"] if phases.rows > models else []),
    ]
    text = "; ".join(problems) or f"{models:,} models, each with one row"
    metadata = {"models": models, "missing": missing, f"not in {source}": more}
    return RuleResult(not problems, f"{text}.", metadata)


def shares_rise_with_age(adoption: StoredTable) -> RuleResult:
    """The share that reached a milestone never falls with age, and lies in its interval.

    Args:
        adoption: a table with milestone, age, share, low and high.
    """
    share, low, high = pl.col("share"), pl.col("low"), pl.col("high")
    inside = share.is_between(-ROUNDING, 1 + ROUNDING)
    around = (low <= share + ROUNDING).fill_null(True) & (high >= share - ROUNDING).fill_null(True)
    by_milestone = (
        adoption.frame.sort("milestone", "age")
        .group_by("milestone", maintain_order=True)
        .agg(
            falls=(share.drop_nulls().diff().drop_nulls() < -ROUNDING).sum(),
            outside=(~(inside & around)).sum(),
        )
        .collect()
    )
    falls, outside = (int(by_milestone[name].sum()) for name in ("falls", "outside"))
    return RuleResult(
        passed=not falls and not outside,
        description=f"{falls} shares fall with age, {outside} lie outside of their interval, of "
        f"{by_milestone.height} milestones.",
        metadata={"milestones": by_milestone.height, "falls": falls, "outside": outside},
    )


def shares_nest(concentration: StoredTable) -> RuleResult:
    """The share of the first k grows with k, up to one, and the Gini is from 0 to 1.

    Days counted twice, or interpolated between days of another coverage, break it.

    Args:
        concentration: a table with gini and top_1 to top_1000; null where nothing was counted.
    """
    names = ["top_1", "top_10", "top_100", "top_1000"]
    nested = [pl.col(a) <= pl.col(b) + ROUNDING for a, b in itertools.pairwise(names)]
    inside = [pl.col(name).is_between(0, 1 + ROUNDING) for name in (*names, "gini")]
    good = pl.all_horizontal(one.fill_null(True) for one in (*nested, *inside))
    bad = concentration.frame.filter(~good).select("day", "of").collect().sort("day", "of")
    rows = concentration.rows
    text = f"{rows:,} rows, each with shares that rise to one at most"
    if bad.height:
        text = f"{bad.height:,} of {rows:,} rows have impossible shares, such as {bad['of'][0]} of "
        text += str(bad["day"][0])
    return RuleResult(not bad.height, f"{text}.", {"rows": rows, "impossible": bad.height})
