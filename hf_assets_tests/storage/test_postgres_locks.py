"""Locks in Postgres: what is seen of them, and what happens when Postgres is away."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hf_assets.errors import InputError
from hf_assets.hub.capture_store.files import page_paths, write_page
from hf_assets.storage import postgres_locks
from hf_assets.storage.durable import replacing
from hf_assets.storage.folders import replacing_folder
from hf_assets.storage.locks import exclusive
from hf_assets.storage.postgres_locks import Keeper, LockServerError, LostLock
from hf_assets_tests.docs.documents import Page
from hf_assets_tests.support.deploy.postgres import PostgresServer
from hf_assets_tests.support.deploy.read import PROJECT
from hf_assets_tests.support.deploy.running import until

SESSIONS = """SELECT application_name, state, backend_xid, backend_xmin FROM pg_stat_activity
WHERE application_name LIKE 'hf_assets%'"""
WAITER = """
import sys
from pathlib import Path
from hf_assets.storage.locks import exclusive
with exclusive(Path(sys.argv[1]), "waiting", log=lambda line: print(line, flush=True)):
    pass
"""


def test_postgres_shows_what_a_holder_does_and_no_transaction_of_it(
    tmp_path: Path, postgres_locks: PostgresServer
) -> None:
    long = "refreshing a folder with a very long ñame, " * 3
    with exclusive(tmp_path / "a", "training minilm"), exclusive(tmp_path / "b", long):
        rows = sorted(postgres_locks.ask(SESSIONS))
        assert [row[1:] for row in rows] == [("idle", None, None)] * 2
        assert rows[1][0] == "hf_assets: training minilm"
        assert rows[0][0].startswith("hf_assets: refreshing a folder with a very long")
        assert len(postgres_locks.locks()) == 2
        (documented,) = Page(PROJECT / "docs" / "service.md").blocks("sql")
        first, second = postgres_locks.ask(documented)
        assert first[:2] == ("hf_assets: training minilm", "127.0.0.1")
        assert first[2] <= second[2]
    until(lambda: not postgres_locks.ask(SESSIONS), lambda: "sessions are left", 60)


def test_a_machine_that_vanishes_loses_its_locks_within_a_minute(
    tmp_path: Path, postgres_locks: PostgresServer
) -> None:
    """As both sides of the connection are set: the client knows it first."""
    names = ("idle", "interval", "count")
    with exclusive(tmp_path / "a", "testing"):
        (lock,) = postgres_locks_of_process()
        with lock._connection.cursor() as cursor:
            server = []
            for name in names:
                cursor.execute(f"SHOW tcp_keepalives_{name}")
                server.append(int(cursor.fetchone()[0]))
            cursor.execute("SHOW idle_session_timeout")
            assert cursor.fetchone() == ("0",)
        client = lock._connection.get_dsn_parameters()
        mine = [int(client[f"keepalives_{name}"]) for name in names]
        assert mine[0] + mine[1] * mine[2] < server[0] + server[1] * server[2] <= 60


def postgres_locks_of_process() -> list[postgres_locks.AdvisoryLock]:
    return list(postgres_locks._of_process)


def test_an_interrupt_ends_a_run_that_waits(tmp_path: Path, postgres_locks: PostgresServer) -> None:
    with exclusive(tmp_path / ".lock", "testing"):
        command = [sys.executable, "-c", WAITER, str(tmp_path / ".lock")]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stdout.readline() == "another run is waiting: waiting for it\n"
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
            assert "KeyboardInterrupt" in said
        assert postgres_locks.locks() == ["testing"]


@pytest.mark.parametrize(
    ("variable", "value", "reason", "permanent"),
    [
        ("PGPORT", "1", "Connection refused", False),
        ("PGPASSWORD", "a wrong one", "password authentication failed", True),
        ("PGDATABASE", "no_such", 'database "no_such" does not exist', True),
        ("PGHOST", "postgresql://me:a-wrong-one@there", "could not translate host name", False),
    ],
)
def test_a_postgres_that_cannot_be_reached_is_an_error_without_the_password(
    variable: str, value: str, reason: str, permanent: bool,
    tmp_path: Path, postgres_locks: PostgresServer, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setenv(variable, value)
        with pytest.raises(LockServerError, match=reason) as seen, exclusive(tmp_path / "a", "it"):
            raise AssertionError
    assert isinstance(seen.value, InputError)
    assert seen.value.permanent == permanent
    assert "correct PGHOST" in str(seen.value)
    assert "wrong" not in str(seen.value)
    assert postgres_locks.variables["PGPASSWORD"] not in str(seen.value)
    assert seen.value.__suppress_context__


@pytest.fixture
def killed(postgres_locks: PostgresServer) -> PostgresServer:
    """May be killed by the test, with whatever locks it holds."""
    return postgres_locks


def test_who_has_lost_the_lock_commits_nothing(tmp_path: Path, killed: PostgresServer) -> None:
    path, folder = tmp_path / "data.parquet", tmp_path / "figures"
    path.write_text("before")
    lock = exclusive(tmp_path / "a", "testing")
    lock.__enter__()
    killed.kill()
    killed.start()
    with pytest.raises(LostLock), replacing(path) as file:
        file.write_text("after")
    with pytest.raises(LostLock), replacing_folder(folder) as scratch:
        (scratch / "file").write_text("after")
    with pytest.raises(LostLock):
        write_page(tmp_path, 0, b"[]")
    assert not page_paths(tmp_path)
    assert path.read_text() == "before"
    assert not folder.exists()
    with pytest.raises(LostLock, match="held the lock of testing was lost") as seen:
        lock.__exit__(None, None, None)
    assert not seen.value.permanent
    # The next lock is a new connection.
    with exclusive(tmp_path / "a", "testing", wait=0), replacing(path) as file:
        file.write_text("after")
    assert path.read_text() == "after"


def test_an_error_of_the_block_says_more_than_a_lost_lock(
    tmp_path: Path, killed: PostgresServer
) -> None:
    lock = exclusive(tmp_path / "a", "testing")
    lock.__enter__()
    killed.ask("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    error = ZeroDivisionError()
    # False: what was raised goes on.
    assert not lock.__exit__(type(error), error, None)


def test_who_waits_fails_when_postgres_ends(tmp_path: Path, killed: PostgresServer) -> None:
    waits, seen = threading.Event(), []

    def wait() -> None:
        try:
            with exclusive(tmp_path / "a", "testing", log=lambda _: waits.set()):
                pass
        except InputError as error:
            seen.append(error)

    lock = exclusive(tmp_path / "a", "testing")
    lock.__enter__()
    other = threading.Thread(target=wait)
    other.start()
    assert waits.wait(60)
    killed.kill()
    other.join(60)
    killed.start()
    with pytest.raises(LostLock):
        lock.__exit__(None, None, None)
    (error,) = seen
    assert isinstance(error, LockServerError)
    assert not error.permanent


def test_locks_that_are_kept_are_taken_back_when_postgres_was_away(
    postgres_server: PostgresServer, killed: PostgresServer
) -> None:
    keeper = Keeper("living", beat=0.05)
    try:
        assert keeper.keep("a")
        assert keeper.keep("b")
        assert not Keeper("living").keep("a")
        assert postgres_locks.held(["a", "b", "c"]) == {"a", "b"}
        for _ in range(2):
            killed.kill()
            killed.start()
            until(
                lambda: postgres_locks.held(["a", "b", "c"]) == {"a", "b"},
                lambda: "not taken back",
                60,
            )
    finally:
        keeper.end()
    until(lambda: not killed.locks(), lambda: "kept", 60)
