"""The options of the demo's command line, and which of them its results depend on."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hf_assets.demo.fingerprints import of_file, of_services
from hf_assets.demo.record import DemoRecord
from hf_assets.object_store.address import is_address
from hf_assets.runner.process import UI_PORT

# The demo must not stop at the Hub's own 500 requests in five minutes.
DEMO_RATE = 10_000
# Code that decides what is served: another version is another demo.
_HUB_CODE = ("hub", "hub_stats", "world", "service", "past", "serving")
_LABEL_CODE = ("labels", "service", "running", "serving")
# What the same Hub and the same texts are served by; faults are not: they were for one run.
_SERVED = {
    "hub": ("models", "spaces", "hub_datasets", "seed"),
    "labels": ("questions", "datasets", "recorded_questions"),
}

Command = Callable[[argparse.Namespace], int]


def parser(
    prog: str,
    about: str | None,
    command: str | None,
    commands: dict[str, Command],
    defaults: dict[str, Any] | None = None,
) -> argparse.ArgumentParser:
    """The parser.

    Args:
        prog: the command as a person types it.
        about: its description.
        command: the sub-command that `prog` already names.
        commands: the sub-commands by name.
        defaults: of options, in place of their own.
    """
    root = argparse.ArgumentParser(prog=prog, description=about)
    root.set_defaults(prog=prog)
    subparsers = root.add_subparsers(required=True)
    hub, lake = _services(), _lake()

    def add(name: str, does: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        one = subparsers.add_parser(
            name,
            prog=prog if name == command else None,
            parents=parents,
            help=does,
            description=f"{does[0].upper()}{does[1:]}.",
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        one.set_defaults(command=commands[name], **(defaults or {}))
        return one

    add("serve", "the embedded services alone", hub)
    run = add("run", "the past days and today, both halves of the graph", hub, lake)
    run.add_argument("--only", choices=("hub", "labels"), help="one half of the graph")
    run.add_argument("--fresh", action="store_true", help="reuse nothing of an earlier run")
    dev = add("dev", "the Dagster UI against the embedded services", hub, lake)
    dev.add_argument("--ui-host", default="127.0.0.1", help="the address that the UI listens on")
    dev.add_argument("--ui-port", type=int, default=UI_PORT, help="of the UI")
    backfill = add("backfill", "past days from the embedded archive", hub, lake)
    backfill.add_argument("span", metavar="DAYS", help="2026-11-01...2026-11-10, or one day")
    return root


def _services() -> argparse.ArgumentParser:
    hub = argparse.ArgumentParser(add_help=False)
    hub.add_argument("--models", default="10000", help="about how many to generate, or a JSON file")
    hub.add_argument("--spaces", default="4000", help="about how many to generate, or a JSON file")
    hub.add_argument(
        "--hub-datasets",
        help="datasets of the Hub: about how many to generate, or a JSON file; by default a third "
        "of the generated models, or none",
    )
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
    return hub


def _folder(text: str) -> Path:
    if is_address(text):
        reason = "the demo's lake is a folder; `hf-assets cluster-demo` has one on a store"
        raise argparse.ArgumentTypeError(reason)
    return Path(text)


def _lake() -> argparse.ArgumentParser:
    lake = argparse.ArgumentParser(add_help=False)
    lake.add_argument(
        "--data", type=_folder, default=Path("data/demo"), help="the demo's data root"
    )
    lake.add_argument("--questions", type=int, default=360, help="how many the dump has")
    return lake


def generated(options: argparse.Namespace) -> bool:
    """Whether the Hub is generated, and not read from files."""
    sizes = (options.models, options.spaces, options.hub_datasets or "0")
    return all(size.isdigit() for size in sizes)


def inputs(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What the results of each half of the graph depend on, or of the one that is asked for.

    Raises:
        OSError: a file that an option names cannot be read.
    """
    only = getattr(options, "only", None)
    halves = {
        "hub": {
            "models": _content(options.models),
            "spaces": _content(options.spaces),
            "hub_datasets": _content(options.hub_datasets),
            "seed": options.seed,
            "faults": options.faults,
            "archive_faults": options.archive_faults,
            "services": of_services(*_HUB_CODE),
        },
        "labels": {
            "questions": options.questions,
            "datasets": options.datasets,
            "recorded_questions": _content(options.recorded_questions),
            "question_faults": options.question_faults,
            "dataset_faults": options.dataset_faults,
            "services": of_services(*_LABEL_CODE),
        },
    }
    return {half: values for half, values in halves.items() if only in (None, half)}


def _content(value: str | Path | None) -> str | None:
    """A number as it is; a file by its path and content."""
    if value is None or (isinstance(value, str) and value.isdigit()):
        return value
    path = Path(value).resolve()
    return f"{path} {of_file(path)}"


def served(record: DemoRecord) -> dict[str, Any]:
    """The options by which the Hub and the texts of a lake are served again."""
    values = {
        name: record.halves[half][name]
        for half, names in _SERVED.items()
        for name in names
        if name in record.halves.get(half, {})
    }
    files = ("models", "spaces", "hub_datasets", "recorded_questions")
    for name in files:
        if isinstance(values.get(name), str) and not values[name].isdigit():
            values[name] = values[name].rsplit(" ", 1)[0]
    if values.get("recorded_questions"):
        values["recorded_questions"] = Path(values["recorded_questions"])
    return values
