"""`python -m hf_assets.demo`: the embedded services alone, a day from them, or the UI."""

import argparse
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from itertools import chain
from typing import NoReturn

from hf_assets.demo import summary
from hf_assets.demo.hub_stats.commits import FIRST_DAY
from hf_assets.demo.options import Command, generated, inputs, parser, served
from hf_assets.demo.past import Past
from hf_assets.demo.plan import Plan, alone, in_ui, plan, stored_plan
from hf_assets.demo.record import DemoRecord, read_demo
from hf_assets.demo.running import (
    Runs,
    Services,
    environment,
    questions_from,
    write_inputs,
)
from hf_assets.demo.serving import serving
from hf_assets.demo.steps import hub_steps, label_steps, of_hub, past_step
from hf_assets.demo.summary import near
from hf_assets.errors import InputError
from hf_assets.runner import process
from hf_assets.runner.days import parse_range
from hf_assets.runner.signals import status_of
from hf_assets.storage.lake import today

PROG = "python -m hf_assets.demo"
# Commands over a lake that a demo has begun serve what it was made of.
OVER_A_DEMO = ("dev", "backfill")


def main(argv: list[str] | None = None, prog: str = PROG, command: str | None = None) -> int:
    """The command line; returns the exit status.

    Args:
        argv: the arguments; by default those of the process.
        prog: the command as a person types it.
        command: the sub-command that `prog` already names.
    """
    words = [*([command] if command else ()), *(sys.argv[1:] if argv is None else argv)]
    options = parser(prog, __doc__, command, COMMANDS).parse_args(words)
    if words[0] in OVER_A_DEMO and (record := read_demo(options.data.resolve())):
        again = parser(prog, __doc__, command, COMMANDS, served(record))
        options = again.parse_args(words)
    try:
        return options.command(options)
    except InputError as error:
        print(f"{options.prog}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        return status_of(interrupt)


@contextmanager
def _in_words(options: argparse.Namespace) -> Generator[None]:
    """A wrong option ends the process in words."""
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError) as error:
        print(f"{options.prog}: {error}", file=sys.stderr)
        raise SystemExit(2) from error


@contextmanager
def _embedded(options: argparse.Namespace, before: Past, record: DemoRecord) -> Generator[Services]:
    """The embedded services; a wrong option ends the process in words."""
    with ExitStack() as servers:
        with _in_words(options):
            services = servers.enter_context(serving(options, before, record))
        yield services


def _day() -> date:
    return date.fromisoformat(today())


def _past_days(options: argparse.Namespace) -> int:
    """The past days asked for; recorded files have none."""
    return options.days if generated(options) else 0


def _serve(options: argparse.Namespace) -> int:
    day = _day()
    with _in_words(options):
        before = Past(day, _past_days(options))
    begins = DemoRecord(begun=f"{day}", first_day=before.first_day, texts_from=before.first_day)
    with _embedded(options, before, begins) as services:
        for name, value in services.variables.items():
            print(f"{name}={value}", flush=True)
        print("The embedded Hub, Stack Exchange and Kaggle (Ctrl-C stops them)", flush=True)
        _wait()


def _wait() -> NoReturn:
    """Wait until Ctrl-C, which would not wake a wait without an end."""
    while True:
        time.sleep(0.5)


def _run(options: argparse.Namespace) -> int:
    data, began = options.data.resolve(), time.monotonic()
    with _in_words(options):
        days, wanted = _past_days(options), inputs(options)
        ready = plan(data, _day(), days, wanted, fresh=options.fresh)
    record, day = ready.record, f"{ready.past.day}"
    with _embedded(options, ready.past, record) as services, alone(data):
        print(f"hf_assets demo: {day} (UTC), embedded services into {near(data)}", flush=True)
        if ready.reason:
            print(f"  {ready.reason}", flush=True)
        ready.begin()
        _write_inputs(ready, options)
        run = Runs(ready, environment(data, services, record.first_day))
        steps = chain(
            () if options.only == "labels" else hub_steps(ready.past, record),
            () if options.only == "hub" else label_steps(ready.past, record),
        )
        if status := run.all(steps):
            return status
    if options.only != "labels":
        summary.hub(data, day)
        summary.past(data, ready.past)
    if options.only != "hub":
        summary.labels(data, day)
    hub = ready.past if options.only != "labels" else None
    summary.failing(data, hub, labels=options.only != "hub")
    summary.reused(run.reused, options.prog)
    summary.what_next(data, day, time.monotonic() - began)
    return 0


def _write_inputs(ready: Plan, options: argparse.Namespace) -> None:
    day, count = ready.record.texts_from, options.questions
    texts = questions_from(day, count)
    write_inputs(ready.data, day, count, options.datasets, texts)


def _dev(options: argparse.Namespace) -> int:
    data, day = options.data.resolve(), _day()
    with _in_words(options):
        stored = stored_plan(data, day)
        ready = stored or plan(data, day, _past_days(options), inputs(options))
    if not stored:
        ready.begin()
    first_day = ready.record.first_day
    with _embedded(options, ready.past, ready.record) as services, in_ui(data):
        _write_inputs(ready, options)
        print(
            f"The embedded Hub is at {services.hub}; the UI will be at "
            f"http://{options.ui_host}:{options.ui_port} (Ctrl-C stops all)",
            flush=True,
        )
        command = process.ui(options.ui_host, options.ui_port)
        return process.call(command, environment(data, services, first_day))


def _backfill(options: argparse.Namespace) -> int:
    """Build past days of the demo's lake, which may be older than its first day."""
    data = options.data.resolve()
    ready = stored_plan(data, _day())
    if ready is None or not ready.record.halves:
        raise InputError(f"{near(data)} is no demo of this version: run the demo first")
    record = ready.record
    with _in_words(options):
        days = parse_range(options.span, FIRST_DAY, ready.past.day - timedelta(1), "yesterday")
    record.first_day = min(record.first_day, days[0])
    with _embedded(options, ready.past, record) as services, alone(data):
        run = Runs(ready, environment(data, services, record.first_day))
        status = run.build(past_step(days, of_hub(record), f"{days[0]}...{days[-1]}"), days)
    if not status:
        summary.backfilled(data, days)
    return status


COMMANDS: dict[str, Command] = {
    "serve": _serve,
    "run": _run,
    "dev": _dev,
    "backfill": _backfill,
}


if __name__ == "__main__":
    sys.exit(main())
