"""The base models of a model: from the field `baseModels`, or from tags."""

import numpy as np
import polars as pl

from hf_assets.hub.tables.columns import as_lists
from hf_assets.hub.tables.schemas import BASE_MODELS

_SERVED_BASES = pl.col("baseModels").struct.field("models")
_IS_BASE = pl.element().str.starts_with("base_model:") & (pl.element() != "base_model:")
_BASE_TAGS = pl.col("tags").list.eval(pl.element().filter(_IS_BASE))


def base_models(frame: pl.DataFrame) -> pl.Series:
    """The base models of each model: the field `baseModels`, else tags `base_model:<rel>:<id>`."""
    # An empty list and a missing field both mean: not stated in the field.
    unstated = _SERVED_BASES.list.len().fill_null(0) == 0
    tagged = (unstated & pl.col("tags").list.eval(_IS_BASE).list.any()).fill_null(value=False)
    by_tag = frame.select(tagged.alias("tagged"))["tagged"].arg_true()
    named = _stated_bases(frame["baseModels"].rechunk())
    if not by_tag.is_empty():
        # No row is in both: those of the tags go between those of the field.
        others = _tagged_bases(frame.select("tags")[by_tag], by_tag)
        named = pl.concat([named, others]).sort("at", maintain_order=True)
    lacking = np.ones(frame.height, bool)
    lacking[named["at"].to_numpy()] = False
    return as_lists(named, frame.height, lacking).alias("base_models").cast(BASE_MODELS)


def _stated_bases(served: pl.Series) -> pl.DataFrame:
    """The field `baseModels`, a row a model of it: at, id, relation, which is one for them all."""
    lists = served.struct.field("models")
    lengths = lists.list.len().fill_null(0).to_numpy()
    at = np.repeat(np.arange(len(lists), dtype=np.uint32), lengths)
    return pl.DataFrame(
        {
            "at": at,
            "id": lists.explode(empty_as_null=False, keep_nulls=False).struct.field("id"),
            "relation": served.struct.field("relation").gather(at),
        }
    )


def _tagged_bases(frame: pl.DataFrame, at: pl.Series) -> pl.DataFrame:
    """The tags of some rows, likewise, each base once."""
    marked = pl.col("tags").str.extract_groups(
        r"(?s)^base_model:(?:(?<relation>finetune|adapter|quantized|merge):)?(?<id>.+)$"
    )
    return (
        frame.select(at.cast(pl.UInt32).alias("at"), tags=_BASE_TAGS)
        .explode("tags")
        .select("at", base=marked)
        .unnest("base")
        # The Hub writes each base twice, with its relation and without: keep the former.
        .sort("at", pl.col("relation").is_null(), maintain_order=True)
        .unique(["at", "id"], keep="first", maintain_order=True)
        .select("at", "id", "relation")
    )
