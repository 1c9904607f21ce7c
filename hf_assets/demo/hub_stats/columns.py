"""A generated Hub's day in the columns of the archive `hub-stats`, as Arrow tables.

What does not change from day to day is rendered once, for all repositories ever born, through the
rows of the listing, so that both agree; a day is a selection from it, and its counters beside it.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from hf_assets.demo.hub_stats.texts import card, configuration, file_lists
from hf_assets.demo.world.datasets import DatasetPage
from hf_assets.demo.world.draws import Draws, Floats, Index
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.lineage import RELATIONS
from hf_assets.demo.world.model_rows import ModelPage
from hf_assets.demo.world.spaces import SpacePage
from hf_assets.demo.world.timeline import DAY_SECONDS, NEVER, Timeline, moment

_TEXTS = pl.List(pl.String)
_TOTAL = {"total": pl.Int64}
_MODEL_WIRE = pl.Schema(
    {
        "_id": pl.String,
        "author": pl.String,
        "tags": _TEXTS,
        "pipeline_tag": pl.String,
        "library_name": pl.String,
        "cardData": pl.Struct({"license": pl.String}),
        "gguf": pl.Struct(
            {**_TOTAL, "architecture": pl.String, "context_length": pl.Int64}
        ),
        "safetensors": pl.Struct(_TOTAL),
    }
)  # fmt: skip
_SPACE_WIRE = pl.Schema(
    {
        "_id": pl.String,
        "author": pl.String,
        "sdk": pl.String,
        "tags": _TEXTS,
        "datasets": _TEXTS,
    }
)
_DATASET_WIRE = pl.Schema(
    {
        "_id": pl.String,
        "author": pl.String,
        "tags": _TEXTS,
        "gated": pl.String,
        "private": pl.Boolean,
        "disabled": pl.Boolean,
        "mainSize": pl.Int64,
        "cardData": pl.Struct({"license": pl.String}),
    }
)
_NAMED_WIRE = pl.Schema({"description": pl.String, "sha": pl.String})
_RUNTIME_WIRE = pl.Schema(
    {
        "runtime": pl.Struct(
            {
                "stage": pl.String,
                "errorMessage": pl.String,
                "hardware": pl.Struct({"current": pl.String, "requested": pl.String}),
            }
        )
    }
)
_AHEAD = dt.timedelta(days=90)
_RELATIONS = pa.array(RELATIONS)


@dataclass(frozen=True)
class State:
    """What a day's file shows.

    day: whose repositories, likes and trending scores.
    counters: the day of `downloads` and, unless it was rolled back, of `downloadsAllTime`.
    all_time: the day of `downloadsAllTime`; None for a file without that column.
    cards: whether there are cardData and trendingScore.
    sizes: whether there is a dataset's mainSize.
    partial: whether three rows in four are missing.
    """

    day: dt.date
    counters: dt.date
    all_time: dt.date | None
    cards: bool
    sizes: bool
    partial: bool


class ModelColumns:
    """The models of any day.

    Args:
        hub: whose.
    """

    def __init__(self, hub: GeneratedHub) -> None:
        self._world = hub.models
        self._fixed = _Fixed(hub.models.timeline, self._rendered, self._named)

    def table(self, state: State) -> pa.Table:
        """The columns of models.parquet on that day."""
        world = self._world
        index = _chosen(world.timeline, world.draws, state)
        columns = self._fixed.on(index, state.day)
        columns |= {
            "downloads": pa.array(world.downloads(index, state.counters)),
            "likes": pa.array(world.likes(index, state.day)),
            "trendingScore": pa.array(world.trending(index, state.day)),
            "lastModified": _times(world.modified(index, state.day)),
            "baseModels": self._bases(index, state.day),
        }
        if state.all_time:
            columns["downloadsAllTime"] = pa.array(world.downloads_all_time(index, state.all_time))
        return _ordered(columns, state)

    def _named(self, index: Index, when: int) -> list[str]:
        return self._world.ids(index, when)

    def _rendered(self, index: Index, day: dt.date) -> dict[str, pa.Array]:
        draws = self._world.draws
        wire = _parsed(ModelPage(self._world, index, day).rows(frozenset(_MODEL_WIRE)), _MODEL_WIRE)
        columns = {name: wire[name].to_arrow() for name in wire.columns if name != "cardData"}
        licenses = wire["cardData"].struct.field("license").to_list()
        columns["cardData"] = _cards(draws, index, licenses)
        columns["siblings"] = file_lists(draws, index)
        columns["config"] = configuration(draws, index)
        return columns

    def _bases(self, index: Index, day: dt.date) -> pa.StructArray:
        """Base models under their names of that day."""
        world, number = self._world, moment(day) // DAY_SECONDS
        bases = world.lineage.listed(index, number)
        every, which = np.unique(bases.base, return_inverse=True)
        names = world.ids(every, number)
        known = pa.StructArray.from_arrays(
            [pa.array(world.timeline.hub_ids(every), pa.string()), pa.array(names, pa.string())],
            names=["_id", "id"],
        )
        count = np.bincount(bases.owner, minlength=len(index))
        offsets = np.concatenate(([0], np.cumsum(count))).astype(np.int32)
        lists = pa.ListArray.from_arrays(pa.array(offsets), known.take(pa.array(which)))
        relations = _RELATIONS.take(pa.array(world.lineage.relations(index)))
        return pa.StructArray.from_arrays(
            [relations, lists], names=["relation", "models"], mask=pa.array(count == 0)
        )


class SpaceColumns:
    """The Spaces of any day.

    Args:
        hub: whose.
        usage: whether the file says which models and datasets a Space uses. The real one does not
            (as far as those who read it show); without it, past days know no use of models.
    """

    def __init__(self, hub: GeneratedHub, usage: bool) -> None:
        self._world, self._usage = hub.spaces, usage
        self._fixed = _Fixed(hub.spaces.timeline, self._rendered, hub.spaces.ids)

    def table(self, state: State) -> pa.Table:
        """The columns of spaces.parquet on that day."""
        world = self._world
        index = _chosen(world.timeline, world.draws, state)
        page = SpacePage(world, index, state.day)
        columns = self._fixed.on(index, state.day)
        columns |= {
            "likes": pa.array(world.likes(index, state.day)),
            "trendingScore": pa.array(world.trending(index, state.day)),
            "lastModified": _times(world.modified(index, state.day)),
            "runtime": _parsed(page.rows(frozenset(_RUNTIME_WIRE)), _RUNTIME_WIRE)[
                "runtime"
            ].to_arrow(),
        }
        if self._usage:
            used = [names or None for names in page.named_models()]
            columns["models"] = pa.array(used, pa.list_(pa.string()))
        return _ordered(columns, state)

    def _rendered(self, index: Index, day: dt.date) -> dict[str, pa.Array]:
        wire = _parsed(SpacePage(self._world, index, day).rows(frozenset(_SPACE_WIRE)), _SPACE_WIRE)
        columns = {
            name: wire[name].to_arrow()
            for name in wire.columns
            if self._usage or name != "datasets"
        }
        columns["cardData"] = _cards(self._world.draws, index, [None] * len(index))
        return columns


class DatasetColumns:
    """The datasets of any day. `gated` is a text: false, auto or manual.

    Args:
        hub: whose.
    """

    def __init__(self, hub: GeneratedHub) -> None:
        self._world = hub.datasets
        self._fixed = _Fixed(hub.datasets.timeline, self._rendered, hub.datasets.ids)

    def table(self, state: State) -> pa.Table:
        """The columns of datasets.parquet on that day."""
        world = self._world
        index = _chosen(world.timeline, world.draws, state)
        columns = self._fixed.on(index, state.day)
        page = DatasetPage(world, index, state.day)
        wire = _parsed(page.rows(frozenset(_NAMED_WIRE)), _NAMED_WIRE)
        columns |= {
            "downloads": pa.array(world.downloads(index, state.counters)),
            "likes": pa.array(world.likes(index, state.day)),
            "trendingScore": pa.array(world.trending(index, state.day)),
            "lastModified": _times(world.modified(index, state.day)),
            **{name: wire[name].to_arrow() for name in wire.columns},
        }
        if state.all_time:
            columns["downloadsAllTime"] = pa.array(world.downloads_all_time(index, state.all_time))
        return _ordered(columns, state)

    def _rendered(self, index: Index, day: dt.date) -> dict[str, pa.Array]:
        draws, page = self._world.draws, DatasetPage(self._world, index, day)
        wire = _parsed(page.rows(frozenset(_DATASET_WIRE)), _DATASET_WIRE)
        columns = {name: wire[name].to_arrow() for name in wire.columns if name != "cardData"}
        return columns | {
            "cardData": _cards(draws, index, wire["cardData"].struct.field("license").to_list()),
            "siblings": file_lists(draws, index),
        }


_ORDER = (
    "_id", "id", "author", "cardData", "sdk", "disabled", "gated", "lastModified", "likes",
    "trendingScore", "private", "sha", "config", "description", "downloads", "downloadsAllTime",
    "tags", "pipeline_tag", "library_name", "createdAt", "siblings", "baseModels", "gguf",
    "safetensors", "runtime", "models", "datasets", "mainSize",
)  # fmt: skip


class _Fixed:
    """Columns that stay, of all repositories born so far."""

    def __init__(
        self,
        timeline: Timeline,
        render: Callable[[Index, dt.date], dict[str, pa.Array]],
        name: Callable[[Index, int], list[str]],
    ) -> None:
        self._timeline, self._render, self._name = timeline, render, name
        self._known: pa.Table | None = None

    def on(self, index: Index, day: dt.date) -> dict[str, pa.ChunkedArray]:
        """Those of the repositories asked for; `id` under its name of that day."""
        known = self._grown(day)
        cards = known.take(pa.array(index))
        renamed = self._timeline.is_renamed(index, moment(day) // DAY_SECONDS)
        columns = {name: cards[name] for name in cards.column_names}
        later = columns.pop("later id")
        if renamed.any():
            names = columns["id"].to_numpy(zero_copy_only=False)
            names[renamed] = later.filter(pa.array(renamed)).to_numpy(zero_copy_only=False)
            columns["id"] = pa.chunked_array([pa.array(names, pa.large_string())])
        return columns

    def _grown(self, day: dt.date) -> pa.Table:
        have = 0 if self._known is None else self._known.num_rows
        if self._known is None or have < self._timeline.born(day):
            # More than is asked for: days come in their order, too.
            day += _AHEAD
            index = np.arange(have, self._timeline.born(day), dtype=np.uint32)
            columns = {
                "id": pa.array(self._name(index, 0), pa.large_string()),
                "later id": pa.array(self._name(index, NEVER), pa.large_string()),
                "createdAt": _times(self._timeline.created(index)),
                **self._render(index, day),
            }
            grown = pa.table(columns)
            known = grown if self._known is None else pa.concat_tables([self._known, grown])
            self._known = known.combine_chunks()
        return self._known


def _ordered(columns: dict[str, pa.Array | pa.ChunkedArray], state: State) -> pa.Table:
    later = set() if state.cards else {"cardData", "trendingScore"}
    later |= set() if state.sizes else {"mainSize"}
    return pa.table(
        {name: columns[name] for name in _ORDER if name in columns and name not in later}
    )


def _chosen(timeline: Timeline, draws: Draws, state: State) -> NDArray[np.uint32]:
    index = timeline.alive(state.day)
    if not state.partial:
        return index
    there: Floats = draws.uniform("partial", index)
    return index[there < 0.25]


def _cards(draws: Draws, index: Index, licenses: list[str | None]) -> pa.Array:
    """Each one's card as a JSON string."""
    places = draws.uniform("card", index).tolist()
    cards = map(card, licenses, places, index.tolist())
    return pa.array(list(cards), pa.large_string())


def _times(seconds: NDArray[np.int64]) -> pa.Array:
    return pa.array(seconds.astype("datetime64[s]").astype("datetime64[us]"))


def _parsed(rows: list[bytes], schema: pl.Schema) -> pl.DataFrame:
    if not rows:
        return pl.DataFrame(schema=schema)
    return pl.read_ndjson(b"\n".join(rows), schema=schema)
