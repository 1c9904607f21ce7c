"""Daily tables of the Hub; `hub.tables` makes them."""

from typing import Literal

import dagster as dg
from pydantic import Field

from hf_assets.defs.common.factories import Captures, Tables, daily_table, each_day
from hf_assets.defs.common.resources import OPTIONAL, PartitionWrites
from hf_assets.hub.tables import cleaning, schemas, usage
from hf_assets.hub.tables import families as family_tables
from hf_assets.hub.uses import edges
from hf_assets.hub.uses import used_by as users
from hf_assets.hub.uses.records import UsesCounts
from hf_assets.hub.uses.schemas import USED_BY, USES


class TopModelsConfig(dg.Config):
    """Which models represent a tag."""

    tags: list[str] = Field(
        default=["text-classification", "text-generation"],
        description="Categories or tags of models; each gets a ranking of its own.",
    )
    count: int = Field(default=20, description="Models of each ranking, 1 or more.")
    sort: Literal["likes", "downloads", "trending_score"] = Field(
        default="likes",
        description="What ranks the models, highest first; downloads are of the last 30 days.",
    )


@daily_table(schemas.MODELS, group="hub/tables")
def models(raw_models: Captures) -> PartitionWrites:
    """Models of the Hub: one row each, typed, without duplicates.

    Categories are as the Hub serves them, null where it gives none. Invalid rows are in quarantine.
    """
    return each_day(schemas.MODELS, cleaning.models, raw_models)


@daily_table(schemas.ENRICHED_SPACES, group="hub/tables")
def enriched_spaces(raw_spaces: Captures, models: Tables) -> PartitionWrites:
    """Spaces of the Hub, with the models and datasets they use and those models' categories."""
    return each_day(schemas.ENRICHED_SPACES, cleaning.enriched_spaces, raw_spaces, models)


@daily_table(schemas.HUB_DATASETS, group="hub/tables")
def hub_datasets(raw_datasets: Captures) -> PartitionWrites:
    """Datasets of the Hub: one row each, typed, with task, language and size from their tags."""
    return each_day(schemas.HUB_DATASETS, cleaning.hub_datasets, raw_datasets)


@daily_table(schemas.FAMILIES, group="hub/tables")
def families(models: Tables) -> PartitionWrites:
    """Models that have a base model or are one: their root, relation and depth."""
    return each_day(schemas.FAMILIES, family_tables.families, models)


@daily_table(schemas.TOP_MODELS, group="hub/tables")
def top_models(models: Tables, config: TopModelsConfig) -> PartitionWrites:
    """The most liked (or downloaded, or trending) models of each configured tag."""
    tags = tuple(dict.fromkeys(config.tags))
    if not tags or config.count < 1:
        raise dg.Failure(
            "top_models needs at least one tag, and a count of 1 or more", allow_retries=False
        )
    options = {"tags": tags, "count": config.count, "sort": config.sort}
    return each_day(schemas.TOP_MODELS, usage.top_models, models, **options)


@daily_table(schemas.MODEL_USAGE, group="hub/tables")
def model_usage(enriched_spaces: Tables, models: Tables, top_models: Tables) -> PartitionWrites:
    """Spaces that use each model: how many, by how many authors, with how many likes."""
    return each_day(schemas.MODEL_USAGE, usage.model_usage, enriched_spaces, models, top_models)


# Days of earlier versions have no datasets.
@daily_table(USES, group="hub/tables", ins={"hub_datasets": dg.AssetIn(metadata=OPTIONAL)})
def uses(enriched_spaces: Tables, models: Tables, hub_datasets: Tables) -> PartitionWrites:
    """What uses what: Spaces models and datasets; models datasets, papers and base models.

    A row an edge, each once. A day without a listing of datasets does not know which are listed.
    """
    listed = {day: hub_datasets.get(day) for day in models}
    datasets = {day: one if one and one.rows else None for day, one in listed.items()}
    return each_day(USES, edges.uses, enriched_spaces, models, datasets)


@daily_table(USED_BY, group="hub/tables")
def used_by(uses: Tables, enriched_spaces: Tables, models: Tables) -> PartitionWrites:
    """Users of each model, dataset and paper: Spaces, models, and the downloads of those models."""
    counts = {day: UsesCounts.read(stored.notes) for day, stored in uses.items()}
    return each_day(USED_BY, users.used_by, uses, enriched_spaces, models, counts)
