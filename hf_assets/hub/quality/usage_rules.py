"""Rules of rankings and of the models that Spaces use."""

import polars as pl

from hf_assets.hub.quality.rules import absent_kind
from hf_assets.hub.tables.records import UsageCounts
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable

# Of fewer Spaces, it may be that none uses a model.
FEW_SPACES = 100
_COUNTED = "models for "  # beginning of a ranking's count in the notes


def rankings_filled(stored: StoredTable) -> RuleResult:
    """Every configured tag has models, and they are ordered by what they are ranked by.

    A tag that is misspelt, or that the Hub renamed, has an empty ranking; a source without the
    figure gives an order by name.
    """
    sort = stored.notes.get("sort", "likes")
    sizes = {
        name.removeprefix(_COUNTED): count
        for name, count in stored.notes.items()
        if name.startswith(_COUNTED)
    }
    by_tag = (
        stored.frame.sort("tag", "rank")
        .group_by("tag", maintain_order=True)
        .agg(
            unknown=pl.col(sort).is_null().all(),
            ordered=(pl.col("rank") == pl.int_range(1, pl.len() + 1)).all()
            & (pl.col(sort).drop_nulls().diff().drop_nulls() <= 0).all(),
        )
        .collect()
    )
    metadata = {"rankings": len(sizes), "ranked models": stored.rows}
    empty = sorted(tag for tag, count in sizes.items() if not count)
    without = sorted(by_tag.filter("unknown")["tag"])
    if wrong := sorted(by_tag.filter(~pl.col("ordered"))["tag"]):
        return RuleResult(False, f"Not in the order of {sort}: {', '.join(wrong)}.", metadata)
    if without:
        text = f"No model has {sort} on that day: {', '.join(without)} are ordered by name."
        return RuleResult(False, text, metadata, severity="WARN")
    capture = stored.capture("raw_models")
    of_some = capture.limited or capture.source == "folder"
    if empty and not of_some:
        text = f"No model for {', '.join(empty)}: is the tag spelt as the Hub spells it?"
        return RuleResult(False, text, metadata, severity="WARN")
    text = f"{stored.rows:,} models in {len(by_tag):,} rankings"
    return RuleResult(True, f"{text}{', of a list of some models' if of_some else ''}.", metadata)


def usage_adds_up(stored: StoredTable) -> RuleResult:
    """Each model has one row, and the rows add up to the pairs that Spaces name.

    A Hub that no longer serves the field `models` of Spaces gives an empty table.
    """
    counts = UsageCounts.read(stored.notes)
    metadata = {"Spaces": counts.spaces, "pairs": counts.pairs, "models": stored.rows}
    if reason := absent_kind(stored):
        return RuleResult(True, reason, metadata)
    if not stored.rows:
        text = f"None of {counts.spaces:,} Spaces names a model"
        if counts.spaces < FEW_SPACES:
            return RuleResult(True, f"{text}.", metadata)
        return RuleResult(
            False, f"{text}: the Hub no longer serves that field.", metadata, severity="WARN"
        )
    models, pairs, lonely = (
        stored.frame.select(
            pl.col("id").n_unique(),
            pl.col("spaces").sum(),
            lonely=((pl.col("spaces") < 1) | (pl.col("authors") > pl.col("spaces"))).sum(),
        )
        .collect()
        .row(0)
    )
    faults = {
        f"{stored.rows - models:,} models have more than one row": models != stored.rows,
        f"the rows add up to {pairs:,} of {counts.pairs:,} pairs": pairs != counts.pairs,
        f"{lonely:,} models have no Space, or more authors than Spaces": lonely,
    }
    text = "; ".join(fault for fault, there in faults.items() if there)
    good = f"{pairs:,} pairs of {counts.spaces_naming_models:,} Spaces and {models:,} models"
    return RuleResult(not text, f"{text or good}.", metadata)
