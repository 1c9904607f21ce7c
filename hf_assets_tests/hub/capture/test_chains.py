"""A listing read in several chains is the listing that one chain reads."""

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.capture.chains import chain_starts
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.chain import cursor_of
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client import connection, listing
from hf_assets.hub.client.listing import ListingError, ListingQuery
from hf_assets.hub.client.pacing import Pacer
from hf_assets.hub.quality import rules
from hf_assets.hub.tables import cleaning
from hf_assets.storage.lake import Lake, iso
from hf_assets_tests.conftest import DAY, NOON, Clock, ServedHub, ServeHub
from hf_assets_tests.support.hub.captures import crawl, hub_id, ids_of, model
from hf_assets_tests.support.hub.changing import ChangingHub
from hf_assets_tests.support.hub.passing_time import Time
from hf_assets_tests.support.hub.small_hub import MODELS, NEXT_NOON

NEXT_DAY = f"{NEXT_NOON:%Y-%m-%d}"
ROWS, PAGE, CHAINS = 500, 20, 5


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", PAGE)


@pytest.fixture
def store(lake: Lake) -> CaptureStore:
    return CaptureStore(lake, "raw_models")


@pytest.fixture
def served(hub: ServeHub, store: CaptureStore) -> ServedHub:
    """A Hub whose first day is captured; it shows the next one: models came, went, were renamed."""
    source = GeneratedHub(ROWS, 200, seed=3, day=iso(DAY), sized_on=iso(DAY))
    served = hub(source, rate_limit=10**6)
    served.capturer(Clock(NOON)).get_or_capture(store, DAY, MODELS)
    source.day = iso(NEXT_DAY)
    served.requests.clear()
    return served


def next_day(
    served: ServedHub, store: CaptureStore, chains: int = CHAINS, **options: Any
) -> Capture:
    capturer = served.capturer(Clock(NEXT_NOON), chains=chains, **options)
    return capturer.get_or_capture(store, NEXT_DAY, MODELS)


def sequential(served: ServedHub, folder: Path) -> Capture:
    """The same day, read by one chain into another lake."""
    return next_day(served, CaptureStore(Lake(folder), "raw_models"), chains=1)


def rows(capture: Capture) -> list[dict[str, Any]]:
    """The table of a capture, by id; without what tells when each page came."""
    table = cleaning.models(capture, NEXT_DAY)
    found = [row for frame in table.frames for row in frame.to_dicts()]
    return sorted(found, key=lambda row: row["id"])


def assert_same(capture: Capture, other: Capture) -> None:
    assert capture.distinct == other.distinct == len({*ids_of(other)})
    assert {*ids_of(capture)} == {*ids_of(other)}
    assert rows(capture) == rows(other)


def old_cursors(served: ServedHub, store: CaptureStore) -> list[str]:
    starts = chain_starts(store, MODELS, served.url, CHAINS)
    return [cursor for start in starts if (cursor := cursor_of(start.url))]


def test_several_chains_bring_the_listing_of_one(
    served: ServedHub, store: CaptureStore, tmp_path: Path
) -> None:
    capture = next_day(served, store)
    asked = len(served.listed)
    alone = sequential(served, tmp_path)
    assert_same(capture, alone)
    assert capture.manifest.chains == CHAINS
    assert alone.manifest.chains is None
    assert asked == capture.manifest.pages <= alone.manifest.pages + CHAINS
    assert capture.rows - capture.distinct == capture.manifest.shared_rows
    assert capture.rows < alone.rows + CHAINS * PAGE
    assert rules.duplicate_rows(capture).metadata["duplicates"] == 0
    assert rules.capture_complete(capture).passed
    assert any("reading the listing in 5 chains" in line for line in served.told)


def test_no_chain_is_begun_where_a_listing_moves_or_is_limited(
    served: ServedHub, store: CaptureStore
) -> None:
    for query in (
        ListingQuery("models", MODELS.fields, sort="likes"),
        ListingQuery("models", MODELS.fields, max_rows=100),
        ListingQuery("models", MODELS.fields, filter=("text-generation",)),
    ):
        assert chain_starts(store, query, served.url, CHAINS) == ()
    assert chain_starts(store, MODELS, "https://another.example", CHAINS) == ()
    assert chain_starts(store, MODELS, served.url, 1) == ()
    assert len(chain_starts(store, MODELS, served.url, 100)) == ROWS // PAGE // 3


def test_the_chains_of_the_third_day_begin_at_those_of_the_second(
    served: ServedHub, store: CaptureStore, tmp_path: Path
) -> None:
    next_day(served, store)
    starts = chain_starts(store, MODELS, served.url, CHAINS)
    before = [start.rows_before for start in starts]
    assert len(before) == CHAINS
    assert before == sorted(before)
    assert all(abs(rows - number * ROWS / CHAINS) <= 2 * PAGE for number, rows in enumerate(before))
    assert len({cursor_of(start.url) for start in starts}) == CHAINS


def test_a_refused_cursor_begins_no_chain(
    served: ServedHub, store: CaptureStore, tmp_path: Path
) -> None:
    cursors = old_cursors(served, store)
    served.faults.old_cursors = {cursors[1]: None}
    capture = next_day(served, store)
    assert capture.manifest.chains == CHAINS - 1
    assert any("no chain begins at 200 rows" in line for line in served.told)
    assert_same(capture, sequential(served, tmp_path))


def test_a_hub_that_refuses_every_old_cursor_is_read_in_one_chain(
    served: ServedHub, store: CaptureStore, tmp_path: Path
) -> None:
    served.faults.old_cursors = dict.fromkeys(old_cursors(served, store))
    capture = next_day(served, store)
    assert capture.manifest.chains is None
    assert len(served.listed) == capture.manifest.pages + CHAINS - 1
    assert_same(capture, sequential(served, tmp_path))


@pytest.mark.parametrize("skipped", [1, PAGE, 3 * PAGE])
def test_rows_that_a_chain_skips_are_read_in_one_chain(
    served: ServedHub, store: CaptureStore, tmp_path: Path, skipped: int
) -> None:
    """An old cursor that is a place in the listing no more: the seam does not meet."""
    cursor = old_cursors(served, store)[2]
    served.faults.old_cursors = {cursor: skipped}
    # One chain comes to that place by a link, which the Hub has just given.
    capture = next_day(served, store)
    served.faults.old_cursors = {}
    assert_same(capture, sequential(served, tmp_path))


def test_a_count_that_chains_do_not_reach_is_read_again_in_one_chain(
    served: ServedHub, store: CaptureStore, tmp_path: Path
) -> None:
    served.faults.ends_early = [At(page=13, times=2, value=0.5)]
    capture = next_day(served, store)
    assert capture.manifest.chains is None
    assert "different rows, where the Hub counts" in (capture.manifest.one_chain or "")
    assert any("in one chain" in line for line in served.told)
    assert_same(capture, sequential(served, tmp_path))


@pytest.mark.parametrize("place", [0, 5])
def test_a_row_that_comes_twice_is_no_seam(
    served: ServedHub, store: CaptureStore, tmp_path: Path, place: int
) -> None:
    """A row with which a later chain begins is listed on an early page, too."""
    url = chain_starts(store, MODELS, served.url, CHAINS)[3].url
    row = json.loads(served.client().page(url, 0).body)[place]
    served.requests.clear()
    served.faults.odd_rows = {"models": [json.dumps(row).encode()]}
    served.faults.odd_page = 2
    capture = next_day(served, store)
    assert capture.manifest.chains == CHAINS
    assert rules.duplicate_rows(capture).metadata["duplicates"] == 1
    assert_same(capture, sequential(served, tmp_path))


def test_what_the_hub_refuses_of_expand_is_asked_once(
    served: ServedHub, store: CaptureStore
) -> None:
    served.faults.refused_expand = {"usedStorage"}
    capture = next_day(served, store)
    assert capture.manifest.refused == ("usedStorage",)
    assert served.statuses.count(400) == 1
    assert capture.manifest.chains == CHAINS


@pytest.mark.parametrize("page", [1, 8, 13, 25])
def test_a_capture_in_chains_goes_on_where_it_broke_off(
    served: ServedHub, store: CaptureStore, tmp_path: Path, page: int
) -> None:
    served.faults.errors = {503: [At(page=page, times=FOREVER)]}
    with pytest.raises(ListingError):
        next_day(served, store)
    kept = len(list(store.folder(NEXT_DAY).glob("*/*.json.zst")))
    served.faults.errors.clear()
    served.requests.clear()
    capture = next_day(served, store)
    # A page that was under way when the other chain gave up may have been asked for twice.
    assert len({*served.listed}) == capture.manifest.pages - kept
    assert_same(capture, sequential(served, tmp_path))


def test_a_storm_of_429_and_broken_pages_is_waited_out(
    served: ServedHub, store: CaptureStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "time", SimpleNamespace(sleep=lambda _: None))
    served.faults.too_many = [At(page=page, times=2, value=0) for page in range(1, 26)]
    served.faults.cut = [At(page=page) for page in range(2, 26, 3)]
    served.faults.broken_json = [At(page=page) for page in range(3, 26, 5)]
    capture = next_day(served, store)
    assert served.statuses.count(429) == 50
    served.app.state.faults.__dict__.update(Faults().__dict__)
    assert_same(capture, sequential(served, tmp_path))


@pytest.mark.parametrize("kills", [1, pytest.param(6, marks=pytest.mark.heavy)])
def test_killed_at_random_moments(
    served: ServedHub, store: CaptureStore, tmp_path: Path, kills: int
) -> None:
    chance = random.Random(kills)
    for number in range(kills):
        before = len(served.listed)
        process = crawl(
            served.url,
            store.lake,
            NEXT_NOON + timedelta(minutes=number),
            PAGE,
            "models",
            day=NEXT_DAY,
            chains=CHAINS,
        )
        served.faults.latency = 0.05
        while len(served.listed) < before + 6 and process.poll() is None:
            time.sleep(0.001)
        time.sleep(chance.random() * 0.02)
        process.kill()
        process.communicate()
        assert store.complete(NEXT_DAY) is None
    served.faults.latency = 0.0
    capture = next_day(served, store)
    asked = Counter(served.listed)
    assert asked.total() - len(asked) <= kills * CHAINS
    assert_same(capture, sequential(served, tmp_path))


def test_chains_side_by_side_never_spend_more_than_the_window(
    hub: ServeHub, store: CaptureStore
) -> None:
    at = Time()
    source = GeneratedHub(ROWS, 200, seed=3, day=iso(DAY), sized_on=iso(DAY))
    served = hub(source, rate_limit=8, window=0.5, clock=at)
    for now, day in ((NOON, DAY), (NEXT_NOON, NEXT_DAY)):
        client = served.client(pacer=Pacer(at, at.sleep))
        capturer = served.capturer(Clock(now), client=client, chains=CHAINS)
        capture = capturer.get_or_capture(store, day, MODELS)
    assert capture.manifest.chains == CHAINS
    assert {*served.statuses} == {200}


def _change(kind: str, at: int) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    def changed(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
        place = at % max(len(models), 1)
        if kind == "create":
            number = max(int(row["_id"], 16) for row in models) + 1
            return [*models, model(number)]
        if kind == "delete":
            return [row for index, row in enumerate(models) if index != place]
        renamed = {**models[place], "id": f"renamed/{models[place]['_id']}"}
        return [*models[:place], renamed, *models[place + 1 :]]

    return changed


CHANGES = st.lists(
    st.tuples(st.sampled_from(["create", "delete", "rename"]), st.integers(0, 119)), max_size=60
)


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(overnight=CHANGES, during=CHANGES, chains=st.integers(2, 12), page=st.integers(3, 9))
def test_a_hub_that_changes_under_the_chains_loses_no_row(
    tmp_path_factory: pytest.TempPathFactory,
    overnight: list[tuple[str, int]],
    during: list[tuple[str, int]],
    chains: int,
    page: int,
) -> None:
    """Every model that is there from the first page to the last is captured, once or twice."""
    source = ChangingHub([model(number) for number in range(120)])
    store = CaptureStore(Lake(tmp_path_factory.mktemp("lake")), "raw_models")
    app = create_app(source, rate_limit=10**6)
    with LoopbackServer(app) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "PAGE_SIZE", page)
        served = ServedHub(app, server.url)
        served.capturer(Clock(NOON)).get_or_capture(store, DAY, MODELS)
        for kind, at in overnight:
            source.models = _change(kind, at)(source.models)
        source.replace("models", source.models)
        before = {row["_id"] for row in source.models}
        source.changes = [_change(kind, at) for kind, at in during]
        capture = next_day(served, store, chains)
        alive = before & {row["_id"] for row in source.models}
    captured = Counter(ids_of(capture))
    assert alive <= {*captured}
    assert capture.distinct == len(captured)
    assert {*captured} <= before | {hub_id(number) for number in range(500)}
    # At each seam a page more than one chain needs.
    assert capture.manifest.pages <= -(-len(captured) // page) + 2 * chains
