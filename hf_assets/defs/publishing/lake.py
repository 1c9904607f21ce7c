"""The lake as a dataset repository on the Hub: off until a setting names one."""

from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from hf_assets.defs.common.events import Skipped, materialized, skippable
from hf_assets.defs.common.factories import every_day
from hf_assets.defs.common.failures import RETRIES, clear_failures
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.hub import providers, quality, space_code, tables
from hf_assets.defs.labels import predictions
from hf_assets.defs.labels.publication import DryRunConfig, file_counts, shown_files
from hf_assets.defs.trends import daily, history, repository_days
from hf_assets.defs.trends import providers as provider_series
from hf_assets.errors import InputError
from hf_assets.publishing.tables import OPTIONAL, publishable
from hf_assets.settings import settings

if TYPE_CHECKING:
    from hf_assets.publishing.publication import Outcome, Plan
    from hf_assets.publishing.repository import Repository

GROUP = "publishing"
_OVER_DAYS = ("trend_figures", "insights_report")
_LAST = {"dagster/priority": "-2"}
OFF = (
    "publishing is off: set HF_ASSETS_PUBLISH_DATASET=owner/name and start again; "
    "docs/publishing.md says what is published."
)


class PublicationConfig(DryRunConfig):
    """Whether to publish, and to remove how much."""

    remove_many: bool = Field(
        default=False,
        description="Remove files from the repository even if they are more than a tenth of it: "
        "otherwise a lake that lost its days would empty it.",
    )


def _specs(*modules: ModuleType) -> Iterator[dg.AssetSpec]:
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, dg.AssetsDefinition):
                yield from value.specs


_MODULES = (
    *(
        tables,
        space_code,
        predictions,
        quality,
        providers,
        daily,
        history,
        provider_series,
        repository_days,
    ),
)
_TABLES = {
    spec.key.path[-1]: spec for spec in _specs(*_MODULES) if spec.key.path[-1] in publishable()
}


def _deps() -> list[dg.AssetDep]:
    """The tables, the figures and the report, so that the night publishes after them.

    Without inference providers and the code of Spaces: what follows a step that is skipped, or
    fails, does not run. By its priority this step comes after them all the same.
    """
    specs = {name: spec for name, spec in _TABLES.items() if name not in publishable(*OPTIONAL)}
    days = [name for name, spec in specs.items() if spec.partitions_def]
    others = [name for name, spec in specs.items() if not spec.partitions_def]
    return [every_day(name) for name in (*days, "snapshot_figures")] + [
        dg.AssetDep(name) for name in (*others, *_OVER_DAYS)
    ]


@dg.asset(
    group_name=GROUP,
    owners=["team:hub"],
    kinds={"huggingface"},
    deps=_deps(),
    retry_policy=RETRIES,
    op_tags=_LAST,
    output_required=False,  # off, or a dry run
)
@skippable
def published_lake(
    context: dg.AssetExecutionContext, config: PublicationConfig, lake: LakeResource
) -> dg.MaterializeResult | None:
    """The lake as a dataset on the Hub: tables, series and figures, with card and schema.

    Off until HF_ASSETS_PUBLISH_DATASET names a repository. It has no partitions: a publication is
    one commit that makes the repository what the lake is now, so backfilled days are sent, and
    withdrawn ones removed, whichever they are. Only files that differ are sent.
    """
    # Imported late: the client of the Hub takes a tenth of the time to load the code location.
    from hf_assets.publishing.publication import publish

    if settings().publish_dataset is None:
        raise Skipped(OFF)
    with clear_failures():
        repository = repository_of_settings()
        outcome = publish(
            lake.tree,
            repository,
            plan_of_settings(),
            context.log.info,
            dry_run=config.dry_run,
            remove_many=config.remove_many,
        )
    facts = _facts(outcome, repository)
    if config.dry_run:
        context.log_event(dg.AssetObservation(context.asset_key, metadata=facts))
        return None
    return materialized(context, facts)


def repository_of_settings() -> "Repository":
    """The repository of the settings. InputError where they name none."""
    from hf_assets.publishing.repository import Repository

    known = settings()
    if known.publish_dataset is None:
        raise InputError(OFF)
    return Repository(known.publish_dataset, private=known.publish_private)


def plan_of_settings() -> "Plan":
    """What the settings publish; the texts of tables are those of the UI."""
    from hf_assets.publishing.publication import Plan

    about = {name: (spec.description or "").split("\n")[0] for name, spec in _TABLES.items()}
    return Plan(settings().publish_tables, settings().publish_license, about)


def _facts(outcome: "Outcome", repository: "Repository") -> dict[str, Any]:
    return {
        "repository": dg.MetadataValue.url(repository.url),
        "commit": outcome.commit or "none",
        **file_counts(outcome),
        "rows": dg.MetadataValue.json(outcome.rows),
        "files": dg.MetadataValue.json(shown_files(outcome)),
    }
