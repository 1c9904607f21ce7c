"""The notes of `daily_changes` as every version has written them."""

from typing import Any

import pytest
from msgspec import UNSET

from hf_assets.hub.quality import day_quality
from hf_assets.hub.quality.baselines import WHOLE_HUB
from hf_assets.hub.quality.records import ComparedCounts, DayComparison, LifecycleCounts
from hf_assets.hub.quality.schemas import DAILY_CHANGES
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets_tests.support.hub.days import compare, day_of, judge, model, store_day

# As the first version with `daily_changes` wrote them.
EARLY: dict[str, Any] = {
    "rows": 7,
    "source": "captured",
    "origin": "https://hub",
    "coverage": WHOLE_HUB,
    "identity": "hub",
    "columns absent": ["cardData"],
    "models": 40,
    "before": day_of(0),
    "hours": 24.0,
    "partial": False,
    "downloads": 4,
    "downloads_all_time": None,
    "renamed": 0,
    "gated on": 1,
    "compared": {"rows": 40, "both": 38, "larger": 0, "larger_unchanged": 0, "all_time": 0,
                 "all_time_fell": 0, "rows_before": 39},
    "lifecycle": {"created": 2, "returned": 0, "undated": 0, "deleted": 1, "renamed": 0},
    "nulls": {"license": 1, "tags": 0.98},
}  # fmt: skip


def test_notes_of_an_early_version_are_read() -> None:
    comparison = DayComparison.read(EARLY)
    assert comparison.baseline_day == day_of(0)
    assert comparison.scope == WHOLE_HUB
    assert comparison.absent_columns == ["cardData"]
    assert comparison.nulls == {"license": 1.0, "tags": 0.98}
    assert (comparison.sha256, comparison.baseline_sha256) == (None, None)
    assert comparison.time_known
    assert not comparison.absences
    assert comparison.compared.rows_before == 39
    assert comparison.lifecycle.count("returned") == 0
    assert comparison.lifecycle.older is UNSET
    assert comparison.lifecycle.count("older") is None


@pytest.mark.parametrize("without", [(), ("compared", "lifecycle", "nulls"), ("time known",)])
def test_a_day_that_an_early_version_compared_is_rated(
    lake: Lake, without: tuple[str, ...]
) -> None:
    for number in range(2):
        store_day(lake, day_of(number), [model(at) for at in range(40)])
    stored = compare(lake)[day_of(1)]
    notes = {name: value for name, value in EARLY.items() if name not in without}
    lake.write(DAILY_CHANGES, day_of(1), TableWrite([stored.frame.collect()], notes))
    row = judge(lake)[day_of(1)]
    assert (row["trusted"], row["flags"]) == (True, ["columns changed"])
    assert row["deleted"] == (None if "lifecycle" in without else 1)
    assert (row["returned"], row["first_seen_late"]) == (None, None)
    assert day_quality.stale_days(lake) == [day_of(1)]


def test_the_keys_of_the_notes_are_those_of_every_version(lake: Lake) -> None:
    for number in range(2):
        store_day(lake, day_of(number), [model(at) for at in range(40)], sha256=str(number))
    notes = compare(lake)[day_of(1)].notes
    assert notes.keys() == {
        *("rows", "source", "origin", "coverage", "identity", "columns absent", "models"),
        *("sha256", "before", "before sha256", "hours", "partial", "time known", "downloads"),
        *("downloads_all_time", "compared", "lifecycle", "nulls", "absences"),
        *("created", "older", "undated", "deleted", "renamed", "gated on", "gated off"),
    }
    assert (notes["sha256"], notes["before sha256"]) == ("1", "0")
    assert DayComparison.read(notes).to_json() == notes


def test_counts_that_a_day_does_not_have_are_left_out() -> None:
    assert LifecycleCounts(entered=1, left=None).to_json() == {"entered": 1, "left": None}
    assert ComparedCounts(rows=0).to_json() == {"rows": 0}
    assert (ComparedCounts().unchanged_share, ComparedCounts().fell_share) == (None, None)


def test_unknown_counts_are_completed_from_an_earlier_comparison() -> None:
    earlier = LifecycleCounts(created=3, older=4, deleted=9)
    lifecycle = LifecycleCounts(created=None, older=None, undated=None, deleted=1)
    assert lifecycle.completed(earlier) == LifecycleCounts(
        created=3, older=4, undated=None, deleted=1
    )
