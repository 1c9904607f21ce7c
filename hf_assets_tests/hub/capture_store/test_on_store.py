"""A capture on a store is that of a folder; its requests are counted, and its store fails."""

import json
from collections import Counter
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest

from hf_assets.hub.capture.how_far import Progress
from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.attempt import Attempt
from hf_assets.hub.capture_store.attempt_files import OnStore
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.manifest import CaptureManifest, CorruptCapture
from hf_assets.hub.capture_store.page_frames import line_of
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.capture_store.watching import WatchedCapture
from hf_assets.hub.client import listing
from hf_assets.hub.client.listing import ListingQuery, Page
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.errors import CommitConflict, StoreError
from hf_assets.object_store.path import StorePath
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import DAY, NOON, Clock, ServedHub, ServeHub
from hf_assets_tests.support.hub.captures import first_manifest, ids_of
from hf_assets_tests.support.hub.small_hub import HUB, MODELS, listed
from hf_assets_tests.support.object_store.counting import CountingProxy, Fault
from hf_assets_tests.support.object_store.weed import KEY, SECRET

PAGES = 5


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 500 // PAGES)


@pytest.fixture
def store(bucket: StorePath) -> CaptureStore:
    return CaptureStore(Lake(bucket), "raw_models")


@pytest.fixture
def served(hub: ServeHub) -> ServedHub:
    return hub(HUB)


def put(store: CaptureStore, day: str, **said: object) -> None:
    said = {"rows": 500, "distinct": 500, "started": f"{day}T03:00:00+00:00"} | said
    content = CaptureManifest.of(first_manifest(**said))
    overwrite(store.folder(day) / files.MARKER, files.manifest_json(content))


def attempts(store: CaptureStore) -> list[str]:
    """Those of which an object is there: SeaweedFS lists the name of an empty folder, too."""
    below = (str(path.relative_to(store.folder(DAY))) for path, _ in store.folder(DAY).below())
    return sorted({name.partition("/")[0] for name in below if "/" in name})


# The same capture


def test_it_has_the_pages_of_a_folder(
    served: ServedHub, store: CaptureStore, tmp_path: Path
) -> None:
    capture = served.capturer().get_or_capture(store, DAY, MODELS)
    in_folder = CaptureStore(Lake(tmp_path / "lake"), "raw_models")
    other = served.capturer().get_or_capture(in_folder, DAY, MODELS)
    assert capture.manifest.sha256 == other.manifest.sha256
    assert capture.records == other.records
    own = {"run", "attempt", "started", "finished"}
    both = [one.manifest.plain() for one in (capture, other)]
    assert both[0].keys() - both[1].keys() == {"run"}
    here, there = ({key: one[key] for key in one.keys() - own} for one in both)
    assert here == there
    assert [capture.page(number) for number in range(PAGES)] == [
        other.page(number) for number in range(PAGES)
    ]
    attempt = store.folder(DAY) / capture.manifest.attempt
    journal = (attempt / files.JOURNAL).read_bytes().splitlines()
    first = json.loads(line_of((attempt / "000001.json.zst").read_bytes()) or b"")
    assert first.pop("run") == capture.manifest.run
    assert first.pop("rows_before") == 100
    assert first == json.loads(journal[2])
    assert SECRET not in f"{journal}{both}"
    assert KEY not in f"{journal}{both}"


def test_the_table_is_that_of_a_folder_and_reads_each_page_once(
    served: ServedHub, store: CaptureStore, store_proxy: CountingProxy, tmp_path: Path
) -> None:
    capture = served.capturer().get_or_capture(store, DAY, MODELS)
    lake = Lake(tmp_path / "lake")
    other = served.capturer().get_or_capture(CaptureStore(lake, "raw_models"), DAY, MODELS)
    store_proxy.clear()
    table = lake.write(schemas.MODELS, DAY, cleaning.models(capture, DAY)).frame.collect()
    assert store_proxy.counts() == {"GET": PAGES + 1}  # and the journal
    assert table.equals(
        lake.write(schemas.MODELS, DAY, cleaning.models(other, DAY)).frame.collect()
    )


# Requests

WRITES = 3  # the journal twice, the marker
# Listings of the asset, its days and the attempt; manifests that are or are not there; the journal.
QUESTIONS = 16


def test_the_requests_of_a_capture_are_its_pages_and_a_few(
    served: ServedHub,
    store: CaptureStore,
    store_proxy: CountingProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served.capturer().get_or_capture(store, DAY, MODELS)
    counts = store_proxy.counts()
    assert counts.pop("PUT") == PAGES + WRITES
    assert counts.total() <= QUESTIONS, counts
    assert counts.keys() <= {"GET", "HEAD", "LIST"}
    monkeypatch.setattr(listing, "PAGE_SIZE", 500 // 20)
    store_proxy.clear()
    again = CaptureStore(store.lake, "raw_models")
    served.capturer().get_or_capture(again, DAY, MODELS, refetch=True)
    counts = store_proxy.counts()
    assert counts.pop("PUT") == 20 + WRITES
    # Four times the pages are no more questions, but for those about the capture that was there.
    assert counts.total() <= QUESTIONS + 4, counts


def test_a_day_that_is_stored_costs_one_request_and_then_one_to_see_that_it_is_the_same(
    store: CaptureStore, store_proxy: CountingProxy
) -> None:
    assert store.complete(DAY) is None
    assert store_proxy.counts() == {"GET": 1}
    put(store, DAY)
    store_proxy.clear()
    first = store.complete(DAY)
    assert first == store.complete(DAY) == store.complete(DAY)
    assert store_proxy.counts() == {"GET": 1, "HEAD": 2}
    put(store, DAY, rows=501)
    second = store.complete(DAY)
    assert second is not None
    assert second.rows == 501
    (store.folder(DAY) / files.MARKER).unlink()
    assert store.complete(DAY) is None


def test_captures_of_hundreds_of_days_cost_a_request_a_day_and_one(
    store: CaptureStore, store_proxy: CountingProxy
) -> None:
    days = [f"2026-{month:02d}-{day:02d}" for month in range(1, 11) for day in range(1, 21)]
    for day in days:
        put(store, day)
    store_proxy.clear()
    assert [*store.captures()] == days
    assert store_proxy.counts() == {"LIST": 1, "GET": 200}
    store_proxy.clear()
    assert [*store.captures()] == store.days() == days
    assert store_proxy.counts() == {"LIST": 2, "HEAD": 400}
    store_proxy.clear()
    newest = store.newest(lambda one: one.whole_hub)
    assert newest is not None
    assert newest.folder.name == f"day={days[-1]}"
    assert store_proxy.counts() == {"LIST": 1, "HEAD": 1}


def test_who_looks_on_reads_the_newest_page_alone(
    served: ServedHub, store: CaptureStore, store_proxy: CountingProxy
) -> None:
    attempt = store.begin(DAY, MODELS, served.url, NOON)
    watched = WatchedCapture(CaptureStore(store.lake, "raw_models"), DAY)
    assert watched.look() == (0, None)
    client, url = served.client(), MODELS.url(served.url)
    for number in range(3):
        page = client.page(url, number)
        attempt.keep(page)
        url = page.next_url or ""
    assert watched.look() == (0, None), "no second look within two seconds"
    watched._looked = None
    store_proxy.clear()
    assert watched.look() == (300, 500)
    assert store_proxy.counts()["GET range"] == 1
    assert store_proxy.counts().total() <= 4
    watched._looked = None
    store_proxy.clear()
    assert watched.look() == (300, 500)
    assert store_proxy.counts()["GET range"] == 0


# A store in trouble


def test_an_answer_that_is_lost_is_read_back(
    served: ServedHub, store: CaptureStore, store_proxy: CountingProxy
) -> None:
    store_proxy.faults += [Fault("lost", ("PUT",), key=name, times=1)
                           for name in ("000002", r"capture\.json", "journal")]  # fmt: skip
    capture = served.capturer().get_or_capture(store, DAY, MODELS)
    assert [fault.hits for fault in store_proxy.faults] == [1, 1, 1]
    assert ids_of(capture) == listed()
    assert len(served.listed) == PAGES


@pytest.mark.parametrize("refused", ["000002", r"capture\.json"])
def test_a_key_that_may_write_no_more_ends_the_run_with_the_pages_kept(
    served: ServedHub, store: CaptureStore, store_proxy: CountingProxy, refused: str
) -> None:
    store_proxy.faults.append(Fault("AccessDenied", ("PUT",), key=refused))
    with pytest.raises(StoreError, match="AccessDenied: let this key read and write") as told:
        served.capturer().get_or_capture(store, DAY, MODELS)
    assert told.value.permanent
    assert KEY not in repr(told.value)
    assert store.complete(DAY) is None
    store_proxy.clear()
    capture = served.capturer().get_or_capture(store, DAY, MODELS)
    assert ids_of(capture) == listed()
    assert len(served.listed) == PAGES + (refused == "000002")


def test_a_store_that_cannot_be_read_is_no_damage(
    served: ServedHub, store: CaptureStore, store_proxy: CountingProxy
) -> None:
    store_proxy.faults.append(Fault("AccessDenied", ("PUT",), key="000003"))
    with pytest.raises(StoreError):
        served.capturer().get_or_capture(store, DAY, MODELS)
    store_proxy.clear()
    store_proxy.faults.append(Fault("AccessDenied", ("GET",), key="000001"))
    with pytest.raises(StoreError, match="AccessDenied"):
        served.capturer().get_or_capture(store, DAY, MODELS)
    store_proxy.clear()
    assert ids_of(served.capturer().get_or_capture(store, DAY, MODELS)) == listed()
    assert len(served.listed) == PAGES + 1
    assert len(attempts(store)) == 1


@pytest.mark.heavy
def test_a_storm_of_slow_down_costs_time_alone(
    served: ServedHub, store: CaptureStore, store_proxy: CountingProxy
) -> None:
    store_proxy.faults.append(Fault("SlowDown", share=0.25))
    capture = served.capturer().get_or_capture(store, DAY, MODELS)
    assert ids_of(capture) == listed()
    assert store_proxy.faults[0].hits
    assert len(served.listed) == PAGES


# Two runs without a common lock


def kept(store: CaptureStore, served: ServedHub, count: int) -> tuple[Attempt, list[Page]]:
    """An attempt with so many pages, and the pages that follow."""
    attempt, client, url = store.begin(DAY, MODELS, served.url, NOON), served.client(), ""
    pages = []
    for number in range(PAGES):
        pages.append(client.page(url or MODELS.url(served.url), number))
        url = pages[-1].next_url or ""
    for page in pages[:count]:
        attempt.keep(page)
    return attempt, pages[count:]


def test_the_first_to_store_a_page_has_the_attempt(served: ServedHub, store: CaptureStore) -> None:
    first, left = kept(store, served, 2)
    found = store.unfinished(DAY, MODELS, served.url)
    assert found is not None
    second = found.resume()
    assert isinstance(second.stored, OnStore)
    second.stored.run = "another"
    assert second.lines == first.lines
    second.keep(left[0])
    with pytest.raises(CommitConflict, match="another run works on the capture in"):
        first.keep(left[0])
    for page in left[1:]:
        second.keep(page)
    capture = second.finish(second.candidate(NOON))
    assert ids_of(capture) == listed()
    assert capture.manifest.run == "another"


def test_the_second_to_finish_takes_the_capture_of_the_first(
    served: ServedHub, store: CaptureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on two machines.
    monkeypatch.setattr(CaptureStore, "lock", lambda *_, **__: nullcontext())
    other = CaptureStore(Lake(store.lake.root), "raw_models")
    capturer = served.capturer(Clock(NOON + timedelta(hours=1)))
    won: list[Capture] = []

    def win(_: Progress) -> None:
        if not won:
            likes = ListingQuery("models", ("likes",))
            won.append(served.capturer().get_or_capture(other, DAY, likes))

    capturer.report, capturer.report_every = win, 0.0
    capture = capturer.get_or_capture(store, DAY, MODELS)
    assert capture == won[0]
    assert any("another run captured 2026-11-20 first" in line for line in served.told)
    assert len(attempts(store)) == 2
    # A day later nobody works on the second any more.
    store.sweep(NOON + timedelta(hours=25, minutes=59))
    assert len(attempts(store)) == 2
    store.sweep(NOON + timedelta(hours=26, minutes=1))
    assert attempts(store) == [capture.manifest.attempt]
    assert ids_of(capture) == listed()


def test_pages_that_are_gone_make_no_capture(served: ServedHub, store: CaptureStore) -> None:
    attempt, left = kept(store, served, 3)
    files.page_path(attempt.path, 0).unlink()
    for page in left:
        attempt.keep(page)
    with pytest.raises(CommitConflict):
        attempt.finish(attempt.candidate(NOON))
    assert store.complete(DAY) is None


def test_an_attempt_with_a_damaged_page_is_begun_anew(
    served: ServedHub, store: CaptureStore
) -> None:
    attempt, _ = kept(store, served, 3)
    overwrite(files.page_path(attempt.path, 1), b"torn")
    served.requests.clear()
    capture = served.capturer(Clock(NOON + timedelta(hours=1))).get_or_capture(store, DAY, MODELS)
    assert ids_of(capture) == listed()
    assert len(served.listed) == PAGES
    assert any("000001.json.zst is not page 1" in line for line in served.told)


def test_a_capture_whose_page_is_gone_says_so(served: ServedHub, store: CaptureStore) -> None:
    capture = served.capturer().get_or_capture(store, DAY, MODELS)
    path = files.page_path(store.folder(DAY) / capture.manifest.attempt, 2)
    path.unlink()
    with pytest.raises(CorruptCapture, match=r"000002\.json\.zst cannot be read"):
        ids_of(capture)


# What goes


def test_rejected_attempts_go_after_a_week(served: ServedHub, store: CaptureStore) -> None:
    attempt = store.begin(DAY, MODELS, served.url, NOON)
    attempt.reject("no rows", NOON, 7)
    assert store.unfinished(DAY, MODELS, served.url) is None
    assert store.rejected_rows(DAY) == 7
    store.sweep(NOON + timedelta(days=7))
    assert attempts(store) == [attempt.path.name]
    store.sweep(NOON + timedelta(days=7, seconds=1))
    assert attempts(store) == []


def test_pages_are_dropped_and_the_journal_stays(
    served: ServedHub, store: CaptureStore, store_proxy: CountingProxy
) -> None:
    capture = served.capturer().get_or_capture(store, DAY, MODELS)
    folder = store.folder(DAY) / capture.manifest.attempt
    assert store.page_bytes(DAY) == sum(files.page_sizes(folder).values()) > 0
    assert store.days_with_pages("2027-01-01") == [DAY]
    store.drop_pages(DAY, "2027-01-01")
    assert store.page_bytes(DAY) == 0
    assert [path.name for path in folder.iterdir()] == [files.JOURNAL]
    dropped = store.complete(DAY)
    assert dropped is not None
    assert dropped.pages_dropped
    assert dropped.records == capture.records
    with pytest.raises(CorruptCapture, match="were dropped on 2027-01-01"):
        dropped.page(0)
    # Looked at again for some days: the run may have died before it had removed all.
    assert store.days_with_pages("2027-01-03") == [DAY]
    store_proxy.clear()
    assert store.days_with_pages("2027-01-09") == []
    assert store_proxy.counts() == Counter(LIST=1, HEAD=1)
