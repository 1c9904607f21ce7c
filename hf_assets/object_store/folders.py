"""A folder on a store is replaced as one: immutable objects first, then the marker by condition.

Readers go through the marker (`copies.local_copy`). However a writer ends, the marker names a
complete version, the old one or the new one; `versions.unnamed_versions` lists what is left over.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import file_digest
from pathlib import Path

from hf_assets.object_store.at_once import side_by_side
from hf_assets.object_store.commit import commit, overwrite
from hf_assets.object_store.copies import AT_ONCE, copy_of, keep_copy
from hf_assets.object_store.errors import CommitConflict, StoreError
from hf_assets.object_store.path import StorePath, delete
from hf_assets.object_store.scratch import scratch_folder
from hf_assets.object_store.versions import (
    MARKER,
    SeenVersion,
    StoredFile,
    Version,
    seen_version,
)
from hf_assets.object_store.writer import writer

# Files that people look at in the store: their order is that in which their copies are written.
_PUBLIC = (".png", ".svg", ".webp", ".json", ".md", ".html")
# Bytes of a file that is sent alone: a PUT holds it in memory.
_LARGE = 64_000_000


@contextmanager
def replacing_folder(path: StorePath, *, public: bool = False) -> Generator[Path]:
    """An empty folder of this machine to fill; it becomes the folder on the store.

    Args:
        path: of the folder.
        public: its small files get their plain names in the store, too: pictures, pages, JSON.
            Pages come last and pictures that are no longer drawn go after them.

    Raises:
        CommitConflict: another run stored the folder meanwhile: that one stands.
        StoreError: the store does not take it; the old folder stays.
    """
    before = seen_version(path)
    with scratch_folder(path.name) as folder:
        yield folder
        version = _stored(path, folder, before)
        with suppress(OSError):  # it is stored: who reads it fetches it
            keep_copy(path, version, folder)
    if public:
        _show(path, version, before.version)


def remove_folder(path: StorePath) -> None:
    """Remove a folder: for readers in one step, with its marker."""
    # Listed first: what another run stores from then on is its own.
    there = [each for each, _ in path.below()]
    delete([path / MARKER])
    delete(there)


def _stored(path: StorePath, folder: Path, before: SeenVersion) -> Version:
    """Store the files and then the marker."""
    files = {file.relative_to(folder).as_posix(): _measured(file)
             for file in sorted(folder.rglob("*")) if file.is_file()}  # fmt: skip
    version = Version.new(writer(), files, before.version)
    objects, begun = version.objects(path), []

    def send(name: str) -> None:
        begun.append(objects[name])
        commit(objects[name], folder / name, None)

    try:
        _together(send, (name for name, file in files.items() if file.size < _LARGE))
        for name, file in files.items():
            if file.size >= _LARGE:
                send(name)
    except BaseException:
        _drop(begun)
        raise
    try:
        commit(path / MARKER, version.encode(), before.tag)
    except CommitConflict:
        _drop(begun)
        raise CommitConflict(path) from None
    except StoreError:
        # Without an answer it may have been stored all the same, and then names these objects.
        if seen_version(path).version != version:
            raise
    return version


def _measured(file: Path) -> StoredFile:
    with file.open("rb") as opened:
        return StoredFile(file.stat().st_size, file_digest(opened, "sha256").hexdigest())


def _drop(objects: list[StorePath]) -> None:
    """Delete objects that no marker names; what the store does not delete now is swept later."""
    with suppress(StoreError):
        delete(objects)


def _together(do: Callable[[str], None], names: Iterable[str]) -> None:
    for _ in side_by_side(do, names, AT_ONCE):
        pass


def _copy(path: StorePath, folder: Path, name: str) -> None:
    overwrite(path / name, folder / name)


def _show(path: StorePath, version: Version, before: Version | None) -> None:
    """Copy the small files to their plain names: of the version that is current at the end."""
    older = [] if before is None else [*before.files]
    while True:
        folder = copy_of(path, version)
        for suffix in _PUBLIC:
            names = [name for name in version.files if name.endswith(suffix)]
            _together(partial(_copy, path, folder), names)
        kept = {*version.files, MARKER}
        delete([each for each in _shown(path, [*version.files, *older])
                if each.suffix in _PUBLIC and str(each.relative_to(path)) not in kept])  # fmt: skip
        now = seen_version(path).version
        if now is None or now.version == version.version:
            return
        version = now


def _shown(path: StorePath, names: Iterable[str]) -> Iterator[StorePath]:
    """What lies under a plain name: right below, and in the folders of files of those names."""
    yield from path.children()[1]
    for folder in sorted({name.partition("/")[0] for name in names if "/" in name}):
        yield from (each for each, _ in (path / folder).below())
