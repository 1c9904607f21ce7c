"""What the graph must have: every asset with its group and parents, its tables and its checks."""

from hf_assets.hub.providers import schemas as providers
from hf_assets.hub.quality import schemas as judged
from hf_assets.hub.repository_days import schemas as repository_days
from hf_assets.hub.space_code.schemas import RAW_SPACE_TREES, SPACE_CODE
from hf_assets.hub.tables import schemas
from hf_assets.hub.tables.predictions import PREDICTED_CATEGORIES
from hf_assets.hub.uses import schemas as uses
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets.trends.series import schemas as tables

ASSETS = {
    "raw_models": ("hub/raw", set()),
    "raw_spaces": ("hub/raw", set()),
    "raw_datasets": ("hub/raw", set()),
    "raw_inference_providers": ("hub/raw", set()),
    "inference_providers": ("hub/tables", {"raw_inference_providers"}),
    "models": ("hub/tables", {"raw_models"}),
    "enriched_spaces": ("hub/tables", {"raw_spaces", "models"}),
    "hub_datasets": ("hub/tables", {"raw_datasets"}),
    "families": ("hub/tables", {"models"}),
    "top_models": ("hub/tables", {"models"}),
    "model_usage": ("hub/tables", {"enriched_spaces", "models", "top_models"}),
    "raw_space_trees": ("hub/raw", {"enriched_spaces", "top_models"}),
    "space_code": ("hub/tables", {"raw_space_trees", "enriched_spaces", "top_models"}),
    "space_code_figures": ("trends", {"space_code"}),
    "predicted_categories": ("hub/tables", {"models", "hub_models/predictor"}),
    "uses": ("hub/tables", {"enriched_spaces", "models", "hub_datasets"}),
    "used_by": ("hub/tables", {"uses", "enriched_spaces", "models"}),
    "daily_metrics": (
        "trends",
        {
            *("models", "enriched_spaces", "model_usage", "hub_datasets", "families"),
            *("uses", "used_by"),
        },
    ),
    "snapshot_figures": ("trends", {"daily_metrics", "model_usage"}),
    "daily_changes": ("hub/quality", {"models", "hub_datasets"}),
    "day_quality": ("trends/history", {"daily_changes", "daily_metrics"}),
}
DAILY = [name for name in ASSETS if name != "day_quality"]
SOURCES = ("question_dump", "new_questions", "dataset_dump", "new_datasets")


def _chain(
    name: str, *sources: str, serves: str = "tagger_space"
) -> dict[str, tuple[str, set[str]]]:
    """The assets of a corpus with their groups and parents."""
    group = f"classifiers/{name}"
    texts = {*sources} - {"day_quality"}

    def of(*steps: str) -> tuple[str, set[str]]:
        return group, {f"{name}/{step}" for step in steps}

    return {
        f"{name}/corpus": (f"corpora/{name}", set(sources)),
        f"{name}/baseline": of("corpus"),
        f"{name}/classifier": of("corpus"),
        f"{name}/onnx_classifier": of("classifier", "corpus"),
        f"{name}/quantized_classifier": of("onnx_classifier", "corpus"),
        f"{name}/leaderboard": of(
            "corpus", "baseline", "classifier", "onnx_classifier", "quantized_classifier"
        ),
        f"{name}/tagger_space": of("leaderboard", "quantized_classifier", "corpus"),
        f"{name}/published_tagger": of("tagger_space"),
        f"{name}/drift": (group, texts | of("corpus", "baseline", serves)[1]),
    }


LABELS: dict[str, tuple[str, set[str]]] = {
    **{name: ("corpora/sources", set()) for name in SOURCES},
    **_chain("questions", "question_dump", "new_questions"),
    **_chain("datasets", "dataset_dump", "new_datasets"),
    **_chain("hub_models", "models", "day_quality", serves="predictor"),
    "hub_models/predictor": (
        "classifiers/hub_models",
        {
            f"hub_models/{step}"
            for step in ("corpus", "baseline", "quantized_classifier", "leaderboard")
        },
    ),
}
_FROM_METRICS = {"daily_metrics", "day_quality"}
_FROM_CHANGES = {"daily_changes", "day_quality"}
SERIES: dict[str, tuple[str, set[str]]] = {
    name: ("trends/history", behind)
    for name, behind in {
        "category_history": {*_FROM_METRICS, "predicted_categories"},
        "library_history": _FROM_METRICS,
        "license_history": _FROM_METRICS,
        "author_history": _FROM_METRICS,
        "family_history": _FROM_METRICS,
        "model_history": _FROM_METRICS,
        "dataset_history": _FROM_METRICS,
        "dataset_group_history": _FROM_METRICS,
        "model_phases": {"model_history", "day_quality"},
        "adoption_history": _FROM_CHANGES,
        "space_usage_history": _FROM_METRICS,
        "used_by_history": _FROM_METRICS,
        "concentration_history": _FROM_METRICS,
        "lifecycle": _FROM_CHANGES,
        "prediction_history": {"predicted_categories"},
    }.items()
}
REPOSITORY_DAYS: dict[str, tuple[str, set[str]]] = {
    name: ("trends/history", {table, "day_quality"})
    for name, table in {
        "model_days": "models",
        "dataset_days": "hub_datasets",
        "space_days": "enriched_spaces",
    }.items()
}
# What is drawn of all that: every series but that of authors, which no figure shows.
_DRAWN = {*SERIES, "day_quality"} - {"author_history"}
PICTURES: dict[str, tuple[str, set[str]]] = {
    "trend_figures": ("trends/history", _DRAWN),
    "insights_report": ("trends/history", {*_DRAWN, "daily_metrics", "model_usage"}),
    "provider_history": ("trends/history", {"inference_providers"}),
    "provider_figures": ("trends/history", {"provider_history"}),
}
# The last step of a night: after every table, figure and report, but for those that may be skipped.
_OPTIONAL = {
    *("inference_providers", "provider_history", "provider_figures"),
    *("space_code", "space_code_figures"),
    *REPOSITORY_DAYS,
}
_LAST = {name for name in ASSETS | SERIES | PICTURES if not name.startswith("raw_")} - _OPTIONAL
PICTURES["published_lake"] = ("publishing", _LAST)
PICTURES |= REPOSITORY_DAYS
TABLES = (
    schemas.MODELS,
    schemas.ENRICHED_SPACES,
    schemas.HUB_DATASETS,
    schemas.FAMILIES,
    schemas.TOP_MODELS,
    schemas.MODEL_USAGE,
    repository_days.MODEL_DAYS,
    repository_days.DATASET_DAYS,
    repository_days.SPACE_DAYS,
    SPACE_CODE,
    RAW_SPACE_TREES,
    uses.USES,
    uses.USED_BY,
    PREDICTED_CATEGORIES,
    DAILY_METRICS,
    judged.DAILY_CHANGES,
    judged.DAY_QUALITY,
    providers.RAW_INFERENCE_PROVIDERS,
    providers.INFERENCE_PROVIDERS,
    providers.PROVIDER_HISTORY,
    *(getattr(tables, name.upper()) for name in SERIES),
)
KINDS = {
    "hub/raw": {"huggingface", "json"},
    "hub/tables": {"polars", "parquet"},
    "hub/quality": {"polars", "parquet"},
    "trends": {"polars", "parquet"},
    "trends/history": {"polars", "parquet"},
}
BLOCKING = {
    **{
        f"{name}/{asset}": rules
        for name in ("questions", "datasets", "hub_models")
        for asset, rules in {
            "corpus": {"no_group_in_two_splits", "no_empty_text"},
            "onnx_classifier": {"parity"},
            "quantized_classifier": {"int8_loss"},
            "leaderboard": {"beats_floors"},
        }.items()
    },
    "hub_models/corpus": {
        *("no_author_in_two_splits", "no_group_in_two_splits", "no_empty_text"),
    },
    "raw_models": {"capture_complete", "not_partial"},
    "raw_spaces": {"capture_complete", "not_partial"},
    "raw_datasets": {"capture_complete", "not_partial"},
    "models": {"required_columns"},
    "enriched_spaces": {"required_columns"},
    "hub_datasets": {"required_columns"},
}
COUNTING = {
    **{
        f"{name}/{asset}": rules
        for name in ("questions", "datasets", "hub_models")
        for asset, rules in {
            "corpus": {
                "every_label_in_train_and_test",
                "label_order_unchanged",
                "text_format_fits",
                *("texts_read_whole", "published_rows_kept", "not_old"),
            },
            "baseline": {"not_old"},
            "quantized_classifier": {"int8_size", "not_old"},
            "drift": {"not_drifted", "corpus_not_old"},
            "leaderboard": {"beats_tfidf"},
            "tagger_space": {"label_order", "answers_alone"},
            "published_tagger": {"published_matches"},
        }.items()
    },
    **{source: {"texts_usable"} for source in SOURCES},
    "new_questions": {"texts_usable", "day_complete"},
    "families": {"families_add_up", "no_cycles", "bases_listed"},
    "top_models": {"rankings_filled"},
    "predicted_categories": {"precision_on_test", "still_precise", "predictions_add_up"},
    "model_usage": {"usage_adds_up"},
    "uses": {"uses_add_up", "known_rates"},
    "used_by": {"used_by_adds_up"},
    "daily_metrics": {"sums_agree"},
    "space_code": {"code_adds_up", "reasons_known", "spaces_answered"},
    **{f"{of}_figures": {"figures_drawn"} for of in ("snapshot", "space_code")},
    "trend_figures": {"figures_drawn"},
    "insights_report": {"self_contained", "names_newest_day"},
    "published_lake": {"published_matches"},
    "category_history": {"grows_with_days", "shares_add_up"},
    "family_history": {"grows_with_days", "shares_add_up"},
    "concentration_history": {"shares_nest"},
    "space_usage_history": {"grows_with_days"},
    "used_by_history": {"grows_with_days"},
    "dataset_history": {"grows_with_days", "shares_add_up"},
    "dataset_group_history": {"grows_with_days"},
    "model_phases": {"one_row_a_model"},
    **{name: {"has_stored_days", "gives_newest_day_back"} for name in REPOSITORY_DAYS},
    "adoption_history": {"shares_rise_with_age"},
    "lifecycle": {"grows_with_days"},
    **{f"{of}_history": {"shares_add_up"} for of in ("library", "license", "author", "model")},
    "daily_changes": {
        *("not_stalled", "not_rolled_back", "long_enough", "no_gap_before", "same_columns"),
        *("datasets_not_stalled", "datasets_not_rolled_back", "datasets_long_enough"),
        "datasets_same_columns",
    },
    "day_quality": {"days_trusted", "newest_day_is_current", "nothing_stale"},
    "inference_providers": {"shape_as_documented", "as_many_offers", "possible_prices"},
    "raw_models": {"doubled_rows", "unread_columns"},
    "raw_spaces": {"doubled_rows", "unread_columns"},
    "raw_datasets": {"doubled_rows", "unread_columns"},
    "hub_datasets": {"quarantine", "ranges", "null_rates", "reconciliation"},
    "models": {"quarantine", "ranges", "null_rates", "reconciliation"},
    "enriched_spaces": {
        *("quarantine", "ranges", "null_rates", "reconciliation", "dangling_models"),
    },
}
