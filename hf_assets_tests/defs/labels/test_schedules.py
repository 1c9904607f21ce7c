"""Schedules that fetch new texts: for their day, for missed days, and with accepted terms only."""

import datetime as dt

import pytest

from hf_assets.corpora.schemas import texts_frame, texts_table
from hf_assets.storage.lake import TableWrite
from hf_assets_tests.defs.conftest import Make, World
from hf_assets_tests.support.defs.schedules import tick


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terms of both services of texts."""
    monkeypatch.setenv("HF_ASSETS_ACCEPT_STACKEXCHANGE_TERMS", "true")
    monkeypatch.setenv("HF_ASSETS_ACCEPT_KAGGLE_TERMS", "true")


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("nightly_questions", "HF_ASSETS_ACCEPT_STACKEXCHANGE_TERMS=true"),
        ("nightly_datasets", "HF_ASSETS_ACCEPT_KAGGLE_TERMS=true"),
    ],
)
def test_no_texts_are_fetched_before_terms_are_accepted(
    world: Make, name: str, variable: str
) -> None:
    ticked = tick(world(), name, NIGHT)
    assert ticked.requests == []
    assert variable in str(ticked.skipped)


@pytest.mark.usefixtures("accepted")
@pytest.mark.parametrize(
    ("name", "asset", "day"),
    [
        # A day of questions is asked for when it is over; Kaggle's list shows only what is now.
        ("nightly_questions", "new_questions", "2026-02-28"),
        ("nightly_datasets", "new_datasets", "2026-03-01"),
    ],
)
def test_new_texts_are_fetched_for_their_day(world: Make, name: str, asset: str, day: str) -> None:
    hub = world()
    (request,) = tick(hub, name, dt.datetime(2026, 3, 1, 1, 15, tzinfo=dt.UTC)).requests
    assert request.partition_key == day
    assert str(request.run_key).startswith(day)
    repository = hub.definitions.get_repository_def()
    job = repository.get_job(repository.get_schedule_def(name).job_name)
    assert [key.path[-1] for key in job.asset_layer.selected_asset_keys] == [asset]


def questions_of(world: World, *days: str, partial: bool = False) -> None:
    """Days of questions as they lie in the lake."""
    facts = {"site": "ai", **({"partial": "the day is not over"} if partial else {})}
    row = {"id": "stackexchange:ai:1", "title": "T", "body": "B", "labels": ["a"]}
    for day in days:
        made = TableWrite([texts_frame([row])], provenance={"new_questions": facts})
        world.lake.write(texts_table("new_questions"), day, made)


NIGHT = dt.datetime(2026, 3, 20, 1, 15, tzinfo=dt.UTC)


def march(*days: int) -> list[str]:
    return [f"2026-03-{day:02}" for day in days]


@pytest.mark.usefixtures("accepted")
@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ([], [19]),
        ([18], [19]),
        ([15, 16, 18], [17, 19]),  # between days that are there
        ([15], [16, 17, 18, 19]),  # since the first that is there
        (range(1, 20), [19]),  # whole or not, the last one is asked for
        ([1, 10], [6, 7, 8, 9, *range(11, 20)]),  # fourteen days back, and no further
    ],
)
def test_a_missed_night_is_asked_for_again(
    world: Make, stored: list[int], asked: list[int]
) -> None:
    hub = world()
    questions_of(hub, *march(*stored))
    requests = tick(hub, "nightly_questions", NIGHT).requests
    assert [request.partition_key for request in requests] == march(*asked)
    assert len({request.run_key for request in requests}) == len(asked)


@pytest.mark.usefixtures("accepted")
@pytest.mark.heavy
def test_a_day_that_fails_is_asked_for_once_a_night_and_not_for_ever(world: Make) -> None:
    hub = world()
    questions_of(hub, *march(5, 7))
    keys: list[str] = []
    for night in range(30):
        at = NIGHT.replace(day=8) + dt.timedelta(night)
        ticks = [tick(hub, "nightly_questions", at).requests for _ in range(2)]
        first, second = ([str(one.run_key) for one in requests] for requests in ticks)
        assert first == second  # a tick that is evaluated twice asks once
        keys += [key for key in first if key.startswith("2026-03-06")]
        questions_of(hub, f"{at - dt.timedelta(1):%Y-%m-%d}")
    assert len(keys) == len(set(keys)) == 13  # as of its second night


@pytest.mark.usefixtures("accepted")
def test_a_day_that_was_fetched_before_it_was_over_is_missed(world: Make) -> None:
    hub = world()
    questions_of(hub, *march(15, 16, 17, 18))
    questions_of(hub, *march(17), partial=True)
    requests = tick(hub, "nightly_questions", NIGHT).requests
    assert [request.partition_key for request in requests] == march(17, 19)


@pytest.mark.usefixtures("accepted")
def test_what_cannot_be_fetched_later_says_so(world: Make) -> None:
    hub = world()
    row = {"id": "kaggle:1", "title": "T", "body": "B", "labels": ["a"]}
    made_then = TableWrite([texts_frame([row])], provenance={"new_datasets": {}})
    hub.lake.write(texts_table("new_datasets"), march(1)[0], made_then)
    (request,) = tick(hub, "nightly_datasets", NIGHT).requests
    assert request.partition_key == march(20)[0]
    schedule = hub.definitions.get_repository_def().get_schedule_def("nightly_datasets")
    assert "Kaggle shows no past day" in str(schedule.description)
