"""The estimate from looks that are days apart, against the lives that were drawn.

Models are born every day, reach a number at a drawn age or never, and are looked at every day,
every week, every month, or with gaps. Older ones are there when the first look is taken (delayed
entry). Seeds are fixed.
"""

import datetime as dt
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.storage.lake import Lake
from hf_assets.trends.series.adoption import adoption_history
from hf_assets.trends.series.past import Past
from hf_assets.trends.survival import Cells, shares, spread_events
from hf_assets_tests.support.hub.days import compare, day_of, judge, model, store_day
from hf_assets_tests.support.trends.days import frame_of

SCHEMA = {"milestone": pl.Int64, "age": pl.Int32, "step": pl.Int32, "at_risk": pl.Int64,
          "reached": pl.Int64}  # fmt: skip
DAYS = 261
EVER = 0.6  # the others never reach it
MEDIAN = 20


def drawn(rng: np.random.Generator, count: int) -> np.ndarray:
    """Ages at which a number is reached; of those who do, half within twenty days."""
    ages = np.floor(rng.lognormal(np.log(MEDIAN + 0.5), 0.9, count)).astype(int)
    return np.where(rng.random(count) < EVER, ages, 10**6)


def truth(*ages: int) -> list[float]:
    """The share that has reached it by each age."""
    found = drawn(np.random.default_rng(0), 10**6)
    return [float(np.mean(found <= age)) for age in ages]


def looked_at(born: np.ndarray, needs: np.ndarray, looks: list[int]) -> pl.DataFrame:
    """A model at a time: what `adoption_steps` gives of lives that are looked at on those days."""
    risk: Counter[tuple[int, int]] = Counter()
    reached: Counter[tuple[int, int]] = Counter()
    for before, day in pairwise(looks):
        step = day - before
        for birth, need in zip(born.tolist(), needs.tolist(), strict=True):
            age = day - birth
            first = age - step + 1 if birth <= before else 0
            if age < 0 or (birth <= before and birth + need <= before):
                continue
            risk.update((one, step) for one in range(first, age + 1))
            reached[age, step] += need <= age
    rows = [(1_000, age, step, risk[age, step], reached[age, step]) for age, step in sorted(risk)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def lives(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Days of birth, from long before the first look to the last, and ages."""
    rng = np.random.default_rng(seed)
    return rng.integers(-120, DAYS, count), drawn(rng, count)


LOOKS = {
    "daily": list(range(200)),
    "weekly": list(range(0, DAYS, 7)),
    "monthly": list(range(0, DAYS, 30)),
    # A week, two, three and two without a look.
    "gaps": [*range(20), *range(27, 40), *range(54, 70), *range(91, 120), *range(134, 200)],
    "by turns": [*range(0, 60), *range(60, 150, 7), *range(150, DAYS, 30)],
}  # fmt: skip
AGES = (3, 7, 14, 20, 30, 60)


@pytest.mark.parametrize("looks", LOOKS)
def test_the_drawn_lives_are_found_however_seldom_they_are_looked_at(looks: str) -> None:
    born, needs = lives(4, 2000)
    found = shares(looked_at(born, needs, LOOKS[looks]))
    at = dict(found.select("age", "share").iter_rows())
    wanted = truth(*AGES)
    assert [at[age] for age in AGES] == pytest.approx(wanted, abs=0.04)
    # Half of those who ever reach it.
    median = next(age for age, share in at.items() if share >= EVER / 2)
    assert abs(median - MEDIAN) <= 2
    # Its own interval has it.
    sure = {row["age"]: (row["low"], row["high"]) for row in found.to_dicts()}
    assert all(sure[age][0] <= one <= sure[age][1] for age, one in zip(AGES, wanted, strict=True))
    assert all(sure[age][1] - sure[age][0] < 0.25 for age in AGES)


def naive(steps: list[tuple[int, int, bool]], rounds: int = 3000) -> dict[int, float]:
    """Turnbull's estimate, a step at a time: from age, to age, whether it was reached in it."""
    ages = range(max(last for _, last, _ in steps) + 1)
    risk = dict.fromkeys(ages, 0.1)
    for _ in range(rounds):
        still, reached = defaultdict[int, float](float), defaultdict[int, float](float)
        for first, last, event in steps:
            waits, parts = 1.0, {}
            for age in range(first, last + 1):
                parts[age] = waits * risk[age]
                waits *= 1 - risk[age]
            left = 1.0
            for age, part in parts.items():
                here = part / (1 - waits) if event else 0.0
                still[age] += left
                reached[age] += here
                left -= here
        risk = {age: reached[age] / still[age] if still[age] > 1e-12 else 0.0 for age in ages}
    return {age: risk[age] for age in ages}


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(1, 4), st.booleans()), min_size=3, max_size=12
    )
)
@example([(0, 1, True), (2, 1, False), (2, 2, True), (2, 2, True)])
def test_counts_added_up_are_steps_followed_one_by_one(drawn: list[tuple[int, int, bool]]) -> None:
    """The likelihood is at least that of the naive estimate; the events are all there."""
    steps = [(max(last - step + 1, 0), last, event) for last, step, event in drawn]
    at_risk = np.zeros(9)
    for first, last, _ in steps:
        at_risk[first : last + 1] += 1
    counts = Counter((last, step) for last, step, event in drawn if event)
    events = [
        Cells(np.array([last]), np.array([float(count)]), step)
        for (last, step), count in counts.items()
    ]
    still, reached = spread_events(at_risk, events)
    assert reached.sum() == pytest.approx(sum(counts.values()))
    assert (reached <= still + 1e-9).all()
    assert (still <= at_risk + 1e-9).all()
    risk = np.divide(reached, still, out=np.zeros(9), where=still > 0)
    best = naive(steps)
    # Where all have reached it, the share is 1 and settled: what comes after changes no number.
    ended = next((age for age, of_age in best.items() if of_age >= 1), 9)

    def likelihood(risk: dict[int, float]) -> float:
        found = 0.0
        for first, last, event in (one for one in steps if one[0] <= ended):
            waits = np.prod([1 - risk.get(age, 0.0) for age in range(first, last + 1)])
            found += np.log(max((1 - waits) if event else waits, 1e-300))
        return found

    # It stops after some rounds, so a little under the best there is.
    assert likelihood(dict(enumerate(risk))) >= likelihood(best) - 0.3


def test_an_interval_is_about_greenwoods_where_few_looks_are_not_a_day_apart() -> None:
    born, needs = lives(8, 400)
    daily = shares(looked_at(born, needs, list(range(90))))
    gap = shares(looked_at(born, needs, [day for day in range(90) if day not in (40, 41)]))
    for age in (7, 20, 40):
        one, other = (
            frame.row(by_predicate=pl.col("age") == age, named=True) for frame in (daily, gap)
        )
        assert other["high"] - other["low"] == pytest.approx(one["high"] - one["low"], rel=0.2)


def test_weekly_captures_from_the_hub_to_the_table(lake: Lake) -> None:
    """Through the tables themselves: days of models, compared, judged, and a curve made of them."""
    rng = np.random.default_rng(3)
    born, needs = rng.integers(-60, 140, 700), drawn(rng, 700)
    birth = [dt.datetime.fromisoformat(f"{day_of(int(day))}T00:30:00+00:00") for day in born]
    for day in range(0, 141, 7):
        rows = [
            model(at, created_at=birth[at], downloads=at,
                  downloads_all_time=1_500 if day - born[at] >= needs[at] else 5 + day)
            for at in range(len(born)) if born[at] <= day
        ]  # fmt: skip
        store_day(lake, day_of(day), rows)
        compare(lake, day_of(day))
    assert judge(lake).keys() >= {day_of(0), day_of(140)}
    assert lake.read(DAY_QUALITY.name, None).frame.filter("stale").collect().is_empty()
    found = frame_of(adoption_history(Past(lake))).filter(milestone=1_000)
    at = dict(found.select("age", "share").iter_rows())
    assert [at[age] for age in AGES] == pytest.approx(truth(*AGES), abs=0.07)


def test_nothing_gives_nothing_and_all_reached_has_no_interval() -> None:
    assert shares(pl.DataFrame(schema=SCHEMA)).height == 0
    rows = [(1_000, age, 3, 4, 4 if age == 2 else 0) for age in range(3)]
    found = shares(pl.DataFrame(rows, schema=SCHEMA, orient="row"))
    assert found["share"][-1] == pytest.approx(1)
    assert found["reached"].sum() == pytest.approx(4)
    assert found["high"][-1] is None
