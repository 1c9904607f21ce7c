"""The records in `capture.json` and `journal.jsonl`.

A lake outlives versions: a key that an older version did not write is None here, and a key that
this version does not know stays in the file when it is rewritten.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from hf_assets.errors import InputError
from hf_assets.hub.client.listing import ListingQuery


class CorruptCapture(InputError):
    """A stored capture cannot be read, or a page of it is not what was fetched."""


class PageRecord(msgspec.Struct, frozen=True):
    """A line of the journal: one page.

    Args:
        page: its number, from 0.
        url: its address.
        next: the address of the next page; None at the end of the listing.
        rows: rows in it.
        bytes: size of the body, unpacked.
        sha256: of the body.
        total: the Hub's own count of the listing (X-Total-Count).
        refused: values of `expand` that the Hub refused.
        chain: which chain of pages it belongs to; 0 where the listing was one.
        form: of the body: "json" rows, or "ranges" of an archive's Parquet file.
        decoded: the strict decoder that took every row as it is (`rows.DECODER`), if it did.
    """

    page: int
    url: str
    next: str | None
    rows: int
    bytes: int
    sha256: str
    total: int | None = None
    refused: tuple[str, ...] = ()
    chain: int = 0
    form: str = "json"
    decoded: str | None = None


class ChainStart(msgspec.Struct, frozen=True):
    """Where a chain of pages begins: the address of its first page, and about how many rows lie
    before it.
    """

    url: str
    rows_before: int = 0


class JournalHeader(msgspec.Struct, frozen=True):
    """The first line of the journal: what an attempt asks, of which Hub, since when (ISO 8601).

    `chains`: where its chains begin, the first page of the listing first; empty for a single one.
    `one_chain`: why there is a single one, where an attempt of several was given up.
    """

    query: ListingQuery = msgspec.field(name="ask")
    endpoint: str
    started: str
    chains: tuple[ChainStart, ...] = ()
    one_chain: str | None = None


class CaptureManifest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The record of a complete capture, in `capture.json`. Times are ISO 8601, UTC.

    Args:
        query: what was asked of the listing.
        endpoint: the Hub; empty where the day came from a folder.
        fields: values of `expand` that the rows may have.
        refused: those that the Hub refused.
        started: when the listing began; of an archived day, when its rows were true.
        finished: when the last page was stored; of an archived day, as `started`.
        pages: number of pages.
        rows: rows as served, duplicates included.
        distinct: different `_id`s; None in a lake of the first versions, where it is `rows`.
        without_id: rows without `_id`.
        total: the Hub's own count (X-Total-Count).
        bytes: size of all bodies, unpacked.
        sha256: of the pages' sha256, in order.
        client: library and version that fetched the pages.
        attempt: the folder of the pages.
        form: of the pages: "ranges" of an archive's Parquet file; None: JSON.
        run: on a store, the run that made it; None in a folder.
        complete: always true.
        chains: in how many chains the listing was read; None for one.
        shared_rows: rows that two chains read where they meet; duplicates in `rows`.
        one_chain: why it was read again in one chain, where chains did not meet.
        objection: why a blocking check stops it, where the Hub gave the same answer twice.
        pages_dropped: the day on which retention removed the pages.
        source: "hub-stats" or "folder"; None where the day was captured live.
        dataset: the Hub dataset that archives the days.
        revision: its commit.
        committed: when that was.
        file: the file of the archive.
        file_sha256: of that file.
        time_known: whether the file says when its rows were fetched.
        absent: fields of a live listing that no row has.
        unread: columns that look like a field and were not read, with the reason.
        identity: "hub" where rows have `_id`, "name" where their name stands for it.
        absent_kind: why there are no rows, where the source has none of this kind.
        recovered: when the archive was read.
        counted: what the file itself holds, counted by `reconciliation`.
        bytes_fetched: bytes of the file that were fetched.
        bytes_whole: size of the file.
        times_without_zone: fields whose times have no time zone and were read as UTC.
        repeated_header_lines: header lines among the rows of a CSV file.
        other: keys that this version does not know.
    """

    query: ListingQuery = msgspec.field(name="ask")
    endpoint: str
    fields: tuple[str, ...]
    refused: tuple[str, ...]
    started: str
    finished: str
    pages: int
    rows: int
    distinct: int | None = None
    without_id: int
    total: int | None
    bytes: int
    sha256: str
    client: str
    attempt: str
    form: str | None = None
    run: str | None = None
    complete: bool
    chains: int | None = None
    shared_rows: int | None = None
    one_chain: str | None = None
    objection: str | None = None
    pages_dropped: str | None = None
    source: str | None = None
    dataset: str | None = None
    revision: str | None = None
    committed: str | None = None
    file: str | None = None
    file_sha256: str | None = None
    time_known: bool | None = None
    absent: tuple[str, ...] | None = None
    unread: dict[str, str] | None = None
    identity: str | None = None
    absent_kind: str | None = None
    recovered: str | None = None
    counted: dict[str, Any] | None = None
    bytes_fetched: int | None = None
    bytes_whole: int | None = None
    times_without_zone: tuple[str, ...] | None = None
    repeated_header_lines: int | None = None
    other: dict[str, Any] = {}

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "CaptureManifest":
        """The record of a JSON object. msgspec.ValidationError where a value has another type."""
        known = {name: value for name, value in content.items() if name in _KEYS}
        other = {name: value for name, value in content.items() if name not in _KEYS}
        first_versions = {"without_id": 0, "total": None}
        return msgspec.convert(first_versions | known | {"other": other}, cls)

    def plain(self) -> dict[str, Any]:
        """The JSON object, as `capture.json` has it."""
        # Not msgspec's encoder: a sum in `counted` may have more than 64 bits.
        content = json.loads(json.dumps(msgspec.to_builtins(self)))
        return content | content.pop("other", {})


_KEYS = frozenset(CaptureManifest.__struct_encode_fields__) - {"other"}
