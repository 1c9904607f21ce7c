"""Dagster's home: the folder of its history, and the configuration that comes with the package."""

import hashlib
import os
from pathlib import Path

from hf_assets.object_store.local import dagster_home
from hf_assets.object_store.path import LakePath

CONFIGURATION = Path(__file__).with_name("dagster.yaml")
WORKSPACE = Path(__file__).with_name("workspace.yaml")
# Of a service: its code server is a process of its own.
SERVED = Path(__file__).with_name("served.yaml")
# The last line of a configuration that the package wrote: whoever edits the file breaks its hash.
_SIGNATURE = (
    b"# hf_assets wrote this file and replaces it by that of a newer version. Edit it, and it is "
    b"yours: "
)
# Configurations that earlier versions wrote without a signature.
_UNSIGNED = {"4ff7ecb8145929842a0bc86f88236437480b262c265402add6c0dc63e1c957e9"}


def write_home(home: Path) -> Path:
    """Create the folder where it is missing, and bring its configuration up to the package's.

    A configuration that a person wrote or edited stays as it is.

    Args:
        home: becomes DAGSTER_HOME.

    Returns:
        The same folder.

    Raises:
        StorageError: the folder cannot be written.
    """
    from hf_assets.storage.durable import write_bytes  # not at hand where a tagger alone is served

    target = home / CONFIGURATION.name
    wanted = _signed(CONFIGURATION.read_bytes())
    stored = target.read_bytes() if target.exists() else None
    if stored is None or (stored != wanted and _is_ours(stored)):
        write_bytes(target, wanted)
    return home


def _signed(content: bytes) -> bytes:
    return content + _SIGNATURE + hashlib.sha256(content).hexdigest().encode() + b"\n"


def _is_ours(stored: bytes) -> bool:
    """Whether the package wrote a configuration, and nobody edited it."""
    content = stored.rpartition(_SIGNATURE)[0]
    return stored == _signed(content) or hashlib.sha256(stored).hexdigest() in _UNSIGNED


def environment(data: LakePath) -> dict[str, str]:
    """The environment of a Dagster process over a lake.

    DAGSTER_HOME is `dagster_home` in the lake unless it is set already; of a lake on a store it is
    in the user's state folder.

    Args:
        data: root of the lake.
    """
    home = write_home(dagster_home(data))
    return os.environ | {"DAGSTER_HOME": str(home), "HF_ASSETS_DATA": str(data.resolve())}
