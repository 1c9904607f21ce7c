"""The risers among all models: from a hundred downloads on, one-day spikes apart."""

import datetime as dt

import pytest

from hf_assets.storage.lake import Lake
from hf_assets.trends.figures.history.history import History, read_history
from hf_assets.trends.figures.history.movers import all_risers, risers_of_all
from hf_assets.trends.lives.model_phases import model_phases
from hf_assets.trends.lives.risers import risers
from hf_assets.trends.series.schemas import MODEL_PHASES
from hf_assets_tests.support.trends.days import FIRST, day
from hf_assets_tests.support.trends.lives import kept_days, listed
from hf_assets_tests.support.trends.texts import words

OLD = FIRST - dt.timedelta(400)


def filled(lake: Lake) -> None:
    """Model 1 doubles evenly, 2 by one day's downloads, 3 from too few, 4 falls, 5 stands still."""

    def rows(at: int) -> list[dict]:
        spike = 900 * (at >= 18)
        return [
            listed(1, 100 + 15 * max(at - 12, 0), created=OLD, downloads_all_time=15 * at),
            listed(2, 400 + spike, created=OLD, downloads_all_time=at + spike),
            listed(3, 99 + 100 * max(at - 12, 0), created=OLD, downloads_all_time=100 * at),
            listed(4, 900 - 20 * at, created=OLD, downloads_all_time=100 * at),
            listed(5, 700, created=OLD, downloads_all_time=20 * at),
        ]

    past = kept_days(lake, {at: rows(at) for at in range(20) if at != 15}, untrusted=[14])
    lake.write(MODEL_PHASES, None, model_phases(past))


def test_the_strongest_come_first_and_spikes_apart(any_lake: Lake) -> None:
    filled(any_lake)
    found = risers(any_lake)
    assert found.select("id", "base", "downloads", "spike").rows() == [
        ("a/m1", pytest.approx(100), 205.0, False), ("a/m2", pytest.approx(400), 1300.0, True),
    ]  # fmt: skip
    assert found["day"].unique().to_list() == [day(19)]
    assert found.select("of", "rose", "spiking").row(0) == (4, 1, 1)
    # Neither the day that is missing nor the one that is not trusted.
    assert len(found["past"][0]) == 18


def test_no_more_than_are_asked_for(lake: Lake) -> None:
    filled(lake)
    assert risers(lake, most=0)["id"].to_list() == ["a/m2"]
    assert risers(lake, most_spikes=0)["id"].to_list() == ["a/m1"]
    assert len(risers(lake, past_days=3)["past"][0]) == 3


def test_without_phases_there_are_none(lake: Lake) -> None:
    assert risers(lake).is_empty()


def test_the_figure_lists_them(lake: Lake) -> None:
    filled(lake)
    history = History.of({}, risers(lake))
    week = all_risers(history)
    assert ([row.id for row in week.rows], [row.id for row in week.spikes]) == (["a/m1"], ["a/m2"])
    assert (week.of, week.count, week.spiking) == (4, 1, 1)
    assert [week.rows[0].past[at] for at in (0, -1)] == [100, 205]
    said = words(risers_of_all(history)).replace("\n", " ").replace("\u00a0", " ")
    assert "Risers of the week among all models" in said
    assert "4 models of all with 100 downloads or more a week ago" in said
    assert "one-day spike" in said
    assert "no growth of all models yet" in words(risers_of_all(History.of({})))


def test_the_history_of_a_lake_has_them_and_phases_of_the_first_thousand_alone(lake: Lake) -> None:
    filled(lake)
    history = read_history(lake)
    assert history.risers["id"].to_list() == ["a/m1", "a/m2"]
    assert history.frames[MODEL_PHASES.name].collect().is_empty(), "it has no model_history"
