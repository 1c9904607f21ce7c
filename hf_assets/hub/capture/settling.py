"""Asks for a doubtful page again: it may be complete, or an answer that was cut.

A page may come once as `[]`, as numbers, with a part of its rows, or without its Link header. Taken
for the end of the listing it would make a part of the Hub the day's capture.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hf_assets.hub.capture_store.capture import SHORT_OF_TOTAL
from hf_assets.hub.client.listing import HubClient, ListingError, Page, page_size, resized

# So many answers in a row, none like the last, and this run gives up on the page.
ANSWERS = 4
# A page with a larger share of rows without `_id` is doubted.
WITHOUT_ID = 0.9


@dataclass(frozen=True)
class Place:
    """Where in its listing a page lies.

    Args:
        number: the page's, for messages.
        rows: of the listing before it; of a chain that began in the middle, about.
        total: the Hub's own count of the listing, as an earlier page gave it.
        wanted: rows after which the listing is over; None for all.
    """

    number: int
    rows: int
    total: int | None = None
    wanted: int | None = None


def confirmed_page(
    client: HubClient, page: Page, place: Place, log: Callable[[str], None] = lambda _: None
) -> Page:
    """The page; where it is doubtful, as two answers agree on it.

    Doubtful is a page whose rows have no ids, and an end before the Hub's own count of its rows. A
    full page that links to no other may have lost its Link header: where the count does not say
    otherwise, a page with a row less decides: at least the last row must follow it.

    Args:
        client: asked again.
        page: as it came.
        place: its place.
        log: takes lines for the run log.

    Raises:
        ListingError: the link is lost, or no two answers agree.
    """
    number, wanted, last_total = place.number, place.wanted, place.total

    def again(page: Page, url: str) -> Page:
        other = client.page(url, number)
        return replace(other, refused=page.refused + other.refused)

    def confirmed(page: Page) -> Page:
        for _ in range(ANSWERS - 1):
            if (why := doubt(page)) is None:
                return page
            log(f"page {number} {why}: asking for it again")
            before, page = page, again(page, page.url)
            if (page.next_url, page.rows) == (before.next_url, before.rows) and doubt(page):
                return page
        if (why := doubt(page)) is None:
            return page
        raise ListingError(
            f"page {number} {why}, and no two answers agree. The pages so far are kept: run again "
            "to go on from here.",
            permanent=False,
        )

    def ends(page: Page) -> bool:
        return not page.next_url and not (wanted and place.rows + page.rows >= wanted)

    def full(page: Page) -> bool:
        return 1 < page.rows >= page_size(page.url)

    def early(page: Page) -> bool:
        total = page.total or last_total
        return bool(total) and place.rows + page.rows < SHORT_OF_TOTAL * total

    def doubt(page: Page) -> str | None:
        if nameless := _without_ids(page):
            return nameless
        if not ends(page) or full(page) or not early(page):
            return None
        total = page.total or last_total
        return f"ends the listing after {place.rows + page.rows:,} of {total:,} rows"

    page = confirmed(page)
    counted = bool(page.total or last_total)
    if not ends(page) or not full(page) or (counted and not early(page)):
        return page
    log(f"page {number} is full and may have lost its link: asking for a row less")
    shorter = again(page, resized(page.url, page.rows - 1))
    if not shorter.next_url and shorter.rows >= page.rows - 1:
        rows, total = place.rows + page.rows, page.total or last_total
        lost = f"{rows:,} of {total:,} rows" if total else f"{rows:,} rows, and more"
        raise ListingError(
            f"page {number} is full and links to no other, after {lost}: its Link header is lost. "
            "The pages so far are kept: run again to go on from here.",
            permanent=False,
        )
    return confirmed(shorter)


def _without_ids(page: Page) -> str | None:
    nameless = sum(one is None for one in page.ids)
    return f"has {nameless:,} rows without `_id`" if nameless > WITHOUT_ID * page.rows else None
