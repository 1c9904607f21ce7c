"""`python -m hf_assets.demo`: the embedded services alone, a day from them, or the UI."""

import argparse
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import NoReturn

from starlette.applications import Starlette

from hf_assets.demo import past, summary
from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.labels import kaggle, stackexchange
from hf_assets.demo.labels.question_sources import GeneratedQuestions, RecordedQuestions
from hf_assets.demo.labels.stackexchange import QuestionFaults
from hf_assets.demo.labels.texts import GeneratedTexts
from hf_assets.demo.past import Past
from hf_assets.demo.running import (
    NEWLY_LISTED,
    SITE,
    Services,
    embedded,
    environment,
    hub_runs,
    label_runs,
    launch,
    write_inputs,
)
from hf_assets.demo.summary import near
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.recorded import RecordedHub
from hf_assets.runner import process
from hf_assets.storage.lake import today

# The generated Hub has its sizes on this day, and is one and the same whenever it is started.
SIZED_ON = date(2026, 11, 1)
# The demo must not stop at the Hub's own 500 requests in five minutes.
DEMO_RATE = 10_000
PROG = "python -m hf_assets.demo"


def main(argv: list[str] | None = None, prog: str = PROG, command: str | None = None) -> int:
    """The command line; returns the exit status.

    Args:
        argv: the arguments; by default those of the process.
        prog: the command as a person types it.
        command: the sub-command that `prog` already names.
    """
    parser = _parser(prog, command)
    options = parser.parse_args([command, *(argv or ())] if command else argv)
    try:
        return options.command(options)
    except KeyboardInterrupt:
        return process.INTERRUPTED


def _parser(prog: str, command: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.set_defaults(prog=prog)
    commands = parser.add_subparsers(required=True)
    hub = argparse.ArgumentParser(add_help=False)
    hub.add_argument("--models", default="10000", help="about how many to generate, or a JSON file")
    hub.add_argument("--spaces", default="4000", help="about how many to generate, or a JSON file")
    hub.add_argument("--seed", type=int, default=0, help="another seed is another Hub")
    hub.add_argument("--port", type=int, default=0, help="of the embedded Hub; 0: any free one")
    hub.add_argument("--rate-limit", type=int, default=DEMO_RATE, help="requests in five minutes")
    hub.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    hub.add_argument("--faults", default="", help="what goes wrong, e.g. 429:5@3,503:2")
    hub.add_argument("--days", type=int, default=60, help="how many past days; 0: none")
    hub.add_argument("--archive-faults", default="", help="e.g. 503:2/models,gaps=2026-09-03")
    hub.add_argument("--datasets", type=int, default=1000, help="how many Kaggle's dump has")
    hub.add_argument("--recorded-questions", type=Path, help="a file or folder of API answers")
    hub.add_argument("--question-faults", default="", help="e.g. 503:2@1,backoff=17,quota=3")
    hub.add_argument("--dataset-faults", default="", help="e.g. 404@3,429:2,empty-page@2")
    lake = argparse.ArgumentParser(add_help=False)
    lake.add_argument("--data", type=Path, default=Path("data/demo"), help="the demo's data root")
    lake.add_argument("--questions", type=int, default=1000, help="how many the dump has")

    def add(name: str, does: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            prog=prog if name == command else None,
            parents=parents,
            help=does,
            description=f"{does[0].upper()}{does[1:]}.",
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )

    serve = add("serve", "the embedded services alone", hub)
    serve.set_defaults(command=_serve)
    run = add("run", "the past days and today, both halves of the graph", hub, lake)
    run.set_defaults(command=_run)
    run.add_argument("--only", choices=("hub", "labels"), help="one half of the graph")
    dev = add("dev", "the Dagster UI against the embedded services", hub, lake)
    dev.add_argument("--ui-host", default="127.0.0.1", help="the address that the UI listens on")
    dev.add_argument("--ui-port", type=int, default=process.UI_PORT, help="of the UI")
    dev.set_defaults(command=_dev)
    return parser


@contextmanager
def _embedded(options: argparse.Namespace) -> Generator[Services]:
    """The embedded services; the Hub has generated rows, or those of a file that is named."""
    with ExitStack() as servers:
        try:
            apps = (_app(options), _questions(options), _datasets(options))
            known = servers.enter_context(embedded(*apps, port=options.port))
        except (OSError, ValueError) as error:
            print(f"{options.prog}: {error}", file=sys.stderr)
            raise SystemExit(2) from error
        yield known


def _app(options: argparse.Namespace) -> Starlette:
    archive = None
    if _generated(options):
        source = GeneratedHub(
            int(options.models), int(options.spaces), options.seed, sized_on=SIZED_ON
        )
        archive = past.archive(source, _past(options), options.archive_faults)
    else:
        files = {
            kind: None if given.isdigit() else Path(given)
            for kind, given in (("models", options.models), ("spaces", options.spaces))
        }
        source = RecordedHub(**files)
    return create_app(
        source,
        Faults.parse(options.faults),
        rate_limit=options.rate_limit,
        latency=options.latency,
        archive=archive,
    )


def _generated(options: argparse.Namespace) -> bool:
    return options.models.isdigit() and options.spaces.isdigit()


def _past(options: argparse.Namespace) -> Past:
    """The past asked for; recorded files have none."""
    return Past(date.fromisoformat(today()), options.days if _generated(options) else 0)


def _questions(options: argparse.Namespace) -> Starlette:
    recorded = options.recorded_questions
    source = RecordedQuestions(recorded) if recorded else GeneratedQuestions(site=SITE)
    return stackexchange.create_app(source, QuestionFaults.parse(options.question_faults))


def _datasets(options: argparse.Namespace) -> Starlette:
    count = options.datasets + NEWLY_LISTED
    faults = kaggle.read_faults(options.dataset_faults)
    return kaggle.create_app(GeneratedTexts("datasets"), count, faults)


def _serve(options: argparse.Namespace) -> int:
    with _embedded(options) as services:
        for name, value in services.variables.items():
            print(f"{name}={value}", flush=True)
        print("The embedded Hub, Stack Exchange and Kaggle (Ctrl-C stops them)", flush=True)
        _wait()


def _wait() -> NoReturn:
    """Wait until Ctrl-C, which would not wake a wait without an end."""
    while True:
        time.sleep(0.5)


def _run(options: argparse.Namespace) -> int:
    day, data = today(), options.data.resolve()
    log = data / "demo.log"
    print(f"hf_assets demo: {day} (UTC), embedded services into {near(data)}", flush=True)
    began = time.monotonic()
    with _embedded(options) as services:
        before = _past(options)
        runs = [] if options.only == "labels" else hub_runs(before)
        runs += [] if options.only == "hub" else label_runs(day)
        if options.only != "hub":
            write_inputs(data, day, options.questions, options.datasets)
        status = launch(runs, environment(data, services), log)
    if status:
        print(f"The run failed; the end of {near(log)}:\n", file=sys.stderr)
        print("\n".join(log.read_text().splitlines()[-30:]), file=sys.stderr)
        return status
    if options.only != "labels":
        summary.hub(data, day)
        summary.past(data, before)
    if options.only != "hub":
        summary.labels(data, day)
    summary.what_next(data, day, time.monotonic() - began)
    return 0


def _dev(options: argparse.Namespace) -> int:
    data = options.data.resolve()
    with _embedded(options) as services:
        write_inputs(data, today(), options.questions, options.datasets)
        print(
            f"The embedded Hub is at {services.hub}; the UI will be at "
            f"http://{options.ui_host}:{options.ui_port} (Ctrl-C stops all)",
            flush=True,
        )
        return process.call(
            process.ui(options.ui_host, options.ui_port), environment(data, services)
        )


if __name__ == "__main__":
    sys.exit(main())
