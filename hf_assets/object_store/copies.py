"""Folders of a store as copies on this machine: each version once, verified, for all processes.

Programs that read files by path (torch, onnxruntime, tokenizers) get a folder as they know it. A
copy appears in one step, complete, and is of one version. The copies that were not used for longest
go when there are too many; never one of the last day, nor one that a process has in use.
"""

import os
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from hf_assets.object_store import at_once
from hf_assets.object_store.errors import StoreError, asking
from hf_assets.object_store.path import StorePath, api
from hf_assets.object_store.scratch import (
    STALE,
    discard,
    in_use,
    lake_id,
    scratch,
    scratch_folder,
    set_aside,
    sweep,
)
from hf_assets.object_store.versions import DamagedFolder, StoredFile, Version, current_version

# Files at a time: each may be tens of megabytes in memory.
AT_ONCE = 8
# What all copies may take, unless HF_ASSETS_SCRATCH_GB says otherwise.
GIGABYTES = 20.0
_TRIES = 3
# Copies that a process marks as in use: each takes a descriptor.
_MOST_HELD = 64
_held: OrderedDict[Path, int] = OrderedDict()
_holding = threading.Lock()


def local_copy(folder: StorePath) -> Path:
    """The folder as it is on the store now, on this machine.

    Raises:
        FileNotFoundError: the folder is missing.
        DamagedFolder: its files are not what its marker says.
        OSError: the disk of this machine does not take it.
    """
    version = current_version(folder)
    for _ in range(_TRIES):
        try:
            return copy_of(folder, version)
        except FileNotFoundError:
            before, version = version, current_version(folder)
            if before.version == version.version:
                raise DamagedFolder(folder, "a file of it is missing") from None
    raise DamagedFolder(folder, "it is replaced again and again")


def copy_of(folder: StorePath, version: Version) -> Path:
    """That version of a folder, on this machine.

    Raises:
        FileNotFoundError: an object of it is missing.
        DamagedFolder, OSError: as `local_copy` says.
    """
    entry = _entry(folder, version)
    with _one_at_a_time(entry):
        if not (_use(entry) and _intact(entry / folder.key, version)):
            _release(entry)
            if not discard(entry, unused_for=0):
                set_aside(entry)  # another process reads on in what it has open
            make_room(version.size)
            with scratch_folder(folder.name, _folder()) as temporary:
                _fetch(folder, version, temporary / folder.key)
                temporary.rename(entry)
            _use(entry)
    return entry / folder.key


def keep_copy(folder: StorePath, version: Version, written: Path) -> None:
    """Make the files that were stored as that version its copy: they need not be fetched.

    `written` is moved.
    """
    entry = _entry(folder, version)
    make_room(0)
    with _one_at_a_time(entry), scratch_folder(folder.name, _folder()) as temporary:
        if _use(entry):
            return  # a reader was faster
        target = temporary / folder.key
        target.parent.mkdir(parents=True, exist_ok=True)
        written.rename(target)
        _date(target, version)
        temporary.rename(entry)
        _use(entry)


def side_by_side(copies: Mapping[str, Path]) -> Path:
    """A folder with links to those copies, by name: `minilm/onnx`."""
    text = "\n".join(f"{name} {path}" for name, path in sorted(copies.items()))
    view = _folder() / f"view-{sha256(text.encode()).hexdigest()[:24]}-0"
    with _one_at_a_time(view):
        if not _use(view):
            with scratch_folder("view", _folder()) as temporary:
                for name, path in copies.items():
                    link = temporary / name
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.symlink_to(path)
                temporary.rename(view)
            _use(view)
    return view


def make_room(needed: int) -> None:
    """Remove the copies that were not used for longest, until there is room for those bytes."""
    sweep()
    most, now = most_bytes(), time.time()
    copies = sorted(_copies())
    total = sum(_size(one) for _, one in copies) + needed
    free = shutil.disk_usage(_folder()).free - needed
    for used, one in copies:
        if (total <= most and free >= 0) or now - used < STALE:
            return
        if discard(one):
            total, free = total - _size(one), free + _size(one)


def most_bytes() -> int:
    """What all copies may take: `HF_ASSETS_SCRATCH_GB`, in 10^9 bytes."""
    with suppress(ValueError):  # the settings report it
        return int(float(os.environ.get("HF_ASSETS_SCRATCH_GB") or GIGABYTES) * 1e9)
    return int(GIGABYTES * 1e9)


def _folder() -> Path:
    folder = scratch() / "folders"
    folder.mkdir(exist_ok=True)
    return folder


def _entry(folder: StorePath, version: Version) -> Path:
    """The path of a copy; its name ends in its bytes."""
    text = f"{lake_id(folder.address)} {folder.key} {version.version}"
    return _folder() / f"{folder.name}-{sha256(text.encode()).hexdigest()[:24]}-{version.size}"


def _copies() -> list[tuple[float, Path]]:
    """The copies, and when each was used last."""
    found = []
    for one in _folder().glob("[!.]*-*"):
        with suppress(FileNotFoundError):
            found.append((one.stat().st_mtime, one))
    return found


def _size(entry: Path) -> int:
    size = entry.name.rpartition("-")[2]
    return int(size) if size.isdecimal() else 0


@contextmanager
def _one_at_a_time(entry: Path) -> Generator[None]:
    """Held by whoever looks for a copy, or fetches it: also among threads."""
    import fcntl

    # Of a fixed number: a lock for each version would stay for ever.
    lock = _folder() / ".locks" / sha256(entry.name.encode()).hexdigest()[:2]
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _use(entry: Path) -> bool:
    """Mark a copy as used now, and as in use by this process; False where there is none."""
    with _holding:
        held = _held.pop(entry, None)
        try:
            if held is not None and os.fstat(held).st_ino != entry.stat().st_ino:
                os.close(held)
                held = None
            held = in_use(entry) if held is None else held
            os.utime(entry)
        except FileNotFoundError:
            if held is not None:
                os.close(held)
            return False
        _held[entry] = held
        while len(_held) > _MOST_HELD:
            os.close(_held.popitem(last=False)[1])
    return True


def _release(entry: Path) -> None:
    with _holding:
        if (held := _held.pop(entry, None)) is not None:
            os.close(held)


def _intact(folder: Path, version: Version) -> bool:
    """Whether nothing has written to the files since they were verified."""
    try:
        found = {name: (folder / name).stat() for name in version.files}
    except OSError:
        return False
    return all(
        found[name].st_size == file.size and found[name].st_mtime_ns == version.nanoseconds
        for name, file in version.files.items()
    )


def _date(folder: Path, version: Version) -> None:
    """Give every file and folder the time of its version: on every machine the same."""
    times = (version.nanoseconds, version.nanoseconds)
    for path in (*folder.rglob("*"), folder):
        os.utime(path, ns=times)


def _fetch(folder: StorePath, version: Version, target: Path) -> None:
    objects = version.objects(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name in objects:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
    for _ in at_once.side_by_side(
        lambda name: _fetch_file(objects[name], version.files[name], target / name),
        version.files,
        AT_ONCE,
    ):
        pass
    _date(target, version)


def _fetch_file(source: StorePath, file: StoredFile, path: Path) -> None:
    """Fetch and verify a file; an answer that breaks off is asked for again."""
    for tries_left in reversed(range(_TRIES)):
        digest, size = sha256(), 0
        try:
            with asking(source), path.open("wb") as written:
                for part in api().get(source.address.client(), source.key).stream():
                    digest.update(part)
                    size += written.write(part)
        except StoreError as error:
            if error.permanent or not tries_left:
                raise
            continue
        if (size, digest.hexdigest()) == (file.size, file.sha256):
            return
    raise DamagedFolder(source, "size or SHA-256 differ from the marker's")
