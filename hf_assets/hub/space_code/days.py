"""A day of Spaces' files: asked for today, else what is stored, else what a folder recorded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hf_assets.hub.client.connection import HubConnection
from hf_assets.hub.space_code.answers import Space
from hf_assets.hub.space_code.asking import Night
from hf_assets.hub.space_code.journal_on_store import open_journal
from hf_assets.hub.space_code.recorded import recorded_files
from hf_assets.hub.space_code.schemas import RAW_SPACE_TREES
from hf_assets.hub.space_code.table import chosen_spaces
from hf_assets.hub.space_code.tree_client import TreeClient
from hf_assets.storage.lake import Lake, StoredTable, today
from hf_assets.storage.locks import exclusive

NAME = RAW_SPACE_TREES.name


class NoTrees(Exception):
    """A day has no files of Spaces; the text says why."""


@dataclass
class TreeDays:
    """The days of `raw_space_trees`.

    Args:
        lake: that stores them.
        connection: to the Hub.
        most_requests: of a day.
        lock_wait: seconds to wait for another run that asks.
        recorded: the recording of a day: its path and its name, if there is one.
        log: takes lines for the run log.
    """

    lake: Lake
    connection: HubConnection
    most_requests: int
    lock_wait: float
    recorded: Callable[[str], tuple[Path, str] | None] = lambda _: None
    log: Callable[[str], None] = lambda _: None

    def get_or_ask(
        self, day: str, spaces: pl.LazyFrame | None, top_models: pl.LazyFrame | None
    ) -> StoredTable:
        """That day's answers; asks the Hub where it is today.

        Args:
            day: the partition key.
            spaces: that day's `enriched_spaces`, or None.
            top_models: that day's `top_models`, or None.

        Raises:
            NoTrees: nobody has that day.
            TreesError: the Hub does not answer; what it answered is kept.
            ArchiveError: the recording cannot be read.
        """
        if day > today():
            raise NoTrees(f"{day} has not begun (days are UTC): choose today or an earlier day.")
        if day == today():
            if spaces is None or top_models is None:
                raise NoTrees(
                    f"there is no enriched_spaces or top_models for {day}: materialise them first."
                )
            return self._ask(day, spaces, top_models)
        if day in self.lake.days(NAME):
            return self.lake.read(NAME, day)
        if recording := self.recorded(day):
            return self.lake.write(RAW_SPACE_TREES, day, recorded_files(*recording, day))
        raise NoTrees(
            f"{day} is over and the files of its Spaces were never asked for: the Hub shows only "
            "what is now, and today's files are not written under another day. Choose a day that "
            "is stored, or put a recording into a folder (HF_ASSETS_ARCHIVE; see "
            "docs/space-code.md)."
        )

    def _ask(self, day: str, spaces: pl.LazyFrame, top_models: pl.LazyFrame) -> StoredTable:
        folder = self.lake.folder(NAME, None)
        work = f"asking for files of Spaces of {day}"
        with (
            exclusive(folder / ".lock", work, wait=self.lock_wait, log=self.log),
            open_journal(folder) as journal,
        ):
            chosen = chosen_spaces(spaces, top_models).select("hub_id", "id", "last_modified")
            night = Night(
                day=day,
                spaces=[Space(*row) for row in chosen.iter_rows()],
                earlier=self._newest(self.lake.days(NAME), day),
                journal=journal,
                most_requests=self.most_requests,
                log=self.log,
            )
            night.ask(lambda budget: TreeClient(self.connection, budget))
            facts = {"source": "captured", "endpoint": self.connection.endpoint}
            stored = self.lake.write(RAW_SPACE_TREES, day, night.table(facts))
            journal.clear()
            return stored

    def _newest(self, days: Iterable[str], day: str) -> StoredTable | None:
        """The newest answers of a Hub that are stored, of that day or an earlier one."""
        for one in sorted((one for one in days if one <= day), reverse=True):
            stored = self.lake.read(NAME, one)
            if stored.capture(NAME).source == "captured":
                return stored
        return None
