"""The job that deletes what no marker of a lake on a store names; `copying.orphans` finds it."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from pydantic import Field

from hf_assets.copying.orphans import Orphans, sweep
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.metadata import shown
from hf_assets.defs.common.resources import LakeResource
from hf_assets.object_store.local import local_root
from hf_assets.progress import TimedLog
from hf_assets.settings import settings

IN_A_FOLDER = (
    "The lake is in a folder (HF_ASSETS_DATA): whoever writes there removes what killed writers "
    "left, once it is a day old."
)


class SweepConfig(dg.Config):
    """Whether anything is deleted."""

    dry_run: bool = Field(default=False, description="Only report what would be deleted.")


@dg.op
def sweep_orphans(
    context: dg.OpExecutionContext, config: SweepConfig, lake: LakeResource
) -> dg.Output[int]:
    """Delete objects that no marker names and that are older than a day."""
    if local_root(lake.tree.root):
        context.log.info(IN_A_FOLDER)
        return dg.Output(0, metadata={"skipped": IN_A_FOLDER})
    lines, found = TimedLog(context.log.info, None), []
    with clear_failures():
        for one in sweep(lake.tree, datetime.now(UTC), dry=config.dry_run):
            found.append(one)
            lines.at(len(found), f"{one.asset}: {len(one.objects):,} objects")
    return dg.Output(sum(len(one.objects) for one in found), metadata=_facts(found, config.dry_run))


def _facts(found: list[Orphans], dry_run: bool) -> dict[str, Any]:
    counts, sizes = defaultdict[str, int](int), defaultdict[str, int](int)
    for one in found:
        counts[one.asset] += len(one.objects)
        sizes[one.asset] += one.bytes
    rows = [
        dg.TableRecord({"asset": asset, "objects": counts[asset], "bytes": sizes[asset]})
        for asset in sorted(counts)
    ]
    return {
        "objects": sum(counts.values()),
        "bytes": sum(sizes.values()),
        "deleted": not dry_run,
        "by asset": dg.MetadataValue.table(rows) if rows else shown("no orphan is old enough"),
    }


@dg.job(
    description="Deletes what a lake on a store has and no marker names, once it is a day old: of "
    "runs that were killed, of the slower of two runs, and versions that were superseded."
)
def sweep_store() -> None:
    """One step."""
    sweep_orphans()


@dg.schedule(
    job=sweep_store,
    cron_schedule="30 7 * * *",
    execution_timezone="UTC",
    description="Sweeps a lake on a store every day; it skips a lake in a folder.",
)
def daily_sweep() -> dg.RunRequest | dg.SkipReason:
    """A run, where the lake is on a store."""
    if local_root(settings().data):
        return dg.SkipReason(IN_A_FOLDER)
    return dg.RunRequest()
