"""A night's questions: the files of Spaces whose last commit no stored answer has.

A day's table has the answer about every Space, copied from the last stored day where the commit
stands: each day can be read, kept or deleted by itself. Answers go to the journal first.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from hf_assets.errors import HfAssetsError
from hf_assets.hub.client.connection import HubError
from hf_assets.hub.space_code.answers import Answer, Journal, Space, holds
from hf_assets.hub.space_code.journal_on_store import JournalOnStore
from hf_assets.hub.space_code.records import TreeCounts
from hf_assets.hub.space_code.schemas import RAW_SPACE_TREES
from hf_assets.hub.space_code.tree_client import Budget, BudgetSpent, TreeClient
from hf_assets.storage.lake import StoredTable, TableWrite, iso

# Spaces asked about at a time: the pacer counts requests under way.
WORKERS = 4
# Spaces in a row without any answer, from which the Hub is down.
MOST_FAILURES = 5
# Seconds between two lines of progress.
REPORT_EVERY = 60.0
# Answers a frame: a tree has a kilobyte or a megabyte.
FRAME = 64
_LIGHT = ["hub_id", "last_modified", "asked", "requests", "reason", "packages_reason"]


class TreesError(HfAssetsError):
    """The files of Spaces cannot be asked for; the message says what can be done."""


@dataclass
class Night:
    """Asks about the Spaces of a day, and makes the day's table.

    Args:
        day: today.
        spaces: to ask about, the more important first.
        earlier: the last stored day, or this day as it was stored by an earlier run.
        journal: the answers that no stored day has.
        most_requests: of the day, those of earlier runs too.
        log: takes lines for the run log.
    """

    day: str
    spaces: Sequence[Space]
    earlier: StoredTable | None
    journal: Journal | JournalOnStore
    most_requests: int
    log: Callable[[str], None] = lambda _: None
    _failed: int = field(default=0, init=False)
    _why: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._stored = _light(self.earlier)

    def open_questions(self) -> list[Space]:
        """The Spaces without an answer that holds."""
        return [one for one in self.spaces if not self._answered(one)]

    def _answered(self, space: Space) -> bool:
        noted, stored = self.journal.entries.get(space.hub_id), self._stored.get(space.hub_id)
        of_commit = space.last_modified is not None
        if noted and noted.final and of_commit and noted.last_modified == space.last_modified:
            return True
        return bool(
            stored
            and of_commit
            and stored["last_modified"] == space.last_modified
            and holds(stored["reason"], stored["packages_reason"])
        )

    def spent(self) -> int:
        """Requests that were made on that day."""
        stored = {key: (one["asked"], one["requests"]) for key, one in self._stored.items()}
        noted = {key: (one.asked, one.requests) for key, one in self.journal.entries.items()}
        every = (stored | noted).values()
        return sum(n or 0 for asked, n in every if asked and f"{asked:%Y-%m-%d}" == self.day)

    def ask(self, client_of: Callable[[Budget], TreeClient]) -> None:
        """Ask until every Space is answered or the most requests are made.

        Args:
            client_of: gives the client that counts its requests in that budget.

        Raises:
            TreesError: no Space was answered any more; the answers so far are kept.
        """
        waiting = self.open_questions()
        budget = Budget(max(self.most_requests - self.spent(), 0))
        self.log(f"{len(self.spaces):,} Spaces use the chosen models, {len(waiting):,} to ask for")
        if not waiting or not budget.left:
            return
        answers, reported = _answers(client_of(budget), waiting), time.monotonic()
        for number, (answer, why) in enumerate(answers, 1):
            self._note(answer, why)
            if (now := time.monotonic()) - reported >= REPORT_EVERY:
                self.log(f"{number:,} of {len(waiting):,} Spaces answered")
                reported = now

    def _note(self, answer: Answer, why: str) -> None:
        """Keep an answer; TreesError after too many failures in a row."""
        # A failure is no answer: the next run asks again.
        if answer.reason != "failed":
            self._failed = 0
            self.journal.add(answer)
            return
        self._failed, self._why = self._failed + 1, why
        self.log(f"{answer.id}: {why}")
        self.journal.add(answer)
        if self._failed >= MOST_FAILURES:
            raise TreesError(
                f"{self._failed} Spaces in a row were not answered: {why} The answers so far are "
                "kept.",
                permanent=False,
            )

    def table(self, provenance: dict[str, Any]) -> TableWrite:
        """The day's table, with an answer or a reason for each Space, in constant memory."""
        counts = TreeCounts()
        table = TableWrite((), provenance={"raw_space_trees": provenance}, record=counts)
        table.frames = self._frames(counts)
        return table

    def _frames(self, counts: TreeCounts) -> Iterator[pl.DataFrame]:
        for rows in _batched(self._rows(counts), FRAME):
            frame = pl.DataFrame(rows, schema=_schema(), orient="row")
            counts.rows += frame.height
            yield frame.with_columns(day=pl.lit(iso(self.day)))

    def _rows(self, counts: TreeCounts) -> Iterator[dict[str, Any]]:
        left = {space.hub_id: space for space in self.spaces}
        for hub_id in [key for key in left if key in self.journal.entries]:
            if self.journal.entries[hub_id].last_modified == left[hub_id].last_modified:
                answer = self.journal.answer(hub_id)
                yield self._counted(counts, answer.row() | {"id": left.pop(hub_id).id})
        for row in _stored_rows(self.earlier):
            space = left.get(row["hub_id"])
            if space is None or row["last_modified"] != space.last_modified:
                continue
            yield self._counted(counts, row | {"id": left.pop(space.hub_id).id})
        for space in left.values():
            unasked = Answer(
                **space._asdict(), asked=None, reason="not asked", packages_reason="files unknown"
            )
            yield self._counted(counts, unasked.row())

    def _counted(self, counts: TreeCounts, row: dict[str, Any]) -> dict[str, Any]:
        asked: datetime | None = row["asked"]
        today = asked is not None and f"{asked:%Y-%m-%d}" == self.day
        counts.count(row["reason"], row["requests"] if today else 0, asked_today=today)
        return row


def _answers(client: TreeClient, spaces: Sequence[Space]) -> Iterator[tuple[Answer, str]]:
    """Each answer with the error behind it, as they come; ends when the budget is spent.

    After an error nothing more is asked; the answers that came before it are yielded first.
    """
    coming = iter(spaces)
    pending: set[Future[tuple[Answer, str]]] = set()
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            spent = False
            while True:
                while not spent and len(pending) < WORKERS and (space := next(coming, None)):
                    pending.add(pool.submit(client.ask, space))
                if not pending:
                    return
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for one in done:
                    try:
                        yield one.result()
                    except BudgetSpent:
                        spent = True
        except HubError as error:
            raise TreesError(f"{error}", permanent=error.permanent) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _batched(rows: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _schema() -> pl.Schema:
    schema = RAW_SPACE_TREES.schema
    return pl.Schema({name: dtype for name, dtype in schema.items() if name != "day"})


def _light(stored: StoredTable | None) -> dict[str, dict[str, Any]]:
    """The answers of a stored day without their bytes, by Space."""
    if stored is None:
        return {}
    rows = stored.frame.select(_LIGHT).collect().to_dicts()
    return {row["hub_id"]: row for row in rows}


def _stored_rows(stored: StoredTable | None) -> Iterator[dict[str, Any]]:
    """The rows of a stored day, a row group at a time."""
    if stored is None:
        return
    for frame in answers_of(stored):
        yield from frame.drop("day").iter_rows(named=True)


def answers_of(stored: StoredTable) -> Iterator[pl.DataFrame]:
    """The rows of a stored day of `raw_space_trees`, a row group at a time."""
    file = stored.file.arrow()
    for group in range(file.metadata.num_row_groups):
        yield pl.DataFrame(pl.from_arrow(file.read_row_group(group))).cast(
            dict(RAW_SPACE_TREES.schema)
        )
