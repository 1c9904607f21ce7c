"""How far a run is: a bar on a terminal, a plain line elsewhere."""

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from hf_assets.runner.parts import LISTINGS, TABLES, parts_written
from hf_assets.runner.process import call


def run(
    title: str,
    command: list[str],
    environ: Mapping[str, str],
    log: Path,
    data: Path,
    days: Sequence[str] = (),
) -> int:
    """Run a command and tell on standard output how far it is; returns its exit status.

    Args:
        title: what the command does.
        command: its words.
        environ: its whole environment.
        log: a file for its output, appended to.
        data: root of the lake that it writes to.
        days: the past days that it makes; without, the bar has no end.
    """
    if not sys.stdout.isatty():
        return _plainly(title, command, environ, log)
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=False) if days else TextColumn(""),
        TimeElapsedColumn(),
        TimeRemainingColumn() if days else TextColumn(""),
    )
    # A second back: some file systems round times down.
    since = time.time() - 1
    total = len(days) * len(LISTINGS + TABLES) if days else None
    with Progress(*columns, console=Console(file=sys.stdout)) as bar:
        task = bar.add_task(title, total=total)

        def show() -> None:
            if days:
                bar.update(task, completed=parts_written(data, days, since))

        status = call(command, environ, log, show)
        if not status:
            # Days that the archive lacks are left out: nothing more is coming.
            bar.update(task, total=total or 1, completed=total or 1)
    return status


def _plainly(title: str, command: list[str], environ: Mapping[str, str], log: Path) -> int:
    began = time.monotonic()
    print(f"  {title} …", end="", flush=True)
    status = call(command, environ, log)
    print(f" {time.monotonic() - began:.0f} s", flush=True)
    return status
