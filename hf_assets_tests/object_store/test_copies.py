"""Copies of folders of a store: complete, verified, shared, and no more than there is room for."""

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hf_assets.object_store import copies
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.copies import local_copy, side_by_side
from hf_assets.object_store.path import StorePath
from hf_assets.object_store.scratch import STALE, scratch, scratch_folder, sweep, work_folder
from hf_assets.object_store.versions import MARKER, DamagedFolder, current_version
from hf_assets.storage.folders import local_folders, replacing_folder
from hf_assets_tests.support.object_store.counting import CountingProxy, Fault

HOLDS = """
import sys
from hf_assets.object_store.path import location
from hf_assets.storage.folders import local_folder
local_folder(location(sys.argv[1]))
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def place(bucket: StorePath) -> StorePath:
    place = bucket / "corpora" / "questions"
    put(place, "old")
    forget()
    return place


def put(place: StorePath, content: str, size: int = 1000) -> None:
    with replacing_folder(place) as folder:
        for name in "abc":
            (folder / name).write_text(content * size)


def forget() -> None:
    """As on another machine."""
    for entry in list(copies._held):
        copies._release(entry)
    shutil.rmtree(scratch())


def entries() -> list[str]:
    return sorted(path.name for path in (scratch() / "folders").glob("[!.]*"))


def read(folder: Path) -> str:
    (content,) = {(folder / name).read_text() for name in "abc"}
    return content[:3]


def test_a_copy_is_fetched_once_for_all(place: StorePath, store_proxy: CountingProxy) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(lambda _: local_copy(place), range(6)))
    assert len(found) == 1
    # Six read the marker, one the files.
    assert store_proxy.counts() == {"GET": 6 + 3}
    assert read(found.pop()) == "old"


def test_processes_share_a_copy(place: StorePath, store_proxy: CountingProxy) -> None:
    command = [sys.executable, "-c", HOLDS, str(place)]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
               for _ in range(2)]  # fmt: skip
    for process in started:
        process.communicate(b"\n", timeout=60)
    assert [process.returncode for process in started] == [0, 0]
    assert store_proxy.counts() == {"GET": 2 + 3}


def test_copies_that_somebody_removed_leave_no_descriptor(place: StorePath) -> None:
    counts = set()
    for _ in range(5):
        local_copy(place)
        shutil.rmtree(scratch())
        counts.add(_open_files())
    assert len(counts) == 1


def _open_files() -> int:
    """How many descriptors this process has; a connection of the client may come or go."""
    links = [os.readlink(path) for path in Path("/dev/fd").iterdir() if path.is_symlink()]
    return sum(not link.startswith(("socket:", "anon_inode:")) for link in links)


@pytest.mark.parametrize("damage", ["shorter", "same size", "gone", "older"])
def test_a_damaged_copy_is_fetched_again(place: StorePath, damage: str) -> None:
    file = local_copy(place) / "b"
    if damage == "gone":
        file.unlink()
    elif damage == "older":
        os.utime(file, (1, 1))
    else:
        file.write_text("x" if damage == "shorter" else "x" * 3000)
    assert read(local_copy(place)) == "old"
    assert len(entries()) == 1


def test_a_copy_that_another_process_has_open_is_replaced_beside_it(place: StorePath) -> None:
    command = [sys.executable, "-c", HOLDS, str(place)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    folder = local_copy(place)
    with (folder / "a").open() as file:
        (folder / "b").unlink()
        copies._release(folder.parents[1])
        assert read(local_copy(place)) == "old"
        assert file.read().startswith("old")
    process.communicate("\n", timeout=60)


@pytest.mark.parametrize("content", [b"new" * 1000, b"new"])
def test_an_object_that_is_not_what_the_marker_says_is_refused(
    place: StorePath, content: bytes
) -> None:
    overwrite(place / f"v={current_version(place).version}" / "b", content)
    with pytest.raises(DamagedFolder, match=r"/b cannot be read .*SHA-256 differ"):
        local_copy(place)
    assert entries() == []
    assert not list(scratch().rglob(".*.tmp"))


def test_an_object_that_is_missing_is_named(place: StorePath) -> None:
    (place / f"v={current_version(place).version}" / "b").unlink()
    with pytest.raises(DamagedFolder, match="a file of it is missing"):
        local_copy(place)
    assert entries() == []


def test_a_version_that_went_meanwhile_is_followed_by_the_next(
    place: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = copies.current_version

    def late(folder: StorePath) -> object:
        monkeypatch.undo()
        version = seen(folder)
        put(place, "new")
        for name in "abc":
            (place / f"v={version.version}" / name).unlink()
        return version

    environment = {name: os.environ[name] for name in os.environ if name.startswith(("AWS", "HF_"))}
    monkeypatch.setattr(copies, "current_version", late)
    with pytest.MonkeyPatch.context() as patch:
        undo, monkeypatch.undo = monkeypatch.undo, lambda: patch_back(monkeypatch, seen)
        for name, value in environment.items():
            patch.setenv(name, value)
        assert read(local_copy(place)) == "new"
        monkeypatch.undo = undo


def patch_back(monkeypatch: pytest.MonkeyPatch, seen: object) -> None:
    monkeypatch.setattr(copies, "current_version", seen)


@pytest.mark.parametrize("what", ["cut", "lost", "SlowDown"])
def test_an_answer_that_breaks_off_is_asked_for_again(
    place: StorePath, store_proxy: CountingProxy, what: str
) -> None:
    store_proxy.faults = [Fault(what, kinds=("GET",), key="/v=", times=2)]
    assert read(local_copy(place)) == "old"


def test_the_least_recently_used_go_but_none_of_the_last_day(
    bucket: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ASSETS_SCRATCH_GB", "0.00002")  # two copies of 9,000 bytes
    folders = [bucket / "corpora" / name for name in ("one", "two", "three", "four", "five")]
    for folder in folders[:4]:
        put(folder, "old")
    assert len(entries()) == 4  # all are of today
    for entry in list(copies._held):
        if "three" not in entry.name:
            copies._release(entry)
    now = time.time()
    for entry in (scratch() / "folders").glob("[!.]*"):
        age = {"one": 3, "two": 2, "three": 4, "four": 0}[entry.name.partition("-")[0]]
        os.utime(entry, (now, now - age * STALE))
    put(folders[4], "old")
    # The oldest is in use, and the youngest of today.
    assert [name.partition("-")[0] for name in entries()] == ["five", "four", "three"]
    assert read(local_copy(folders[0])) == "old"


def test_what_killed_runs_left_goes_a_day_later(bucket: StorePath, tmp_path: Path) -> None:
    left, young = scratch() / ".corpus.1-a.tmp", scratch() / ".corpus.1-b.tmp"
    file = scratch() / ".data.parquet.1-a.tmp"
    with scratch_folder("training") as running:
        for path in (left, young):
            path.mkdir()
        file.write_text("half")
        for path in (left, file, running):
            os.utime(path, (1, 1))
        sweep()
        assert {path.name for path in scratch().glob(".*.tmp")} == {running.name, young.name}


def test_folders_side_by_side(bucket: StorePath) -> None:
    home = bucket / "classifiers" / "questions"
    for step in ("onnx", "quantized"):
        put(home / "minilm" / step, step)
    view = local_folders(home, ["minilm/onnx", "minilm/quantized"]) / "minilm"
    assert view.name == "minilm"
    assert {path.name: read(path) for path in view.iterdir()} == {"onnx": "onn", "quantized": "qua"}
    put(home / "minilm" / "onnx", "new")
    # The view that was handed out is of the versions that it was made of.
    assert read(view / "onnx") == "onn"
    assert read(local_folders(home, ["minilm/onnx"]) / "minilm" / "onnx") == "new"
    assert side_by_side({}).is_dir()


def test_work_lies_on_this_machine(bucket: StorePath, tmp_path: Path) -> None:
    assert work_folder(tmp_path) == tmp_path
    work = work_folder(bucket / "classifiers" / "checkpoints")
    assert work.is_relative_to(tmp_path / "scratch" / "work")
    assert work.name == "checkpoints"
    assert MARKER not in str(work)
