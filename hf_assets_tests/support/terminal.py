"""A command on a terminal: a pseudo-terminal of some width, and what it shows."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
CONTROL_C = b"\x03"
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Shown:
    """All that a command wrote to its terminal, and its exit status."""

    text: str
    status: int

    @property
    def lines(self) -> list[str]:
        """Each state of each line, without colours."""
        return re.split(r"[\r\n]+", _ESCAPE.sub("", self.text))

    @property
    def cursor_is_visible(self) -> bool:
        return self.text.rfind(SHOW) >= self.text.rfind(HIDE)


def on_terminal(
    command: Sequence[str],
    width: int = 100,
    until: Callable[[str], bool] = lambda _: False,
    **environ: str,
) -> Shown:
    """Run a command on a terminal of that width to its end.

    Args:
        command: its words.
        width: in columns.
        until: of what it showed so far: Control-C is pressed once this is true.
        environ: more of its environment.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=_plain(os.environ) | {"TERM": "xterm"} | environ,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    text, pressed = "", False
    try:
        while chunk := _read(ours):
            text += chunk.decode(errors="replace")
            if not pressed and until(text):
                os.write(ours, CONTROL_C)
                pressed = True
    finally:
        if process.poll() is None:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        os.close(ours)
    return Shown(text, process.wait())


def _plain(environ: Mapping[str, str]) -> dict[str, str]:
    """Without what fixes a width or colours."""
    dropped = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
    return {name: value for name, value in environ.items() if name not in dropped}


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # EIO: the last process has closed it
        return b""
