"""A capture in a process of its own, so that it can be killed.

`python -m hf_assets_tests.support.hub.crawl URL FOLDER NOW PAGE_SIZE KIND`
"""

import sys
from datetime import datetime
from pathlib import Path

import pytest

from hf_assets.hub.capture.capturer import Capturer
from hf_assets.hub.client import listing
from hf_assets_tests.conftest import DAY, Clock
from hf_assets_tests.support.hub.captures import store_of


def main(url: str, folder: str, now: str, page_size: str, kind: str) -> None:
    pytest.MonkeyPatch().setattr(listing, "PAGE_SIZE", int(page_size))
    client = listing.HubClient(url, retry_wait=0.05)
    capturer = Capturer(client, clock=Clock(datetime.fromisoformat(now)), lock_wait=60)
    assert kind in ("models", "spaces")
    query = listing.ListingQuery.everything(kind)
    capture = capturer.get_or_capture(store_of(Path(folder)), DAY, query)
    print(capture.manifest.attempt, capture.manifest.pages, capture.rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
