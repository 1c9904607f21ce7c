"""The side table of a day of `daily_changes`: models that left and models that came, as numbers."""

from collections.abc import Iterable
from hashlib import blake2b

import polars as pl

ABSENCES = "absences"
# `came` is false for models that left; `undated`: the source has no date of creation.
SCHEMA = {"key": pl.UInt64, "came": pl.Boolean, "undated": pl.Boolean}


def absence_rows(left: Iterable[str], came: Iterable[str], undated: Iterable[str]) -> pl.DataFrame:
    """The side table of a day.

    Args:
        left: identities of models that are no longer listed.
        came: of new models that were created before the baseline.
        undated: of new models without a date.
    """
    parts = ((left, False, False), (came, True, False), (undated, True, True))
    rows = [(_number(identity), *flags) for names, *flags in parts for identity in names]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _number(identity: str) -> int:
    # Not polars' own hash: its next version may compute another one.
    return int.from_bytes(blake2b(identity.encode(), digest_size=8).digest(), "little")
