"""Folders that are replaced as one: compared by the hashes of their files, and copied whole."""

from pathlib import Path
from typing import Any

from hf_assets.copying.parts import FIGURE_FOLDERS, is_figures_of_day
from hf_assets.copying.transfer import again, copy_tree, verify
from hf_assets.object_store.errors import CommitConflict
from hf_assets.object_store.listing import ChangedEntry, Entry, entries_below
from hf_assets.object_store.local import local_root
from hf_assets.object_store.versions import DamagedFolder, seen_version
from hf_assets.storage.folders import local_folder, read_folder, replacing_folder, restore

# The size and SHA-256 of each file, by name.
Hashes = dict[str, tuple[int, str]]


def hashes(folder: Any, *, read: bool) -> Hashes:
    """The files of a folder with their hashes; none where it is missing.

    Args:
        folder: its path.
        read: on a store, read every object: else the marker's word is taken.

    Raises:
        ChangedEntry: it changed meanwhile.
        DamagedFolder: on a store, an object is not what the marker records.
    """
    if local_root(folder):
        restore(folder)
        return _read(entries_below(folder))
    if (version := again(lambda: seen_version(folder)).version) is None:
        return {}
    found = {name: (file.size, file.sha256) for name, file in version.files.items()}
    if read:
        below = again(lambda: entries_below(folder / f"v={version.version}"))
        if _read(below) != found:
            raise DamagedFolder(folder, "an object is not what the marker records")
    return found


def _read(entries: dict[str, Entry]) -> Hashes:
    return {name: (one.size, again(one.digests).sha256) for name, one in entries.items()}


def same_folder(source: Any, target: Any, *, read: bool) -> tuple[bool, list[int]]:
    """Whether both have the same files, and the sizes of those of the source.

    Raises:
        ChangedEntry, DamagedFolder: as `hashes` says, of the source.
    """
    wanted = hashes(source, read=read)
    try:
        same = hashes(target, read=read) == wanted
    except (ChangedEntry, DamagedFolder):
        same = False
    return same, [size for size, _ in wanted.values()]


def copy_folder(source: Any, target: Any) -> int:
    """Replace a folder by another; the number of objects that were read back to verify them.

    Raises:
        ChangedEntry, ReplacedFolder, FileNotFoundError: the source changed meanwhile.
        CommitConflict: the target changed meanwhile.
        NotWhatWasSent: the target has something else.
    """
    before = hashes(source, read=False)

    def into(folder: Path) -> None:
        public = source.name in FIGURE_FOLDERS or is_figures_of_day(source.name)
        with replacing_folder(target, public=public) as temporary:
            copy_tree(folder, temporary)

    read_folder(source, into)
    if hashes(source, read=False) != before:
        raise ChangedEntry(source)
    return _verified(local_folder(source), target, before)


def _verified(source: Path, target: Any, wanted: Hashes) -> int:
    if local_root(target):
        if hashes(target, read=True) != wanted:
            raise CommitConflict(target)
        return 0
    if (version := seen_version(target).version) is None or hashes(target, read=False) != wanted:
        raise CommitConflict(target)
    stored, sent = entries_below(target / f"v={version.version}"), entries_below(source)
    return sum(
        verify(stored.get(name), target / name, again(sent[name].digests)) for name in wanted
    )
