"""The sensors of the night: a failed capture is asked for again, and somebody hears of it."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hf_assets.alarms.alarm import AlarmError
from hf_assets.alarms.outbox import Outbox
from hf_assets.alarms.undelivered import undelivered
from hf_assets.defs.hub import alarms as alarm_sensor
from hf_assets.defs.hub.newest_day import CHECK
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.settings import settings
from hf_assets.storage.lake import today
from hf_assets_tests.alarms.conftest import hook  # noqa: F401
from hf_assets_tests.defs.conftest import RAW, TABLES, Make, days_ago
from hf_assets_tests.support.alarms.receivers import Hook
from hf_assets_tests.support.defs.nights import Night, night_over


@pytest.fixture
def night(world: Make, tmp_path: Path, monkeypatch: Any) -> Iterator[Night]:
    """A night over a small Hub; retries wait for nothing."""
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    # The time of runs is the real one, whenever the test runs.
    monkeypatch.setattr("hf_assets.hub.attempts.LATEST", dt.time.max)
    monkeypatch.setenv("HF_ASSETS_CAPTURE_RETRY_MINUTES", "0")
    with night_over(world(GeneratedHub(300, 100, seed=4)), tmp_path / "home") as made:
        yield made


@pytest.fixture
def alarmed(night: Night, hook: Hook, monkeypatch: Any) -> Hook:  # noqa: F811
    """The webhook that the switch names; the sensor has had its first tick."""
    monkeypatch.setenv("HF_ASSETS_ALARM", hook.url)
    settings.cache_clear()
    assert night.tick("send_alarms").skip_message == "Alarms begin with the next failure."
    return hook


@pytest.fixture
def at(monkeypatch: Any) -> Callable[[str], None]:
    """Sets the sensors' clock to an hour of today."""

    def set_clock(clock: str) -> None:
        now = dt.datetime.fromisoformat(f"{today()}T{clock}:00+00:00")

        class Clock(dt.datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return now

        for module in ("retry", "newest_day", "night", "alarms"):
            monkeypatch.setattr(f"hf_assets.defs.hub.{module}.datetime", Clock)

    return set_clock


def refusing(night: Night) -> None:
    """The Hub refuses the token."""
    night.hub.faults.echo = [At(times=FOREVER, value=10)]


@pytest.mark.heavy
def test_a_hub_that_fails_twice_is_captured_at_the_third_attempt(
    night: Night, alarmed: Hook
) -> None:
    night.switch_on()
    refusing(night)
    assert not night.run().success
    (asked,) = night.tick("retry_capture").run_requests
    assert asked.partition_key == today()
    assert not night.run(None, dict(asked.tags)).success
    night.hub.faults.echo.clear()
    (again,) = night.tick("retry_capture").run_requests
    assert again.run_key != asked.run_key
    assert night.run(None, dict(again.tags)).success
    assert "succeeded" in night.tick("retry_capture").skip_message
    assert night.tick("send_alarms").skip_message == "Sent 2 alarms"
    assert night.tick("send_alarms").skip_message == "No failure to report"
    assert len(alarmed.posts) == 2
    for post in alarmed.posts:
        assert f"capture_today failed for {today()}" in post["text"]
        assert "403" in post["text"]


def test_the_alarm_says_when_the_next_attempt_is(
    night: Night, alarmed: Hook, at: Callable[[str], None], monkeypatch: Any
) -> None:
    monkeypatch.setenv("HF_ASSETS_CAPTURE_RETRY_MINUTES", "0.01")
    monkeypatch.setenv("HF_ASSETS_UI", "https://dagster.example.org/")
    settings.cache_clear()
    night.switch_on()
    refusing(night)
    result = night.run()
    night.tick("send_alarms")
    (post,) = alarmed.posts
    fields = post["alarm"]
    assert fields["link"] == f"https://dagster.example.org/runs/{result.run_id}"
    assert fields["where"].startswith("raw_models, raw_spaces on ")
    assert "attempt" in fields["next"]
    assert "A person must mend the cause first" in fields["next"]
    assert fields["day"] == today()
    assert fields["urgent"]


@pytest.mark.heavy
def test_what_only_time_mends_is_told_from_what_a_person_must_mend(night: Night) -> None:
    from hf_assets.defs.hub.night import attempts

    night.hub.faults.errors = {500: [At(times=FOREVER)]}
    assert not night.run().success
    night.hub.faults.errors.clear()
    refusing(night)
    assert not night.run().success
    assert [one.permanent for one in attempts(night.instance, today())] == [False, True]


def test_a_capture_that_a_restart_ended_needs_no_person(night: Night, monkeypatch: Any) -> None:
    from hf_assets.defs.hub.night import attempts

    def ended(*_: Any, **__: Any) -> None:
        raise dg.DagsterExecutionInterruptedError

    monkeypatch.setattr("hf_assets.hub.capture.capturer.Capturer.get_or_capture", ended)
    assert not night.run().success
    (attempt,) = attempts(night.instance, today())
    assert (attempt.outcome, attempt.permanent) == ("failed", False)


@pytest.mark.heavy
def test_a_rejected_capture_is_asked_for_again(night: Night) -> None:
    night.switch_on()
    for day in (2, 1):
        night.hub.capture(days_ago(day))
    night.hub.faults.ends_early = [At(times=FOREVER)]
    assert not night.run(None, None, *RAW, "models").success
    assert len(night.tick("retry_capture").run_requests) == 1


@pytest.mark.heavy
def test_a_failure_of_what_follows_is_no_reason_to_ask_the_hub(
    night: Night, alarmed: Hook, at: Callable[[str], None], monkeypatch: Any
) -> None:
    night.switch_on()
    at("12:00")
    monkeypatch.setattr(
        "hf_assets.storage.lake.Lake.write_days", lambda *_: exec("raise ValueError('x')")
    )
    assert not night.run(None, None, *RAW, "models").success
    assert "nothing of the Hub is lost" in night.tick("retry_capture").skip_message
    night.tick("send_alarms")
    assert "nothing of the Hub is lost" in alarmed.posts[0]["alarm"]["next"]


def test_nothing_is_asked_for_while_the_schedule_is_off(
    night: Night, at: Callable[[str], None]
) -> None:
    at("12:00")
    refusing(night)
    assert not night.run().success
    assert "daily_capture is off" in night.tick("retry_capture").skip_message


def test_a_run_that_waits_in_the_queue_is_not_asked_for_twice(
    night: Night, at: Callable[[str], None]
) -> None:
    night.switch_on()
    at("12:00")
    refusing(night)
    night.run()
    night.add({"dagster/partition": today()}, "capture_today")
    assert "waiting or under way" in night.tick("retry_capture").skip_message


def test_a_day_for_which_no_run_was_begun_is_asked_for(
    night: Night, at: Callable[[str], None], monkeypatch: Any
) -> None:
    """A schedule that failed at 03:00, or a machine that slept: the schedule has its turn first."""
    monkeypatch.setenv("HF_ASSETS_CAPTURE_RETRY_MINUTES", "30")
    settings.cache_clear()
    at("09:00")
    assert night.tick("retry_capture").run_requests == []
    night.switch_on()
    at("04:00")
    assert night.tick("retry_capture").run_requests == []
    at("09:00")
    waits = night.tick("retry_capture")
    assert waits.run_requests == []
    assert "one is asked for at 09:30 UTC" in waits.skip_message
    at("09:29")
    assert night.tick("retry_capture").run_requests == []
    at("09:30")
    assert len(night.tick("retry_capture").run_requests) == 1


def test_cancelled_runs_send_no_alarm_and_killed_ones_do(night: Night, alarmed: Hook) -> None:
    cancelled, killed = (night.add() for _ in range(2))
    interrupted = night.add({"dagster/failure_reason": "UNEXPECTED_TERMINATION"})
    night.instance.report_run_failed(interrupted, "Execution was interrupted unexpectedly.")
    night.instance.report_run_canceled(cancelled)
    night.instance.report_run_failed(killed, "Process 17 on host, which this run was in, is gone.")
    assert night.tick("send_alarms").skip_message == "Sent 1 alarms"
    assert "Process 17 on host" in alarmed.posts[0]["text"]
    assert "past_days failed" in alarmed.posts[0]["text"]


def test_a_capture_that_failed_after_midnight_is_no_longer_asked_for(
    night: Night, alarmed: Hook
) -> None:
    run = night.add({"dagster/partition": days_ago(1)}, "capture_today")
    night.instance.report_run_failed(run, "Exceeded maximum runtime of 14400 seconds.")
    night.tick("send_alarms")
    (post,) = alarmed.posts
    assert f"{days_ago(1)} is over" in post["alarm"]["next"]
    assert "Exceeded maximum runtime" in post["alarm"]["error"]
    assert night.tick("retry_capture").run_requests == []


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


def newest(night: Night) -> tuple[bool, str]:
    """The newest evaluation of the check, as the UI shows it."""
    record = night.instance.event_log_storage.get_latest_asset_check_execution_by_key([CHECK])
    event = record[CHECK].event
    assert event
    assert event.dagster_event
    evaluation: Any = event.dagster_event.event_specific_data
    return evaluation.passed, evaluation.description


def evaluations(night: Night) -> int:
    history = night.instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=100)
    return len(history)


def test_a_day_that_is_missing_turns_the_check_red_without_a_run_and_alarms_once(
    night: Night, alarmed: Hook, at: Callable[[str], None]
) -> None:
    at("12:00")
    night.tick("watch_newest_day")
    assert newest(night) == (
        True,
        "No day is expected: the schedule daily_capture is off, or was just switched on.",
    )
    night.switch_on()
    for _ in range(3):
        night.tick("watch_newest_day")
        night.tick("send_alarms")
    passed, description = newest(night)
    assert not passed
    assert f"{today()} is due: it is not captured" in description
    assert evaluations(night) == 2
    (post,) = alarmed.posts
    assert "the newest day is missing or not trusted" in post["text"]
    assert post["alarm"]["day"] == today()


@pytest.mark.heavy
def test_a_captured_day_turns_it_green(night: Night, at: Callable[[str], None]) -> None:
    night.switch_on()
    at("12:00")
    night.tick("watch_newest_day")
    assert newest(night)[0] is False
    assert night.run(None, None, *RAW, *TABLES, "daily_changes", "day_quality").success
    # The check of the run itself.
    assert newest(night) == (True, f"{today()} is captured and trusted.")
    night.tick("watch_newest_day")
    assert newest(night)[0] is True
