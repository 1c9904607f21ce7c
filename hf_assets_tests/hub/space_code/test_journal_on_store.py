"""Answers on a store: few objects, read on any machine, and gone when their day is stored."""

import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest

from hf_assets.hub.space_code import journal_on_store
from hf_assets.hub.space_code.answers import Answer, Journal
from hf_assets.hub.space_code.days import NAME
from hf_assets.hub.space_code.journal_on_store import ANSWERS, JournalOnStore, open_journal
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.errors import StoreError
from hf_assets.object_store.path import StorePath
from hf_assets_tests.support.hub.captures import ROOT
from hf_assets_tests.support.hub.space_files import COMMIT
from hf_assets_tests.support.object_store.counting import CountingProxy, Fault


def answer(number: int, **more: Any) -> Answer:
    said: dict[str, Any] = {"last_modified": COMMIT, "asked": COMMIT, "pages": [b'[{"path": "a"}]']}
    return Answer(hub_id=f"{number:024x}", id=f"a/{number}", **said | more)


@pytest.fixture
def folder(bucket: StorePath) -> StorePath:
    return bucket / NAME


def objects(folder: StorePath) -> int:
    return len(list((folder / "answers").below()))


def test_any_machine_reads_what_is_stored(folder: StorePath, store_proxy: CountingProxy) -> None:
    answers = [answer(number) for number in range(2 * ANSWERS + 7)]
    with open_journal(folder) as journal:
        assert isinstance(journal, JournalOnStore)
        for one in answers:
            journal.add(one)
        assert store_proxy.counts() == {"LIST": 1, "PUT": 2}
        assert [journal.answer(one.hub_id) for one in answers] == answers
    assert store_proxy.counts() == {"LIST": 1, "PUT": 3}
    later = answer(3, asked=COMMIT + timedelta(days=1))
    with open_journal(folder) as other:
        assert other.entries == journal.entries
        other.add(later)
        assert other.answer(later.hub_id) == later
    with open_journal(folder) as third:
        assert [third.answer(one.hub_id) for one in answers] == [
            later if one.hub_id == later.hub_id else one for one in answers
        ]
        third.clear()
        assert third.entries == {}
    assert objects(folder) == 0
    with open_journal(folder) as fourth:
        assert fourth.entries == {}


def test_a_folder_has_the_file_of_before(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        assert isinstance(journal, Journal)
        journal.add(answer(1))
    assert [path.name for path in tmp_path.iterdir()] == ["answers.jsonl"]


def test_what_waits_is_stored_after_some_seconds_though_nothing_follows(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_on_store, "SECONDS", 0.1)
    journal = JournalOnStore(folder / "answers")
    journal.add(answer(1))
    until = time.monotonic() + 60
    while not objects(folder):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert list(JournalOnStore(folder / "answers").entries) == [answer(1).hub_id]


def test_large_answers_make_an_object_sooner(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_on_store, "BYTES", 10_000)
    journal = JournalOnStore(folder / "answers")
    for number in range(4):
        journal.add(answer(number, requirements=b"x" * 6_000))
    assert objects(folder) == 2


def test_an_error_of_the_block_keeps_the_answers(folder: StorePath) -> None:
    def interrupted() -> None:
        with open_journal(folder) as journal:
            journal.add(answer(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert objects(folder) == 1


def test_a_store_that_takes_nothing_is_told_and_tried_again(
    folder: StorePath, store_proxy: CountingProxy
) -> None:
    store_proxy.faults.append(Fault("AccessDenied", ("PUT",), times=1))
    journal = JournalOnStore(folder / "answers")
    for number in range(ANSWERS - 1):
        journal.add(answer(number))
    with pytest.raises(StoreError, match="AccessDenied"):
        journal.add(answer(ANSWERS))
    journal.add(answer(ANSWERS + 1))
    assert len(JournalOnStore(folder / "answers").entries) == ANSWERS + 1


def test_answers_of_another_run_stay(folder: StorePath) -> None:
    first = JournalOnStore(folder / "answers")
    with open_journal(folder) as second:
        second.add(answer(2))
    first.add(answer(1))
    first.store()
    first.clear()
    assert list(JournalOnStore(folder / "answers").entries) == [answer(2).hub_id]


def test_a_damaged_object_is_asked_about_again(folder: StorePath) -> None:
    with open_journal(folder) as journal:
        journal.add(answer(1))
    overwrite(folder / "answers" / "0.jsonl", b'{"hub_id": "2"')
    assert list(JournalOnStore(folder / "answers").entries) == [answer(1).hub_id]


_ASKING = """
import sys, time
from hf_assets.hub.space_code import journal_on_store
from hf_assets.hub.space_code.answers import Answer
from hf_assets.object_store.path import location
journal_on_store.ANSWERS = 10
with journal_on_store.open_journal(location(sys.argv[1])) as journal:
    for number in range(len(journal.entries), 1000):
        journal.add(Answer(hub_id=f"{number}", id="", last_modified=None, asked=None))
        print(number, flush=True)
        time.sleep(0.002)
"""


@pytest.mark.heavy
def test_a_run_that_is_killed_loses_the_open_object_alone(
    folder: StorePath, tmp_path: Path
) -> None:
    reached = 0
    for machine in range(2):
        own = tmp_path / f"{machine}"
        own.mkdir()
        process = Popen(
            [sys.executable, "-c", _ASKING, str(folder)],
            cwd=own,
            env={**os.environ, "HF_ASSETS_SCRATCH": f"{own}/s", "PYTHONPATH": str(ROOT)},
            stdout=PIPE,
            text=True,
        )
        assert process.stdout
        # An answer that a machine has printed 10 answers ago is stored.
        for line in process.stdout:
            if int(line) >= reached + 25 + machine:
                break
        process.kill()
        process.communicate()
        kept = len(JournalOnStore(folder / "answers").entries)
        assert kept >= int(line) - 10 > reached
        reached = kept
    assert not any(path for path in tmp_path.glob("*/s/*"))
