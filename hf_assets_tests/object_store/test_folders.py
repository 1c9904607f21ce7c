"""A folder on a store is replaced as one: the old version or the new one, whatever happens."""

import errno
import hashlib
import random
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest

from hf_assets.object_store import folders, versions, writer
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.errors import CommitConflict, StoreError
from hf_assets.object_store.path import StorePath
from hf_assets.object_store.versions import MARKER, DamagedFolder, current_version, unnamed_versions
from hf_assets.storage.durable import StorageError
from hf_assets.storage.folders import (
    folder_bytes,
    folder_stamp,
    is_stored,
    local_folder,
    local_path,
    remove_folder,
    replacing_folder,
    written_at,
)
from hf_assets.storage.lake import Lake, MissingArtefact
from hf_assets_tests.support.full_disk import files_no_longer_than
from hf_assets_tests.support.object_store.counting import CountingProxy, Fault
from hf_assets_tests.support.object_store.folder_writer import version_in, write

FILES = 5


@pytest.fixture
def place(bucket: StorePath) -> StorePath:
    return bucket / "classifiers" / "questions" / "onnx"


def keys(place: StorePath) -> list[str]:
    return [str(path.relative_to(place)) for path, _ in place.below()]


def put(place: StorePath, *, public: bool = False, **files: str) -> None:
    with replacing_folder(place, public=public) as folder:
        for name, content in files.items():
            (folder / name.replace("_", ".")).write_text(content)


def test_what_is_written_is_read(any_lake: Lake) -> None:
    place = any_lake.folder("classifiers/questions/onnx", None)
    content = {"deep/a": b"a" * 3_000_000, "b": b"", "c=1 ä.txt": b"c"}
    assert not is_stored(place)
    assert folder_stamp(place) == ()
    with pytest.raises(MissingArtefact, match="there is no classifiers/questions/onnx: mat"):
        any_lake.artefact("classifiers", "questions", "onnx")
    with replacing_folder(place) as folder:
        for name, one in content.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(one)
    first, here = folder_stamp(place), any_lake.artefact("classifiers", "questions", "onnx")
    assert {f"{path.relative_to(here)}": path.read_bytes()
            for path in here.rglob("*") if path.is_file()} == content  # fmt: skip
    assert (here.name, here.parent.name) == ("onnx", "questions")
    assert is_stored(place)
    assert folder_bytes(place) == 3_000_001
    assert local_path(place / "b").read_bytes() == b""
    with replacing_folder(place) as folder:
        (folder / "d").write_text("d")
    assert folder_stamp(place) not in ((), first)
    assert [path.name for path in local_folder(place).iterdir()] == ["d"]
    assert abs(written_at(place) - time.time_ns()) < 60e9
    remove_folder(place)
    assert not is_stored(place)
    remove_folder(place)


def test_the_marker_names_files_hashes_and_who_wrote_them(
    place: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_current", "")  # and as it was, at the end
    with pytest.raises(ValueError, match="a run has an id"):
        writer.writing_as("")
    writer.writing_as("0f3c/run")
    put(place, a="x")
    said = msgspec.json.decode((place / MARKER).read_bytes())
    assert said["writer"] == "0f3c-run"
    assert said["version"].endswith("Z-0f3c-run")
    assert said["files"] == {"a": {"size": 1, "sha256": hashlib.sha256(b"x").hexdigest()}}
    assert keys(place) == [MARKER, f"v={said['version']}/a"]


def test_an_error_in_the_block_stores_nothing(place: StorePath, tmp_path: Path) -> None:
    put(place, a="old")
    before = keys(place)

    def fail() -> None:
        with replacing_folder(place) as folder:
            (folder / "a").write_text("half")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert keys(place) == before
    assert not list((tmp_path / "scratch").glob(".*.tmp"))


def test_of_two_writers_the_first_wins_and_the_other_leaves_nothing(place: StorePath) -> None:
    def late() -> None:
        with replacing_folder(place) as folder:
            put(place, a="first")
            (folder / "a").write_text("second")

    with pytest.raises(CommitConflict, match="questions/onnx while this one made it"):
        late()
    assert len(keys(place)) == 2
    assert local_path(place / "a").read_text() == "first"


@pytest.mark.parametrize("existing", [False, True])
def test_one_of_many_writers_wins_whole(place: StorePath, existing: bool) -> None:
    if existing:
        write(place, FILES, "old")
    # Every block begins before the first ends.
    everyone = [replacing_folder(place) for _ in range(6)]
    folders = [one.__enter__() for one in everyone]
    for number, folder in enumerate(folders):
        (folder / "deep").mkdir()
        for name in ("deep/0", *(f"{each}.bin" for each in range(1, FILES))):
            (folder / name).write_text(f"{number} " * 3000)

    def end(number: int) -> bool:
        try:
            return not everyone[number].__exit__(None, None, None)
        except CommitConflict:
            return False

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(end, range(6)))
    assert sum(won) == 1
    assert version_in(place, FILES) == str(won.index(True))
    assert len(keys(place)) == 1 + FILES * (1 + existing)


@pytest.mark.parametrize("key", [MARKER, "/a$"])
def test_a_lost_answer_is_read_back(place: StorePath, store_proxy: CountingProxy, key: str) -> None:
    put(place, a="old")
    store_proxy.faults = [Fault("lost", kinds=("PUT",), key=key, times=1)]
    put(place, a="new")
    assert local_path(place / "a").read_text() == "new"
    assert store_proxy.faults[0].hits == 1


def test_a_store_that_fails_leaves_the_old_folder(
    place: StorePath, store_proxy: CountingProxy
) -> None:
    put(place, a="old")
    before = keys(place)
    store_proxy.faults = [Fault("AccessDenied", kinds=("PUT",), key="/b$")]
    with pytest.raises(StoreError, match="AccessDenied"):
        put(place, a="new", b="new")
    store_proxy.faults = [Fault("AccessDenied", kinds=("PUT",), key=MARKER)]
    with pytest.raises(StoreError, match="AccessDenied"):
        put(place, a="new")
    store_proxy.faults = []
    assert local_path(place / "a").read_text() == "old"
    # The marker's answer might have been lost: its objects stay for the sweep.
    assert len(keys(place)) == len(before) + 1


def test_requests_of_a_write_and_a_read(place: StorePath, store_proxy: CountingProxy) -> None:
    write(place, 12, "1")
    # The marker is read, then all files, then the marker.
    assert dict(store_proxy.counts()) == {"GET": 1, "PUT": 13}
    store_proxy.clear()
    local_folder(place)
    assert dict(store_proxy.counts()) == {"GET": 1}


def test_a_full_scratch_disk_is_named(place: StorePath, tmp_path: Path) -> None:
    put(place, a="x" * 5000)
    with pytest.raises(StorageError, match="scratch cannot be written"), files_no_longer_than(999):
        put(place, a="y" * 5000)
    with pytest.raises(StorageError, match="set HF_ASSETS_SCRATCH to"), replacing_folder(place):
        raise OSError(errno.ENOSPC, "x")
    for copy in (tmp_path / "scratch" / "folders").glob("onnx-*"):
        copy.rename(tmp_path / "gone")
    with pytest.raises(StorageError, match="scratch cannot be written"), files_no_longer_than(999):
        local_folder(place)
    assert local_path(place / "a").read_text() == "x" * 5000
    assert not list((tmp_path / "scratch").rglob(".*.tmp"))


# Names for people


def test_small_files_get_their_plain_names_and_pages_come_last(
    place: StorePath, store_proxy: CountingProxy
) -> None:
    put(place, public=True, one_png="1", two_png="1", index_html="one two", rows_bin="1")
    assert {path.name: path.read_text() for path in place.children()[1]} | {MARKER: ""} == {
        "one.png": "1", "two.png": "1", "index.html": "one two", MARKER: "",
    }  # fmt: skip
    store_proxy.clear()
    put(place, public=True, one_png="2", index_html="one")
    asked = [(each.kind, each.key.rpartition("/")[2]) for each in store_proxy.asked
             if "/v=" not in each.key and each.kind != "GET"]  # fmt: skip
    assert asked[:3] == [("PUT", MARKER), ("PUT", "one.png"), ("PUT", "index.html")]
    assert {kind for kind, _ in asked[3:]} == {"LIST", "DELETE many"}
    assert [path.name for path in place.children()[1]] == [MARKER, "index.html", "one.png"]


def test_plain_names_in_a_folder_go_with_their_files(place: StorePath) -> None:
    def store(*names: str) -> None:
        with replacing_folder(place, public=True) as folder:
            for name in names:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(name)

    other = place / "apart" / "c.svg"
    overwrite(other, b"of another part")
    store("badge/a/b.svg", "badge/a/c.svg", "page.html")
    store("badge/a/c.svg", "page.html")
    shown = [name for name in keys(place) if not name.startswith("v=")]
    assert shown == ["apart/c.svg", "badge/a/c.svg", MARKER, "page.html"]
    store("page.html")
    shown = [name for name in keys(place) if not name.startswith("v=")]
    assert shown == ["apart/c.svg", MARKER, "page.html"]


def test_plain_names_are_of_the_version_that_won_last(
    place: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = folders._copy

    def slow(*arguments: Any) -> None:
        monkeypatch.setattr(folders, "_copy", copy)
        put(place, public=True, a_png="newer")
        copy(*arguments)

    monkeypatch.setattr(folders, "_copy", slow)
    put(place, public=True, a_png="new")
    assert (place / "a.png").read_text() == "newer"
    assert local_path(place / "a.png").read_text() == "newer"


def test_figures_of_a_day_are_replaced_as_one_and_listed_by_their_marker(
    any_lake: Lake,
) -> None:
    day, on_store = "2026-11-20", isinstance(any_lake.root, StorePath)
    any_lake.write_files(
        "snapshot_figures", day, {"a.png": b"1", "b.png": b"1", "figures.json": b"{}"}
    )
    assert any_lake.days("snapshot_figures", "figures.json") == [day]
    place = any_lake.folder("snapshot_figures", day)
    before = local_folder(place)
    any_lake.write_files("snapshot_figures", day, {"a.png": b"2", "figures.json": b"{}"})
    assert (place / "a.png").read_bytes() == (local_folder(place) / "a.png").read_bytes() == b"2"
    # A reader that has begun reads on in the version that it has.
    assert (before / "a.png").read_bytes() == (b"1" if on_store else b"2")
    assert any_lake.days("snapshot_figures", "figures.json") == [day]


# Markers that are none


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"{",
        lambda said: said.replace(b'"a"', b'"../a"'),
        lambda said: said.replace(b'"a"', b'"/etc/a"'),
        lambda said: said.replace(b'"a"', b'"b\\\\\\\\a"'),
        lambda said: said.replace(b'"version": "', b'"version": "../'),
        lambda said: said.replace(b'"size": 3', b'"size": "3"'),
    ],
    ids=["torn", "above", "absolute", "backslash", "version", "size"],
)
def test_a_marker_that_is_none_is_refused(
    place: StorePath, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    put(place, a="old")
    overwrite(place / MARKER, spoil((place / MARKER).read_bytes()))
    with pytest.raises(DamagedFolder, match=r"questions/onnx cannot be read .*: materialise it ag"):
        local_folder(place)
    assert not (tmp_path / "scratch" / "a").exists()


# The sweep


def test_versions_that_nobody_reads_any_more_are_listed(
    bucket: StorePath, place: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swept(at: datetime) -> list[str]:
        return [str(path.relative_to(bucket)) for each in unnamed_versions(dict(bucket.below()), at)
                for path in each]  # fmt: skip

    now = datetime.now(UTC)
    put(place, a="1", b="1")
    first = current_version(place).version
    orphan = f"v={now:%Y%m%dT%H%M%S.%fZ}-killed"
    overwrite(place / orphan / "a", b"half")
    never = bucket / "corpora" / "q" / orphan / "a"
    overwrite(never, b"half")
    put(place, a="2")
    later = now + timedelta(days=1, minutes=5)
    assert swept(now) == []
    assert sorted(swept(now + timedelta(hours=23))) == []
    found = [path for each in unnamed_versions(dict(bucket.below()), later) for path in each]
    assert {*map(str, found)} == {
        *(f"{place}/v={first}/{name}" for name in "ab"),
        *(str(place / orphan / "a"), str(never)),
    }
    second = current_version(place).version
    # The second was superseded just now, though it was written long ago.
    clock = mock.Mock(wraps=datetime, now=lambda _: datetime.now(UTC) + timedelta(hours=25))
    monkeypatch.setattr(versions, "datetime", clock)
    put(place, a="3")
    home = place.relative_to(bucket)
    assert f"{home}/v={first}/a" in swept(later)
    assert f"{home}/v={second}/a" not in swept(later)
    assert f"{home}/{orphan}/a" in swept(later)


# Killed


def killed_at_random(place: StorePath, times: int, seed: int) -> None:
    """Kill writers at random points; a complete version is there after each, and none is lost."""
    draw, committed = random.Random(seed), 0
    for _ in range(times):
        command = [sys.executable, "-m", "hf_assets_tests.support.object_store.folder_writer",
                   str(place), str(FILES)]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        for _ in range(draw.randrange(3)):
            process.stdout.readline()
        time.sleep(draw.random() * 0.05)
        process.kill()
        done = 1 + process.stdout.read().count("\n")
        process.wait(10)
        committed += done
        # At least what it had reported: a commit may have come after the last line.
        assert int(version_in(place, FILES)) >= 0
    assert committed >= times


def test_a_killed_writer_leaves_a_complete_version(place: StorePath) -> None:
    killed_at_random(place, 1, 3)
    write(place, FILES, "after")
    assert version_in(place, FILES) == "after"


@pytest.mark.heavy
@pytest.mark.parametrize("times", [6, pytest.param(20, marks=pytest.mark.release)])
def test_writers_killed_at_random_points(place: StorePath, times: int) -> None:
    killed_at_random(place, times, 7)
    write(place, FILES, "after")
    assert version_in(place, FILES) == "after"
    # What they left is of no version, and goes a day later.
    later = datetime.now(UTC) + timedelta(days=1, minutes=1)
    for left in unnamed_versions(dict(place.below()), later):
        for path in left:
            path.unlink()
    assert len(keys(place)) == 1 + FILES


def test_readers_while_two_processes_write(place: StorePath) -> None:
    write(place, FILES, "0")
    command = [sys.executable, "-m", "hf_assets_tests.support.object_store.folder_writer",
               str(place), str(FILES), "8"]  # fmt: skip
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        seen.add(version_in(place, FILES))
    assert [writer.returncode for writer in writers] == [0, 0]
    assert len(seen) > 1
    won = [int(writer.communicate()[0].split()[-1]) for writer in writers]
    assert sum(won) >= 8
    # One version is named, each of the others was superseded.
    assert len(keys(place)) == 1 + FILES * (1 + sum(won))


def test_removing_a_folder_leaves_what_another_run_stores_meanwhile(
    place: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(place, a="old")
    delete = folders.delete

    def slowly(paths: list[StorePath]) -> None:
        delete(paths)
        if not is_stored(place):
            put(place, a="new")

    monkeypatch.setattr(folders, "delete", slowly)
    remove_folder(place)
    assert (local_folder(place) / "a").read_text() == "new"
