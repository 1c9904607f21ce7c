"""Rules of what uses what: edges, known targets, and users."""

import polars as pl

from hf_assets.hub.uses.edges import arxiv_id
from hf_assets.hub.uses.records import UsesCounts
from hf_assets.hub.uses.schemas import (
    KINDS,
    MODEL_DATASET,
    MODEL_MODEL,
    MODEL_PAPER,
    RELATIONS,
    SPACE_DATASET,
    SPACE_MODEL,
    TARGETS,
    UNKNOWN,
)
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable
from hf_assets.ui_words import percent

# Points by which the share of listed targets may move from one day to the next.
KNOWN_STEP = 0.05
# Of fewer edges, a few targets that go are no jump.
FEW_EDGES = 1000
NOT_COMPARED = "No earlier day of the same source to compare with."


def uses_add_up(uses: StoredTable, spaces: StoredTable, models: StoredTable) -> RuleResult:
    """Each edge is there once, and there are as many of each kind as the tables name.

    Args:
        uses: a day of `uses`.
        spaces: that day of `enriched_spaces`.
        models: that day of `models`.
    """
    found = dict.fromkeys(KINDS, 0) | dict(
        uses.frame.group_by("kind").len().collect(engine="streaming").iter_rows()
    )
    edge = pl.struct("kind", "source_id", "target").hash()
    again = uses.rows - uses.frame.select(edge.n_unique()).collect(engine="streaming").item()
    metadata = {f"{kind} edges": count for kind, count in found.items()}
    faults = [f"{again:,} edges are there again"] if again else []
    thin = [name for name, one in (("enriched_spaces", spaces), ("models", models))
            if "thinned" in one.notes]  # fmt: skip
    named = {} if thin else _named(spaces, models)
    faults += [
        f"{kind} has {found[kind]:,} edges, and the day's tables name {count:,}"
        for kind, count in named.items()
        if found[kind] != count
    ]
    if faults:
        text = f"{'; '.join(faults)}: materialise uses of that day again."
        return RuleResult(False, text, metadata)
    text = f"{uses.rows:,} edges, each once"
    text += f"; {thin[0]} was thinned: not compared" if thin else ", as the day's tables name them"
    return RuleResult(True, f"{text}.", metadata)


def _named(spaces: StoredTable, models: StoredTable) -> dict[str, int]:
    """Distinct names a row, by kind: counted in the lists, not in their elements as `uses` does."""
    name = pl.element()
    # A null is no name either, and no filter lets it pass.
    filled = name.filter(name != "")

    def distinct(names: pl.Expr) -> pl.Expr:
        return names.list.eval(filled).list.n_unique().sum()

    def tagged(prefix: str) -> pl.Expr:
        values = name.filter(name.str.starts_with(prefix)).str.strip_prefix(prefix)
        return pl.col("tags").list.eval(values)

    # Most tags are others.
    either = name.str.starts_with("dataset:") | name.str.starts_with("arxiv:")
    few_tags = pl.col("tags").list.eval(name.filter(either))

    of_spaces = spaces.frame.select(
        distinct(pl.col("models")).alias(SPACE_MODEL),
        distinct(pl.col("datasets")).alias(SPACE_DATASET),
    )
    of_models = models.frame.select("base_models", few_tags).select(
        distinct(tagged("dataset:")).alias(MODEL_DATASET),
        distinct(tagged("arxiv:").list.eval(arxiv_id(name))).alias(MODEL_PAPER),
        distinct(pl.col("base_models").list.eval(name.struct.field("id"))).alias(MODEL_MODEL),
    )
    counted = [one.collect(engine="streaming").row(0, named=True) for one in (of_spaces, of_models)]
    return {kind: count or 0 for one in counted for kind, count in one.items()}


def known_rates(uses: StoredTable, before: StoredTable | None) -> RuleResult:
    """The share of targets that are listed did not jump since the last day of the same source.

    A jump means that a listing broke off, or that the Hub names repositories in another way.

    Args:
        uses: a day of `uses`.
        before: the last earlier day of the same source and scope, if any.
    """
    now = _shares(uses)
    metadata = {f"{kind}: listed_percent": round(100 * share, 2) for kind, share in now.items()}
    text = ", ".join(f"{kind} {percent(share)}" for kind, share in now.items())
    if before is None:
        return RuleResult(
            True, f"Listed: {text}. {NOT_COMPARED}" if text else NOT_COMPARED, metadata
        )
    then = _shares(before)
    jumps = [
        f"{kind}: {percent(share)} of the targets are listed, {percent(then[kind])} on {before.day}"
        for kind, share in now.items()
        if kind in then and abs(share - then[kind]) > KNOWN_STEP
    ]
    good = f"Listed: {text or 'unknown'}"
    return RuleResult(not jumps, f"{'; '.join(jumps) or good}.", metadata, severity="WARN")


def _shares(uses: StoredTable) -> dict[str, float]:
    """The share of edges whose target is listed, by kind, of kinds with enough edges."""
    return {
        kind: 1 - counts.unknown / counts.edges
        for kind, counts in UsesCounts.read(uses.notes).kinds.items()
        if counts.unknown is not None and counts.edges >= FEW_EDGES
    }


def used_by_adds_up(used_by: StoredTable, uses: StoredTable, usage: StoredTable) -> RuleResult:
    """Users add up to the edges, relations to the models; the Spaces are those of `model_usage`.

    Args:
        used_by: a day of `used_by`.
        uses: that day of `uses`.
        usage: that day of `model_usage`.
    """
    relations = [*RELATIONS, UNKNOWN]
    sums = used_by.frame.group_by("of").agg(
        pl.len(), pl.col("target").n_unique(), pl.col("spaces", "models", *relations).sum()
    )
    by_kind = {row["of"]: row for row in sums.collect().to_dicts()}
    counts, faults = UsesCounts.read(uses.notes), []
    for of, kinds in TARGETS.items():
        row = by_kind.get(of, {})
        if row and row["target"] != row["len"]:
            faults.append(f"{row['len'] - row['target']:,} {of}s have more than one row")
        for kind, column in zip(kinds, ("spaces", "models"), strict=True):
            if kind and counts.kinds[kind].edges != (summed := row.get(column) or 0):
                edges = counts.kinds[kind].edges
                faults.append(f"{column} of {of}s add up to {summed:,} of {edges:,} edges")
    models = by_kind.get("model", {})
    if models and (made := sum(models[name] for name in relations)) != models["models"]:
        faults.append(f"relations add up to {made:,} of {models['models']:,} models")
    if different := _differences(used_by, usage):
        faults.append(f"{different:,} models have other Spaces in model_usage")
    metadata = {f"{of}s": row["len"] for of, row in sorted(by_kind.items())}
    text = f"{'; '.join(faults)}: materialise used_by of that day again"
    good = f"{used_by.rows:,} targets, whose users add up to {counts.edges:,} edges"
    return RuleResult(not faults, f"{text if faults else good}.", metadata)


def _differences(used_by: StoredTable, usage: StoredTable) -> int:
    """Models whose Spaces, authors or likes differ from those of `model_usage`."""
    counts = ("spaces", "authors", "likes")
    mine = used_by.frame.filter(pl.col("of") == "model", pl.col("spaces") > 0)
    mine = mine.select("target", *counts)
    # An empty name is no edge; `model_usage` counts it as it is served.
    theirs = usage.frame.filter(pl.col("id") != "").select(*counts, target="id")
    same = mine.join(theirs, on=["target", *counts], how="inner", nulls_equal=True)
    rows = [frame.select(pl.len()).collect().item() for frame in (mine, theirs, same)]
    return max(rows[0], rows[1]) - rows[2]
