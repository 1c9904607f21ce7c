"""Rows of `models` from the wire."""

import polars as pl

from hf_assets.hub.client.invalid_values import InvalidValues
from hf_assets.hub.tables.base_models import base_models
from hf_assets.hub.tables.columns import DOWNLOADED, LICENSE, common_columns, gate
from hf_assets.hub.tables.records import CleaningCounts


def clean_models(
    wire: pl.DataFrame, counts: CleaningCounts, invalid: InvalidValues
) -> pl.DataFrame:
    """Rows of `models`; fills the counts, and reports invalid dates and gates.

    Args:
        wire: rows of the listing, each repository once, with their `page` and `row`.
        counts: of the table so far.
        invalid: of the listing so far.
    """
    frame = common_columns(wire, counts, invalid, DOWNLOADED)
    counts.without_category = (counts.without_category or 0) + frame["pipeline_tag"].null_count()
    counts.floor_dated = (counts.floor_dated or 0) + int(frame["floor_dated"].sum())
    return frame.select(
        hub_id="_id",
        id="id",
        author="author",
        created_at="created_at",
        last_modified="last_modified",
        year=pl.col("created_at").dt.year(),
        floor_dated="floor_dated",
        downloads="downloads",
        downloads_all_time="downloadsAllTime",
        likes="likes",
        trending_score="trendingScore",
        category="pipeline_tag",
        library="library_name",
        license=LICENSE,
        tags="tags",
        gated=gate(frame, invalid),
        private="private",
        parameters=pl.coalesce(
            pl.col("safetensors").struct.field("total"), pl.col("gguf").struct.field("total")
        ),
        base_models=base_models(frame),
        used_storage="usedStorage",
    )
