"""What assets are given: the lake, its tables through an IO manager, the Hub.

Not here: what they do with it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from hf_assets.defs.common.events import deferred, report_day, report_left_out
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.killed_runs import end_killed, hold
from hf_assets.defs.common.metadata import captured, stored_table
from hf_assets.errors import clean
from hf_assets.hub.archive.base import Archive
from hf_assets.hub.capture.capturer import Capturer
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.listing import HubClient
from hf_assets.hub.open_archive import open_archive
from hf_assets.hub.quality import rules
from hf_assets.hub.retention import thinned
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, TableWrite
from hf_assets.storage.parquet import Table

if TYPE_CHECKING:
    from hf_assets.corpora.kaggle.client import DatasetClient
    from hf_assets.corpora.stackexchange.client import QuestionClient

RAW = ("raw_models", "raw_spaces")
# A run of more days than that shows no rows of each: the tables and their schema are in the UI.
PREVIEWED_DAYS = 60


# Of an input: days that have given up columns are handed on like others.
TAKES_THINNED = {"thinned days": "taken"}


@dataclass(frozen=True)
class PartitionWrites:
    """A table's days on their way into the lake: each is made only when its turn has come.

    A table without days has one, None. `beyond` names those that the run was not launched for.
    """

    table: Table
    make: Mapping[str, Callable[[], TableWrite]] | Mapping[None, Callable[[], TableWrite]]
    beyond: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AlreadyWritten:
    """A table without days that is in the lake already: the series know best what is to be made."""

    table: Table
    stored: StoredTable


class LakeResource(dg.ConfigurableResource):
    """The lake, for what is not one table in and one table out."""

    root: str

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """A run begins: it shows that it lives, and ends those that no longer do."""
        if context.run and context.instance:
            try:
                hold(context.instance, context.run.run_id)
                end_killed(context.instance)
            except OSError as error:
                dg.get_dagster_logger().warning(
                    f"This run cannot show that it lives, should it be killed: {clean(error)}"
                )

    @cached_property
    def tree(self) -> Lake:
        """The lake under `root`."""
        return Lake(Path(self.root))

    @cached_property
    def stores(self) -> Mapping[str, CaptureStore]:
        """The captures of each listing, by asset."""
        return {asset: CaptureStore(self.tree, asset) for asset in RAW}

    def captures(self, asset: str, days: Iterable[str]) -> dict[str, Capture]:
        """The complete captures of those days; a failure for good where one is missing."""
        found = {day: self.stores[asset].complete(day) for day in days}
        missing = [day for day, capture in found.items() if capture is None]
        if missing:
            raise dg.Failure(
                f"{asset} was not captured on {', '.join(missing)}: materialise it (today's from "
                "the Hub, a past day from the archive), choose days that have a capture, or launch "
                "the job `past_days`, which leaves out what nobody has.",
                allow_retries=False,
            )
        return {day: capture for day, capture in found.items() if capture}

    def there(self, asset: str, days: Iterable[str]) -> list[str]:
        """Those of the days that the lake has of that asset."""
        known = {*(self.stores[asset].days() if asset in RAW else self.tree.days(asset))}
        return [day for day in days if day in known]

    def texts(self, *sources: str) -> list[StoredTable]:
        """Every stored day of those sources of texts, and those without days."""
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
    """Stores a table a day; gives what depends on it `StoredTable` or `Capture`, a day each."""

    lake: dg.ResourceDependency[LakeResource]

    def handle_output(
        self, context: dg.OutputContext, obj: PartitionWrites | AlreadyWritten
    ) -> None:
        """Make and store each day, and report on each to its own partition."""
        if isinstance(obj, AlreadyWritten):
            context.log.info(f"{obj.table.name}: {obj.stored.rows:,} rows, {obj.stored.seconds} s")
            context.add_output_metadata(stored_table(obj.stored, obj.table))
            return
        # The events of hundreds of days, each with a line and a preview, are more work than they.
        brief, absent = len(obj.make) > PREVIEWED_DAYS, {}
        with clear_failures():
            for day, stored in self.lake.tree.write_days(obj.table, obj.make):
                if not brief:
                    told = f"{stored.rows:,} rows, {stored.seconds} s"
                    context.log.info(f"{obj.table.name}{f' {day}' if day else ''}: {told}")
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
        """The upstream days, unread; in a run that leaves days out, those that can be used."""
        asset, days = context.asset_key.path[-1], context.asset_partition_keys
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
                f"{asset} was thinned on {', '.join(thin)}: what was made of those days is kept, "
                "and cannot be made anew. Choose other days.",
                allow_retries=False,
            )
        return found

    def _usable(self, context: dg.InputContext, asset: str, days: Iterable[str]) -> list[str]:
        """The days that are there, but for captures that a blocking check would stop."""
        there = self.lake.there(asset, days)
        if asset not in RAW:
            thin = {day for day in there if "thinned" in self.lake.tree.notes(asset, day)}
            report_left_out(context, asset, dict.fromkeys(thin, "it was thinned"))
            return [day for day in there if day not in thin]
        captures = self.lake.stores[asset].captures()
        good = rules.usable_days(captures)
        reasons = {
            day: "its pages were dropped" if captures[day].pages_dropped else "it is not whole"
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

    @cached_property
    def past(self) -> Archive | None:
        """Where past days come from, if from anywhere, as this run finds it. ArchiveError."""
        return self.open_past()

    def open_past(self) -> Archive | None:
        """The same, looked at anew."""
        return open_archive(
            self.archive,
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            retry_wait=self.retry_wait,
        )

    def capturer(
        self, context: dg.AssetExecutionContext, day: str, archive: Archive | None
    ) -> Capturer:
        """Captures one day and tells the run, and that day's partition, how far it is."""

        def report(progress: Any) -> None:
            context.log.info(str(progress))
            context.log_event(
                dg.AssetObservation(
                    asset_key=context.asset_key,
                    partition=day,
                    metadata=captured(progress),
                )
            )

        client = HubClient(
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            retry_wait=self.retry_wait,
            log=context.log.warning,
        )
        return Capturer(
            client,
            log=context.log.info,
            report=report,
            lock_wait=self.lock_wait,
            archive=archive,
        )


class StackExchangeResource(dg.ConfigurableResource):
    """One site of the Stack Exchange API."""

    endpoint: str
    site: str

    def client(self, log: Callable[[str], None]) -> "QuestionClient":
        """A client; the app key, if there is one, stays out of configuration and logs."""
        from hf_assets.corpora.stackexchange.client import QuestionClient

        key = settings().stackexchange_key
        return QuestionClient(
            self.endpoint, self.site, key.get_secret_value() if key else None, log=log
        )


class KaggleResource(dg.ConfigurableResource):
    """Kaggle's list of datasets; credentials as the kaggle package finds them."""

    endpoint: str

    def client(self, log: Callable[[str], None]) -> "DatasetClient":
        """A client; asks for credentials when it is first used."""
        from hf_assets.corpora.kaggle.client import DatasetClient

        return DatasetClient(self.endpoint, log=log)


@dg.definitions
def resources() -> dg.Definitions:
    """Resources by the names that assets ask for, and the executor."""
    known = settings()
    lake = LakeResource(root=str(known.data))
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
            ),
            "stackexchange": StackExchangeResource(
                endpoint=known.stackexchange_endpoint,
                site=known.stackexchange_site,
            ),
            "kaggle": KaggleResource(endpoint=known.kaggle_endpoint),
        },
        # A process a step costs seconds of imports; the steps here take less.
        executor=dg.in_process_executor,
    )
