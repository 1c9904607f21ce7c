"""The job that makes old days small; `hub.retention` decides what goes.

Its schedule is off until a person turns it on in the UI: thinning cannot be undone.
"""

from typing import Any

import dagster as dg
from pydantic import Field

from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.metadata import shown
from hf_assets.defs.common.resources import LakeResource
from hf_assets.hub.retention import EMPTIED, PAGES, THINNED, Ages, Thinned, thin, trusted_days
from hf_assets.storage.lake import today


class ThinningConfig(dg.Config):
    """Ages in days from which data is deleted; null: never."""

    tables: int | None = Field(
        default=60,
        description="Age in days from which a day is emptied, as model_days, dataset_days and "
        "space_days give it back: identity, category, creation date, gate, privacy and counters. A "
        "day that they do not give back keeps its rows, with these columns. Null: never.",
    )
    pages: int | None = Field(
        default=30, description="Age in days from which captured pages are deleted; null: never."
    )
    dry: bool = Field(default=False, description="Only report what would go.")


@dg.op
def thin_days(
    context: dg.OpExecutionContext, config: ThinningConfig, lake: LakeResource
) -> dg.Output[int]:
    """Empty or thin tables of old days that are trusted and have their aggregates; delete pages."""
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
            {
                "asset": one.asset,
                "day": one.day,
                "what": one.how,
                "before": one.before,
                "after": one.after,
            }
        )
        for one in done[-100:]
    ]
    return {
        "days": len(done),
        **{how: sum(one.how == how for one in done) for how in (EMPTIED, THINNED, PAGES)},
        "bytes before": sum(one.before for one in done),
        "bytes after": "unknown: dry run" if dry else sum(one.after for one in done),
        "last 100 days": dg.MetadataValue.table(rows) if rows else shown("no day is old enough"),
    }


@dg.job(
    description="Empties old days, of which model_days, dataset_days and space_days have identity, "
    "category and counters, and deletes old pages. Irreversible; its schedule is off by default."
)
def thin_old_days() -> None:
    """One step."""
    thin_days()


weekly_thinning = dg.ScheduleDefinition(
    name="weekly_thinning",
    job=thin_old_days,
    cron_schedule="0 6 * * 0",
    execution_timezone="UTC",
    description="Empties or thins days older than 60 days and deletes pages older than 30 days. "
    "Irreversible.",
)
