"""One lock for all that exclude each other: taken at once, waited for, or refused."""

import errno
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

import hf_assets
from hf_assets.object_store.path import location
from hf_assets.storage.locks import BusyError, exclusive

PACKAGE = Path(hf_assets.__file__).parent
HOLDER = """
import sys
from hf_assets.object_store.path import location
from hf_assets.storage.locks import exclusive
with exclusive(location(sys.argv[1]) / "deep" / ".lock", "holding this"):
    print("holds", flush=True)
    sys.stdin.readline()
"""
# Adds one to a number, many times: two at once would lose some.
COUNTER = """
import sys
from pathlib import Path
from hf_assets.storage.locks import exclusive
number = Path(sys.argv[1])
for _ in range(20):
    with exclusive(number.with_name(".lock"), "counting"):
        number.write_text(str(int(number.read_text()) + 1))
print(len(sys.modules), "psycopg2" in sys.modules)
"""


@pytest.fixture
def path(tmp_path: Path, locks: str) -> Path:
    return tmp_path / "deep" / ".lock"


def test_a_free_lock_is_held_at_once_and_its_file_stays(path: Path, locks: str) -> None:
    for _ in range(2):
        with exclusive(path, "testing", wait=0) as waited:
            assert not waited
            assert path.exists() == (locks == "files")
            assert path.parent.is_dir()
    if locks == "files":
        assert path.read_bytes() == b""


def test_an_error_of_the_block_releases_it(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(path, "testing"):
        raise ZeroDivisionError
    with exclusive(path, "testing", wait=0) as waited:
        assert not waited


def test_two_locks_of_one_process_are_two_and_the_same_one_is_busy(path: Path) -> None:
    with (
        exclusive(path, "testing", wait=0),
        exclusive(path.with_name("other"), "testing that", wait=0),
    ):
        with pytest.raises(BusyError), exclusive(path, "testing", wait=0):
            raise AssertionError
        with pytest.raises(BusyError), exclusive(path.with_name("other"), "testing", wait=0.1):
            raise AssertionError


@pytest.mark.parametrize("lake", ["folder", "s3://bucket/lake"])
def test_a_lock_of_another_process_is_refused_until_that_is_killed(
    lake: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ASSETS_SCRATCH", str(tmp_path / "scratch"))
    root = location(lake if lake.startswith("s3:") else tmp_path)
    lock = root / "deep" / ".lock"
    command = [sys.executable, "-c", HOLDER, str(root)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        told: list[str] = []
        with (
            pytest.raises(
                BusyError, match="another run has been testing for over 0 s: wait"
            ) as seen,
            exclusive(lock, "testing", wait=0, log=told.append),
        ):
            raise AssertionError
        assert not seen.value.permanent
        assert told[-1] == "another run is testing: waiting for it"
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        # Postgres sees the end of the connection a moment later.
        with exclusive(lock, "testing", wait=60):
            pass
        with exclusive(lock, "testing", wait=0, log=told.append) as waited:
            assert not waited


@pytest.mark.parametrize("wait", [60.0, None])
def test_a_lock_is_waited_for(path: Path, wait: float | None) -> None:
    waits, told = threading.Event(), []

    def log(line: str) -> None:
        told.append(line)
        waits.set()

    def hold() -> None:
        with exclusive(path, "testing"):
            holds.set()
            assert waits.wait(60)

    holds = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(hold)
        assert holds.wait(60)
        with exclusive(path, "testing", wait=wait, log=log) as waited:
            assert waited
        first.result(60)
    assert told == ["another run is testing: waiting for it"]


@pytest.mark.parametrize("runs", [pytest.param(8, marks=pytest.mark.heavy), 2])
def test_processes_go_one_after_the_other(path: Path, locks: str, runs: int) -> None:
    path.parent.mkdir()
    number = path.with_name("number")
    number.write_text("0")
    command = [sys.executable, "-c", COUNTER, str(number)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(runs)]
    said = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * runs
    assert number.read_text() == str(20 * runs)
    # What one machine does not need is not imported.
    assert {one.split()[1] for one in said} == {str(locks == "postgres")}


def test_it_excludes_runs_of_versions_that_lock_the_file_themselves(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with FileLock(path), pytest.raises(BusyError), exclusive(path, "testing", wait=0):
        raise AssertionError
    with exclusive(path, "testing"), pytest.raises(TimeoutError):
        FileLock(path).acquire(timeout=0)


def test_locks_of_a_store_that_are_this_machines_are_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ASSETS_SCRATCH", str(tmp_path))
    told: list[str] = []
    for name in ("first", "second"):
        path = location("s3://logged-once/lake") / name
        with exclusive(path, "testing", log=told.append):
            pass
    (line,) = told
    assert line.startswith("locks for s3://logged-once/lake hold on this machine alone")
    assert len(list((tmp_path / "locks").iterdir())) == 2


def test_a_folder_that_cannot_be_made_is_no_lock_of_another(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "read-only", str(path.parent))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(OSError, match="read-only"), exclusive(path, "testing", wait=0):
        raise AssertionError


def test_nothing_else_takes_a_lock_of_a_file() -> None:
    modules = PACKAGE.rglob("*.py")
    assert {path.name for path in modules if "FileLock" in path.read_text("utf-8")} == {"locks.py"}
