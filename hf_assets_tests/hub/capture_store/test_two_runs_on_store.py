"""Two runs without a common lock capture a day on a store; what one leaves goes."""

from collections import Counter
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

import pytest

from hf_assets.hub.capture.how_far import Progress
from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.attempt_files import OnStore
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.manifest import CorruptCapture
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.listing import ListingQuery
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.errors import CommitConflict
from hf_assets.object_store.path import ObjectFacts
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import DAY, NOON, Clock, ServedHub
from hf_assets_tests.hub.capture_store.conftest import PAGES, attempts, kept
from hf_assets_tests.support.hub.captures import ids_of
from hf_assets_tests.support.hub.small_hub import MODELS, listed
from hf_assets_tests.support.object_store.counting import CountingProxy

pytestmark = pytest.mark.usefixtures("small_pages")


def stored_at(monkeypatch: pytest.MonkeyPatch, time: datetime) -> None:
    """The store says of every object that it was stored then."""

    def of(meta: Any) -> ObjectFacts:
        return ObjectFacts(meta["size"], meta["e_tag"] or "", time)

    monkeypatch.setattr(ObjectFacts, "of", of)


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
    # A day after its last object nobody works on the second any more; its name is of 13:00.
    stored_at(monkeypatch, NOON + timedelta(hours=2))
    store.sweep(NOON + timedelta(hours=26, minutes=59))
    assert len(attempts(store)) == 2
    stored_at(monkeypatch, NOON)
    store.sweep(NOON + timedelta(hours=25, minutes=59))
    assert len(attempts(store)) == 2
    store.sweep(NOON + timedelta(hours=26, minutes=1))
    assert attempts(store) == [capture.manifest.attempt]
    assert ids_of(capture) == listed()


def test_a_capture_leaves_what_a_copy_stores_beside_it(
    served: ServedHub, store: CaptureStore
) -> None:
    left = store.folder(DAY) / "20251118T030000.000000Z"
    overwrite(left / "000000.json.zst", b"a page of a copy that is under way")
    capture = served.capturer().get_or_capture(store, DAY, MODELS)
    assert attempts(store) == [left.name, capture.manifest.attempt]


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
