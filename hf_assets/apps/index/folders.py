"""Where indexes lie: in scratch, a folder for each version of a day's table.

An index is a copy of columns of the table in another order, so whoever loses it makes it again. Its
name is a digest of the table's path, size and time, so an index of another version is never found.
A folder gets its name in one step when it is complete.
"""

import os
import weakref
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from hf_assets.apps.index.answers import DayIndex
from hf_assets.apps.index.making import FORMAT, build
from hf_assets.object_store.path import uri
from hf_assets.object_store.scratch import discard, in_use, scratch, scratch_folder, set_aside
from hf_assets.settings import settings
from hf_assets.storage.durable import sync_folder
from hf_assets.storage.side_tables import DATA
from hf_assets.storage.stored import StoredTable

# What an index takes, measured on 2.5 M models: bytes a model.
BYTES = 330
# Seconds after which what a killed process left is removed: it holds no lock.
_LEFT = 60.0


def home() -> Path:
    """The folder of all indexes, created."""
    folder = scratch() / "indexes"
    folder.mkdir(exist_ok=True)
    return folder


def index_name(models: StoredTable) -> str:
    """The name of the index of exactly this version of a day's table."""
    text = f"{FORMAT} {uri(models.path)} {models.files[DATA].mark}"
    return sha256(text.encode()).hexdigest()[:32]


def has_room(rows: int) -> bool:
    """Whether an index of so many models may be made: HF_ASSETS_INDEX_GB."""
    return rows * BYTES <= settings().index_gb * 1e9


def opened(name: str) -> DayIndex | None:
    """An index; None where it is missing. One that cannot be read is removed."""
    folder = home() / name
    try:
        held = in_use(folder)
    except FileNotFoundError:
        return None
    try:
        index = DayIndex(folder)
        os.utime(folder)  # the last use decides which one goes
    except FileNotFoundError:  # it went between the two
        os.close(held)
        return None
    except (OSError, ValueError, KeyError, pa.ArrowException):
        os.close(held)
        with suppress(OSError):
            set_aside(folder)
        return None
    weakref.finalize(index, os.close, held)
    return index


def is_being_made(name: str) -> bool:
    """Whether a process is making that index."""
    try:
        os.close(in_use(_claim(name), alone=True))
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def make(models: StoredTable, tell: Callable[[float], None] | None = None) -> bool:
    """Make the index of a day. Returns False where another process is making it.

    Args:
        models: the day of `models`.
        tell: takes the share that is done.
    """
    name = index_name(models)
    folder, claim = home() / name, _claim(name)
    claim.touch()
    try:
        held = in_use(claim, alone=True)
    except BlockingIOError:
        return False
    try:
        if not folder.is_dir():
            _make_room(models.rows * BYTES)
            with scratch_folder(name, home()) as temporary:
                build(models, temporary, tell)
                _sync(temporary)
                # A claim that was removed by hand lets two make it: the first one stays.
                with suppress(FileExistsError):
                    _name(temporary, folder)
    finally:
        claim.unlink(missing_ok=True)
        os.close(held)
    return True


def _claim(name: str) -> Path:
    return home() / f"{name}.making"


def _name(temporary: Path, folder: Path) -> None:
    try:
        temporary.rename(folder)
    except OSError as error:
        if folder.is_dir():
            raise FileExistsError(folder) from error
        raise
    sync_folder(folder.parent)


def _sync(folder: Path) -> None:
    for written in folder.iterdir():
        with written.open("rb") as handle:
            os.fsync(handle.fileno())
    sync_folder(folder)


def _make_room(size: int) -> None:
    """Remove what killed processes left, and the indexes unused for longest until `size` fits."""
    complete = []
    for path in home().iterdir():
        if path.name.startswith("."):
            discard(path, unused_for=_LEFT)
        elif path.is_dir():
            with suppress(FileNotFoundError):
                complete.append((path.stat().st_mtime, _bytes(path), path))
    room = settings().index_gb * 1e9 - size - sum(taken for _, taken, _ in complete)
    for _, taken, path in sorted(complete):
        if room >= 0:
            return
        # One that a page has open stays.
        if discard(path, unused_for=0):
            room += taken


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())
