"""The partition sets: days, and base models."""

import dagster as dg

from hf_assets.classifiers.own_base_models import known_base_models
from hf_assets.settings import settings

FIRST_DAY = settings().first_day.isoformat()

# The Hub shows the present only, so today must have a partition: hence the offset.
daily = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", end_offset=1)

# A partition costs 0.05 s in a single run, and 2.5 s or more in a run of its own.
single_run = dg.BackfillPolicy.single_run()


def runs_of(days: int | None) -> dg.BackfillPolicy:
    """The policy by which a range of days is cut into runs of so many consecutive days."""
    return dg.BackfillPolicy.multi_run(days) if days else single_run


# Of all daily assets of the Hub, as a job has one policy. Texts of a day leave out those of earlier
# days: their sources stay with a single run.
hub_runs = runs_of(settings().days_per_run)

# Each base model, the package's and the user's, is trained, exported and quantised separately.
base_models = dg.StaticPartitionsDefinition(
    list(known_base_models(settings().own_base_models).models)
)
