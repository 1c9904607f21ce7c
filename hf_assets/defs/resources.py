"""What assets are given: the lake, its tables through an IO manager, the Hub.

Not here: what they do with it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg

from hf_assets.defs.report import captured, stored_table
from hf_assets.hub.capture import MARKER, Capture, open_capture
from hf_assets.hub.capturing import Capturer
from hf_assets.hub.listing import HubClient
from hf_assets.hub.quality import last_whole
from hf_assets.lake import Lake, Made, MissingDay, Stored, Table
from hf_assets.settings import settings

RAW = ("raw_models", "raw_spaces")


@dataclass(frozen=True)
class Days:
    """A table's days on their way into the lake: each is made only when its turn has come."""

    table: Table
    make: Mapping[str, Callable[[], Made]]


class LakeResource(dg.ConfigurableResource):
    """The lake, for what is not one table in and one table out."""

    root: str

    @cached_property
    def tree(self) -> Lake:
        """The lake under `root`."""
        return Lake(Path(self.root))

    def captures(self, asset: str, days: Iterable[str]) -> dict[str, Capture]:
        """The complete captures of those days; a failure for good where one is missing."""
        found = {day: open_capture(self.tree.folder(asset, day)) for day in days}
        missing = [day for day, capture in found.items() if capture is None]
        if missing:
            raise dg.Failure(
                f"{asset} was not captured on {', '.join(missing)}: materialise it while it is "
                "that day, or choose days that have a capture.",
                allow_retries=False,
            )
        return {day: capture for day, capture in found.items() if capture}

    def captured_before(self, asset: str, day: str) -> Capture | None:
        """The last whole capture of an earlier day."""
        earlier = [known for known in self.tree.days(asset, MARKER) if known < day]
        return last_whole(self.captures(asset, earlier).values())


class TablesIOManager(dg.ConfigurableIOManager):
    """Stores a table a day; gives what depends on it `Stored` or `Capture`, a day each."""

    lake: dg.ResourceDependency[LakeResource]

    def handle_output(self, context: dg.OutputContext, obj: Days) -> None:
        """Make and store each day, and report on each to its own partition."""
        for day, make in obj.make.items():
            stored = self.lake.tree.write(obj.table, day, make())
            context.log.info(f"{obj.table.name} {day}: {stored.rows:,} rows, {stored.seconds} s")
            context.step_context.add_asset_metadata(
                stored_table(stored, obj.table), partition_key=day
            )

    def load_input(self, context: dg.InputContext) -> dict[str, Stored] | dict[str, Capture]:
        """The upstream days, unread."""
        asset, days = context.asset_key.path[-1], context.asset_partition_keys
        if asset in RAW:
            return self.lake.captures(asset, days)
        try:
            return {day: self.lake.tree.read(asset, day) for day in days}
        except MissingDay as error:
            raise dg.Failure(f"{error}.", allow_retries=False) from error


class HubResource(dg.ConfigurableResource):
    """The Hugging Face Hub: HF_ENDPOINT and HF_TOKEN as huggingface_hub reads them."""

    connect_timeout: float
    read_timeout: float
    retry_wait: float
    lock_wait: float

    def capturer(self, context: dg.AssetExecutionContext, day: str) -> Capturer:
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
            tell=context.log.warning,
        )
        return Capturer(client, tell=context.log.info, report=report, lock_wait=self.lock_wait)


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
            ),
        },
        # A process a step costs seconds of imports; the steps here take less.
        executor=dg.in_process_executor,
    )
