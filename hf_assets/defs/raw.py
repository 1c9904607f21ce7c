"""The Hub as it was served: one capture a day of each listing. Not here: anything parsed."""

from functools import partial
from typing import Literal

import dagster as dg
from pydantic import Field

from hf_assets.defs.partitions import daily, single_run
from hf_assets.defs.report import capture_facts
from hf_assets.defs.resources import HubResource, LakeResource
from hf_assets.hub.capturing import NoCapture
from hf_assets.hub.listing import FIELDS, Ask, ListingError
from hf_assets.hub.rows import Kind


class ListingConfig(dg.Config):
    """How much of a listing to fetch; by default everything, once."""

    max_rows: int | None = None
    filter: list[str] = Field(default_factory=list)
    sort: Literal["createdAt", "lastModified", "likes", "trendingScore", "downloads"] = "createdAt"
    refetch: bool = False

    def ask(self, kind: Kind) -> Ask:
        """The question to the Hub."""
        if self.max_rows is not None and self.max_rows < 1:
            raise dg.Failure("max_rows must be 1 or more", allow_retries=False)
        if kind == "spaces" and self.sort == "downloads":
            raise dg.Failure("Spaces have no downloads to sort by", allow_retries=False)
        return Ask(kind, FIELDS[kind], self.sort, tuple(self.filter), self.max_rows)


raw = partial(
    dg.asset,
    group_name="hub/raw",
    owners=["team:hub"],
    kinds={"huggingface", "json"},
    partitions_def=daily,
    backfill_policy=single_run,
    io_manager_key="tables",
    # A retry resumes at the next page; what cannot be mended says so itself.
    retry_policy=dg.RetryPolicy(max_retries=3, delay=60, backoff=dg.Backoff.EXPONENTIAL),
)


@raw()
def raw_models(
    context: dg.AssetExecutionContext, config: ListingConfig, lake: LakeResource, hub: HubResource
) -> dg.MaterializeResult:
    """Models as the Hub lists them: the pages of /api/models, as served.

    Today is captured now, resuming where an earlier run died. A past day is what was captured then.
    """
    return _captured(context, config.ask("models"), config.refetch, lake, hub)


@raw()
def raw_spaces(
    context: dg.AssetExecutionContext, config: ListingConfig, lake: LakeResource, hub: HubResource
) -> dg.MaterializeResult:
    """Spaces as the Hub lists them, with the models and datasets they use.

    The pages of /api/spaces, as served. Today is captured now, resuming where an earlier run died.
    A past day is what was captured then.
    """
    return _captured(context, config.ask("spaces"), config.refetch, lake, hub)


def _captured(
    context: dg.AssetExecutionContext,
    ask: Ask,
    refetch: bool,
    lake: LakeResource,
    hub: HubResource,
) -> dg.MaterializeResult:
    missing = []
    for day in context.partition_keys:
        folder = lake.tree.folder(context.asset_key.path[-1], day)
        try:
            capture = hub.capturer(context, day).obtain(folder, day, ask, refetch=refetch)
        except NoCapture as error:
            missing.append(str(error))
        except ListingError as error:
            raise dg.Failure(str(error), allow_retries=not error.permanent) from error
        else:
            context.add_asset_metadata(capture_facts(capture, ask.kind), partition_key=day)
    if missing:
        # A run tells of every day it was asked for: it cannot leave one out.
        raise dg.Failure("\n".join(missing), allow_retries=False)
    return dg.MaterializeResult()
