"""Counts of Spaces' files: records in the tables' footers."""

import msgspec

from hf_assets.storage.records import Record


class TreeCounts(Record):
    """Counts of a day of `raw_space_trees`.

    Attributes:
        rows: Spaces.
        known: Spaces whose files are known.
        asked: Spaces that the Hub was asked about on that day, with so many `requests`.
        reasons: of the others, the most frequent first.
    """

    rows: int = 0
    known: int = 0
    asked: int = 0
    requests: int = 0
    reasons: dict[str, int] = msgspec.field(default_factory=dict)

    def count(self, reason: str | None, requests: int, *, asked_today: bool) -> None:
        """Count a Space."""
        self.known += reason is None
        self.asked += asked_today
        self.requests += requests
        if reason is not None:
            counted = self.reasons | {reason: self.reasons.get(reason, 0) + 1}
            self.reasons = dict(sorted(counted.items(), key=lambda one: (-one[1], one[0])))


class CodeCounts(Record):
    """Counts of a day of `space_code`.

    Attributes:
        rows: Spaces.
        known: Spaces whose files are known.
        reasons, packages_reasons: of the others, the most frequent first.
        endpoint: the Hub that was asked, or None.
    """

    rows: int = 0
    known: int = 0
    reasons: dict[str, int] = msgspec.field(default_factory=dict)
    packages_reasons: dict[str, int] = msgspec.field(default_factory=dict)
