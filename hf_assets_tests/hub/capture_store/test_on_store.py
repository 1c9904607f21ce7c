"""A capture on a store is that of a folder; its requests are counted."""

import json
from pathlib import Path
from threading import Barrier

import pytest

from hf_assets.copying.copy import Copy
from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.manifest import CaptureManifest
from hf_assets.hub.capture_store.page_frames import line_of
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.capture_store.watching import WatchedCapture
from hf_assets.hub.client import listing
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.object_store.commit import overwrite
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import DAY, NOON, ServedHub
from hf_assets_tests.hub.capture_store.conftest import PAGES
from hf_assets_tests.support.hub.captures import first_manifest
from hf_assets_tests.support.hub.small_hub import MODELS
from hf_assets_tests.support.object_store.counting import Answer, CountingProxy, Request
from hf_assets_tests.support.object_store.weed import KEY, SECRET

pytestmark = pytest.mark.usefixtures("small_pages")


def put(store: CaptureStore, day: str, **said: object) -> None:
    said = {"rows": 500, "distinct": 500, "started": f"{day}T03:00:00+00:00"} | said
    content = CaptureManifest.of(first_manifest(**said))
    overwrite(store.folder(day) / files.MARKER, files.manifest_json(content))


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


def test_days_are_asked_for_side_by_side(store: CaptureStore, store_proxy: CountingProxy) -> None:
    days = [f"2026-11-{day:02d}" for day in range(1, 7)]
    for day in days[1:]:
        put(store, day)
    every_day, ask = Barrier(len(days), timeout=30), store_proxy.ask

    def together(request: Request) -> Answer:
        every_day.wait()
        return ask(request)

    store_proxy.ask = together
    found = store.complete_each(days)
    assert [*found] == days
    assert [day for day, capture in found.items() if capture is None] == days[:1]


def test_who_looks_on_sees_an_attempt_that_was_copied(
    served: ServedHub, store: CaptureStore, tmp_path: Path
) -> None:
    """Its pages have no line in front: all lines are in its journal."""
    there = CaptureStore(Lake(tmp_path / "lake"), "raw_models")
    attempt = there.begin(DAY, MODELS, served.url, NOON)
    client, url = served.client(), MODELS.url(served.url)
    for number in range(3):
        page = client.page(url, number)
        attempt.keep(page)
        url = page.next_url or ""
    attempt.finish(attempt.candidate(NOON))
    Copy(tmp_path / "lake", store.lake.root, check=False, log=lambda _: None).run()
    assert WatchedCapture(store, DAY).look() == (300, 300)


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
