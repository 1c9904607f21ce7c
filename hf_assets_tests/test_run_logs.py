"""What runs print is in the lake's store, where the UI of another machine reads it."""

import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import pytest
import yaml
from dagster._core.storage.compute_log_manager import CapturedLogData, ComputeIOType
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.test_utils import instance_for_test
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster_webserver.webserver import DagsterWebserver
from starlette.testclient import TestClient

pytest.importorskip("obstore", reason="not installed here: pip install 'hf_assets[cluster]'")

from hf_assets import log_subscriptions, run_logs
from hf_assets.object_store.path import StorePath
from hf_assets.run_logs import FOLDER, LakeLogManager
from hf_assets_tests.support.deploy.read import DEPLOY
from hf_assets_tests.support.object_store.counting import CountingProxy, Fault
from hf_assets_tests.support.object_store.weed import KEY, SECRET

OUT, ERR = ComputeIOType.STDOUT, ComputeIOType.STDERR
KEY_OF_LOG = ["2f6c", "compute_logs", "abcdefgh"]


@dg.op
def chatty() -> None:
    print("printed by a run")
    print("complained by a run", file=sys.stderr)


@dg.job(executor_def=dg.in_process_executor)
def talk() -> None:
    chatty()


def configured(lake: object, interval: int = 3600) -> dict[str, Any]:
    """`compute_logs` of deploy/dagster-cluster.yaml, for that lake."""
    known = yaml.safe_load((DEPLOY / "dagster-cluster.yaml").read_text())["compute_logs"]
    assert known["config"] == {"lake": {"env": "HF_ASSETS_DATA"}}
    return known | {"config": {"lake": str(lake), "interval": interval}}


@contextmanager
def machine(lake: object) -> Generator[dg.DagsterInstance]:
    """A Dagster with that lake; its record is of no matter."""
    with instance_for_test({"compute_logs": configured(lake)}) as instance:
        yield instance


def holding(manager: LakeLogManager) -> dg.DagsterInstance:
    """A Dagster with these logs and a record in memory."""
    instance = dg.DagsterInstance.ephemeral()
    manager.register_instance(instance)
    instance._compute_log_manager = manager
    return instance


def ran(instance: dg.DagsterInstance) -> tuple[str, list[str]]:
    """The id of a run that prints, and the key of its log."""
    result = talk.execute_in_process(instance=instance)
    assert result.success
    (event,) = [one for one in result.all_events if one.event_type_value == "LOGS_CAPTURED"]
    return result.run_id, [result.run_id, "compute_logs", event.logs_captured_data.file_key]


@pytest.fixture(autouse=True)
def _ended_by_sigterm() -> Generator[None]:
    """Dagster ends its `tail` so, which ignores it where whoever started the tests does."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def manager(bucket: StorePath) -> LakeLogManager:
    return LakeLogManager(bucket / FOLDER)


@pytest.fixture
def elsewhere(
    bucket: StorePath, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[], LakeLogManager]:
    """The same store from a machine that has nothing of the run."""

    def there() -> LakeLogManager:
        monkeypatch.setenv("HF_ASSETS_SCRATCH", str(tmp_path / "elsewhere"))
        return LakeLogManager(bucket / FOLDER)

    return there


def texts(data: CapturedLogData) -> tuple[str, str]:
    return (data.stdout or b"").decode(), (data.stderr or b"").decode()


def test_the_ui_of_another_machine_shows_what_a_run_printed(
    bucket: StorePath, elsewhere: Callable[[], LakeLogManager], tmp_path: Path
) -> None:
    with machine(bucket) as instance:
        assert isinstance(instance.compute_log_manager, LakeLogManager)
        run_id, log_key = ran(instance)
        names = sorted(path.name for path, _ in bucket.below())
        assert names == [f"{log_key[-1]}.err", f"{log_key[-1]}.out"]
        # Nothing of it stays on the node.
        assert not [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()]
        there = instance._compute_log_manager = elsewhere()
        seen: list[CapturedLogData] = []
        assert there.subscribe(log_key)(seen.append).is_complete
        out, err = texts(seen[-1])
        assert "printed by a run" in out
        assert "complained by a run" in err
        assert there.get_log_keys_for_log_key_prefix([run_id, "compute_logs"], OUT) == [log_key]
        # The file comes from the webserver: an address of the store would want a key.
        about = there.get_log_metadata(log_key)
        assert about.stdout_location == str(bucket / FOLDER / f"{'/'.join(log_key)}.out")
        assert not any(secret in str(about) for secret in (KEY, SECRET))
        with WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as context:
            client = TestClient(DagsterWebserver(context).create_asgi_app())
            assert "printed by a run" in client.get(about.stdout_download_url or "").text


def test_a_run_under_way_is_seen_and_nothing_is_sent_twice(
    manager: LakeLogManager, store_proxy: CountingProxy, elsewhere: Callable[[], LakeLogManager]
) -> None:
    with manager.capture_logs(KEY_OF_LOG):
        print("first", flush=True)
        _until(lambda: manager.get_log_data(KEY_OF_LOG).stdout == b"first\n")
        store_proxy.clear()
        manager.on_progress(KEY_OF_LOG)
        manager.on_progress(KEY_OF_LOG)
        assert store_proxy.counts()["PUT"] == 1
        there = elsewhere()
        data = there.get_log_data(KEY_OF_LOG, max_bytes=3)
        assert data.stdout == b"fir"
        assert not there.is_capture_complete(KEY_OF_LOG)
        print("second")
    assert there.is_capture_complete(KEY_OF_LOG)
    assert there.get_log_data(KEY_OF_LOG, data.cursor).stdout == b"st\nsecond\n"
    assert not [path for path, _ in manager._root.below() if path.suffix == ".partial"]


def _until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_run_that_is_ended_leaves_what_it_printed(manager: LakeLogManager) -> None:
    def ended() -> None:
        with manager.capture_logs(KEY_OF_LOG):
            print("last words", flush=True)
            _until(lambda: manager.get_log_data(KEY_OF_LOG).stdout == b"last words\n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ended()
    assert manager.cloud_storage_has_logs(KEY_OF_LOG, ERR)
    assert manager.get_log_data(KEY_OF_LOG).stdout == b"last words\n"


def threads(name: str) -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == name]


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, ValueError])
def test_no_thread_outlives_a_run(
    bucket: StorePath, store_proxy: CountingProxy, error: type[BaseException] | None
) -> None:
    """Though the store never says that it has the log."""
    store_proxy.faults = [Fault("AccessDenied")]
    manager = LakeLogManager(bucket / FOLDER, interval=3600)
    # Without a retry.
    with patch.object(run_logs, "_PATIENCE", 0.2), patch.object(run_logs, "SHORT_SECONDS", 0.2):
        with suppress(KeyboardInterrupt, ValueError), manager.capture_logs(KEY_OF_LOG):
            assert threads(run_logs.WATCH)
            if error:
                raise error
        assert threads(run_logs.WATCH) == []


def test_what_is_printed_is_copied_while_the_run_goes_on(
    manager: LakeLogManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager, "_interval", 0.01)
    there = manager._at(KEY_OF_LOG, OUT, partial=True)
    with manager.capture_logs(KEY_OF_LOG):
        print("first", flush=True)
        _until(lambda: there.is_file() and there.read_bytes() == b"first\n")
    # The last copy came before the complete log, or it would stay.
    assert not there.exists()


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
            _until(lambda text=text: text in seen)
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
            _until(lambda text=text: text in seen)
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


def test_a_long_log_waits_for_its_turn(
    manager: LakeLogManager, store_proxy: CountingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each copy is the whole log: of a day of small steps they would be hundreds of times it."""
    now = 1e6
    monkeypatch.setattr(run_logs.time, "monotonic", lambda: now)
    sent = []

    def has(size: int) -> bool:
        return len(manager.get_log_data(KEY_OF_LOG).stdout or b"") >= size

    with manager.capture_logs(KEY_OF_LOG):
        written = 0
        for _ in range(40):
            print("x" * 499_999, flush=True)
            written += 500_000
            _until(partial(has, written))
            store_proxy.clear()
            manager.on_progress(KEY_OF_LOG)
            sent += [written] * store_proxy.counts()["PUT"]
            now += run_logs.INTERVAL
    assert sum(sent) < run_logs.RATE * 41 * run_logs.INTERVAL
    # While it is short, each time.
    assert sent[:6] == [500_000 * number for number in range(1, 7)]
    assert len(sent) < 30
    assert len(manager.get_log_data(KEY_OF_LOG).stdout or b"") == written


def lines_about(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """What the events of a run say of its output, without the causes."""
    events = [entry.message for entry in instance.all_logs(run_id)]
    said = [re.search("The output of this run [^:]*", line) for line in events]
    return [line[0] for line in said if line]


def test_a_copy_that_failed_on_the_way_is_taken_back(
    manager: LakeLogManager, store_proxy: CountingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_logs, "_PATIENCE", 0.2)
    instance = holding(manager)
    run_id = instance.create_run_for_job(talk).run_id
    log_key = [run_id, "compute_logs", "a"]
    with manager.capture_logs(log_key):
        print("first", flush=True)
        _until(lambda: manager.get_log_data(log_key).stdout == b"first\n")
        store_proxy.faults = [Fault("AccessDenied")]
        manager.on_progress(log_key)
        manager.on_progress(log_key)
        assert lines_about(instance, run_id) == [run_logs._NOT_YET]
        store_proxy.faults = []
    assert lines_about(instance, run_id) == [run_logs._NOT_YET, run_logs._NOW]
    assert manager.get_log_data(log_key).stdout == b"first\n"


def test_a_record_that_takes_no_event_ends_no_run(
    manager: LakeLogManager,
    store_proxy: CountingProxy,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def away(*_: object, **__: object) -> None:
        raise ConnectionError("the record is away")

    monkeypatch.setattr(run_logs, "_PATIENCE", 0.2)
    instance = holding(manager)
    run_id = instance.create_run_for_job(talk).run_id
    monkeypatch.setattr(instance, "report_engine_event", away)
    store_proxy.faults = [Fault("AccessDenied")]
    with manager.capture_logs([run_id, "compute_logs", "a"]):
        manager.on_progress([run_id, "compute_logs", "a"])
    assert "the record is away" in caplog.text
    assert run_logs._NOT in caplog.text


def test_a_log_that_stays_here_ends_no_run(
    manager: LakeLogManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: object) -> None:
        raise PermissionError("not allowed")

    monkeypatch.setattr(manager._local, "delete_logs", refused)
    with manager.capture_logs(KEY_OF_LOG):
        print("first", flush=True)
    assert [path for path, _ in manager._root.below() if path.suffix == ".out"]


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "SlowDown"])
def test_a_store_that_takes_nothing_ends_no_run(
    manager: LakeLogManager,
    store_proxy: CountingProxy,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    code: str,
) -> None:
    monkeypatch.setattr(run_logs, "_PATIENCE", 0.2)
    store_proxy.faults = [Fault(code)]
    instance = holding(manager)
    run_id, log_key = ran(instance)
    events = [entry.message for entry in instance.all_logs(run_id)]
    (line,) = [message for message in events if code in message]
    assert "The output of this run is not in the store" in line
    # Kept on the node, where the line says, and shown by a webserver there.
    folder = manager._here / run_id / "compute_logs"
    assert str(folder) in line
    assert "printed by a run" in (folder / f"{log_key[-1]}.out").read_text()
    assert "printed by a run" in texts(manager.get_log_data(log_key))[0]
    assert not any(secret in text for text in (caplog.text, *events) for secret in (KEY, SECRET))


def test_a_page_waits_for_no_store(
    manager: LakeLogManager, store_proxy: CountingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_logs, "SHORT_SECONDS", 0.2)
    store_proxy.faults = [Fault("AccessDenied")]
    assert manager.get_log_data(KEY_OF_LOG).stdout is None
    assert not manager.is_capture_complete(KEY_OF_LOG)


def test_a_long_log_is_cut_and_says_so(
    manager: LakeLogManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_logs, "MOST", 10)
    with manager.capture_logs(KEY_OF_LOG):
        print("0123456789 and on", flush=True)
        _until(lambda: b"on" in (manager.get_log_data(KEY_OF_LOG).stdout or b""))
        manager.on_progress(KEY_OF_LOG)
    stored = manager.get_log_data(KEY_OF_LOG).stdout
    assert stored == b"0123456789\n... cut here: the rest is not stored\n"


def test_what_is_deleted_is_gone(manager: LakeLogManager) -> None:
    other = [*KEY_OF_LOG[:2], "other"]
    for log_key in (KEY_OF_LOG, other):
        with manager.open_log_stream(log_key, ERR) as stream:
            assert stream is not None
            stream.write("a line\n")
    manager.delete_logs(log_key=KEY_OF_LOG)
    assert manager.get_log_data(KEY_OF_LOG).stderr is None
    assert manager.get_log_data(other).stderr == b"a line\n"
    manager.delete_logs(prefix=other[:1])
    assert [*manager._root.below()] == []


def test_logs_of_killed_runs_are_removed_a_day_later(
    manager: LakeLogManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hf_assets.object_store import scratch

    with manager.capture_logs(["under-way", "compute_logs", "a"]):
        killed = manager._here / "killed"
        killed.mkdir()
        later = time.time() + scratch.STALE + 60
        monkeypatch.setattr(scratch.time, "time", lambda: later)
        with manager.capture_logs(KEY_OF_LOG):
            assert not killed.exists()
            assert (manager._here / "under-way").exists()


def test_a_folder_needs_no_copy(tmp_path: Path) -> None:
    config = configured(tmp_path / "lake")["config"]
    manager = LakeLogManager.from_config_value(None, config)
    assert isinstance(manager, LocalComputeLogManager)
    assert Path(manager.complete_artifact_path(KEY_OF_LOG)).is_relative_to(tmp_path / "lake")
