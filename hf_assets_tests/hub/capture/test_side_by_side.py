"""Captures in threads: what they tell comes in the caller's thread, and an interrupt ends them."""

import threading
import time
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.capture.side_by_side import THREAD, SideBySide
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.listing import FIELDS, ListingError, ListingQuery
from hf_assets.hub.client.pacing import Pacer
from hf_assets.hub.quality import rules
from hf_assets.storage.lake import Lake, iso
from hf_assets_tests.conftest import DAY, NOON, Clock, Serve, ServedHub, ServeHub
from hf_assets_tests.support.hub.passing_time import Time
from hf_assets_tests.support.hub.small_hub import HUB, MODELS, NEXT_NOON

NEXT_DAY = f"{NEXT_NOON:%Y-%m-%d}"


def never(name: str, error: BaseException) -> None:
    raise AssertionError(f"{name}: {error}")


def test_all_run_at_once_and_tell_in_the_callers_thread() -> None:
    among, meeting = SideBySide(), threading.Barrier(3, timeout=20)
    told: list[tuple[str, threading.Thread]] = []
    tell = among.in_caller(lambda name: told.append((name, threading.current_thread())))

    def task(name: str) -> str:
        meeting.wait()  # for all three
        tell(name)
        return name

    beside = {name: lambda name=name: task(name) for name in ("a", "b")}
    assert among.run(lambda: task("own"), beside, never) == "own"
    assert {name for name, _ in told} == {"own", "a", "b"}
    assert {thread for _, thread in told} == {threading.current_thread()}


def test_a_failure_is_told_and_stops_no_other() -> None:
    among, failed, done = SideBySide(), [], []

    def broken() -> None:
        raise ListingError("gone", permanent=True)

    def slow() -> None:
        time.sleep(0.1)
        done.append(not among.stopped())

    tell = lambda name, error: failed.append((name, str(error)))  # noqa: E731
    assert among.run(lambda: 7, {"broken": broken, "slow": slow}, tell) == 7
    assert (failed, done) == ([("broken", "gone")], [True])
    # The caller's own error comes once the others have ended.
    with pytest.raises(ListingError, match="gone"):
        SideBySide().run(broken, {"slow": slow}, never)
    assert len(done) == 2


def test_an_interrupt_ends_every_capture_before_its_next_page(
    hub: ServeHub, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hf_assets.hub.client.listing.PAGE_SIZE", 20)
    served: ServedHub = hub(HUB, rate_limit=10**6)
    served.faults.latency = 0.02
    among = SideBySide()

    def interrupt(_line: object) -> None:
        raise KeyboardInterrupt

    capturers = [
        served.capturer(report=among.in_caller(interrupt), report_every=0.0, stopped=among.stopped)
        for _ in range(2)
    ]
    queries = MODELS, ListingQuery.everything("spaces")
    tasks = [
        lambda one=one, ask=ask: one.get_or_capture(CaptureStore(lake, f"raw_{ask.kind}"), DAY, ask)
        for one, ask in zip(capturers, queries, strict=True)
    ]
    with pytest.raises(KeyboardInterrupt):
        among.run(tasks[0], {"raw_spaces": tasks[1]}, lambda *_: None)
    for thread in threading.enumerate():
        if thread.name == THREAD:
            thread.join(20)
    stores = [CaptureStore(lake, f"raw_{ask.kind}") for ask in queries]
    assert [store.complete(DAY) for store in stores] == [None, None]
    served.faults.latency = 0.0
    for store, ask in zip(stores, queries, strict=True):
        assert served.capturer().get_or_capture(store, DAY, ask).rows == HUB.total(ask.kind)
    # Each went on where it was.
    asked = Counter((one.path, one.query) for one in served.requests)
    assert {*asked.values()} == {1}


def unlimited(app: ASGIApp) -> ASGIApp:
    """That application, which says nothing of a rate limit."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def without(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                kept = [one for one in headers if not one[0].startswith(b"ratelimit")]
                message = {**message, "headers": kept}
            await send(message)

        await app(scope, receive, without)

    return answer


def two_nights(served: ServedHub, lake: Lake, **client: Any) -> list[Capture]:
    """Each listing of two days, side by side; on the second day in chains."""
    queries = [ListingQuery.everything(kind) for kind in FIELDS]
    stores = [CaptureStore(lake, f"raw_{ask.kind}") for ask in queries]
    for day, clock in ((DAY, Clock(NOON)), (NEXT_DAY, Clock(NEXT_NOON))):
        capturers = [
            served.capturer(clock, client=served.client(**client), chains=3) for _ in queries
        ]
        tasks = [
            partial(capturer.get_or_capture, store, day, ask)
            for capturer, store, ask in zip(capturers, stores, queries, strict=True)
        ]
        SideBySide().run(tasks[0], {f"{at}": task for at, task in enumerate(tasks[1:])}, never)
    captures = [store.complete(NEXT_DAY) for store in stores]
    return [capture for capture in captures if capture]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hf_assets.hub.client.listing.PAGE_SIZE", 20)


@pytest.mark.usefixtures("small_pages")
def test_a_hub_without_a_limit_is_asked_for_one_page_at_a_time(serve: Serve, lake: Lake) -> None:
    """Whatever the number of listings, and of chains."""
    app = create_app(HUB, Faults(latency=0.002))
    served = ServedHub(app, serve(unlimited(app)).url)
    captures = two_nights(served, lake, pacer=Pacer())
    assert [capture.rows for capture in captures] == [HUB.total(kind) for kind in FIELDS]
    assert all((capture.manifest.chains or 1) > 1 for capture in captures)
    assert app.state.under_way.most == 1


@pytest.mark.usefixtures("small_pages")
def test_listings_in_chains_side_by_side_never_spend_more_than_the_window(
    hub: ServeHub, lake: Lake
) -> None:
    at = Time()
    served = hub(HUB, rate_limit=9, window=0.5, clock=at)
    captures = two_nights(served, lake, pacer=Pacer(at, at.sleep))
    assert [capture.distinct for capture in captures] == [HUB.total(kind) for kind in FIELDS]
    assert all((capture.manifest.chains or 1) > 1 for capture in captures)
    assert {*served.statuses} == {200}
    assert served.app.state.under_way.most_listings == 3


def test_no_more_requests_at_once_than_allowed() -> None:
    pacer, now, most, lock = Pacer(at_once=2), 0, 0, threading.Lock()
    pacer.update({"RateLimit": '"api";r=400;t=100', "RateLimit-Policy": '"api";q=500;w=300'})

    def ask() -> None:
        nonlocal now, most
        with pacer.request():
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.01)
            with lock:
                now -= 1

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_a_hub_without_datasets_is_captured_as_one(hub: ServeHub, lake: Lake) -> None:
    """Not a Hub without models, and not one that had some datasets before."""
    served = hub(GeneratedHub(300, 0, datasets=0, seed=3, day=iso(DAY)))
    store = CaptureStore(lake, "raw_datasets")
    ask = ListingQuery.everything("datasets")
    capture = served.capturer(Clock(NOON)).get_or_capture(store, DAY, ask)
    assert (capture.rows, capture.absent_kind) == (0, "The Hub has no datasets, by its own count.")
    result = rules.capture_complete(capture)
    assert (result.passed, result.severity) == (False, "WARN")
    assert served.capturer(Clock(NOON)).get_or_capture(store, DAY, ask) == capture
    assert len(served.requests) == 1
    with pytest.raises(ListingError, match="empty"):
        served.capturer(Clock(NOON)).get_or_capture(
            CaptureStore(lake, "raw_spaces"), DAY, ListingQuery.everything("spaces")
        )
    some = hub(GeneratedHub(300, 0, seed=3, day=iso(DAY)))
    some.capturer(Clock(NEXT_NOON)).get_or_capture(store, NEXT_DAY, ask)
    third = Clock(NEXT_NOON + timedelta(days=1))
    with pytest.raises(ListingError, match="empty"):
        served.capturer(third).get_or_capture(store, f"{third.now:%Y-%m-%d}", ask)
