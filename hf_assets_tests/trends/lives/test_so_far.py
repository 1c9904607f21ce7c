"""Phases made of what is kept of earlier months equal those made of every day."""

import random
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import OF_MODELS
from hf_assets.hub.tables.schemas import MODELS
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.trends.lives import matrices as reading
from hf_assets.trends.lives import so_far
from hf_assets.trends.lives.model_phases import model_phases, store_phases
from hf_assets.trends.lives.so_far import CONTEXT, SO_FAR, UNTIL
from hf_assets.trends.series.calendar import EPOCH
from hf_assets.trends.series.past import Past
from hf_assets.trends.series.schemas import MODEL_HISTORY
from hf_assets_tests.support.trends.days import FIRST, day, frame_of, judge, verdict, write
from hf_assets_tests.support.trends.lives import Row, listed

APRIL, MAY, JUNE = 31, 61, 92
LAST = 118
# A month ends, and one begins, without trust; a week is missing.
UNTRUSTED = {5, 29, 30, 31, 59, 75, 93, 94}
MISSING = {12, *range(40, 44), 62}


def world(seed: int, models: int = 40) -> dict[int, list[Row]]:
    """Models that climb, fall, pause, go, come back, have other names, and cross many numbers."""
    draws = random.Random(seed)
    level = [draws.choice([0, 3, 200, 40_000]) for _ in range(models)]
    ever = [draws.choice([0, 900, 9_500, 990_000]) for _ in range(models)]
    away = [0] * models
    found: dict[int, list[Row]] = {}
    for at in range(LAST):
        rows = []
        for number in range(models):
            change = draws.choice([0, 0, 0, 1, 60, 4_000, -50, -2_000])
            level[number] = max(level[number] + change, 0) // draws.choice([1] * 30 + [2, 9])
            ever[number] = max(ever[number] + draws.choice([0, 0, 9, 700, -3]), 0)
            away[number] = max(away[number] - 1, draws.choice([0] * 150 + [1, 9, 50]))
            if away[number] or at < number % 7 * 15:
                continue
            unknown = draws.random() < 0.02
            rows.append(
                listed(
                    number,
                    None if unknown else level[number],
                    downloads_all_time=None if draws.random() < 0.02 else ever[number],
                    id=f"a/{number}-{(at + number) // 50}",
                    category=draws.choice(["x", "y", None]),
                    created=day(number % 7 * 15) if number % 5 else None,
                )
            )
        if at not in MISSING:
            found[at] = rows
    return found


def add(lake: Lake, days: dict[int, list[Row]], numbers: Iterable[int]) -> None:
    for number in numbers:
        every = [dict.fromkeys(MODELS.schema) | {"day": day(number), **row} for row in days[number]]
        write(lake, MODELS, day(number).isoformat(), every)


def judged(lake: Lake, numbers: Iterable[int], untrusted: set[int], **said: Any) -> Past:
    """The verdicts of those days, and the series made current."""
    stored = sorted(numbers)
    befores = dict(zip(stored, [None, *stored], strict=False))
    judge(
        lake,
        (
            verdict(at, before=befores[at], trusted=at not in untrusted)
            | {name: value(at) for name, value in said.items()}
            for at in stored
        ),
    )
    refresh(lake, OF_MODELS)
    return Past(lake)


def of_every_day(past: Past) -> pl.DataFrame:
    """The phases in one pass, without anything kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(so_far, "boundary", lambda _: None)
        return frame_of(model_phases(past, full_refresh=True))


@contextmanager
def months_read() -> Generator[list[int]]:
    """Numbers of the days that are read meanwhile."""
    read: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        made = reading._Month.__init__

        def noted(self: Any, file: Any, days: Any, counters: Any) -> None:
            read.extend((one - FIRST).days for one in days)
            made(self, file, days, counters)

        patch.setattr(reading._Month, "__init__", noted)
        yield read


def current(past: Past, cells: int = 1 << 21) -> pl.DataFrame:
    """The phases as a night makes them, equal to those of every day."""
    made = frame_of(model_phases(past, cells))
    assert_frame_equal(made, of_every_day(past), check_exact=True)
    return made


def until(lake: Lake) -> int:
    """The number of the day up to which something is kept."""
    return lake.read(SO_FAR.name, None).notes[UNTIL] - (FIRST - EPOCH).days


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.heavy)])
def test_a_night_gives_what_every_day_gives(lake: Lake, seed: int) -> None:
    days = world(seed)
    there: list[int] = []
    kept = []
    for night in (20, 33, 35, 58, 60, 64, 71, 91, 95, 96, 105, LAST - 1):
        new = [at for at in days if at <= night and at not in there]
        add(lake, days, new)
        there += new
        past = judged(lake, there, UNTRUSTED)
        found = current(past, cells=900)
        kept.append(until(lake) if night > APRIL + 2 else 0)
    assert found.height > 30
    assert len(found["phase"].unique()) > 4
    # The first days of a month change the last ones of the month before.
    assert kept == [0, 0, *[APRIL] * 3, *[MAY] * 3, *[JUNE] * 4]


def late(seed: int) -> dict[int, list[Row]]:
    """Few models, from May on."""
    return {at: rows for at, rows in world(seed, models=4).items() if at >= MAY}


def test_a_night_reads_weeks(any_lake: Lake) -> None:
    days = late(3)
    add(any_lake, days, days)
    past = judged(any_lake, days, UNTRUSTED)
    current(past)
    with months_read() as read:
        found = frame_of(model_phases(past))
    # Day 75, of which medians are made, is interpolated from the day before.
    assert min(read) == JUNE - CONTEXT - 1
    with months_read() as read:
        assert_frame_equal(frame_of(model_phases(past, full_refresh=True)), found)
    assert min(read) == MAY


def test_earlier_days_that_change_are_not_kept(lake: Lake) -> None:
    days = world(4, models=20)
    add(lake, days, days)
    before = current(judged(lake, days, UNTRUSTED))

    def differs(untrusted: set[int] = UNTRUSTED, **said: Any) -> bool:
        nonlocal before
        past = judged(lake, days, untrusted, **said)
        earlier, before = before, current(past)
        return not before.equals(earlier)

    assert differs(UNTRUSTED | set(range(14, 21))), "days that are trusted no longer"
    assert differs(), "days that are trusted again"
    for at in range(16, 21):
        days[at] = [row | {"downloads": 9_000_000} for row in days[at]]
    add(lake, days, range(16, 21))
    assert differs(), "days made again"
    lake.folder(MODELS.name, day(20).isoformat()).joinpath("data.parquet").unlink()
    del days[20]
    assert differs(), "a day withdrawn"
    days[JUNE + 1] = [row | {"downloads": 7_000_000} for row in days[JUNE + 1]]
    add(lake, days, [JUNE + 1])
    differs(UNTRUSTED - {JUNE + 1})
    # From then on another part of the Hub was listed: days before are not compared with it.
    differs(coverage=lambda number: "folder" if number < 50 else "hub")


def test_a_file_without_a_footer_is_made_again(lake: Lake) -> None:
    days = late(5)
    add(lake, days, days)
    past = judged(lake, days, UNTRUSTED)
    current(past)
    path = lake.folder(SO_FAR.name, None) / "data.parquet"
    path.write_bytes(path.read_bytes()[:-50])
    current(past)
    assert until(lake) == JUNE


def test_a_damaged_file_is_made_again(lake: Lake) -> None:
    """Its footer is whole: the damage shows when the rows are read."""
    days = late(5)
    add(lake, days, days)
    past = judged(lake, days, UNTRUSTED)
    lake.write(MODEL_HISTORY, None, TableWrite([]))
    before = current(past)
    path = lake.folder(SO_FAR.name, None) / "data.parquet"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:100] + bytes(600) + content[700:])
    lines: list[str] = []
    assert_frame_equal(store_phases(lake, lines.append).frame.collect(), before)
    assert [line.partition(":")[0] for line in lines] == ["model_phases is made of every day again"]
    store_phases(lake, lines.append)
    assert len(lines) == 1
