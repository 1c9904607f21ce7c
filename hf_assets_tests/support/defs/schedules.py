"""A tick of a schedule, and the run that it asks for."""

import dataclasses
import datetime as dt

import dagster as dg

from hf_assets_tests.defs.conftest import RANGE_END, RANGE_START, World


@dataclasses.dataclass
class Tick:
    """What a schedule asks for at a moment, or why for nothing."""

    requests: list[dg.RunRequest]
    skipped: str | None

    @property
    def stretches(self) -> list[tuple[str, str]]:
        return [(one.tags[RANGE_START], one.tags[RANGE_END]) for one in self.requests]


def tick(world: World, name: str, at: dt.datetime | None = None) -> Tick:
    repository = world.definitions.get_repository_def()
    schedule = repository.get_schedule_def(name)
    context = dg.build_schedule_context(
        instance=world.instance,
        scheduled_execution_time=at or dt.datetime.now(dt.UTC),
        repository_def=repository,
        resources={key: repository.get_top_level_resources()[key] for key in ("lake", "hub")},
    )
    said = schedule.evaluate_tick(context)
    return Tick(list(said.run_requests or []), said.skip_message)


def execute(world: World, name: str, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    """The run that a schedule's request describes, of the schedule's own job."""
    repository = world.definitions.get_repository_def()
    job = repository.get_job(repository.get_schedule_def(name).job_name)
    return job.execute_in_process(
        instance=world.instance,
        partition_key=request.partition_key,
        tags=dict(request.tags),
        asset_selection=request.asset_selection,
        raise_on_error=False,
    )


# What follows from the tables of a day.
