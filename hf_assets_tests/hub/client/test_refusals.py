"""Requests that a Hub refuses: fields are left out; other refusals are permanent, with advice."""

from pathlib import Path

import pytest
from huggingface_hub import constants
from starlette.applications import Starlette

from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.hub.capture.capturer import NoCapture
from hf_assets.hub.client.addresses import refused_fields
from hf_assets.hub.client.listing import FIELDS, ListingError, ListingQuery
from hf_assets_tests.conftest import DAY, Serve, ServedHub, ServeHub
from hf_assets_tests.support.hub.captures import store_of
from hf_assets_tests.support.hub.listings import (
    PAGES,
    assert_whole,
    obtain,
)
from hf_assets_tests.support.hub.small_hub import HUB, MODELS

pytestmark = pytest.mark.usefixtures("small_pages")


def test_the_token_is_sent_to_the_hub(hub: ServeHub, folder: Path, token: str) -> None:
    served = hub(HUB)
    client = served.client()
    served.capturer(client=client).get_or_capture(store_of(folder), DAY, MODELS)
    assert client.pacer.left == 1000 - PAGES  # the quota of those with a token is 1000, not 500


def test_a_bad_token_is_a_failure_for_good_with_advice(
    served: ServedHub, folder: Path, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "nonsense")
    with pytest.raises(ListingError, match=r"page 0 .*HTTP 401.*set a valid HF_TOKEN") as failure:
        obtain(served, folder)
    assert failure.value.permanent
    assert "nonsense" not in str(failure.value)
    assert served.statuses == [401]


def test_a_hub_without_listings_is_a_failure_for_good(serve: Serve, folder: Path) -> None:
    served = ServedHub(Starlette(), serve(Starlette()).url)
    with pytest.raises(ListingError, match=r"HTTP 404.*check HF_ENDPOINT") as failure:
        obtain(served, folder)
    assert failure.value.permanent


def test_no_hub_at_all_is_a_failure_for_now(folder: Path) -> None:
    with pytest.raises(ListingError, match=r"page 0 .*Connect.*run again") as failure:
        obtain(ServedHub(Starlette(), "http://127.0.0.1:9"), folder)
    assert not failure.value.permanent


def test_offline_is_a_failure_for_good_that_says_so(
    served: ServedHub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ListingError, match="unset HF_HUB_OFFLINE") as failure:
        obtain(served, folder)
    assert failure.value.permanent
    assert served.requests == []


REFUSED = {"usedStorage", "baseModels"}


def test_refused_fields_are_dropped_with_one_warning(served: ServedHub, folder: Path) -> None:
    served.faults.refused_expand = set(REFUSED)
    capture = obtain(served, folder)
    assert_whole(capture)
    assert served.told == ["the Hub refuses expand=baseModels, usedStorage: going on without"]
    assert served.statuses == [400] + [200] * PAGES
    assert set(capture.manifest.refused) == REFUSED
    served_fields = tuple(one for one in FIELDS["models"] if one not in REFUSED)
    assert capture.manifest.fields == served_fields
    assert capture.manifest.query.fields == FIELDS["models"]


def test_a_resumed_capture_still_knows_what_was_refused(served: ServedHub, folder: Path) -> None:
    served.faults.refused_expand = set(REFUSED)
    served.faults.errors = {503: [At(page=3, times=FOREVER)]}
    with pytest.raises(ListingError):
        obtain(served, folder)
    served.faults.errors.clear()
    capture = obtain(served, folder)
    assert_whole(capture)
    assert set(capture.manifest.refused) == REFUSED
    served_fields = tuple(one for one in FIELDS["models"] if one not in REFUSED)
    assert capture.manifest.fields == served_fields
    assert served.statuses.count(400) == 1


def test_a_field_refused_on_a_later_page_is_dropped_there(served: ServedHub, folder: Path) -> None:
    served.faults.errors = {503: [At(page=3, times=FOREVER)]}
    with pytest.raises(ListingError):
        obtain(served, folder)
    served.faults.errors.clear()
    served.faults.refused_expand = {"usedStorage"}
    capture = obtain(served, folder)
    assert_whole(capture)
    assert capture.manifest.refused == ("usedStorage",)


@pytest.mark.parametrize("ask", [ListingQuery("models", FIELDS["models"], sort="nonsense")])
def test_a_400_about_something_else_is_a_failure_for_good(
    served: ServedHub, folder: Path, ask: ListingQuery
) -> None:
    with pytest.raises(ListingError, match=r"(?s)page 0 .*HTTP 400.*check `sort`") as failure:
        obtain(served, folder, ask)
    assert failure.value.permanent
    assert served.statuses == [400]
    assert served.told == []


ASKED = ["author", "tags", "baseModels", "usedStorage"]


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        ('{"error":"Invalid option: expected one of \\"author\\"|\\"tags\\""}', ASKED[2:]),
        ('{"error":"✖ Invalid option: expected one of \\"tags\\"\\n  → at expand[0]"}',
         ["author", "baseModels", "usedStorage"]),
        ('{"error":"Invalid input\\n  → at expand[3]"}', ["usedStorage"]),
        ('{"error":"expand.2: not allowed"}', ["baseModels"]),
        ('{"error":"unknown property baseModels"}', ["baseModels"]),
        ('{"error":"Invalid option: expected one of \\"likes\\"\\n  → at sort"}', []),
        ('{"error":"Invalid cursor"}', []),
        ("<html>Bad Request</html>", []),
        ("", []),
    ],
)  # fmt: skip
def test_what_a_400_refuses(message: str, refused: list[str]) -> None:
    assert list(refused_fields(message, ASKED)) == refused


def test_nothing_is_asked_of_the_hub_for_a_past_day(served: ServedHub, folder: Path) -> None:
    with pytest.raises(NoCapture):
        served.capturer().get_or_capture(store_of(folder), "2026-11-19", MODELS)
    assert served.requests == []
