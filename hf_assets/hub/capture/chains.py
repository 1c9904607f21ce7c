"""Reads a listing in several chains at once, begun at the cursors of the last capture.

One chain of pages asks for a page when the one before it has come: at 1.5 s a page it uses a fifth
of the Hub's rate limit. A listing sorted by `createdAt` never reorders, so an earlier cursor is a
place in it still. Each chain goes on until it meets the first page of the next; rows that two
chains serve are duplicates like any others. A cursor that the Hub refuses begins no chain: the one
before goes on over its part.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from hf_assets.hub.capture.settling import Place, confirmed_page
from hf_assets.hub.capture_store.attempt import Attempt
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.chain import Chain, at_cursor, cursor_of
from hf_assets.hub.capture_store.manifest import ChainStart, CorruptCapture
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.listing import HubClient, ListingError, ListingQuery

# A chain of fewer pages saves no time.
PAGES_A_CHAIN = 3
# The share of the Hub's own count by which a capture of several chains may fall behind the last.
SHORT_OF_LAST = 0.001
# So many pages in a row without a new id, and the chain has no end.
PAGES_WITHOUT_NEW = 10
# Seconds between two looks at the chains, in which their log lines are written.
LOOK = 0.2


class ChainsError(Exception):
    """The chains do not make up the listing: it is to be read in one chain. Text: the reason."""


def chain_starts(
    store: CaptureStore, query: ListingQuery, endpoint: str, most: int
) -> tuple[ChainStart, ...]:
    """Where the chains of a new capture begin, about as many rows apart; empty for one chain.

    Args:
        store: of the listing.
        query: of the new capture.
        endpoint: its Hub.
        most: chains, at most.
    """
    last = last_whole(store, endpoint)
    if most < 2 or query.limited or query.sort != "createdAt" or last is None:
        return ()
    try:
        # In the order of the listing, whatever the order in which chains fetched them.
        records = sorted(last.records, key=lambda record: record.chain)
    except CorruptCapture:
        return ()
    if last.manifest.query.sort != query.sort:
        return ()
    before = [0, *accumulate(record.rows for record in records)]
    first, count = query.url(endpoint), min(most, len(records) // PAGES_A_CHAIN)
    starts = {0: ChainStart(first)}
    for number in range(1, count):
        at = next(index for index, rows in enumerate(before) if rows >= number * before[-1] / count)
        if at < len(records) and (cursor := cursor_of(records[at].url)):
            starts.setdefault(at, ChainStart(at_cursor(first, cursor), before[at]))
    return tuple(starts.values()) if len(starts) > 1 else ()


def last_whole(store: CaptureStore, endpoint: str) -> Capture | None:
    """The newest live capture of the whole of that Hub."""
    return store.newest(
        lambda one: one.whole_hub and one.source == "captured" and one.manifest.endpoint == endpoint
    )


def require_complete(attempt: Attempt, last: Capture | None) -> None:
    """Check that several chains met each other, and reach the Hub's own count.

    Args:
        attempt: all of whose chains are over.
        last: an earlier capture, whose rows may fall short of the count as well.

    Raises:
        ChainsError: rows are missing that one chain would have.
    """
    if attempt.chained < 2:
        return
    if totals := [line.total for line in attempt.lines if line.total]:
        # Rows that came or went while the listing was read are no loss.
        total = min(totals[0], totals[-1])
        usual = last.distinct / last.manifest.total if last and last.manifest.total else 1.0
        if attempt.seen.distinct < (min(usual, 1.0) - SHORT_OF_LAST) * total:
            raise ChainsError(
                f"{attempt.chained} chains brought {attempt.seen.distinct:,} different rows, where "
                f"the Hub counts {total:,}"
            )
    for number, chain in enumerate(attempt.chains):
        later = attempt.chains[number + 1 :]
        if chain.pages and not chain.met and any(other.first_ids for other in later):
            raise ChainsError(
                f"the chain begun at {chain.start.rows_before:,} rows came to the end of the "
                "listing, and met no other"
            )


@dataclass
class ChainReader:
    """Fetches the pages of an attempt, each chain in a thread of its own.

    Args:
        client: fetches pages.
        attempt: keeps them.
        before_page, after_page: called one at a time; what they raise ends the reading.
        report: called now and then in the thread of the caller.
        log: takes lines, in the thread of the caller.
    """

    client: HubClient
    attempt: Attempt
    before_page: Callable[[], None]
    after_page: Callable[[Chain], None]
    report: Callable[[], None]
    log: Callable[[str], None]
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _error: BaseException | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)

    def read(self) -> None:
        """Fetch every page that is missing.

        Raises:
            ListingError: a page cannot be fetched; those so far are kept.
            ChainsError: a chain does not end where the next begins.
        """
        chains = self.attempt.chains
        if len(chains) == 1:
            while self._page(self.client, chains[0]):
                self.report()
            return
        # The first answer says which fields the Hub refuses and what its window allows.
        if not chains[0].pages:
            self._page(self.client, chains[0])
        # All first pages before any second: a chain ends at the first page of the next. One that
        # the Hub refused begins no chain later: others have gone on over its part.
        if all(one.pages < 2 for one in chains):
            self._together([one for one in chains if not one.pages], self._first_page)
        self._together([one for one in chains if one.pages], self._follow)
        self.report()

    def _page(self, client: HubClient, chain: Chain) -> bool:
        """Fetch and keep a chain's next page; whether there may be another."""
        with self._lock:
            url, place = self.attempt.next_url(chain), self._place(chain)
            if url is None:
                return False
            self.before_page()
        page = confirmed_page(client, client.page(url, place.number), place, client.log)
        with self._lock:
            if self._stopped:
                return False
            self.attempt.keep(page, chain)
            self.after_page(chain)
        return True

    def _place(self, chain: Chain) -> Place:
        attempt = self.attempt
        return Place(len(attempt.lines), chain.rows_before, attempt.total, attempt.query.max_rows)

    def _follow(self, client: HubClient, chain: Chain) -> None:
        while self._page(client, chain):
            continue

    def _first_page(self, client: HubClient, chain: Chain) -> None:
        try:
            self._page(client, chain)
        except ListingError as error:
            if not error.permanent:
                raise
            client.log(f"no chain begins at {chain.start.rows_before:,} rows: {error}")

    def _together(self, chains: Sequence[Chain], work: Callable[[HubClient, Chain], None]) -> None:
        """Work on each chain in its own thread; the first error ends all."""
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        client = replace(self.client, log=lines.put)

        def run(chain: Chain) -> None:
            try:
                work(client, chain)
            except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
                with self._lock:
                    self._error, self._stopped = self._error or error, True

        threads = [threading.Thread(target=run, args=(one,), daemon=True) for one in chains]
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads) and not self._error:
                next((one for one in threads if one.is_alive()), threads[0]).join(LOOK)
                self._write(lines)
                self.report()
        finally:
            with self._lock:
                self._stopped = self._stopped or any(thread.is_alive() for thread in threads)
            self._write(lines)
        if self._error:
            raise self._error

    def _write(self, lines: "queue.SimpleQueue[str]") -> None:
        while not lines.empty():
            self.log(lines.get())
