"""Chains that do not make up a listing: one chain reads it again, and only on its own day."""

import json
from datetime import timedelta

import pytest

from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.hub.capture.capturer import NoCapture, Progress
from hf_assets.hub.capture.chains import chain_starts
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.chain import cursor_of
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client import listing
from hf_assets.hub.client.listing import ListingError
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import DAY, NOON, Clock, ServedHub, ServeHub
from hf_assets_tests.support.hub.captures import ids_of, model
from hf_assets_tests.support.hub.changing import ChangingHub
from hf_assets_tests.support.hub.small_hub import MODELS, NEXT_NOON

NEXT_DAY = f"{NEXT_NOON:%Y-%m-%d}"
CHAINS = 5


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 20)


@pytest.fixture
def store(lake: Lake) -> CaptureStore:
    return CaptureStore(lake, "raw_models")


@pytest.fixture
def source() -> ChangingHub:
    return ChangingHub([model(number) for number in range(400)])


@pytest.fixture
def served(hub: ServeHub, source: ChangingHub, store: CaptureStore) -> ServedHub:
    """A Hub whose first day is captured."""
    served = hub(source, rate_limit=10**6)
    served.capturer(Clock(NOON)).get_or_capture(store, DAY, MODELS)
    served.requests.clear()
    return served


def next_day(served: ServedHub, store: CaptureStore) -> Capture:
    return served.capturer(Clock(NEXT_NOON), chains=CHAINS).get_or_capture(store, NEXT_DAY, MODELS)


def change(source: ChangingHub, models: list) -> None:
    source.models = models
    source.replace("models", models)


def test_a_chain_that_ends_before_the_next_is_noticed_without_a_count(
    served: ServedHub, store: CaptureStore, source: ChangingHub
) -> None:
    served.faults.no_total = True
    served.faults.ends_early = [At(page=13, value=0.5)]
    capture = next_day(served, store)
    assert "met no other" in (capture.manifest.one_chain or "")
    assert {*ids_of(capture)} == {row["_id"] for row in source.models}


def test_a_listing_read_again_is_never_of_the_next_day(
    served: ServedHub, store: CaptureStore
) -> None:
    """Chains that do not make up the listing, found out after midnight."""
    served.faults.ends_early = [At(page=13, times=2, value=0.5)]
    before, after = Clock(NEXT_NOON), Clock(NEXT_NOON + timedelta(hours=13))
    capturer = served.capturer(
        lambda: (after if len(served.listed) > 10 else before)(), chains=CHAINS
    )
    with pytest.raises(NoCapture, match="is over"):
        capturer.get_or_capture(store, NEXT_DAY, MODELS)
    assert store.complete(NEXT_DAY) is None
    assert len(list(store.folder(NEXT_DAY).glob("*/rejected.json"))) == 1
    assert len(list(store.folder(NEXT_DAY).glob("*/journal.jsonl"))) == 1


def test_models_created_before_a_capture_goes_on_are_no_loss(
    served: ServedHub, store: CaptureStore, source: ChangingHub
) -> None:
    served.faults.errors = {503: [At(page=8, times=FOREVER)]}
    with pytest.raises(ListingError):
        next_day(served, store)
    served.faults.errors.clear()
    change(source, source.models + [model(number) for number in range(400, 420)])
    assert next_day(served, store).manifest.chains == CHAINS


def test_an_answer_is_believed_the_second_time_though_chains_fail_each_time(
    served: ServedHub, store: CaptureStore, source: ChangingHub
) -> None:
    """The Hub has lost more than half of its models, and counts one more than it lists."""
    change(source, source.models[::3])
    served.faults.odd_total = f"{len(source.models) + 1}"
    with pytest.raises(ListingError, match="no capture of the day"):
        next_day(served, store)
    capture = next_day(served, store)
    assert capture.manifest.one_chain
    assert capture.answered_twice


def test_a_refused_chain_does_not_begin_when_the_capture_goes_on(
    served: ServedHub, store: CaptureStore, source: ChangingHub
) -> None:
    starts = chain_starts(store, MODELS, served.url, CHAINS)
    refused = cursor_of(starts[2].url)
    assert refused
    served.faults.old_cursors = {refused: None}
    served.faults.errors = {503: [At(page=8, times=FOREVER)]}
    with pytest.raises(ListingError):
        next_day(served, store)
    served.faults.old_cursors = {}
    served.faults.errors.clear()
    capture = next_day(served, store)
    assert capture.manifest.chains == CHAINS - 1
    assert {*ids_of(capture)} == {row["_id"] for row in source.models}


def test_an_empty_id_on_every_page_is_no_seam(
    served: ServedHub, store: CaptureStore, source: ChangingHub
) -> None:
    change(source, source.models[10:])  # a last page that is not full
    served.faults.no_total = True
    served.faults.odd_rows = {"models": [b'{"_id": "", "id": "odd/one"}']}
    served.faults.odd_page = None
    capture = next_day(served, store)
    assert {row["_id"] for row in source.models} <= {*ids_of(capture)}


def test_a_version_that_knows_one_chain_does_not_go_on_with_several(
    served: ServedHub, store: CaptureStore
) -> None:
    """It finds no query in the journal's first line, and begins anew."""
    served.faults.errors = {503: [At(page=8, times=FOREVER)]}
    with pytest.raises(ListingError):
        next_day(served, store)
    (journal,) = store.folder(NEXT_DAY).glob("*/journal.jsonl")
    header = json.loads(journal.read_bytes().split(b"\n")[0])
    assert "ask" not in header
    assert store.unfinished(NEXT_DAY, MODELS, served.url)


def test_the_last_report_has_all_pages_once(served: ServedHub, store: CaptureStore) -> None:
    """Also where a chain never begins."""
    starts = chain_starts(store, MODELS, served.url, CHAINS)
    served.faults.old_cursors = {cursor_of(starts[2].url) or "": None}
    reports: list[Progress] = []
    capturer = served.capturer(
        Clock(NEXT_NOON), chains=CHAINS, report=reports.append, report_every=1e9
    )
    capture = capturer.get_or_capture(store, NEXT_DAY, MODELS)
    assert [(one.pages, one.rows) for one in reports] == [(capture.manifest.pages, capture.rows)]
