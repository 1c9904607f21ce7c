"""The real graph over a loopback Hub: a lake of its own, an instance that is gone with the test."""

import dataclasses
import datetime as dt
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="hf-home-")

from huggingface_hub import constants

from hf_assets.definitions import defs as code_location
from hf_assets.demo.faults import Faults
from hf_assets.demo.generator import GeneratedHub
from hf_assets.demo.hub import Served, create_app
from hf_assets.demo.server import LoopbackServer
from hf_assets.demo.source import HubSource
from hf_assets.hub.capture import Capture, Capturer
from hf_assets.hub.listing import Ask, HubClient
from hf_assets.hub.rows import Kind
from hf_assets.lake import Lake, today
from hf_assets.settings import settings

RATE = 1_000_000  # requests a window: only a test of the limit itself wants to meet it
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


@dataclasses.dataclass
class World:
    """A Hub, the graph that reads it, and where the graph keeps what it makes."""

    root: Path
    server: LoopbackServer
    source: Any
    faults: Faults
    instance: dg.DagsterInstance
    definitions: dg.Definitions

    @property
    def lake(self) -> Lake:
        """The lake that the graph writes."""
        return Lake(self.root)

    @property
    def requests(self) -> list[Served]:
        """The listing pages asked for so far."""
        served: list[Served] = self.server.app.state.requests  # ty: ignore[unresolved-attribute]
        return [one for one in served if one.path in ("/api/models", "/api/spaces")]

    def materialize(
        self,
        *assets: str,
        day: str | None = None,
        days: tuple[str, str] | None = None,
        config: Mapping[str, Mapping[str, Any]] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """One run over those assets (all, where none is named) with their checks.

        Args:
            assets: names; none for the whole graph.
            day: a partition; today where neither it nor `days` nor `tags` is given.
            days: first and last partition of a single run over many.
            config: by asset.
            tags: of the run, as a RunRequest gives them.
        """
        if days:
            tags = {RANGE_START: days[0], RANGE_END: days[1]} | dict(tags or {})
        job = self.definitions.get_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(name) for name in assets] or None,
            partition_key=day or (None if tags else today()),
            tags=dict(tags or {}),
            run_config={"ops": {name: {"config": dict(c)} for name, c in (config or {}).items()}},
            raise_on_error=False,
        )

    def capture(self, day: str, **ask: Any) -> dict[str, Capture]:
        """Both listings as they would have been captured on that day, over HTTP."""
        if isinstance(self.source, GeneratedHub):
            self.source.day = dt.date.fromisoformat(day)
        noon = dt.datetime.fromisoformat(f"{day}T12:00:00+00:00")
        capturer = Capturer(HubClient(self.server.url, retry_wait=0.0), clock=lambda: noon)
        kinds: tuple[Kind, ...] = ("models", "spaces")
        return {
            f"raw_{kind}": capturer.obtain(
                self.lake.folder(f"raw_{kind}", day),
                day,
                dataclasses.replace(Ask.everything(kind), **ask),
            )
            for kind in kinds
        }

    def events(self, asset: str) -> dict[str, dg.AssetMaterialization]:
        """The last materialisation of each partition of that asset, by partition."""
        found = self.instance.fetch_materializations(dg.AssetKey(asset), limit=1000).records
        events = [record.event_log_entry.asset_materialization for record in reversed(found)]
        return {str(event.partition): event for event in events if event}


Make = Callable[..., World]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a world of a source; its server stops with the test."""
    servers: list[LoopbackServer] = []
    instances: list[dg.DagsterInstance] = []

    def make(source: HubSource | None = None, faults: Faults | None = None) -> World:
        source = source or GeneratedHub(1500, 600, seed=4)
        faults = faults or Faults()
        servers.append(LoopbackServer(create_app(source, faults, rate_limit=RATE)).start())
        root = tmp_path / "lake"
        monkeypatch.setenv("HF_ASSETS_DATA", str(root))
        monkeypatch.setenv("HF_ASSETS_RETRY_WAIT", "0")
        monkeypatch.setattr(constants, "ENDPOINT", servers[-1].url)
        settings.cache_clear()
        instances.append(dg.DagsterInstance.ephemeral())
        return World(
            root=root,
            server=servers[-1],
            source=source,
            faults=faults,
            instance=instances[-1],
            definitions=code_location(),
        )

    yield make
    settings.cache_clear()
    for instance in instances:
        instance.dispose()
    for server in servers:
        threading.Thread(target=server.stop).start()
