"""How far a run is: a bar on a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

from hf_assets.object_store.path import LakePath
from hf_assets.progress import Pace, share, time_left
from hf_assets.runner.parts import Look, RunParts
from hf_assets.runner.process import call

# Runs the command; the argument is called a few times a second.
Begin = Callable[[Callable[[], None]], int]
# Seconds between two lines where there is no terminal: of a shorter run there is one alone.
PLAIN_EVERY = 30.0
# Columns of a terminal from which the bar, the time left, and the step have room beside the title.
BAR_FROM, LEFT_FROM, STEP_FROM = 50, 70, 110


def run(
    title: str,
    command: list[str],
    environ: Mapping[str, str],
    log: Path,
    data: LakePath,
    days: Sequence[str] = (),
    today: str = "",
) -> int:
    """Run a command and say on standard output how far it is; returns its exit status.

    Args:
        title: what the command does.
        command: its words.
        environ: its whole environment.
        log: a file for its output, appended to.
        data: root of the lake that it writes to.
        days: the past days that it makes.
        today: the day whose listings it captures.
    """
    # A second back: some file systems round times down.
    parts = RunParts(data, log, time.time() - 1, days, today)
    bar = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    shown = _with_bar if bar else _plainly
    return shown(title, parts, lambda show: call(command, environ, log, show))


def _with_bar(title: str, parts: RunParts, begin: Begin) -> int:
    console = Console(file=sys.stdout)
    with Progress(*_columns(console.width), console=console, expand=True) as bar:
        task = bar.add_task(title, total=None, part="", left="", now="")
        left_of = _TimeLeft()

        def show() -> None:
            look = parts.look()
            part, left = _part(look), left_of(look)
            bar.update(
                task, total=look.total, completed=look.done, part=part, left=left, now=look.now
            )

        status = begin(show)
        if not status:
            # Days that the archive lacks are skipped: nothing more is coming.
            end = parts.look().total or 1
            bar.update(task, total=end, completed=end, part="100 %", left="", now="")
    return status


def _plainly(title: str, parts: RunParts, begin: Begin) -> int:
    began, left_of, lines = time.monotonic(), _TimeLeft(), 0
    print(f"  {title} …", end="", flush=True)

    def show() -> None:
        nonlocal lines
        look = parts.look()
        said = ", ".join(filter(None, (_part(look), left_of(look), look.now)))
        if said and time.monotonic() - began >= PLAIN_EVERY * (lines + 1):
            lines += 1
            print(f"\n    {said}", end="", flush=True)

    status = begin(show)
    end = "\n    done in" if lines else ""
    print(f"{end} {time.monotonic() - began:.0f} s", flush=True)
    return status


def _part(look: Look) -> str:
    """The part that is done; "" while the total is unknown."""
    return share(look.done, look.total) if look.total else ""


class _TimeLeft:
    """The time left in words, by the rate since the first step: a start says nothing of it."""

    def __init__(self) -> None:
        self._pace: Pace | None = None

    def __call__(self, look: Look) -> str:
        if self._pace is None:
            self._pace = Pace(look.done) if look.now else None
            return ""
        self._pace.note(look.done)
        return time_left(self._pace.seconds_left(look.done, look.total)) if look.total else ""


def _columns(width: int) -> list[ProgressColumn]:
    """As much as has room on one line; what has none of its own is cut, never wrapped."""
    title = Column(no_wrap=True, overflow="ellipsis", ratio=1 if width < STEP_FROM else None)
    fixed = Column(no_wrap=True)
    columns: list[ProgressColumn] = [TextColumn("  {task.description}", table_column=title)]
    if width >= BAR_FROM:
        columns.append(BarColumn(bar_width=20 if width < STEP_FROM else 40))
    columns.append(TextColumn("{task.fields[part]:>5}", table_column=fixed))
    if width >= BAR_FROM:
        columns.append(TimeElapsedColumn(table_column=fixed))
    if width >= LEFT_FROM:
        left = Column(no_wrap=True, min_width=len("about 1 h 40 min left"))
        columns.append(TextColumn("{task.fields[left]}", table_column=left))
    if width >= STEP_FROM:
        now = Column(no_wrap=True, overflow="ellipsis", ratio=1)
        columns.append(TextColumn("[dim]{task.fields[now]}", table_column=now))
    return columns
