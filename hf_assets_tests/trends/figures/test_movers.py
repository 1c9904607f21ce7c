"""Risers and fallers: one-day spikes stand apart."""

import polars as pl

from hf_assets.trends.figures.history.history import History
from hf_assets.trends.figures.history.movers import growths, movers, risers, weekly_movers
from hf_assets.trends.report.numbers import numbers
from hf_assets.trends.series.schemas import MODEL_HISTORY
from hf_assets_tests.support.trends.histories import remade
from hf_assets_tests.support.trends.series import LAST, past
from hf_assets_tests.support.trends.texts import words


def with_spikes(count: int) -> tuple[History, list[str]]:
    """A history in which the first risers had all of their week on its last day; their names."""
    plain = past(60)
    first = weekly_movers(plain, rising=True).rows[:count]
    names = [row.id for row in first]
    spike = pl.col("id").is_in(names) & (pl.col("day") == LAST)

    def daily(name: str, frame: pl.DataFrame) -> pl.DataFrame:
        if name != MODEL_HISTORY.name:
            return frame
        return frame.with_columns(daily_downloads=pl.when(spike).then(1e6).otherwise(1.0))

    return remade(plain, daily), names


def test_spikes_are_no_risers_and_are_listed_apart() -> None:
    before = weekly_movers(past(60), rising=True)
    history, names = with_spikes(8)
    week = weekly_movers(history, rising=True)
    assert [row.id for row in week.rows[:9]] == [row.id for row in before.rows[8:]]
    assert (week.spiking, [row.id for row in week.spikes]) == (8, names[:5])
    assert week.count == before.count - 8
    assert week.of == before.of
    said = words(risers(history))
    assert "8 one-day spikes, left out above" in said.replace("eight", "8")
    assert "more than 60% of the week's downloads on a single day" in said.replace("\n", " ")
    assert names[0] not in week.finding()


def test_fallers_do_not_change() -> None:
    history, _ = with_spikes(3)
    week, before = weekly_movers(history, rising=False), weekly_movers(past(60), rising=False)
    assert week.rows == before.rows
    assert not week.spikes
    assert "spike" not in " ".join(week.caption)


def test_the_report_names_a_riser_that_is_no_spike() -> None:
    history, names = with_spikes(1)
    (riser,) = [one for one in numbers(history) if "riser" in one.label]
    assert riser.note not in names
    rose = movers(growths(history.frames[MODEL_HISTORY.name], LAST), rising=True)
    assert riser.note == rose["id"][0]


def test_a_week_of_spikes_alone_says_so() -> None:
    plain = past(60)
    rose = growths(plain.frames[MODEL_HISTORY.name], LAST)
    history, _ = with_spikes(movers(rose, rising=True).height)
    # The ledger holds fewer names than rose: the others stay risers.
    assert weekly_movers(history, rising=True).rows
    every = remade(
        plain,
        lambda name, frame: (
            frame.with_columns(
                daily_downloads=pl.when(pl.col("day") == LAST).then(1e6).otherwise(1.0)
            )
            if name == MODEL_HISTORY.name
            else frame
        ),
    )
    week = weekly_movers(every, rising=True)
    assert not week.rows
    assert "one-day spikes" in week.missing
