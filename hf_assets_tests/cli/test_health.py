"""`hf-assets status --exit-code` and `hf-assets alarm`: what a cron job and a probe are told."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hf_assets.alarms.alarm import Alarm
from hf_assets.alarms.outbox import Outbox
from hf_assets.cli import health
from hf_assets.cli import main as cli
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.alarms.receivers import webhook
from hf_assets_tests.support.apps.captured_lake import CAPTURE, write_captured_lake
from hf_assets_tests.support.apps.hub_lake import LAST

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(health, "now", lambda: NOON)
    monkeypatch.delenv("HF_ASSETS_ALARM", raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


def switch(monkeypatch: pytest.MonkeyPatch, alarm: str) -> None:
    monkeypatch.setenv("HF_ASSETS_ALARM", alarm)
    settings.cache_clear()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_captured_lake(tmp_path)
    return tmp_path


def problems(root: Path, now: datetime = NOON) -> dict[int, str]:
    return {one.code.value: one.message for one in health.health(root, settings(), now).problems}


# The lake lacks 2026-11-19, and tables of its last day, 2026-11-21.
AT_LAST = {4}


def test_a_day_that_is_captured_and_trusted_is_no_problem(root: Path) -> None:
    assert health.health(root, settings(), NOON).expected_day == LAST
    assert problems(root).keys() == AT_LAST
    # Before the hour of HF_ASSETS_NEWEST_DAY_DUE, yesterday is enough.
    assert problems(root, NOON + timedelta(hours=19)).keys() == AT_LAST


def test_the_newest_day_is_due_from_its_hour_on(root: Path) -> None:
    late = problems(root, NOON + timedelta(hours=21))
    assert "The newest trusted day is 2026-11-21, and 2026-11-22 is due" in late[3]


def test_days_and_tables_of_the_last_week_are_missing(root: Path) -> None:
    found = problems(root, NOON + timedelta(days=2))
    assert "2 were not captured: 2026-11-19, 2026-11-22." in found[4]
    assert "Captured, without all tables: 2026-11-21." in found[5]
    # A day that nobody can fetch any more is no problem for ever.
    assert problems(root, NOON + timedelta(days=30)).keys() == {3, 4}
    assert "2026-11-19" not in problems(root, NOON + timedelta(days=30))[4]


def test_a_rejected_capture_is_a_lost_day_also_when_the_next_one_is_trusted(root: Path) -> None:
    partial = CAPTURE | {"rows": 100, "distinct": 100}
    Lake(root).write_file("raw_models", "2026-11-20", "capture.json", json.dumps(partial).encode())
    found = health.health(root, settings(), NOON).problems
    assert {one.code for one in found} == AT_LAST
    assert "1 were rejected: 2026-11-20." in found[1].message


def test_a_day_without_datasets_is_a_problem_since_the_first_with_them(root: Path) -> None:
    assert "datasets" not in " ".join(problems(root).values())  # DAYS[0] and [1] are of before
    shutil.rmtree(root / "raw_datasets" / "day=2026-11-20")
    found = health.health(root, settings(), NOON).problems
    (lost,) = (one.message for one in found if "datasets" in one.message)
    assert "Of the last 7 days, 1 have no datasets: 2026-11-20." in lost
    assert {one.code for one in found} == AT_LAST
    shutil.rmtree(root / "hub_datasets" / "day=2026-11-18")
    assert "Captured, without all tables: 2026-11-18." in problems(root)[5]
    shutil.rmtree(root / "raw_datasets")
    assert "datasets" not in " ".join(problems(root).values())
    assert problems(root).keys() == AT_LAST


def test_a_switch_that_names_nobody_is_a_problem(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch(monkeypatch, "no-such-program-anywhere")
    assert "HF_ASSETS_ALARM is no web address" in problems(root)[6]


def test_a_broken_file_of_corpora_is_a_problem(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "corpora.toml").write_text("[biology\n")
    monkeypatch.setenv("HF_ASSETS_CORPORA", str(root / "corpora.toml"))
    settings.cache_clear()
    assert problems(root)[6].startswith("HF_ASSETS_CORPORA: ")
    assert "corpora.toml" in problems(root)[6]


def test_a_setting_that_cannot_be_used_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ASSETS_NEWEST_DAY_DUE", "noon")
    settings.cache_clear()
    assert cli.main(["status", "--exit-code"]) == 1
    assert capsys.readouterr().err.startswith("Error: HF_ASSETS_NEWEST_DAY_DUE='noon'")


def test_an_alarm_that_nobody_received_is_a_problem(root: Path) -> None:
    outbox = Outbox(root)
    outbox.add(Alarm.of("run 1", "capture_today failed", time=NOON))
    # It may be gathered with others for a while.
    assert problems(root).keys() == AT_LAST
    assert (
        "Nobody received the alarm of 2026-11-21 12:00 UTC, capture_today failed"
        in (problems(root, NOON + timedelta(hours=2))[7])
    )
    (waiting,) = outbox.waiting()
    outbox.failed(waiting, "answered 500", NOON, None)
    assert "(1 tries: answered 500)" in problems(root)[7]


def test_the_first_problem_is_the_exit_status_where_it_is_asked_for(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["status", "--data", str(root)]
    assert cli.main(command) == 0
    assert (
        "Problem: Of the last 7 days, 1 were not captured: 2026-11-19." in capsys.readouterr().out
    )
    assert cli.main([*command, "--exit-code"]) == 4
    monkeypatch.setattr(health, "now", lambda: NOON + timedelta(days=2))
    assert cli.main([*command, "--exit-code"]) == 3
    capsys.readouterr()
    assert cli.main([*command, "--exit-code", "--json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert (said["exit_code"], said["expected_day"]) == (3, "2026-11-23")
    assert [one["code"] for one in said["problems"]] == [3, 4, 5]


def test_a_probe_of_an_empty_lake_finds_that_the_day_is_missing(
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cli, "DEMO_DATA", root)
    monkeypatch.setattr(cli, "data_of", lambda given: tmp_path / "empty")
    assert cli.main(["status", "--exit-code"]) == 3
    said = capsys.readouterr().out
    assert "No day is trusted yet, and 2026-11-21 is due: nothing is captured." in said


def test_no_problem_is_the_status_0(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(health, "WINDOW", 1)
    assert cli.main(["status", "--data", str(root), "--exit-code"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Problems: none"


def test_a_test_alarm_arrives(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with webhook() as hook:
        switch(monkeypatch, hook.url)
        assert cli.main(["alarm"]) == 0
        assert "this is a test, nothing has failed" in hook.posts[0]["text"]
        said = capsys.readouterr().out
        assert said.startswith("Sent a test by the webhook at 127.0.0.1")
        assert "verysecretword" not in said
        hook.answers.append(404)
        assert cli.main(["alarm"]) == 1
        assert "404" in capsys.readouterr().err


def test_without_the_switch_nothing_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["alarm"]) == 1
    assert "HF_ASSETS_ALARM is not set" in capsys.readouterr().err
