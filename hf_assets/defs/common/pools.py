"""Which runs may go on at once: lanes of runs and pools of steps; dagster.yaml has their limits."""

import json
from contextlib import suppress

import dagster as dg
from sqlalchemy.exc import IntegrityError

from hf_assets.corpora.registry import CorpusSpec

# A lane: long runs that ask the archive or rebuild many days go one after the other, so that they
# never take every place of the queue.
BULK = {"hf_assets/lane": "bulk"}
# The Hub shows only now: in one run, its steps and all that derive from them come first.
AFTER_THE_HUB = {"dagster/priority": "-1"}
# Limits other than the default one, which dagster.yaml cannot set for a single pool.
LIMITS = {"training": 1}

# What a launcher of runs on Ray reads of steps and runs.
RESOURCES = "dagster-ray/config"


def training_tags(spec: CorpusSpec, gpus: float | None) -> dict[str, str]:
    """The tags of a step that uses all cores, or GPUs, with what it asks a cluster for.

    Args:
        spec: of the corpus; without resources, nothing is asked for.
        gpus: of the step.
    """
    memory = spec.memory_gb and int(spec.memory_gb * 1e9)
    asked = {"num_gpus": gpus, "num_cpus": spec.cpus, "memory": memory}
    asked = {name: amount for name, amount in asked.items() if amount}
    # For launchers that run steps elsewhere.
    tags = AFTER_THE_HUB | {"hf_assets/heavy": "training"}
    return tags | ({RESOURCES: json.dumps(asked)} if asked else {})


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
