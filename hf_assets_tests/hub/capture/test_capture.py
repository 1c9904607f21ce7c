"""Which capture a day gets: what is there, what the Hub says now, or a message."""

import json
import resource
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.source import Where
from hf_assets.hub.capture.capturer import NoCapture, Progress
from hf_assets.hub.capture_store.capture import Capture, CorruptCapture, open_capture
from hf_assets.hub.client import listing
from hf_assets.hub.client.listing import FIELDS, ListingError, ListingQuery
from hf_assets.hub.quality import rules
from hf_assets.storage.lake import Lake, iso
from hf_assets_tests.conftest import DAY, NOON, Clock, ServedHub, ServeHub
from hf_assets_tests.support.full_disk import files_no_longer_than
from hf_assets_tests.support.hub.captures import ids_of, pages, python, rows_of, unjudged

HUB = GeneratedHub(500, 200, seed=3, day=iso(DAY))
MODELS = ListingQuery.everything("models")
NEXT_NOON = NOON + timedelta(days=1)


def listed(sort: str = "createdAt", tag: str | None = None) -> list[str]:
    found = HUB.listing("models", sort, Where((tag,) if tag else ()))
    return [row[8:32].decode() for row in found.page(0, 10**6, frozenset(["_id"]))[0]]


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 100)


@pytest.fixture
def served(hub: ServeHub) -> ServedHub:
    return hub(HUB)


@pytest.fixture
def folder(lake: Lake) -> Path:
    return lake.folder("raw_models", DAY)


Obtain = Callable[..., Capture]


@pytest.fixture
def obtain(served: ServedHub, folder: Path) -> Obtain:
    def obtain(
        ask: ListingQuery = MODELS, now: datetime = NOON, day: str = DAY, refetch: bool = False
    ) -> Capture:
        return served.capturer(Clock(now)).obtain(folder, day, ask, refetch=refetch)

    return obtain


def break_off(served: ServedHub, obtain: Obtain, page: int = 3, **given: object) -> None:
    """A capture begun and not finished."""
    served.faults.errors = {503: [At(page=page, times=FOREVER)]}
    with pytest.raises(ListingError):
        obtain(**given)
    served.faults.errors.clear()
    served.requests.clear()


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


# Facts


def test_capture_json_says_all_there_is_to_say(served: ServedHub, obtain: Obtain) -> None:
    capture = obtain()
    facts = json.loads((capture.folder / "capture.json").read_bytes())
    assert facts == capture.facts
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


def test_a_complete_capture_is_not_fetched_again(served: ServedHub, obtain: Obtain) -> None:
    first = obtain()
    served.requests.clear()
    assert obtain().facts == first.facts
    assert obtain(now=NEXT_NOON).facts == first.facts
    assert served.requests == []


def test_refetch_replaces_todays_capture(served: ServedHub, obtain: Obtain, folder: Path) -> None:
    first = obtain()
    second = obtain(refetch=True)
    assert second.facts["attempt"] != first.facts["attempt"]
    assert ids_of(second) == listed()
    assert [path.name for path in folder.iterdir() if path.is_dir()] == [second.facts["attempt"]]
    assert len(served.listed) == 10


def test_who_reads_a_capture_that_is_replaced_is_told_to_read_again(obtain: Obtain) -> None:
    first = obtain()
    first.page(0)
    second = obtain(refetch=True)
    with pytest.raises(CorruptCapture, match="was replaced while its pages were read") as told:
        first.page(1)
    assert not told.value.permanent
    assert ids_of(second) == listed()


def test_a_refetch_that_fails_leaves_the_capture(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    first = obtain()
    before = files(folder)
    break_off(served, obtain, refetch=True)
    kept = open_capture(folder)
    assert kept is not None
    assert kept.facts == first.facts
    assert ids_of(kept) == listed()
    assert before.items() <= files(folder).items()
    # and goes on where it was when asked again
    assert obtain(refetch=True).facts["attempt"] != first.facts["attempt"]
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


def test_a_capture_begun_that_day_is_finished_after_midnight(
    served: ServedHub, obtain: Obtain
) -> None:
    break_off(served, obtain, now=NOON)
    capture = obtain(now=NOON + timedelta(hours=23, minutes=59))
    assert ids_of(capture) == listed()
    assert capture.facts["started"].startswith(DAY)
    assert capture.facts["finished"].startswith("2026-11-21")
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


def test_a_capture_older_than_a_day_is_started_anew_while_that_is_possible(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    break_off(served, obtain, now=NOON - timedelta(hours=25), day="2026-11-19")
    capture = obtain(now=NOON)
    assert len(served.listed) == 5
    assert capture.facts["started"].startswith(DAY)
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
        capturer.obtain(folder, DAY, MODELS)
    assert end.value.permanent
    assert open_capture(folder) is None
    assert len(served.listed) == 3


def test_a_last_page_after_a_day_is_no_end_either(served: ServedHub, folder: Path) -> None:
    clock = Clock()

    def slowly(progress: Progress) -> None:
        clock.now += timedelta(hours=25 if progress.pages == 5 else 0)

    with pytest.raises(ListingError, match="500 rows: it describes no one day"):
        served.capturer(clock, report=slowly, report_every=0.0).obtain(folder, DAY, MODELS)
    assert open_capture(folder) is None


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_an_end_with_the_pages_kept(
    served: ServedHub, obtain: Obtain, folder: Path, interrupt: type[BaseException]
) -> None:
    def stop(progress: Progress) -> None:
        if progress.pages == 3:
            raise interrupt

    with pytest.raises(interrupt):
        served.capturer(report=stop, report_every=0.0).obtain(folder, DAY, MODELS)
    assert len(served.listed) == 3
    assert len(list(folder.glob("*/*.json.zst"))) == 3
    assert ids_of(obtain()) == listed()
    assert len(served.listed) == 5


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
    assert obtain().facts == capture.facts


def test_fields_that_were_refused_are_told_of_a_page_that_came_again(
    served: ServedHub, obtain: Obtain
) -> None:
    served.faults.refused_expand = {"usedStorage"}
    served.faults.ends_early = [At(page=1, value=0)]
    assert obtain().facts["refused"] == ["usedStorage"]


@pytest.mark.parametrize("broken", BROKEN)
def test_what_a_blocking_check_rejects_is_asked_for_again(
    served: ServedHub, obtain: Obtain, folder: Path, broken: str
) -> None:
    served.faults.__dict__.update({name: list(at) for name, at in BROKEN[broken].items()})
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
        served.capturer(Clock(NEXT_NOON)).obtain(today, "2026-11-21", MODELS)
    capture = served.capturer(Clock(NEXT_NOON)).obtain(today, "2026-11-21", MODELS)
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
    assert obtain().facts == first.facts


def test_of_rejected_attempts_the_last_stays(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    served.faults.numbers = [At(page=1, times=6)]
    for hour in range(3):
        with pytest.raises(ListingError):
            obtain(now=NOON + timedelta(hours=hour))
    (attempt,) = (path for path in folder.iterdir() if path.is_dir())
    assert attempt.name.startswith("20261120T14")


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
            return served.capturer(clock).obtain(today, "2026-11-21", MODELS, refetch=refetch)
        finally:
            asked.append(len(served.listed))

    served.faults.no_total = True
    for hour, rows in enumerate((0.5, 0.6)):  # 150 rows, 160 rows
        with pytest.raises(ListingError, match="a partial snapshot"):
            next_day(rows, hour)
    capture = next_day(0.62, 2)
    assert (capture.rows, asked) == (162, [2, 2, 2])
    assert next_day(0.5, 3).facts == next_day(1.0, 4).facts == capture.facts
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
        served.capturer(Clock(now)).obtain(lake.folder("raw_models", day), day, MODELS)
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
        served.capturer(report=stop, report_every=0.0).obtain(folder, DAY, MODELS)
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
    assert capture.facts["pages"] == 6  # 99 rows, and the last one


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


LIMITED = [
    ListingQuery("models", FIELDS["models"], max_rows=120),
    ListingQuery("models", FIELDS["models"], filter=("text-generation",)),
]


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
    assert obtain(limited).facts == whole.facts
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
    assert (capture.rows, capture.facts["distinct"]) == (508, 500)


def test_rows_served_twice_are_counted_over_a_break(served: ServedHub, obtain: Obtain) -> None:
    served.faults.duplicates = [At(page=2, value=0.05)]
    break_off(served, obtain)
    capture = obtain()
    assert (capture.rows, capture.facts["distinct"]) == (505, 500)


# Progress


def reports(served: ServedHub, folder: Path, ask: ListingQuery = MODELS) -> list[Progress]:
    seen: list[Progress] = []
    served.capturer(report=seen.append, report_every=0.0).obtain(folder, DAY, ask)
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
        served.capturer(clock).obtain(lake.folder("raw_models", day), day, ask)
    assert {one.expected_rows for one in reports(served, folder)} == {500}


def test_progress_without_any_hint_has_no_end(served: ServedHub, folder: Path) -> None:
    served.faults.no_total = True
    seen = reports(served, folder)
    assert {one.expected_rows for one in seen} == {None}
    assert {one.seconds_left for one in seen} == {None}
    assert "to go" not in str(seen[0])


def test_progress_of_a_limited_capture_ends_at_its_limit(served: ServedHub, folder: Path) -> None:
    seen = reports(served, folder, LIMITED[0])
    assert [(one.rows, one.expected_rows) for one in seen] == [(100, 120), (120, 120)]


# Two at once


def test_two_processes_make_one_capture(hub: ServeHub, folder: Path) -> None:
    served = hub(HUB, Faults(latency=0.03))
    runs = [
        python("hf_assets_tests.support.hub.crawl", served.url, folder, now, 20, "models")
        for now in (NOON, NOON + timedelta(seconds=5))
    ]
    said = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert said[0][0] == said[1][0] != ""
    capture = open_capture(folder)
    assert capture is not None
    assert ids_of(capture) == listed()
    assert len(served.listed) == len(set(served.listed)) == 25
    assert len(list(folder.glob("*/journal.jsonl"))) == 1


@pytest.mark.parametrize("refetch", [False, True])
def test_threads_make_one_capture(hub: ServeHub, folder: Path, refetch: bool) -> None:
    served = hub(HUB, Faults(latency=0.02))
    if refetch:
        served.capturer().obtain(folder, DAY, MODELS)
        served.requests.clear()
    got: list[Capture] = []
    begin = threading.Barrier(3)

    def run() -> None:
        capturer = served.capturer()
        begin.wait()
        got.append(capturer.obtain(folder, DAY, MODELS, refetch=refetch))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(got) == 3
    assert len({capture.facts["attempt"] for capture in got}) == 1
    assert ids_of(got[0]) == ids_of(got[2]) == listed()
    assert len(served.listed) == 5


@contextmanager
def held(folder: Path) -> Generator[None]:
    """Another run captures that day."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        yield


def test_a_run_does_not_wait_for_ever_for_another(served: ServedHub, folder: Path) -> None:
    with held(folder), pytest.raises(ListingError, match="another run has been capturing"):
        served.capturer(lock_wait=0.05).obtain(folder, DAY, MODELS)
    assert "another run captures 2026-11-20: waiting for it" in served.told
    assert served.requests == []


def test_the_journal_of_a_running_capture_is_left_alone(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    break_off(served, obtain)
    (journal,) = folder.glob("*/journal.jsonl")
    before = journal.stat()
    with held(folder), pytest.raises(ListingError, match="another run"):
        served.capturer(Clock(NOON + timedelta(hours=13)), lock_wait=0.05).obtain(
            folder, DAY, MODELS
        )
    after = journal.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_no_capture_begins_under_a_day_that_ended_while_it_waited(
    served: ServedHub, folder: Path
) -> None:
    clock = Clock(NOON + timedelta(hours=11, minutes=59))
    other = FileLock(folder / ".lock")
    folder.mkdir(parents=True)
    other.acquire()

    def midnight(_: str) -> None:
        clock.now = NOON + timedelta(hours=12, minutes=1)
        other.release()

    with pytest.raises(NoCapture, match="2026-11-20 is over"):
        served.capturer(clock, log=midnight).obtain(folder, DAY, MODELS)
    assert served.requests == []
    assert files(folder) == {}


def test_a_reader_never_sees_half_a_capture(hub: ServeHub, folder: Path) -> None:
    served = hub(HUB, Faults(latency=0.02))
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            capture = open_capture(folder)
            seen.add("nothing" if capture is None else str(len(ids_of(capture))))
            time.sleep(0.001)

    reader = threading.Thread(target=look)
    reader.start()
    served.capturer().obtain(folder, DAY, MODELS)
    done.set()
    reader.join()
    assert seen <= {"nothing", "500"}
    assert "nothing" in seen


# A full disk


def no_temporaries(folder: Path) -> bool:
    return not list(folder.rglob("*.tmp"))


def test_a_page_that_finds_no_room_leaves_the_old_capture(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    first = obtain()
    with files_no_longer_than(4000), pytest.raises(OSError, match="File too large"):
        obtain(refetch=True)
    kept = open_capture(folder)
    assert kept is not None
    assert kept.facts["attempt"] == first.facts["attempt"]
    assert ids_of(kept) == listed()
    assert no_temporaries(folder)
    assert ids_of(obtain(refetch=True)) == listed()


def test_a_capture_json_that_finds_no_room_leaves_the_old_one(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    first = obtain()
    marker = (folder / "capture.json").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(progress: Progress) -> None:
        if progress.pages == 5:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))

    try:
        with pytest.raises(OSError, match="File too large"):
            served.capturer(report=fill, report_every=0.0).obtain(folder, DAY, MODELS, refetch=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (folder / "capture.json").read_bytes() == marker
    kept = open_capture(folder)
    assert kept is not None
    assert ids_of(kept) == listed()
    assert no_temporaries(folder)
    served.requests.clear()
    assert obtain(refetch=True).facts["attempt"] != first.facts["attempt"]
    assert served.requests == []  # every page was there already
