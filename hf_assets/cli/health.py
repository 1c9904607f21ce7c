"""What is wrong with a lake, for a person, a cron job and a probe: read without Dagster."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import Any

from hf_assets.alarms.alarm import AlarmError
from hf_assets.alarms.outbox import Outbox
from hf_assets.alarms.switch import sender_of
from hf_assets.configuration import problems
from hf_assets.hub import newest_day
from hf_assets.hub.capture_store.store import ESSENTIAL, RAW, CaptureStore
from hf_assets.hub.quality import rules
from hf_assets.object_store.path import LakePath
from hf_assets.runner.parts import lacking_tables
from hf_assets.settings import Settings
from hf_assets.storage.lake import Lake, MissingDay, iso

# Days before the newest expected one in which something missing is a problem: what is older cannot
# be mended, or somebody has decided to leave it.
WINDOW = 7
# An alarm that is not urgent waits for others, at most a quarter of an hour.
OVERDUE = timedelta(hours=1)


class Code(IntEnum):
    """Exit statuses of `hf-assets status --exit-code`; the first that applies, in this order."""

    NEWEST_DAY = 3
    MISSING_DAYS = 4
    MISSING_TABLES = 5
    CONFIGURATION = 6
    ALARMS = 7


@dataclass(frozen=True)
class Problem:
    """What is wrong, in a sentence, and the exit status that it alone would give."""

    code: Code
    message: str


@dataclass(frozen=True)
class Health:
    """The state of a lake at a time.

    Attributes:
        lake: its path.
        time: UTC.
        expected_day: the newest day that is to be captured and trusted by then.
        problems: in the order of their codes.
    """

    lake: str
    time: str
    expected_day: str
    problems: list[Problem]

    @property
    def code(self) -> int:
        """The exit status: 0, or that of the first problem."""
        return self.problems[0].code if self.problems else 0

    @property
    def lines(self) -> list[str]:
        """For a person."""
        return [f"Problem: {problem.message}" for problem in self.problems] or ["Problems: none"]

    @property
    def fields(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"exit_code": int(self.code)}


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def health(root: LakePath, settings: Settings, now: datetime) -> Health:
    """Look for problems.

    Args:
        root: of the lake.
        settings: tell when today is due, and who hears of failures.
        now: the time, UTC.
    """
    lake = Lake(root)
    always = datetime.min.replace(tzinfo=UTC)
    expected = newest_day.expected_day(now, settings.newest_day_due, always)
    assert expected is not None
    listed = {asset: CaptureStore(lake, asset).captures() for asset in RAW}
    captures = [listed[asset] for asset in ESSENTIAL]
    usable = set.intersection(*(rules.usable_days(listing) for listing in captures))
    datasets = rules.usable_days(listed["raw_datasets"])
    found = [
        *_newest_day(lake, usable, expected),
        *_missing_days(set.intersection(*({*listing} for listing in captures)), usable, expected),
        *_missing_datasets(datasets, usable, expected),
        *_missing_tables(lake, usable, datasets, expected),
        *_configuration(settings),
        *_alarms(root, now),
    ]
    return Health(f"{lake.root}", now.isoformat(timespec="seconds"), f"{expected}", found)


def _newest_day(lake: Lake, usable: set[str], expected: date) -> Iterator[Problem]:
    try:
        quality = lake.read("day_quality", None).frame.collect()
    except MissingDay:
        quality = None
    captured = max(map(iso, usable), default=None)
    result = newest_day.newest_day_is_current(quality, expected, lambda: captured)
    if not result.passed:
        yield Problem(Code.NEWEST_DAY, result.description)


def _missing_days(captured: set[str], usable: set[str], expected: date) -> Iterator[Problem]:
    """Days without a usable capture since the first; the expected one is a problem of its own."""
    days = _window(expected)
    missing = [day for day in days if day not in captured and day > min(captured, default=day)]
    if missing:
        lost = f"Of the last {WINDOW} days, {len(missing)} were not captured: {', '.join(missing)}."
        cure = "The schedule recover_past_days fetches what the archive has of them."
        yield Problem(Code.MISSING_DAYS, f"{lost} {cure}")
    if rejected := [day for day in days if day in captured - usable]:
        lost = f"Of the last {WINDOW} days, {len(rejected)} were rejected: {', '.join(rejected)}."
        cure = "The checks of raw_models and raw_spaces say why; what follows has no such day."
        yield Problem(Code.MISSING_DAYS, f"{lost} {cure}")


def _missing_datasets(listed: set[str], usable: set[str], expected: date) -> Iterator[Problem]:
    """Usable days without datasets since the first with them: earlier versions had none."""
    first = min(listed, default="9999")
    missing = [day for day in _window(expected) if day in usable - listed and day > first]
    if missing:
        lost = f"Of the last {WINDOW} days, {len(missing)} have no datasets: {', '.join(missing)}."
        cure = "The schedule recover_past_days fetches what the archive has of them."
        yield Problem(Code.MISSING_DAYS, f"{lost} {cure}")


def _window(expected: date) -> list[str]:
    """The days before the expected one in which something missing is a problem, oldest first."""
    return [f"{expected - timedelta(back)}" for back in range(WINDOW, 0, -1)]


def _missing_tables(
    lake: Lake, usable: set[str], datasets: set[str], expected: date
) -> Iterator[Problem]:
    first = f"{expected - timedelta(WINDOW)}"
    missing = lacking_tables(lake, usable, CaptureStore(lake, "raw_models"))
    missing |= datasets - {*lake.days("hub_datasets")}
    bare = sorted(day for day in missing if first <= day < f"{expected}")
    if bare:
        cure = "The schedule fill_derived_days makes them."
        yield Problem(
            Code.MISSING_TABLES, f"Captured, without all tables: {', '.join(bare)}. {cure}"
        )


def _configuration(settings: Settings) -> Iterator[Problem]:
    for broken in problems(settings):
        yield Problem(Code.CONFIGURATION, f"{broken.where}: {broken.message}")
    try:
        sender_of(settings)
    except AlarmError as error:
        yield Problem(Code.CONFIGURATION, f"HF_ASSETS_ALARM: {error}")


def _alarms(root: LakePath, now: datetime) -> Iterator[Problem]:
    for waiting in Outbox.of(root).waiting():
        if waiting.tries or now - waiting.alarm.time > OVERDUE:
            tried = f"{waiting.tries} tries{waiting.error and f': {waiting.error}'}"
            since = f"{waiting.alarm.time:%Y-%m-%d %H:%M} UTC"
            message = f"Nobody received the alarm of {since}, {waiting.alarm.title} ({tried})."
            yield Problem(Code.ALARMS, message)
