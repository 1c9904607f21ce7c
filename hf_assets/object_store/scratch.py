"""Files of this machine on their way to and from a store: written here first, and copies to read.

Whoever deletes the folder while no run is under way loses nothing.
"""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


def scratch() -> Path:
    """The folder, created: `HF_ASSETS_SCRATCH`, else one in the user's cache."""
    named = os.environ.get("HF_ASSETS_SCRATCH")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(named).expanduser() if named else cache / "hf_assets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@contextmanager
def scratch_file(name: str) -> Generator[Path]:
    """A name for a new file, which is removed when the block ends."""
    path = scratch() / f".{name}.{os.getpid()}-{secrets.token_hex(4)}.tmp"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
