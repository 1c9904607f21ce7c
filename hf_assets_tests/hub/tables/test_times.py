"""Times of the Hub's own form, and of any other, are read alike."""

import polars as pl
import pytest

from hf_assets.hub.client.invalid_values import InvalidValues
from hf_assets.hub.tables.columns import common_columns
from hf_assets.hub.tables.records import CleaningCounts

USUAL = "2025-11-03T19:53:15.000Z"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (USUAL, "2025-11-03 19:53:15.000"),
        ("2025-11-03T19:53:15.123Z", "2025-11-03 19:53:15.123"),
        ("2025-11-03T19:53:15Z", "2025-11-03 19:53:15.000"),
        ("2025-11-03T19:53:15.000000Z", "2025-11-03 19:53:15.000"),
        ("0025-11-03T19:53:15.000Z", "0025-11-03 19:53:15.000"),
        ("--025-11-03T19:53:15.000Z", None),
        ("2025-11-31T19:53:15.000Z", None),
        ("2025-11-03 19:53:15.000Z", None),
        ("2025-11-03T19:53:15.000", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_beside_usual_ones(text: str | None, read: str | None) -> None:
    wire = pl.DataFrame(
        {
            "_id": ["1", "2"],
            "id": ["a/b", "a/c"],
            "author": ["a", "a"],
            "createdAt": [USUAL, text],
            "lastModified": [USUAL, USUAL],
            "likes": [1, 2],
            "page": [0, 0],
            "row": [0, 1],
        },
        schema_overrides={"createdAt": pl.String},
    )
    invalid = InvalidValues()
    frame = common_columns(wire, CleaningCounts(), invalid, ("likes",))
    assert frame.schema["created_at"] == pl.Datetime("ms", "UTC")
    times = frame["created_at"].dt.strftime("%Y-%m-%d %H:%M:%S%.3f").to_list()
    assert times == ["2025-11-03 19:53:15.000", read]
    assert [one.row for one in invalid.kept] == ([1] if text is not None and read is None else [])
