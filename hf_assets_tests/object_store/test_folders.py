"""A folder on a store is replaced as one: the old version or the new one, whatever happens."""

import errno
import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from hf_assets.object_store import writer
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.errors import CommitConflict, StoreError
from hf_assets.object_store.path import StorePath
from hf_assets.object_store.versions import MARKER, DamagedFolder
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
from hf_assets_tests.support.object_store.folder_writer import keys, put, version_in, write

FILES = 5


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
