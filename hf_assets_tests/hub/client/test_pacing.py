"""The pace of requests: a 429 is waited out, and avoided."""

from pathlib import Path

import pytest

from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.hub.client import pacing
from hf_assets.hub.client.listing import HubClient, ListingQuery
from hf_assets.hub.client.pacing import Pacer, pacer_for
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import DAY, ServedHub, ServeHub
from hf_assets_tests.support.hub.captures import store_of
from hf_assets_tests.support.hub.listings import (
    PAGES,
    assert_fails_then_goes_on,
    assert_whole,
    obtain,
)
from hf_assets_tests.support.hub.passing_time import Time
from hf_assets_tests.support.hub.small_hub import HUB

pytestmark = pytest.mark.usefixtures("small_pages")


def test_a_429_waits_as_told(served: ServedHub, folder: Path, naps: list[float]) -> None:
    served.faults.too_many = [At(page=3, value=37)]
    assert_whole(obtain(served, folder))
    assert served.statuses.count(429) == 1
    assert [nap for nap in naps if nap >= 37] == [38]


def test_a_storm_of_429_is_waited_out(served: ServedHub, folder: Path, naps: list[float]) -> None:
    served.faults.too_many = [At(page=page, times=5, value=9) for page in range(1, PAGES + 1)]
    assert_whole(obtain(served, folder))
    assert served.statuses.count(429) == 5 * PAGES
    assert len([nap for nap in naps if nap >= 9]) == 5 * PAGES


def test_an_endless_storm_of_429_ends_with_a_message(
    served: ServedHub, folder: Path, naps: list[float]
) -> None:
    served.faults.too_many = [At(page=2, times=FOREVER, value=9)]
    assert_fails_then_goes_on(served, folder, 1, "HTTP 429")


def test_all_clients_of_a_hub_wait_before_it_has_to_refuse(
    hub: ServeHub, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = Time()  # the Hub's and the pacer's
    monkeypatch.setattr(pacing, "Pacer", lambda **more: Pacer(at, at.sleep, **more))
    pacer_for.cache_clear()
    served = hub(HUB, rate_limit=6, window=0.5, clock=at)
    for kind in ("models", "spaces"):
        client = HubClient(served.url, retry_wait=0.001, log=served.told.append)
        folder, ask = lake.folder(f"raw_{kind}", DAY), ListingQuery.everything(kind)
        assert_whole(
            served.capturer(client=client).get_or_capture(store_of(folder), DAY, ask), kind
        )
    assert served.statuses == [200] * (PAGES + 2)
    assert served.told == ["0 requests left in this window: 2 s pause"]
    assert HubClient(served.url + "/").pacer is client.pacer
    assert HubClient("http://127.0.0.1:1").pacer is not client.pacer


def begin(pacer: Pacer) -> None:
    """A request that may begin now, or after a pause."""
    with pacer.request():
        pass


def headers(left: int, reset: int, limit: int = 500, window: int = 300) -> dict[str, str]:
    policy = f'"fixed window";"api";q={limit};w={window}'
    return {"RateLimit": f'"api";r={left};t={reset}', "RateLimit-Policy": policy}


def test_pacer_keeps_a_reserve_and_waits_past_the_reset() -> None:
    at = Time()
    pacer = Pacer(at, at.sleep)
    assert pacer.left is None
    begin(pacer)
    for left in (499, 100, 6):
        pacer.update(headers(left, 40))
        begin(pacer)
    assert at.naps == []
    pacer.update(headers(5, 40))  # 1 % of 500 stay for the token's other programs
    at.now += 15
    begin(pacer)
    assert at.naps == [26]
    begin(pacer)
    assert at.naps == [26]
    assert pacer.waited == 26


def test_pacer_does_not_wait_for_a_window_that_is_over() -> None:
    at = Time()
    pacer = Pacer(at, at.sleep)
    pacer.update(headers(0, 40))
    at.now += 100
    begin(pacer)
    assert at.naps == []


@pytest.mark.parametrize("said", [{}, {"RateLimit": "nonsense"}, {"RateLimit": '"api";r=7;t=9'}])
def test_pacer_lives_with_headers_that_say_nothing(said: dict[str, str]) -> None:
    at = Time()
    pacer = Pacer(at, at.sleep)
    pacer.update(said)
    begin(pacer)
    assert at.naps == []


def test_a_simulated_hub_of_four_windows_never_refuses() -> None:
    at = Time()
    pacer = Pacer(at, at.sleep)
    began, used, refused = at.now, 0, 0
    for _ in range(1990):
        begin(pacer)
        if at.now - began >= 300:
            began, used = at.now, 0
        refused += used >= 500
        used += 1
        pacer.update(headers(max(500 - used, 0), int(began + 300 - at.now)))
        at.now += 0.1
    assert refused == 0
    assert len(at.naps) == 4


@pytest.mark.parametrize("said", ["9" * 400, "9" * 5000])
def test_pacer_lives_with_any_number(said: str) -> None:
    at = Time()
    pacer = Pacer(at, at.sleep)
    pacer.update({"RateLimit": f'"api";r=0;t={said}', "RateLimit-Policy": f"q={said};w={said}"})
    begin(pacer)
    assert at.naps in ([], [301])
