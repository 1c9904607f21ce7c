"""A capture in a process of its own, so that it can be killed. Imports little: it starts often.

`python -m hf_assets_tests.support.hub.crawl URL LAKE DAY NOW PAGE_SIZE KIND CHAINS`
"""

import itertools
import sys
from datetime import datetime, timedelta

from hf_assets.hub.capture.capturer import Capturer
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client import listing
from hf_assets.storage.lake import Lake


def main(
    url: str, lake: str, day: str, now: str, page_size: str, kind: str, chains: str = "1"
) -> None:
    """Capture the day, and print the attempt, its pages and its rows."""
    setattr(listing, "PAGE_SIZE", int(page_size))  # noqa: B010 - a constant of the product
    begin, ticks = datetime.fromisoformat(now), itertools.count()
    client = listing.HubClient(url, retry_wait=0.05)
    capturer = Capturer(
        client,
        clock=lambda: begin + timedelta(microseconds=next(ticks)),
        lock_wait=60,
        chains=int(chains),
    )
    assert kind in ("models", "spaces")
    query = listing.ListingQuery.everything(kind)
    capture = capturer.get_or_capture(CaptureStore(Lake.at(lake), f"raw_{kind}"), day, query)
    print(capture.manifest.attempt, capture.manifest.pages, capture.rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
