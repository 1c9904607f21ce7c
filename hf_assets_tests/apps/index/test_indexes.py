"""Indexes in scratch: of exactly one version, complete or not there, bounded, made once."""

import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import polars as pl
import pytest

from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.index import folders, indexes
from hf_assets.apps.index.indexes import Indexes
from hf_assets.apps.index.query import NONE_GIVEN, ModelQuery
from hf_assets.hub.tables.schemas import MODELS
from hf_assets.object_store.scratch import in_use
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.storage.stored import StoredTable
from hf_assets_tests.support.apps.hub_lake import DAYS, LAST, NAMES, write_hub_lake

PATIENCE = 60.0


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return write_hub_lake(tmp_path_factory.mktemp("lake"), history=False)


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_ASSETS_SCRATCH", str(tmp_path / "scratch"))
    return tmp_path / "scratch"


def _models(lake: Lake, day: str = LAST) -> StoredTable:
    return lake.read("models", day)


def _until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_process_of_its_own_makes_it_and_answers_are_the_same(lake: Lake) -> None:
    own = Indexes(fewest=1)
    with_index, without = LakeReader(lake.root, own), LakeReader(lake.root)
    queries = [ModelQuery("model-0"), ModelQuery(author=("author1",)), ModelQuery(sort="likes")]
    expected = [without.models(LAST, query).rows.rows() for query in queries]
    try:
        assert [with_index.models(LAST, query).rows.rows() for query in queries] == expected
        assert with_index.index_share(LAST) is not None
        _until(lambda: own.of(lake, _models(lake)))
        _until(lambda: with_index.index_share(LAST) is None)
        assert [with_index.models(LAST, query).rows.rows() for query in queries] == expected
        for name in (*NAMES, "nobody/nothing"):
            row = without.model(LAST, name)
            assert with_index.model(LAST, name) == row
            if row:
                assert with_index.rank_in_category(LAST, row) == without.rank_in_category(LAST, row)
        for field in ("gated", "tag", "language", "base_model", "relation", "category"):
            assert with_index.choices(LAST, field) == without.choices(LAST, field)
        assert with_index.choices(LAST, "base_model") == [NONE_GIVEN, NAMES[0]]
        mine = ModelQuery(author=("author1",))
        assert with_index.totals(LAST, mine) == without.totals(LAST, mine)
        assert with_index.derivatives(LAST, NAMES[0]).total == 2
    finally:
        own.close()


def test_an_index_is_of_the_very_version_of_the_table(lake: Lake, tmp_path: Path) -> None:
    copied = Lake(shutil.copytree(lake.root, tmp_path / "copy"))
    before = folders.index_name(_models(copied))
    assert before != folders.index_name(_models(lake))  # another lake
    assert before != folders.index_name(_models(copied, DAYS[0]))
    folders.make(_models(copied))
    assert folders.opened(before)
    rows = _models(copied).frame.collect()
    copied.write(MODELS, LAST, TableWrite([rows.with_columns(likes=pl.lit(7, pl.Int64))]))
    name = folders.index_name(_models(copied))
    assert name != before
    assert folders.opened(name) is None
    # A child that is asked for a version which is gone makes nothing.
    assert indexes.main(str(copied.root), LAST, before) == indexes._REPLACED
    assert folders.opened(name) is None


@pytest.mark.parametrize("where", ["names.arrow", "about.json"])
def test_a_damaged_index_is_removed_and_made_again(lake: Lake, where: str) -> None:
    models = _models(lake)
    folders.make(models)
    name = folders.index_name(models)
    path = folders.home() / name / where
    path.write_bytes(path.read_bytes()[:20])
    assert folders.opened(name) is None
    assert not (folders.home() / name).exists()
    assert folders.make(models)
    assert folders.opened(name)


_KILLED = """
import os, signal, sys
from hf_assets.apps.index import folders
from hf_assets.storage.lake import Lake
def tell(share):
    if share > 0.5:
        os.kill(os.getpid(), signal.SIGKILL)
folders.make(Lake.at(sys.argv[1]).read("models", sys.argv[2]), tell)
"""


def test_what_a_killed_process_left_is_no_index(lake: Lake, monkeypatch) -> None:
    models = _models(lake)
    code = [sys.executable, "-c", _KILLED, str(lake.root), LAST]
    assert subprocess.run(code, check=False).returncode == -signal.SIGKILL
    name = folders.index_name(models)
    (left,) = folders.home().glob(".*.tmp")
    assert (left / "names.arrow").is_file()
    assert folders.opened(name) is None
    assert not folders.is_being_made(name)
    monkeypatch.setattr(folders, "_LEFT", 0.0)
    assert folders.make(models)
    assert folders.opened(name)
    assert not left.exists()


def test_two_processes_make_one_index(lake: Lake) -> None:
    models = _models(lake)
    name = folders.index_name(models)
    claim = folders._claim(name)
    claim.touch()
    held = in_use(claim, alone=True)  # as another process that makes it
    try:
        assert folders.is_being_made(name)
        assert not folders.make(models)
        own = Indexes(fewest=1)
        assert own.of(lake, models) is None
        assert own.share(models) is None, "a second one was begun"
    finally:
        os.close(held)
    command = [sys.executable, "-m", "hf_assets.apps.index.indexes", str(lake.root), LAST, name]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(2)]
    assert [process.wait(PATIENCE) for process in both] == [0, 0]
    assert folders.opened(name)
    assert [path.name for path in folders.home().iterdir()] == [name]


def test_the_index_unused_for_longest_goes_unless_it_is_open(lake: Lake, monkeypatch) -> None:
    size = 0.0
    for at, day in enumerate(DAYS[:3]):
        folders.make(_models(lake, day))
        folder = folders.home() / folders.index_name(_models(lake, day))
        os.utime(folder, (at, at))
        size = folders._bytes(folder)
    names = [folders.index_name(_models(lake, day)) for day in DAYS]
    held = folders.opened(names[0])
    assert held
    os.utime(folders.home() / names[0], (0, 0))
    # Room for two, the new one among them; the oldest is open, the next one is not.
    room = (2 * size + len(NAMES) * folders.BYTES) / 1e9
    monkeypatch.setattr(folders, "settings", lambda: _Gigabytes(room * 1.01))
    assert folders.make(_models(lake, DAYS[3]))
    assert {path.name for path in folders.home().iterdir()} == {names[0], names[2], names[3]}
    assert held.page(ModelQuery(), 5).total == len(NAMES)


def test_without_room_or_for_few_models_none_is_made(lake: Lake, monkeypatch) -> None:
    assert Indexes().of(lake, _models(lake)) is None
    monkeypatch.setattr(folders, "settings", lambda: _Gigabytes(0))
    assert Indexes(fewest=1).of(lake, _models(lake)) is None
    assert [*folders.home().iterdir()] == []
    assert settings().index_gb > 1


class _Gigabytes:
    def __init__(self, index_gb: float) -> None:
        self.index_gb = index_gb


def test_an_index_that_cannot_be_made_is_tried_later_and_said(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own, models = Indexes(fewest=1), _models(lake)
    settings()  # as this process has read them: the child cannot
    monkeypatch.setenv("HF_ASSETS_INDEX_GB", "many")
    assert own.of(lake, models) is None
    _until(lambda: "was not made" in caplog.text)
    assert "HF_ASSETS_INDEX_GB" in caplog.text
    assert own.share(models) is None
    began = []
    monkeypatch.setattr(own, "_begin", lambda *_: began.append(1))
    assert own.of(lake, models) is None
    assert began == []
    monkeypatch.setattr(indexes, "_AGAIN", 0.0)
    own.of(lake, models)
    assert began == [1]


class _Child:
    """A child that ends when it is terminated; by then its follower has ended, too."""

    def __init__(self, status: int = -signal.SIGTERM) -> None:
        self._ended, self._status = threading.Event(), status
        self.stdout, self.stderr = self._lines(), io.StringIO("")
        self.follower: threading.Thread | None = None

    def _lines(self) -> Iterator[str]:
        self._ended.wait(PATIENCE)
        yield from ()

    def wait(self) -> int:
        return self._status

    def terminate(self) -> None:
        self._ended.set()
        assert self.follower
        self.follower.join(PATIENCE)
        assert not self.follower.is_alive(), "it waits for who waits for it"


@pytest.mark.parametrize("status", [0, -signal.SIGTERM], ids=["made", "ended"])
def test_children_that_end_while_all_are_closed(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    own = Indexes(fewest=1)
    for name in ("a", "b"):
        child = _Child(status)
        making = own._making[name] = indexes.Making(cast("subprocess.Popen[str]", child))
        child.follower = threading.Thread(target=own._follow, args=(name, making))
        child.follower.start()
    own.close()
    assert "was not made" not in caplog.text, "nobody asks for it any more"


def test_none_is_begun_once_all_are_closed(lake: Lake) -> None:
    own = Indexes(fewest=1)
    own.close()
    assert own.of(lake, _models(lake)) is None
    assert not own._making
