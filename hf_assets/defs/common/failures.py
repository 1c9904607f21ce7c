"""Failures of steps: a clear message, a retry only where it can help, no interrupt lost."""

import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import dagster as dg

from hf_assets.errors import HfAssetsError, clean, redact
from hf_assets.object_store.local import local_root
from hf_assets.object_store.scratch import scratch
from hf_assets.settings import settings
from hf_assets.storage.durable import FULL, nearest, system_number
from hf_assets.storage.lake import MissingArtefact, MissingDay

# Characters of an error's own text in the event log, and of one line of it.
LONGEST_ERROR, LONGEST_LINE = 20_000, 2000
# Libraries that write files and report a full disk in words only. The same words in any other
# error may come from a server, about its own disk.
WRITERS = frozenset(["polars", "pyarrow", "safetensors", "torch"])
# A disk with less free space is reported as full.
FULL_BELOW = 16 << 20


class Retries(dg.RetryPolicy):
    """Retries a step where a retry can help: not after an interrupt, not on a full disk.

    Dagster's own policy treats an interrupt as a failure of the step, and waits where an interrupt
    is not noticed until the wait is over; this policy waits inside the step.
    """

    def calculate_delay(self, attempt_num: int) -> float:
        """Seconds that Dagster waits: 0, as this method waits. Called in the error's handler."""
        error = sys.exception()
        if isinstance(error, KeyboardInterrupt | dg.DagsterExecutionInterruptedError):
            raise error
        if error and (full := disk_full(error)):
            raise dg.Failure(full, allow_retries=False) from cleaned(error)
        delay = super().calculate_delay(attempt_num)
        if attempt_num <= self.max_retries and delay > 0:
            dg.get_dagster_logger().warning(
                f"The step failed; retry in {delay:.0f} s: {clean(error, LONGEST_LINE)}"
            )
            time.sleep(delay)
        return 0


# The clients retry for some minutes themselves: this is for a service that is down for longer. A
# retry resumes where the step failed; permanent errors are not retried.
RETRIES = Retries(max_retries=3, delay=settings().step_retry_wait, backoff=dg.Backoff.EXPONENTIAL)


@contextmanager
def clear_failures() -> Generator[None]:
    """Fail the step with the error's own message, without retry where the error is permanent.

    Texts of other machines reach the event log shortened, without secrets and without control
    characters.
    """
    try:
        yield
    except dg.Failure:
        raise
    except HfAssetsError as error:
        said = readable(str(error))
        raise dg.Failure(said, allow_retries=not error.permanent) from cleaned(error)
    except (MissingArtefact, MissingDay) as error:
        raise dg.Failure(readable(f"{error}."), allow_retries=False) from cleaned(error)
    except Exception as error:
        if full := disk_full(error):
            raise dg.Failure(full, allow_retries=False) from cleaned(error)
        if (clear := cleaned(error)) is not error:
            raise clear from clear.__cause__
        raise


def disk_full(error: BaseException) -> str | None:
    """The message where the error, or a cause of it, is a full disk; else None."""
    for one in _chain(error):
        if _says_full(one):
            places = "; ".join(_full_places(one))
            said = clean(f"{type(one).__name__}: {one}")
            return (
                f"No space left: {places} ({said}). Free space there and run again: everything "
                "stored before is intact. A retry would fail the same way, so there is none."
            )
    return None


def _says_full(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    if type(error).__module__.partition(".")[0] in WRITERS:
        return system_number(error) in FULL
    return isinstance(error, OSError) and error.errno in FULL


def _full_places(error: BaseException) -> Iterator[str]:
    """Full disks with their free space: the file's disk, else those that a run writes to."""
    if isinstance(error, OSError) and isinstance(error.filename, str | os.PathLike):
        yield _free(Path(error.filename))
        return
    used = {"temporary files": Path(tempfile.gettempdir())}
    if folder := local_root(settings().data):
        used = {"the lake": folder, **used}
    else:
        used |= {"files on their way to the store": scratch()}
    if home := os.environ.get("DAGSTER_HOME"):
        used["Dagster's history"] = Path(home)
    space = {name: (_free(path), _bytes_free(path)) for name, path in used.items()}
    full = [name for name, (_, free) in space.items() if free is not None and free < FULL_BELOW]
    for name in full or space:
        yield f"{name}, {space[name][0]}"


def _free(path: Path) -> str:
    free = _bytes_free(path)
    return f"{clean(path)} ({'space unknown' if free is None else f'{free / 1e6:,.0f} MB free'})"


def _bytes_free(path: Path) -> int | None:
    """Free bytes of the disk of that path, which need not exist."""
    try:
        return shutil.disk_usage(nearest(path)).free
    except OSError:
        return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and its causes, as a traceback shows them."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def cleaned(error: BaseException) -> BaseException:
    """The error itself where its whole chain can be logged; else a copy that can.

    A copy has the class's name, the traceback and a readable text.
    """
    chain = list(_chain(error))
    if not any(_unfit(_text(one)) for one in chain):
        return error
    behind: Exception | None = None
    for one in reversed(chain):
        kind = type(type(one).__name__, (Exception,), {"__module__": type(one).__module__})
        copy: Exception = kind(readable(_text(one))).with_traceback(one.__traceback__)
        copy.__cause__, behind = behind, copy
        copy.__suppress_context__ = True
    assert behind is not None
    return behind


def _text(error: BaseException) -> str:
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def readable(text: str) -> str:
    """The text shortened and cleaned for the event log, line by line."""
    if not _unfit(text):
        return text
    # Redact before the cut: a secret may lie across it.
    lines = redact(text[: LONGEST_ERROR + 1000])[:LONGEST_ERROR].splitlines()
    return "\n".join(clean(line, LONGEST_LINE) for line in lines)


def _unfit(text: str) -> bool:
    if len(text) > LONGEST_ERROR:
        return True
    printable = text.replace("\n", "").replace("\t", "").isprintable()
    return not printable or redact(text) != text


# Seconds until an interrupt is raised again: longer than a step takes to tidy up.
AGAIN = 5.0


@contextmanager
def insistent_interrupts(again: float = AGAIN) -> Generator[None]:
    """Raise an interrupt again and again until the block ends.

    Dagster's handler raises an error once. Where that happens inside a callback of the garbage
    collector, Python prints the error and drops it, and the step would go on to its end.

    Args:
        again: seconds between two.
    """
    raising = signal.getsignal(signal.SIGINT)
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or not callable(raising) or not hasattr(signal, "SIGALRM"):
        yield
        return

    def insist(number: int, frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, again)
        raising(number, frame)

    names = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = {name: signal.signal(name, insist) for name in names}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for name, handler in before.items():
            signal.signal(name, handler)
