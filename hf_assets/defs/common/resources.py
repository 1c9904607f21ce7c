"""Resources: the lake, its tables through an IO manager, the Hub, the sources of texts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import dagster as dg

from hf_assets.defs.common.events import deferred, log_steps, report_day, report_left_out
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.killed_runs import end_killed, hold
from hf_assets.defs.common.metadata import captured, stored_table
from hf_assets.errors import clean
from hf_assets.hub.archive.base import Archive, ArchiveError
from hf_assets.hub.capture.capturer import Capturer
from hf_assets.hub.capture.side_by_side import SideBySide
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.store import RAW, CaptureStore
from hf_assets.hub.client.listing import HubClient
from hf_assets.hub.open_archive import BrokenArchive, open_archive
from hf_assets.hub.quality import rules
from hf_assets.hub.retention import thinned
from hf_assets.object_store.writer import writing_as
from hf_assets.progress import ItemLog
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, TableWrite
from hf_assets.storage.parquet import Table
from hf_assets.storage.postgres_locks import LockServerError

if TYPE_CHECKING:
    from hf_assets.corpora.kaggle.client import DatasetClient
    from hf_assets.corpora.stackexchange.client import QuestionClient

# A run of more days shows no preview of each day.
PREVIEWED_DAYS = 60

# Metadata of an input that accepts thinned days.
TAKES_THINNED = {"thinned days": "taken"}
# Metadata of an input that is handed the stored days alone: days of earlier versions lack it.
OPTIONAL = {"missing days": "left out"}


@dataclass(frozen=True)
class PartitionWrites:
    """Days of a table to write, each made when its turn comes, `at_once` of them at a time.

    The key of a table without days is None. `beyond` names days that the run was not launched for.
    `then` is asked once all are stored: what to make again, as another run changed its inputs.
    """

    table: Table
    make: Mapping[str, Callable[[], TableWrite]] | Mapping[None, Callable[[], TableWrite]]
    beyond: frozenset[str] = frozenset()
    then: Callable[[], "PartitionWrites | None"] = lambda: None
    at_once: int = 1


@dataclass(frozen=True)
class AlreadyWritten:
    """A table without days that the asset has written itself."""

    table: Table
    stored: StoredTable


class LakeResource(dg.ConfigurableResource):
    """The lake, for assets that need more than one table in and one table out."""

    root: str

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """At the start of a run: hold its lock, and end runs whose process is gone."""
        if context.run and context.instance:
            writing_as(context.run.run_id)
            try:
                hold(context.instance, context.run.run_id)
                end_killed(context.instance)
            except (OSError, LockServerError) as error:
                text = f"This run holds no lock: it cannot be ended if killed: {clean(error)}"
                dg.get_dagster_logger().warning(text)
            log_steps(context.instance, context.run)

    @cached_property
    def tree(self) -> Lake:
        """The lake under `root`."""
        return Lake.at(self.root)

    @cached_property
    def stores(self) -> Mapping[str, CaptureStore]:
        """The captures of each listing, by asset."""
        return {asset: CaptureStore(self.tree, asset) for asset in RAW}

    def captures(self, asset: str, days: Iterable[str]) -> dict[str, Capture]:
        """The complete captures of those days; fails without retry where one is missing."""
        found = self.stores[asset].complete_each(days)
        if missing := [day for day, capture in found.items() if capture is None]:
            raise dg.Failure(
                f"{asset} was not captured on {', '.join(missing)}: materialise it (today from the "
                "Hub, a past day from the archive), choose days that have a capture, or launch the "
                "job `past_days`, which skips days without a source.",
                allow_retries=False,
            )
        return {day: capture for day, capture in found.items() if capture}

    def there(self, asset: str, days: Iterable[str]) -> list[str]:
        """The stored days among those days."""
        known = {*(self.stores[asset].days() if asset in RAW else self.tree.days(asset))}
        return [day for day in days if day in known]

    def texts(self, *sources: str) -> list[StoredTable]:
        """Every stored table of those sources of texts, with days and without."""
        found = []
        for source in sources:
            if self.tree.folder(source, None).joinpath("data.parquet").exists():
                found.append(self.tree.read(source, None))
            found += [self.tree.read(source, day) for day in self.tree.days(source)]
        return found

    def text_ids(self, *sources: str, before: str) -> frozenset[str]:
        """Ids of the texts stored for earlier days."""
        stored = [one for one in self.texts(*sources) if one.day < before]
        return frozenset(name for one in stored for name in one.frame.select("id").collect()["id"])


class TablesIOManager(dg.ConfigurableIOManager):
    """Stores a table per day; loads a `StoredTable` or `Capture` per day."""

    lake: dg.ResourceDependency[LakeResource]

    def handle_output(
        self, context: dg.OutputContext, obj: PartitionWrites | AlreadyWritten
    ) -> None:
        """Make and store each day, and report each to its own partition."""
        # As `events.materialized` says: config and files of others decide about the data, too.
        context.step_context.set_data_version(context.asset_key, dg.DataVersion(context.run_id))
        if isinstance(obj, AlreadyWritten):
            context.log.info(f"{obj.table.name}: {obj.stored.rows:,} rows, {obj.stored.seconds} s")
            context.add_output_metadata(stored_table(obj.stored, obj.table))
            return
        writes: PartitionWrites | None = obj
        while writes:
            self._store(context, writes)
            with clear_failures():
                writes = writes.then()

    def _store(self, context: dg.OutputContext, obj: PartitionWrites) -> None:
        # For hundreds of days, previews cost more than the tables.
        brief, absent = len(obj.make) > PREVIEWED_DAYS, {}
        lines = ItemLog(context.log.info, len(obj.make))
        with clear_failures():
            for day, stored in self.lake.tree.write_days(obj.table, obj.make, obj.at_once):
                name = f"{obj.table.name} {day}" if day else obj.table.name
                lines.add(f"{name}: {stored.rows:,} rows, {stored.seconds} s")
                if day and deferred(context) and (reason := rules.absent_kind(stored)):
                    absent[day] = reason
                    continue
                facts = stored_table(stored, obj.table, brief=brief)
                if day is None:
                    context.add_output_metadata(facts)
                else:
                    report_day(context, day, facts, beyond=day in obj.beyond)
        report_left_out(context, obj.table.name, absent)

    def load_input(self, context: dg.InputContext) -> dict[str, StoredTable] | dict[str, Capture]:
        """The upstream days, unread; in a run that skips missing days, the usable ones."""
        asset, days = context.asset_key.path[-1], context.asset_partition_keys
        if OPTIONAL.items() <= (context.definition_metadata or {}).items():
            days = self.lake.there(asset, days)
        if deferred(context):
            days = self._usable(context, asset, days)
        if asset in RAW:
            return self.lake.captures(asset, days)
        try:
            found = {day: self.lake.tree.read(asset, day) for day in days}
        except MissingDay as error:
            raise dg.Failure(f"{error}.", allow_retries=False) from error
        takes_thinned = TAKES_THINNED.items() <= (context.definition_metadata or {}).items()
        if not takes_thinned and (
            thin := [day for day, stored in found.items() if thinned(stored)]
        ):
            raise dg.Failure(
                f"{asset} was thinned on {', '.join(thin)}: tables made of those days stay, but "
                "cannot be rebuilt. Choose other days.",
                allow_retries=False,
            )
        return found

    def _usable(self, context: dg.InputContext, asset: str, days: Iterable[str]) -> list[str]:
        """The stored days, without captures that fail a blocking check."""
        there = self.lake.there(asset, days)
        if asset not in RAW:
            thin = {day for day in there if "thinned" in self.lake.tree.notes(asset, day)}
            report_left_out(context, asset, dict.fromkeys(thin, "it was thinned"))
            return [day for day in there if day not in thin]
        captures = self.lake.stores[asset].captures()
        good = rules.usable_days(captures)
        reasons = {
            day: "its pages were deleted" if captures[day].pages_dropped else "it is not complete"
            for day in there
            if day not in good or captures[day].pages_dropped
        }
        report_left_out(context, asset, reasons)
        return [day for day in there if day not in reasons]


class HubResource(dg.ConfigurableResource):
    """The Hugging Face Hub: HF_ENDPOINT and HF_TOKEN as huggingface_hub reads them."""

    connect_timeout: float
    read_timeout: float
    retry_wait: float
    lock_wait: float
    archive: str = "none"
    chains: int = 1

    @cached_property
    def past(self) -> Archive | None:
        """The archive of past days, opened once a run; None without one.

        A broken one must not stop today's capture, which does not read it.
        """
        try:
            return self.open_past()
        except ArchiveError as error:
            return BrokenArchive(error)

    def open_past(self) -> Archive | None:
        """The archive, opened again. ArchiveError."""
        return open_archive(
            self.archive,
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            retry_wait=self.retry_wait,
        )

    @cached_property
    def asked(self) -> set[str]:
        """The listings, by asset, that this run has asked for today."""
        return set()

    def capturer(
        self,
        context: dg.AssetExecutionContext,
        day: str,
        archive: Archive | None = None,
        *,
        asset: str | None = None,
        among: SideBySide | None = None,
    ) -> Capturer:
        """Captures one day; reports progress to the run and to that day's partition.

        Args:
            context: of the step.
            day: the partition key.
            archive: asked for past days.
            asset: whose listing it is; by default the step's own.
            among: the captures that it runs among, in a thread.
        """
        key = dg.AssetKey(asset) if asset else context.asset_key
        to_caller = among.in_caller if among else lambda function: function
        name = f"{key.path[-1]}: " if among else ""

        def report(progress: Any) -> None:
            context.log.info(f"{name}{progress}")
            context.log_event(
                dg.AssetObservation(asset_key=key, partition=day, metadata=captured(progress))
            )

        client = HubClient(
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            retry_wait=self.retry_wait,
            log=to_caller(lambda line: context.log.warning(f"{name}{line}")),
        )
        return Capturer(
            client,
            log=to_caller(lambda line: context.log.info(f"{name}{line}")),
            report=to_caller(report),
            # A listing that another run captures is left to it.
            lock_wait=0 if asset else self.lock_wait,
            archive=archive,
            chains=self.chains,
            stopped=among.stopped if among else lambda: False,
        )


class StackExchangeResource(dg.ConfigurableResource):
    """One site of the Stack Exchange API."""

    endpoint: str
    site: str

    def client(self, log: Callable[[str], None]) -> "QuestionClient":
        """A client; the app key stays out of configuration and logs."""
        from hf_assets.corpora.stackexchange.client import QuestionClient

        key = settings().stackexchange_key
        return QuestionClient(
            self.endpoint, self.site, key.get_secret_value() if key else None, log=log
        )


class KaggleResource(dg.ConfigurableResource):
    """Kaggle's list of datasets; credentials as the kaggle package finds them."""

    endpoint: str

    def client(self, log: Callable[[str], None]) -> "DatasetClient":
        """A client; needs credentials at its first request."""
        from hf_assets.corpora.kaggle.client import DatasetClient

        return DatasetClient(self.endpoint, log=log)


@cache
def lake_under(root: str) -> LakeResource:
    """The lake there: one object, as definitions that bring it, too, are merged."""
    return LakeResource(root=root)


@dg.definitions
def resources() -> dg.Definitions:
    """Resources by name, and the executor."""
    known = settings()
    lake = lake_under(str(known.data))
    return dg.Definitions(
        resources={
            "lake": lake,
            "tables": TablesIOManager(lake=lake),
            "hub": HubResource(
                connect_timeout=known.connect_timeout,
                read_timeout=known.read_timeout,
                retry_wait=known.retry_wait,
                lock_wait=known.lock_wait,
                archive=known.archive,
                chains=known.hub_chains,
            ),
            "stackexchange": StackExchangeResource(
                endpoint=known.stackexchange_endpoint,
                site=known.stackexchange_site,
            ),
            "kaggle": KaggleResource(endpoint=known.kaggle_endpoint),
        },
        # A process per step costs seconds of imports; most steps take less.
        executor=dg.in_process_executor,
    )
