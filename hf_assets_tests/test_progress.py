"""How far a long step is: rates of the recent part, words, and when a line is due."""

from collections.abc import Iterator

import pytest

from hf_assets.progress import MOST_LINES, THINNED, ItemLog, Pace, TimedLog, share, time_left


class Clock:
    """Seconds that pass when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lines() -> list[str]:
    return []


def test_the_time_left_is_that_of_the_recent_rate(clock: Clock) -> None:
    pace = Pace(clock=clock)
    for done in range(1, 101):
        clock.wait(1)
        pace.note(done)
    assert pace.seconds_left(100, 200) == pytest.approx(100)
    # From here on each takes ten times as long.
    for done in range(101, 121):
        clock.wait(10)
        pace.note(done)
    assert pace.seconds_left(120, 200) == pytest.approx(800)
    # On average it would be 60 s too few for each second of the end.
    assert pace.rate(120) == pytest.approx(0.1)


def test_a_step_that_stalls_takes_longer_with_each_look(clock: Clock) -> None:
    pace = Pace(clock=clock)
    clock.wait(10)
    pace.note(10)
    before = pace.seconds_left(10, 20)
    clock.wait(90)
    after = pace.seconds_left(10, 20)
    assert before is not None
    assert after == pytest.approx(10 * before)


def test_there_is_no_time_left_in_the_first_seconds_nor_at_the_end(clock: Clock) -> None:
    pace = Pace(clock=clock)
    clock.wait(4)
    pace.note(5)
    assert pace.seconds_left(5, 10) is None
    clock.wait(4)
    assert pace.seconds_left(5, 10) is not None
    assert pace.seconds_left(10, 10) is None
    # Nothing done yet: there is no rate, and no division by it.
    stuck = Pace(clock=clock)
    clock.wait(60)
    stuck.note(0)
    assert stuck.seconds_left(0, 10) is None


def test_what_was_done_before_does_not_count_for_the_rate(clock: Clock) -> None:
    pace = Pace(100, clock)
    pace.skip(50)
    clock.wait(10)
    pace.note(151)
    assert pace.seconds_left(151, 161) == pytest.approx(100)


def test_the_samples_of_a_long_step_stay_few(clock: Clock) -> None:
    pace = Pace(clock=clock)
    for done in range(10_000):
        clock.wait(0.05)
        pace.note(done)
    assert len(pace._samples) < 100
    assert pace.rate(9_999) == pytest.approx(20, rel=0.01)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, ""),
        (0.1, "a few seconds left"),
        (10.1, "about 20 s left"),
        (90, "about 90 s left"),
        (91, "about 2 min left"),
        (240, "about 4 min left"),
        (241, "about 5 min left"),
        (5400, "about 90 min left"),
        (5401, "about 1 h 40 min left"),
        (7200, "about 2 h left"),
        (7201, "about 2 h 10 min left"),
    ],
)
def test_the_time_left_in_words_is_rounded_up(seconds: float | None, words: str) -> None:
    assert time_left(seconds) == words


def test_a_hundred_percent_is_the_end_alone() -> None:
    assert [share(done, 3000) for done in (0, 29, 2999, 3000)] == ["0 %", "0 %", "99 %", "100 %"]


def test_a_line_an_item(clock: Clock, lines: list[str]) -> None:
    days = ItemLog(lines.append, 4, clock)
    days.add("stored", quick=True)
    for day in ("first", "second", "third"):
        clock.wait(30)
        days.add(day)
    assert lines == [
        "stored · 1 of 4",
        "first · 2 of 4, about 60 s left",
        "second · 3 of 4, about 30 s left",
        "third · 4 of 4",
    ]


def test_a_line_before_each_item_counts_those_that_are_done(clock: Clock, lines: list[str]) -> None:
    candidates = ItemLog(lines.append, 3, clock)
    for name in ("first", "second", "third"):
        candidates.begin(name)
        clock.wait(30)
    assert lines == [
        "first · 1 of 3",
        "second · 2 of 3, about 60 s left",
        "third · 3 of 3, about 30 s left",
    ]


def test_a_single_item_has_only_its_text(clock: Clock, lines: list[str]) -> None:
    ItemLog(lines.append, 1, clock).add("it")
    assert lines == ["it"]


@pytest.mark.parametrize(
    ("total", "seconds", "written"),
    [
        (MOST_LINES, THINNED / 80, MOST_LINES),
        # Two and a half times as long in all: a line at the begin, two later, and the last.
        (MOST_LINES + 1, THINNED / 80, 4),
        # Recovered days take longer than this: each has its line.
        (MOST_LINES + 1, THINNED, MOST_LINES + 1),
    ],
)
def test_lines_of_hundreds_of_items_are_thinned_by_time(
    clock: Clock, lines: list[str], total: int, seconds: float, written: int
) -> None:
    days = ItemLog(lines.append, total, clock)
    for number in range(total):
        clock.wait(seconds)
        days.add(f"day {number}")
    assert len(lines) == written
    assert lines[-1] == f"day {total - 1} · {total} of {total}"


def read(log: TimedLog, clock: Clock, parts: int) -> Iterator[int]:
    for part in range(1, parts + 1):
        clock.wait(1)
        log.at(part, f"{100 * part:,} rows")
        yield part


def test_a_line_after_the_first_seconds_and_then_now_and_then(
    clock: Clock, lines: list[str]
) -> None:
    assert [*read(TimedLog(lines.append, 40, "Posts.xml", clock), clock, 40)]
    assert lines == [
        "500 rows · 12 % of Posts.xml, about 40 s left",
        "2,000 rows · 50 % of Posts.xml, about 20 s left",
        "3,500 rows · 87 % of Posts.xml, a few seconds left",
    ]


def test_a_short_step_logs_nothing(clock: Clock, lines: list[str]) -> None:
    assert [*read(TimedLog(lines.append, 4, "Posts.xml", clock), clock, 4)]
    assert lines == []


@pytest.mark.parametrize(
    ("total", "line"), [(30, "500 rows · 5 of 30, about 30 s left"), (None, "500 rows")]
)
def test_numbers_without_a_file_and_no_end_where_nobody_knows_it(
    clock: Clock, lines: list[str], total: int | None, line: str
) -> None:
    assert [*read(TimedLog(lines.append, total, clock=clock), clock, 6)]
    assert lines == [line]
