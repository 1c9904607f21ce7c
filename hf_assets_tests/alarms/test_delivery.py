"""The way of an alarm: kept, delivered once, grouped, and tried again."""

import errno
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hf_assets.alarms.alarm import Alarm, AlarmError
from hf_assets.alarms.delivery import MOST_URGENT, Delivery, deliver
from hf_assets.alarms.outbox import FOLDER, Outbox
from hf_assets.alarms.switch import sender_of
from hf_assets.alarms.webhook import Webhook
from hf_assets.settings import Settings
from hf_assets.storage.durable import StorageError
from hf_assets_tests.alarms.conftest import NOON, alarm
from hf_assets_tests.support.alarms.receivers import Hook
from hf_assets_tests.support.alarms.undelivered import undelivered


class Memory:
    """A receiver that remembers, and takes nothing while it is down."""

    name = "memory"

    def __init__(self, error: AlarmError | None = None) -> None:
        self.taken: list[Alarm] = []
        self.error = error

    def send(self, alarm: Alarm) -> str:
        if self.error:
            raise self.error
        self.taken.append(alarm)
        return ""


def later(**span: float) -> datetime:
    return NOON + timedelta(**span)


def test_an_alarm_is_delivered_once(tmp_path: Path) -> None:
    outbox, memory = Outbox(tmp_path), Memory()
    assert outbox.add(alarm(urgent=True))
    assert not outbox.add(alarm(urgent=True))
    assert deliver(outbox, memory, NOON).sent == 1
    assert not outbox.add(alarm(urgent=True))
    assert deliver(outbox, memory, later(hours=1)).sent == 0
    assert memory.taken == [alarm(urgent=True)]
    assert undelivered(tmp_path) == []


def test_a_receiver_that_is_down_for_an_hour_gets_every_alarm(tmp_path: Path) -> None:
    outbox, memory = Outbox(tmp_path), Memory(AlarmError("no answer", permanent=False))
    outbox.add(alarm(urgent=True))
    tries = 0
    for seconds in range(0, 3600, 30):
        tries += len(deliver(outbox, memory, later(seconds=seconds)).errors)
    # 30 s, doubled up to 10 minutes.
    assert tries == 10
    (line,) = undelivered(tmp_path)
    assert line == ("2026-11-27 12:00 UTC capture_today failed for day 1 (10 tries; no answer)")
    memory.error = None
    assert deliver(outbox, memory, later(seconds=3600 + 600)).sent == 1
    assert (len(memory.taken), undelivered(tmp_path)) == (1, [])


def test_the_receiver_may_ask_for_a_longer_wait(tmp_path: Path) -> None:
    outbox, memory = Outbox(tmp_path), Memory(AlarmError("busy", permanent=False, wait=900))
    outbox.add(alarm(urgent=True))
    assert deliver(outbox, memory, NOON).next_try == later(seconds=900)
    assert deliver(outbox, memory, later(seconds=899)).errors == []
    assert deliver(outbox, memory, later(seconds=900)).errors == ["busy"]


def test_a_process_killed_after_sending_sends_a_duplicate_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox, memory = Outbox(tmp_path), Memory()
    outbox.add(alarm(urgent=True))
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "delivered", lambda *_: exec("raise KeyboardInterrupt"))
        with pytest.raises(KeyboardInterrupt):
            deliver(outbox, memory, NOON)
    assert deliver(Outbox(tmp_path), memory, NOON).sent == 1
    assert len(memory.taken) == 2
    assert deliver(Outbox(tmp_path), memory, NOON).sent == 0


def test_the_failures_of_a_backfill_are_a_few_messages(tmp_path: Path) -> None:
    outbox, memory = Outbox(tmp_path), Memory()
    for minute in range(70):
        for number in range(3):
            outbox.add(alarm(3 * minute + number))
        deliver(outbox, memory, later(minutes=minute))
    deliver(outbox, memory, later(hours=3))
    assert len(memory.taken) <= 6
    assert memory.taken[1].title == "45 failures since 11-27 12:00 UTC"
    assert "and 35 earlier" in memory.taken[1].error
    assert memory.taken[1].text.count("capture_today failed for day") == 10
    assert undelivered(tmp_path) == []


def test_what_is_urgent_waits_for_nobody(tmp_path: Path) -> None:
    outbox, memory = Outbox(tmp_path), Memory()
    outbox.add(alarm(1))
    deliver(outbox, memory, NOON)
    outbox.add(alarm(2))
    outbox.add(alarm(3, urgent=True))
    outbox.add(alarm(4, urgent=True))
    held = deliver(outbox, memory, later(minutes=1))
    assert [one.key for one in memory.taken] == ["run 1", "run 3", "run 4"] or [
        one.key for one in memory.taken
    ] == ["run 1", "run 4", "run 3"]
    assert (held.waiting, held.next_try) == (1, later(minutes=15))
    assert "1 alarms are waiting" in held.text


def test_many_urgent_ones_that_waited_come_together(tmp_path: Path) -> None:
    outbox, memory = Outbox(tmp_path), Memory()
    for number in range(MOST_URGENT + 1):
        outbox.add(alarm(number, urgent=True))
    assert deliver(outbox, memory, NOON).sent == MOST_URGENT + 1
    assert len(memory.taken) == 1


def test_a_slow_receiver_does_not_take_the_tick(tmp_path: Path) -> None:
    outbox, memory = Outbox(tmp_path), Memory()
    for number in range(3):
        outbox.add(alarm(number, urgent=True))
    seconds = iter([0.0, 1.0, 16.0])
    delivery = deliver(outbox, memory, NOON, lambda: next(seconds))
    assert (delivery.sent, delivery.waiting) == (1, 2)


def test_a_file_that_was_spoilt_is_reported(tmp_path: Path) -> None:
    outbox, memory = Outbox(tmp_path), Memory()
    outbox.add(alarm())
    (path,) = (tmp_path / FOLDER / "waiting").iterdir()
    path.write_text('{"alarm": ')
    deliver(outbox, memory, NOON)
    assert "could not be read" in memory.taken[0].title
    assert path.with_suffix(".broken").exists()
    assert deliver(outbox, memory, later(hours=1)).sent == 0


def test_over_http_with_an_hour_of_errors(
    tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Webhook(hook.url, lambda _: None)
    hook.answers = [503] * 6
    outbox = Outbox(tmp_path)
    outbox.add(alarm(urgent=True))
    assert "503" in deliver(outbox, sender, NOON).errors[0]
    assert deliver(outbox, sender, later(minutes=1)).errors
    assert deliver(outbox, sender, later(minutes=5)).sent == 1
    assert len(hook.posts) == 1
    stored = "".join(path.read_text() for path in (tmp_path / FOLDER).rglob("*.json"))
    assert "verysecretword" not in stored
    assert json.loads(stored)["tries"] == 2


def _settings(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(f"HF_ASSETS_{name.upper()}", value)
    return Settings()


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"alarm": "https://hooks.example.org/secret"}, "the webhook at hooks.example.org"),
        (
            {"alarm": "mailto:a@example.org", "smtp": "smtp://me:secret@mail.example.org"},
            "mail to a@example.org by mail.example.org:587",
        ),
        ({"alarm": "sh -c 'echo secret'"}, "the command sh"),
    ],
)
def test_the_switch_names_a_sender(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], name: str
) -> None:
    settings = _settings(monkeypatch, **values)
    sender = sender_of(settings)
    assert sender
    assert sender.name == name
    assert "secret" not in repr(sender) + repr(settings) + str(settings.model_dump())


@pytest.mark.parametrize("switch", ["", "  "])
def test_no_switch_no_sender(monkeypatch: pytest.MonkeyPatch, switch: str) -> None:
    assert sender_of(_settings(monkeypatch, alarm=switch)) is None
    monkeypatch.delenv("HF_ASSETS_ALARM")
    assert sender_of(Settings()) is None


@pytest.mark.parametrize(
    "switch",
    ["https://", "http:///x", "https://host:port/x", "https://a b/x", "ftp://host/x", "no-program"],
)
def test_a_wrong_switch_says_what_to_set(monkeypatch: Any, switch: str) -> None:
    with pytest.raises(AlarmError, match="HF_ASSETS_ALARM") as wrong:
        sender_of(_settings(monkeypatch, alarm=switch))
    assert "https://…" in str(wrong.value)


@pytest.mark.parametrize("urgent", [True, False])
def test_a_disk_that_takes_nothing_has_no_alarm_sent_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, urgent: bool
) -> None:
    outbox, memory = Outbox(tmp_path), Memory()
    outbox.add(alarm(1, urgent=urgent))
    outbox.add(alarm(2, urgent=True))

    def full(*_: Any) -> None:
        raise StorageError(tmp_path, errno.ENOSPC)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        for minute in range(3):
            errors = deliver(outbox, memory, later(minutes=minute)).errors
            assert "cannot be written" in errors[0]
    assert sorted(one.key for one in memory.taken) == ["run 1", "run 2"]
    assert deliver(outbox, memory, later(hours=1)) == Delivery()
    assert undelivered(tmp_path) == []


def test_a_tick_beside_one_that_takes_too_long_sends_nothing(tmp_path: Path) -> None:
    outbox, others = Outbox(tmp_path), list[Delivery]()

    class Slow(Memory):
        def send(self, alarm: Alarm) -> str:
            others.append(deliver(outbox, self, NOON))
            return super().send(alarm)

    slow = Slow()
    outbox.add(alarm(urgent=True))
    assert deliver(outbox, slow, NOON).sent == 1
    assert [one.text for one in others] == ["The delivery of an earlier tick is under way"]
    assert len(slow.taken) == 1
