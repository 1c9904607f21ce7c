"""What of a lake lies on this machine, wherever the lake itself is.

Dagster's history, the alarms on their way and the log of the last run belong to the machine that
runs Dagster. In a lake that is a folder they lie in it; for a lake on a store they have a folder of
their own, Dagster's home.
"""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from hf_assets.object_store.address import StoreAddress, endpoint
from hf_assets.object_store.path import LakePath, StorePath

HOME = "dagster_home"


def local_root(root: LakePath) -> Path | None:
    """The folder of a lake that lies on this machine; None where it is on a store."""
    return None if isinstance(root, StorePath) else root.resolve()


def dagster_home(root: LakePath) -> Path:
    """DAGSTER_HOME, or where it is by default: in the lake, or in the user's state folder."""
    if chosen := os.environ.get("DAGSTER_HOME"):
        return Path(chosen).expanduser().resolve()
    return (_state(root.address) if isinstance(root, StorePath) else root.resolve()) / HOME


def beside(root: LakePath) -> Path:
    """The folder for small files that belong to this machine: the lake, or Dagster's home."""
    return local_root(root) or dagster_home(root)


def _state(address: StoreAddress) -> Path:
    """A folder for each lake: buckets of two servers may have one name."""
    state = os.environ.get("XDG_STATE_HOME")
    parts = urlsplit(endpoint() or "https://s3.amazonaws.com")
    port = f"_{parts.port}" if parts.port else ""
    server = f"{parts.hostname}{port}{parts.path.rstrip('/').replace('/', '_')}"
    folder = Path(state) if state else Path.home() / ".local" / "state"
    names = re.sub(r"[^A-Za-z0-9._-]", "_", server), address.bucket, address.prefix
    return folder.joinpath("hf_assets", *names)
