"""Tables of the Hub, a day each. Not here: how they are made (`hub.tables`, `hub.usage`)."""

from typing import Literal

import dagster as dg
from pydantic import Field

from hf_assets.defs.common.factories import Captures, Tables, daily_table, each_day
from hf_assets.defs.common.resources import PartitionWrites
from hf_assets.hub.tables import cleaning, schemas, usage


class TopModelsConfig(dg.Config):
    """Which models stand for a tag."""

    tags: list[str] = Field(default=["text-classification", "text-generation"])
    count: int = 20
    sort: Literal["likes", "downloads", "trending_score"] = "likes"


@daily_table(schemas.MODELS, group="hub/tables")
def models(raw_models: Captures) -> PartitionWrites:
    """Models of the Hub, one row each, typed and without doubles.

    Categories are as served, and null where the Hub gives none. Odd rows are in quarantine.
    """
    return each_day(schemas.MODELS, cleaning.models, raw_models)


@daily_table(schemas.ENRICHED_SPACES, group="hub/tables")
def enriched_spaces(raw_spaces: Captures, models: Tables) -> PartitionWrites:
    """Spaces of the Hub with the models and datasets they use, and what those models are."""
    return each_day(schemas.ENRICHED_SPACES, cleaning.enriched_spaces, raw_spaces, models)


@daily_table(schemas.TOP_MODELS, group="hub/tables")
def top_models(models: Tables, config: TopModelsConfig) -> PartitionWrites:
    """The most liked (or downloaded, or trending) models of each chosen tag."""
    tags = tuple(dict.fromkeys(config.tags))
    if not tags or config.count < 1:
        raise dg.Failure(
            "top_models wants a tag or more, and a count of 1 or more", allow_retries=False
        )
    options = {"tags": tags, "count": config.count, "sort": config.sort}
    return each_day(schemas.TOP_MODELS, usage.top_models, models, **options)


@daily_table(schemas.MODEL_USAGE, group="hub/tables")
def model_usage(enriched_spaces: Tables, models: Tables, top_models: Tables) -> PartitionWrites:
    """How many Spaces use each model, by how many authors, and how liked they are."""
    return each_day(schemas.MODEL_USAGE, usage.model_usage, enriched_spaces, models, top_models)
