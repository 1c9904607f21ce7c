"""A table kept a month a file: which files are the table, and how others replace them.

`months.json` names them; they lie in `.versions/` (on a store, in `.months/`) and never change. New
ones are written beside them, and are the table from the moment on that `months.json` is
replaced: a reader sees the old table or the new one, also after a crash. Then each is put under its
public name, `month=YYYY-MM/data.parquet`, a second name of the same file (on a store, a copy), for
readers by name. Files that are no longer the table stay for a day, for readers who have begun.
"""

import json
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hf_assets.errors import InputError
from hf_assets.object_store.commit import LOOK, Condition, Seen
from hf_assets.object_store.listing import folder_names
from hf_assets.object_store.path import LakePath, ObjectFacts, StorePath, delete
from hf_assets.object_store.reading import StoreFile
from hf_assets.object_store.writer import writer
from hf_assets.storage.durable import STALE_TEMPORARY, link, storing, write_bytes
from hf_assets.storage.locks import exclusive

MANIFEST = "months.json"
# Where its files lie. SeaweedFS has versions of its own under the first name, and lists none there.
VERSIONS, VERSIONS_ON_STORE = ".versions", ".months"
# Seconds to wait for another process that refreshes the same table: one of years takes a minute.
LOCK_WAIT = 600.0


@dataclass(frozen=True)
class Manifest:
    """What `months.json` says.

    Args:
        months: rows of each month, the oldest first.
        files: its file there; a month of a lake of before has none.
        superseded: files that were the table, with the time until when they were.
    """

    months: Mapping[str, int] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    files: Mapping[str, str] = field(default_factory=dict)
    superseded: Mapping[str, float] = field(default_factory=dict)


class MonthFiles:
    """The files of a table that is kept by month, in the table's folder."""

    def __init__(self, folder: LakePath) -> None:
        self.folder: Any = folder
        self._versions = folder / (VERSIONS_ON_STORE if isinstance(folder, StorePath) else VERSIONS)

    @contextmanager
    def lock(self, wait: float | None = None) -> Generator[bool]:
        """Hold the table while the block refreshes it. Yields True where another run held it first.

        Raises:
            BusyError: the other run still holds it after `wait` seconds (`LOCK_WAIT`).
        """
        with storing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        wait = LOCK_WAIT if wait is None else wait
        with exclusive(self.folder / ".lock", f"refreshing {self.folder}", wait=wait) as waited:
            yield waited

    def manifest(self) -> Manifest:
        """What is the table now; without months where it is not kept so."""
        return self._seen()[0]

    def _seen(self) -> tuple[Manifest, Seen | Condition]:
        """What is the table now, and on which condition it is replaced."""
        path, tag = self.folder / MANIFEST, LOOK
        try:
            if isinstance(path, StorePath):
                file = StoreFile(path)
                content, tag = file.read_bytes(), file.facts.tag
            else:
                content = path.read_bytes()
        except FileNotFoundError:
            return Manifest(), None
        try:
            return msgspec.json.decode(content, type=Manifest), tag
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(
                f"{path} is damaged ({error}): restore it from a backup; without one, delete it "
                f"and materialise {self.folder.name} again, which finds its months"
            ) from error

    def paths(self, manifest: Manifest) -> tuple[LakePath, ...]:
        """Its files, the oldest first. FileNotFoundError where a file is missing."""
        found, stored = [], self._stored()
        for month in manifest.months:
            if (path := self._path(manifest, month, stored)) is None:
                raise FileNotFoundError(self._public(month))
            found.append(path)
        return tuple(found)

    def latest(self) -> dict[str, LakePath]:
        """Each month as it was written last, part of the table or not yet."""
        return self._latest(self.manifest(), self._stored()) or self._named_months()

    def _named_months(self) -> dict[str, LakePath]:
        """Those with a public name: all, where `months.json` and the hidden files are lost."""
        names = (name.partition("=") for name in folder_names(self.folder))
        return {month: self._public(month) for kind, _, month in names if kind == "month"}

    def _latest(self, manifest: Manifest, stored: Collection[str]) -> dict[str, LakePath]:
        paths = {month: self._path(manifest, month, stored) for month in manifest.months}
        found = {month: path for month, path in paths.items() if path}
        used = {*manifest.files.values(), *manifest.superseded}
        for name in stored:
            month, written, _ = name.partition(".")
            if written and month and name not in used:
                found[month] = self._versions / name
        return found

    def new(self, month: str) -> LakePath:
        """Where a file of that month is written."""
        return self._versions / f"{month}.{time.time_ns():016x}-{secrets.token_hex(3)}.parquet"

    def join(
        self,
        months: Sequence[str],
        count: Callable[[LakePath], int],
        notes: Mapping[str, Any],
        seconds: float,
    ) -> None:
        """Make the last written files of those months the table; the caller has the lock.

        Args:
            months: the oldest first. KeyError where a month was never written.
            count: the rows of a file.
            notes: of the table.
            seconds: likewise.

        Raises:
            CommitConflict: on a store; another run joined months meanwhile, with a lock of another
                machine.
        """
        before, tag = self._seen()
        stored = self._stored()
        latest = self._latest(before, stored)
        if not latest.keys() >= {*months}:
            latest = self._named_months() | latest
        files = {month: self._named(latest[month], month) for month in months}
        rows = {
            month: before.months[month]
            if before.files.get(month) == name
            else count(self._versions / name)
            for month, name in files.items()
        }
        now = time.time()
        gone = set(before.files.values()) - set(files.values())
        if isinstance(self.folder, StorePath):
            # Those of other months another machine may be about to join.
            passed = {name for name in stored if name.partition(".")[0] in files}
            gone |= passed - set(files.values()) - before.superseded.keys()
        # Named until they are deleted: a run that dies before would leave them as the newest.
        superseded = {
            name: min(at, now)
            for name, at in {**before.superseded, **dict.fromkeys(gone, now)}.items()
            if name in stored
        }
        content: dict[str, Any] = {"months": rows, "notes": notes, "seconds": round(seconds, 3)}
        content |= {"files": files, "superseded": superseded}
        if isinstance(self.folder, StorePath):
            content["writer"] = writer()
        write_bytes(self.folder / MANIFEST, json.dumps(content).encode(), tag)
        old = {name for name, at in superseded.items() if at <= now - STALE_TEMPORARY}
        if isinstance(self.folder, StorePath):
            self._publish_copies(self.folder, files, old)
            return
        self._publish(files)
        for name in set(self._stored()) - set(files.values()) - (superseded.keys() - old):
            (self._versions / name).unlink(missing_ok=True)

    def _path(self, manifest: Manifest, month: str, stored: Collection[str]) -> LakePath | None:
        if (name := manifest.files.get(month)) and name in stored:
            return self._versions / name
        # A copy of the lake without hidden files, or a lake of before.
        public = self._public(month)
        return public if public.exists() else None

    def _public(self, month: str) -> Any:
        return self.folder / f"month={month}" / "data.parquet"

    def _stored(self) -> list[str]:
        """The names of all versions, the oldest of a month first."""
        try:
            return sorted(path.name for path in self._versions.iterdir())
        except FileNotFoundError:
            return []

    def _named(self, path: LakePath, month: str) -> str:
        """The name of that file; one that lies under its public name alone gets another."""
        if path.parent != self._versions:
            self._versions.mkdir(exist_ok=True)
            path, public = self.new(month), path
            link(public, path)
        return path.name

    def _publish(self, files: Mapping[str, str]) -> None:
        for month, name in files.items():
            public, version = self._public(month), self._versions / name
            if not (public.exists() and public.samefile(version)):
                public.parent.mkdir(exist_ok=True)
                link(version, public)
        for other in self.folder.glob("month=*"):
            if other.name.removeprefix("month=") not in files:
                shutil.rmtree(other)

    def _publish_copies(
        self, folder: StorePath, files: Mapping[str, str], old: Collection[str]
    ) -> None:
        """`_publish` on a store, and delete the old versions."""
        there, versions = dict(folder.below()), folder / self._versions.name
        wanted = {self._public(month): versions / name for month, name in files.items()}
        for public, version in wanted.items():
            if not _is_copy(there.get(public), there[version]):
                link(version, public)
        public = [path for path in there if path.parent.name.startswith("month=")]
        delete([versions / name for name in old] + [path for path in public if path not in wanted])


def month_of_file(path: LakePath) -> str:
    """The month of one of a table's files: YYYY-MM."""
    if path.parent.name.startswith("month="):
        return path.parent.name.removeprefix("month=")
    return path.name.partition(".")[0]


def _is_copy(copy: ObjectFacts | None, version: ObjectFacts) -> bool:
    """Whether a copy is of that version: one of a version before is older.

    A store gives whole seconds, in which two versions of one size may follow each other; and a
    copy may have another tag than a version that was sent in parts.
    """
    if copy is None or copy.size != version.size:
        return False
    return copy.tag == version.tag or copy.modified > version.modified
