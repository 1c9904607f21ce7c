"""The sensor that sends alarms: each failure is kept until somebody has it, and reported once."""

from typing import Any

import pytest

from hf_assets.alarms.alarm import AlarmError
from hf_assets.alarms.outbox import Outbox
from hf_assets.defs.hub import alarms as alarm_sensor
from hf_assets.settings import settings
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import days_ago
from hf_assets_tests.support.alarms.receivers import Hook
from hf_assets_tests.support.alarms.undelivered import undelivered
from hf_assets_tests.support.defs.nights import Night


def fail(night: Night, count: int) -> None:
    for number in range(count):
        run = night.add({"dagster/backfill": "b", "dagster/partition": days_ago(number + 1)})
        night.instance.report_run_failed(run, f"failure {number}")


def test_the_failures_of_a_backfill_come_together(night: Night, alarmed: Hook) -> None:
    fail(night, 3)
    assert night.tick("send_alarms").skip_message == "Sent 3 alarms"
    (post,) = alarmed.posts
    assert "3 failures since" in post["text"]
    assert "failure 2" in post["text"]


def test_a_webhook_that_is_down_loses_nothing_and_fails_the_tick(
    night: Night, alarmed: Hook, monkeypatch: Any
) -> None:
    monkeypatch.setattr("hf_assets.alarms.webhook.TRIES", 1)
    monkeypatch.setattr("hf_assets.alarms.outbox.FIRST_WAIT", 0.0)
    alarmed.answers = [503, 503]
    fail(night, 1)
    for _ in range(2):
        with pytest.raises(AlarmError, match="answered 503") as failed:
            night.tick("send_alarms")
        assert "verysecretword" not in str(failed.value)
        assert len(undelivered(night.hub.root)) == 1
    assert night.tick("send_alarms").skip_message == "Sent 1 alarms"
    assert len(alarmed.posts) == 1


def test_a_daemon_killed_before_it_stored_the_cursor_sends_nothing_twice(
    night: Night, alarmed: Hook
) -> None:
    fail(night, 1)
    before = night.cursors["send_alarms"]
    assert night.tick("send_alarms").skip_message == "Sent 1 alarms"
    night.cursors["send_alarms"] = before
    assert night.tick("send_alarms").skip_message == "No failure to report"
    assert len(alarmed.posts) == 1


def test_a_wrong_switch_fails_the_tick_and_keeps_the_alarm(
    night: Night, alarmed: Hook, monkeypatch: Any
) -> None:
    monkeypatch.setenv("HF_ASSETS_ALARM", "ftp://secret@host")
    settings.cache_clear()
    fail(night, 1)
    with pytest.raises(AlarmError, match="set it to https://…") as failed:
        night.tick("send_alarms")
    assert "secret" not in str(failed.value)
    monkeypatch.setenv("HF_ASSETS_ALARM", alarmed.url)
    settings.cache_clear()
    assert night.tick("send_alarms").skip_message == "Sent 1 alarms"


def test_without_the_switch_nothing_is_kept(night: Night) -> None:
    settings.cache_clear()
    assert "HF_ASSETS_ALARM is not set" in night.tick("send_alarms").skip_message
    fail(night, 1)
    assert "HF_ASSETS_ALARM is not set" in night.tick("send_alarms").skip_message
    assert undelivered(night.hub.root) == []


def test_what_waits_when_the_switch_is_taken_away_is_no_problem_for_ever(
    night: Night, alarmed: Hook, monkeypatch: Any
) -> None:
    alarmed.answers = [404]
    fail(night, 1)
    with pytest.raises(AlarmError, match="404"):
        night.tick("send_alarms")
    assert len(undelivered(night.hub.root)) == 1
    monkeypatch.delenv("HF_ASSETS_ALARM")
    settings.cache_clear()
    night.tick("send_alarms")
    assert undelivered(night.hub.root) == []


def test_a_lake_that_cannot_be_read_is_reported_all_the_same(
    night: Night, alarmed: Hook, monkeypatch: Any
) -> None:
    def broken(*_: Any) -> None:
        raise OSError(5, "Input/output error", "/lake/raw_models")

    monkeypatch.setattr(alarm_sensor, "next_attempt", broken)
    run = night.add({"dagster/partition": today()}, "capture_today")
    night.instance.report_run_failed(run, "Input/output error")
    assert night.tick("send_alarms").skip_message == "Sent 1 alarms"
    (post,) = alarmed.posts
    assert "What follows is unknown" in post["alarm"]["next"]
    assert "Input/output error" in post["alarm"]["next"]


def test_a_disk_that_is_full_is_reported_all_the_same(
    night: Night, alarmed: Hook, monkeypatch: Any
) -> None:
    from hf_assets.storage.durable import StorageError

    def full(*_: Any) -> None:
        raise StorageError(night.hub.root, 28)

    fail(night, 3)
    before = night.cursors["send_alarms"]
    monkeypatch.setattr(Outbox, "_write", full)
    monkeypatch.setattr(alarm_sensor, "_sent_past", set())
    night.tick("send_alarms")
    night.cursors["send_alarms"] = before
    night.tick("send_alarms")
    (post,) = alarmed.posts
    assert "3 failures since" in post["text"]


def test_a_new_history_begins_again(night: Night, alarmed: Hook) -> None:
    night.cursors["send_alarms"] = "100000 0.0"
    fail(night, 1)
    assert night.tick("send_alarms").skip_message == "Sent 1 alarms"
