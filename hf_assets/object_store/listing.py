"""Files and objects alike: what is below, by name, and the content of just that version."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from hf_assets.errors import InputError
from hf_assets.object_store.at_once import side_by_side
from hf_assets.object_store.errors import asking
from hf_assets.object_store.path import LakePath, ObjectFacts, StorePath, api

# What the name of a day's folder begins with.
DAY = "day="
# Bytes that are read at a time.
PART = 8 << 20
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')


class ChangedEntry(InputError):
    """A file or object is another one than that which was listed."""

    def __init__(self, path: LakePath) -> None:
        super().__init__(f"{path} changed while it was read: run this again", permanent=False)


@dataclass(frozen=True)
class Digests:
    """Hashes of a content, in hexadecimal: a store's own is mostly the MD5."""

    sha256: str
    md5: str


class Hashing:
    """Takes a content part by part."""

    def __init__(self) -> None:
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self.size = 0

    def add(self, part: bytes) -> None:
        """The next part."""
        self.size += len(part)
        self._sha256.update(part)
        self._md5.update(part)

    @property
    def digests(self) -> Digests:
        """Of all parts so far."""
        return Digests(self._sha256.hexdigest(), self._md5.hexdigest())


@dataclass(frozen=True)
class Entry:
    """A version of a file or object: another tag, another version. `modified`: on a store, when."""

    path: LakePath
    size: int
    tag: str
    modified: datetime | None = field(default=None, compare=False)

    @property
    def md5(self) -> str:
        """The MD5 that the store has of it; empty where it has none, and of a file.

        A store may have another hash of that length: only that it is equal says something.
        """
        match = _MD5.fullmatch(self.tag)
        return match[1] if match else ""

    def parts(self) -> Iterator[bytes]:
        """The content of this version.

        Raises:
            ChangedEntry: there is another version by now, or none.
            StoreError: the store does not give it.
        """
        try:
            source = _of_object(self) if isinstance(self.path, StorePath) else _of_file(self)
            read = 0
            for part in source:
                read += len(part)
                yield part
        except FileNotFoundError:
            raise ChangedEntry(self.path) from None
        if read != self.size:
            raise ChangedEntry(self.path)

    def digests(self) -> Digests:
        """Of the content, which is read. As `parts`."""
        hashing = Hashing()
        for part in self.parts():
            hashing.add(part)
        return hashing.digests


class Contents(NamedTuple):
    """Files or objects, and their bytes."""

    count: int
    bytes: int


def folder_names(root: LakePath) -> list[str]:
    """The folders right below, sorted; none where there is nothing. One request."""
    if isinstance(root, StorePath):
        return [folder.name for folder in root.children()[0]]
    return (
        sorted(entry.name for entry in os.scandir(root) if entry.is_dir()) if root.is_dir() else []
    )


def contents_of(root: LakePath) -> Contents:
    """All below; files that go meanwhile do not count. A request for 1,000 objects."""
    count = total = 0
    if isinstance(root, StorePath):
        for _, facts in root.below():
            count, total = count + 1, total + facts.size
        return Contents(count, total)
    for path, _, names in os.walk(root):
        for name in names:
            try:
                size = os.lstat(f"{path}/{name}").st_size
            except OSError:
                continue
            count, total = count + 1, total + size
    return Contents(count, total)


def entries_below(folder: LakePath) -> dict[str, Entry]:
    """All below, by name relative to the folder, hidden ones too. A request for 1,000 objects."""
    if isinstance(folder, StorePath):
        return {
            f"{path.relative_to(folder)}": _object(path, facts) for path, facts in folder.below()
        }
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            file = Path(path, name)
            if (entry := _file(file)) is not None:
                found[file.relative_to(folder).as_posix()] = entry
    return found


def _object(path: StorePath, facts: ObjectFacts) -> Entry:
    return Entry(path, facts.size, facts.tag, facts.modified)


def _file(path: Path) -> Entry | None:
    try:
        return Entry(path, (about := path.stat()).st_size, _tag(about))
    except OSError:
        return None  # gone meanwhile, or a link to nothing


def _tag(about: os.stat_result) -> str:
    return f"{about.st_dev}-{about.st_ino}-{about.st_size}-{about.st_mtime_ns}"


def _of_file(entry: Entry) -> Iterator[bytes]:
    assert isinstance(entry.path, Path)
    with entry.path.open("rb") as file:
        while part := file.read(PART):
            yield part
        if _tag(os.fstat(file.fileno())) != entry.tag:
            raise ChangedEntry(entry.path)


def _of_object(entry: Entry) -> Iterator[bytes]:
    assert isinstance(entry.path, StorePath)
    with asking(entry.path):
        answer = api().get(entry.path.address.client(), entry.path.key)
        if (answer.meta["e_tag"] or "") != entry.tag and not _is_listed(entry, entry.path):
            raise ChangedEntry(entry.path)
        for part in answer.stream(min_chunk_size=PART):
            yield bytes(part)


def _is_listed(entry: Entry, path: StorePath) -> bool:
    """Whether a list has the same version still: it may have other tags than the answer to GET."""
    with asking(path):
        # From just before its key on, in one request.
        found = api().list(path.address.client(), path.parent.key or None, offset=path.key[:-1])
        batch = next(iter(found), [])
    listed = [ObjectFacts.of(meta) for meta in batch if meta["path"] == path.key]
    return [_object(path, facts) for facts in listed] == [entry]


def stored_days(folder: StorePath, marker: str, *, pages: bool = False) -> dict[str, ObjectFacts]:
    """The days below a folder that have that file, oldest first, and what the store says of it.

    Args:
        folder: of the asset.
        marker: the file that only a complete day has.
        pages: a day has thousands of objects: a request for each day is less than one for each
            thousand of objects.
    """
    if not pages:
        return {
            path.parent.name.removeprefix(DAY): facts
            for path, facts in folder.below()
            if path.name == marker
            and path.parent.parent == folder
            and path.parent.name.startswith(DAY)
        }
    days = [path for path in folder.children()[0] if path.name.startswith(DAY)]
    every = side_by_side(lambda day: (day / marker).facts(), days)
    return {
        day.name.removeprefix(DAY): facts for day, facts in zip(days, every, strict=True) if facts
    }
