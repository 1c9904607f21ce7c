"""What a request to the embedded Hub asks for, and how the Hub refuses what it does not know.

The refusals are Zod's: `✖ Invalid option: expected one of "author"|"baseModels"|…` and a line
`  → at expand[3]` for each value it does not take, in a JSON object under `error`, with status 400.
`Invalid option: expected one of` under `error` is what re-implementations of the Hub assert; the
marks and the path are `z.prettifyError`'s. The exact text of the live Hub could not be verified.
"""

import re
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from hf_assets.demo.hub import cursors
from hf_assets.demo.world.source import (
    DEFAULT_FIELDS,
    EXPAND,
    FULL_FIELDS,
    KEY_ORDER,
    SORTS,
    Keyset,
    Kind,
    Where,
)

MAX_LIMIT = 1000  # rows a page, and the default


class BadQuery(ValueError):
    """The Hub refuses the query with status 400; the text is its error message."""


@dataclass(frozen=True)
class ListingQuery:
    """A listing asked for."""

    kind: Kind
    sort: str
    limit: int
    fields: frozenset[str]
    where: Where
    cursor: str | None
    after: Keyset | None


def read_listing(kind: Kind, params: QueryParams, refused: set[str]) -> ListingQuery:
    """The listing that the parameters ask for.

    Args:
        kind: models, spaces or datasets.
        params: the query string.
        refused: properties not taken, though they are on the list.

    Raises:
        BadQuery: a parameter the Hub does not take.
    """
    sort = params.get("sort", "trendingScore")
    if sort not in SORTS[kind]:
        raise BadQuery(_option(SORTS[kind], "sort"))
    cursor = params.get("cursor")
    try:
        after = cursors.decode(sort, cursor) if cursor is not None else None
    except cursors.BadCursor as error:
        raise BadQuery(str(error)) from error
    tags = params.getlist("filter") + params.getlist("pipeline_tag")
    return ListingQuery(
        kind=kind,
        sort=sort,
        limit=_limit(params.get("limit")),
        fields=_fields(kind, params, refused, DEFAULT_FIELDS[kind]),
        where=Where(tuple(tags), params.get("author"), params.get("search")),
        cursor=cursor,
        after=after,
    )


def read_fields(kind: Kind, params: QueryParams) -> frozenset[str]:
    """The fields asked of one repository: all of them without `expand`. Raises BadQuery."""
    return _fields(kind, params, set(), frozenset(KEY_ORDER[kind]))


def _limit(text: str | None) -> int:
    if text is None:
        return MAX_LIMIT
    if not re.fullmatch(r"-?[0-9]+", text):
        raise BadQuery("✖ Invalid input: expected number, received NaN\n  → at limit")
    if int(text[:9]) < 1:
        raise BadQuery("✖ Too small: expected number to be >0\n  → at limit")
    return min(int(text[:9]), MAX_LIMIT)


def _fields(
    kind: Kind, params: QueryParams, refused: set[str], default: frozenset[str]
) -> frozenset[str]:
    asked = params.getlist("expand")
    if asked:
        allowed = [name for name in EXPAND[kind] if name not in refused]
        wrong = [at for at, name in enumerate(asked) if name not in allowed]
        if wrong:
            raise BadQuery("\n".join(_option(allowed, f"expand[{at}]") for at in wrong))
        return frozenset(("_id", "id", "trendingScore", *asked))
    if params.get("full") in ("true", "1", "True"):
        default |= FULL_FIELDS[kind]
    if params.get("cardData") in ("true", "1", "True"):
        default |= {"cardData"}
    return default


def _option(allowed: list[str] | tuple[str, ...], path: str) -> str:
    names = "|".join(f'"{name}"' for name in allowed)
    return f"✖ Invalid option: expected one of {names}\n  → at {path}"
