"""A store, or a record, in trouble ends no run, and the run says where its output is."""

from contextlib import suppress
from unittest.mock import patch

import pytest

pytest.importorskip("obstore", reason="not installed here: pip install 'hf_assets[cluster]'")

from hf_assets import run_logs
from hf_assets.object_store.path import StorePath
from hf_assets.run_logs import FOLDER, LakeLogManager
from hf_assets_tests.support.object_store.counting import CountingProxy, Fault
from hf_assets_tests.support.object_store.weed import KEY, SECRET
from hf_assets_tests.support.run_logs import (
    KEY_OF_LOG,
    holding,
    lines_about,
    ran,
    talk,
    texts,
    threads,
    until,
)


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


def test_a_copy_that_failed_on_the_way_is_taken_back(
    manager: LakeLogManager, store_proxy: CountingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_logs, "_PATIENCE", 0.2)
    instance = holding(manager)
    run_id = instance.create_run_for_job(talk).run_id
    log_key = [run_id, "compute_logs", "a"]
    with manager.capture_logs(log_key):
        print("first", flush=True)
        until(lambda: manager.get_log_data(log_key).stdout == b"first\n")
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
