"""Dagster's record of a run in this process, with no more than tests need of it.

It is half of a small run. Here a record in memory has one connection instead of one for each
question, its tables do not pass for those of a numbered migration, a run is stored with its plan
but without a description of its whole job, and events that hand a value on within the run are in
the run's result alone. Records on disk and in Postgres are what Dagster makes them.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import dagster as dg
import sqlalchemy
from dagster._core.instance.runs.run_domain import RunDomain
from dagster._core.remote_representation.job_index import JobIndex
from dagster._core.snap import JobSnap
from dagster._core.storage.event_log import in_memory as events
from dagster._core.storage.runs import in_memory as runs
from sqlalchemy.pool import StaticPool

# Nobody asks for them once a run has ended.
_PASSING = {
    dg.DagsterEventType.STEP_INPUT,
    dg.DagsterEventType.STEP_OUTPUT,
    dg.DagsterEventType.LOADED_INPUT,
    dg.DagsterEventType.HANDLED_OUTPUT,
}
_create_run = RunDomain.create_run_for_job
_store_event = events.InMemoryEventLogStorage.store_event


@dg.job
def any_job() -> None:
    """What the record says of every job."""


@contextmanager
def light_record() -> Generator[None]:
    """Records in memory that are made in the block, and the runs that begin in it."""
    index = JobIndex(JobSnap.from_job_def(any_job), None)

    def create_run(self: RunDomain, *given: Any, **named: Any) -> dg.DagsterRun:
        if self._instance.is_persistent:
            return _create_run(self, *given, **named)
        with mock.patch.object(dg.JobDefinition, "get_job_index", return_value=index):
            return _create_run(self, *given, **named)

    @contextmanager
    def one_by_one(self: events.InMemoryEventLogStorage) -> Generator[sqlalchemy.Connection]:
        with self._db_lock, self._engine.connect() as connection, connection.begin():
            yield connection

    def store_event(self: events.InMemoryEventLogStorage, event: dg.EventLogEntry) -> None:
        if not (event.is_dagster_event and event.dagster_event_type in _PASSING):
            _store_event(self, event)

    def engine(address: str, **_: Any) -> sqlalchemy.Engine:
        # Under the lock above, by whichever thread has it.
        options = {"check_same_thread": False}
        return sqlalchemy.create_engine(address, poolclass=StaticPool, connect_args=options)

    with (
        mock.patch.object(events, "create_engine", engine),
        mock.patch.object(events.InMemoryEventLogStorage, "_connect", one_by_one),
        mock.patch.object(events.InMemoryEventLogStorage, "store_event", store_event),
        mock.patch.object(events, "stamp_alembic_rev"),
        mock.patch.object(runs, "stamp_alembic_rev"),
        mock.patch.object(RunDomain, "create_run_for_job", create_run),
    ):
        yield
