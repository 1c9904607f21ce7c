"""A publication: what differs between a lake and its repository on the Hub, sent as one commit.

Only files that the repository lacks, or has with other content, are sent; files of days that the
lake does not have any more are removed. A run that is killed leaves the repository as it was.
"""

import shutil
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
from huggingface_hub import CommitOperationAdd

from hf_assets.errors import InputError
from hf_assets.object_store.path import LakePath
from hf_assets.object_store.scratch import work_folder
from hf_assets.publishing.card import Contents, documents
from hf_assets.publishing.hashes import Hashed, hashes
from hf_assets.publishing.marker import MARKER, has_marker, plain_marker
from hf_assets.publishing.parts import (
    DATA,
    PICTURES,
    FileFacts,
    Part,
    basis,
    figure_parts,
    table_parts,
)
from hf_assets.publishing.record import ASSET, Published, read_published, write_published
from hf_assets.publishing.repository import (
    Changes,
    Head,
    PublishError,
    Repository,
    unless_moved,
)
from hf_assets.publishing.tables import chosen
from hf_assets.publishing.withheld import private_ids
from hf_assets.storage.lake import Lake
from hf_assets.storage.locks import exclusive
from hf_assets.storage.parquet import Table

# Files and bytes that are prepared and sent at a time.
BATCH_FILES, BATCH_BYTES = 200, 1 << 30
# The Hub takes 25 000 large files a commit.
MOST_FILES = 20_000
# More removals than this share of the published files are no withdrawn days, but a lost lake.
MOST_REMOVED, FEW = 0.1, 20
LOCK_WAIT = 600.0


@dataclass(frozen=True)
class Plan:
    """What to publish.

    Attributes:
        tables: as HF_ASSETS_PUBLISH_TABLES names them.
        license: the Hub's name of the licence, or other.
        about: a sentence on each table, by name.
    """

    tables: str = "small"
    license: str = "other"
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Outcome(Changes):
    """What a publication of the lake changed, or would change; `rows` of each table."""

    rows: dict[str, int] = field(default_factory=dict)


def publish(
    lake: Lake,
    repository: Repository,
    plan: Plan,
    log: Callable[[str], None] = lambda _: None,
    *,
    dry_run: bool = False,
    remove_many: bool = False,
) -> Outcome:
    """Make the repository what the lake is.

    Args:
        lake: the lake.
        repository: created where it is missing.
        plan: what of the lake.
        log: takes lines for the run log.
        dry_run: change nothing on the Hub.
        remove_many: also remove more than a tenth of the published files.

    Raises:
        InputError: the plan names no table.
        PublishError: the repository is someone else's, or the Hub refuses.
    """
    if not dry_run:
        repository.require_token()
    folder = lake.folder(ASSET, None)
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / ".lock", f"publishing to {repository.name}", wait=LOCK_WAIT):

        def once() -> Outcome:
            head = repository.head()
            if head.commit is None and not dry_run:
                head = repository.create()
            _require_ours(repository, head)
            with _staging(folder) as staging:
                run = _Run(lake, None if dry_run else repository, head, staging, log)
                return run.publish(plan, repository.name, remove_many=remove_many)

        return unless_moved(once, log)


def _require_ours(repository: Repository, head: Head) -> None:
    if not has_marker(head):
        raise PublishError(
            f"{repository.url} has files that hf_assets did not publish, and might remove: set "
            "HF_ASSETS_PUBLISH_DATASET to a new repository, or to an empty one"
        )


@contextmanager
def _staging(folder: LakePath) -> Generator[Path]:
    """An empty folder for files on their way; one of a killed run is deleted first."""
    path = work_folder(folder / ".staging")
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class _Run:
    """One comparison with the repository, and what it sends."""

    def __init__(
        self,
        lake: Lake,
        repository: Repository | None,
        head: Head,
        staging: Path,
        log: Callable[[str], None],
    ) -> None:
        self._lake, self._repository, self._head = lake, repository, head
        self._staging, self._log = staging, log
        self._files: dict[str, FileFacts] = {}
        self._outcome = Outcome(head.commit)
        self._operations: list[CommitOperationAdd] = []
        self._waiting: list[CommitOperationAdd] = []

    def publish(self, plan: Plan, name: str, *, remove_many: bool) -> Outcome:
        tables, figures = chosen(plan.tables)
        before = read_published(self._lake)
        private = private_ids(self._lake, before.private)
        hidden = sorted({one for _, ids in private.values() for one in ids})
        versions = {"pyarrow": str(pa.__version__), "polars": str(pl.__version__)}
        self._record = Published(basis=basis(hidden, versions), private=private)
        if before.basis == self._record.basis:
            self._before = before.files
        else:
            self._before = {}
        parts = {table.name: self._table(table, hidden) for table in tables}
        parts = {table: keys for table, keys in parts.items() if keys}
        if not parts:
            raise InputError(
                f"the lake has no table of those to publish ({plan.tables}): materialise them first"
            )
        drawn = [self._part(part) for part in figure_parts(self._lake)] if figures else []
        self._documents(plan, name, [one for one in tables if one.name in parts], parts, drawn)
        self._remove(remove_many)
        return self._commit(name, parts)

    def _table(self, table: Table, hidden: Sequence[str]) -> dict[str, FileFacts]:
        """The files of a table, by day or month."""
        found = {}
        for part in table_parts(self._lake, table, hidden):
            self._part(part)
            found[part.key] = self._files[part.path]
        if found:
            self._outcome.rows[table.name] = sum(one.rows for one in found.values())
        return found

    def _part(self, part: Part) -> str:
        """Compare a file with that of the repository, and send it where they differ."""
        staged = self._staging / f"{len(self._files)}{Path(part.path).suffix}"
        facts = part.still(self._before.get(part.path))
        if facts is None or facts.mark != part.mark:
            facts = part.written(staged)
        self._files[part.path] = facts
        if self._counted(part.path, facts.size, self._has(part.path, facts)):
            if self._repository and not staged.exists():
                self._files[part.path] = part.written(staged)
            self._send(part.path, staged)
        else:
            staged.unlink(missing_ok=True)
        return part.path

    def _has(self, path: str, content: Hashed) -> bool:
        remote = self._head.files.get(path)
        return remote is not None and remote.holds(content)

    def _counted(self, path: str, size: int, same: bool) -> bool:
        """Count a file; returns whether it is to be sent."""
        self._outcome.bytes += size
        if same:
            self._outcome.unchanged += 1
        else:
            self._outcome.sent[path] = size
        return not same

    def _send(self, path: str, content: Path | bytes) -> None:
        if not self._repository:
            if isinstance(content, Path):
                content.unlink(missing_ok=True)
            return
        addition = CommitOperationAdd(path, content)
        self._operations.append(addition)
        self._waiting.append(addition)
        size = sum(one.upload_info.size for one in self._waiting)
        if len(self._waiting) >= BATCH_FILES or size >= BATCH_BYTES:
            self._upload()

    def _upload(self) -> None:
        if not self._waiting or not self._repository:
            return
        staged = {id(one): one.path_or_fileobj for one in self._waiting}
        size = sum(one.upload_info.size for one in self._waiting)
        self._log(f"Sending {len(self._waiting)} files, {size:,} bytes")
        self._repository.upload(self._waiting)
        for one in self._waiting:
            path = staged[id(one)]
            # Small files go with the commit itself.
            if one.path_or_fileobj == b"" and isinstance(path, str):
                Path(path).unlink(missing_ok=True)
        self._waiting.clear()
        self._save()

    def _documents(
        self,
        plan: Plan,
        name: str,
        tables: Sequence[Table],
        parts: Mapping[str, Mapping[str, FileFacts]],
        drawn: Sequence[str],
    ) -> None:
        newest = self._lake.days("daily_metrics")[-1:]
        metrics = self._lake.read("daily_metrics", newest[0]).frame if newest else None
        hidden = {one for _, ids in self._record.private.values() for one in ids}
        texts = documents(
            Contents(name, plan.license, plan.about, tables, parts, drawn, metrics, hidden)
        )
        for path, text in {**texts, MARKER: plain_marker()}.items():
            content = text.encode()
            named = hashes(content)
            if self._counted(path, named.size, self._has(path, named)):
                self._send(path, content)
            self._files[path] = FileFacts(mark=(0, 0), **named._asdict())

    def _remove(self, remove_many: bool) -> None:
        ours = {path for path in self._head.files if path.split("/")[0] in (DATA, PICTURES)}
        removed = sorted(ours - self._files.keys())
        if len(removed) > max(FEW, MOST_REMOVED * len(ours)) and not remove_many:
            raise PublishError(
                f"the lake lacks {len(removed)} of the {len(ours)} files that are published: is it "
                "the right one (HF_ASSETS_DATA)? To remove them, set remove_many in the config"
            )
        self._outcome.removed = removed

    def _commit(self, name: str, parts: Mapping[str, Mapping[str, FileFacts]]) -> Outcome:
        outcome = self._outcome
        if not self._repository:
            self._save()
            return outcome
        if outcome.differs:
            if len(self._operations) > MOST_FILES:
                raise PublishError(
                    f"{len(self._operations):,} files are too many for one commit ({MOST_FILES:,}):"
                    " publish fewer tables first (HF_ASSETS_PUBLISH_TABLES)"
                )
            assert self._head.commit
            message = _message(outcome, parts)
            if self._waiting:
                # After the Hub has looked at the card.
                self._log(f"Sending {len(self._waiting)} files")
            outcome.commit = self._repository.commit(
                self._head.commit, message, self._operations, outcome.removed
            )
            outcome.changed = True
            self._log(f"{message}: {outcome.commit}")
        self._record.repository, self._record.commit = name, outcome.commit
        self._before = {}
        self._save()
        return outcome

    def _save(self) -> None:
        """Keep what was computed; a run that is killed later need not do it again."""
        files = {**self._before, **self._files}
        self._record.files = {path: one for path, one in files.items() if any(one.mark)}
        write_published(self._lake, self._record)


def _message(outcome: Outcome, parts: Mapping[str, Mapping[str, FileFacts]]) -> str:
    newest = max((key for keys in parts.values() for key in keys if key != "all"), default="all")
    removed = f", {len(outcome.removed)} removed" if outcome.removed else ""
    return f"Publish {newest}: {len(outcome.sent)} files new or changed{removed}"
