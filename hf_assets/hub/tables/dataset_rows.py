"""Rows of `hub_datasets` from the wire."""

import polars as pl

from hf_assets.hub.client.invalid_values import InvalidValues
from hf_assets.hub.tables.columns import DOWNLOADED, LICENSE, common_columns, gate, tagged
from hf_assets.hub.tables.records import CleaningCounts

_LISTED = ("task_categories:", "language:", "size_categories:", "modality:", "format:")


def clean_datasets(
    wire: pl.DataFrame, counts: CleaningCounts, invalid: InvalidValues
) -> pl.DataFrame:
    """Rows of `hub_datasets`; fills the counts, and reports invalid dates and gates.

    Args:
        wire: rows of the listing, each repository once, with their `page` and `row`.
        counts: of the table so far.
        invalid: of the listing so far.
    """
    frame = common_columns(wire, counts, invalid, (*DOWNLOADED, "usedStorage", "mainSize"))
    counts.floor_dated = (counts.floor_dated or 0) + int(frame["floor_dated"].sum())
    lists = tagged(frame["tags"], _LISTED)
    return frame.select(
        hub_id="_id",
        id="id",
        author="author",
        created_at="created_at",
        last_modified="last_modified",
        floor_dated="floor_dated",
        downloads="downloads",
        downloads_all_time="downloadsAllTime",
        likes="likes",
        trending_score="trendingScore",
        task_categories=lists["task_categories:"],
        languages=lists["language:"],
        size_category=lists["size_categories:"].list.first(),
        modalities=lists["modality:"],
        formats=lists["format:"],
        license=LICENSE,
        tags="tags",
        gated=gate(frame, invalid),
        private="private",
        disabled="disabled",
        used_storage="usedStorage",
        main_size="mainSize",
    )
