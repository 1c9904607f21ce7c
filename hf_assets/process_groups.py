"""Programs that begin a session of their own, and all that they start in it."""

import os
import signal
import subprocess
from contextlib import suppress
from typing import Any


def kill_group(process: subprocess.Popen[Any]) -> None:
    """Kill a program and what it left behind, which may hold its output or its port open.

    Args:
        process: started with `start_new_session`; it may have ended, and its group with it.
    """
    if not hasattr(os, "killpg"):  # Windows
        process.kill()
        return
    # Gone; or, on macOS, all that is left of the group has ended and waits to be seen.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
