"""The real graph over a loopback Hub: a lake of its own, an instance that is gone with the test."""

import dataclasses
import datetime as dt
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from huggingface_hub import constants

from hf_assets.definitions import defs
from hf_assets.demo.hub.app import Served, create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.hub_stats.app import DATASET, HubStats
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.source import HubSource
from hf_assets.hub.capture.capturer import Capturer
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.listing import HubClient, ListingQuery
from hf_assets.hub.client.wire import Kind
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake, today
from hf_assets_tests.support.defs.few_figures import draw_few_figures, draw_small_files
from hf_assets_tests.support.defs.graph import graph
from hf_assets_tests.support.hub.captures import unjudged

# Requests a window: none of these tests is about the limit.
RATE = 1_000_000
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
RAW = ("raw_models", "raw_spaces")
TABLES = (
    *("models", "enriched_spaces", "top_models", "model_usage", "families", "uses", "used_by"),
    "daily_metrics",
)
HUB = (*RAW, *TABLES, "snapshot_figures")


def days_ago(count: int) -> str:
    """That many days before today, UTC."""
    return (dt.date.fromisoformat(today()) - dt.timedelta(count)).isoformat()


@dataclasses.dataclass
class World:
    """A Hub, the graph that reads it, and where the graph keeps what it makes."""

    root: Path
    app: Any
    url: str
    source: Any
    faults: Faults
    instance: dg.DagsterInstance
    definitions: dg.Definitions

    @property
    def lake(self) -> Lake:
        """The lake that the graph writes."""
        return Lake(self.root)

    @property
    def declared(self) -> set[tuple[str, str]]:
        """The checks of the Hub's half, by asset and name."""
        keys = self.definitions.resolve_asset_graph().asset_check_keys
        return {(one.asset_key.path[0], one.name) for one in keys if one.asset_key.path[0] in HUB}

    @property
    def pages(self) -> list[Served]:
        """The listing pages asked for so far."""
        asked: list[Served] = self.app.state.requests
        listings = ("/api/models", "/api/spaces", "/api/datasets")
        return [one for one in asked if one.path in listings]

    @property
    def files(self) -> list[Path]:
        """Every file of the lake."""
        return sorted(path for path in self.root.rglob("*") if path.is_file())

    def materialize(
        self,
        *assets: str,
        day: str | None = None,
        days: tuple[str, str] | None = None,
        config: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """One run over those assets (the Hub's half, where none is named) with their checks.

        Args:
            assets: names; none for the half of the Hub.
            day: a partition; today where neither it nor `days` is given.
            days: first and last partition of a single run over many.
            config: by asset.
        """
        tags = {RANGE_START: days[0], RANGE_END: days[1]} if days else {}
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(name) for name in assets or HUB],
            partition_key=None if days else day or today(),
            tags=tags,
            run_config={"ops": {name: {"config": dict(c)} for name, c in (config or {}).items()}},
            raise_on_error=False,
        )

    def recover(self, first: str, last: str) -> dg.ExecuteInProcessResult:
        """One run of the job `past_days` over that range."""
        return self.definitions.resolve_job_def("past_days").execute_in_process(
            instance=self.instance,
            tags={RANGE_START: first, RANGE_END: last},
            raise_on_error=False,
        )

    def capture(self, day: str, kinds: tuple[Kind, ...] = ("models", "spaces"), **ask: Any) -> None:
        """Those listings as they would have been captured on that day, over HTTP."""
        if isinstance(self.source, GeneratedHub):
            self.source.day = dt.date.fromisoformat(day)
        noon = dt.datetime.fromisoformat(f"{day}T12:00:00+00:00")
        capturer = Capturer(HubClient(self.url, retry_wait=0.0), clock=lambda: noon)
        with unjudged():
            for kind in kinds:
                wanted = dataclasses.replace(ListingQuery.everything(kind), **ask)
                capture = capturer.get_or_capture(
                    CaptureStore(self.lake, f"raw_{kind}"), day, wanted
                )
                assert isinstance(capture, Capture)
        if isinstance(self.source, GeneratedHub):
            self.source.day = dt.date.fromisoformat(today())

    def materialized(self, asset: str) -> dict[str, dg.AssetMaterialization]:
        """The last materialisation of each partition of that asset, by partition."""
        records = self.instance.fetch_materializations(dg.AssetKey(asset), limit=1000).records
        newest_last = [record.event_log_entry.asset_materialization for record in reversed(records)]
        return {str(event.partition): event for event in newest_last if event}

    def figures(self, asset: str, name: str) -> dict[str, Any]:
        """One metadata value of each materialised partition of that asset, by partition."""
        events = self.materialized(asset)
        return {day: event.metadata[name].value for day, event in sorted(events.items())}


Make = Callable[..., World]


@contextmanager
def observatory(
    root: Path, *, every_figure: bool = False, small_files: bool = True
) -> Generator[Make]:
    """Makes worlds over one lake; their servers and instances stop at the end.

    Args:
        root: of the lake; need not exist.
        every_figure: draw all figures of a day or a history, and not a few.
        small_files: give the files of a few figures few pixels.
    """
    servers: list[LoopbackServer] = []
    instances: list[dg.DagsterInstance] = []
    with pytest.MonkeyPatch.context() as patch:
        if not every_figure:
            draw_few_figures(patch)
            if small_files:
                draw_small_files(patch)

        def make(
            source: HubSource | None = None,
            faults: Faults | None = None,
            archive: HubStats | Path | None = None,
        ) -> World:
            source = source or GeneratedHub(1500, 600, seed=4)
            faults = faults or Faults()
            served = archive if isinstance(archive, HubStats) else None
            app = create_app(source, faults, rate_limit=RATE, archive=served)
            where = DATASET if served else archive or "none"
            patch.setenv("HF_ASSETS_ARCHIVE", str(where))
            servers.append(LoopbackServer(app).start())
            instances.append(dg.DagsterInstance.ephemeral())
            patch.setenv("HF_ASSETS_DATA", str(root))
            patch.setenv("HF_ASSETS_RETRY_WAIT", "0")
            patch.setattr(constants, "ENDPOINT", servers[-1].url)
            settings.cache_clear()
            return World(root, app, servers[-1].url, source, faults, instances[-1], graph())

        yield make
    settings.cache_clear()
    for instance in instances:
        instance.dispose()
    for server in servers:
        threading.Thread(target=server.stop).start()


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    """The code location as Dagster loads it."""
    return defs()


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    """Its assets by key."""
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Make]:
    """Makes a world of a source and its faults; a second one is another Hub over the same lake."""
    with observatory(tmp_path / "lake") as make:
        yield make


def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What the failed steps of a run said, causes included, by step."""
    said: dict[str, str] = {}
    for event in result.get_step_failure_events():
        failure = event.step_failure_data
        lines = [failure.user_failure_data.description] if failure.user_failure_data else []
        error = failure.error
        while error:
            lines.append(error.message)
            error = error.cause
        said[str(event.step_key)] = "\n".join(line for line in lines if line)
    return said


def made(result: dg.ExecuteInProcessResult) -> set[str]:
    """Names of the assets that a run materialised."""
    return {str(event.asset_key.path[-1]) for event in result.get_asset_materialization_events()
            if event.asset_key}  # fmt: skip


def checks(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], Any]:
    """The check evaluations of a run, by asset and name."""
    return {
        (one.asset_key.path[-1], one.check_name): one
        for one in result.get_asset_check_evaluations()
    }
