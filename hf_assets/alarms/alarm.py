"""An alarm: what failed, where, and what happens next, as a text and as fields."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from hf_assets.errors import HfAssetsError, clean

# Characters of a foreign error in an alarm, and alarms that a joined one lists.
LONGEST_ERROR, LISTED = 1000, 10


class AlarmError(HfAssetsError):
    """An alarm was not delivered, or the switch names no way to do so.

    Args:
        message: clean text that says what to do.
        permanent: the same attempt would fail again.
        wait: seconds that the receiver asks to wait; None where it asks for nothing.
    """

    def __init__(self, message: str, *, permanent: bool = True, wait: float | None = None) -> None:
        super().__init__(message, permanent=permanent)
        self.wait = wait


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One message to a person. Texts of other machines are cleaned in `of`.

    Attributes:
        key: two alarms with the same key report the same: only one is sent.
        time: of the failure, UTC.
        title: a short sentence.
        day: the partition, or first and last of a range; "" without one.
        where: the step or asset, and the machine.
        error: words of the error.
        next: what happens next, and what a person can do.
        link: the run in the UI; "" where its address is unknown.
        urgent: sent by itself and at once, however many alarms were sent before.
    """

    key: str
    time: datetime
    title: str
    day: str = ""
    where: str = ""
    error: str = ""
    next: str = ""
    link: str = ""
    urgent: bool = False

    @classmethod
    def of(cls, key: str, title: str, *, time: datetime, error: str = "", **fields: Any) -> "Alarm":
        """An alarm whose title and error are fit for a message: short, inert, without secrets."""
        return cls(
            key=key, title=clean(title), time=time, error=clean(error, LONGEST_ERROR), **fields
        )

    @property
    def text(self) -> str:
        """The alarm in lines that a person reads."""
        lines = [
            f"hf_assets: {self.title}",
            f"Time: {self.time.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
            f"Day: {self.day}" if self.day else "",
            f"Where: {self.where}" if self.where else "",
            f"Error: {self.error}" if self.error else "",
            f"Next: {self.next}" if self.next else "",
            self.link,
        ]
        return "\n".join(line for line in lines if line)

    @property
    def fields(self) -> dict[str, Any]:
        """The alarm as JSON values, for programs."""
        return msgspec.to_builtins(self)


def joined(alarms: Sequence[Alarm]) -> Alarm:
    """One alarm in place of several: their number, and the newest of them in a line each."""
    if len(alarms) == 1:
        return alarms[0]
    ordered = sorted(alarms, key=lambda alarm: alarm.time)
    lines = [
        f"\n- {alarm.time.astimezone(UTC):%m-%d %H:%M} {alarm.title}: {clean(alarm.error, 150)}"
        for alarm in ordered[-LISTED:]
    ]
    more = f"\n- and {len(ordered) - LISTED:,} earlier" if len(ordered) > LISTED else ""
    return Alarm(
        key=ordered[-1].key,
        time=ordered[-1].time,
        title=f"{len(ordered):,} failures since {ordered[0].time.astimezone(UTC):%m-%d %H:%M} UTC",
        error="".join(lines) + more,
        next="The UI lists them under Runs, Failed; what they stored is kept.",
        link=ordered[-1].link,
        urgent=any(alarm.urgent for alarm in ordered),
    )


def trial(time: datetime, where: str) -> Alarm:
    """The message of a test: it reports no failure."""
    return Alarm.of(
        f"test {time.isoformat()}",
        "this is a test, nothing has failed",
        time=time,
        where=where,
        next="Alarms of failed runs and of missing days arrive the same way.",
        urgent=True,
    )
