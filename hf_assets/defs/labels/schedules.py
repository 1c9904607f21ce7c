"""Schedules that fetch new texts.

Both are off until somebody turns them on in the UI; and they request nothing until the terms of
their service are accepted, which docs/labels.md states.
"""

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg

from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.labels.sources import NEW_QUESTIONS, why_off

# Days back in which a missed day of questions is fetched again, once a night each: a day that fails
# for good fails at most so often.
LOOK_BACK = 14


@dg.schedule(
    cron_schedule="15 1 * * *",
    execution_timezone="UTC",
    target="new_questions",
    description="Fetches the questions of yesterday (UTC), and days missed in the last "
    f"{LOOK_BACK} since the first stored one.",
)
def nightly_questions(
    context: dg.ScheduleEvaluationContext, lake: LakeResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """A run for the day before the tick, and one for each day that was missed."""
    if reason := why_off("stackexchange"):
        return dg.SkipReason(f"Off: {reason}")
    tick = context.scheduled_execution_time.date()
    return [
        dg.RunRequest(run_key=f"{day} at {tick}", partition_key=day)
        for day in missed_days(lake, tick)
    ]


def missed_days(lake: LakeResource, tick: date) -> Iterator[str]:
    """Past days of questions that are not stored completely, oldest first; yesterday always."""
    stored = lake.tree.days(NEW_QUESTIONS.name)
    for back in range(LOOK_BACK, 1, -1):
        day = (tick - timedelta(days=back)).isoformat()
        # The dump has the questions of earlier days.
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
    target="new_datasets",
    description="Lists the datasets published since the last list. Kaggle shows no past day: "
    "datasets of a missed night count as those of the next one.",
)
def nightly_datasets(
    context: dg.ScheduleEvaluationContext,
) -> dg.RunRequest | dg.SkipReason:
    """A run for the day that the tick is in."""
    if reason := why_off("kaggle"):
        return dg.SkipReason(f"Off: {reason}")
    day = f"{context.scheduled_execution_time:%Y-%m-%d}"
    return dg.RunRequest(run_key=day, partition_key=day)
