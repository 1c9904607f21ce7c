"""The sensors of the night: a failed capture is asked for again, and somebody hears of it."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from hf_assets.defs.hub.newest_day import CHECK
from hf_assets.defs.hub.night import WITHOUT_DATASETS
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.hub.capture_store.store import ESSENTIAL, RAW
from hf_assets.settings import settings
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import TABLES, days_ago, failures
from hf_assets_tests.support.alarms.receivers import Hook
from hf_assets_tests.support.defs.few_figures import draw_few_figures
from hf_assets_tests.support.defs.nights import OF_THE_SCHEDULE, Night


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
    assert fields["where"].startswith("raw_datasets, raw_models, raw_spaces on ")
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


def test_datasets_alone_that_fail_are_asked_for_again(night: Night) -> None:
    night.switch_on()
    night.hub.faults.echo = [At(times=FOREVER, value=10, kind="datasets")]
    assert not night.run().success
    for asset in ESSENTIAL:
        assert night.hub.lake.days(asset, "capture.json") == [today()]
    assert night.hub.lake.days("raw_datasets", "capture.json") == []
    (asked,) = night.tick("retry_capture").run_requests
    assert WITHOUT_DATASETS not in asked.tags
    night.hub.faults.echo.clear()
    assert night.run(None, dict(asked.tags)).success
    assert "succeeded" in night.tick("retry_capture").skip_message


@pytest.mark.heavy
def test_a_night_without_datasets_makes_all_the_rest(
    night: Night, alarmed: Hook, at: Callable[[str], None], monkeypatch: Any
) -> None:
    # Ten minutes before midnight the next attempt would be the last.
    at("12:00")
    draw_few_figures(monkeypatch)
    monkeypatch.setenv("HF_ASSETS_CAPTURE_RETRY_MINUTES", "10")
    settings.cache_clear()
    night.switch_on()
    night.hub.faults.echo = [At(times=FOREVER, value=10, kind="datasets")]
    assert not night.run(None, None, *RAW, "models", "daily_metrics").success
    assert night.hub.lake.days("daily_metrics") == []
    assert night.tick("send_alarms").skip_message == "Sent 1 alarms"
    (alarm,) = alarmed.posts
    assert "attempt is at" in alarm["text"]
    assert f" {today()} is lost" not in alarm["text"]

    (asked,) = night.tick("retry_capture").run_requests
    assert asked.run_key == f"{today()} without datasets"
    names = {key.path[-1] for key in asked.asset_selection}
    assert not names & {"raw_datasets", "hub_datasets"}
    assert {"daily_metrics", "category_history", "insights_report"} <= names
    result = night.run(None, dict(asked.tags) | OF_THE_SCHEDULE, *names)
    assert result.success, failures(result)
    assert night.hub.lake.days("daily_metrics") == [today()]
    quality = night.hub.lake.read("day_quality", None).frame.collect()
    assert quality["trusted"].to_list() == [True]
    assert quality["datasets"].to_list() == [None]

    # It is asked for once, and the listing still is as before.
    later = night.tick("retry_capture")
    assert later.run_requests == []
    assert "attempt is at" in later.skip_message
    night.hub.faults.echo.clear()
    assert night.run(None, None, *RAW, "hub_datasets", *TABLES, "daily_changes").success
    assert "succeeded" in night.tick("retry_capture").skip_message


@pytest.mark.heavy
def test_no_night_without_datasets_follows_a_cancelled_run(night: Night, monkeypatch: Any) -> None:
    monkeypatch.setenv("HF_ASSETS_CAPTURE_RETRY_MINUTES", "10")
    settings.cache_clear()
    night.switch_on()
    night.hub.faults.echo = [At(times=FOREVER, value=10, kind="datasets")]
    assert not night.run().success
    run = night.add(OF_THE_SCHEDULE | {"dagster/partition": today()}, job="capture_today")
    assert night.tick("retry_capture").run_requests == []
    night.instance.report_run_canceled(run)
    said = night.tick("retry_capture")
    assert said.run_requests == []
    assert "cancelled" in said.skip_message


@pytest.mark.heavy
def test_a_rejected_capture_is_asked_for_again(night: Night) -> None:
    night.switch_on()
    for day in (2, 1):
        night.hub.capture(days_ago(day))
    night.hub.faults.ends_early = [At(times=FOREVER)]
    assert not night.run(None, None, *RAW, "models").success
    assert len(night.tick("retry_capture").run_requests) == 1


def test_a_trial_with_few_rows_does_not_stand_for_the_night(night: Night) -> None:
    night.switch_on()
    trial = {"ops": {asset: {"config": {"max_rows": 50}} for asset in RAW}}
    job = night.hub.definitions.resolve_job_def("capture_today")
    assert job.execute_in_process(
        instance=night.instance,
        partition_key=today(),
        run_config=trial,
        asset_selection=[dg.AssetKey(asset) for asset in RAW],
    ).success
    refusing(night)
    assert not night.run().success
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


def test_a_run_that_was_deleted_leaves_the_next_request_a_key_of_its_own(night: Night) -> None:
    night.switch_on()
    keys = []
    for _ in range(2):
        tags = {"dagster/partition": today(), **OF_THE_SCHEDULE}
        run = night.add(tags, "capture_today")
        night.instance.report_run_failed(run, "The Hub answered 503.")
        (asked,) = night.tick("retry_capture").run_requests
        keys.append(asked.run_key)
        night.instance.delete_run(run.run_id)
    assert len(set(keys)) == 2


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
    assert f"{today()} is due: nothing is captured" in description
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
