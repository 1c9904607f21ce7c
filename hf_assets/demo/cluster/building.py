"""The cluster of the demo: its parts, what it builds, and what ran where."""

import argparse
import shutil
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from hf_assets.demo.cluster.dagster_service import DagsterUI, RunFacts, dagster
from hf_assets.demo.cluster.postgres import record
from hf_assets.demo.cluster.processes import ClusterError
from hf_assets.demo.cluster.ray_nodes import RayCluster, cluster
from hf_assets.demo.cluster.store import store
from hf_assets.demo.steps import Step
from hf_assets.storage.lake import Lake

# Of a clone; a wheel has no deploy/.
CONFIGURATION = Path(__file__).resolve().parents[3] / "deploy" / "dagster-cluster.yaml"
# Seconds between two lines that say that a run goes on.
_HEARTBEAT = 20.0


@dataclass
class Cluster:
    """Dagster, Ray and the lake, all up.

    Args:
        ui: Dagster.
        ray: the nodes.
        lake: what the runs build.
        ran: a line for each run.
    """

    ui: DagsterUI
    ray: RayCluster
    lake: Lake
    ran: list[str] = field(default_factory=list)

    def build(self, step: Step, runs: int) -> None:
        """Run a step on the nodes, past days in so many runs of consecutive days.

        Raises:
            ClusterError: a run failed.
        """
        parts = list(step.parts)
        spans = cut(parts, runs if step.past_days else 1)
        ids = {self.ui.launch(step.launch(span[0], span[-1])): span for span in spans}
        print(f"  {step.title}: {len(ids)} run{'s' if len(ids) > 1 else ''}", flush=True)
        for run, facts in self._ended(list(ids)).items():
            span = ids[run]
            days = f"{span[0]}...{span[-1]}" if step.past_days else step.today
            self.ran.append(self._line(run, facts, days or step.title))
            if facts.status != "SUCCESS":
                why = "\n".join(self.ui.failures(run)) or "its log has no reason: see Ray's"
                raise ClusterError(f"run {run} ended as {facts.status}:\n{why}")

    def _ended(self, runs: Sequence[str]) -> dict[str, RunFacts]:
        began = last = time.monotonic()

        def alive() -> None:
            nonlocal last
            if time.monotonic() - last > _HEARTBEAT:
                last = time.monotonic()
                print(f"    … {last - began:.0f} s", flush=True)

        return self.ui.wait(runs, alive)

    def _line(self, run: str, facts: RunFacts, what: str) -> str:
        node = self.ray.node_of(run)
        name = self.ray.nodes().get(node, node[:8] or "?")
        pid = self.ui.pid(run) or "?"
        line = f"{run[:8]}  {name:<10}{pid:>8}{facts.seconds:>9.1f}  {what}"
        print(f"    {line}", flush=True)
        return line

    def report(self) -> None:
        """Print what ran where."""
        print(f"\n{'run':<10}{'node':<10}{'pid':>8}{'seconds':>9}  days")
        print("\n".join(self.ran), flush=True)
        print(flush=True)

    def stay(self) -> None:
        """Serve until Control-C."""
        print(
            f"Dagster: {self.ui.url}   Ray: {self.ray.address}   (Control-C stops all)", flush=True
        )
        while True:
            time.sleep(0.5)


def cut(days: Sequence[str], runs: int) -> list[Sequence[str]]:
    """Consecutive days in so many parts, of about the same number of days."""
    runs = max(1, min(runs, len(days)))
    ends = [len(days) * number // runs for number in range(runs + 1)]
    return [days[first:last] for first, last in pairwise(ends)]


@contextmanager
def building(
    root: Path, environ: Mapping[str, str], options: argparse.Namespace
) -> Generator[Cluster]:
    """All parts of the cluster while the block runs.

    Args:
        root: the scratch folder.
        environ: what points the graph at its sources.
        options: of the command line.
    """
    # PostgreSQL's user must reach it, and the paths of sockets are short.
    run = Path(tempfile.mkdtemp(prefix="hfa-", dir="/tmp"))
    run.chmod(0o755)
    logs, home = root / "logs", root / "dagster_home"
    logs.mkdir()
    home.mkdir()
    with ExitStack() as parts:
        parts.callback(shutil.rmtree, run, ignore_errors=True)
        _began("PostgreSQL")
        variables = parts.enter_context(record(run / "postgres", keep=options.keep))
        if options.folder:
            variables |= {"HF_ASSETS_DATA": str(root / "lake")}
        else:
            _began("SeaweedFS")
            lake = store(root / "store", logs / "seaweedfs.log", keep=options.keep)
            variables |= parts.enter_context(lake)
        ours = dict(environ) | variables
        ours |= {
            "HF_ASSETS_LOCKS": "postgres",
            "HF_ASSETS_SCRATCH": str(root / "scratch"),
            "HF_HOME": str(root / "hf_home"),
            "DAGSTER_HOME": str(home),
        }
        _began("Ray, a head and two nodes")
        nodes = parts.enter_context(cluster(run / "ray", ours))
        ours |= nodes.variables
        (home / "dagster.yaml").write_bytes(configuration())
        _began("Dagster: code server, webserver, daemon")
        ui = parts.enter_context(dagster(home, ours, logs))
        print(f"Dagster's UI: {ui.url}   Ray's page: {nodes.address}", flush=True)
        yield Cluster(ui, nodes, Lake.at(ours["HF_ASSETS_DATA"]))


def configuration() -> bytes:
    """The `dagster.yaml` of a cluster.

    Raises:
        ClusterError: a wheel has none.
    """
    try:
        return CONFIGURATION.read_bytes()
    except FileNotFoundError:
        raise ClusterError(
            f"{CONFIGURATION} is missing: it is not part of a wheel. Run this in a clone of the "
            "repository"
        ) from None


def _began(what: str) -> None:
    print(f"Starting {what} …", flush=True)
