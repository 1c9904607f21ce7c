"""The commits of an archive that is written over every day."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

from hf_assets.demo.hub_stats.faults import ArchiveFaults
from hf_assets.demo.world.source import Kind

FIRST_DAY = date(2024, 7, 29)
USUAL_HOUR, EARLY_HOUR = 13, 1
CARD = "README.md"
FILES: Mapping[str, Kind] = {
    "models.parquet": "models",
    "spaces.parquet": "spaces",
    "datasets.parquet": "datasets",
}
# Minutes after the models' upload.
_LATER = {"spaces.parquet": 15, "datasets.parquet": 25, CARD: 40}
_INITIAL = (".gitattributes", CARD)


@dataclass(frozen=True)
class Commit:
    """One commit.

    oid: 40 hex digits.
    when: UTC.
    title: as the tool that uploads writes it.
    touched: the file it changed; the first commit brings what there is besides.
    """

    oid: str
    when: datetime
    title: str
    touched: str

    @property
    def date(self) -> str:
        """As the Hub writes it."""
        return self.when.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass(frozen=True)
class Revision:
    """The repository as of one commit.

    commit: that one.
    last: the last commit that touched each file that is there.
    """

    commit: Commit
    last: Mapping[str, Commit]

    def day_of(self, path: str) -> date | None:
        """The day a file describes; None for one that describes none."""
        return self.last[path].when.date() if path in FILES else None


class Commits:
    """All commits before a day.

    A day has one upload of the models, one of the Spaces a quarter of an hour later (so at the
    first, the Spaces are those of the day before), and then one of the datasets; the first of a
    month has a change of the card besides, after them.

    Args:
        identity: whose archive; another one has other hashes.
        until: the day after the last one.
        faults: the days that differ.
        usual: the hour of the models' upload, UTC.
    """

    def __init__(
        self, identity: str, until: date, faults: ArchiveFaults, usual: int = USUAL_HOUR
    ) -> None:
        made = [self._made(identity, FIRST_DAY - timedelta(days=1), _INITIAL[0], 12)]
        day = FIRST_DAY
        while day < until:
            hour = EARLY_HOUR if day in faults.early else usual
            if day in faults.readme_only:
                made.append(self._made(identity, day, CARD, hour))
            elif day not in faults.gaps:
                made += [self._made(identity, day, path, hour) for path in FILES]
                if day.day == 1:
                    made.append(self._made(identity, day, CARD, hour))
            day += timedelta(days=1)
        self.oldest_first = made

    @staticmethod
    def _made(identity: str, day: date, path: str, hour: int) -> Commit:
        digest = hashlib.sha1(f"{identity}/{day}/{path}".encode(), usedforsecurity=False)
        oid = digest.hexdigest()
        minute = 3 + int(oid[:2], 16) % 7 + _LATER.get(path, 0)
        when = datetime.combine(day, time(hour, minute, int(oid[2:4], 16) % 60), UTC)
        title = f"Upload {path} with huggingface_hub" if path in FILES else f"Update {path}"
        return Commit(oid, when, "initial commit" if path == _INITIAL[0] else title, path)

    @cached_property
    def newest_first(self) -> list[Commit]:
        """As the Hub lists them."""
        return self.oldest_first[::-1]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {commit.oid: place for place, commit in enumerate(self.oldest_first)}

    def place(self, revision: str) -> int | None:
        """Where `main` or a hash stands, 0 for the oldest; None for what is neither."""
        return len(self.oldest_first) - 1 if revision == "main" else self._places.get(revision)

    def revision(self, revision: str) -> Revision | None:
        """The repository as of `main` or a hash; None for what is neither."""
        place = self.place(revision)
        if place is None:
            return None
        last: dict[str, Commit] = {}
        for commit in reversed(self.oldest_first[: place + 1]):
            last.setdefault(commit.touched, commit)
            if len(last) == len(FILES) + len(_INITIAL):
                break
        last.setdefault(CARD, self.oldest_first[0])
        last.setdefault(_INITIAL[0], self.oldest_first[0])
        return Revision(self.oldest_first[place], last)
