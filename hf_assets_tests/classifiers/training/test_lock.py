"""One training at a time, in processes of their own, and when its checkpoints go."""

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hf_assets.classifiers.training.lock import training_lock
from hf_assets.object_store.path import StorePath
from hf_assets.storage.locks import BusyError

pytestmark = pytest.mark.usefixtures("locks")
HOLDER = """
import sys
from pathlib import Path
from hf_assets.classifiers.training.lock import training_lock
with training_lock(Path(sys.argv[1])) as work:
    work.mkdir(parents=True)
    (work / "epoch").write_text("1")
    print("trains", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "some-base" / "checkpoints"


def test_checkpoints_of_a_lake_on_a_store_lie_on_this_machine(
    bucket: StorePath, tmp_path: Path
) -> None:
    checkpoints = bucket / "classifiers" / "own" / "some-base" / "checkpoints"

    def interrupted() -> None:
        with training_lock(checkpoints) as work:
            work.mkdir(parents=True)
            (work / "epoch").write_text("1")
            with (
                pytest.raises(BusyError, match="training some-base"),
                training_lock(checkpoints, wait=0),
            ):
                pass
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        interrupted()
    with training_lock(checkpoints) as work:
        assert work.is_relative_to(tmp_path / "scratch")
        assert (work / "epoch").read_text() == "1"
    assert not work.exists()
    assert list(bucket.below()) == []


def holder(work: Path) -> "subprocess.Popen[str]":
    """Another run, which trains until it is killed."""
    command = [sys.executable, "-c", HOLDER, str(work)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "trains\n"
    return process


def test_checkpoints_go_when_the_block_has_ended_well(work: Path) -> None:
    with training_lock(work) as given:
        assert given == work
        (work / "checkpoints-1").mkdir(parents=True)
    assert not work.exists()


def test_checkpoints_stay_where_the_block_fails(work: Path) -> None:
    def fail() -> None:
        with training_lock(work):
            (work / "checkpoints-1").mkdir(parents=True)
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert (work / "checkpoints-1").is_dir()


def test_a_second_run_waits_for_the_first_and_says_so(work: Path) -> None:
    told, waits, holds = [], threading.Event(), threading.Event()

    def log(line: str) -> None:
        told.append(line)
        waits.set()

    def train() -> None:
        with training_lock(work):
            work.mkdir(parents=True)
            holds.set()
            assert waits.wait(60)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(train)
        assert holds.wait(60)
        with training_lock(work, log, 60):
            first.result(60)
            assert not work.exists()
    assert told == ["another run is training some-base on this corpus: waiting for it"]


def test_a_killed_run_leaves_its_checkpoints_and_no_lock(work: Path, locks: str) -> None:
    first = holder(work)
    first.send_signal(signal.SIGKILL)
    first.wait(60)
    told: list[str] = []
    # Postgres sees the end of a connection a moment later.
    with training_lock(work, told.append, 0 if locks == "files" else 60):
        assert (work / "epoch").read_text() == "1"
    assert locks == "postgres" or told == []


def test_waiting_has_an_end(work: Path) -> None:
    with (
        training_lock(work),
        pytest.raises(BusyError, match=r"training some-base .* wait for it or end it") as raised,
        training_lock(work, wait=0),
    ):
        raise AssertionError
    assert not raised.value.permanent
