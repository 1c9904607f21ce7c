"""The versions of a folder on a store, and the marker that names the one to read.

    corpora/questions/folder.json                                  names, sizes, hashes, version
    corpora/questions/v=20261128T031502.123456Z-<writer>/corpus.parquet

The objects of a version never change. Whoever replaces the marker makes another version the folder.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from hf_assets.errors import InputError
from hf_assets.object_store.path import ObjectFacts, StorePath
from hf_assets.object_store.reading import get

MARKER = "folder.json"
# A reader that has begun has so long to read a version that was superseded.
KEPT = timedelta(days=1)
_VERSION = re.compile(r"v=\d{8}T\d{6}\.\d{6}Z-[A-Za-z0-9-]+")
_PART = re.compile(r"[^/\\\x00-\x1f]+")


class DamagedFolder(InputError):
    """A folder on a store is not what its marker says."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(f"{path} cannot be read ({what}): materialise it again")


class StoredFile(msgspec.Struct, frozen=True):
    """A file of a version: bytes, and SHA-256 in hexadecimal."""

    size: int
    sha256: str


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What a marker says.

    Attributes:
        version: the last part of the version's prefix, after `v=`.
        writer: the run that wrote it.
        time: of its commit, UTC.
        files: by name below the folder.
        earlier: versions that were superseded lately, and when.
    """

    version: str
    writer: str
    time: datetime
    files: dict[str, StoredFile]
    earlier: dict[str, datetime] = {}

    @classmethod
    def new(cls, writer: str, files: dict[str, StoredFile], before: "Version | None") -> "Version":
        """A version of those files, in place of the one before."""
        now = datetime.now(UTC)
        kept = before.earlier if before else {}
        earlier = {name: time for name, time in kept.items() if now - time < KEPT}
        if before:
            earlier[before.version] = now
        return cls(
            version=f"{now:%Y%m%dT%H%M%S.%fZ}-{writer}",
            writer=writer,
            time=now,
            files=files,
            earlier=earlier,
        )

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())

    @property
    def nanoseconds(self) -> int:
        """Its time, as files of this machine have it."""
        since = self.time - datetime(1970, 1, 1, tzinfo=UTC)
        return since // timedelta(microseconds=1) * 1000

    def objects(self, folder: StorePath) -> dict[str, StorePath]:
        """The object of each file."""
        return {name: folder / f"v={self.version}" / name for name in self.files}

    def encode(self) -> bytes:
        """As the marker's content."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


@dataclass(frozen=True)
class SeenVersion:
    """The marker of a folder as it was read: its tag, and what it says. None: there was none."""

    tag: str | None = None
    version: Version | None = None


def seen_version(folder: StorePath) -> SeenVersion:
    """The version of a folder, and the condition for replacing it. One request.

    Raises:
        DamagedFolder: the marker is not one.
    """
    marker = folder / MARKER
    try:
        facts, content = get(marker)
    except FileNotFoundError:
        return SeenVersion()
    return SeenVersion(facts.tag, _decoded(folder, bytes(content)))


def current_version(folder: StorePath) -> Version:
    """The version of a folder.

    Raises:
        FileNotFoundError: the folder is missing.
        DamagedFolder: the marker is not one.
    """
    if (version := seen_version(folder).version) is None:
        raise FileNotFoundError(2, "no such folder", str(folder))
    return version


def _decoded(folder: StorePath, content: bytes) -> Version:
    try:
        version = msgspec.json.decode(content, type=Version)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedFolder(folder, f"{MARKER}: {error}") from None
    names = {part for name in version.files for part in name.split("/")}
    # They become paths of this machine.
    wrong = [part for part in names if part in (".", "..") or not _PART.fullmatch(part)]
    if wrong or not _VERSION.fullmatch(f"v={version.version}"):
        raise DamagedFolder(folder, f"{MARKER} has names that are none of a file")
    return version


def unnamed_versions(
    listed: Mapping[StorePath, ObjectFacts], now: datetime
) -> Iterator[dict[StorePath, ObjectFacts]]:
    """The objects of each version that nobody reads any more, for a sweep to delete.

    Versions of writers that were killed, or came second, and superseded ones; each for over a day.
    A folder that has more than one old version costs a request.

    Args:
        listed: all objects of a lake, or of an asset.
        now: UTC.
    """
    by_folder: dict[StorePath, dict[str, dict[StorePath, ObjectFacts]]] = {}
    for path, facts in listed.items():
        if (place := _place(path)) is not None:
            folder, version = place
            by_folder.setdefault(folder, {}).setdefault(version, {})[path] = facts
    for folder, versions in by_folder.items():
        if len(versions) == 1 and folder / MARKER in listed:
            continue  # the one that the marker names
        old = {
            version: objects
            for version, objects in versions.items()
            if now - max(facts.modified for facts in objects.values()) >= KEPT
        }
        if not old:
            continue
        # Read after the list: what was committed meanwhile is named.
        current = seen_version(folder).version
        for version, objects in old.items():
            if current and current.version == version:
                continue
            superseded = current.earlier.get(version) if current else None
            if superseded is None or now - superseded >= KEPT:
                yield objects


def is_of_version(path: StorePath) -> bool:
    """Whether an object is of a version of a folder, by its name."""
    return _place(path) is not None


def _place(path: StorePath) -> tuple[StorePath, str] | None:
    """The folder and version that an object is of; None: it is of none."""
    parts = path.key.split("/")
    at = next((at for at, part in enumerate(parts[:-1]) if _VERSION.fullmatch(part)), None)
    if at is None:
        return None
    return StorePath(path.address, "/".join(parts[:at])), parts[at].removeprefix("v=")
