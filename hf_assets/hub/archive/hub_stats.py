"""hub-stats: a public dataset that is overwritten daily, and whose git revisions are past days.

`models.parquet` (1.5 GB in 2026) and `spaces.parquet` at the root of the repository. A day is the
revision that its last commit shows, and only where that day's commits wrote the file itself: what
lies there from the day before is not this day. Of the file, the columns that the tables need are
read by byte ranges, a row group at a time.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import constants

from hf_assets.errors import clean
from hf_assets.hub.archive.arrow_rows import ArrowRows
from hf_assets.hub.archive.base import ArchivedDay, ArchivedPage, ArchiveError
from hf_assets.hub.archive.ranged_file import RangedFile, Web
from hf_assets.hub.client.addresses import next_address
from hf_assets.hub.client.pacing import pacer_for
from hf_assets.hub.client.rows import Kind
from hf_assets.transport import Answer

DATASET = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
FILES: dict[Kind, str] = {"models": "models.parquet", "spaces": "spaces.parquet"}
# Commits a page: the Hub's own default is 50, and a day has had two.
COMMITS_PAGE = 1000
# Seconds for which a list of commits is believed.
FRESH = 600.0
_HASH = re.compile(r"[0-9a-f]{40}")

# What an answer of another form ends in.
_MALFORMED = (ValueError, TypeError, KeyError, OverflowError)

# What this process knows: commits by endpoint and dataset, with the time they were asked for.
_commits: dict[tuple[str, str], tuple[float, dict[str, str]]] = {}


@dataclass
class HubStats:
    """The revisions of a dataset like cfahlgren1/hub-stats.

    Args:
        dataset: its name.
        endpoint: the Hub; default: HF_ENDPOINT as huggingface_hub read it.
        web: how to talk to it.
    """

    dataset: str
    endpoint: str = field(default_factory=lambda: constants.ENDPOINT)
    web: Web = field(default_factory=Web)
    _found: dict[str, list[dict[str, Any]]] = field(default_factory=dict, init=False)

    # A day of millions of models wants the memory that it wants.
    workers = 1

    def __post_init__(self) -> None:
        self.endpoint = self.endpoint.rstrip("/")

    @property
    def name(self) -> str:
        """The dataset."""
        return f"the dataset {self.dataset}"

    def days(self) -> set[str]:
        """Days on which anything was committed. ArchiveError."""
        return set(self._last_commits())

    def find(self, kind: Kind, day: str) -> ArchivedDay | None:
        """The revision that a commit of that day made of the file of that kind. ArchiveError."""
        commit = self._last_commits().get(day)
        said = self._file(commit, FILES[kind]) if commit else None
        if said is None:
            return None
        wrote = said["lastCommit"]
        time_of = _time(wrote["date"])
        if f"{time_of:%Y-%m-%d}" != day:
            return None  # as a day before left it
        place = f"{self.dataset}@{wrote['id']}/{FILES[kind]}"
        facts = {
            "source": "hub-stats",
            "endpoint": self.endpoint,
            "dataset": self.dataset,
            "revision": wrote["id"],
            "committed": time_of.isoformat(),
            "file": FILES[kind],
        }
        found = ArchivedDay(place, time_of, facts)
        found.read = lambda: self._pages(kind, found, said["size"])
        return found

    def remarks(self, first: str) -> list[str]:  # noqa: ARG002 - any archive is asked so
        """None: before its first day it has nothing, and a later first day is a choice."""
        return []

    def _pages(self, kind: Kind, day: ArchivedDay, size: int) -> Iterator[ArchivedPage]:
        revision, name = day.facts["revision"], day.facts["file"]
        url = f"{self.endpoint}/datasets/{self.dataset}/resolve/{revision}/{name}"
        before = self.web.fetched
        try:
            # Pre-buffered: the ranges of a row group's columns are joined where they touch.
            remote = pa.PythonFile(RangedFile(self.web, url, size, day.place), mode="r")
            rows = ArrowRows(pq.ParquetFile(remote, pre_buffer=True), kind)
            rows.report.log(day)
            for page in rows.pages():
                rows.report.log(day)
                yield page
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError) as error:
            raise ArchiveError(f"{day.place} cannot be read as Parquet: {clean(error)}.") from None
        day.facts["bytes_fetched"], day.facts["bytes_whole"] = self.web.fetched - before, size

    def _last_commits(self) -> dict[str, str]:
        """The last commit of each day, by day."""
        asked, known = _commits.get((self.endpoint, self.dataset), (-FRESH, {}))
        if not known or time.monotonic() - asked > FRESH:
            known = dict(self._ask_commits())
            _commits[self.endpoint, self.dataset] = time.monotonic(), known
        return known

    def _ask_commits(self) -> Iterator[tuple[str, str]]:
        """Day and commit, of which the newest comes first from the Hub, and last from here."""
        found: dict[str, tuple[datetime, int]] = {}
        path = f"{self.endpoint}/api/datasets/{self.dataset}/commits/main"
        url: str | None = f"{path}?limit={COMMITS_PAGE}"
        while url:
            before = len(found)
            answer = self._ask(url, f"the commits of {self.dataset}")
            try:
                for one in answer.json():
                    # The Hub's order settles two commits of one second.
                    found.setdefault(_hash(one["id"]), (_time(one["date"]), -len(found)))
                # The token must not follow a link to elsewhere.
                url = next_address(answer.headers, path)[0]
            except _MALFORMED as error:
                raise ArchiveError(f"{path} gives no list of commits: {_told(error)}") from None
            if len(found) == before:
                break  # a page without a new commit is the last, whatever it links to
        ordered = sorted((at, order, commit) for commit, (at, order) in found.items())
        return ((f"{at:%Y-%m-%d}", commit) for at, _, commit in ordered)

    def _ask(self, url: str, what: str, form: dict | None = None) -> Answer:
        """An answer of the API, whose requests are counted with those of the listings."""
        pacer = pacer_for(self.endpoint)
        pacer.wait()
        answer = self.web.get(url, what, form=form)
        pacer.heard(answer.headers)
        return answer

    def _file(self, commit: str, name: str) -> dict[str, Any] | None:
        """What that revision says of a file; None where it has none."""
        if commit not in self._found:
            url = f"{self.endpoint}/api/datasets/{self.dataset}/paths-info/{quote(commit)}"
            what = f"{self.dataset}@{commit}"
            answer = self._ask(url, what, {"paths": list(FILES.values()), "expand": True})
            try:
                self._found[commit] = [_checked(one) for one in answer.json() if "size" in one]
            except _MALFORMED as error:
                raise ArchiveError(
                    f"{what} does not say what its files are: {_told(error)}"
                ) from None
        return next((one for one in self._found[commit] if one["path"] == name), None)


def _told(error: Exception) -> str:
    return clean(f"{type(error).__name__}: {error}")


def _checked(said: dict[str, Any]) -> dict[str, Any]:
    wrote = said["lastCommit"]
    _hash(wrote["id"]), _time(wrote["date"])
    return {"path": str(said["path"]), "size": int(said["size"]), "lastCommit": wrote}


def _hash(text: Any) -> str:
    """A commit's hash: it becomes part of an address."""
    if not isinstance(text, str) or not _HASH.fullmatch(text):
        raise ValueError(f"not a commit: {text!r}"[:200])
    return text


def _time(text: Any) -> datetime:
    at = datetime.fromisoformat(str(text))
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
