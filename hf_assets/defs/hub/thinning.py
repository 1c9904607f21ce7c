"""The job that makes old days small. Not here: what goes and what stays (`hub.thinning`).

Its schedule is off until it is turned on in the UI: what is thinned cannot be made whole again.
"""

from typing import Any

import dagster as dg
from pydantic import Field

from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.metadata import shown
from hf_assets.defs.common.resources import LakeResource
from hf_assets.hub.retention import Ages, Thinned, thin, trusted_days
from hf_assets.storage.lake import today


class ThinningConfig(dg.Config):
    """How old is old, in days; null: never."""

    tables: int | None = Field(default=60, description="Days after which rows keep counters only.")
    pages: int | None = Field(default=30, description="Days after which captured pages go.")
    dry: bool = Field(default=False, description="Only say what would be done.")


@dg.op
def thin_days(
    context: dg.OpExecutionContext, config: ThinningConfig, lake: LakeResource
) -> dg.Output[int]:
    """Thins tables and drops pages of old days that are trusted and have their aggregates."""
    with clear_failures():
        trusted = trusted_days(lake.tree)
        try:
            ages = Ages(config.tables, config.pages)
        except ValueError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        done = list(thin(lake.tree, trusted, today(), ages, log=context.log.info, dry=config.dry))
    return dg.Output(len(done), metadata=_facts(done, dry=config.dry))


def _facts(done: list[Thinned], *, dry: bool) -> dict[str, Any]:
    rows = [
        dg.TableRecord(
            {"asset": one.asset, "day": one.day, "before": one.before, "after": one.after}
        )
        for one in done[-100:]
    ]
    return {
        "days thinned": len(done),
        "bytes before": sum(one.before for one in done),
        "bytes after": "not known: nothing was written" if dry else sum(one.after for one in done),
        "the last hundred": dg.MetadataValue.table(rows)
        if rows
        else shown("nothing was old enough"),
    }


@dg.job(description="Old days keep id, category and counters; old pages go. Off by default.")
def thin_old_days() -> None:
    """One step."""
    thin_days()


weekly_thinning = dg.ScheduleDefinition(
    name="weekly_thinning",
    job=thin_old_days,
    cron_schedule="0 6 * * 0",
    execution_timezone="UTC",
    description="Thins what is older than 60 days, drops pages older than 30. Irreversible.",
)
