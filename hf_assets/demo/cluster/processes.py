"""Server processes on this machine: started, waited for, and stopped with all that they started."""

import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from hf_assets.errors import InputError
from hf_assets.process_groups import kill_group

# Seconds from a request to stop to SIGKILL.
GRACE = 15.0
_POLL = 0.2
# Of prctl(2): the signal that a process gets when its parent has died.
_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_LAST_LINES = 15


class ClusterError(InputError):
    """A part of the cluster is missing, does not start, or fails; the message says what to do."""


@contextmanager
def server(
    name: str,
    command: Sequence[str],
    environ: Mapping[str, str],
    log: Path,
    ready: Callable[[], bool],
    *,
    seconds: float = 90.0,
    user: str | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Generator[subprocess.Popen[bytes]]:
    """A server process while the block runs.

    It is the leader of a process group: Control-C on a terminal does not reach it before the block
    has ended, and whatever it leaves behind is killed with its group. On Linux it also ends where
    this process is killed.

    Args:
        name: in messages.
        command: its words.
        environ: its whole environment.
        log: a file for its output, appended to.
        ready: whether it answers.
        seconds: to wait for that.
        user: who runs it; by default the user of this process.
        stop: the signal that asks it to end.

    Raises:
        ClusterError: it ends before it is ready, or is not ready in time.
    """
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            env=dict(environ),
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=lambda: _LIBC and _LIBC.prctl(_PDEATHSIG, stop),
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
    try:
        _wait(name, process, log, ready, seconds)
        yield process
    finally:
        _end(process, stop)


def _wait(
    name: str,
    process: subprocess.Popen[bytes],
    log: Path,
    ready: Callable[[], bool],
    seconds: float,
) -> None:
    until = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise ClusterError(f"{name} ended at once; the end of {log}:\n{last_lines(log)}")
        if time.monotonic() > until:
            raise ClusterError(
                f"{name} does not answer after {seconds:.0f} s; the end of {log}:\n"
                f"{last_lines(log)}"
            )
        time.sleep(_POLL)


def _end(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    process.send_signal(stop)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    # The group outlives its leader.
    kill_group(process)
    process.wait()


def last_lines(log: Path, count: int = _LAST_LINES) -> str:
    """The end of a log."""
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-count:])


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on, all different."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def listens(port: int) -> bool:
    """Whether a server accepts connections on that port of loopback."""
    with socket.socket() as client:
        client.settimeout(1.0)
        return client.connect_ex(("127.0.0.1", port)) == 0
