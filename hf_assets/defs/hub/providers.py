"""Inference providers: who serves a model, at what price; asked once a day, after the Hub.

The router can be asked for the present only. Where it gives nothing the step is skipped with the
reason: a night of the Hub never fails for it.
"""

import dagster as dg
from huggingface_hub import constants
from pydantic import Field

from hf_assets.defs.common.events import Skipped, deferred, report_day, report_left_out, skippable
from hf_assets.defs.common.factories import Tables, daily_table, each_day
from hf_assets.defs.common.failures import RETRIES
from hf_assets.defs.common.metadata import column_schema, stored_table
from hf_assets.defs.common.partitions import daily, hub_runs
from hf_assets.defs.common.pools import AFTER_THE_HUB
from hf_assets.defs.common.resources import HubResource, LakeResource, PartitionWrites
from hf_assets.hub.client.connection import HubConnection, HubError
from hf_assets.hub.providers import asking, schemas, table
from hf_assets.hub.providers.router import MAX_BYTES, RouterClient, router_of
from hf_assets.settings import settings


class RouterConfig(dg.Config):
    """Whether to ask again."""

    refetch: bool = Field(
        default=False, description="Ask for today again and replace the stored answer."
    )


@dg.asset(
    group_name="hub/raw",
    owners=["team:hub"],
    kinds={"huggingface", "json"},
    partitions_def=daily,
    backfill_policy=hub_runs,
    io_manager_key="tables",
    retry_policy=RETRIES,
    op_tags=AFTER_THE_HUB,
    output_required=False,
    metadata={"dagster/column_schema": column_schema(schemas.RAW_INFERENCE_PROVIDERS)},
)
@skippable
def raw_inference_providers(
    context: dg.AssetExecutionContext, config: RouterConfig, lake: LakeResource, hub: HubResource
) -> dg.MaterializeResult:
    """Offers of inference providers, as Hugging Face's router lists them: one answer a day.

    The router shows the present only: a past day is what was stored on it. Off with a Hub other
    than huggingface.co, unless HF_ASSETS_INFERENCE_ROUTER names a router.
    """
    client, missing = _client(context, hub), {}
    for day in context.partition_keys:
        try:
            stored = asking.get_or_fetch(lake.tree, client, day, refetch=config.refetch)
        except asking.NoAnswer as error:
            missing[day] = str(error)
        except HubError as error:
            if not error.permanent and context.retry_number < RETRIES.max_retries:
                raise
            missing[day] = f"the router gave no answer: {error}"
        else:
            report_day(context, day, stored_table(stored, schemas.RAW_INFERENCE_PROVIDERS))
    if missing and not deferred(context):
        # Dagster reports every partition of a plain run: it cannot leave a day out.
        raise Skipped("; ".join(f"{day}: {reason}" for day, reason in missing.items()))
    report_left_out(context, context.asset_key.path[-1], missing)
    return dg.MaterializeResult()


def _client(context: dg.AssetExecutionContext, hub: HubResource) -> RouterClient | None:
    address = router_of(settings().inference_router, constants.ENDPOINT)
    if address is None:
        return None
    connection = HubConnection(
        endpoint=address,
        connect_timeout=hub.connect_timeout,
        read_timeout=hub.read_timeout,
        retry_wait=hub.retry_wait,
        max_bytes=MAX_BYTES,
        log=context.log.warning,
    )
    return RouterClient(connection)


@daily_table(schemas.INFERENCE_PROVIDERS, group="hub/tables", output_required=False)
@skippable
def inference_providers(
    context: dg.AssetExecutionContext,  # noqa: ARG001 - of `skippable`
    raw_inference_providers: Tables,
) -> PartitionWrites:
    """Offers of inference providers: price, context, latency and throughput of each model."""
    writes = each_day(
        schemas.INFERENCE_PROVIDERS, table.inference_providers, raw_inference_providers
    )
    for day, stored in raw_inference_providers.items():
        if not table.is_list(stored):
            raise Skipped(f"the router's answer of {day} is no list of models: its bytes are kept")
    return writes
