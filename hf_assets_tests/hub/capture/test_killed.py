"""A capture that is killed, or whose files are damaged, goes on where it was."""

import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.source import Where
from hf_assets.hub.capture_store.manifest import CorruptCapture
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client import listing
from hf_assets.hub.client.listing import ListingError, ListingQuery
from hf_assets.hub.client.wire import Kind
from hf_assets.storage.lake import Lake, iso
from hf_assets_tests.conftest import DAY, NOON, Clock, ServedHub, ServeHub
from hf_assets_tests.support.hub.captures import crawl, ids_of, open_capture, pages, store_of

MODELS = ListingQuery.everything("models")
# 50 pages of 80 models, 200 of 20; 200 pages of 10 Spaces.
HUB = GeneratedHub(4000, 2000, seed=5, day=iso(DAY))
# 40 pages of 10 models.
SMALL = GeneratedHub(400, 0, seed=5, day=iso(DAY))


def all_ids(kind: Kind, source: GeneratedHub = HUB) -> list[str]:
    listed = source.listing(kind, "createdAt", Where())
    rows = listed.page(0, listed.total, frozenset(["_id"]))[0]
    return [row[8:32].decode() for row in rows]


def killed_at_random(
    served: ServedHub, lake: Lake, kind: Kind, page_size: int, moments: list[float]
) -> int:
    """Kills one crawl after the other, each at a share of the whole way; returns how many."""
    share, store = random.Random(len(moments)), CaptureStore(lake, f"raw_{kind}")
    total = -(-HUB.total(kind) // page_size)
    kills = 0
    for moment in sorted(moments):
        process = crawl(served.url, lake, NOON + timedelta(minutes=kills), page_size, kind)
        while len(set(served.listed)) < moment * total and process.poll() is None:
            time.sleep(0.001)
        time.sleep(share.random() * 0.02)
        assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()
        kills += 1
        assert store.complete(DAY) is None, "half a day must not look like a day"
    capturer = served.capturer(Clock(NOON + timedelta(hours=2)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "PAGE_SIZE", page_size)
        capture = capturer.get_or_capture(store, DAY, ListingQuery.everything(kind))
    assert capture.manifest.pages >= total
    return kills


def assert_each_row_once(store: CaptureStore, kind: Kind, source: GeneratedHub = HUB) -> None:
    capture = store.complete(DAY)
    assert capture is not None
    assert ids_of(capture) == all_ids(kind, source)  # each page is checked against its sha256
    assert capture.rows == capture.distinct == source.total(kind)
    assert len(list(pages(capture))) == capture.manifest.pages


@pytest.mark.parametrize(
    ("kills", "total"), [(1, 50), pytest.param(5, 200, marks=pytest.mark.heavy)]
)
def test_killed_at_random_points_no_row_is_lost_or_doubled(
    hub: ServeHub, lake: Lake, kills: int, total: int
) -> None:
    served = hub(HUB)
    chance = random.Random(20261120)
    moments = [chance.uniform(0.005, 0.8) for _ in range(kills)]
    assert killed_at_random(served, lake, "models", 4000 // total, moments) == kills
    assert_each_row_once(CaptureStore(lake, "raw_models"), "models")
    asked = Counter(served.listed)
    assert len(asked) == total
    assert asked.total() - total <= kills, "more than one page asked for twice after a kill"


@pytest.mark.release
@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(3))
def test_killed_twenty_times(hub: ServeHub, lake: Lake, seed: int) -> None:
    served = hub(HUB)
    chance = random.Random(seed)
    moments = [chance.uniform(0.0, 0.8) for _ in range(20)]
    kills = killed_at_random(served, lake, "spaces", 10, moments)
    assert_each_row_once(CaptureStore(lake, "raw_spaces"), "spaces")
    assert len(served.listed) - 200 <= kills


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServedHub, Path]]:
    """A Hub that is well again, and the day of a capture that it broke off after 12 pages."""
    faults = Faults(errors={503: [At(page=13, times=FOREVER)]})
    app = create_app(SMALL, faults, rate_limit=10**6)  # one for all tests of this file
    lake = Lake(tmp_path_factory.mktemp("broken_off"))
    store = CaptureStore(lake, "raw_models")
    with LoopbackServer(app) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "PAGE_SIZE", 10)
        served = ServedHub(app, server.url)
        with pytest.raises(ListingError):
            served.capturer().get_or_capture(store, DAY, MODELS)
        served.faults.errors.clear()
        yield served, store.folder(DAY)


@pytest.fixture
def half(
    broken_off: tuple[ServedHub, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[ServedHub, Path]:
    """A capture of 40 pages that broke off after 12, and whose Hub is well again."""
    monkeypatch.setattr(listing, "PAGE_SIZE", 10)
    served, folder = broken_off
    served.requests.clear()
    served.told.clear()
    return served, shutil.copytree(folder, Lake(tmp_path).folder("raw_models", DAY))


def finished(half: tuple[ServedHub, Path]) -> int:
    """Goes on to the end; how many pages that took."""
    served, folder = half
    served.capturer().get_or_capture(store_of(folder), DAY, MODELS)
    assert_each_row_once(store_of(folder), "models", SMALL)
    return len(served.listed)


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def test_goes_on_at_the_next_page(half: tuple[ServedHub, Path]) -> None:
    assert finished(half) == 28
    assert "going on after page 11, 120 rows" in half[0].told


@pytest.mark.heavy
@pytest.mark.parametrize("cut", [1, 2, 40, 300])
def test_a_torn_last_line_of_the_journal_costs_one_page(
    half: tuple[ServedHub, Path], cut: int
) -> None:
    journal = only(half[1], "*/journal.jsonl")
    journal.write_bytes(journal.read_bytes()[:-cut])
    # Without its line feed alone, the line is whole.
    assert finished(half) == (28 if cut == 1 else 29)


def test_a_line_that_was_only_begun_costs_no_page(half: tuple[ServedHub, Path]) -> None:
    journal = only(half[1], "*/journal.jsonl")
    journal.write_bytes(journal.read_bytes() + b'{"page": 12, "url')
    assert finished(half) == 28


@pytest.mark.heavy
@pytest.mark.parametrize("left", [0, 1, 7, 100, -1])
def test_a_page_cut_short_is_fetched_again(half: tuple[ServedHub, Path], left: int) -> None:
    page = only(half[1], "*/000009.json.zst")
    page.write_bytes(page.read_bytes()[:left])
    assert finished(half) == 28 + 3


def alter(page: Path) -> None:
    """One letter of the page is another; it is still zstd, JSON and as long as it was."""
    with pa.input_stream(page, compression="zstd") as stream:
        body = stream.read()
    assert body.count(b'"likes":') > 1
    body = body.replace(b'"likes":', b'"Likes":', 1)
    page.write_bytes(pa.Codec("zstd").compress(body, asbytes=True))


def test_a_page_with_another_letter_is_fetched_again(half: tuple[ServedHub, Path]) -> None:
    alter(only(half[1], "*/000011.json.zst"))
    assert finished(half) == 28 + 1


def test_a_deleted_page_is_fetched_again(half: tuple[ServedHub, Path]) -> None:
    only(half[1], "*/000000.json.zst").unlink()
    assert finished(half) == 40


@pytest.mark.heavy
@pytest.mark.parametrize("content", [b"", b'{"ask": {"ki', b"\xff\xff\xff"])
def test_an_attempt_with_a_torn_header_is_started_anew(
    half: tuple[ServedHub, Path], content: bytes
) -> None:
    only(half[1], "*/journal.jsonl").write_bytes(content)
    assert finished(half) == 40
    assert len(list(half[1].glob("*/journal.jsonl"))) == 1


def test_an_attempt_that_asked_for_something_else_is_not_gone_on_with(
    half: tuple[ServedHub, Path],
) -> None:
    served, folder = half
    fewer = ListingQuery("models", fields=("likes",))
    capture = served.capturer().get_or_capture(store_of(folder), DAY, fewer)
    assert len(served.listed) == capture.manifest.pages == 40
    assert ids_of(capture) == all_ids("models", SMALL)


def test_an_attempt_on_another_hub_is_not_gone_on_with(
    half: tuple[ServedHub, Path], hub: ServeHub
) -> None:
    other = hub(SMALL)
    capture = other.capturer().get_or_capture(store_of(half[1]), DAY, MODELS)
    assert len(other.listed) == 40
    assert capture.manifest.endpoint == other.url


@pytest.mark.parametrize(
    "damage", ["page gone", "page cut", "page altered", "journal cut", "journal gone"]
)
def test_a_damaged_complete_capture_says_so(half: tuple[ServedHub, Path], damage: str) -> None:
    finished(half)
    page, journal = only(half[1], "*/000020.json.zst"), only(half[1], "*/journal.jsonl")
    {
        "page gone": page.unlink,
        "page altered": lambda: alter(page),
        "page cut": lambda: page.write_bytes(page.read_bytes()[:-9]),
        "journal cut": lambda: journal.write_bytes(journal.read_bytes()[:-900]),
        "journal gone": journal.unlink,
    }[damage]()
    capture = open_capture(half[1])
    assert capture is not None
    with pytest.raises(CorruptCapture, match=str(page if "page" in damage else journal)):
        list(pages(capture))
