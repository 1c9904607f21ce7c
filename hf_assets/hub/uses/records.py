"""Counts of a day of `uses`: a record in its footer."""

from typing import Any

import msgspec

from hf_assets.hub.uses.schemas import KINDS
from hf_assets.storage.records import Record


class EdgeCounts(Record):
    """Counts of one kind of edges.

    Attributes:
        sources: Spaces or models of the day whose field is there, even if it names nothing.
        naming: of them those with an edge.
        edges: of the table.
        duplicates: targets that a source names again.
        empty: names without a character, which are no edge.
        malformed: arXiv ids of another form, kept as given.
        to_itself: models that name themselves, kept.
        unknown: edges whose target is not listed; None where `known` is null.
        other_case: of those, targets that are listed in other upper and lower case.
    """

    sources: int = 0
    naming: int = 0
    edges: int = 0
    duplicates: int = 0
    empty: int = 0
    malformed: int = 0
    to_itself: int = 0
    unknown: int | None = None
    other_case: int | None = None

    @property
    def stated(self) -> bool:
        """Whether the day's source has the field at all: without it, 0 edges mean nothing."""
        return self.sources > 0


class UsesCounts(Record):
    """Counts of a day of `uses`, by kind of edge."""

    kinds: dict[str, EdgeCounts] = msgspec.field(
        default_factory=lambda: {kind: EdgeCounts() for kind in KINDS}
    )

    @property
    def edges(self) -> int:
        """Edges of all kinds."""
        return sum(counts.edges for counts in self.kinds.values())

    def to_json(self) -> dict[str, Any]:
        """The notes of the table: the record, and its counts by name for the UI."""
        notes = super().to_json()
        shown = {
            f"{kind}: {name.replace('_', ' ')}": count
            for kind, counts in notes["kinds"].items()
            for name, count in counts.items()
            if count or name == "edges"
        }
        return {**notes, **shown}
