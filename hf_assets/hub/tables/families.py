"""Families of models: a root and all models made from it, by the base models of a day.

A model's base is the first of the models it names that is listed on that day; where none is, the
first that it names. Each model so has one base at most, one root, and counts in one family, that of
its top-most ancestor: a family within a family is a part of it. A base that is not listed (deleted,
private, renamed since) is the root of those that name it. A card that names its own model names no
base: those are slips of roots. A cycle is cut at its oldest repository, which is the root.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from hf_assets.hub.tables.forest import Nodes, cut_cycles, on_cycles, roots
from hf_assets.hub.tables.records import FamilyCounts
from hf_assets.storage.lake import TableWrite, iso
from hf_assets.storage.parquet import ROW_GROUP

RELATIONS = ("finetune", "adapter", "quantized", "merge")
# The Hub names a base without a relation, or with one that is none of these.
UNKNOWN = "unknown"

_COPIED = ("hub_id", "id", "author", "downloads", "downloads_all_time", "likes", "license")


@dataclass(frozen=True)
class _Graph:
    """The models of a day as nodes: those listed, in the order of the table, and those missing.

    Attributes:
        listed: number of listed models.
        names: ids of the missing ones, whose nodes follow those of the listed.
        edges: a row a model and base that it names: row, node, relation, name; best base first.
        parent: the base of each node; a node without one is its own.
        cycling: nodes on a cycle of two or more.
        root: of each node.
        depth: steps from there.
        own: models that name themselves.
    """

    listed: int
    names: pl.Series
    edges: pl.DataFrame
    parent: Nodes
    cycling: Nodes
    root: Nodes
    depth: Nodes
    own: int


def families(models: pl.LazyFrame, day: str) -> TableWrite:
    """A row a model that has a base or is one, in the order of `models`. Columns: `FAMILIES`.

    Ids are compared as 64-bit hashes: of 2.5 M, two are the same once in five million days.

    Args:
        models: that day's `models`.
        day: the partition key.
    """
    graph = _graph(models)
    named = graph.edges["node"].to_numpy()
    derivatives = np.bincount(named, minlength=graph.listed)[: graph.listed]
    there = np.flatnonzero((derivatives > 0) | _has_base(graph))
    frames = _rows(models, graph, derivatives, there, day)
    return TableWrite(frames=frames, record=_counts(graph, len(there)))


def _named(models: pl.LazyFrame) -> pl.DataFrame:
    """A row a model and base that it names: row, name, relation."""
    base = pl.col("base_models").struct
    return (
        models.select("base_models")
        .with_row_index("row")
        .filter(pl.col("base_models").list.len() > 0)
        .explode("base_models")
        .select(
            pl.col("row").cast(pl.Int64), name=base.field("id"), relation=base.field("relation")
        )
        .filter(pl.col("name").str.len_bytes() > 0)
        .collect(engine="streaming")
    )


def _at(models: pl.LazyFrame, rows: Nodes, *columns: str) -> pl.DataFrame:
    """These columns of these rows, ascending; read a part of `models` at a time."""
    parts = [models.select(columns).clear().collect()]
    for begin in np.unique(rows // ROW_GROUP) * ROW_GROUP:
        mine = rows[slice(*np.searchsorted(rows, [begin, begin + ROW_GROUP]))] - begin
        part = models.slice(int(begin), ROW_GROUP).select(columns).collect()
        parts.append(part[mine])
    return pl.concat(parts)


def _graph(models: pl.LazyFrame) -> _Graph:
    named = _named(models)
    size, node, names = _nodes(models, named)
    row = named["row"].to_numpy()
    # Of a base that is named twice the first counts.
    by_both = np.lexsort((node, row))
    again = (np.diff(row[by_both]) == 0) & (np.diff(node[by_both]) == 0)
    once = np.sort(by_both[np.append(True, ~again)]) if len(row) else by_both
    own = row[once] == node[once]
    once = once[~own]
    named, row, node = named[once], row[once], node[once]
    # A listed model before a missing one.
    order = (node >= size).astype(np.int8)
    edges = (
        named.with_columns(node=pl.Series(node, dtype=pl.Int64), order=pl.Series(order))
        .sort("row", "order", maintain_order=True)
        .drop("order")
    )
    first = edges.select("row", "node").unique("row", keep="first", maintain_order=True)
    parent = np.arange(size + len(names))
    parent[first["row"].to_numpy()] = first["node"].to_numpy()
    cycling = on_cycles(parent)
    if len(cycling):
        parent = cut_cycles(parent, cycling, _ages(models, cycling))
    root, depth = roots(parent)
    return _Graph(size, names, edges, parent, cycling, root, depth, int(own.sum()))


def _ages(models: pl.LazyFrame, rows: Nodes) -> Nodes:
    """The rank of these rows by age, from 0: ids of the Hub begin with the time of creation."""
    ids = _at(models, rows, "hub_id").with_row_index("at")
    if ids["hub_id"].is_duplicated().any():
        ids = ids.hstack(_at(models, rows, "id"))
    order = ids.sort(*ids.columns[1:], "at", nulls_last=True)["at"].to_numpy()
    ages = np.empty(len(rows), np.int64)
    ages[order] = np.arange(len(rows))
    return ages


def _nodes(models: pl.LazyFrame, named: pl.DataFrame) -> tuple[int, Nodes, pl.Series]:
    """The number of models, the node of each base, and the ids of the missing by their nodes."""
    ids = models.select(pl.col("id").hash()).collect(engine="streaming")["id"].to_numpy()
    # Equal ids in any order, which takes a fifth of the time.
    by_id = np.argsort(ids)
    ids = ids[by_id]
    for value in np.unique(ids[1:][ids[1:] == ids[:-1]]):
        # Models that swapped names during the listing share one: the oldest of them has it.
        same = slice(np.searchsorted(ids, value), np.searchsorted(ids, value, "right"))
        rows = np.sort(by_id[same])
        by_id[same] = rows[np.argsort(_ages(models, rows))]
    wanted = named["name"].hash().to_numpy()
    at = np.searchsorted(ids, wanted)
    at[at == len(ids)] = 0
    known = ids[at] == wanted if len(ids) else np.zeros(len(wanted), bool)
    _, first, missing = np.unique(wanted[~known], return_index=True, return_inverse=True)
    node = np.empty(len(wanted), np.int64)
    node[known] = by_id[at[known]]
    node[~known] = len(ids) + missing
    return len(ids), node, named["name"].filter(pl.Series(~known))[first]


def _has_base(graph: _Graph) -> np.ndarray:
    found = np.zeros(graph.listed, bool)
    found[graph.edges["row"].to_numpy()] = True
    return found


def _rows(
    models: pl.LazyFrame, graph: _Graph, derivatives: np.ndarray, there: Nodes, day: str
) -> Iterator[pl.DataFrame]:
    """The rows of the table, a part of `models` at a time."""
    based = _based(graph)
    based_rows = based["row"].to_numpy()
    tops = np.unique(graph.root[there])
    of_top = _of_roots(models, graph, tops)
    relation = pl.col("relation")
    known = pl.when(relation.is_in(RELATIONS)).then(relation).otherwise(pl.lit(UNKNOWN))
    cycling = np.zeros(len(graph.root), bool)
    cycling[graph.cycling] = True
    for begin in range(0, graph.listed, ROW_GROUP):
        mine, of_part = (
            slice(*np.searchsorted(rows, [begin, begin + ROW_GROUP]))
            for rows in (there, based_rows)
        )
        rows = there[mine]
        if not len(rows):
            continue
        part = models.slice(begin, ROW_GROUP).select(*_COPIED).collect()
        yield (
            pl.concat(
                [part[rows - begin], of_top[np.searchsorted(tops, graph.root[rows])]],
                how="horizontal",
            )
            .with_columns(
                row=pl.Series(rows),
                day=pl.lit(iso(day)),
                depth=pl.Series(graph.depth[rows].astype(np.int32)),
                on_cycle=pl.Series(cycling[rows]),
                derivatives=pl.Series(derivatives[rows].astype(np.int32)),
            )
            .join(based[of_part], on="row", how="left", maintain_order="left")
            .with_columns(
                relation=pl.when(pl.col("base").is_not_null()).then(known),
                n_bases=pl.col("n_bases").fill_null(0),
                n_roots=pl.col("n_roots").fill_null(1),
                base_listed=pl.col("node") < graph.listed,
            )
            .drop("row", "node")
        )


def _based(graph: _Graph) -> pl.DataFrame:
    """The models with a base, by row: it, its relation and node, and how many there are."""
    return (
        graph.edges.with_columns(root=pl.Series(graph.root[graph.edges["node"].to_numpy()]))
        .group_by("row", maintain_order=True)
        .agg(
            pl.col("node", "relation").first(),
            base=pl.col("name").first(),
            n_bases=pl.len().cast(pl.Int32),
            n_roots=pl.col("root").n_unique().cast(pl.Int32),
        )
    )


def _of_roots(models: pl.LazyFrame, graph: _Graph, tops: Nodes) -> pl.DataFrame:
    """The names of these roots, ascending, and their licences."""
    there, missing = tops[tops < graph.listed], tops[tops >= graph.listed] - graph.listed
    found = _at(models, there, "id", "hub_id", "license")
    found = found.rename({"id": "root", "hub_id": "root_id", "license": "root_license"})
    gone = pl.DataFrame({"root": graph.names[missing]}, schema={"root": pl.String})
    return pl.concat([found, gone], how="diagonal")


def _counts(graph: _Graph, rows: int) -> FamilyCounts:
    first = graph.edges.unique("row", keep="first", maintain_order=True)
    several = graph.edges.group_by("row").agg(
        bases=pl.len(), relations=pl.col("relation").drop_nulls().n_unique()
    )
    missing = first["node"] >= graph.listed
    tops = np.unique(graph.root[first["row"].to_numpy()])
    relations = first["relation"]
    known = relations.is_in(RELATIONS).fill_null(value=False)
    return FamilyCounts(
        rows=rows,
        models=graph.listed,
        with_base=first.height,
        relations={
            name: int((relations == name).fill_null(value=False).sum()) for name in RELATIONS
        }
        | {UNKNOWN: int((~known).sum())},
        families=len(tops),
        missing_bases=len(graph.names),
        with_missing_base=int(missing.sum()),
        several_bases=int((several["bases"] > 1).sum()),
        several_relations=int((several["relations"] > 1).sum()),
        on_cycle=len(graph.cycling),
        cycles=int((graph.parent[graph.cycling] == graph.cycling).sum()),
        own_base=graph.own,
        deepest=int(graph.depth.max(initial=0)),
    )
