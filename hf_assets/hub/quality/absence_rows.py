"""The side table of a day of `daily_changes`: who went, and who came, as numbers."""

from collections.abc import Iterable
from hashlib import blake2b

import polars as pl

ASIDE = "absences"
# `came` is false of those who went; `undated`: the source does not say when it was created.
SCHEMA = {"key": pl.UInt64, "came": pl.Boolean, "undated": pl.Boolean}


def absences(went: Iterable[str], came: Iterable[str], undated: Iterable[str]) -> pl.DataFrame:
    """The side table of a day: who went, and who came that is older than the day before."""
    parts = ((went, False, False), (came, True, False), (undated, True, True))
    rows = [(_number(name), *flags) for names, *flags in parts for name in names]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _number(name: str) -> int:
    # Not polars' own hash: that of the next version may be another.
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
