"""A page of the UI that shows a log while the run goes on."""

import threading

import pytest
from dagster._core.storage.compute_log_manager import CapturedLogData

pytest.importorskip("obstore", reason="not installed here: pip install 'hf_assets[cluster]'")

from hf_assets import log_subscriptions, run_logs
from hf_assets.run_logs import LakeLogManager
from hf_assets_tests.support.object_store.counting import CountingProxy, Fault
from hf_assets_tests.support.run_logs import KEY_OF_LOG, threads, until


def test_a_page_that_opens_stops_no_other(
    manager: LakeLogManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the thread asks for one of them."""
    monkeypatch.setattr(log_subscriptions, "EVERY", 0.01)
    pages, seen = [], []

    def opens_another(data: CapturedLogData) -> None:
        if threading.current_thread().name == log_subscriptions.POLL:
            pages.append(manager.subscribe(["other", "compute_logs", str(len(pages))]))
        seen.append(data.stdout)

    with manager.capture_logs(KEY_OF_LOG):
        pages.append(manager.subscribe(KEY_OF_LOG)(opens_another))
        for text in (b"first\n", b"second\n"):
            print(text.decode(), end="", flush=True)
            until(lambda text=text: text in seen)
        (thread,) = threads(log_subscriptions.POLL)
        for page in pages:
            page.dispose()
    thread.join(30)
    assert not thread.is_alive()


def test_a_page_that_fails_stops_no_other(
    manager: LakeLogManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_subscriptions, "EVERY", 0.01)
    seen: list[bytes | None] = []

    def closed(data: CapturedLogData) -> None:
        if threading.current_thread().name == log_subscriptions.POLL:
            raise RuntimeError("Event loop is closed")

    with manager.capture_logs(KEY_OF_LOG):
        pages = [
            manager.subscribe(KEY_OF_LOG)(one)
            for one in (closed, lambda data: seen.append(data.stdout))
        ]
        for text in (b"first\n", b"second\n"):
            print(text.decode(), end="", flush=True)
            until(lambda text=text: text in seen)
        for page in pages:
            page.dispose()


def test_a_page_with_a_complete_log_leaves_no_thread(manager: LakeLogManager) -> None:
    with manager.capture_logs(KEY_OF_LOG):
        print("first", flush=True)
    page = manager.subscribe(KEY_OF_LOG)(lambda _: None)
    assert page.is_complete
    page.dispose()
    assert threads(log_subscriptions.POLL) == []
    assert not manager._subscriptions._subscriptions


def test_a_page_waits_for_no_store(
    manager: LakeLogManager, store_proxy: CountingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_logs, "SHORT_SECONDS", 0.2)
    store_proxy.faults = [Fault("AccessDenied")]
    assert manager.get_log_data(KEY_OF_LOG).stdout is None
    assert not manager.is_capture_complete(KEY_OF_LOG)
