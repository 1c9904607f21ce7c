"""hub-stats: a public dataset that a job overwrites daily; its git revisions are past days.

`models.parquet` (1.5 GB in 2026), `spaces.parquet` and `datasets.parquet` lie at the root of the
repository. A day is the revision after its last commit, and only if a commit of that day wrote the
file: a file from the day before is not this day's. Only the columns that the tables need are
fetched, by byte ranges, a row group at a time.
"""

import re
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.errors import clean
from hf_assets.hub.archive.arrow_rows import ArrowRows
from hf_assets.hub.archive.base import KINDS, ArchivedDay, ArchivedPage, ArchiveError
from hf_assets.hub.archive.column_ranges import range_pages
from hf_assets.hub.archive.ranged_file import RangedFile
from hf_assets.hub.client.addresses import next_address
from hf_assets.hub.client.connection import HubConnection, HubError
from hf_assets.hub.client.wire import Kind
from hf_assets.transport import Answer

DATASET = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
FILES: dict[Kind, str] = {kind: f"{kind}.parquet" for kind in KINDS}
# Commits a page: the Hub's own default is 50, and a day has had two.
COMMITS_PAGE = 1000
# Seconds for which a list of commits is up to date.
FRESH = 600.0
_HASH = re.compile(r"[0-9a-f]{40}")
_ADVICE = {
    404: "it is not there: check HF_ASSETS_ARCHIVE and HF_ENDPOINT",
    429: "the Hub asks for patience: run again later",
}

# An answer of another shape ends in one of these.
_MALFORMED = (ValueError, TypeError, KeyError, OverflowError)

# Commits by endpoint and dataset, with the time of the request: one list for the process.
_commits: dict[tuple[str, str], tuple[float, dict[str, str]]] = {}


@contextmanager
def archive_errors(what: str) -> Generator[None]:
    """A Hub's error as an `ArchiveError` that names what cannot be read."""
    try:
        yield
    except HubError as error:
        advice = error.advice_or(by_status=_ADVICE)
        raise ArchiveError(
            f"{what} cannot be read: {error.causes}. {advice[0].upper()}{advice[1:]}.",
            permanent=error.permanent,
        ) from None


@dataclass
class HubStats:
    """The revisions of a dataset like cfahlgren1/hub-stats.

    Args:
        dataset: `author/name`.
        connection: to the Hub that serves the dataset.
    """

    dataset: str
    connection: HubConnection
    _files: dict[str, list[dict[str, Any]]] = field(default_factory=dict, init=False)

    # A day of millions of models needs all the memory.
    workers = 1

    @property
    def name(self) -> str:
        """The dataset."""
        return f"the dataset {self.dataset}"

    def days(self) -> set[str]:
        """Days with any commit. ArchiveError."""
        return set(self._last_commits())

    def find(self, kind: Kind, day: str) -> ArchivedDay | None:
        """The revision in which a commit of that day wrote the file of that kind. ArchiveError."""
        commit = self._last_commits().get(day)
        file = self._file(commit, FILES[kind]) if commit else None
        if file is None:
            return None
        wrote = file["lastCommit"]
        time_of = _time(wrote["date"])
        if f"{time_of:%Y-%m-%d}" != day:
            return None  # as a day before left it
        source = f"{self.dataset}@{wrote['id']}/{FILES[kind]}"
        facts = {
            "source": "hub-stats",
            "endpoint": self.connection.endpoint,
            "dataset": self.dataset,
            "revision": wrote["id"],
            "committed": time_of.isoformat(),
            "file": FILES[kind],
        }
        archived = ArchivedDay(source, time_of, facts)
        archived.read_on = partial(self._pages, kind, archived, file["size"])
        archived.read = partial(archived.read_on, iter(()))
        return archived

    def remarks(self, first: str) -> list[str]:  # noqa: ARG002 - of the protocol
        """None: the archive has nothing before its first day, and a later first day is a choice."""
        return []

    def _pages(
        self, kind: Kind, day: ArchivedDay, size: int, stored: Iterator[bytes]
    ) -> Iterator[ArchivedPage]:
        revision, name = day.facts["revision"], day.facts["file"]
        endpoint = self.connection.endpoint
        url = f"{endpoint}/datasets/{self.dataset}/resolve/{revision}/{name}"
        before = self.connection.fetched
        try:
            with archive_errors(day.source):
                remote = RangedFile(self.connection, url, size)
                # Not pre-buffered: the ranges are fetched before pyarrow asks for them.
                rows = ArrowRows(pq.ParquetFile(pa.PythonFile(remote, mode="r")), kind)
                described = partial(rows.report.describe, day)
                described()
                day.expected_rows = rows.file.metadata.num_rows
                yield from range_pages(remote, rows, described, stored)
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError) as error:
            raise ArchiveError(f"{day.source} cannot be read as Parquet: {clean(error)}.") from None
        day.facts["bytes_fetched"] = self.connection.fetched - before + remote.stored
        day.facts["bytes_whole"] = size

    def _last_commits(self) -> dict[str, str]:
        """The last commit of each day, by day."""
        key = self.connection.endpoint, self.dataset
        requested, commits = _commits.get(key, (-FRESH, {}))
        if not commits or time.monotonic() - requested > FRESH:
            commits = dict(self._request_commits())
            _commits[key] = time.monotonic(), commits
        return commits

    def _request_commits(self) -> Iterator[tuple[str, str]]:
        """Day and commit, oldest first; the Hub lists the newest first."""
        commits: dict[str, tuple[datetime, int]] = {}
        path = f"{self.connection.endpoint}/api/datasets/{self.dataset}/commits/main"
        url: str | None = f"{path}?limit={COMMITS_PAGE}"
        while url:
            before = len(commits)
            answer = self._get(url, f"the commits of {self.dataset}")
            try:
                for one in answer.json():
                    # The Hub's order settles two commits of one second.
                    commits.setdefault(_hash(one["id"]), (_time(one["date"]), -len(commits)))
                # The token must not follow a link to elsewhere.
                url = next_address(answer.headers, path)[0]
            except _MALFORMED as error:
                raise ArchiveError(f"{path} gives no list of commits: {_cause(error)}") from None
            if len(commits) == before:
                break  # a page without a new commit is the last, whatever it links to
        ordered = sorted((at, order, commit) for commit, (at, order) in commits.items())
        return ((f"{at:%Y-%m-%d}", commit) for at, _, commit in ordered)

    def _get(self, url: str, what: str, form: dict | None = None) -> Answer:
        with archive_errors(what):
            return self.connection.get(url, lambda answer: answer, form=form)

    def _file(self, commit: str, name: str) -> dict[str, Any] | None:
        """Size and last commit of a file in that revision; None without the file."""
        if commit not in self._files:
            endpoint = self.connection.endpoint
            url = f"{endpoint}/api/datasets/{self.dataset}/paths-info/{quote(commit)}"
            what = f"{self.dataset}@{commit}"
            answer = self._get(url, what, {"paths": list(FILES.values()), "expand": True})
            try:
                self._files[commit] = [_checked(one) for one in answer.json() if "size" in one]
            except _MALFORMED as error:
                raise ArchiveError(
                    f"{what} does not say what its files are: {_cause(error)}"
                ) from None
        return next((one for one in self._files[commit] if one["path"] == name), None)


def _cause(error: Exception) -> str:
    return clean(f"{type(error).__name__}: {error}")


def _checked(file: dict[str, Any]) -> dict[str, Any]:
    wrote = file["lastCommit"]
    _hash(wrote["id"]), _time(wrote["date"])
    return {"path": str(file["path"]), "size": int(file["size"]), "lastCommit": wrote}


def _hash(text: Any) -> str:
    """A commit's hash: it becomes part of an address."""
    if not isinstance(text, str) or not _HASH.fullmatch(text):
        raise ValueError(f"not a commit: {text!r}"[:200])
    return text


def _time(text: Any) -> datetime:
    at = datetime.fromisoformat(str(text))
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
