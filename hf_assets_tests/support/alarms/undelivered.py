"""Undelivered alarms as lines for a person."""

from pathlib import Path

from hf_assets.alarms.outbox import Outbox


def undelivered(lake: Path) -> list[str]:
    """A line for each alarm of a lake that nobody received, oldest first.

    Without the switch there are none: failures are not collected.
    """
    return [
        f"{waiting.alarm.time:%Y-%m-%d %H:%M} UTC {waiting.alarm.title}"
        + (f" ({waiting.tries} tries; {waiting.error})" if waiting.tries else "")
        for waiting in Outbox(lake).waiting()
    ]
