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
from hf_assets.storage.locks import BusyError, exclusive

PACKAGE = Path(hf_assets.__file__).parent
HOLDER = """
import sys
from pathlib import Path
from hf_assets.storage.locks import exclusive
with exclusive(Path(sys.argv[1]), "holding this"):
    print("holds", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / ".lock"


def test_a_free_lock_is_held_at_once_and_its_file_stays(path: Path) -> None:
    for _ in range(2):
        with exclusive(path, "testing", wait=0) as waited:
            assert not waited
            assert path.exists()
    assert path.read_bytes() == b""


def test_an_error_of_the_block_releases_it(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(path, "testing"):
        raise ZeroDivisionError
    with exclusive(path, "testing", wait=0) as waited:
        assert not waited


def test_a_lock_of_another_process_is_refused_until_that_is_killed(path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    told: list[str] = []
    with (
        pytest.raises(BusyError, match="another run has been testing for over 0 s: wait") as seen,
        exclusive(path, "testing", wait=0, log=told.append),
    ):
        raise AssertionError
    assert not seen.value.permanent
    assert told == ["another run is testing: waiting for it"]
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    with exclusive(path, "testing", wait=0, log=told.append) as waited:
        assert not waited
    assert len(told) == 1


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


def test_it_excludes_runs_of_versions_that_lock_the_file_themselves(path: Path) -> None:
    path.parent.mkdir()
    with FileLock(path), pytest.raises(BusyError), exclusive(path, "testing", wait=0):
        raise AssertionError
    with exclusive(path, "testing"), pytest.raises(TimeoutError):
        FileLock(path).acquire(timeout=0)


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
