"""An archived day that broke off goes on at the next range, in a folder and on a store."""

import itertools
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from subprocess import PIPE, Popen

import pyarrow as pa
import pytest

from hf_assets.hub.archive import ranged_file
from hf_assets.hub.archive.base import ArchivedPage, ArchiveError
from hf_assets.hub.archive.ranged_file import Span
from hf_assets.hub.capture.from_archive import from_archive
from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.capture_store.watching import WatchedCapture
from hf_assets.hub.client.listing import ListingQuery, Page
from hf_assets.object_store.commit import commit, seen
from hf_assets.object_store.errors import CommitConflict
from hf_assets.object_store.path import StorePath
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.hub.captures import ROOT
from hf_assets_tests.support.hub.past_hub import DAY, NOW, model_table
from hf_assets_tests.support.hub.strict_archive import Answer, Strict, reader

GROUPS, ROWS = 12, 60

_TICKS = itertools.count()


def clock() -> datetime:
    return NOW + timedelta(minutes=next(_TICKS))


def table(downloads: int = 0) -> pa.Table:
    return pa.table(
        {
            "_id": [f"{n:024x}" for n in range(GROUPS * ROWS)],
            "id": [f"a/m{n}" for n in range(GROUPS * ROWS)],
            "createdAt": ["2024-01-02T03:04:05.000Z"] * GROUPS * ROWS,
            "downloads": [downloads + n for n in range(GROUPS * ROWS)],
            "cardData": [f"{n}" * 300 for n in range(GROUPS * ROWS)],
        }
    )


@pytest.fixture
def strict() -> Strict:
    """A day of twelve row groups, whose ranges are too far apart to be joined."""
    return Strict(table(), row_group_size=ROWS, compression="none")


@pytest.fixture(autouse=True)
def _in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranged_file, "AHEAD_BYTES", 0)


def capture(
    lake: Lake, serve: Serve, strict: Strict, log: Callable[[str], None] = print
) -> Capture:
    found = reader(serve, strict).find("models", DAY)
    assert found is not None
    return from_archive(CaptureStore(lake, "raw_models"), DAY, "models", found, clock, log)


def break_off(lake: Lake, serve: Serve, strict: Strict, at: int) -> None:
    """Read a day until its server has given so many ranges, and no more."""
    strict.answer = lambda _, body, number: Answer(body, 206 if number <= at else 503)
    with pytest.raises(ArchiveError) as raised:
        capture(lake, serve, strict)
    assert not raised.value.permanent
    assert CaptureStore(lake, "raw_models").complete(DAY) is None


def test_a_day_goes_on_at_the_next_range(any_lake: Lake, serve: Serve, strict: Strict) -> None:
    break_off(any_lake, serve, strict, 9)
    watched = WatchedCapture(CaptureStore(any_lake, "raw_models"), DAY)
    assert 0 < watched._look()[0] < GROUPS * ROWS
    asked, strict.answer, said = len(strict.spans), None, []
    found = capture(any_lake, serve, strict, said.append)
    assert any("going on after" in line for line in said)
    assert watched._look()[0] == GROUPS * ROWS
    again = {*strict.spans[:asked]} & {*strict.spans[asked:]}
    assert len(again) <= 5, "the footer, and the row group that broke off"
    whole = Lake(any_lake.root / "whole")
    strict.spans.clear()
    other = capture(whole, serve, strict)
    ours, theirs = found.manifest, other.manifest
    assert (ours.sha256, ours.rows, ours.distinct) == (theirs.sha256, GROUPS * ROWS, ours.rows)
    assert (ours.fields, ours.absent, ours.unread) == (theirs.fields, theirs.absent, theirs.unread)
    assert ours.bytes_fetched == theirs.bytes_fetched == sum(b - a for a, b in strict.spans)
    assert len(files.attempts(found.folder)) == 1
    frame = model_table(any_lake, found, DAY).frame.collect()
    assert frame["downloads"].sort().to_list() == [*range(GROUPS * ROWS)]


def test_a_file_of_other_bytes_is_read_from_its_beginning(
    any_lake: Lake, serve: Serve, strict: Strict
) -> None:
    break_off(any_lake, serve, strict, 9)
    strict.content = Strict(table(7), row_group_size=ROWS, compression="none").content
    strict.paths[0]["size"] = len(strict.content)
    strict.answer, said = None, []
    found = capture(any_lake, serve, strict, said.append)
    assert any("another state of the file" in line for line in said)
    downloads = model_table(any_lake, found, DAY).frame.collect()["downloads"]
    assert downloads.sort().to_list() == [n + 7 for n in range(GROUPS * ROWS)]


def test_pages_of_an_earlier_version_are_not_gone_on_from(
    any_lake: Lake, serve: Serve, strict: Strict
) -> None:
    """It stored JSON, and could not go on after it was killed."""
    store, found = CaptureStore(any_lake, "raw_models"), reader(serve, strict).find("models", DAY)
    assert found is not None
    query = ListingQuery.everything("models")
    attempt = store.begin(DAY, query, found.source, clock(), replaces=store.version(DAY))
    attempt.keep(Page(f"{found.source}#0", None, b'[{"_id":"1","id":"a/m0"}]', ["1"], None))
    assert capture(any_lake, serve, strict).distinct == GROUPS * ROWS


def test_a_damaged_page_is_not_gone_on_from(any_lake: Lake, serve: Serve, strict: Strict) -> None:
    break_off(any_lake, serve, strict, 9)
    folder = any_lake.folder("raw_models", DAY)
    page = files.page_paths(files.attempts(folder)[0])[1]
    content = page.read_bytes()
    if isinstance(page, StorePath):
        commit(page, content[:-9], seen(page))
    else:
        page.write_bytes(content[:-9])
    strict.answer, said = None, []
    found = capture(any_lake, serve, strict, said.append)
    assert any("a new attempt begins" in line for line in said)
    assert found.distinct == GROUPS * ROWS
    assert model_table(any_lake, found, DAY).rows == GROUPS * ROWS


def test_a_file_that_is_replaced_between_two_ranges(
    any_lake: Lake, serve: Serve, strict: Strict
) -> None:
    strict.answer = lambda _, body, number: Answer(body, etag="W/old" if number < 8 else "new")
    with pytest.raises(ArchiveError, match="the file was replaced while it was read") as raised:
        capture(any_lake, serve, strict)
    assert not raised.value.permanent, "the next try reads the new one"
    said: list[str] = []
    strict.answer = lambda _, body, __: Answer(body, etag="new")
    assert capture(any_lake, serve, strict, said.append).rows == GROUPS * ROWS
    assert any("another state of the file" in line for line in said), "none of both is mixed"


def test_a_file_that_has_grown(any_lake: Lake, serve: Serve, strict: Strict) -> None:
    strict.answer = lambda span, body, _: Answer(
        body, place=f"bytes {span[0]}-{span[1] - 1}/{len(strict.content) + 1}"
    )
    with pytest.raises(ArchiveError, match="the file was replaced while it was read"):
        capture(any_lake, serve, strict)


def test_other_bytes_than_those_asked_for_are_asked_for_again(
    lake: Lake, serve: Serve, strict: Strict
) -> None:
    def shifted(span: tuple[int, int], body: bytes, number: int) -> Answer:
        at = span[0] - (number == 7)
        return Answer(body, place=f"bytes {at}-{at + len(body) - 1}/{len(strict.content)}")

    strict.answer = shifted
    assert capture(lake, serve, strict).rows == GROUPS * ROWS
    assert len(strict.spans) == len({*strict.spans}) + 1


def test_of_two_runs_that_go_on_with_a_day_the_slower_ends(
    bucket: StorePath, serve: Serve, strict: Strict
) -> None:
    lake = Lake(bucket)
    break_off(lake, serve, strict, 9)
    strict.answer = None
    found = reader(serve, strict).find("models", DAY)
    assert found is not None
    read_on = found.read_on
    assert read_on is not None

    def slowly(stored: Iterator[bytes]) -> Iterator[ArchivedPage]:
        for number, page in enumerate(read_on(stored)):
            if number == GROUPS - 1:
                capture(lake, serve, strict)
            yield page

    found.read_on = slowly
    with pytest.raises(CommitConflict):
        from_archive(CaptureStore(lake, "raw_models"), DAY, "models", found, clock)
    done = CaptureStore(lake, "raw_models").complete(DAY)
    assert done is not None
    assert model_table(lake, done, DAY).rows == GROUPS * ROWS, "its pages are all there"


def killed(lake: Lake, url: str, strict: Strict, ranges: int) -> None:
    command = [sys.executable, "-m", "hf_assets_tests.support.hub.read_archive"]
    process = Popen([*command, url, str(lake.root), DAY], cwd=ROOT, stdout=PIPE, stderr=PIPE)
    before = len(strict.spans)
    while len(strict.spans) < before + ranges and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, process.communicate()
    process.communicate()
    assert CaptureStore(lake, "raw_models").complete(DAY) is None, "half a day is no day"


@pytest.mark.heavy
def test_a_run_that_is_killed_among_its_ranges_is_gone_on_from_elsewhere(
    any_lake: Lake, serve: Serve, strict: Strict
) -> None:
    def slowly(_: Span, body: bytes, __: int) -> Answer:
        time.sleep(0.03)
        return Answer(body)

    strict.answer = slowly
    url = serve(strict.app).url
    for ranges in (4, 5, 5):
        killed(any_lake, url, strict, ranges)
    asked = len(strict.spans)
    done = capture(any_lake, serve, strict)
    assert len(strict.spans) - asked < 2 * GROUPS, "what was stored is not asked for again"
    assert (done.rows, done.distinct) == (GROUPS * ROWS, GROUPS * ROWS)
    assert model_table(any_lake, done, DAY).rows == GROUPS * ROWS
    assert len(files.attempts(done.folder)) == 1
