"""Addresses of a listing's pages: where the next one is, and what a Hub refuses to be asked."""

import re
from collections.abc import Mapping

import httpx2

from hf_assets.errors import clean

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
# The Hub's links have 1 or 2 kB.
_LONGEST = 16_000
_NEXT = re.compile(r";\s*rel\s*=\s*(?:\"[^\"]*\bnext\b[^\"]*\"|'?next\b)", re.IGNORECASE)


def next_address(headers: Mapping[str, str], url: str) -> tuple[str | None, str | None]:
    """The next page's address, and the host that the link names where that is another.

    The next page is at the address of this one, with the link's query: neither the token nor the
    listing follows a link to elsewhere.

    Args:
        headers: of the page.
        url: its address.

    Raises:
        ValueError: the link cannot be read, or has no query: without one the listing would begin
            again, in another order.
    """
    said = headers.get("Link", "")
    if len(said) > _LONGEST:
        raise ValueError(f"a Link header of {len(said):,} characters")
    link = next((target for target, rest in _LINK.findall(said) if _NEXT.search(rest)), None)
    if link is None:
        return None, None
    here = httpx2.URL(url)
    try:
        there = here.join(link.strip())
        query, host = there.query, there.host
        following = str(here.copy_with(query=query))
    except (httpx2.InvalidURL, ValueError) as error:
        raise ValueError(f"a next link that cannot be read ({clean(error, 100)})") from error
    if not query:
        raise ValueError(f"a next link without a query ({clean(link, 100)})")
    same = (there.scheme, host, there.port) == (here.scheme, here.host, here.port)
    return following, None if same else clean(host or link, 100)


def refused_fields(message: str, asked: list[str]) -> tuple[str, ...]:
    """Which of the asked `expand` values a 400 names.

    The Hub answers with the list of what it would take, or with the place of what it would not;
    either is read, in that order.
    """
    about = re.findall(r"→ at (\w+)", message)
    if about and "expand" not in about:
        return ()  # the list is of what another parameter may be
    allowed = re.search(r"expected one of (.+)", message.replace('\\"', '"'), re.DOTALL)
    if allowed:
        taken = set(re.findall(r'"([^"]+)"', allowed.group(1)))
        return tuple(name for name in asked if name not in taken) if taken else ()
    if "expand" not in message and re.search(r"\b(cursor|sort|limit|filter)\b", message):
        return ()  # a field may be named for other reasons
    places = {int(at) for at in re.findall(r"expand[\[.](\d+)", message)}
    named = set(re.findall(r"[\w-]+", message))
    return tuple(name for at, name in enumerate(asked) if at in places or name in named)


def without_fields(url: str, names: tuple[str, ...]) -> str:
    """The same address with some `expand` values left out."""
    address = httpx2.URL(url)
    kept = [
        (key, value)
        for key, value in address.params.multi_items()
        if not (key == "expand" and value in names)
    ]
    return str(address.copy_with(params=kept))
