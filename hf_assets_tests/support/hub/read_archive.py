"""An archived day read in a process of its own, so that it can be killed.

`python -m hf_assets_tests.support.hub.read_archive URL LAKE DAY`
"""

import sys
from datetime import UTC, datetime

from hf_assets.hub.archive import ranged_file
from hf_assets.hub.archive.hub_stats import HubStats
from hf_assets.hub.capture.from_archive import from_archive
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.connection import HubConnection
from hf_assets.storage.lake import Lake


def main(url: str, lake: str, day: str) -> None:
    """Make the day's capture of the models."""
    setattr(ranged_file, "AHEAD_BYTES", 0)  # noqa: B010 - a constant of the product
    found = HubStats("o/d", HubConnection(url, retry_wait=0.001)).find("models", day)
    assert found is not None
    store = CaptureStore(Lake.at(lake), "raw_models")
    from_archive(store, day, "models", found, lambda: datetime.now(UTC))


if __name__ == "__main__":
    main(*sys.argv[1:])
