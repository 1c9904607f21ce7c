"""What assets are given: the lake, its tables through an IO manager, the Hub.

Not here: what they do with it.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from hf_assets.defs.report import captured, stored_table
from hf_assets.errors import InputError
from hf_assets.hub.capture import MARKER, Capture, open_capture
from hf_assets.hub.capturing import Capturer
from hf_assets.hub.listing import HubClient
from hf_assets.hub.quality import last_whole
from hf_assets.lake import Lake, Made, MissingArtefact, MissingDay, Stored, Table
from hf_assets.settings import settings

if TYPE_CHECKING:
    from hf_assets.corpora.kaggle_client import DatasetClient
    from hf_assets.corpora.stackexchange import QuestionClient

RAW = ("raw_models", "raw_spaces")


@contextmanager
def clear_failures() -> Generator[None]:
    """What a person can mend fails the step with its own words, for good where a retry is vain."""
    try:
        yield
    except InputError as error:
        raise dg.Failure(str(error), allow_retries=not error.permanent) from error
    except (MissingArtefact, MissingDay) as error:
        raise dg.Failure(f"{error}.", allow_retries=False) from error


@dataclass(frozen=True)
class Days:
    """A table's days on their way into the lake: each is made only when its turn has come.

    A table without days has one, None.
    """

    table: Table
    make: Mapping[str, Callable[[], Made]] | Mapping[None, Callable[[], Made]]


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

    def texts(self, *sources: str) -> list[Stored]:
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
            with clear_failures():
                stored = self.lake.tree.write(obj.table, day, make())
            of_day = f" {day}" if day else ""
            context.log.info(f"{obj.table.name}{of_day}: {stored.rows:,} rows, {stored.seconds} s")
            facts = stored_table(stored, obj.table)
            if day is None:
                context.add_output_metadata(facts)
            else:
                context.step_context.add_asset_metadata(facts, partition_key=day)

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


class StackExchangeResource(dg.ConfigurableResource):
    """One site of the Stack Exchange API."""

    endpoint: str
    site: str

    def client(self, tell: Callable[[str], None]) -> "QuestionClient":
        """A client; the app key, if there is one, stays out of configuration and logs."""
        from hf_assets.corpora.stackexchange import QuestionClient

        key = settings().stackexchange_key
        return QuestionClient(
            self.endpoint, self.site, key.get_secret_value() if key else None, tell=tell
        )


class KaggleResource(dg.ConfigurableResource):
    """Kaggle's list of datasets; credentials as the kaggle package finds them."""

    endpoint: str

    def client(self, tell: Callable[[str], None]) -> "DatasetClient":
        """A client; asks for credentials when it is first used."""
        from hf_assets.corpora.kaggle_client import DatasetClient

        return DatasetClient(self.endpoint, tell=tell)


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
            "stackexchange": StackExchangeResource(
                endpoint=known.stackexchange_endpoint,
                site=known.stackexchange_site,
            ),
            "kaggle": KaggleResource(endpoint=known.kaggle_endpoint),
        },
        # A process a step costs seconds of imports; the steps here take less.
        executor=dg.in_process_executor,
    )
