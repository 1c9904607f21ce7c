"""Rules of rankings, of the models that Spaces use, and of families."""

import polars as pl

from hf_assets.hub.quality.rules import absent_kind
from hf_assets.hub.tables.records import FamilyCounts, UsageCounts
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable

# Of fewer Spaces, it may be that none uses a model.
FEW_SPACES = 100
# A larger step of the share of models whose base is not listed is no usual night.
MISSING_STEP = 0.05
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


def families_add_up(families: StoredTable, models: StoredTable) -> RuleResult:
    """Each model is in one family, at one step more than its base, and no sum is over the Hub's.

    Args:
        families: a day of `families`.
        models: that day of `models`, which may be thinned.
    """
    of_all = models.frame.select(pl.col("downloads").sum()).collect().item()
    root = pl.col("depth") == 0
    own = pl.col("root_id").eq_missing(pl.col("hub_id"))
    ids, downloads, rootless, misplaced, with_base = (
        families.frame.select(
            pl.col("hub_id").n_unique(),
            pl.col("downloads").sum(),
            rootless=pl.col("root").is_null().sum(),
            misplaced=(root != own).sum() + (~root & pl.col("base").is_null()).sum(),
            with_base=pl.col("base").is_not_null().sum(),
        )
        .collect()
        .row(0)
    )
    counts = FamilyCounts.read(families.notes)
    metadata = {
        "families": counts.families, "models": families.rows, "with a base": with_base,
        "downloads": downloads,
    }  # fmt: skip
    faults = {
        f"{families.rows - ids:,} models have more than one row": ids != families.rows,
        f"{rootless:,} models have no root": rootless,
        f"{misplaced:,} models have another root than their steps say": misplaced,
        f"they have {downloads:,} of {of_all:,} downloads": downloads > of_all,
        f"they are made of {counts.models:,} models, and models has {models.rows:,}: materialise "
        "families again": counts.models != models.rows,
    }
    text = "; ".join(fault for fault, there in faults.items() if there)
    good = f"{families.rows:,} of {models.rows:,} models are in {counts.families:,} families, "
    good += f"with {downloads:,} of {of_all:,} downloads"
    return RuleResult(not text, f"{text or good}.", metadata)


def no_cycles(families: StoredTable) -> RuleResult:
    """No model is among its own ancestors."""
    counts = FamilyCounts.read(families.notes)
    metadata = {
        "cycles": counts.cycles, "models on a cycle": counts.on_cycle,
        "models that name themselves": counts.own_base,
    }  # fmt: skip
    own = f"{counts.own_base:,} models name themselves, which counts as no base."
    if not counts.cycles:
        return RuleResult(True, f"No model is among its own ancestors; {own}", metadata)
    text = (
        f"{counts.on_cycle:,} models are on {counts.cycles:,} cycles of base models, each cut at "
    )
    text += f"its oldest repository; {own}"
    return RuleResult(False, text, metadata, severity="WARN")


def bases_listed(families: StoredTable, earlier: StoredTable | None) -> RuleResult:
    """The share of models whose base is not listed is about that of an earlier day.

    Args:
        families: a day of `families`.
        earlier: the last day of the same source and scope, if any.
    """
    share, counts = _missing_share(families)
    text = f"{counts.with_missing_base:,} of {counts.with_base:,} models with a base ({share:.1%}) "
    text += f"have none that is listed; {counts.missing_bases:,} ids are named and not listed"
    metadata = {
        "share without a listed base": share, "ids named and not listed": counts.missing_bases
    }  # fmt: skip
    if earlier is None:
        return RuleResult(True, f"{text}; there is no earlier day of that source.", metadata)
    before, _ = _missing_share(earlier)
    metadata["share before"] = before
    text += f"; {before:.1%} on {earlier.day}."
    return RuleResult(abs(share - before) <= MISSING_STEP, text, metadata, severity="WARN")


def _missing_share(families: StoredTable) -> tuple[float, FamilyCounts]:
    counts = FamilyCounts.read(families.notes)
    return counts.with_missing_base / max(counts.with_base, 1), counts
