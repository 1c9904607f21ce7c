"""When new texts are fetched. Not here: the Hub's days (`schedules`), or what is fetched.

Both are off until they are turned on in the UI. Whoever turns them on accepts the sources' terms:
the README says them plainly.
"""

from datetime import timedelta

import dagster as dg

from hf_assets.defs.sources import new_datasets, new_questions


@dg.schedule(
    cron_schedule="15 1 * * *",
    execution_timezone="UTC",
    target=[new_questions],
    description="Fetches the questions of the day before, which is over.",
)
def nightly_questions(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """A run for the day before the tick."""
    day = f"{context.scheduled_execution_time - timedelta(days=1):%Y-%m-%d}"
    return dg.RunRequest(run_key=day, partition_key=day)


@dg.schedule(
    cron_schedule="30 22 * * *",
    execution_timezone="UTC",
    target=[new_datasets],
    description="Lists the datasets published since the last list: Kaggle shows no past day.",
)
def nightly_datasets(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """A run for the day that the tick is in."""
    day = f"{context.scheduled_execution_time:%Y-%m-%d}"
    return dg.RunRequest(run_key=day, partition_key=day)
