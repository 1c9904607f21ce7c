"""The Hub's opaque cursor: base64 of the JSON of a Mongo filter over (sort field falling, _id).

The form is the one of real `next` links of 2024-2026, where `sort=trendingScore` gave
`{"$or":[{"trendingScore":0,"_id":{"$gt":"…"}},{"trendingScore":{"$lt":0}},
{"trendingScore":null}]}`. It holds no position and no session: whoever has it can go on, on any
server of the same Hub.
"""

import base64
import json

from hf_assets.demo.world.source import Keyset


class BadCursor(ValueError):
    """The cursor is not one this listing could have given."""


def encode(sort: str, after: Keyset, *, variant: bool = False) -> str:
    """The cursor of the rows after `after`; `variant` writes the same filter in other letters."""
    if after.value is None:
        filters: list[dict[str, object]] = [{sort: None, "_id": {"$gt": after.hub_id}}]
    else:
        filters = [
            {sort: after.value, "_id": {"$gt": after.hub_id}},
            {sort: {"$lt": after.value}},
            {sort: None},
        ]
    text = json.dumps({"$or": filters}, separators=(", ", ":") if variant else (",", ":"))
    return base64.b64encode(text.encode()).decode()


def decode(sort: str, cursor: str) -> Keyset:
    """The keyset in a cursor. Raises BadCursor when it is none of this sort."""
    try:
        filters = json.loads(base64.b64decode(cursor, validate=True))["$or"]
        value, hub_id = filters[0][sort], filters[0]["_id"]["$gt"]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise BadCursor("Invalid cursor") from error
    if not isinstance(hub_id, str) or isinstance(value, bool | list | dict):
        raise BadCursor("Invalid cursor")
    return Keyset(value, hub_id)
