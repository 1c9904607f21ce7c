"""Invalid rows and values of a listing, and the table of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

QUARANTINE_SCHEMA = pl.Schema(
    {
        "page": pl.Int64,
        "row": pl.Int64,
        "id": pl.String,
        "field": pl.String,
        "reason": pl.String,
        "value": pl.String,
    }
)


@dataclass(frozen=True)
class InvalidValue:
    """An invalid row (`field` None: in quarantine) or an invalid value (coerced to null).

    `page` and `row` count from 0, as served; `id` is the repository's name, else its `_id`, else
    None.
    """

    page: int
    row: int
    field: str | None
    reason: str
    value: str
    id: str | None = None


class InvalidValues:
    """The invalid rows and values of a listing: all are counted, some are kept.

    If the Hub changes a field, every row is invalid, and a few hundred say as much as millions.
    """

    MOST = 1000  # kept of each field and reason

    def __init__(self) -> None:
        self.kept: list[InvalidValue] = []
        self.counts: Counter[str | None] = Counter()
        self._reasons: Counter[tuple[str | None, str]] = Counter()

    def __iadd__(self, found: Iterable[InvalidValue]) -> "InvalidValues":
        for one in found:
            self.counts[one.field] += 1
            self._reasons[one.field, one.reason] += 1
            if self._reasons[one.field, one.reason] <= self.MOST:
                self.kept.append(one)
        return self


def quarantine_frame(invalid: list[InvalidValue]) -> pl.DataFrame:
    """Invalid rows and values as a table under `QUARANTINE_SCHEMA`."""
    return pl.DataFrame(
        [(one.page, one.row, one.id, one.field, one.reason, one.value) for one in invalid],
        schema=QUARANTINE_SCHEMA,
        orient="row",
    )
