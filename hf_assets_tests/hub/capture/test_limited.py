"""Captures of a part of the Hub, duplicates, and the progress that a run reports."""

from datetime import datetime
from pathlib import Path

import pytest

from hf_assets.demo.service.switches import At
from hf_assets.hub.capture.capturer import Progress
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.listing import FIELDS, ListingQuery
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import DAY, Clock, ServedHub
from hf_assets_tests.support.hub.captures import ids_of, store_of
from hf_assets_tests.support.hub.small_hub import (
    LIMITED,
    MODELS,
    NEXT_NOON,
    Obtain,
    break_off,
    listed,
)

# Limited captures


@pytest.mark.parametrize("rows", [1, 99, 100, 101, 250, 300, 499, 500, 501, 5000])
def test_max_rows_is_exact(served: ServedHub, obtain: Obtain, rows: int) -> None:
    capture = obtain(ListingQuery("models", FIELDS["models"], max_rows=rows))
    assert ids_of(capture) == listed()[:rows]
    assert capture.limited
    assert len(served.listed) == -(-min(rows, 500) // 100)


def test_max_rows_is_exact_after_a_break(served: ServedHub, obtain: Obtain) -> None:
    ask = ListingQuery("models", FIELDS["models"], max_rows=350)
    break_off(served, obtain, ask=ask)
    assert ids_of(obtain(ask)) == listed()[:350]
    assert len(served.listed) == 2


def test_sort_and_filter_are_asked_of_the_hub(obtain: Obtain) -> None:
    ask = ListingQuery("models", FIELDS["models"], sort="likes", filter=("text-generation",))
    capture = obtain(ask)
    assert ids_of(capture) == listed("likes", "text-generation")
    assert 0 < capture.rows < 500
    assert capture.limited


@pytest.mark.parametrize("limited", LIMITED)
def test_a_limited_capture_is_not_taken_for_the_day(obtain: Obtain, limited: ListingQuery) -> None:
    assert obtain(limited).limited
    whole = obtain(MODELS)
    assert not whole.limited
    assert ids_of(whole) == listed()


@pytest.mark.parametrize("limited", LIMITED)
def test_a_whole_capture_is_not_replaced_by_a_limited_one(
    served: ServedHub, obtain: Obtain, limited: ListingQuery
) -> None:
    whole = obtain(MODELS)
    served.requests.clear()
    assert obtain(limited).manifest == whole.manifest
    assert served.requests == []


def test_a_limited_capture_is_used_again_for_the_same_question_only(
    served: ServedHub, obtain: Obtain
) -> None:
    def asked(ask: ListingQuery) -> int:
        served.requests.clear()
        obtain(ask)
        return len(served.listed)

    few = ListingQuery("models", FIELDS["models"], max_rows=10)
    assert asked(few) == 1
    assert asked(few) == 0
    assert asked(ListingQuery("models", FIELDS["models"], max_rows=11)) == 1
    assert (
        asked(ListingQuery("models", FIELDS["models"], max_rows=11, filter=("text-generation",)))
        == 1
    )
    # The first eleven of another order are other models.
    assert asked(ListingQuery("models", FIELDS["models"], max_rows=11, sort="likes")) == 1
    assert asked(ListingQuery("models", FIELDS["models"], max_rows=11)) == 1


def test_a_limited_capture_of_a_past_day_is_given_as_the_limited_one_it_is(
    obtain: Obtain,
) -> None:
    obtain(LIMITED[0])
    kept = obtain(MODELS, now=NEXT_NOON)
    assert kept.limited
    assert kept.provenance["limited"] is True


# Doubles


def test_rows_served_twice_are_counted(served: ServedHub, obtain: Obtain) -> None:
    served.faults.duplicates = [At(page=2, value=0.05), At(page=4, value=0.03)]
    capture = obtain()
    assert (capture.rows, capture.manifest.distinct) == (508, 500)


def test_rows_served_twice_are_counted_over_a_break(served: ServedHub, obtain: Obtain) -> None:
    served.faults.duplicates = [At(page=2, value=0.05)]
    break_off(served, obtain)
    capture = obtain()
    assert (capture.rows, capture.manifest.distinct) == (505, 500)


# Progress


def reports(served: ServedHub, folder: Path, ask: ListingQuery = MODELS) -> list[Progress]:
    seen: list[Progress] = []
    served.capturer(report=seen.append, report_every=0.0).get_or_capture(store_of(folder), DAY, ask)
    return seen


def test_progress_counts_up_to_what_the_hub_says(served: ServedHub, folder: Path) -> None:
    seen = reports(served, folder)
    assert [(one.pages, one.rows) for one in seen] == [(n, 100 * n) for n in range(1, 6)]
    assert {one.expected_rows for one in seen} == {500}
    assert [one.requests_left for one in seen] == [499, 498, 497, 496, 495]
    assert seen[-1].seconds_left == 0
    assert all(one.rows_per_second > 0 for one in seen)
    assert "5 pages, 500 rows of 500" in str(seen[-1])
    assert "495 requests left" in str(seen[-1])


def test_progress_without_a_total_looks_at_the_last_whole_capture(
    served: ServedHub, lake: Lake, folder: Path
) -> None:
    served.faults.no_total = True
    days = {"2026-11-17": MODELS, "2026-11-18": LIMITED[0]}
    for day, ask in days.items():
        clock = Clock(datetime.fromisoformat(f"{day}T08:00:00+00:00"))
        served.capturer(clock).get_or_capture(CaptureStore(lake, "raw_models"), day, ask)
    assert {one.expected_rows for one in reports(served, folder)} == {500}


def test_progress_without_any_hint_has_no_end(served: ServedHub, folder: Path) -> None:
    served.faults.no_total = True
    seen = reports(served, folder)
    assert {one.expected_rows for one in seen} == {None}
    assert {one.seconds_left for one in seen} == {None}
    assert str(seen[0]).endswith(" requests left")


def test_progress_of_a_limited_capture_ends_at_its_limit(served: ServedHub, folder: Path) -> None:
    seen = reports(served, folder, LIMITED[0])
    assert [(one.rows, one.expected_rows) for one in seen] == [(100, 120), (120, 120)]
