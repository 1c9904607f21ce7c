"""A lake from one folder or store into another: part by part, each complete or not at all.

What has the same content there is not sent again, so that a copy which was ended goes on. The
source is read only; a part that changes while it is read is left as it was in the target.

A day that was emptied has its rows in a series alone. The series go first, so that no day comes
before its rows, and once more at the end where they changed: a day may have been emptied meanwhile.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from hf_assets.copying.folders import copy_folder, same_folder
from hf_assets.copying.parts import MACHINE, OF_MACHINE, Found, Part, in_folder, on_store, parts_of
from hf_assets.copying.transfer import Budget, again, is_same, send, verify
from hf_assets.errors import InputError
from hf_assets.hub.capture_store.store import RAW
from hf_assets.hub.repository_days.schemas import KIND_OF
from hf_assets.object_store.errors import CommitConflict, StoreError
from hf_assets.object_store.listing import ChangedEntry, Digests, Entry, entries_below, folder_names
from hf_assets.object_store.local import local_root
from hf_assets.object_store.path import LakePath
from hf_assets.object_store.versions import DamagedFolder
from hf_assets.progress import ItemLog
from hf_assets.storage.durable import StorageError
from hf_assets.storage.folders import ReplacedFolder
from hf_assets.storage.opened import open_file
from hf_assets.storage.records import Footer

# Files on their way at a time.
AT_ONCE = 8
# What has the rows of emptied days.
SERIES = frozenset(kind.table.name for kind in KIND_OF.values())
# What no marker names is swept after a day, by the time of its object: what an ended copy left so
# long ago is stored again before a marker names it.
_SETTLED = timedelta(hours=12)
_SWEPT = "a sweep of TO deleted some of it meanwhile"


@dataclass
class Summary:
    """What a copy did.

    Attributes:
        counts: parts, files and bytes that were there or copied; how they were verified.
        differing: of a check, the parts that TO lacks or has otherwise.
        failed: parts that were left as they were in TO, with the reason.
        left_out: names that are not copied, by reason.
    """

    counts: Counter[str] = field(default_factory=Counter)
    differing: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether TO has all of FROM."""
        return not self.differing and not self.failed


class Copy:
    """Copies a lake, or compares two.

    Args:
        source: root of the lake.
        target: where it goes.
        check: change nothing: read both, and compare.
        log: takes lines.
    """

    def __init__(
        self, source: LakePath, target: LakePath, *, check: bool, log: Callable[[str], None]
    ) -> None:
        # Paths of both kinds have what is used of them here.
        self._source: Any = source
        self._target: Any = target
        self._check, self._log = check, log
        self._summary, self._budget = Summary(), Budget()

    def run(self) -> Summary:
        """Copy all, and say what was done.

        Raises:
            StoreError, StorageError: a store or disk that does not answer or take anything.
        """
        groups = [*self._groups()]
        series = [group for group in groups if group in SERIES]
        seen = {group: self._entries(self._source, group) for group in series}
        lines = ItemLog(self._log, len(groups))
        for group in [*series, *(group for group in groups if group not in SERIES)]:
            self._logged(group, lines)
        if not self._check:
            self._changed_series(seen)
        return self._summary

    def _logged(self, group: str, lines: ItemLog) -> None:
        before = Counter(self._summary.counts)
        self._group(group)
        done = self._summary.counts - before
        copied = done["files copied"]
        lines.add(f"{group}: {copied:,} files copied, {done['files there']:,} there",
                  quick=not copied)  # fmt: skip

    def _changed_series(self, seen: dict[str, dict[str, Entry]]) -> None:
        """Copy again the series that are not as they were seen before any day was copied."""
        there = {*folder_names(self._source)} & SERIES
        changed = [name for name in sorted(there)
                   if self._entries(self._source, name) != seen.get(name)]  # fmt: skip
        lines = ItemLog(self._log, len(changed))
        for name in changed:
            # What is right now has not failed.
            for part in [
                part for part in self._summary.failed if PurePosixPath(part).parts[0] == name
            ]:
                del self._summary.failed[part]
            self._logged(name, lines)

    def _groups(self) -> Iterator[str]:
        """Assets, and of captures each day: the names of one are held in memory."""
        for asset in folder_names(self._source):
            if asset.startswith(".") or asset in OF_MACHINE:
                self._leave_out(MACHINE, [asset])
            elif asset in RAW:
                yield from (f"{asset}/{day}" for day in folder_names(self._source / asset))
            else:
                yield asset
        folders = {*folder_names(self._source)}
        names = (path.name for path in self._source.iterdir())
        self._leave_out(MACHINE, sorted(name for name in names if name not in folders))

    def _group(self, group: str) -> None:
        there, before = self._entries(self._source, group), self._entries(self._target, group)
        try:
            found = self._parts(there)
        except (ChangedEntry, FileNotFoundError, ValueError) as error:
            self._summary.failed[group] = str(error)
            return
        for reason, names in found.left_out.items():
            self._leave_out(reason, names)
        parts = []
        for part in found.parts:
            if part.folder:
                self._folder(part)
            else:
                parts.append(part)
        self._files(group, parts, there, before)

    def _entries(self, root: Any, group: str) -> dict[str, Entry]:
        below = again(lambda: entries_below(root / group))
        names = {name: f"{group}/{name}" for name in below}
        if local_root(root) is None:
            names = {name: in_folder(full) for name, full in names.items()}
        return {names[name]: entry for name, entry in below.items()}

    def _at(self, name: str) -> Any:
        """The path in the target of a file that has that name in a folder."""
        return self._target / (name if local_root(self._target) else on_store(name))

    def _parts(self, there: dict[str, Entry]) -> Found:
        def read(name: str) -> bytes:
            return b"".join(there[name].parts())

        def sides(name: str) -> list[str]:
            # Where it was replaced since the list was made, the copy of the day notices.
            return [*(Footer.read(open_file(there[name].path).footer()).aside or {}).values()]

        return parts_of(there, read, sides, folder_markers=local_root(self._source) is None)

    def _leave_out(self, reason: str, names: Iterable[str]) -> None:
        if named := [*names]:
            self._summary.left_out.setdefault(reason, []).extend(named)

    def _files(
        self,
        group: str,
        parts: list[Part],
        there: dict[str, Entry],
        before: dict[str, Entry],
    ) -> None:
        """Copy parts step by step: content, markers, plain names."""
        names = [name for part in parts for name in part.files]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                same = [*pool.map(partial(self._same, there, before), names)]
                wanted = {name for name, equal in zip(names, same, strict=True) if not equal}
                wanted |= self._swept_soon(parts, wanted, before)
                self._count(names, wanted, there)
                if self._check:
                    differing = [part.name for part in parts if wanted.intersection(part.files)]
                    self._summary.differing += differing
                    return
                for step in (
                    lambda part: part.data,
                    lambda part: (part.marker,),
                    lambda part: part.public,
                ):
                    parts = [part for part in parts if part.name not in self._summary.failed]
                    self._step(pool, group, {name: part for part in parts for name in step(part)
                                             if name in wanted}, there, before)  # fmt: skip
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        self._obsolete(parts, there, before)

    def _swept_soon(
        self, parts: list[Part], wanted: set[str], before: dict[str, Entry]
    ) -> set[str]:
        """What a store has of parts whose marker it lacks, and has had for long."""
        limit = datetime.now(UTC) - _SETTLED
        unnamed = {name for part in parts if part.marker in wanted for name in part.data}
        old = {name for name, entry in before.items() if entry.modified and entry.modified < limit}
        return set() if self._check else unnamed & old

    def _same(self, there: dict[str, Entry], before: dict[str, Entry], name: str) -> bool:
        if name not in before or name not in there:
            return False
        try:
            return is_same(there[name], before[name], read=self._check)
        except ChangedEntry:
            return False

    def _count(self, names: list[str], wanted: set[str], there: dict[str, Entry]) -> None:
        sizes = {name: there[name].size if name in there else 0 for name in names}
        for name, size in sizes.items():
            state = "copied" if name in wanted else "there"
            self._summary.counts[f"files {state}"] += 1
            self._summary.counts[f"bytes {state}"] += size

    def _step(
        self,
        pool: ThreadPoolExecutor,
        group: str,
        chosen: dict[str, Part],
        there: dict[str, Entry],
        before: dict[str, Entry],
    ) -> None:
        """Send files, and compare what the target has of them then."""
        if not chosen:
            return

        def one(name: str) -> Digests | InputError:
            try:
                if name not in there:
                    raise ChangedEntry(self._source / name)
                return send(there[name], self._at(name), before.get(name), self._budget)
            except (ChangedEntry, CommitConflict) as error:
                return error

        sent = dict(zip(chosen, pool.map(one, chosen), strict=True))
        now = self._entries(self._target, group)
        for name, result in sent.items():
            if isinstance(result, Digests):
                read_back = verify(now.get(name), self._at(name), result)
                self._summary.counts["read back"] += read_back
                if name == chosen[name].marker and not now.keys() >= {*chosen[name].data}:
                    self._summary.failed[chosen[name].name] = _SWEPT
            else:
                self._summary.failed[chosen[name].name] = str(result)

    def _obsolete(
        self, parts: list[Part], there: dict[str, Entry], before: dict[str, Entry]
    ) -> None:
        """A table is a single file or one a month: the marker of the other kind would hide it."""
        for part in parts:
            if part.name in self._summary.failed:
                continue
            for name in (f"{part.name}/months.json", f"{part.name}/data.parquet"):
                if name in before and name not in there:
                    (self._target / name).unlink(missing_ok=True)

    def _folder(self, part: Part) -> None:
        """Compare a folder, and replace it as one."""
        source, target = self._source / part.name, self._target / part.name
        try:
            same, sizes = same_folder(source, target, read=self._check)
            state = "there" if same else "copied"
            self._summary.counts[f"files {state}"] += len(sizes)
            self._summary.counts[f"bytes {state}"] += sum(sizes)
            if same:
                return
            if self._check:
                self._summary.differing.append(part.name)
            else:
                self._summary.counts["read back"] += copy_folder(source, target)
        except (ChangedEntry, CommitConflict, DamagedFolder, ReplacedFolder, OSError) as error:
            if isinstance(error, StoreError | StorageError):
                raise
            self._summary.failed[part.name] = str(error)
