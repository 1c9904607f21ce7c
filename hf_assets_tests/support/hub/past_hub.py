"""A Hub with an archive of its past, and the archive that reads it."""

import datetime as dt
from typing import Any

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub_stats.app import DATASET
from hf_assets.demo.hub_stats.app import HubStats as ServedArchive
from hf_assets.demo.hub_stats.faults import ArchiveFaults
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.archive.hub_stats import HubStats
from hf_assets.hub.capture.from_archive import find_day, from_archive
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.connection import HubConnection
from hf_assets.hub.client.wire import Kind
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets_tests.conftest import Serve, ServedHub

TODAY = dt.date(2026, 11, 20)
DAY = "2026-11-13"
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days)


class Past:
    """An archive that is served, and the one that reads it."""

    def __init__(self, serve: Serve, faults: ArchiveFaults, **options: Any) -> None:
        self.hub = GeneratedHub(1200, 400, seed=4, day=TODAY)
        self.served = ServedArchive(self.hub, faults, **options)
        self.app = create_app(self.hub, archive=self.served, rate_limit=10**6)
        self.server = ServedHub(self.app, serve(self.app).url)
        self.web = HubConnection(self.server.url, read_timeout=5.0, retry_wait=0.001)
        self.archive = HubStats(DATASET, self.web)

    @property
    def asked(self) -> list[str]:
        return [one.path.rsplit("/", 1)[-1] for one in self.server.requests]

    def recover(self, lake: Lake, kind: Kind, day: str) -> Any:
        found = find_day(self.archive, kind, day)
        assert found is not None
        return from_archive(CaptureStore(lake, f"raw_{kind}"), day, kind, found, lambda: NOW)


def model_table(lake: Lake, capture: Any, day: str) -> StoredTable:
    return lake.write(schemas.MODELS, day, cleaning.models(capture, day))
