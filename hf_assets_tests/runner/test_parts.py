"""How much of a run is done: its steps by its log, its listing by the capture under way."""

import datetime as dt
import json
from pathlib import Path

import pytest

from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.attempt import Attempt
from hf_assets.hub.capture_store.store import RAW, CaptureStore
from hf_assets.hub.client.listing import ListingQuery, Page
from hf_assets.runner import parts
from hf_assets.runner.parts import ROWS_A_STEP, RunParts, StepsInLog
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.hub.captures import first_manifest

DAY, NEXT = "2026-11-19", "2026-11-20"
NOW = dt.datetime(2026, 11, 20, 3, tzinfo=dt.UTC)
PREFIX = "2026-11-20 03:00:00 +0000 - dagster - DEBUG - capture_today - 1f - 12"


def say(log: Path, *events: str, torn: str = "") -> None:
    with log.open("a") as file:
        file.write("".join(f"{PREFIX} - {event}\n" for event in events) + torn)


def began(step: str) -> str:
    return f'{step} - STEP_START - Started execution of step "{step}".'


def ended(step: str, how: str = "SUCCESS") -> str:
    return f'{step} - STEP_{how} - Finished execution of step "{step}" in 82ms.'


class Listing:
    """A capture under way, page by page."""

    def __init__(self, lake: Lake, asset: str, day: str, total: int | None) -> None:
        self.kind, self.total = "models" if asset == "raw_models" else "spaces", total
        store = CaptureStore(lake, asset)
        query = ListingQuery.everything(self.kind)
        self.attempt: Attempt = store.begin(day, query, "http://hub", NOW)

    def page(self, rows: int) -> None:
        number = len(self.attempt.lines)
        ids = [f"{number}-{row}" for row in range(rows)]
        page = Page(f"http://hub/{number}", f"http://hub/{number + 1}", b"[]", ids, self.total)
        self.attempt.keep(page)

    def finish(self) -> None:
        self.attempt.finish(self.attempt.candidate(NOW))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log that has lines of an earlier run."""
    path = tmp_path / "run.log"
    say(path, "This run has 99 steps", began("models"), ended("models"))
    return path


def test_the_steps_of_a_run_are_read_as_its_log_grows(log: Path) -> None:
    steps = StepsInLog(log)
    steps.look()
    assert (len(steps.done), steps.total, steps.now) == (0, None, "")
    say(log, "resource:lake - 1f - This run has 4 steps", began("raw_models"))
    steps.look()
    assert (len(steps.done), steps.total, steps.now) == (0, 4, "raw_models")
    say(log, ended("raw_models"), began("models"), torn=f"{PREFIX} - models - STEP_SUC")
    steps.look()
    assert (steps.done, steps.now) == ({"raw_models"}, "models")
    with log.open("a") as file:
        file.write("CESS - Finished.\n")
    # A step that is tried again is one step.
    say(log, ended("a", "FAILURE"), ended("b", "SKIPPED"), ended("a"))
    steps.look()
    assert steps.done == {"raw_models", "models", "a", "b"}


def test_a_run_without_a_log_yet_has_no_steps(tmp_path: Path) -> None:
    steps = StepsInLog(tmp_path / "none.log")
    steps.look()
    assert (steps.total, steps.now) == (None, "")


def test_a_listing_counts_by_its_rows(lake: Lake, log: Path) -> None:
    parts = RunParts(lake.root, log, 0, today=NEXT)
    assert parts.look().total is None
    say(log, "This run has 13 steps", began("raw_models"))
    assert parts.look().total is None  # nobody knows how many there are
    models = Listing(lake, "raw_models", NEXT, total=20 * ROWS_A_STEP)
    models.page(ROWS_A_STEP)
    look = parts.look()
    # Ten other steps, 20 for models, 8 for Spaces and 8 for datasets, not known yet.
    assert (look.done, look.total) == (1, 46)
    assert look.now == f"raw_models: {ROWS_A_STEP:,} of {20 * ROWS_A_STEP:,} rows"
    models.page(19 * ROWS_A_STEP)
    models.finish()
    say(log, ended("raw_models"), began("raw_spaces"))
    assert parts.look().done == 20
    spaces = Listing(lake, "raw_spaces", NEXT, total=4 * ROWS_A_STEP)
    spaces.page(ROWS_A_STEP)
    look = parts.look()
    assert (look.done, look.total) == (21, 42)
    spaces.page(3 * ROWS_A_STEP)
    spaces.finish()
    say(log, ended("raw_spaces"), began("raw_datasets"))
    assert parts.look().done == 24
    datasets = Listing(lake, "raw_datasets", NEXT, total=2 * ROWS_A_STEP)
    datasets.page(2 * ROWS_A_STEP)
    datasets.finish()
    say(log, ended("raw_datasets"), *map(ended, "abcdefghij"))
    look = parts.look()
    assert (look.done, look.total) == (36, 36)


def test_listings_that_one_step_captures_count_as_they_grow(lake: Lake, log: Path) -> None:
    parts = RunParts(lake.root, log, 0, today=NEXT)
    say(log, "This run has 4 steps", began("raw_models"))
    models = Listing(lake, "raw_models", NEXT, total=4 * ROWS_A_STEP)
    spaces = Listing(lake, "raw_spaces", NEXT, total=2 * ROWS_A_STEP)
    models.page(ROWS_A_STEP)
    spaces.page(ROWS_A_STEP)
    look = parts.look()
    # A step, 4 for models, 2 for Spaces, 2 for datasets, not known yet.
    assert (look.done, look.total) == (1.5, 9 - 0.4)
    assert look.now == f"2 listings: {2 * ROWS_A_STEP:,} of {6 * ROWS_A_STEP:,} rows"
    done = [look.done]
    for listing, step in ((spaces, ""), (models, "raw_models")):
        listing.page((1 if listing is spaces else 3) * ROWS_A_STEP)
        listing.finish()
        done.append(parts.look().done)
        if step:
            say(log, ended(step), began("models"))
            done.append(parts.look().done)
    assert parts.look().now == "models"
    say(log, ended("models"), began("raw_spaces"), ended("raw_spaces"))
    assert [*done, parts.look().done] == [1.5, 2, 5, 5, 7]


def test_before_its_first_page_a_listing_is_as_long_as_the_last(lake: Lake, log: Path) -> None:
    for asset in RAW:
        last = Listing(lake, asset, DAY, total=None)
        last.page(2 * ROWS_A_STEP)
        last.finish()
    parts = RunParts(lake.root, log, 0, today=NEXT)
    say(log, "This run has 4 steps", began("raw_models"))
    assert parts.look().total == 7
    # The Hub says no number: the last day's stays.
    listing = Listing(lake, "raw_models", NEXT, total=None)
    listing.page(ROWS_A_STEP)
    look = parts.look()
    assert (look.done, look.total) == (1, 7)
    # More than there were: the share of a step never passes its end.
    listing.page(3 * ROWS_A_STEP)
    assert parts.look().done == 2


def test_a_journal_that_was_rewritten_is_read_again(lake: Lake, log: Path) -> None:
    listing = Listing(lake, "raw_models", NEXT, total=100)
    for _ in range(3):
        listing.page(10)
    parts = RunParts(lake.root, log, 0, today=NEXT)
    say(log, "This run has 3 steps", began("raw_models"))
    assert parts.look().now == "raw_models: 30 of 100 rows"
    attempt = listing.attempt
    files.rewrite_journal(
        lake.folder("raw_models", NEXT) / attempt.path.name, attempt.header, attempt.lines[:1]
    )
    assert parts.look().now == "raw_models: 10 of 100 rows"


def test_a_capture_that_is_there_is_no_work(lake: Lake, log: Path) -> None:
    for asset in RAW:
        listing = Listing(lake, asset, NEXT, total=None)
        listing.page(10)
        listing.finish()
    parts = RunParts(lake.root, log, 0, today=NEXT)
    say(log, "This run has 3 steps", began("raw_models"))
    look = parts.look()
    assert (look.done, look.total) == (1, 3)


def test_a_run_without_days_counts_its_steps(lake: Lake, log: Path) -> None:
    parts = RunParts(lake.root, log, 0)
    say(log, "This run has 5 steps", ended("x"), began("questions__classifier"))
    look = parts.look()
    assert (look.done, look.total, look.now) == (1, 5, "questions__classifier")


def test_a_day_of_an_earlier_version_without_pages_lacks_nothing(tmp_path: Path) -> None:
    lake, earlier = Lake(tmp_path), {*parts.TABLES} - {*parts.LATER_TABLES}
    days = {"2026-01-01": {*parts.TABLES}, "2026-01-02": earlier, "2026-01-03": earlier}
    days["2026-01-04"] = {"models"}
    for day, tables in days.items():
        for table in tables:
            lake.write_file(table, day, "data.parquet", b"")
        gone = {"pages_dropped": "2026-02-10"} if day > "2026-01-02" else {}
        manifest = json.dumps(first_manifest(rows=1) | gone).encode()
        lake.write_file("raw_models", day, "capture.json", manifest)
    store = CaptureStore(lake, "raw_models")
    assert parts.lacking_tables(lake, [*days], store) == {"2026-01-02", "2026-01-04"}
