"""Alarms on their way: a file each in the lake, until they are delivered.

For a lake on a store they lie in Dagster's home, on the machine whose daemon delivers them: an
alarm that the store is down has to be kept, too.

`<lake>/.alarms/waiting` has the alarms that nobody has yet, `…/delivered` those of the last weeks:
an alarm is added once, however often its failure is read. A file is moved from the one folder to
the other after the receiver took the alarm; a process that is killed between the two sends it again
(a duplicate, in place of a loss).
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from hf_assets.alarms.alarm import Alarm
from hf_assets.object_store.local import beside
from hf_assets.object_store.path import LakePath
from hf_assets.storage.durable import storing, write_bytes

FOLDER = ".alarms"
# How long a delivered alarm is remembered.
REMEMBERED = timedelta(days=60)
# Seconds until an alarm is tried again, doubled with each try up to the longest.
FIRST_WAIT, LONGEST_WAIT = 30.0, 600.0


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm that is not delivered.

    Attributes:
        alarm: the message.
        tries: attempts so far.
        error: why the last one failed, clean; "" before the first.
        next_try: not before that time.
    """

    alarm: Alarm
    tries: int = 0
    error: str = ""
    next_try: datetime | None = None


@dataclass(frozen=True)
class Outbox:
    """The alarms of a lake, in that folder of this machine."""

    lake: Path

    @classmethod
    def of(cls, root: LakePath) -> "Outbox":
        """That of the lake with that root."""
        return cls(beside(root))

    def add(self, alarm: Alarm) -> bool:
        """Keep an alarm, durably; False where one with its key is waiting or delivered already."""
        name = self._name(alarm)
        if any((self._folder(state) / name).exists() for state in ("waiting", "delivered")):
            return False
        self._write(Waiting(alarm=alarm))
        return True

    def waiting(self) -> list[Waiting]:
        """The alarms that are not delivered, oldest first.

        A file that cannot be read is put aside as `*.broken`, and an alarm reports it.
        """
        found: list[Waiting] = []
        for path in sorted(self._folder("waiting").glob("*.json")):
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Waiting))
            except FileNotFoundError:  # delivered meanwhile
                continue
            except (msgspec.DecodeError, UnicodeDecodeError):
                with suppress(FileNotFoundError):  # put aside meanwhile
                    path.rename(path.with_suffix(".broken"))
                title = "an alarm could not be read: its file is no longer what was written"
                alarm = Alarm.of(f"broken {path.name}", title, time=datetime.now(UTC))
                self.add(alarm)
                found.append(Waiting(alarm=alarm))
        return sorted(found, key=lambda one: one.alarm.time)

    def delivered(self, alarms: Sequence[Alarm]) -> None:
        """Remember that those alarms arrived."""
        folder = self._folder("delivered")
        with storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for alarm in alarms:
                with suppress(FileNotFoundError):
                    (self._folder("waiting") / self._name(alarm)).replace(
                        folder / self._name(alarm)
                    )
        self._forget(folder)

    def drop(self) -> None:
        """Forget the alarms that are not delivered: nobody is to have them any more."""
        for path in self._folder("waiting").glob("*.json"):
            with suppress(OSError):
                path.unlink()

    def failed(self, waiting: Waiting, error: str, now: datetime, wait: float | None) -> None:
        """Remember a failed attempt.

        Args:
            waiting: what was tried.
            error: why it failed, clean.
            now: the time, UTC.
            wait: seconds that the receiver asks to wait; None: by the number of tries.
        """
        usual = min(FIRST_WAIT * 2**waiting.tries, LONGEST_WAIT)
        self._write(
            msgspec.structs.replace(
                waiting,
                tries=waiting.tries + 1,
                error=error,
                next_try=now + timedelta(seconds=max(usual, min(wait or 0.0, 3600.0))),
            )
        )

    def last_delivery(self) -> datetime | None:
        """When the last alarm that was not urgent arrived."""
        try:
            text = (self._folder("delivered") / "last").read_text()
            return datetime.fromisoformat(text)
        except (FileNotFoundError, ValueError):
            return None

    def note_delivery(self, now: datetime) -> None:
        """Remember when an alarm that was not urgent arrived."""
        write_bytes(self._folder("delivered") / "last", now.isoformat().encode())

    def _write(self, waiting: Waiting) -> None:
        path = self._folder("waiting") / self._name(waiting.alarm)
        write_bytes(path, msgspec.json.encode(waiting))

    def _folder(self, state: str) -> Path:
        return self.lake / FOLDER / state

    def _name(self, alarm: Alarm) -> str:
        return f"{hashlib.sha256(alarm.key.encode()).hexdigest()[:24]}.json"

    def _forget(self, folder: Path) -> None:
        """Remove delivered alarms of long ago."""
        oldest = (datetime.now(UTC) - REMEMBERED).timestamp()
        for path in folder.glob("*.json"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
