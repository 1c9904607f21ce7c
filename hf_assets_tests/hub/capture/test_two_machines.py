"""Machines that share a store: a capture goes on elsewhere, and one wins whole, without a lock and
with one.
"""

import random
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from subprocess import Popen

import pytest

from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.object_store.path import StorePath
from hf_assets.storage.lake import Lake, iso
from hf_assets_tests.conftest import DAY, NOON, Clock, ServedHub, ServeHub
from hf_assets_tests.support.hub.captures import ids_of, pages
from hf_assets_tests.support.hub.machines import captures_elsewhere
from hf_assets_tests.support.hub.small_hub import MODELS

# 40 pages of 10 models.
HUB = GeneratedHub(400, 0, seed=5, day=iso(DAY))
PAGE, PAGES = 10, 40


@pytest.fixture
def store(bucket: StorePath) -> CaptureStore:
    return CaptureStore(Lake(bucket), "raw_models")


def assert_each_row_once(store: CaptureStore) -> None:
    capture = CaptureStore(store.lake, store.asset).complete(DAY)
    assert capture is not None
    assert len({*ids_of(capture)}) == capture.rows == capture.distinct == HUB.total("models")
    assert len(list(pages(capture))) == capture.manifest.pages


def kill_at(process: "Popen[str]", served: ServedHub, asked: float, after: float) -> None:
    """Kill a process some time after so many pages were asked for."""
    while len(set(served.listed)) < asked:
        assert process.poll() is None, process.communicate()
        time.sleep(0.001)
    time.sleep(after)
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("kills", "chains"),
    [
        pytest.param(2, 1, marks=pytest.mark.heavy),
        pytest.param(20, 1, marks=[pytest.mark.heavy, pytest.mark.release]),
        pytest.param(20, 4, marks=[pytest.mark.heavy, pytest.mark.release]),
    ],
)
def test_a_capture_that_is_killed_goes_on_elsewhere(
    hub: ServeHub, store: CaptureStore, tmp_path: Path, kills: int, chains: int
) -> None:
    served, chance, now = hub(HUB, Faults(latency=0.01)), random.Random(kills), NOON
    if chains > 1:
        before = served.capturer(Clock(NOON - timedelta(days=1)))
        before.get_or_capture(store, "2026-11-19", MODELS)
        served.requests.clear()
    for moment in sorted(chance.uniform(0.02, 0.8) for _ in range(kills)):
        process = captures_elsewhere(tmp_path, served.url, store.lake, now, PAGE, chains=chains)
        kill_at(process, served, moment * PAGES, chance.random() * 0.02)
        assert store.complete(DAY) is None, "half a day must not look like a day"
        now += timedelta(minutes=1)
    process = captures_elsewhere(tmp_path, served.url, store.lake, now, PAGE, chains=chains)
    said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert_each_row_once(store)
    # Each kill costs at most the page that a chain waited for.
    assert Counter(served.listed).total() - PAGES <= (kills + 1) * chains
    assert len(files.attempts(store.folder(DAY))) == 1


@pytest.mark.heavy
@pytest.mark.parametrize(
    "apart", [0.0, pytest.param(0.4, marks=pytest.mark.release)], ids="{} s apart".format
)
def test_of_eight_machines_one_wins_whole(
    hub: ServeHub, store: CaptureStore, tmp_path: Path, apart: float
) -> None:
    served = hub(HUB, Faults(latency=0.02))
    processes = []
    for _ in range(8):
        processes.append(captures_elsewhere(tmp_path, served.url, store.lake, NOON, PAGE))
        time.sleep(apart)
    said = [process.communicate(timeout=120) for process in processes]
    ended = [(one.returncode, *words) for one, words in zip(processes, said, strict=True)]
    lost = [words for code, _, words in ended if code]
    assert all("TakenOver: another run works on the capture in" in words for words in lost), lost
    assert_each_row_once(store)
    capture = store.complete(DAY)
    assert capture is not None
    # Whoever ends well has the same capture.
    won = {words for code, words, _ in ended if not code}
    assert won == {f"{capture.manifest.attempt} {PAGES} {HUB.total('models')}\n"}


@pytest.mark.heavy
@pytest.mark.usefixtures("postgres_locks")
def test_of_eight_machines_that_share_locks_one_captures(
    hub: ServeHub, store: CaptureStore, tmp_path: Path
) -> None:
    eight_that_lock(hub, store, tmp_path)


@pytest.mark.heavy
@pytest.mark.release
def test_of_eight_processes_with_locks_of_files_one_captures(hub: ServeHub, tmp_path: Path) -> None:
    eight_that_lock(hub, CaptureStore(Lake(tmp_path / "lake"), "raw_models"), tmp_path)


def eight_that_lock(hub: ServeHub, store: CaptureStore, folder: Path) -> None:
    """Eight capture the same day at once: all end with it, and each page was asked for once."""
    served = hub(HUB, Faults(latency=0.01))
    processes = [captures_elsewhere(folder, served.url, store.lake, NOON, PAGE) for _ in range(8)]
    said = [process.communicate(timeout=300) for process in processes]
    assert [one.returncode for one in processes] == [0] * 8, said
    assert_each_row_once(store)
    capture = store.complete(DAY)
    assert capture is not None
    won = {words for words, _ in said}
    assert won == {f"{capture.manifest.attempt} {PAGES} {HUB.total('models')}\n"}
    assert Counter(served.listed).total() == PAGES
