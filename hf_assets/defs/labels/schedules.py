"""When new texts are fetched. Not here: the Hub's days (`schedules`), or what is fetched.

Both are off until they are turned on in the UI. Whoever turns them on accepts the sources' terms:
the README says them plainly.
"""

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg

from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.labels.sources import NEW_QUESTIONS, new_datasets, new_questions

# Days back that a missed day of questions is asked for again, once a night each: a day that fails
# whatever is done fails so often, and no more.
LOOK_BACK = 14


@dg.schedule(
    cron_schedule="15 1 * * *",
    execution_timezone="UTC",
    target=[new_questions],
    description="Fetches the questions of the day before, which is over, and of days of the last "
    f"{LOOK_BACK} that were missed since the first one stored.",
)
def nightly_questions(
    context: dg.ScheduleEvaluationContext, lake: LakeResource
) -> list[dg.RunRequest]:
    """A run for the day before the tick, and one for each day that was missed."""
    tick = context.scheduled_execution_time.date()
    return [
        dg.RunRequest(run_key=f"{day} at {tick}", partition_key=day)
        for day in unasked_days(lake, tick)
    ]


def unasked_days(lake: LakeResource, tick: date) -> Iterator[str]:
    """Days of questions that are over and not stored whole, oldest first; the last one always."""
    stored = lake.tree.days(NEW_QUESTIONS.name)
    for back in range(LOOK_BACK, 1, -1):
        day = (tick - timedelta(days=back)).isoformat()
        # Before the first day lies what nobody asked for: the dump has it.
        if stored and stored[0] <= day and not (day in stored and _whole(lake, day)):
            yield day
    yield (tick - timedelta(days=1)).isoformat()


def _whole(lake: LakeResource, day: str) -> bool:
    """Whether the day was over when it was fetched."""
    provenance = lake.tree.read(NEW_QUESTIONS.name, day).provenance
    return "partial" not in provenance.get(NEW_QUESTIONS.name, {})


@dg.schedule(
    cron_schedule="30 22 * * *",
    execution_timezone="UTC",
    target=[new_datasets],
    description="Lists the datasets published since the last list. Kaggle shows no past day: a "
    "night that was missed cannot be fetched later, and its datasets count as the next one's.",
)
def nightly_datasets(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """A run for the day that the tick is in."""
    day = f"{context.scheduled_execution_time:%Y-%m-%d}"
    return dg.RunRequest(run_key=day, partition_key=day)
