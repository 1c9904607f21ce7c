"""Which capture a day gets: what is there, what the Hub says now, or a message."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from hf_assets.demo.world.source import Where
from hf_assets.hub.capture.capturer import NoCapture, Progress
from hf_assets.hub.capture_store.files import attempts
from hf_assets.hub.capture_store.manifest import CorruptCapture
from hf_assets.hub.client.listing import FIELDS, ListingError, ListingQuery
from hf_assets.object_store.path import StorePath
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import DAY, NOON, Clock, ServedHub
from hf_assets_tests.support.hub.captures import ids_of, open_capture, pages, rows_of, store_of
from hf_assets_tests.support.hub.lakes import both_stores, in_a_folder
from hf_assets_tests.support.hub.small_hub import (
    HUB,
    MODELS,
    NEXT_NOON,
    Obtain,
    break_off,
    files,
    listed,
)

# Facts


@both_stores
def test_capture_json_says_all_there_is_to_say(served: ServedHub, obtain: Obtain) -> None:
    capture = obtain()
    facts = json.loads((capture.folder / "capture.json").read_bytes())
    assert facts == capture.manifest.plain()
    bodies = [body for _, body in pages(capture)]
    assert facts["endpoint"] == served.url
    assert facts["fields"] == list(FIELDS["models"])
    assert facts["refused"] == []
    assert facts["ask"]["kind"] == "models"
    assert NOON.isoformat() <= facts["started"] < facts["finished"]
    assert (facts["pages"], facts["rows"], facts["distinct"], facts["total"]) == (5, 500, 500, 500)
    assert facts["bytes"] == sum(map(len, bodies))
    assert facts["client"].startswith("huggingface_hub 2.")
    assert facts["complete"] is True
    assert len(facts["sha256"]) == 64
    assert {
        "endpoint": served.url,
        "rows": 500,
        "sha256": facts["sha256"],
        "limited": False,
    }.items() <= capture.provenance.items()


def test_pages_are_kept_as_served(served: ServedHub, obtain: Obtain) -> None:
    rows = list(rows_of(obtain()))
    where = HUB.listing("models", "createdAt", Where())
    fields = frozenset({"_id", "id", "trendingScore", *FIELDS["models"]})
    assert rows == [json.loads(row) for row in where.page(0, 500, fields)[0]]


def test_pages_come_newest_first_unless_told_otherwise(obtain: Obtain) -> None:
    capture = obtain()
    assert [number for number, _ in pages(capture)] == [4, 3, 2, 1, 0]
    assert [number for number, _ in pages(capture, newest_first=False)] == [0, 1, 2, 3, 4]


# Which day


@both_stores
def test_a_complete_capture_is_not_fetched_again(served: ServedHub, obtain: Obtain) -> None:
    first = obtain()
    served.requests.clear()
    assert obtain().manifest == first.manifest
    assert obtain(now=NEXT_NOON).manifest == first.manifest
    assert served.requests == []


@both_stores
def test_refetch_replaces_todays_capture(served: ServedHub, obtain: Obtain, folder: Path) -> None:
    first = obtain()
    second = obtain(refetch=True)
    assert second.manifest.attempt != first.manifest.attempt
    assert ids_of(second) == listed()
    # Whoever reads the first on a store reads on: it is swept a day later.
    kept = [first.manifest.attempt] if isinstance(folder, StorePath) else []
    assert [path.name for path in attempts(folder)] == [*kept, second.manifest.attempt]
    assert len(served.listed) == 10


@in_a_folder
def test_who_reads_a_capture_that_is_replaced_is_told_to_read_again(obtain: Obtain) -> None:
    first = obtain()
    first.page(0)
    second = obtain(refetch=True)
    with pytest.raises(CorruptCapture, match="was replaced while its pages were read") as told:
        first.page(1)
    assert not told.value.permanent
    assert ids_of(second) == listed()


@both_stores
def test_a_refetch_that_fails_leaves_the_capture(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    first = obtain()
    before = files(folder)
    break_off(served, obtain, refetch=True)
    kept = open_capture(folder)
    assert kept is not None
    assert kept.manifest == first.manifest
    assert ids_of(kept) == listed()
    assert before.items() <= files(folder).items()
    # and goes on where it was when asked again
    assert obtain(refetch=True).manifest.attempt != first.manifest.attempt
    assert len(served.listed) == 3


@pytest.mark.parametrize("refetch", [False, True])
@pytest.mark.parametrize("ask", [MODELS, ListingQuery("models", max_rows=5)])
def test_a_past_day_without_capture_says_what_can_be_done_and_writes_nothing(
    served: ServedHub, obtain: Obtain, lake: Lake, ask: ListingQuery, refetch: bool
) -> None:
    with pytest.raises(NoCapture) as regret:
        obtain(ask, now=NEXT_NOON, refetch=refetch)
    assert f"{DAY} is over and its models were never captured" in str(regret.value)
    assert "Choose a day that was captured" in str(regret.value)
    assert "daily_capture" in str(regret.value)
    assert not lake.root.exists()
    assert served.requests == []


def test_a_day_that_has_not_begun_says_so(served: ServedHub, obtain: Obtain, lake: Lake) -> None:
    with pytest.raises(NoCapture, match="2026-11-21 has not begun"):
        obtain(day="2026-11-21")
    assert not lake.root.exists()
    assert served.requests == []


def test_refetch_of_a_past_day_is_refused_and_the_capture_stays(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    obtain()
    before = files(folder)
    served.requests.clear()
    with pytest.raises(NoCapture, match=r"cannot be fetched again.*without `refetch`"):
        obtain(now=NEXT_NOON, refetch=True)
    assert files(folder) == before
    assert served.requests == []


@both_stores
def test_a_capture_begun_that_day_is_finished_after_midnight(
    served: ServedHub, obtain: Obtain
) -> None:
    break_off(served, obtain, now=NOON)
    capture = obtain(now=NOON + timedelta(hours=23, minutes=59))
    assert ids_of(capture) == listed()
    assert capture.manifest.started.startswith(DAY)
    assert capture.manifest.finished.startswith("2026-11-21")
    assert len(served.listed) == 3


def test_a_capture_older_than_a_day_is_not_finished(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    break_off(served, obtain, now=NOON)
    before = files(folder)
    with pytest.raises(NoCapture, match="never captured"):
        obtain(now=NOON + timedelta(hours=24, minutes=1))
    assert files(folder) == before
    assert served.requests == []


@in_a_folder
def test_a_capture_older_than_a_day_is_started_anew_while_that_is_possible(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    break_off(served, obtain, now=NOON - timedelta(hours=25), day="2026-11-19")
    # As where the clock of the machine that began it was wrong.
    folder.with_name("day=2026-11-19").rename(folder)
    capture = obtain(now=NOON)
    assert len(served.listed) == 5
    assert capture.manifest.started.startswith(DAY)
    assert ids_of(capture) == listed()
    assert len(list(folder.glob("*/journal.jsonl"))) == 1
    assert any("too old to go on" in line for line in served.told)


def test_a_capture_that_takes_longer_than_a_day_ends_for_good(
    served: ServedHub, folder: Path
) -> None:
    clock = Clock()

    def slowly(_: Progress) -> None:
        clock.now += timedelta(hours=8)

    capturer = served.capturer(clock, report=slowly, report_every=0.0)
    with pytest.raises(ListingError, match=r"after 24 hours and 300 rows: it describes no") as end:
        capturer.get_or_capture(store_of(folder), DAY, MODELS)
    assert end.value.permanent
    assert open_capture(folder) is None
    assert len(served.listed) == 3


def test_a_last_page_after_a_day_is_no_end_either(served: ServedHub, folder: Path) -> None:
    clock = Clock()

    def slowly(progress: Progress) -> None:
        clock.now += timedelta(hours=25 if progress.pages == 5 else 0)

    with pytest.raises(ListingError, match="500 rows: it describes no one day"):
        served.capturer(clock, report=slowly, report_every=0.0).get_or_capture(
            store_of(folder), DAY, MODELS
        )
    assert open_capture(folder) is None


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
@both_stores
def test_an_interrupt_is_an_end_with_the_pages_kept(
    served: ServedHub, obtain: Obtain, folder: Path, interrupt: type[BaseException]
) -> None:
    def stop(progress: Progress) -> None:
        if progress.pages == 3:
            raise interrupt

    with pytest.raises(interrupt):
        served.capturer(report=stop, report_every=0.0).get_or_capture(store_of(folder), DAY, MODELS)
    assert len(served.listed) == 3
    assert len(list(folder.glob("*/*.json.zst"))) == 3
    assert ids_of(obtain()) == listed()
    assert len(served.listed) == 5
