"""Dagster's launcher of runs on Ray, for deploy/dagster-cluster.yaml: one run is one Ray job.

Of `dagster_ray.RayRunLauncher` it takes all but four things. A run asks for what its steps ask for
(op tags): no tag of the run is needed. A run that no node has room for says so. A node that cannot
run it says what to do. Variables that hold a secret are refused: Ray shows those of a job to
everybody who sees its dashboard.
"""

import json
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
from dagster._core.snap import ExecutionPlanSnapshot
from dagster._core.storage.tags import PARTITION_NAME_TAG
from dagster_ray import RayRunLauncher
from dagster_ray.configs import USER_DEFINED_RAY_KEY as RESOURCES
from dagster_ray.core.run_launcher import RayLauncherConfig

from hf_assets.errors import InputError, clean

# Of a step: what a base model asks for in place of `RESOURCES`; `defs/common/pools.py` writes it.
OF_BASE_MODELS = "hf_assets/base_models"
_LOG = logging.getLogger(__name__)
_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASS|SMTP|ALARM|CREDENTIAL|DSN|WEBHOOK", re.IGNORECASE)
# Before the command of the run, in the shell of the node that Ray has chosen.
_CHECKS = (
    (
        "command -v dagster >/dev/null",
        "dagster is not on the PATH of Ray on this node. Stop Ray here, and start it again with "
        "the environment of hf_assets first in PATH: PATH=/path/to/.venv/bin:$PATH ray start ...",
    ),
    (
        '[ -n "$PGHOST" ] && [ -n "$PGDATABASE" ] && [ -n "$PGUSER" ]',
        "PGHOST, PGDATABASE or PGUSER is not set on this node: start Ray here with the variables "
        "of deploy/cluster/environment.example in its environment",
    ),
    (
        '[ -f "$DAGSTER_HOME/dagster.yaml" ]',
        "DAGSTER_HOME names no folder with a dagster.yaml on this node: create it, with "
        "deploy/dagster-cluster.yaml as its dagster.yaml",
    ),
)
# Ray sets the first to the CPUs of the run; polars would take a thread a core of the node for each.
_THREADS = 'export POLARS_MAX_THREADS="${POLARS_MAX_THREADS:-${OMP_NUM_THREADS:-1}}"'


class ClusterRunLauncher(RayRunLauncher):
    """Submits each run to Ray with the resources that its steps ask for."""

    def __init__(
        self,
        address: str,
        env_vars: list[str] | None = None,
        runtime_env: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        if secret := refused([*(env_vars or ()), *(runtime_env or {}).get("env_vars", ())]):
            raise InputError(
                f"env_vars of the run launcher names {', '.join(secret)}: Ray would show the value "
                "in its list of jobs. Remove the name there, and set the variable where Ray is "
                "started on each node."
            )
        super().__init__(address=address, env_vars=env_vars, runtime_env=runtime_env, **more)

    def get_run_worker_debug_info(
        self,
        run: dg.DagsterRun,
        include_container_logs: bool | None = True,  # noqa: ARG002 - of Dagster
    ) -> str:
        """The end of each of its jobs, in a line; all else of them is on Ray's page."""
        jobs = [
            job
            for job in self.client.list_jobs()
            if job and run.run_id in (job.submission_id or "")
        ]
        # What follows the first line is the log, which is the run's.
        said = [clean((job.message or "").partition("\n")[0]) for job in jobs]
        return "\n".join(
            f"{job.submission_id}: {word}" for job, word in zip(jobs, said, strict=True)
        )

    def _launch_ray_job(self, submission_id: str, entrypoint: str, run: dg.DagsterRun) -> None:
        plan_id = run.execution_plan_snapshot_id
        if RESOURCES not in run.tags and plan_id:
            plan = self._instance.get_execution_plan_snapshot(plan_id)
            wanted = requested(plan, run.tags.get(PARTITION_NAME_TAG))
            if wanted:
                tags = {RESOURCES: json.dumps(wanted)}
                self._instance.add_run_tags(run.run_id, tags)
                run = run.with_tags({**run.tags, **tags})
        super()._launch_ray_job(submission_id, checked(entrypoint, run.job_name), run)
        if words := no_room(self._asked(run), self._nodes()):
            self._instance.report_engine_event(words, run, cls=self.__class__)

    def _asked(self, run: dg.DagsterRun) -> dict[str, float]:
        """What a run asks one node for, by Ray's names of a node's resources."""
        tags = RayLauncherConfig.from_tags(run.tags)
        amounts = {
            "GPU": tags.num_gpus or self.num_gpus,
            "CPU": tags.num_cpus or self.num_cpus,
            "memory": tags.memory or self.memory,
            **(tags.resources or self.resources or {}),
        }
        return {name: amount for name, amount in amounts.items() if amount}

    def _nodes(self) -> dict[str, dict[str, float]]:
        """The resources of each living node, by its name; empty where Ray does not say."""
        from ray.util.state import StateApiClient
        from ray.util.state.common import ListApiOptions, StateResource
        from ray.util.state.exception import RayStateApiException

        try:
            client = StateApiClient(self.address, self.cookies, self.headers)
            options = ListApiOptions(limit=10_000, timeout=10)
            nodes: list[Any] = client.list(StateResource.NODES, options, False)
        except (RayStateApiException, RuntimeError, OSError) as error:
            _LOG.warning("Ray does not list its nodes: %s", clean(error))
            return {}
        return {node.node_name: node.resources_total for node in nodes if node.state == "ALIVE"}


def refused(env_vars: Iterable[str]) -> list[str]:
    """The names among `NAME` and `NAME=value` that look like those of secrets."""
    names = [text.partition("=")[0] for text in env_vars]
    return [name for name in names if _SECRET.search(name)]


def requested(plan: ExecutionPlanSnapshot, partition: str | None = None) -> dict[str, float]:
    """The most of each resource that a step of the plan asks for: they run one after the other.

    Args:
        partition: of the run; where it is a base model, what is said of that takes precedence.
    """
    most: dict[str, float] = {}
    for step in plan.steps:
        if step.key not in plan.step_keys_to_execute:
            continue
        tags = step.tags or {}
        asked: dict[str, float] = json.loads(tags.get(RESOURCES, "{}"))
        asked |= json.loads(tags.get(OF_BASE_MODELS, "{}")).get(partition, {})
        for name, amount in asked.items():
            most[name] = max(most.get(name, 0), amount)
    return {name: amount for name, amount in most.items() if amount}


def no_room(asked: Mapping[str, float], nodes: Mapping[str, Mapping[str, float]]) -> str:
    """Words for a run that no node can take, even when it is idle; else empty.

    Args:
        asked: of one node, by Ray's names of resources.
        nodes: what each has in all; where there are none, nothing is known.
    """
    has_room = [
        all(node.get(name, 0) >= amount for name, amount in asked.items())
        for node in nodes.values()
    ]
    if not nodes or any(has_room):
        return ""

    def words(resources: Mapping[str, float]) -> str:
        return ", ".join(_amount(name, resources.get(name, 0)) for name in asked)

    largest = sorted(nodes, key=lambda name: [nodes[name].get(one, 0) for one in asked])[-3:]
    return (
        f"No node of Ray has room for this run. It asks one node for {words(asked)}; the largest "
        f"have: {'; '.join(f'{name} {words(nodes[name])}' for name in reversed(largest))}. It "
        "waits until a node with as much joins: start one, or end this run, lower what it asks for "
        "(gpus, cpus, memory_gb of the corpus or base model), and begin it again."
    )


def _amount(name: str, amount: float) -> str:
    return f"{amount / 1e9:.1f} GB memory" if name == "memory" else f"{amount:g} {name}"


def checked(entrypoint: str, job: str = "job") -> str:
    """The command of a run, after the checks of the node; the shell becomes the run.

    It begins with words, for Ray's list of jobs: `:` is a command that does nothing.
    """
    checks = [f"{test} || {{ echo '{message}.' >&2; exit 78; }}" for test, message in _CHECKS]
    return "; ".join([f": run of {job}", *checks, _THREADS, f"exec {entrypoint}"])
