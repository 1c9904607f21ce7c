"""A world over a history on disk, in which schedules can be on: nights, and what sensors say."""

import datetime as dt
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
)

from hf_assets.hub.capture_store.store import RAW
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import World

OF_THE_SCHEDULE = {"dagster/schedule_name": "daily_capture"}


@dataclass
class Night:
    """A world, its history on disk, and the cursors of its sensors."""

    hub: World
    instance: dg.DagsterInstance
    cursors: dict[str, str | None]

    def switch_on(self, since: dt.datetime | None = None) -> None:
        """Switch the schedule `daily_capture` on, by default long ago."""
        since = since or dt.datetime.now(dt.UTC) - dt.timedelta(days=30)
        served = {"host": "localhost", "port": 1, "location_name": "hf_assets"}
        location: Any = GrpcServerCodeLocationOrigin
        origin = RemoteInstigatorOrigin(
            RemoteRepositoryOrigin(location(**served), "__repository__"), "daily_capture"
        )
        data = ScheduleInstigatorData("0 3 * * *", since.timestamp())
        state = InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.RUNNING, data)
        self.instance.add_instigator_state(state)

    def run(
        self, day: str | None = None, tags: dict[str, str] | None = None, *assets: str
    ) -> dg.ExecuteInProcessResult:
        """A run of the job `capture_today`, over the listings alone where no asset is named."""
        return self.hub.definitions.resolve_job_def("capture_today").execute_in_process(
            instance=self.instance,
            partition_key=day or today(),
            tags=OF_THE_SCHEDULE if tags is None else tags,
            asset_selection=[dg.AssetKey(name) for name in assets or RAW],
            raise_on_error=False,
        )

    def add(self, tags: dict[str, str] | None = None, job: str = "past_days") -> dg.DagsterRun:
        """A run of that job in the history that has begun, and executes nothing."""
        status = dg.DagsterRunStatus.STARTED
        return self.instance.add_run(dg.DagsterRun(job_name=job, status=status, tags=tags or {}))

    def tick(self, name: str) -> Any:
        """One evaluation of a sensor, with the cursor of the last; raises what its body raises."""
        repository = self.hub.definitions.get_repository_def()
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(name),
            repository_def=repository,
            resources={"lake": repository.get_top_level_resources()["lake"]},
        ) as context:
            data = repository.get_sensor_def(name).evaluate_tick(context)
        self.cursors[name] = data.cursor
        for event in data.asset_events:
            self.instance.report_runless_asset_event(event)
        return data


@contextmanager
def night_over(hub: World, home: Path) -> Generator[Night]:
    """The night of a world."""
    home.mkdir(exist_ok=True)
    overrides = {"telemetry": {"enabled": False}}
    with dg.DagsterInstance.local_temp(str(home), overrides) as instance:
        hub.instance = instance
        yield Night(hub, instance, {})
