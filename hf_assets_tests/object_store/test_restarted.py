"""The store itself fails: its disk is full, or it is killed in the middle of writes."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hf_assets.object_store.address import StoreAddress
from hf_assets.object_store.commit import commit, overwrite, seen
from hf_assets.object_store.errors import StoreError
from hf_assets.object_store.path import StorePath
from hf_assets_tests.support.object_store.fixtures import use_store
from hf_assets_tests.support.object_store.weed import Weed, weed

pytestmark = pytest.mark.heavy

MEGABYTE = 1_000_000


def noise(number: int) -> bytes:
    """Bytes that no server compresses."""
    return random.Random(number).randbytes(MEGABYTE)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Weed]:
    """A server of the test alone."""
    with weed("-volume.max=10") as server:
        use_store(monkeypatch, server.endpoint, tmp_path / "scratch")
        yield server


def test_a_full_disk_under_the_store_is_said_and_leaves_no_half(own: Weed, impatient: None) -> None:
    own.kill()
    own.longest = 6 * MEGABYTE
    own.start()
    root = StorePath(StoreAddress.parse("s3://full/lake"))
    stored, refused = [], None
    for number in range(120):
        path = root / f"{number}"
        try:
            commit(path, noise(number), None)
        except StoreError as error:
            refused = path, str(error)
            break
        stored.append(path)
    assert refused is not None
    path, words = refused
    assert "InternalError: look at the store's log: its disk may be full; then run again" in words
    assert not path.exists()
    own.kill()
    own.longest = Weed.longest
    own.start()
    commit(path, b"done", None)
    assert [each.read_bytes() for each in stored] == [noise(n) for n in range(len(stored))]


def test_a_store_killed_in_the_middle_of_writes_loses_and_halves_nothing(own: Weed) -> None:
    """A writer goes on through three kills; what `commit` has returned of is there, whole."""
    root = StorePath(StoreAddress.parse("s3://killed/lake"))
    overwrite(root / "begun", b"")
    versions: list[int] = []
    trouble: list[str] = []
    stop = threading.Event()

    def content(version: int) -> bytes:
        return version.to_bytes(4, "big") * (MEGABYTE // 4)

    def write() -> None:
        version = 0
        while not stop.is_set():
            try:
                for path in (root / "replaced", root / f"v={version}" / "data"):
                    commit(path, content(version), seen(path))
            except StoreError as error:
                trouble.append(str(error))
                continue
            versions.append(version)
            version += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for kill in range(3):
            reached = len(versions)
            while len(versions) <= reached + kill:
                stop.wait(0.01)
            own.kill()
            own.start()
    finally:
        stop.set()
        writer.join()
    last = versions[-1]
    assert (root / "replaced").read_bytes()[:4] in {
        version.to_bytes(4, "big") for version in (last, last + 1)
    }
    for version in versions:
        assert (root / f"v={version}" / "data").read_bytes() == content(version)
    for path, facts in root.below():
        assert facts.size in (0, MEGABYTE), path
