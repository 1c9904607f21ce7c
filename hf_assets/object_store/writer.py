"""Who writes: the id in the names of versions and in the bodies of markers."""

import os
import re
import secrets
import socket
from contextvars import ContextVar

_CURRENT: ContextVar[str] = ContextVar("writer", default="")
_LONGEST = 64


def writing_as(run: str) -> None:
    """From here on this process writes for the run of that id."""
    _CURRENT.set(_inert(run))


def writer() -> str:
    """The id of the run that writes; without a run, of this process."""
    return _CURRENT.get() or _PROCESS


def _inert(name: str) -> str:
    """Part of a key: no character that a store, a URL or a file system takes otherwise."""
    return re.sub(r"[^A-Za-z0-9-]", "-", name)[:_LONGEST]


_PROCESS = _inert(f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(3)}")
