"""Alarms by an HTTP POST, in the form that Slack, Mattermost and Discord read."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from hf_assets.alarms.alarm import Alarm, AlarmError
from hf_assets.errors import clean
from hf_assets.transport import Answer, BrokenBody, TooLarge, fetch, retry_after

# Seconds of an exchange, tries of an alarm, and the longest wait between two of them. An alarm that
# is not delivered by then waits for the next tick of the sensor, which has 60 s.
SECONDS, TRIES, LONGEST_WAIT = 10.0, 3, 5.0
_BUSY = (408, 425, 429)
# Discord refuses a longer text.
_DISCORD = 2000
_ADVICE = "check the address in HF_ASSETS_ALARM, then try it with `hf-assets alarm`"
# Words that call every reader of a channel: an error's text must not.
_CALLS = re.compile(r"@(?=(?:all|channel|here|everyone)\b)", re.IGNORECASE)


@dataclass(frozen=True, repr=False)
class Webhook:
    """A web address that takes alarms. Whoever knows it can post: it is never shown."""

    url: str
    sleep: Callable[[float], None] = time.sleep

    @property
    def name(self) -> str:
        """The receiver, without its secret."""
        return f"the webhook at {self._host}"

    @property
    def _host(self) -> str:
        return clean(urlsplit(self.url).hostname or "?")

    def send(self, alarm: Alarm) -> str:
        """Post an alarm; a busy receiver is asked again. AlarmError where it was not taken."""
        for left in reversed(range(TRIES)):
            try:
                self._post(alarm)
            except AlarmError as error:
                wait = error.wait if error.wait is not None else float(TRIES - left)
                if error.permanent or not left or wait > LONGEST_WAIT:
                    raise
                self.sleep(wait)
            else:
                return ""
        raise AssertionError("unreachable")

    def _post(self, alarm: Alarm) -> None:
        try:
            answer = self._answer(alarm)
        except (httpx2.HTTPError, httpx2.InvalidURL, TooLarge, BrokenBody, UnicodeError) as error:
            said = f"{type(error).__name__}: {self._clean(error)}"
            permanent = isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol)
            raise AlarmError(
                f"{self.name} did not answer ({said}): {_ADVICE}.", permanent=permanent
            ) from None
        if 200 <= answer.status < 300:
            return
        busy = answer.status in _BUSY or answer.status >= 500
        said = self._clean(answer.error_text)
        raise AlarmError(
            f"{self.name} answered {answer.status}{said and f' ({said})'}: "
            f"{'it is asked again' if busy else _ADVICE}.",
            permanent=not busy,
            wait=retry_after(answer.headers) if busy else None,
        )

    def _answer(self, alarm: Alarm) -> Answer:
        with httpx2.Client() as client:
            return fetch(
                client,
                "POST",
                self.url,
                timeout=httpx2.Timeout(SECONDS),
                seconds=SECONDS,
                max_bytes=1 << 20,
                only_status=400,
                abort=client.close,
                json=self._body(alarm),
            )

    def _body(self, alarm: Alarm) -> dict[str, Any]:
        text = _CALLS.sub("@\u200b", alarm.text)
        if self._host.endswith(("discord.com", "discordapp.com")):
            return {"content": text[:_DISCORD], "allowed_mentions": {"parse": []}}
        if self._host.endswith("slack.com"):
            # Slack's own marks are in angle brackets.
            text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            return {"text": text}
        return {"text": text, "alarm": alarm.fields}

    def _clean(self, text: object) -> str:
        parts = urlsplit(self.url)
        return clean(text, secrets=[self.url, f"{parts.path}?{parts.query}", parts.path[1:]])
