"""What the embedded Hub serves: the contract between its HTTP side and where its rows come from.

Field and sort names are those on the wire. The property lists are huggingface_hub 2.4's
`ExpandModelProperty_T`, `ExpandSpaceProperty_T` and `ExpandDatasetProperty_T`; the default keys and
their order are those of one real answer of `/api/models` (2025-12), and for datasets those that
huggingface_hub's client reads.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["models", "spaces", "datasets"]
SortValue = str | int | float | None

EXPAND: dict[Kind, tuple[str, ...]] = {
    "models": (
        "author", "baseModels", "cardData", "childrenModelCount", "config", "createdAt", "disabled",
        "downloads", "downloadsAllTime", "evalResults", "gated", "gguf", "inference",
        "inferenceProviderMapping", "lastModified", "library_name", "likes", "mask_token",
        "model-index", "pipeline_tag", "private", "resourceGroup", "safetensors", "sha", "siblings",
        "spaces", "tags", "transformersInfo", "trendingScore", "usedStorage", "widgetData",
    ),
    "spaces": (
        "author", "cardData", "createdAt", "datasets", "disabled", "lastModified", "likes",
        "models", "private", "region", "resourceGroup", "runtime", "sdk", "sha", "siblings",
        "subdomain", "tags", "trendingScore", "usedStorage",
    ),
    "datasets": (
        "author", "cardData", "citation", "createdAt", "description", "disabled", "downloads",
        "downloadsAllTime", "gated", "lastModified", "likes", "mainSize", "paperswithcode_id",
        "private", "resourceGroup", "sha", "siblings", "tags", "trendingScore", "usedStorage",
    ),
}  # fmt: skip

SORTS: dict[Kind, tuple[str, ...]] = {
    "models": ("createdAt", "downloads", "likes", "lastModified", "trendingScore"),
    "spaces": ("createdAt", "likes", "lastModified", "trendingScore"),
    "datasets": ("createdAt", "downloads", "likes", "lastModified", "trendingScore"),
}

DEFAULT_FIELDS: dict[Kind, frozenset[str]] = {
    "models": frozenset(
        {"_id", "id", "likes", "trendingScore", "private", "downloads", "tags", "pipeline_tag"}
        | {"library_name", "createdAt", "modelId"}
    ),
    "spaces": frozenset(
        {"_id", "id", "likes", "trendingScore", "private", "sdk", "tags", "createdAt"}
    ),
    "datasets": frozenset(
        {"_id", "id", "author", "disabled", "gated", "lastModified", "likes", "trendingScore"}
        | {"private", "sha", "description", "downloads", "paperswithcode_id", "tags", "createdAt"}
    ),
}
FULL_FIELDS: dict[Kind, frozenset[str]] = {
    "models": DEFAULT_FIELDS["models"] | {"author", "gated", "lastModified", "sha", "siblings"},
    "spaces": DEFAULT_FIELDS["spaces"] | {"author", "lastModified", "sha", "cardData", "siblings"},
    "datasets": DEFAULT_FIELDS["datasets"] | {"cardData", "citation", "siblings"},
}

# The order in which a row's keys are written.
KEY_ORDER: dict[Kind, tuple[str, ...]] = {
    "models": (
        "_id", "id", "author", "gated", "disabled", "inference", "lastModified", "likes",
        "trendingScore", "private", "sha", "config", "downloads", "downloadsAllTime", "tags",
        "pipeline_tag", "library_name", "createdAt", "modelId", "siblings", "cardData",
        "baseModels", "childrenModelCount", "evalResults", "gguf", "inferenceProviderMapping",
        "mask_token", "model-index", "resourceGroup", "safetensors", "spaces", "transformersInfo",
        "usedStorage", "widgetData",
    ),
    "spaces": (
        "_id", "id", "author", "cardData", "disabled", "lastModified", "likes", "trendingScore",
        "private", "sha", "sdk", "runtime", "tags", "createdAt", "siblings", "subdomain", "models",
        "datasets", "region", "resourceGroup", "usedStorage",
    ),
    "datasets": (
        "_id", "id", "author", "cardData", "citation", "disabled", "gated", "lastModified", "likes",
        "trendingScore", "private", "sha", "description", "downloads", "downloadsAllTime",
        "paperswithcode_id", "tags", "createdAt", "siblings", "mainSize", "resourceGroup",
        "usedStorage",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Where:
    """What a listing is narrowed to; every condition must hold.

    tags: each is among a row's tags, or is its pipeline_tag, library_name or sdk.
    author: the part of the id before the slash, exactly.
    search: a part of the id, in any case.
    """

    tags: tuple[str, ...] = ()
    author: str | None = None
    search: str | None = None


@dataclass(frozen=True)
class Keyset:
    """Where a page ended: the last row's sort value (None where absent) and its `_id`."""

    value: SortValue
    hub_id: str


class Listing(Protocol):
    """One sorted listing, frozen at the moment it was asked for: sort value descending, absent
    values last, then `_id` ascending."""

    @property
    def total(self) -> int:
        """Number of rows in the whole listing."""
        ...

    def locate(self, after: Keyset | None) -> int:
        """Position of the first row past `after`; 0 for None.

        Raises ValueError when the value cannot be one of this sort.
        """
        ...

    def page(
        self, position: int, limit: int, fields: frozenset[str]
    ) -> tuple[list[bytes], Keyset | None]:
        """Up to `limit` rows from `position`, each a JSON object, and the last one's keyset."""
        ...


class HubSource(Protocol):
    """Rows of a Hub. Called from several threads at once."""

    def total(self, kind: Kind) -> int:
        """Number of repositories of that kind."""
        ...

    def listing(self, kind: Kind, sort: str, where: Where) -> Listing:
        """The listing sorted by one of SORTS."""
        ...

    def row(self, kind: Kind, repo_id: str, fields: frozenset[str]) -> bytes | None:
        """One row as a JSON object; None where no such repository is."""
        ...
