"""A run that is killed while it asks: what was answered is kept, and a torn answer asked again."""

import signal
import sys
import time
from collections import Counter
from pathlib import Path
from subprocess import Popen

import pytest

from hf_assets.hub.space_code.answers import Answer, Journal
from hf_assets.hub.space_code.days import NAME
from hf_assets.storage.lake import Lake, today
from hf_assets_tests.conftest import ServeHub
from hf_assets_tests.support.hub import asking
from hf_assets_tests.support.hub.captures import ROOT
from hf_assets_tests.support.hub.space_files import (
    COMMIT,
    chosen,
    listed,
    numbers_of,
    small_hub,
    space,
    tree_days,
)

pytestmark = pytest.mark.usefixtures("unsynced")


@pytest.mark.parametrize("lost", [1, 2, 30])
def test_a_torn_answer_is_asked_for_again_and_the_others_stay(tmp_path: Path, lost: int) -> None:
    """A kill may write all of a line but its end."""
    path = tmp_path / "answers.jsonl"
    first, second, third = (
        Answer(hub_id=name, id=f"a/{name}", last_modified=COMMIT, asked=COMMIT) for name in "123"
    )
    for one in (first, second):
        Journal(path).add(one)
    path.write_bytes(path.read_bytes()[:-lost])
    journal = Journal(path)
    assert list(journal.entries) == ["1"]
    journal.add(third)
    for known in (journal, Journal(path)):
        assert [known.answer(name) for name in known.entries] == [first, third]


@pytest.mark.heavy
def test_a_killed_run_keeps_what_was_asked(hub: ServeHub, lake: Lake, tmp_path: Path) -> None:
    numbers = [number for number, _ in zip(numbers_of(pages=1), range(80), strict=False)]
    served = hub(small_hub(tmp_path, numbers), rate_limit=10**6, latency=0.02)
    journal = lake.folder(NAME, None) / "answers.jsonl"
    command = [
        sys.executable,
        "-m",
        asking.__name__,
        served.url,
        str(lake.root),
        *map(str, numbers),
    ]
    for least in (10, 30):
        process = Popen(command, cwd=ROOT)
        lines = 0
        while lines < least:
            assert process.poll() is None, "it ended before it could be killed"
            lines = journal.read_bytes().count(b"\n") if journal.exists() else 0
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with journal.open("ab") as torn:
        torn.write(b'{"hub_id": "0000')
    days = tree_days(lake, served.url)
    stored = days.get_or_ask(today(), listed(map(space, numbers)), chosen())
    assert stored.notes["known"] == len(numbers)
    assert not journal.exists()
    trees = Counter(one.path for one in served.requests if "/tree/" in one.path)
    # What was under way when a run was killed was asked for again, and nothing else.
    assert sum(trees.values()) <= len(numbers) + 2 * 4
    assert stored.rows == len({*stored.frame.collect()["hub_id"]}) == len(numbers)
