"""The base models of a model: from the field `baseModels`, or from tags."""

import numpy as np
import polars as pl
import pyarrow as pa

from hf_assets.hub.tables.schemas import BASE_MODELS

_SERVED_BASES = pl.col("baseModels").struct.field("models")
_IS_BASE = pl.element().str.starts_with("base_model:") & (pl.element() != "base_model:")
_BASE_TAGS = pl.col("tags").list.eval(pl.element().filter(_IS_BASE))
_OLDEST = pl.CompatLevel.oldest()


def base_models(frame: pl.DataFrame) -> pl.Series:
    """The base models of each model: the field `baseModels`, else tags `base_model:<rel>:<id>`."""
    # An empty list and a missing field both mean: not stated in the field.
    unstated = _SERVED_BASES.list.len().fill_null(0) == 0
    tagged = (unstated & pl.col("tags").list.eval(_IS_BASE).list.any()).fill_null(value=False)
    by_tag = frame.select(tagged.alias("tagged"))["tagged"].arg_true()
    stated = _stated_bases(frame["baseModels"])
    if by_tag.is_empty():
        return stated
    found = _tagged_bases(frame.select("tags")[by_tag], by_tag)["base_models"].cast(BASE_MODELS)
    order = np.arange(len(stated))
    order[by_tag.to_numpy()] = len(stated) + np.arange(len(found))
    return pl.concat([stated, found]).gather(order)


def _stated_bases(served: pl.Series) -> pl.Series:
    """The field `baseModels`: its one relation goes to each of its models.

    Built from Arrow's parts, with the lists as they are: to group them again takes ten times as
    long.
    """
    served = served.rechunk()
    lists = served.struct.field("models")
    lengths = lists.list.len().fill_null(0).to_numpy()
    ids = lists.explode(empty_as_null=False, keep_nulls=False).struct.field("id")
    relations = served.struct.field("relation").gather(np.repeat(np.arange(len(lists)), lengths))
    parts = [one.to_arrow(compat_level=_OLDEST) for one in (ids, relations)]
    ends = np.append(0, np.cumsum(lengths, dtype=np.int64))
    found = pa.LargeListArray.from_arrays(
        pa.array(ends),
        pa.StructArray.from_arrays(parts, ["id", "relation"]),
        mask=pa.array(lengths == 0),
    )
    return pl.Series("base_models", found, dtype=BASE_MODELS)


def _tagged_bases(frame: pl.DataFrame, at: pl.Series) -> pl.DataFrame:
    marked = pl.col("tags").str.extract_groups(
        r"(?s)^base_model:(?:(?<relation>finetune|adapter|quantized|merge):)?(?<id>.+)$"
    )
    return (
        frame.select(at.alias("at"), tags=_BASE_TAGS)
        .explode("tags")
        .select("at", base=marked)
        .unnest("base")
        # The Hub writes each base twice, with its relation and without: keep the former.
        .sort("at", pl.col("relation").is_null(), maintain_order=True)
        .unique(["at", "id"], keep="first", maintain_order=True)
        .group_by("at", maintain_order=True)
        .agg(base_models=pl.struct("id", "relation"))
    )
