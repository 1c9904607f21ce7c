"""Schemas of the Hub's tables: each column with its meaning, unit and source."""

import polars as pl

from hf_assets.storage.parquet import Column, Table

TIME = pl.Datetime("ms", "UTC")
TEXTS = pl.List(pl.String)
BASE_MODELS = pl.List(pl.Struct({"id": pl.String, "relation": pl.String}))
# Rows of `usage.chosen_usage`, which `daily_metrics` contains.
CHOSEN_USAGE = {"dimension": pl.String, "key": pl.String, "rows": pl.Int64, "value": pl.Float64}

_DAY = Column(pl.Date, "Day of the snapshot, UTC: the partition.")
_HUB_ID = Column(pl.String, "The Hub's own identity of the repository (`_id`); survives a rename.")
_ID = Column(pl.String, "author/name, as of that day.")
_AUTHOR = Column(pl.String, "User or organisation; null for the few ids without one.")
_CREATED = Column(TIME, "When the repository was created, UTC; see `floor_dated`.")
_MODIFIED = Column(TIME, "Last commit, UTC.")
_LIKES = Column(pl.Int64, "Likes since creation.")
_DOWNLOADS = Column(pl.Int64, "Downloads in the last 30 days.")
_TRENDING = Column(pl.Float64, "The Hub's trending score of that day.")
_CATEGORY = Column(pl.String, "The Hub's `pipeline_tag`; null where it gives none.")
_LICENSE = Column(pl.String, "From the first `license:` tag; null where there is none.")
_TAGS = Column(TEXTS, "All tags, as served.")
_PRIVATE = Column(pl.Boolean, "Visible to the token's owner only.")
_STORAGE = Column(pl.Int64, "Bytes of all files and their history.")
_FLOOR_DATED = Column(
    pl.Boolean, "created_at is the Hub's floor, 2022-03-02: created on that day or before it."
)

# Listings come in the order of creation, which `_id` begins with: neighbours share their beginning.
_BY_CREATION = {
    "hub_id": "DELTA_BYTE_ARRAY",
    "id": "DELTA_BYTE_ARRAY",
    "created_at": "DELTA_BINARY_PACKED",
}

MODELS = Table(
    name="models",
    required=("id", "hub_id"),
    encodings=_BY_CREATION,
    preview_by="downloads",
    columns={
        "day": _DAY,
        "hub_id": _HUB_ID,
        "id": _ID,
        "author": _AUTHOR,
        "created_at": _CREATED,
        "last_modified": _MODIFIED,
        "year": Column(pl.Int32, "Year of created_at."),
        "floor_dated": _FLOOR_DATED,
        "downloads": _DOWNLOADS,
        "downloads_all_time": Column(pl.Int64, "Downloads since creation."),
        "likes": _LIKES,
        "trending_score": _TRENDING,
        "category": _CATEGORY,
        "library": Column(pl.String, "The Hub's `library_name`; null where it gives none."),
        "license": _LICENSE,
        "tags": _TAGS,
        "gated": Column(
            pl.String,
            '"false", "auto" (granted on request), "manual"; "true": gated, kind unknown.',
        ),
        "private": _PRIVATE,
        "parameters": Column(pl.Int64, "Weights: safetensors' total, else GGUF's."),
        "base_models": Column(
            BASE_MODELS,
            "Its base models: id and relation (finetune, adapter, quantized, merge).",
        ),
        "used_storage": _STORAGE,
    },
)

ENRICHED_SPACES = Table(
    name="enriched_spaces",
    required=("id", "hub_id"),
    encodings=_BY_CREATION,
    preview_by="likes",
    columns={
        "day": _DAY,
        "hub_id": _HUB_ID,
        "id": _ID,
        "author": _AUTHOR,
        "created_at": _CREATED,
        "last_modified": _MODIFIED,
        "likes": _LIKES,
        "trending_score": _TRENDING,
        "sdk": Column(pl.String, "gradio, streamlit, docker or static."),
        "stage": Column(pl.String, "Of its runtime: RUNNING, SLEEPING, BUILD_ERROR, …"),
        "hardware": Column(pl.String, "Current hardware, else the requested one."),
        "license": _LICENSE,
        "tags": _TAGS,
        "private": _PRIVATE,
        "models": Column(TEXTS, "Models that it uses, read by the Hub from its card and code."),
        "datasets": Column(TEXTS, "Datasets that it uses, likewise."),
        "n_models": Column(pl.Int32, "Number of models that it uses."),
        "n_datasets": Column(pl.Int32, "Number of datasets that it uses."),
        "categories": Column(TEXTS, "Categories of those models on that day, each once."),
        "used_storage": _STORAGE,
    },
)

FAMILIES = Table(
    name="families",
    required=("id", "hub_id", "root"),
    encodings={"hub_id": "DELTA_BYTE_ARRAY", "id": "DELTA_BYTE_ARRAY"},
    preview_by="downloads",
    columns={
        "day": _DAY,
        "hub_id": _HUB_ID,
        "id": _ID,
        "author": _AUTHOR,
        "relation": Column(
            pl.String,
            "To its base: finetune, adapter, quantized, merge; unknown where the Hub gives none; "
            "null without a base.",
        ),
        "n_bases": Column(pl.Int32, "Distinct other models that it names as its base."),
        "base": Column(
            pl.String, "The first of them that is listed that day; if none is, the first."
        ),
        "base_listed": Column(pl.Boolean, "The base is in `models` that day; null without a base."),
        "root": Column(pl.String, "Its top-most ancestor along `base`; itself without a base."),
        "root_id": Column(pl.String, "The root's `hub_id`; null where it is not listed."),
        "root_license": Column(pl.String, "The root's licence; null where there is none."),
        "n_roots": Column(pl.Int32, "Distinct roots of all its bases."),
        "depth": Column(pl.Int32, "Steps from the root: 0 is the root."),
        "on_cycle": Column(
            pl.Boolean,
            "Among its own ancestors; the oldest repository of a cycle is the root.",
        ),
        "derivatives": Column(pl.Int32, "Models that name it as a base."),
        "downloads": _DOWNLOADS,
        "downloads_all_time": Column(pl.Int64, "Downloads since creation."),
        "likes": _LIKES,
        "license": _LICENSE,
    },
)

HUB_DATASETS = Table(
    name="hub_datasets",
    required=("id", "hub_id"),
    encodings=_BY_CREATION,
    preview_by="downloads",
    columns={
        "day": _DAY,
        "hub_id": _HUB_ID,
        "id": _ID,
        "author": _AUTHOR,
        "created_at": _CREATED,
        "last_modified": _MODIFIED,
        "floor_dated": _FLOOR_DATED,
        "downloads": _DOWNLOADS,
        "downloads_all_time": Column(pl.Int64, "Downloads since creation."),
        "likes": _LIKES,
        "trending_score": _TRENDING,
        "task_categories": Column(
            TEXTS, "From its `task_categories:` tags, each once, in their order; as written."
        ),
        "languages": Column(
            TEXTS,
            "From its `language:` tags, likewise. A bare tag, such as `en`, may be any word.",
        ),
        "size_category": Column(
            pl.String,
            "From the first `size_categories:` tag, such as 10K<n<100K, as written; null: none.",
        ),
        "modalities": Column(TEXTS, "From its `modality:` tags, likewise."),
        "formats": Column(TEXTS, "From its `format:` tags, likewise."),
        "license": _LICENSE,
        "tags": _TAGS,
        "gated": Column(
            pl.String,
            '"false", "auto" (granted on request), "manual"; "true": gated, kind unknown.',
        ),
        "private": _PRIVATE,
        "disabled": Column(pl.Boolean, "Closed by the Hub."),
        "used_storage": _STORAGE,
        "main_size": Column(pl.Int64, "Bytes of the files on its main branch (`mainSize`)."),
    },
)

TOP_MODELS = Table(
    name="top_models",
    required=("id", "hub_id", "tag"),
    columns={
        "day": _DAY,
        "tag": Column(pl.String, "The configured tag."),
        "rank": Column(pl.Int32, "1 is the highest."),
        "id": _ID,
        "hub_id": _HUB_ID,
        "likes": _LIKES,
        "downloads": _DOWNLOADS,
        "trending_score": _TRENDING,
        "category": _CATEGORY,
        "by_category": Column(pl.Boolean, "The tag is the model's category."),
        "by_tag": Column(pl.Boolean, "The tag is among the model's tags."),
    },
)

MODEL_USAGE = Table(
    name="model_usage",
    required=("id",),
    encodings={"id": "DELTA_BYTE_ARRAY"},
    preview_by="spaces",
    columns={
        "day": _DAY,
        "id": Column(pl.String, "The model's name, as Spaces give it."),
        "known": Column(
            pl.Boolean, "It is in `models` that day; false: deleted, renamed, private."
        ),
        "spaces": Column(pl.Int64, "Spaces that use it."),
        "authors": Column(pl.Int64, "Distinct authors of those Spaces."),
        "likes": Column(pl.Int64, "Sum of the likes of those Spaces."),
        "category": _CATEGORY,
        "chosen_tags": Column(TEXTS, "Tags that it ranks for in `top_models`."),
    },
)
