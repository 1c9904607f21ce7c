"""The partition sets: days, and base models. Not here: what a partition is made of."""

import dagster as dg

from hf_assets.classifiers.training.base_models import BASE_MODELS
from hf_assets.settings import settings

FIRST_DAY = settings().first_day.isoformat()

# The Hub shows only what is now, so today must be a partition: hence the offset.
daily = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", end_offset=1)

# 0.05 s a partition in a single run, 2.5 s and more where each has its own.
single_run = dg.BackfillPolicy.single_run()

# One partition a base model: each is trained, exported and quantised by itself.
base_models = dg.StaticPartitionsDefinition(list(BASE_MODELS))
