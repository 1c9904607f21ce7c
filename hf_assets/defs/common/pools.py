"""Which runs may go on at once: lanes of runs and pools of steps; dagster.yaml has their limits."""

from contextlib import suppress

import dagster as dg
from sqlalchemy.exc import IntegrityError

# A lane: long runs that ask the archive or rebuild many days go one after the other, so that they
# never take every place of the queue.
BULK = {"hf_assets/lane": "bulk"}
# The Hub shows only now: in one run, its steps and all that derive from them come first.
AFTER_THE_HUB = {"dagster/priority": "-1"}
# Limits other than the default one, which dagster.yaml cannot set for a single pool.
LIMITS = {"training": 1}


def limit_pools(instance: dg.DagsterInstance) -> None:
    """Set the limit of each pool that has none of its own."""
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    pools = {pool.name: pool for pool in storage.get_pool_limits()}
    for name, limit in LIMITS.items():
        if name not in pools or pools[name].from_default:
            # Another machine sets it at the same time, to the same.
            with suppress(IntegrityError):
                storage.set_concurrency_slots(name, limit)
