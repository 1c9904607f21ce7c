"""Source assets of texts with labels: for each service a bulk history and a daily increment.

A history comes as files and has no days. A source without a file, an account or accepted terms is
skipped, with the reason.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import dagster as dg
from pydantic import Field

from hf_assets.corpora.schemas import texts_table
from hf_assets.defs.common.events import Skipped, skippable
from hf_assets.defs.common.factories import once
from hf_assets.defs.common.failures import RETRIES, clear_failures
from hf_assets.defs.common.metadata import column_schema
from hf_assets.defs.common.partitions import daily, single_run
from hf_assets.defs.common.pools import AFTER_THE_HUB
from hf_assets.defs.common.resources import (
    KaggleResource,
    LakeResource,
    PartitionWrites,
    StackExchangeResource,
)
from hf_assets.object_store.scratch import work_folder
from hf_assets.settings import settings
from hf_assets.storage.lake import today
from hf_assets.storage.parquet import Table

GROUP = "corpora/sources"
QUESTION_DUMP, NEW_QUESTIONS = texts_table("question_dump"), texts_table("new_questions")
DATASET_DUMP, NEW_DATASETS = texts_table("dataset_dump"), texts_table("new_datasets")


Service = Literal["stackexchange", "kaggle"]
_SERVICES: dict[Service, str] = {"stackexchange": "the Stack Exchange API", "kaggle": "Kaggle"}


def why_off(service: Service) -> str | None:
    """Why nothing may be requested of that service; None once its terms are accepted."""
    if getattr(settings(), switch := f"accept_{service}_terms"):
        return None
    return (
        f"the terms of {_SERVICES[service]} ask for a decision; nothing is requested before it. "
        f"To accept them, set HF_ASSETS_{switch.upper()}=true and start again; docs/labels.md "
        "(Sources) says what they are."
    )


def require_terms(service: Service) -> None:
    """Raise `Skipped` while the terms of that service are not accepted."""
    if reason := why_off(service):
        raise Skipped(reason)


def _source(table: Table, *kinds: str, **more: Any) -> Callable[..., dg.AssetsDefinition]:
    asset = dg.asset(
        name=table.name,
        group_name=GROUP,
        owners=["team:labels"],
        kinds={*kinds, "parquet"},
        io_manager_key="tables",
        metadata={"dagster/column_schema": column_schema(table), "dagster/table_name": table.name},
        op_tags=AFTER_THE_HUB,
        output_required=False,
        **more,
    )
    return lambda body: asset(skippable(body))


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
    path = config.path or own.question_dump
    if path is None:
        raise Skipped(
            "no path of Posts.xml: set HF_ASSETS_QUESTION_DUMP, or `path` in the asset's config. "
            "docs/labels.md (Sources) names sources of it."
        )
    site = config.site or own.stackexchange_site
    return once(QUESTION_DUMP, partial(dumps.read_posts, Path(path), site, context.log.info))


@_daily(NEW_QUESTIONS, "stackexchange", "json")
def new_questions(
    context: dg.AssetExecutionContext, stackexchange: StackExchangeResource
) -> PartitionWrites:
    """Questions asked on that day, from the Stack Exchange API.

    A day can be fetched at any later time. Off until the API's terms are accepted:
    HF_ASSETS_ACCEPT_STACKEXCHANGE_TERMS.
    """
    from hf_assets.corpora.stackexchange.questions import new_questions as fetched

    require_terms("stackexchange")
    with clear_failures():
        client = stackexchange.client(context.log.info)
    return PartitionWrites(
        NEW_QUESTIONS, {day: partial(fetched, client, day) for day in context.partition_keys}
    )


@_source(DATASET_DUMP, "kaggle", "csv", retry_policy=RETRIES)
def dataset_dump(
    context: dg.AssetExecutionContext, config: DumpConfig, lake: LakeResource
) -> PartitionWrites:
    """All datasets of Kaggle with descriptions and tags, from the tables of Meta Kaggle.

    Read from a folder (HF_ASSETS_META_KAGGLE), or downloaded once Kaggle's terms are accepted:
    HF_ASSETS_ACCEPT_KAGGLE_TERMS.
    """
    from hf_assets.corpora.kaggle import meta_kaggle

    path = config.path or settings().meta_kaggle
    folder = Path(path) if path else work_folder(lake.tree.folder("meta_kaggle", None))
    if not path:
        if reason := why_off("kaggle"):
            raise Skipped(
                "no folder with the tables of Meta Kaggle (HF_ASSETS_META_KAGGLE, or `path` in the "
                f"asset's config); and for a download, {reason}"
            )
        with clear_failures():
            meta_kaggle.fetch(folder, context.log.info)
    return once(DATASET_DUMP, partial(meta_kaggle.read_tables, folder, context.log.info))


@_daily(NEW_DATASETS, "kaggle", "json")
def new_datasets(
    context: dg.AssetExecutionContext, kaggle: KaggleResource, lake: LakeResource
) -> PartitionWrites:
    """Datasets that appeared on that day in Kaggle's list, read newest first down to stored ones.

    Kaggle lists only current datasets: a past day cannot be fetched. Off until Kaggle's terms are
    accepted: HF_ASSETS_ACCEPT_KAGGLE_TERMS.
    """
    from hf_assets.corpora.kaggle.client import NoAccount
    from hf_assets.corpora.kaggle.listing import new_datasets as fetched

    require_terms("kaggle")
    with clear_failures():
        client = kaggle.client(context.log.info)
        try:
            client.log_in()
        except NoAccount as error:
            raise Skipped(str(error)) from None
    stored = lake.text_ids("dataset_dump", "new_datasets", before=today())
    return PartitionWrites(
        NEW_DATASETS, {day: partial(fetched, client, day, stored) for day in context.partition_keys}
    )
