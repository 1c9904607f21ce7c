"""Source assets of texts with labels: for each service a bulk history and a daily increment.

A history comes as files and has no days.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from hf_assets.corpora.schemas import texts_table
from hf_assets.defs.common.factories import once
from hf_assets.defs.common.failures import RETRIES, clear_failures
from hf_assets.defs.common.metadata import column_schema
from hf_assets.defs.common.partitions import daily, single_run
from hf_assets.defs.common.resources import (
    KaggleResource,
    LakeResource,
    PartitionWrites,
    StackExchangeResource,
)
from hf_assets.settings import settings
from hf_assets.storage.lake import today
from hf_assets.storage.parquet import Table

GROUP = "corpora/sources"
QUESTION_DUMP, NEW_QUESTIONS = texts_table("question_dump"), texts_table("new_questions")
DATASET_DUMP, NEW_DATASETS = texts_table("dataset_dump"), texts_table("new_datasets")


def _source(table: Table, *kinds: str, **more: Any) -> Callable[..., dg.AssetsDefinition]:
    return dg.asset(
        name=table.name,
        group_name=GROUP,
        owners=["team:labels"],
        kinds={*kinds, "parquet"},
        io_manager_key="tables",
        metadata={"dagster/column_schema": column_schema(table), "dagster/table_name": table.name},
        **more,
    )


# A day's increment, fetched over the network.
_daily = partial(_source, partitions_def=daily, backfill_policy=single_run, retry_policy=RETRIES)


class DumpConfig(dg.Config):
    """Path of the dump; by default that of the settings."""

    path: str | None = Field(
        default=None,
        description="Path of the dump on this machine; null: that of the settings "
        "(HF_ASSETS_QUESTION_DUMP, HF_ASSETS_META_KAGGLE).",
    )


class QuestionDumpConfig(DumpConfig):
    """Path and site of the dump; by default those of the settings."""

    site: str | None = Field(
        default=None,
        description="The Stack Exchange site of the dump, such as datascience; null: "
        "HF_ASSETS_STACKEXCHANGE_SITE.",
    )


@_source(QUESTION_DUMP, "stackexchange", "xml")
def question_dump(context: dg.AssetExecutionContext, config: QuestionDumpConfig) -> PartitionWrites:
    """Questions of a Stack Exchange data dump, with their tags, authors and licences.

    Read from Posts.xml, plain or in the .7z of archive.org or of the site's profile page.
    """
    from hf_assets.corpora.stackexchange import dumps

    own = settings()
    path = _path(config.path, own.question_dump, "HF_ASSETS_QUESTION_DUMP", "Posts.xml")
    site = config.site or own.stackexchange_site
    return once(QUESTION_DUMP, partial(dumps.read_posts, path, site, context.log.info))


@_daily(NEW_QUESTIONS, "stackexchange", "json")
def new_questions(
    context: dg.AssetExecutionContext, stackexchange: StackExchangeResource
) -> PartitionWrites:
    """Questions asked on that day, from the Stack Exchange API.

    A day can be fetched at any later time. Mind the API's terms: see the README.
    """
    from hf_assets.corpora.stackexchange.questions import new_questions as fetched

    with clear_failures():
        client = stackexchange.client(context.log.info)
    return PartitionWrites(
        NEW_QUESTIONS, {day: partial(fetched, client, day) for day in context.partition_keys}
    )


@_source(DATASET_DUMP, "kaggle", "csv", retry_policy=RETRIES)
def dataset_dump(
    context: dg.AssetExecutionContext, config: DumpConfig, lake: LakeResource
) -> PartitionWrites:
    """All datasets of Kaggle with descriptions and tags, from the tables of Meta Kaggle."""
    from hf_assets.corpora.kaggle import meta_kaggle

    path = config.path or settings().meta_kaggle
    folder = Path(path) if path else lake.tree.folder("meta_kaggle", None)
    if not path:
        with clear_failures():
            meta_kaggle.fetch(folder, context.log.info)
    return once(DATASET_DUMP, partial(meta_kaggle.read_tables, folder, context.log.info))


@_daily(NEW_DATASETS, "kaggle", "json")
def new_datasets(
    context: dg.AssetExecutionContext, kaggle: KaggleResource, lake: LakeResource
) -> PartitionWrites:
    """Datasets that appeared on that day in Kaggle's list, read newest first down to stored ones.

    Kaggle lists only current datasets: a past day cannot be fetched.
    """
    from hf_assets.corpora.kaggle.listing import new_datasets as fetched

    with clear_failures():
        client = kaggle.client(context.log.info)
    stored = lake.text_ids("dataset_dump", "new_datasets", before=today())
    return PartitionWrites(
        NEW_DATASETS, {day: partial(fetched, client, day, stored) for day in context.partition_keys}
    )


def _path(path: str | None, default: Path | None, variable: str, file: str) -> Path:
    """The path of the config, or of the settings."""
    chosen = Path(path) if path else default
    if chosen is None:
        raise dg.Failure(
            f"no path of {file}: set {variable}, or `path` in the asset's config. The README names "
            "sources of one.",
            allow_retries=False,
        )
    return chosen
