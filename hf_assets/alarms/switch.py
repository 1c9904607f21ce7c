"""Who receives alarms, as the settings name it."""

from typing import Protocol
from urllib.parse import urlsplit

from hf_assets.alarms.alarm import Alarm, AlarmError
from hf_assets.alarms.command import Command
from hf_assets.alarms.mail import Mail
from hf_assets.alarms.webhook import Webhook
from hf_assets.settings import Settings


class Sender(Protocol):
    """A way to a person."""

    @property
    def name(self) -> str:
        """For messages: without secrets."""
        ...

    def send(self, alarm: Alarm) -> str:
        """Deliver an alarm; returns a remark, mostly "". AlarmError where it was not taken."""
        ...


def sender_of(settings: Settings) -> Sender | None:
    """The sender that HF_ASSETS_ALARM names; None where it is not set.

    Raises:
        AlarmError: the switch is invalid; says what to set. Its value is in no message.
    """
    switch = settings.alarm.get_secret_value().strip() if settings.alarm else ""
    if not switch:
        return None
    scheme, colon, _ = switch.partition(":")
    if scheme.lower() in ("http", "https") and colon:
        return _webhook(switch)
    if scheme.lower() == "mailto" and colon:
        smtp = settings.smtp.get_secret_value() if settings.smtp else None
        return Mail.parse(switch, smtp, (settings.alarm_sender or "").strip())
    return Command.parse(switch)


def _webhook(url: str) -> Webhook:
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or not url.isprintable() or " " in url:
        raise AlarmError("HF_ASSETS_ALARM begins like a web address and is none: set https://….")
    return Webhook(url)
