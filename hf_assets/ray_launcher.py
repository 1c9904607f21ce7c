"""Dagster's launcher of runs on Ray, for deploy/dagster-cluster.yaml: one run is one Ray job.

Of `dagster_ray.RayRunLauncher` it takes all but three things. A run asks for what its steps ask for
(op tags): no tag of the run is needed. A node that cannot run it says what to do. Variables that
hold a secret are refused: Ray shows those of a job to everybody who sees its dashboard.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
from dagster._core.snap import ExecutionPlanSnapshot
from dagster_ray import RayRunLauncher
from dagster_ray.configs import USER_DEFINED_RAY_KEY as RESOURCES

from hf_assets.errors import InputError, clean

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
            wanted = requested(self._instance.get_execution_plan_snapshot(plan_id))
            if wanted:
                tags = {RESOURCES: json.dumps(wanted)}
                self._instance.add_run_tags(run.run_id, tags)
                run = run.with_tags({**run.tags, **tags})
        super()._launch_ray_job(submission_id, checked(entrypoint, run.job_name), run)


def refused(env_vars: Iterable[str]) -> list[str]:
    """The names among `NAME` and `NAME=value` that look like those of secrets."""
    names = [text.partition("=")[0] for text in env_vars]
    return [name for name in names if _SECRET.search(name)]


def requested(plan: ExecutionPlanSnapshot) -> dict[str, float]:
    """The most of each resource that a step of the plan asks for: they run one after the other."""
    most: dict[str, float] = {}
    for step in plan.steps:
        if step.key not in plan.step_keys_to_execute:
            continue
        asked: Mapping[str, float] = json.loads((step.tags or {}).get(RESOURCES, "{}"))
        for name, amount in asked.items():
            most[name] = max(most.get(name, 0), amount)
    return most


def checked(entrypoint: str, job: str = "job") -> str:
    """The command of a run, after the checks of the node; the shell becomes the run.

    It begins with words, for Ray's list of jobs: `:` is a command that does nothing.
    """
    checks = [f"{test} || {{ echo '{message}.' >&2; exit 78; }}" for test, message in _CHECKS]
    return "; ".join([f": run of {job}", *checks, _THREADS, f"exec {entrypoint}"])
