"""Answers that are no capture of the day, and listings without end."""

import json
from copy import deepcopy
from datetime import timedelta
from pathlib import Path

import pytest

from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.hub.capture.capturer import Progress
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.listing import ListingError
from hf_assets.hub.quality import rules
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import DAY, NOON, Clock, ServedHub
from hf_assets_tests.support.hub.captures import ids_of, open_capture, store_of, unjudged
from hf_assets_tests.support.hub.lakes import both_stores
from hf_assets_tests.support.hub.small_hub import (
    MODELS,
    NEXT_NOON,
    Obtain,
    listed,
)

# What is no capture

# Said twice: what is said once is asked for again.
BROKEN = {
    "nothing": {"ends_early": [At(page=1, value=0, times=2)]},
    "numbers": {"numbers": [At(page=1, times=2)]},
    "a third of the only page": {"ends_early": [At(page=1, times=2)]},
    "a third of the rows": {"ends_early": [At(page=2, value=0.9, times=2)]},
}


CUT = {
    "nothing": {"ends_early": [At(page=4, value=0)]},
    "a part of its rows": {"ends_early": [At(page=4, value=0.5)]},
    "the first page": {"ends_early": [At(page=1)]},
    "numbers": {"numbers": [At(page=4)]},
    "in three ways": {"ends_early": [At(page=4, value=share) for share in (0, 0.5, 0.7)]},
    "no link": {"no_link": [At(page=3)]},
}


@pytest.mark.parametrize("cut", CUT)
def test_a_page_that_is_cut_once_is_not_the_end_of_the_day(
    served: ServedHub, obtain: Obtain, cut: str
) -> None:
    served.faults.__dict__.update({name: list(at) for name, at in CUT[cut].items()})
    assert ids_of(obtain()) == listed()


def test_no_two_answers_that_agree_are_no_page(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    served.faults.ends_early = [At(page=4, value=share) for share in (0, 0.5, 0.7, 0.6)]
    with pytest.raises(ListingError, match="page 3 ends the listing after 360 of 500 rows, and no"):
        obtain()
    assert open_capture(folder) is None
    assert ids_of(obtain()) == listed()
    assert len(served.listed) == 3 + 4 + 2


@pytest.mark.parametrize("total", [515, 600])
def test_an_end_before_the_count_is_one_where_two_answers_say_so(
    served: ServedHub, obtain: Obtain, total: int
) -> None:
    served.faults.odd_total = str(total)
    capture = obtain()
    assert ids_of(capture) == listed()
    assert len(served.listed) == 5 + 3  # a row less, the last row, and that again
    assert obtain().manifest == capture.manifest


def test_fields_that_were_refused_are_told_of_a_page_that_came_again(
    served: ServedHub, obtain: Obtain
) -> None:
    served.faults.refused_expand = {"usedStorage"}
    served.faults.ends_early = [At(page=1, value=0)]
    assert obtain().manifest.refused == ("usedStorage",)


@pytest.mark.parametrize("broken", BROKEN)
def test_what_a_blocking_check_rejects_is_asked_for_again(
    served: ServedHub, obtain: Obtain, folder: Path, broken: str
) -> None:
    served.faults.__dict__.update(deepcopy(BROKEN[broken]))
    with pytest.raises(ListingError, match=r"are no capture of the day: .* asks the Hub") as end:
        obtain()
    assert not end.value.permanent
    assert open_capture(folder) is None
    (attempt,) = (path for path in folder.iterdir() if path.is_dir())
    assert json.loads((attempt / "rejected.json").read_bytes())["reason"]
    assert list(attempt.glob("*.json.zst"))
    assert ids_of(obtain(now=NOON + timedelta(hours=1))) == listed()
    assert not attempt.exists()


def test_a_listing_under_half_of_yesterdays_is_no_capture(
    served: ServedHub, obtain: Obtain, lake: Lake
) -> None:
    today = lake.folder("raw_models", "2026-11-21")
    obtain()
    served.faults.no_total = True
    served.faults.ends_early = [At(page=2, value=0.5)]  # without a count nothing tells
    with pytest.raises(ListingError, match="a partial snapshot: 150 rows, 500 expected"):
        served.capturer(Clock(NEXT_NOON)).get_or_capture(store_of(today), "2026-11-21", MODELS)
    capture = served.capturer(Clock(NEXT_NOON)).get_or_capture(
        store_of(today), "2026-11-21", MODELS
    )
    assert capture.rows == 500


def test_a_rejected_capture_of_before_is_replaced_while_it_is_still_today(
    served: ServedHub, obtain: Obtain
) -> None:
    served.faults.ends_early = [At(page=1, times=2)]
    with unjudged():
        assert obtain().rows == 33
    # Of a day that is over, it is all there is.
    assert obtain(now=NEXT_NOON).rows == 33
    assert ids_of(obtain(now=NOON + timedelta(hours=1))) == listed()


def test_a_rejected_refetch_leaves_the_capture(served: ServedHub, obtain: Obtain) -> None:
    first = obtain()
    served.faults.numbers = [At(page=1, times=2)]
    with pytest.raises(ListingError, match="empty or incomplete"):
        obtain(refetch=True)
    assert obtain().manifest == first.manifest


@both_stores
def test_of_rejected_attempts_the_last_stays(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    served.faults.numbers = [At(page=1, times=6)]
    for hour in range(3):
        with pytest.raises(ListingError):
            obtain(now=NOON + timedelta(hours=hour))
    (attempt,) = (path for path in folder.iterdir() if path.is_dir())
    assert attempt.name.startswith("20261120T14")


@both_stores
def test_what_the_hub_says_twice_is_believed_against_another_day(
    served: ServedHub, obtain: Obtain, lake: Lake
) -> None:
    obtain()
    before = open_capture(lake.folder("raw_models", DAY))
    today, asked = lake.folder("raw_models", "2026-11-21"), []

    def next_day(rows: float, hour: int = 0, refetch: bool = False) -> Capture:
        served.requests.clear()
        served.faults.ends_early = [At(page=2, value=rows)]
        clock = Clock(NEXT_NOON + timedelta(hours=hour))
        try:
            return served.capturer(clock).get_or_capture(
                store_of(today), "2026-11-21", MODELS, refetch=refetch
            )
        finally:
            asked.append(len(served.listed))

    served.faults.no_total = True
    for hour, rows in enumerate((0.5, 0.6)):  # 150 rows, 160 rows
        with pytest.raises(ListingError, match="a partial snapshot"):
            next_day(rows, hour)
    capture = next_day(0.62, 2)
    assert (capture.rows, asked) == (162, [2, 2, 2])
    assert next_day(0.5, 3).manifest == next_day(1.0, 4).manifest == capture.manifest
    assert asked[3:] == [0, 0]
    assert next_day(0.63, 5, refetch=True).rows == 163
    # What follows is stopped still.
    kept = open_capture(today)
    assert before
    assert kept
    verdicts = rules.partial_days({DAY: before, "2026-11-21": kept}, ["2026-11-21"])
    assert not verdicts["2026-11-21"].passed
    assert not list(today.glob("*/rejected.json"))


def test_what_the_hubs_own_count_contradicts_is_never_believed(
    served: ServedHub, obtain: Obtain
) -> None:
    served.faults.ends_early = [At(page=1, times=FOREVER)]
    for hour in range(3):
        with pytest.raises(ListingError, match=r"only 6\.6 % of the rows that the Hub counts"):
            obtain(now=NOON + timedelta(hours=hour))


def test_rejected_pages_of_past_days_do_not_stay(
    served: ServedHub, obtain: Obtain, lake: Lake, folder: Path
) -> None:
    served.faults.numbers = [At(page=1, times=2)]
    with pytest.raises(ListingError):
        obtain()
    for days, there in ((6, True), (8, False)):
        now = NOON + timedelta(days=days)
        day = f"{now:%Y-%m-%d}"
        served.capturer(Clock(now)).get_or_capture(CaptureStore(lake, "raw_models"), day, MODELS)
        assert any(folder.glob("*/*.json.zst")) == there


# A listing without end


def test_pages_that_bring_nothing_new_end_the_listing(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    served.faults.stale = [At(page=3, times=FOREVER)]
    with pytest.raises(ListingError, match=r"has no end: the last 10 pages .* after 300, and"):
        obtain()
    assert len(served.listed) == 3 + 10
    assert open_capture(folder) is None
    served.faults.stale.clear()
    served.requests.clear()
    assert ids_of(obtain()) == listed()
    assert len(served.listed) == 5


def test_a_few_pages_that_bring_nothing_new_are_no_end(served: ServedHub, obtain: Obtain) -> None:
    served.faults.stale = [At(page=3, times=9)]
    capture = obtain()
    assert (capture.rows, capture.distinct) == (500 + 900, 500)


def test_pages_without_new_ids_are_counted_over_a_break(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    served.faults.stale = [At(page=3, times=FOREVER)]

    def stop(progress: Progress) -> None:
        if progress.pages == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        served.capturer(report=stop, report_every=0.0).get_or_capture(store_of(folder), DAY, MODELS)
    with pytest.raises(ListingError, match="the last 10 pages"):
        obtain()
    assert len(served.listed) == 3 + 10


# A full page that links to no other, and no count


@pytest.mark.parametrize("page", [1, 3])
def test_a_lost_link_without_a_count_is_no_end(
    served: ServedHub, obtain: Obtain, page: int
) -> None:
    served.faults.no_total = True
    served.faults.no_link = [At(page=page)]
    assert ids_of(obtain()) == listed()
    assert f"page {page - 1} is full and may have lost its link: asking for a row less" in (
        served.told
    )


def test_links_that_are_always_lost_without_a_count_are_no_end(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    served.faults.no_total = True
    served.faults.no_link = [At(times=FOREVER)]
    with pytest.raises(ListingError, match=r"after 100 rows, and more: its Link header is lost"):
        obtain()
    assert open_capture(folder) is None


def test_a_full_last_page_without_a_count_is_an_end(served: ServedHub, obtain: Obtain) -> None:
    served.faults.no_total = True
    capture = obtain()
    assert ids_of(capture) == listed()
    assert capture.manifest.pages == 6  # 99 rows, and the last one
