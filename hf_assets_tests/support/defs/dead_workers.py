"""A launcher whose workers never begin a run, and which knows it: what Ray's is, without Ray."""

from typing import Any

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, RunLauncher, WorkerStatus
from dagster._serdes import ConfigurableClass

WORDS = "Ray job failed. Message: dagster is not on the PATH of Ray on this node.\x1b[31m"


class DeadWorkers(RunLauncher, ConfigurableClass):
    """Launches nothing; the worker of the job `dead` has failed, of others it runs."""

    def __init__(self, inst_data: Any = None) -> None:
        self._inst_data = inst_data
        super().__init__()

    @property
    def inst_data(self) -> Any:
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "DeadWorkers":
        return cls(inst_data)

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        if run.job_name == "dead":
            return CheckRunHealthResult(WorkerStatus.FAILED, WORDS)
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def launch_run(self, context: Any) -> None: ...

    def terminate(self, run_id: str) -> bool:
        return False
