"""Runs that print, and the logs of them that a lake has."""

import re
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import yaml
from dagster._core.storage.compute_log_manager import CapturedLogData, ComputeIOType
from dagster._core.test_utils import instance_for_test

from hf_assets.run_logs import LakeLogManager
from hf_assets_tests.support.deploy.read import DEPLOY

OUT, ERR = ComputeIOType.STDOUT, ComputeIOType.STDERR
KEY_OF_LOG = ["2f6c", "compute_logs", "abcdefgh"]


@dg.op
def chatty() -> None:
    print("printed by a run")
    print("complained by a run", file=sys.stderr)


@dg.job(executor_def=dg.in_process_executor)
def talk() -> None:
    chatty()


def configured(lake: object, interval: int = 3600) -> dict[str, Any]:
    """`compute_logs` of deploy/dagster-cluster.yaml, for that lake."""
    known = yaml.safe_load((DEPLOY / "dagster-cluster.yaml").read_text())["compute_logs"]
    assert known["config"] == {"lake": {"env": "HF_ASSETS_DATA"}}
    return known | {"config": {"lake": str(lake), "interval": interval}}


@contextmanager
def machine(lake: object) -> Generator[dg.DagsterInstance]:
    """A Dagster with that lake; its record is of no matter."""
    with instance_for_test({"compute_logs": configured(lake)}) as instance:
        yield instance


def holding(manager: LakeLogManager) -> dg.DagsterInstance:
    """A Dagster with these logs and a record in memory."""
    instance = dg.DagsterInstance.ephemeral()
    manager.register_instance(instance)
    instance._compute_log_manager = manager
    return instance


def ran(instance: dg.DagsterInstance) -> tuple[str, list[str]]:
    """The id of a run that prints, and the key of its log."""
    result = talk.execute_in_process(instance=instance)
    assert result.success
    (event,) = [one for one in result.all_events if one.event_type_value == "LOGS_CAPTURED"]
    return result.run_id, [result.run_id, "compute_logs", event.logs_captured_data.file_key]


def texts(data: CapturedLogData) -> tuple[str, str]:
    return (data.stdout or b"").decode(), (data.stderr or b"").decode()


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def threads(name: str) -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == name]


def lines_about(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """What the events of a run say of its output, without the causes."""
    events = [entry.message for entry in instance.all_logs(run_id)]
    said = [re.search("The output of this run [^:]*", line) for line in events]
    return [line[0] for line in said if line]
