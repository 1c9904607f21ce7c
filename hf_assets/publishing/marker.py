"""The file by which a repository is known as ours, so that no other's is written into."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from hf_assets.publishing.hashes import Hashes
from hf_assets.publishing.repository import Head
from hf_assets.storage.records import Record

# Without this file, another's files are in a repository.
MARKER = "hf_assets.json"
LAYOUT, PUBLISHER = 1, "hf_assets"
# What a new repository has.
INITIAL = frozenset((".gitattributes", "README.md"))


class Revision(Record):
    """A commit of a repository: `repository` is owner/name."""

    repository: str
    commit: str


class TaggerMarker(Record):
    """The marker in the repositories of a tagger.

    Attributes:
        corpus: that the tagger was trained on.
        files: each published file, by path.
        model: of a Space: the commit of the model that it shows.
    """

    layout: int = LAYOUT
    publisher: str = PUBLISHER
    corpus: str = ""
    files: Mapping[str, Hashes] = {}
    model: Revision | None = None

    def written(self) -> bytes:
        """The marker as a file; the same values give the same bytes."""
        return json.dumps(self.to_json(), sort_keys=True, indent=1).encode() + b"\n"


def plain_marker() -> str:
    """The marker of a repository whose files are ours by their paths."""
    return json.dumps({"layout": LAYOUT, "publisher": PUBLISHER}) + "\n"


def has_marker(head: Head) -> bool:
    """Whether hf_assets published there, or nobody has yet."""
    return MARKER in head.files or not head.files.keys() - INITIAL


def tagger_marker(content: bytes) -> TaggerMarker | None:
    """The marker that hf_assets wrote; None for any other content."""
    try:
        value: Any = json.loads(content)
        marker = TaggerMarker.read(value)
    except (ValueError, TypeError, msgspec.ValidationError):
        return None
    return marker if value.get("publisher") == PUBLISHER else None
