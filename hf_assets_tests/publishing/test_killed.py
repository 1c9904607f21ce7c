"""A publication that is killed leaves the old state; the next one sends the rest alone."""

import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hf_assets.demo.service.switches import At
from hf_assets.publishing.marker import Revision
from hf_assets.publishing.tagger import Target, publish_tagger, repositories
from hf_assets.storage.lake import Lake
from hf_assets_tests.publishing.conftest import TAGS, Served
from hf_assets_tests.support.publishing import DAYS, TOKEN, publish_now, store_day

PATIENCE = 60.0
OF_LAKE = ("-m", "hf_assets_tests.support.publishing")
OF_TAGGER = """
import sys
from pathlib import Path
from hf_assets.publishing.tagger import Target, publish_tagger, repositories

publish_tagger(Path(sys.argv[1]), Target(*repositories(sys.argv[2], private=True), "toys"))
"""


@contextmanager
def publishing(hub: Served, *program: str) -> Generator[subprocess.Popen[str]]:
    """The publication in a process of its own."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
    }
    process = subprocess.Popen(
        [sys.executable, *program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def killed_when(hub: Served, process: subprocess.Popen[str], kind: str, number: int) -> None:
    """Kill it when the service has taken that many requests of that kind, the last unanswered."""
    ends = time.monotonic() + PATIENCE
    while hub.service.asked[kind] < number:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends
        time.sleep(0.005)
    process.kill()
    process.wait()


@pytest.mark.heavy
@pytest.mark.parametrize(("kind", "number"), [("put", 9), ("commit", 1)])
def test_killed_on_the_way(hub: Served, lake: Lake, kind: str, number: int) -> None:
    """In the middle of an upload, and between the last upload and the commit."""
    publish_now(lake, "small,models")
    before, old = hub.repository.head, hub.service.received
    for day in DAYS:
        store_day(lake, day, models=30)
    wanted = publish_now(lake, "small,models", dry_run=True).sent
    large = sum(size for path, size in wanted.items() if path.endswith(".parquet"))
    hub.service.asked.clear()
    stalls = [At(page=at, kind=kind) for at in range(number, number + 5)]
    hub.faults.stall[:] = stalls
    with publishing(hub, *OF_LAKE, str(lake.root)) as process:
        killed_when(hub, process, kind, number)
    assert hub.repository.head is before
    # Requests that the killed process had begun end at the service, too.
    time.sleep(0.2)
    sent = hub.service.received - old
    assert sent == large if kind == "commit" else sent < large
    hub.faults.stall.clear()
    with publishing(hub, *OF_LAKE, str(lake.root)) as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert output.strip() == hub.repository.head.oid != before.oid, errors
    # Of a file in parts that was not completed, the parts are sent again.
    partial = sum(
        len(part) for one in hub.service.large.uploads.values() for part in one.received.values()
    )
    assert hub.service.received - old == large + partial
    assert partial < large
    assert len(hub.repository.commits) == 3
    assert not publish_now(lake, "small,models").differs
    assert not list(lake.folder("published_lake", None).glob(".staging"))


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("kind", "number", "commits"),
    [("put", 1, [1, 0]), ("commit", 1, [1, 0]), ("preupload", 2, [2, 1]), ("commit", 2, [2, 1])],
)
def test_a_tagger_is_public_as_a_whole_or_not_at_all(
    hub: Served, tagger: Path, kind: str, number: int, commits: list[int]
) -> None:
    """Killed in the middle of an upload, and between the upload and the commit, of each side."""

    def made() -> list[int]:
        by_name = hub.service.repositories.by_name
        found = (by_name.get(f"{one}/{TAGS}") for one in ("models", "spaces"))
        return [len(one.commits) if one else 0 for one in found]

    hub.faults.stall[:] = [At(page=at, kind=kind) for at in range(number, number + 5)]
    with publishing(hub, "-c", OF_TAGGER, str(tagger), TAGS) as process:
        killed_when(hub, process, kind, number)
    # The first commit of a repository is the Hub's own, and has nothing of ours.
    assert made() == commits
    hub.faults.stall.clear()
    target = Target(*repositories(TAGS, private=True), "toys")
    done = publish_tagger(tagger, target)
    assert made() == [2, 2]
    assert done.named == Revision(repository=TAGS, commit=hub.of("models", TAGS).head.oid)
