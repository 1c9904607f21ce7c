"""Dimensions of families and of what models are: relation, root, format, size, language, gate.

Each model counts once in `relation`, `parameters`, `gated` and `format`, and in one family, that of
its top-most ancestor, so that a family within a family is not counted twice. A model with several
languages counts in each.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from hf_assets.storage.parquet import in_parts
from hf_assets.trends.metrics.languages import LANGUAGES
from hf_assets.trends.metrics.licenses import strictness_step
from hf_assets.trends.metrics.sums import SUMS, ranked, sum_of, sums_of

# The longest rankings.
TOP_FAMILIES = 300
TOP_QUANTISERS = 100
# Families whose parts by relation are kept.
SPLIT_FAMILIES = 20
# A model without a base that others name as theirs.
ROOT = "root"
# A model with several formats counts in the first: files made for one runtime say more of it than
# general weights, and those more than conversions that lie beside them.
FORMATS = (
    *("gguf", "exl3", "exl2", "awq", "gptq", "bitsandbytes", "compressed-tensors", "mlx"),
    *("safetensors", "pytorch", "onnx", "openvino", "coreml", "tflite"),
)
_ALSO = {"exllamav3": "exl3", "exllamav2": "exl2", "litert": "tflite"}
_FORMAT_RANK = {name: rank for rank, name in enumerate(FORMATS)}
_FORMAT_RANK |= {name: _FORMAT_RANK[same] for name, same in _ALSO.items()}
# Tags that say the format or a language.
_TELLING = pl.Series([*_FORMAT_RANK, *LANGUAGES])
_COUNTERS = SUMS[:-1]
# Long rankings have none: their series give shares of all models, and a day stays small.
_SHARES = ("share_rows", "share_downloads", "share_likes")
# The engine for rows already in memory: it costs least on small steps.
HERE = "in-memory"
_NO_TREND = pl.lit(None, pl.Float64).alias("trending_score")
# Upper ends, in parameters; the last band has none.
BANDS = {"<1B": 1e9, "1-10B": 1e10, "10-35B": 3.5e10, "35-100B": 1e11}
LARGEST = "100B+"
BAND_NAMES = (*BANDS, LARGEST)


def of_models(models: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
    """Rows of `parameters`, `gated`, `format` and `language`.

    Args:
        models: that day's `models`.
    """
    library = pl.col("library").str.to_lowercase()
    first = pl.min_horizontal("by_tag", _format_rank(library))
    # Tags are the widest column: a part at a time. Sums of integers are the same in parts; those of
    # floats are not, and these dimensions have none.
    parts: dict[str, list[pl.DataFrame]] = {}
    columns = models.select(*_COUNTERS, "gated", "parameters", "library", "tags")
    for part in in_parts(columns.with_columns(_NO_TREND)):
        by_tag, spoken = _of_tags(part["tags"])
        kinds = (
            part.lazy()
            .with_columns(by_tag)
            .select(
                *SUMS,
                "gated",
                parameters=band(pl.col("parameters")),
                format=first.replace_strict(
                    dict(enumerate(FORMATS)), default=None, return_dtype=pl.String
                ),
            )
            .collect(engine=HERE)
        )
        # A model without a language has a row, too: its language is null.
        languages = kinds.lazy().select(SUMS).with_row_index("at")
        languages = languages.join(spoken.lazy(), on="at", how="left", maintain_order="left")
        sums = {name: sums_of(kinds.lazy(), name) for name in ("parameters", "gated", "format")}
        sums["language"] = sums_of(languages, "language")
        for name, counted in zip(sums, pl.collect_all(sums.values(), engine=HERE), strict=True):
            parts.setdefault(name, []).append(counted)
    every = {name: _added_up(frames) for name, frames in parts.items()}
    by_language = every.pop("language")
    yield from (ranked(counted.lazy()) for counted in every.values())
    yield _shares_of_models(ranked(by_language.lazy()), every["parameters"])


def _of_tags(tags: pl.Series) -> tuple[pl.Series, pl.DataFrame]:
    """The rank of each model's first format, and each language that it names, once: at, language.

    Of one row a tag: nine of ten tags are neither, and a list is as slow as its tags.
    """
    lists = tags.rechunk()
    lengths = lists.list.len().fill_null(0).to_numpy()
    at = pl.Series("at", np.repeat(np.arange(len(lists), dtype=np.uint32), lengths))
    flat = lists.explode(empty_as_null=False, keep_nulls=False)
    telling = pl.DataFrame([at, flat.alias("tag")]).filter(flat.is_in(_TELLING))
    ranked = telling.select("at", rank=_format_rank(pl.col("tag"))).drop_nulls()
    by_tag = np.full(len(lists), len(FORMATS), np.uint8)
    np.minimum.at(by_tag, ranked["at"].to_numpy(), ranked["rank"].to_numpy())
    named = pl.Series("by_tag", by_tag)
    spoken = telling.filter(pl.col("tag").is_in(LANGUAGES)).unique(maintain_order=True)
    return named.set(named == len(FORMATS), None), spoken.rename({"tag": "language"})


def _added_up(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """The sums of all parts of the rows."""
    together = pl.concat(parts).lazy().group_by("key")
    total = pl.col("dimension").first(), *(sum_of(name) for name in SUMS), pl.col("rows").sum()
    return together.agg(*total).collect(engine=HERE).select(parts[0].columns)


def _shares_of_models(rows: pl.LazyFrame, each_once: pl.DataFrame) -> pl.LazyFrame:
    """With shares of all models, in place of those of the dimension, which count some twice."""
    totals = {name: each_once[name].sum() or None for name in ("rows", "downloads", "likes")}
    return rows.with_columns(
        (pl.col(name) / pl.lit(total, pl.Int64)).alias(f"share_{name}")
        for name, total in totals.items()
    )


def _format_rank(name: pl.Expr) -> pl.Expr:
    return name.replace_strict(_FORMAT_RANK, default=None, return_dtype=pl.UInt8)


def band(parameters: pl.Expr) -> pl.Expr:
    """The name of the band that a number of parameters is in: one of `BAND_NAMES`, or null."""
    named = pl.when(parameters.is_null()).then(pl.lit(None, pl.String))
    for name, end in BANDS.items():
        named = named.when(parameters < end).then(pl.lit(name))
    return named.otherwise(pl.lit(LARGEST))


def of_families(families: pl.LazyFrame, counted: pl.DataFrame) -> Iterator[pl.LazyFrame]:
    """Rows of `relation`, `family`, `family_relation`, `quantiser` and `license_root`.

    Args:
        families: that day's `families`.
        counted: the counters of all models of the day.
    """
    rows = families.with_columns(_NO_TREND, pl.col("relation").fill_null(ROOT))
    derived = rows.filter(pl.col("depth") > 0, pl.col("root_id").is_not_null())
    step = strictness_step(pl.col("license"), pl.col("root_license"))
    quantised = rows.filter(pl.col("relation") == "quantized", pl.col("author").is_not_null())
    members = rows.select(
        pl.col(_COUNTERS).sum(),
        pl.col(_COUNTERS).count().name.suffix(" known"),
        rows=pl.len().cast(pl.Int64),
    )
    by_relation, by_root, by_author, by_license, of_members = pl.collect_all(
        [
            sums_of(rows, "relation"),
            sums_of(rows.rename({"root": "family"}), "family"),
            sums_of(quantised.rename({"author": "quantiser"}), "quantiser"),
            sums_of(derived.with_columns(license_root=step), "license_root"),
            members,
        ],
        engine="streaming",
    )
    relations = [by_relation, _rest(counted, of_members)]
    yield ranked(pl.concat(relations, how="diagonal").lazy())
    best = ranked(by_root.lazy(), TOP_FAMILIES, fold_rare=False).collect()
    yield best.lazy().drop(_SHARES)
    split = best.filter(pl.col("rank") <= SPLIT_FAMILIES)["key"]
    parts = rows.filter(pl.col("root").is_in(split.implode())).select(
        *SUMS, family_relation=pl.concat_str("relation", "root", separator="/")
    )
    split_sums = sums_of(parts, "family_relation").collect(engine="streaming")
    yield ranked(split_sums.lazy()).drop(_SHARES)
    yield ranked(by_author.lazy(), TOP_QUANTISERS, fold_rare=False).drop(_SHARES)
    yield ranked(by_license.lazy())


def _rest(counted: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """The models without a base that nobody names as theirs: all others of the day.

    Args:
        counted: the counters of all models.
        members: of those in families, the sum and the known values of each counter, and `rows`.
    """
    rest: dict[str, object] = {"key": None, "dimension": "relation"}
    rest["rows"] = counted.height - members["rows"].item()
    for name in _COUNTERS:
        # A sum of nothing known is null, and not 0.
        known = counted[name].count() - members[f"{name} known"].item()
        rest[name] = counted[name].sum() - members[name].item() if known else None
    schema = {"key": pl.String, "dimension": pl.String, "rows": pl.Int64}
    schema |= dict.fromkeys(_COUNTERS, pl.Int64)
    return pl.DataFrame([rest], schema=schema).filter(pl.col("rows") != 0)
