"""Which runs may go on at once: lanes of runs and pools of steps; dagster.yaml has their limits."""

import json
from contextlib import suppress

import dagster as dg
from sqlalchemy.exc import IntegrityError

from hf_assets.corpora.registry import CorpusSpec
from hf_assets.settings import Resources, settings

# A lane: long runs that ask the archive or rebuild many days go one after the other, so that they
# never take every place of the queue.
BULK = {"hf_assets/lane": "bulk"}
# The Hub shows only now: in one run, its steps and all that derive from them come first.
AFTER_THE_HUB = {"dagster/priority": "-1"}
# Limits other than the default one, which dagster.yaml cannot set for a single pool.
LIMITS = {"training": 1}

# What a launcher of runs on Ray reads of steps and runs.
RESOURCES = "dagster-ray/config"
# Of a step, beside it: what a base model asks for in place of that, by the base model's name.
OF_BASE_MODELS = "hf_assets/base_models"


def training_tags(spec: CorpusSpec, *, trains: bool = False) -> dict[str, str]:
    """The tags of a step that uses all cores, or GPUs, with what it asks a cluster for.

    Args:
        spec: of the corpus; without resources, and without any in the settings, nothing is asked
            for.
        trains: whether the step asks for GPUs, too.
    """
    own = settings()
    usual = {} if own.training_gpus is None else {"num_gpus": own.training_gpus}
    asked = (usual if trains else {}) | _asked(spec, trains)
    special = {
        name: one
        for name, resources in own.base_model_resources.items()
        if (one := _asked(resources, trains))
    }
    # For launchers that run steps elsewhere.
    tags = AFTER_THE_HUB | {"hf_assets/heavy": "training"}
    asked = {name: amount for name, amount in asked.items() if amount}
    for tag, resources in ((RESOURCES, asked), (OF_BASE_MODELS, special)):
        if resources:
            tags |= {tag: json.dumps(resources)}
    return tags


def _asked(resources: Resources, trains: bool) -> dict[str, float]:
    """Those resources by Ray's names; 0 GPUs are said, too."""
    amounts = {
        "num_gpus": resources.gpus if trains else None,
        "num_cpus": resources.cpus,
        "memory": resources.memory_gb and int(resources.memory_gb * 1e9),
    }
    return {name: amount for name, amount in amounts.items() if amount is not None}


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
