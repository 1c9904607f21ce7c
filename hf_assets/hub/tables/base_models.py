"""The base models of a model: from the field `baseModels`, or from tags."""

import polars as pl

from hf_assets.hub.tables.schemas import BASE_MODELS

_SERVED_BASES = pl.col("baseModels").struct.field("models")
_SERVED_RELATION = pl.col("baseModels").struct.field("relation")
_BASE_TAGS = pl.col("tags").list.eval(
    pl.element().filter(
        pl.element().str.starts_with("base_model:") & (pl.element() != "base_model:")
    )
)


def base_models(frame: pl.DataFrame) -> pl.Series:
    """The base models of each model: the field `baseModels`, else tags `base_model:<rel>:<id>`.

    Nearly all have one base or none, which needs no join; the others are computed separately.
    """
    only = pl.struct(id=_SERVED_BASES.list.first().struct.field("id"), relation=_SERVED_RELATION)
    several = (_SERVED_BASES.list.len() > 1).fill_null(value=False)
    # An empty list and a missing field both mean: not stated in the field.
    unstated = _SERVED_BASES.list.len().fill_null(0) == 0
    tagged = (unstated & (_BASE_TAGS.list.len() > 0)).fill_null(value=False)
    bases = frame.select(
        base_models=pl.when(_SERVED_BASES.list.len() == 1).then(pl.concat_list(only)),
        several=several,
        tagged=tagged,
    ).with_row_index("at")
    separate = []
    if bases["several"].any():
        separate.append(
            _several_bases(frame[bases.filter("several")["at"]], bases.filter("several"))
        )
    if bases["tagged"].any():
        separate.append(_tagged_bases(frame[bases.filter("tagged")["at"]], bases.filter("tagged")))
    if not separate:
        return bases["base_models"].cast(BASE_MODELS)
    rest = bases.filter(~pl.col("several") & ~pl.col("tagged")).select("at", "base_models")
    parts = [part.cast({"base_models": BASE_MODELS}) for part in [rest, *separate]]
    return pl.concat(parts).sort("at")["base_models"]


def _several_bases(frame: pl.DataFrame, bases: pl.DataFrame) -> pl.DataFrame:
    return (
        frame.select(bases["at"], relation=_SERVED_RELATION, model=_SERVED_BASES)
        .explode("model")
        .group_by("at", maintain_order=True)
        .agg(base_models=pl.struct(pl.col("model").struct.field("id"), "relation"))
    )


def _tagged_bases(frame: pl.DataFrame, bases: pl.DataFrame) -> pl.DataFrame:
    marked = pl.col("tags").str.extract_groups(
        r"(?s)^base_model:(?:(?<relation>finetune|adapter|quantized|merge):)?(?<id>.+)$"
    )
    return (
        frame.select(bases["at"], tags=_BASE_TAGS)
        .explode("tags")
        .select("at", base=marked)
        .unnest("base")
        # The Hub writes each base twice, with its relation and without: keep the former.
        .sort("at", pl.col("relation").is_null(), maintain_order=True)
        .unique(["at", "id"], keep="first", maintain_order=True)
        .group_by("at", maintain_order=True)
        .agg(base_models=pl.struct("id", "relation"))
    )
