"""Alarms by a webhook that is as nasty as real ones."""

from typing import Any

import pytest

from hf_assets.alarms import webhook as module
from hf_assets.alarms.alarm import AlarmError
from hf_assets.alarms.webhook import Webhook
from hf_assets_tests.alarms.conftest import alarm
from hf_assets_tests.support.alarms.receivers import HANG, RESET, Hook


def post(hook: Hook, **fields: Any) -> list[float]:
    """Send an alarm; returns the seconds that were waited between tries."""
    waits: list[float] = []
    Webhook(hook.url, waits.append).send(alarm(**fields))
    return waits


def test_a_post_has_the_text_and_the_fields(hook: Hook) -> None:
    assert post(hook) == []
    (sent,) = hook.posts
    assert sent["text"].splitlines() == [
        "hf_assets: capture_today failed for day 1",
        "Time: 2026-11-27 12:00 UTC",
        "Day: 2026-11-27",
        "Where: raw_models on host",
        "Error: The Hub answered 503.",
        "Next: The next attempt is at 12:30 UTC.",
        "https://dagster.example.org/runs/1",
    ]
    assert sent["alarm"]["day"] == "2026-11-27"
    assert sent["alarm"]["error"] == "The Hub answered 503."


@pytest.mark.parametrize(
    ("answers", "waits"),
    [
        ([500], [1.0]),
        ([502, 503], [1.0, 2.0]),
        ([(429, {"Retry-After": "3"}, "slow down")], [3.0]),
        ([RESET], [1.0]),
        ([(307, {"Location": "/elsewhere"}, "")], []),
    ],
)
def test_a_busy_receiver_is_asked_again(hook: Hook, answers: list[Any], waits: list[float]) -> None:
    hook.answers = answers
    assert post(hook) == waits
    assert len(hook.posts) == 1


@pytest.mark.parametrize(
    ("answers", "asked", "permanent", "wait", "said"),
    [
        ([500] * 3, 3, False, None, "answered 500"),
        ([(429, {"Retry-After": "600"}, "")], 1, False, 600.0, "answered 429"),
        ([(404, {}, "no_service")], 1, True, None, "answered 404 (no_service)"),
        ([(403, {}, "invalid /services/T000/B000/verysecretword")], 1, True, None, "403"),
    ],
)
def test_what_was_not_taken_says_why_and_nothing_secret(
    hook: Hook, answers: list[Any], asked: int, permanent: bool, wait: float | None, said: str
) -> None:
    hook.answers = answers
    with pytest.raises(AlarmError, match=r"127\.0\.0\.1") as refused:
        post(hook)
    assert said in str(refused.value)
    assert "verysecretword" not in str(refused.value)
    assert (refused.value.permanent, refused.value.wait) == (permanent, wait)
    assert (hook.asked, hook.posts) == (asked, [])


def test_a_receiver_that_never_answers_is_left(hook: Hook, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.2)
    monkeypatch.setattr(module, "TRIES", 1)
    hook.answers = [HANG]
    with pytest.raises(AlarmError, match="did not answer") as hung:
        post(hook)
    assert not hung.value.permanent


def test_nobody_listens() -> None:
    url = "http://127.0.0.1:9/verysecretword"
    with pytest.raises(AlarmError, match="did not answer") as refused:
        Webhook(url, lambda _: None).send(alarm())
    assert not refused.value.permanent
    assert "verysecretword" not in str(refused.value) + repr(Webhook(url))


def test_an_error_calls_nobody_and_makes_no_marks() -> None:
    nasty = alarm(error="@everyone <!channel> & a@example.org \x1b[31mred")
    plain = Webhook("https://chat.example.org/hooks/x")._body(nasty)["text"]
    assert "@everyone" not in plain
    assert "@\u200beveryone" in plain
    assert "a@example.org" in plain
    assert "\x1b" not in plain
    slack = Webhook("https://hooks.slack.com/services/x")._body(nasty)
    assert slack.keys() == {"text"}
    assert "&lt;!channel&gt; &amp;" in slack["text"]
    discord = Webhook("https://discord.com/api/webhooks/1/x")._body(alarm(error="x" * 5000))
    assert len(discord["content"]) <= 2000
    assert discord["allowed_mentions"] == {"parse": []}
