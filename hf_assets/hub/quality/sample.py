"""A sample of Spaces, requested one by one and compared with the listing."""

import random

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from hf_assets.errors import clean
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable

SAMPLE = 20


def sample_agrees(stored: StoredTable, endpoint: str, timeout: float) -> RuleResult:
    """20 Spaces of the table have the sdk and models that `space_info` returns now.

    Spaces that were deleted or changed since the capture are counted separately, by their last
    commit.

    Args:
        stored: a day of `enriched_spaces`.
        endpoint: the Hub it was captured from.
        timeout: seconds a request.
    """
    api = HfApi(endpoint=endpoint)
    at = random.Random(stored.day).sample(range(stored.rows), min(SAMPLE, stored.rows))
    rows = stored.frame.select("id", "sdk", "models", "last_modified").collect()[at]
    differ, deleted, changed, unanswered = [], 0, 0, 0
    for row in rows.iter_rows(named=True):
        try:
            info = api.space_info(
                row["id"], expand=["sdk", "models", "lastModified"], timeout=timeout
            )
        except RepositoryNotFoundError:
            deleted += 1
            continue
        except (HfHubHTTPError, httpx2.HTTPError):
            unanswered += 1  # space_info does not retry, and a sample must not fail a day
            continue
        if (
            info.last_modified
            and row["last_modified"]
            and info.last_modified > row["last_modified"]
        ):
            changed += 1
        elif (info.sdk, set(info.models or [])) != (row["sdk"], set(row["models"] or [])):
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
