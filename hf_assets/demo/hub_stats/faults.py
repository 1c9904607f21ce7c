"""Switches that make the embedded archive of past days misbehave as the real one has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

from hf_assets.demo.service.switches import At, Switches


def _days(text: str) -> set[date]:
    return {date.fromisoformat(part) for part in text.split("+")}


@dataclass
class ArchiveFaults(Switches):
    """What goes wrong with the archive: `503:2/models,cut=0.3:1@2/spaces,gaps=2026-09-03`.

    What strikes single requests names, if it must, one kind of them: `commits` (a page of the list
    of commits), `info` (the dataset, a tree, paths), `models`, `spaces` or `datasets` (their
    files). Its page is that of the list for commits, and else which request of the kind it is, 1
    for the first. What a day lacks is a set of days: `partial=2026-09-10+2026-09-11`.
    """

    STATUSES: ClassVar[tuple[int, ...]] = (408, 500, 502, 503, 504)
    KINDS: ClassVar[tuple[str, ...]] = ("commits", "info", "models", "spaces", "datasets")
    ALIASES: ClassVar[Mapping[str, str]] = {"429": "too_many"}
    READERS: ClassVar[Mapping[str, Callable[[str], Any]]] = {
        **dict.fromkeys(
            ("gaps", "readme_only", "partial", "stalled", "rolled_back", "early"), _days
        ),
        "cards_from": date.fromisoformat,
        "all_time_from": date.fromisoformat,
        "sizes_from": date.fromisoformat,
    }

    # 429 with `RateLimit: "<bucket>";r=0;t=<value>`, value in seconds, 1 by default.
    too_many: list[At] = field(default_factory=list)
    # No byte for `value` seconds (an hour by default), then the answer.
    stall: list[At] = field(default_factory=list)
    # The headers come, then no byte for `value` seconds (an hour by default), then the body.
    stall_body: list[At] = field(default_factory=list)
    # The body comes at `value` bytes a second, 200 by default.
    trickle: list[At] = field(default_factory=list)
    # Content-Length is right; the connection closes after the share `value` of it, half by default.
    cut: list[At] = field(default_factory=list)
    # The Range is not looked at: 200 and the whole file, as through some proxies.
    whole: list[At] = field(default_factory=list)

    # Days without a commit.
    gaps: set[date] = field(default_factory=set)
    # Days whose only commit touches the card: both files are those of the day before.
    readme_only: set[date] = field(default_factory=set)
    # Days with a quarter of their rows.
    partial: set[date] = field(default_factory=set)
    # Days with the download counters of the day before.
    stalled: set[date] = field(default_factory=set)
    # Days whose all-time counters are those of ten days before.
    rolled_back: set[date] = field(default_factory=set)
    # Days whose files were made shortly after midnight, not at the usual hour.
    early: set[date] = field(default_factory=set)
    # First day of cardData and trendingScore, of downloadsAllTime, and of a dataset's mainSize:
    # before, no such columns.
    cards_from: date = date(2024, 10, 1)
    all_time_from: date = date(2025, 2, 26)
    sizes_from: date = date(2026, 3, 1)
