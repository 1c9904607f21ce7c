"""Who writes: the id in the names of versions and in the bodies of markers."""

import os
import re
import secrets
import socket

_LONGEST = 64


def writing_as(run: str) -> None:
    """From here on this process, with all its threads, writes for the run of that id.

    Raises:
        ValueError: it is empty: a version without a writer would be no version.
    """
    global _current
    if not run:
        raise ValueError("a run has an id")
    _current = _inert(run)


def writer() -> str:
    """The id of the run that writes; without a run, of this process."""
    return _current


def _inert(name: str) -> str:
    """Part of a key: no character that a store, a URL or a file system takes otherwise."""
    return re.sub(r"[^A-Za-z0-9-]", "-", name)[:_LONGEST]


_current = _inert(f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(3)}")
