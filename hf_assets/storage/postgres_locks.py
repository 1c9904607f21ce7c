"""Locks between machines: advisory locks of the Postgres that libpq's variables name.

A lock belongs to a connection, and to no transaction. However its holder ends, the connection ends
with it, and Postgres releases the lock: at once where the holder's machine lives, and after about a
minute where the machine or its network is gone. A run whose connection breaks has lost its lock:
`require_locks` refuses its commits from then on, and the end of its block is an error.

Between Postgres and its clients there must be no pooler that hands one connection to several.
"""

import hashlib
import os
import re
import select
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hf_assets.errors import InputError, clean

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

# Seconds between two tries of a run that waits: one try is a question to Postgres.
POLL = 0.25
# Seconds between two looks at the connection of locks that are kept.
BEAT = 5.0
# The server gives up a client that does not answer after 30 and thrice 10 seconds, and takes its
# locks from it; the client gives up the server before: after 15 and thrice 5.
_SERVER = {
    "tcp_keepalives_idle": 30,
    "tcp_keepalives_interval": 10,
    "tcp_keepalives_count": 3,
    # Holders of locks are silent for hours.
    "idle_session_timeout": 0,
}
_CLIENT = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}
_CONNECT_SECONDS = "10"
# Postgres cuts names at 63 bytes, with a notice in its log.
_LONGEST_NAME = 63
_HELPLESS = re.compile("authentication failed|does not exist|no pg_hba.conf entry|invalid")
_HELD = """SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


class LockServerError(InputError):
    """The Postgres of the locks cannot be reached."""


class LostLock(InputError):
    """The connection that held a lock broke: another run may have taken the lock."""

    def __init__(self, work: str) -> None:
        super().__init__(
            f"the connection to Postgres that held the lock of {work} was lost, and another run "
            "may have begun: run this again. What is stored is complete",
            permanent=False,
        )


class AdvisoryLock:
    """One lock on a connection of its own.

    Args:
        name: what all machines call it.
        work: what the holder does; Postgres shows it as the name of the application.

    Raises:
        LockServerError: Postgres cannot be reached.
    """

    poll = POLL

    def __init__(self, name: str, work: str) -> None:
        self.work, self._key, self._held = work, key(name), False
        self._connection = connect(work)

    def take(self) -> bool:
        """Whether the lock was got, at once. LockServerError."""
        try:
            self._held = _first(self._connection, "SELECT pg_try_advisory_lock(%s)", self._key)
        except _errors() as error:
            raise _unreachable(error) from None
        if self._held:
            _of_process.add(self)
        return self._held

    def release(self) -> bool:
        """Give the lock back, and end the connection. Whether it was held until now."""
        _of_process.discard(self)
        held = False
        with suppress(*_errors()):
            # The server closes a connection when it likes; the next run may ask before.
            if self._held:
                held = _first(self._connection, "SELECT pg_advisory_unlock(%s)", self._key)
        with suppress(*_errors()):
            self._connection.close()
        return held

    def is_lost(self) -> bool:
        """Whether the connection broke."""
        return is_broken(self._connection)


# Locks that this process holds. A run is one process, and Postgres ends for all of them at once.
_of_process: set[AdvisoryLock] = set()


def require_locks() -> None:
    """Let nothing be committed once a lock of this process was lost.

    Raises:
        LostLock: one was.
    """
    for lock in tuple(_of_process):
        if lock.is_lost():
            raise LostLock(lock.work)


def key(name: str) -> int:
    """The number by which Postgres knows a lock: 64 bits of a hash, signed."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def connect(work: str) -> "Connection":
    """A connection in no transaction, which notices in time that the other side is gone.

    Raises:
        LockServerError: Postgres cannot be reached, or psycopg2 is missing.
    """
    try:
        import psycopg2
    except ImportError:
        raise LockServerError(
            "HF_ASSETS_LOCKS=postgres needs psycopg2: pip install 'hf_assets[postgres]'",
            permanent=True,
        ) from None
    settings = [os.environ.get("PGOPTIONS", ""), *(f"-c {k}={v}" for k, v in _SERVER.items())]
    try:
        connection = psycopg2.connect(
            "",
            application_name=f"hf_assets: {work}".encode()[:_LONGEST_NAME].decode(errors="ignore"),
            options=" ".join(filter(None, settings)),
            connect_timeout=os.environ.get("PGCONNECT_TIMEOUT") or _CONNECT_SECONDS,
            # A copy that only reads would know no lock of others.
            target_session_attrs="primary",
            **_CLIENT,
        )
    except psycopg2.Error as error:
        raise _unreachable(error) from None
    connection.autocommit = True
    return connection


def is_broken(connection: "Connection") -> bool:
    """Whether a connection has ended; costs no question where nothing came from the server."""
    try:
        if select.select([connection.fileno()], [], [], 0)[0]:
            _first(connection, "SELECT true")
    except (*_errors(), OSError, ValueError):
        return True
    return False


def held(names: Iterable[str]) -> set[str]:
    """Those of the locks that somebody holds, on any machine. LockServerError."""
    connection = connect("looking at locks")
    try:
        with connection.cursor() as cursor:
            cursor.execute(_HELD)
            keys = {row[0] for row in cursor.fetchall()}
    except _errors() as error:
        raise _unreachable(error) from None
    finally:
        connection.close()
    return {name for name in names if key(name) in keys}


class Keeper:
    """Locks that this process keeps until it ends, all on one connection.

    They are signs of life and guard no file: after a lost connection they are taken back.
    """

    def __init__(self, work: str, beat: float = BEAT) -> None:
        self.work, self.beat = work, beat
        self._names: list[str] = []
        self._connection: Connection | None = None
        self._alone, self._ended = threading.Lock(), threading.Event()

    def keep(self, name: str) -> bool:
        """Hold that lock from now on. Whether it was free. LockServerError."""
        with self._alone:
            if name in self._names:
                return True
            if not self._take([name]):
                return False
            self._names.append(name)
            if len(self._names) == 1:
                threading.Thread(target=self._watch, name="locks", daemon=True).start()
            return True

    def end(self) -> None:
        """Give all of them back, as the end of the process does."""
        self._ended.set()
        with self._alone, suppress(*_errors()):
            if self._connection:
                self._connection.close()

    def _take(self, names: list[str]) -> bool:
        if self._connection is None or is_broken(self._connection):
            self._connection, names = connect(self.work), [*self._names, *names]
        try:
            statement = "SELECT pg_try_advisory_lock(%s)"
            got = [_first(self._connection, statement, key(name)) for name in names]
        except _errors() as error:
            raise _unreachable(error) from None
        return not got or got[-1]

    def _watch(self) -> None:
        while not self._ended.wait(self.beat):
            with self._alone, suppress(LockServerError):
                self._take([])


def _first(connection: "Connection", statement: str, *values: int) -> bool:
    """The one truth that a statement answers."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return bool(row and row[0])


def _errors() -> tuple[type[Exception], ...]:
    import psycopg2

    return (psycopg2.Error,)


def _unreachable(error: Any) -> LockServerError:
    said = clean(error, secrets=[os.environ.get("PGPASSWORD", "")])
    return LockServerError(
        f"the Postgres that keeps the locks (HF_ASSETS_LOCKS=postgres) cannot be reached: {said}. "
        "Start it, or correct PGHOST, PGPORT, PGDATABASE, PGUSER and PGPASSWORD",
        permanent=bool(_HELPLESS.search(str(error))),
    )
