"""A few Spaces, requested one by one, against the listing's rows of them."""

import random
from datetime import datetime
from typing import Any
from urllib.parse import quote

from hf_assets.errors import clean
from hf_assets.hub.client.connection import HubConnection, HubError
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable
from hf_assets.transport import Answer

SAMPLE = 20
_FIELDS = "expand=sdk&expand=models&expand=lastModified"


def sample_agrees(stored: StoredTable, endpoint: str, timeout: float) -> RuleResult:
    """20 Spaces of the table against `/api/spaces/ID`: sdk and models, as served now.

    Spaces deleted or changed since the capture are told apart by their last commit.

    Args:
        stored: a day of `enriched_spaces`.
        endpoint: the Hub it was captured from.
        timeout: seconds a request.
    """
    # A sample is no reason to wait for a Hub that is down, nor to fail a day.
    hub = HubConnection(endpoint, connect_timeout=timeout, read_timeout=timeout, retries=0)
    at = random.Random(stored.day).sample(range(stored.rows), min(SAMPLE, stored.rows))
    rows = stored.frame.select("id", "sdk", "models", "last_modified").collect()[at]
    differ, gone, changed, unanswered = [], 0, 0, 0
    for row in rows.iter_rows(named=True):
        try:
            url = f"{hub.endpoint}/api/spaces/{quote(row['id'])}?{_FIELDS}"
            sdk, models, last_modified = hub.get(url, _space)
        except HubError as error:
            if _is_gone(error):
                gone += 1
            else:
                unanswered += 1
            continue
        if last_modified and row["last_modified"] and last_modified > row["last_modified"]:
            changed += 1
        elif (sdk, models) != (row["sdk"], set(row["models"] or [])):
            differ.append(row["id"])
    figures = {
        "asked": rows.height,
        "gone": gone,
        "changed since": changed,
        "unanswered": unanswered,
        "differ": len(differ),
    }
    says = f"{len(differ)} of {rows.height} differ" + (
        f": {clean(', '.join(differ), 500)}" if differ else ""
    )
    return RuleResult(not differ, says + ".", figures, severity="WARN")


def _space(answer: Answer) -> tuple[str | None, set[str], datetime | None]:
    """The sdk, models and last commit of a Space. ValueError for another answer."""
    space: Any = answer.json()
    if not isinstance(space, dict):
        raise ValueError("no JSON object")
    changed = space.get("lastModified")
    return (
        space.get("sdk"),
        set(space.get("models") or []),
        datetime.fromisoformat(changed) if isinstance(changed, str) else None,
    )


def _is_gone(error: HubError) -> bool:
    """The Hub answers 401 for a Space that is private or missing, too, unless a token is bad."""
    return error.status == 404 or (
        error.status == 401 and "Invalid credentials" not in error.causes
    )
