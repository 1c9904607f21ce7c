"""Two runs at once, readers meanwhile, and a full disk."""

import resource
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from hf_assets.demo.hub.faults import Faults
from hf_assets.hub.capture.capturer import NoCapture, Progress
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.client.listing import ListingError
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import DAY, NOON, Clock, ServedHub, ServeHub
from hf_assets_tests.support.full_disk import files_no_longer_than
from hf_assets_tests.support.hub.captures import crawl, ids_of, open_capture, store_of
from hf_assets_tests.support.hub.lakes import in_a_folder
from hf_assets_tests.support.hub.small_hub import HUB, MODELS, Obtain, break_off, files, listed

# Two at once


def test_two_processes_make_one_capture(hub: ServeHub, lake: Lake, folder: Path) -> None:
    served = hub(HUB, Faults(latency=0.02))
    process = crawl(served.url, lake, NOON, 20, "models")
    while not served.listed and process.poll() is None:
        time.sleep(0.001)
    other = served.capturer(Clock(NOON + timedelta(seconds=5)))
    capture = other.get_or_capture(store_of(folder), DAY, MODELS)
    said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert said[0].split()[0] == capture.manifest.attempt != ""
    assert open_capture(folder) == capture
    assert ids_of(capture) == listed()
    assert len(served.listed) == len(set(served.listed)) == 25
    assert len(list(folder.glob("*/journal.jsonl"))) == 1


@pytest.mark.parametrize("refetch", [False, True])
def test_threads_make_one_capture(hub: ServeHub, folder: Path, refetch: bool) -> None:
    served = hub(HUB, Faults(latency=0.02))
    if refetch:
        served.capturer().get_or_capture(store_of(folder), DAY, MODELS)
        served.requests.clear()
    got: list[Capture] = []
    begin = threading.Barrier(3)

    def run() -> None:
        capturer = served.capturer()
        begin.wait()
        got.append(capturer.get_or_capture(store_of(folder), DAY, MODELS, refetch=refetch))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(got) == 3
    assert len({capture.manifest.attempt for capture in got}) == 1
    assert ids_of(got[0]) == ids_of(got[2]) == listed()
    assert len(served.listed) == 5


@contextmanager
def held(folder: Path) -> Generator[None]:
    """Another run captures that day."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        yield


@in_a_folder
def test_a_run_does_not_wait_for_ever_for_another(served: ServedHub, folder: Path) -> None:
    with held(folder), pytest.raises(ListingError, match="another run has been capturing"):
        served.capturer(lock_wait=0.05).get_or_capture(store_of(folder), DAY, MODELS)
    assert "another run is capturing 2026-11-20: waiting for it" in served.told
    assert served.requests == []


@in_a_folder
def test_the_journal_of_a_running_capture_is_left_alone(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    break_off(served, obtain)
    (journal,) = folder.glob("*/journal.jsonl")
    before = journal.stat()
    with held(folder), pytest.raises(ListingError, match="another run"):
        served.capturer(Clock(NOON + timedelta(hours=13)), lock_wait=0.05).get_or_capture(
            store_of(folder), DAY, MODELS
        )
    after = journal.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@in_a_folder
def test_no_capture_begins_under_a_day_that_ended_while_it_waited(
    served: ServedHub, folder: Path
) -> None:
    clock = Clock(NOON + timedelta(hours=11, minutes=59))
    other = FileLock(folder / ".lock")
    folder.mkdir(parents=True)
    other.acquire()

    def midnight(_: str) -> None:
        clock.now = NOON + timedelta(hours=12, minutes=1)
        other.release()

    with pytest.raises(NoCapture, match="2026-11-20 is over"):
        served.capturer(clock, log=midnight).get_or_capture(store_of(folder), DAY, MODELS)
    assert served.requests == []
    assert files(folder) == {}


def test_a_reader_never_sees_half_a_capture(hub: ServeHub, folder: Path) -> None:
    served = hub(HUB, Faults(latency=0.02))
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            capture = open_capture(folder)
            seen.add("nothing" if capture is None else str(len(ids_of(capture))))
            time.sleep(0.001)

    reader = threading.Thread(target=look)
    reader.start()
    served.capturer().get_or_capture(store_of(folder), DAY, MODELS)
    done.set()
    reader.join()
    assert seen <= {"nothing", "500"}
    assert "nothing" in seen


# A full disk


def no_temporaries(folder: Path) -> bool:
    return not list(folder.rglob("*.tmp"))


@in_a_folder
def test_a_page_that_finds_no_room_leaves_the_old_capture(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    first = obtain()
    with files_no_longer_than(4000), pytest.raises(OSError, match="File too large"):
        obtain(refetch=True)
    kept = open_capture(folder)
    assert kept is not None
    assert kept.manifest.attempt == first.manifest.attempt
    assert ids_of(kept) == listed()
    assert no_temporaries(folder)
    assert ids_of(obtain(refetch=True)) == listed()


@in_a_folder
def test_a_capture_json_that_finds_no_room_leaves_the_old_one(
    served: ServedHub, obtain: Obtain, folder: Path
) -> None:
    first = obtain()
    marker = (folder / "capture.json").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(progress: Progress) -> None:
        if progress.pages == 5:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))

    try:
        with pytest.raises(OSError, match="File too large"):
            served.capturer(report=fill, report_every=0.0).get_or_capture(
                store_of(folder), DAY, MODELS, refetch=True
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (folder / "capture.json").read_bytes() == marker
    kept = open_capture(folder)
    assert kept is not None
    assert ids_of(kept) == listed()
    assert no_temporaries(folder)
    served.requests.clear()
    assert obtain(refetch=True).manifest.attempt != first.manifest.attempt
    assert served.requests == []  # every page was there already
