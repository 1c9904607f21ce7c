"""Ray on loopback, as its processes: a head that takes no runs, and workers of a CPU each."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from hf_assets_tests.support.deploy.read import Process
from hf_assets_tests.support.servers import free_port

BIN = Path(sys.executable).parent
# Nothing is kept in Ray's object store; this is about its smallest.
OBJECTS = 80_000_000
# Of the first worker; others have a quarter.
MEMORY = 4_000_000_000


def ray_processes(
    folder: Path, environment: Mapping[str, str], workers: int = 2
) -> tuple[list[Process], str]:
    """The processes of a cluster, the head first, and the address of its jobs.

    By its own account, the first worker has the most memory and the last one a GPU.

    Args:
        folder: with a short path, as Ray has sockets in it.
        environment: of the runs, which have it from the node.
        workers: how many.
    """
    port, dashboard = free_port(), free_port()
    common = ["--node-ip-address", "127.0.0.1", "--object-store-memory", str(OBJECTS), "--block"]
    head = [
        *(str(BIN / "ray"), "start", "--head", "--port", str(port), "--num-cpus", "0"),
        *("--dashboard-host", "127.0.0.1", "--dashboard-port", str(dashboard)),
        *("--ray-client-server-port", str(free_port()), "--temp-dir", str(folder)),
        *_agent_ports(),
        *common,
    ]
    join = [str(BIN / "ray"), "start", "--address", f"127.0.0.1:{port}", "--num-cpus", "1", *common]
    processes = [Process("ray-head", head, {**environment}, None, 0.0)]
    for number in range(1, workers + 1):
        name = f"ray-worker-{number}"
        # As much as we say: Ray hands out numbers.
        own = ["--memory", f"{MEMORY if number == 1 else MEMORY // 4}"]
        own += ["--num-gpus", "1"] if number == workers else []
        command = [*join, "--node-name", name, *own, *_agent_ports()]
        processes.append(Process(name, command, {**environment}, 1.0, 0.0))
    return processes, f"http://127.0.0.1:{dashboard}"


def _agent_ports() -> list[str]:
    names = ("dashboard-agent-listen", "dashboard-agent-grpc", "runtime-env-agent")
    return [
        *(word for name in names for word in (f"--{name}-port", str(free_port()))),
        *("--metrics-export-port", str(free_port())),
    ]


def node_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Those variables, with this Python's programs first on PATH and without Ray's statistics."""
    return {
        **environment,
        "PATH": os.pathsep.join([str(BIN), environment.get("PATH", os.defpath)]),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_JOB_START_TIMEOUT_SECONDS": "86400",
    }
