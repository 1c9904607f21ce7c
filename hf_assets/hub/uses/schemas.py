"""Schemas of what uses what: the edges of a day, and the users of each target."""

import polars as pl

from hf_assets.storage.parquet import Column, Table

# Kinds of edges: what uses, and what it uses.
SPACE_MODEL, SPACE_DATASET = "space-model", "space-dataset"
MODEL_DATASET, MODEL_PAPER, MODEL_MODEL = "model-dataset", "model-paper", "model-model"
KINDS = (SPACE_MODEL, SPACE_DATASET, MODEL_DATASET, MODEL_PAPER, MODEL_MODEL)
# The kinds of edges that lead to a kind of target: from Spaces, and from models.
TARGETS: dict[str, tuple[str | None, str]] = {
    "model": (SPACE_MODEL, MODEL_MODEL),
    "dataset": (SPACE_DATASET, MODEL_DATASET),
    "paper": (None, MODEL_PAPER),
}
# What a model can be made from another by; any other relation is unknown.
RELATIONS = ("finetune", "adapter", "quantized", "merge")
UNKNOWN = "unknown"

_DAY = Column(pl.Date, "Day of the snapshot, UTC: the partition.")

USES = Table(
    name="uses",
    required=("kind", "source_id", "source", "target"),
    row_group=1,  # of one kind each: a reader of a kind skips the others
    # In the order of the listings: ids that follow each other share their beginning.
    encodings={"source_id": "DELTA_BYTE_ARRAY", "source": "DELTA_BYTE_ARRAY"},
    columns={
        "day": _DAY,
        "kind": Column(
            pl.String,
            "space-model, space-dataset (the Hub's own reading of cards and code), model-dataset, "
            "model-paper (its `dataset:` and `arxiv:` tags), model-model (its base models).",
        ),
        "source_id": Column(pl.String, "The Hub's own identity (`_id`) of the Space or model."),
        "source": Column(pl.String, "The id, author/name, of the Space or model that uses it."),
        "target": Column(
            pl.String, "What it uses, as named there; a paper: its arXiv id, without a version."
        ),
        "relation": Column(
            pl.String, "model-model: finetune, adapter, quantized, merge, unknown; else null."
        ),
        "known": Column(
            pl.Boolean,
            "A listed model or dataset has exactly that id on that day; null: a paper, or a day "
            "without a listing of datasets.",
        ),
    },
)

USED_BY = Table(
    name="used_by",
    required=("of", "target"),
    row_group=1,  # of one kind of target each
    encodings={"target": "DELTA_BYTE_ARRAY"},
    preview_by="models",
    columns={
        "day": _DAY,
        "of": Column(pl.String, "model, dataset or paper: what the target is."),
        "target": Column(pl.String, "Its id, as its users name it; a paper: its arXiv id."),
        "known": Column(
            pl.Boolean, "It is listed on that day; null: a paper, or a day without datasets."
        ),
        "spaces": Column(
            pl.Int64, "Spaces that use it; null: a paper, or a day whose source has no such field."
        ),
        "authors": Column(pl.Int64, "Distinct authors of those Spaces."),
        "likes": Column(pl.Int64, "Likes of those Spaces, added up."),
        "models": Column(
            pl.Int64,
            "Models that name it: as base model, as training data, or as paper; null: a day whose "
            "source has no such field.",
        ),
        **{
            relation: Column(pl.Int64, f"Of a model: models made from it by {relation}.")
            for relation in RELATIONS
        },
        UNKNOWN: Column(pl.Int64, "Of a model: models made from it, unknown how."),
        "downloads": Column(pl.Int64, "Downloads in the last 30 days of the models that name it."),
    },
)
