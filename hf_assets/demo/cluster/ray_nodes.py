"""Ray on loopback: a head without CPUs for runs, and two nodes that take them."""

import os
import secrets
import shutil
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2

from hf_assets.demo.cluster.processes import ClusterError, free_ports, server

# Ray's own variable, and that of deploy/dagster-cluster.yaml: where jobs are submitted.
ADDRESS = "RAY_API_SERVER_ADDRESS"
# Runs keep nothing in Ray's object store; this is its smallest.
_OBJECTS = 80_000_000
_SECONDS = 10.0


@dataclass(frozen=True)
class RayCluster:
    """A cluster by the address of its jobs.

    Args:
        address: `http://host:port`.
        token: without it, Ray answers nothing.
    """

    address: str
    token: str = field(default="", repr=False)

    @property
    def variables(self) -> dict[str, str]:
        """What nodes, and those who submit jobs, must have."""
        return {ADDRESS: self.address, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token}

    def nodes(self) -> dict[str, str]:
        """The names of the nodes that are alive, by their ids."""
        listed = self._get("/api/v0/nodes")["data"]["result"]["result"]
        return {
            node["node_id"]: "head" if node["is_head_node"] else node["node_name"]
            for node in listed
            if node["state"] == "ALIVE"
        }

    def node_of(self, run: str) -> str:
        """The id of the node that a run was on; empty where Ray does not know the run."""
        jobs = {job["submission_id"]: job for job in self._get("/api/jobs/")}
        return jobs.get(f"dagster-run-{run}", {}).get("driver_node_id") or ""

    def ready(self, nodes: int) -> bool:
        """Whether so many nodes are alive."""
        try:
            return len(self.nodes()) >= nodes
        except (httpx2.HTTPError, KeyError, TypeError, ValueError):
            return False

    def _get(self, path: str) -> Any:
        answer = httpx2.get(
            f"{self.address}{path}",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=_SECONDS,
            trust_env=False,
        )
        return answer.raise_for_status().json()


@contextmanager
def cluster(folder: Path, environ: Mapping[str, str], workers: int = 2) -> Generator[RayCluster]:
    """A cluster that runs while the block does.

    Args:
        folder: of this machine, with a short path: Ray has sockets in it.
        environ: what the runs have: nodes hand their environment on.
        workers: nodes for runs, each with a CPU.

    Raises:
        ClusterError: Ray is missing, or does not start.
    """
    if find_spec("ray") is None:
        raise ClusterError("Ray is missing: pip install 'hf_assets[cluster]'")
    folder.mkdir()
    port, dashboard, client = free_ports(3)
    ours = RayCluster(f"http://127.0.0.1:{dashboard}", secrets.token_hex(32))
    bin_folder = str(Path(sys.executable).parent)
    # Jobs are shell commands that begin with `dagster`.
    environ = dict(environ) | {
        "PATH": os.pathsep.join([bin_folder, environ.get("PATH", os.defpath)]),
        "RAY_USAGE_STATS_ENABLED": "0",
        # Ray's head listens on all addresses, and runs what it is sent.
        **ours.variables,
    }
    ray = shutil.which("ray", path=environ["PATH"]) or "ray"
    common = ["--node-ip-address", "127.0.0.1", "--object-store-memory", str(_OBJECTS), "--block"]
    head = [ray, "start", "--head", "--port", str(port), "--dashboard-host", "127.0.0.1",
            "--dashboard-port", str(dashboard), "--ray-client-server-port", str(client),
            "--temp-dir", str(folder), "--num-cpus", "0", *common]  # fmt: skip
    with ExitStack() as nodes:
        nodes.enter_context(
            server(
                "Ray's head", head, environ, folder.parent / "ray-head.log", lambda: ours.ready(1)
            )
        )
        for number in range(1, workers + 1):
            name = f"worker-{number}"
            command = [ray, "start", "--address", f"127.0.0.1:{port}", "--node-name", name,
                       "--num-cpus", "1", *_agent_ports(), *common]  # fmt: skip
            nodes.enter_context(
                server(
                    f"Ray's {name}",
                    command,
                    environ,
                    folder.parent / f"ray-{name}.log",
                    lambda alive=number + 1: ours.ready(alive),
                )
            )
        yield ours


def _agent_ports() -> list[str]:
    names = ("--dashboard-agent-listen-port", "--dashboard-agent-grpc-port",
             "--runtime-env-agent-port", "--metrics-export-port")  # fmt: skip
    ports = free_ports(len(names))
    return [word for name, port in zip(names, ports, strict=True) for word in (name, str(port))]
