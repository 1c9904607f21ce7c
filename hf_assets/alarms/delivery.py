"""Delivery of waiting alarms: urgent ones by themselves, others gathered."""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hf_assets.alarms.alarm import Alarm, AlarmError, joined
from hf_assets.alarms.outbox import Outbox, Waiting
from hf_assets.alarms.switch import Sender
from hf_assets.storage.durable import StorageError

# Between two messages about failures that are not urgent: a backfill of 700 failed runs sends as
# few messages as it takes quarters of an hour.
GATHERED = timedelta(minutes=15)
# Urgent alarms that are waiting at once, above which they are sent as one: the receiver was down.
MOST_URGENT = 5
# Seconds after which no further message is begun: the tick of a sensor has 60.
BUDGET = 15.0
# Alarms that arrived, by lake and key, while that cannot be stored: a full or read-only disk must
# not have them sent with every tick.
_arrived: set[tuple[Path, str]] = set()
# Held while a delivery is under way: a tick that took too long is given up, and goes on anyway.
_under_way = threading.Lock()


@dataclass
class Delivery:
    """What became of the waiting alarms.

    Attributes:
        sent: alarms that were delivered.
        waiting: alarms that were not.
        errors: why, one for each message that failed, and for what could not be stored.
        remarks: of messages that arrived in part.
        next_try: when the first of them is due.
    """

    sent: int = 0
    waiting: int = 0
    errors: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    next_try: datetime | None = None

    @property
    def text(self) -> str:
        """For the tick's line in the UI."""
        parts = [f"Sent {self.sent:,} alarms" if self.sent else "", *self.remarks]
        if self.waiting:
            due = f", next try {self.next_try:%H:%M:%S} UTC" if self.next_try else ""
            parts.append(f"{self.waiting:,} alarms are waiting{due}")
        return "; ".join(filter(None, parts)) or "No failure to report"


def deliver(
    outbox: Outbox,
    sender: Sender,
    now: datetime | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Delivery:
    """Send the alarms that are due; nothing while another call of this process does.

    Args:
        outbox: has them.
        sender: delivers them.
        now: the time, UTC.
        clock: seconds, for the budget.
    """
    if not _under_way.acquire(blocking=False):
        return Delivery(remarks=["The delivery of an earlier tick is under way"])
    try:
        return _deliver(outbox, sender, now or datetime.now(UTC), clock)
    finally:
        _under_way.release()


def _deliver(outbox: Outbox, sender: Sender, now: datetime, clock: Callable[[], float]) -> Delivery:
    began = clock()
    delivery = Delivery()
    waiting = _not_arrived(outbox, delivery)
    for batch in _due(outbox, waiting, now):
        if clock() - began > BUDGET:
            break
        alarms = [one.alarm for one in batch]
        try:
            remark = sender.send(joined(alarms))
        except AlarmError as error:
            delivery.errors.append(str(error))
            with _noting(delivery):
                for one in batch:
                    outbox.failed(one, str(error), now, error.wait)
            continue
        delivery.sent += len(alarms)
        delivery.remarks += filter(None, [remark])
        with _noting(delivery):
            if not joined(alarms).urgent:
                outbox.note_delivery(now)
        _store_arrived(outbox, alarms, delivery)
    left = [one for one in outbox.waiting() if (outbox.lake, one.alarm.key) not in _arrived]
    delivery.waiting = len(left)
    gathered = outbox.last_delivery()
    times = [one.next_try or (gathered + GATHERED if gathered else now) for one in left]
    delivery.next_try = min(times, default=None)
    return delivery


def _not_arrived(outbox: Outbox, delivery: Delivery) -> list[Waiting]:
    """The waiting alarms, without those whose arrival could not be stored; it is stored now."""
    waiting = outbox.waiting()
    arrived = [one.alarm for one in waiting if (outbox.lake, one.alarm.key) in _arrived]
    if arrived:
        _store_arrived(outbox, arrived, delivery)
    return [one for one in waiting if one.alarm not in arrived]


def _store_arrived(outbox: Outbox, alarms: Sequence[Alarm], delivery: Delivery) -> None:
    keys = {(outbox.lake, alarm.key) for alarm in alarms}
    try:
        outbox.delivered(alarms)
    except StorageError as error:
        delivery.errors.append(str(error))
        _arrived.update(keys)
    else:
        _arrived.difference_update(keys)


@contextmanager
def _noting(delivery: Delivery) -> Generator[None]:
    """A disk that takes nothing is an error of the delivery; other alarms are sent all the same."""
    try:
        yield
    except StorageError as error:
        delivery.errors.append(str(error))


def _due(outbox: Outbox, waiting: Sequence[Waiting], now: datetime) -> list[list[Waiting]]:
    """The alarms of each message to send now."""
    due = [one for one in waiting if one.next_try is None or one.next_try <= now]
    urgent = [one for one in due if one.alarm.urgent]
    others = [one for one in due if not one.alarm.urgent]
    last = outbox.last_delivery()
    if last and now - last < GATHERED:
        others = []
    messages = [[one] for one in urgent] if len(urgent) <= MOST_URGENT else [urgent]
    return [*messages, *filter(None, [others])]
