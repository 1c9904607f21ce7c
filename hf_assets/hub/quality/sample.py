"""A sample of Spaces, requested one by one and compared with the listing."""

import random
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from hf_assets.errors import clean
from hf_assets.hub.client.connection import HubConnection, HubError
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable
from hf_assets.transport import Answer

SAMPLE = 20
_FIELDS = "expand=sdk&expand=models&expand=lastModified"


class _Space(msgspec.Struct, rename="camel"):
    """A Space as `/api/spaces/ID` serves it."""

    sdk: str | None = None
    models: list[str] | None = None
    last_modified: datetime | None = None


def sample_agrees(stored: StoredTable, endpoint: str, timeout: float) -> RuleResult:
    """20 Spaces of the table have the sdk and models that the Hub serves now.

    Spaces that were deleted or changed since the capture are counted separately, by their last
    commit.

    Args:
        stored: a day of `enriched_spaces`.
        endpoint: the Hub it was captured from.
        timeout: seconds a request.
    """
    # Without retries: a sample must not wait for a Hub that is down, nor fail a day.
    hub = HubConnection(endpoint, connect_timeout=timeout, read_timeout=timeout, retries=0)
    at = random.Random(stored.day).sample(range(stored.rows), min(SAMPLE, stored.rows))
    rows = stored.frame.select("id", "sdk", "models", "last_modified").collect()[at]
    differ, deleted, changed, unanswered = [], 0, 0, 0
    for row in rows.iter_rows(named=True):
        try:
            space = hub.get(f"{hub.endpoint}/api/spaces/{quote(row['id'])}?{_FIELDS}", _space)
        except HubError as error:
            deleted += _is_deleted(error)
            unanswered += not _is_deleted(error)
            continue
        if (
            space.last_modified
            and row["last_modified"]
            and space.last_modified > row["last_modified"]
        ):
            changed += 1
        elif (space.sdk, set(space.models or [])) != (row["sdk"], set(row["models"] or [])):
            differ.append(row["id"])
    metadata = {
        "requested": rows.height,
        "deleted": deleted,
        "changed_since": changed,
        "unanswered": unanswered,
        "different": len(differ),
    }
    names = f": {clean(', '.join(differ), 500)}" if differ else ""
    text = f"{len(differ)} of {rows.height} Spaces differ{names}."
    return RuleResult(not differ, text, metadata, severity="WARN")


def _space(answer: Answer) -> _Space:
    """The Space in an answer. ValueError for another answer."""
    space = msgspec.json.decode(answer.body, type=_Space)
    if space.last_modified and space.last_modified.tzinfo is None:
        space.last_modified = space.last_modified.replace(tzinfo=UTC)
    return space


def _is_deleted(error: HubError) -> bool:
    """Whether a Space is missing or private: the Hub answers 401 for both, or for a bad token."""
    bad_token = "Invalid credentials" in error.causes
    return error.status == 404 or (error.status == 401 and not bad_token)
