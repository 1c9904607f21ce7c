"""Folders on a store whose writers are killed or meet: one version, whole; what is left goes."""

import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest

from hf_assets.object_store import folders, versions
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.path import StorePath
from hf_assets.object_store.versions import current_version, unnamed_versions
from hf_assets.storage.folders import (
    is_stored,
    local_folder,
    remove_folder,
)
from hf_assets_tests.support.object_store.folder_writer import keys, put, version_in, write

FILES = 5


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
