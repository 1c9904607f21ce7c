"""What a month says about its days, and the digest by which a day given back is proven equal."""

import hashlib
from collections.abc import Iterable

import msgspec
import polars as pl

from hf_assets.hub.repository_days.schemas import Kind
from hf_assets.storage.records import Record

# The key of the days in a month's footer.
DAYS_NOTE = "days"


class DayFacts(Record):
    """A day of a series.

    Attributes:
        trusted: `day_quality` trusts it.
        rows: repositories listed.
        digest: of `hub_id` and the counters of its table.
        mark: size and time of the table's file.
        repeated: rows left out, as another row of that day has their identity.
    """

    trusted: bool
    rows: int
    digest: str
    mark: tuple[int, int] = (0, 0)
    repeated: int = 0


def days_of(notes: dict[str, object]) -> dict[str, DayFacts]:
    """The days that the footer of a month names, oldest first."""
    return msgspec.convert(notes.get(DAYS_NOTE, {}), dict[str, DayFacts])


def digest(frames: Iterable[pl.DataFrame], kind: Kind) -> str:
    """The digest of a day's rows: equal rows have an equal one, however they are cut.

    Args:
        frames: the rows in the order of `hub_id`, in batches of any size.
        kind: whose counters count.
    """
    names = ("hub_id", *(counter.name for counter in kind.counters))
    hashes = {name: hashlib.blake2b(digest_size=16) for name in names}
    rows = 0
    for frame in frames:
        rows += frame.height
        for name, of_column in hashes.items():
            column = frame[name]
            if name == "hub_id":
                of_column.update("\n".join(column.to_list()).encode() + b"\n" * bool(frame.height))
            else:
                of_column.update(column.fill_null(0).to_numpy().tobytes())
                if column.null_count():
                    nulls = column.is_null().arg_true() + (rows - frame.height)
                    of_column.update(b"null" + nulls.cast(pl.UInt64).to_numpy().tobytes())
    every = b"".join(of_column.digest() for of_column in hashes.values())
    return hashlib.blake2b(every + str(rows).encode(), digest_size=16).hexdigest()
