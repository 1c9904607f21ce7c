"""A folder is there whole or not at all, whatever happens while it is replaced."""

import errno
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import polars as pl
import pyarrow as pa
import pytest

from hf_assets.storage import durable, folders
from hf_assets.storage.durable import StorageError, replacing, storing
from hf_assets.storage.folders import remove_folder, replacing_folder
from hf_assets.storage.lake import Lake, MissingArtefact, MissingDay, TableWrite
from hf_assets_tests.support.slow_writer import NUMBERS, numbers

# Replaces the folder, and waits between its two renames.
STOPPED = """
import sys
from pathlib import Path
from hf_assets.storage import folders
rename = Path.rename
folders._exchanged = lambda *_: False
def once(self, target):
    rename(self, target)
    Path.rename = rename
    print("now", flush=True)
    sys.stdin.readline()
Path.rename = once
with folders.replacing_folder(Path(sys.argv[1])) as folder:
    (folder / "a").write_text("new")
"""


# Replaces the folder so many times, with or without the system's exchange of two folders.
MANY = """
import sys
from pathlib import Path
from hf_assets.storage import folders
if sys.argv[2] == "renames":
    folders._exchanged = lambda *_: False
for number in range(int(sys.argv[3])):
    with folders.replacing_folder(Path(sys.argv[1])) as folder:
        for name in "ab":
            (folder / name).write_text("new")
"""


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text()
            for path in folder.rglob("*") if path.is_file()}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "classifiers" / "questions" / "onnx"
    with replacing_folder(place) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "a").write_text("old")
        (folder / "b").write_text("old")
    return place


def names(folder: Path) -> list[str]:
    """What lies there, but for locks."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def stopped(place: Path) -> "subprocess.Popen[str]":
    """A process that replaces the folder, between its two renames."""
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "now\n"
    return process


def test_the_new_folder_takes_the_place_of_the_old(place: Path) -> None:
    with replacing_folder(place) as folder:
        assert contents(place) == {"deep/a": "old", "b": "old"}
        assert list(folder.iterdir()) == []
        (folder / "c").write_text("new")
    assert contents(place) == {"c": "new"}
    assert names(place.parent) == ["onnx"]


def test_an_error_leaves_the_old_folder_and_nothing_else(place: Path) -> None:
    def fail() -> None:
        with replacing_folder(place) as folder:
            (folder / "c").write_text("half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert contents(place) == {"deep/a": "old", "b": "old"}
    assert names(place.parent) == ["onnx"]


def test_a_killed_writer_leaves_the_old_folder(place: Path) -> None:
    durable.beside(place).mkdir()  # as it is there while the block fills it
    assert contents(place) == {"deep/a": "old", "b": "old"}
    (left,) = [place.parent / name for name in names(place.parent) if name != place.name]
    with replacing_folder(place) as folder:
        (folder / "a").write_text("new")
    assert left.exists()  # it may be a running writer's
    long_ago = time.time() - durable.STALE_TEMPORARY - 60
    os.utime(left, (long_ago, long_ago))
    with replacing_folder(place) as folder:
        (folder / "a").write_text("newer")
    assert names(place.parent) == ["onnx"]


def test_killed_between_two_renames_the_old_folder_comes_back(place: Path) -> None:
    process = stopped(place)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert not place.exists()
    lake = Lake(place.parents[2])
    assert contents(lake.artefact("classifiers", "questions", "onnx"))["b"] == "old"


def test_killed_between_two_renames_the_next_writer_goes_on(place: Path) -> None:
    place.rename(folders._aside(place))
    with replacing_folder(place) as folder:
        assert contents(place)["b"] == "old"
        (folder / "a").write_text("newer")
    assert contents(place) == {"a": "newer"}


def test_a_reader_between_the_renames_of_a_living_writer_waits_for_it(place: Path) -> None:
    writer = stopped(place)
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(Lake(place.parents[2]).artefact, "classifiers", "questions", "onnx")
        with pytest.raises(TimeoutError):
            reader.result(0.2)
        writer.communicate("go on\n", timeout=60)
        assert writer.returncode == 0
        assert contents(reader.result(60)) == {"a": "new"}
    assert names(place.parent) == ["onnx"]


@pytest.mark.parametrize("times", [20, pytest.param(200, marks=pytest.mark.heavy)])
@pytest.mark.parametrize("how", ["exchange", "renames"])
def test_writers_and_readers_do_not_meet(tmp_path: Path, how: str, times: int) -> None:
    place = tmp_path / "onnx"
    with replacing_folder(place) as folder:
        for name in "ab":
            (folder / name).write_text("old")
    command = [sys.executable, "-c", MANY, str(place), how, str(times)]
    writers = [subprocess.Popen(command) for _ in range(2)]
    missing = 0
    while any(writer.poll() is None for writer in writers):
        folders.restore(place)
        missing += not place.is_dir()
    assert [writer.returncode for writer in writers] == [0, 0]
    assert contents(place) == {"a": "new", "b": "new"}
    assert names(tmp_path) == ["onnx"]
    assert how == "renames" or not missing


def test_a_folder_that_was_half_removed_is_not_there(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path, **_: object) -> None:
        (path / "b").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(folders.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove_folder(place)
    assert not place.exists()
    remove_folder(place)


def test_what_was_never_made_is_named(lake: Lake) -> None:
    with pytest.raises(MissingArtefact, match="classifiers/questions/onnx"):
        lake.artefact("classifiers", "questions", "onnx")
    with pytest.raises(MissingDay, match="there is no numbers: materialise it"):
        lake.read("numbers", None)


@pytest.mark.parametrize("names", [("..", "x"), ("a", "../../x"), ("A",), ("a b",), ("",)])
def test_no_artefact_outside_of_the_lake(lake: Lake, names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="not an asset's name"):
        lake.artefact(*names)


def test_a_table_without_days_is_stored_and_replaced(lake: Lake) -> None:
    lake.write(NUMBERS, None, TableWrite([numbers(0, 3)]))
    stored = lake.write(NUMBERS, None, TableWrite([numbers(0, 5)], notes={"odd": 1}))
    assert stored.path == lake.root / "numbers" / "data.parquet"
    assert (stored.rows, stored.day, stored.notes) == (5, "", {"odd": 1})
    assert lake.days("numbers") == []


# What the disk does not take


def os_error(number: int, path: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), path) if path else OSError(number, "x")


FULL = {
    "its own": lambda _: os_error(errno.ENOSPC),
    "polars": lambda _: pl.exceptions.ComputeError("No space left on device (os error 28)"),
    "pyarrow": lambda _: pa.ArrowInvalid("Error writing. Detail: [errno 28] No space left"),
    "torch": lambda _: RuntimeError("Error while serializing: I/O error: (os error 28)"),
    "temporary": lambda path: os_error(errno.ENOSPC, str(path.with_name(f".{path.name}.1.tmp"))),
    "quota": lambda _: os_error(errno.EDQUOT),
    "file size": lambda _: os_error(errno.EFBIG),
    "read-only": lambda path: os_error(errno.EROFS, str(path.parent)),
    "forbidden": lambda path: os_error(errno.EACCES, str(path / "x")),
    "not allowed": lambda path: os_error(errno.EPERM, str(path)),
}
DOORS = {
    "file": replacing,
    "folder": replacing_folder,
    "other": storing,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("case", FULL)
def test_what_the_disk_does_not_take_is_told_for_good(tmp_path: Path, case: str, door: str) -> None:
    path = tmp_path / "deep" / "onnx"
    with pytest.raises(StorageError) as seen, DOORS[door](path):
        raise FULL[case](path)
    assert seen.value.permanent
    assert isinstance(seen.value, OSError)
    told = str(seen.value)
    assert ".tmp" not in told
    assert re.match(rf"{tmp_path}\S* cannot be written: [A-Z][\w -]+\. The file system of ", told)
    assert re.search(r"has [\d,]+ of [\d,]+ bytes free", told)
    assert "; then run this again" in told
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize(
    "error",
    [
        os_error(errno.ECONNRESET),
        os_error(errno.EACCES),  # a connection that a firewall refuses
        os_error(errno.EACCES, "/etc/shadow"),  # what is read meanwhile
        os_error(errno.EROFS, "/proc/x"),
        os_error(errno.EIO),
        RuntimeError("page 28 is odd"),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
def test_other_errors_stay_what_they_are(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)) as seen, replacing(tmp_path / "deep" / "a"):
        raise error
    assert seen.value is error


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    mkdir = mock.patch.object(Path, "mkdir", side_effect=os_error(errno.EROFS, str(tmp_path)))
    with mkdir, pytest.raises(StorageError, match="mount the file system for writing"):
        durable.write_bytes(tmp_path / "models" / "day" / "x", b"")


@contextmanager
def closed(folder: Path) -> Generator[None]:
    """A folder that this user may not enter: for root no folder is closed."""
    folder.mkdir(mode=0)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)


@pytest.mark.parametrize("door", DOORS)
def test_a_folder_that_may_not_be_entered_is_told(tmp_path: Path, door: str) -> None:
    path = tmp_path / "closed" / "x" / "y"
    with (
        pytest.raises(StorageError, match="let this user write there"),
        closed(tmp_path / "closed"),
        DOORS[door](path),
    ):
        path.mkdir(parents=True)


def test_a_disk_without_names_for_files_says_so(tmp_path: Path) -> None:
    real = os.statvfs(tmp_path)
    none = mock.Mock(wraps=real, f_bavail=9, f_frsize=100, f_blocks=20, f_files=7, f_favail=0)
    with (
        mock.patch.object(os, "statvfs", return_value=none),
        pytest.raises(StorageError, match=r"900 of 2,000 bytes free, and no more files can be m"),
        storing(tmp_path / "a"),
    ):
        raise os_error(errno.ENOSPC)
