"""What runs print is in the lake's store, where the UI of another machine reads it."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from dagster._core.storage.compute_log_manager import CapturedLogData
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster_webserver.webserver import DagsterWebserver
from starlette.testclient import TestClient

pytest.importorskip("obstore", reason="not installed here: pip install 'hf_assets[cluster]'")

from hf_assets import run_logs
from hf_assets.object_store.path import StorePath
from hf_assets.run_logs import FOLDER, LakeLogManager
from hf_assets_tests.support.object_store.counting import CountingProxy
from hf_assets_tests.support.object_store.weed import KEY, SECRET
from hf_assets_tests.support.run_logs import (
    ERR,
    KEY_OF_LOG,
    OUT,
    configured,
    machine,
    ran,
    texts,
    until,
)


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
        until(lambda: manager.get_log_data(KEY_OF_LOG).stdout == b"first\n")
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


def test_a_run_that_is_ended_leaves_what_it_printed(manager: LakeLogManager) -> None:
    def ended() -> None:
        with manager.capture_logs(KEY_OF_LOG):
            print("last words", flush=True)
            until(lambda: manager.get_log_data(KEY_OF_LOG).stdout == b"last words\n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ended()
    assert manager.cloud_storage_has_logs(KEY_OF_LOG, ERR)
    assert manager.get_log_data(KEY_OF_LOG).stdout == b"last words\n"


def test_what_is_printed_is_copied_while_the_run_goes_on(
    manager: LakeLogManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager, "_interval", 0.01)
    there = manager._at(KEY_OF_LOG, OUT, partial=True)
    with manager.capture_logs(KEY_OF_LOG):
        print("first", flush=True)
        until(lambda: there.is_file() and there.read_bytes() == b"first\n")
    # The last copy came before the complete log, or it would stay.
    assert not there.exists()


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
            until(partial(has, written))
            store_proxy.clear()
            manager.on_progress(KEY_OF_LOG)
            sent += [written] * store_proxy.counts()["PUT"]
            now += run_logs.INTERVAL
    assert sum(sent) < run_logs.RATE * 41 * run_logs.INTERVAL
    # While it is short, each time.
    assert sent[:6] == [500_000 * number for number in range(1, 7)]
    assert len(sent) < 30
    assert len(manager.get_log_data(KEY_OF_LOG).stdout or b"") == written


def test_a_long_log_is_cut_and_says_so(
    manager: LakeLogManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_logs, "MOST", 10)
    with manager.capture_logs(KEY_OF_LOG):
        print("0123456789 and on", flush=True)
        until(lambda: b"on" in (manager.get_log_data(KEY_OF_LOG).stdout or b""))
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
