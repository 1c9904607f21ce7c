"""`hf-assets cluster-demo`: the same demo on a cluster and on a single machine, compared."""

import argparse
import shutil
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from itertools import chain
from pathlib import Path

from hf_assets.demo import options as demo_options
from hf_assets.demo.cluster.building import Cluster, building
from hf_assets.demo.cluster.compare import compare
from hf_assets.demo.cluster.options import PROG, parser
from hf_assets.demo.cluster.processes import ClusterError
from hf_assets.demo.plan import Plan, plan
from hf_assets.demo.running import Runs, environment, questions_from, write_inputs
from hf_assets.demo.serving import serving
from hf_assets.demo.steps import Step, hub_steps, label_steps
from hf_assets.demo.summary import near
from hf_assets.errors import InputError
from hf_assets.runner.signals import ended_by_signals, status_of
from hf_assets.storage.folders import remove_folder
from hf_assets.storage.lake import Lake, today

# In a scratch folder of this command: another folder is not removed.
_MARK = ".cluster-demo"
# Spaces for each model, as the demo has.
_SPACES = 0.4


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """The command line; returns the exit status: 1 where a table differs."""
    options = parser(prog).parse_args(argv)
    try:
        with ended_by_signals():
            return _run(options)
    except InputError as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        print(f"{prog}: interrupted; all that was started is stopped", file=sys.stderr)
        return status_of(interrupt)


def _run(options: argparse.Namespace) -> int:
    root, day = options.data.resolve(), date.fromisoformat(today())
    demo = _demo_options(options)
    with _scratch(root, options), ExitStack() as parts:
        single = root / "single"
        try:
            ready = plan(single, day, options.days, demo_options.inputs(demo), fresh=True)
        except ValueError as error:
            raise ClusterError(str(error)) from error
        ready.begin()
        services = parts.enter_context(serving(demo, ready.past, ready.record))
        texts = questions_from(ready.record.texts_from, demo.questions)
        write_inputs(single, ready.record.texts_from, demo.questions, demo.datasets, texts)
        environ = environment(single, services, ready.record.first_day) | {
            # The nodes of the cluster have a CPU each: so has the single machine.
            "OMP_NUM_THREADS": "1",
        }
        cluster = parts.enter_context(building(root, environ, options))
        took = _on_the_cluster(cluster, ready, options)
        print(f"A single machine, the same days into {near(single)}", flush=True)
        began = time.monotonic()
        if status := Runs(ready, environ).all(_steps(ready, labels=not options.no_labels)):
            return status
        print(f"Cluster: {took:.0f} s. Single machine: {time.monotonic() - began:.0f} s.\n")
        different = _compare(cluster.lake, Lake(single))
        # Whoever is told of a difference wants to look at it.
        options.keep |= different > 0
        if today() != f"{day}":
            print("It is a new day (UTC) by now: run it again if days differ.")
        if options.stay:
            cluster.stay()
    return 1 if different else 0


def _demo_options(options: argparse.Namespace) -> argparse.Namespace:
    """The same as the demo has: sizes, seed, one half of the graph."""
    spaces = max(round(options.models * _SPACES), 1)
    words = ["run", "--models", f"{options.models}", "--spaces", f"{spaces}",
             "--seed", f"{options.seed}", "--days", f"{options.days}", "--rate-limit", "1000000",
             *(["--only", "hub"] if options.no_labels else ())]  # fmt: skip
    commands: dict[str, demo_options.Command] = dict.fromkeys(
        ("serve", "run", "dev", "backfill"), _run
    )
    return demo_options.parser(PROG, None, "run", commands).parse_args(words)


def _steps(ready: Plan, *, labels: bool) -> chain[Step]:
    return chain(
        hub_steps(ready.past, ready.record),
        label_steps(ready.past, ready.record) if labels else (),
    )


def _on_the_cluster(cluster: Cluster, ready: Plan, options: argparse.Namespace) -> float:
    """Build each step on the cluster; returns the seconds."""
    began = time.monotonic()
    for step in _steps(ready, labels=not options.no_labels):
        cluster.build(step, options.runs)
    cluster.report()
    return time.monotonic() - began


def _compare(first: Lake, second: Lake) -> int:
    """Print a line a table; returns how many differ."""
    print(f"{'table':<34}{'rows':>10}{'single':>10}  rows of cluster and single machine")
    different = tables = 0
    for each in compare(first, second):
        tables += 1
        words = "equal"
        if not each.equal:
            different += 1
            words = f"DIFFERENT: {', '.join(each.different[:5]) or 'all'}"
        print(f"{each.table:<34}{each.rows:>10,}{each.other_rows:>10,}  {words}", flush=True)
    if not tables:
        raise ClusterError("neither lake has a table: nothing was built")
    print(f"\n{tables} tables, {different} different")
    return different


@contextmanager
def _scratch(root: Path, options: argparse.Namespace) -> Generator[None]:
    """The scratch folder, empty at the beginning; at the end it goes, unless `options.keep`."""
    if root.exists() and any(root.iterdir()) and not (root / _MARK).exists():
        raise ClusterError(f"{root} is not empty, and no cluster demo made it: choose --data")
    remove_folder(root)
    root.mkdir(parents=True)
    (root / _MARK).touch()
    try:
        yield
    finally:
        if options.keep:
            print(f"Kept: {near(root)}", flush=True)
        else:
            shutil.rmtree(root, ignore_errors=True)
