"""Addresses of a listing's pages: the next page, and addresses without refused fields."""

import re
from collections.abc import Mapping

import httpx2

from hf_assets.errors import clean

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
# The Hub's links have 1 or 2 kB.
_LONGEST = 16_000
_NEXT = re.compile(r";\s*rel\s*=\s*(?:\"[^\"]*\bnext\b[^\"]*\"|'?next\b)", re.IGNORECASE)


def next_address(headers: Mapping[str, str], url: str) -> tuple[str | None, str | None]:
    """The next page's address, and the host of the link if it is another.

    The next address is this page's with the query of the link: neither the token nor the listing
    follows a link to another host.

    Args:
        headers: of the page.
        url: of the page.

    Raises:
        ValueError: the link is invalid, or has no query: the listing would begin again, in another
            order.
    """
    header = headers.get("Link", "")
    if len(header) > _LONGEST:
        raise ValueError(f"a Link header of {len(header):,} characters")
    link = next((target for target, rest in _LINK.findall(header) if _NEXT.search(rest)), None)
    if link is None:
        return None, None
    here = httpx2.URL(url)
    try:
        there = here.join(link.strip())
        query, host = there.query, there.host
        next_url = str(here.copy_with(query=query))
    except (httpx2.InvalidURL, ValueError) as error:
        raise ValueError(f"a next link that cannot be read ({clean(error, 100)})") from error
    if not query:
        raise ValueError(f"a next link without a query ({clean(link, 100)})")
    same = (there.scheme, host, there.port) == (here.scheme, here.host, here.port)
    return next_url, None if same else clean(host or link, 100)


def refused_fields(message: str, requested: list[str]) -> tuple[str, ...]:
    """The requested `expand` values that a 400 refuses.

    The Hub answers with the list of valid values, or with the indexes of invalid ones; both are
    understood, in that order.
    """
    about = re.findall(r"→ at (\w+)", message)
    if about and "expand" not in about:
        return ()  # the list is of another parameter's values
    allowed = re.search(r"expected one of (.+)", message.replace('\\"', '"'), re.DOTALL)
    if allowed:
        valid = set(re.findall(r'"([^"]+)"', allowed.group(1)))
        return tuple(name for name in requested if name not in valid) if valid else ()
    if "expand" not in message and re.search(r"\b(cursor|sort|limit|filter)\b", message):
        return ()  # a field may be named for other reasons
    indexes = {int(index) for index in re.findall(r"expand[\[.](\d+)", message)}
    words = set(re.findall(r"[\w-]+", message))
    return tuple(name for index, name in enumerate(requested) if index in indexes or name in words)


def without_fields(url: str, names: tuple[str, ...]) -> str:
    """The same address without some `expand` values."""
    address = httpx2.URL(url)
    kept = [
        (key, value)
        for key, value in address.params.multi_items()
        if not (key == "expand" and value in names)
    ]
    return str(address.copy_with(params=kept))
