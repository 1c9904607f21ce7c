"""What a demo's run begins with: what of its lake stands, and what must go."""

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hf_assets.demo.plan import FOLDERS, HOME, LOG, NotADemo, Plan, alone, in_ui, plan, stored_plan
from hf_assets.demo.record import FILE, OddDays, read_demo
from hf_assets.errors import InputError

TODAY = dt.date(2026, 11, 20)
HUB, LABELS = {"seed": 0, "services": "a"}, {"questions": 9, "services": "b"}
BOTH = {"hub": HUB, "labels": LABELS}
Begin = Callable[..., Plan]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def begin(data: Path) -> Begin:
    """Plans and begins a run; each half stores a file of its own."""

    def begin(
        day: dt.date = TODAY, days: int = 60, halves: dict[str, Any] | None = None, **how: bool
    ) -> Plan:
        ready = plan(data, day, days, BOTH if halves is None else halves, **how)
        ready.begin()
        return ready

    return begin


def store(data: Path, ready: Plan, *units: str) -> None:
    """Files of those units, and their place in the record."""
    for unit in units:
        (data / unit).mkdir(parents=True, exist_ok=True)
        (data / unit / "data.parquet").write_text(unit)
        ready.record.note(data, {unit: "inputs"})
    ready.record.save(data)


def test_a_first_run_has_all_its_days_as_partitions(begin: Begin, data: Path) -> None:
    ready = begin()
    assert (ready.record.first_day, ready.record.begun) == ("2026-09-21", "2026-11-20")
    assert ready.past.keys[0] == ready.record.first_day
    assert not ready.reason
    assert read_demo(data) == ready.record
    assert begin(days=0, fresh=True).record.first_day == "2026-11-20"


def test_a_second_run_removes_nothing(begin: Begin, data: Path) -> None:
    store(data, begin(), "models/day=2026-11-20", "corpora/questions")
    again = begin()
    assert (again.remove, again.history, again.reason) == ((), False, "")
    assert again.record.stands(data, {"models/day=2026-11-20": "inputs"})


def test_the_past_keeps_its_beginning_and_its_odd_days(begin: Begin) -> None:
    first = begin()
    later = begin(TODAY + dt.timedelta(3))
    assert later.record.first_day == first.record.first_day
    assert later.past.days == 63
    assert later.past.odd_days == first.past.odd_days != OddDays()
    assert later.record.begun == "2026-11-20"
    # Fewer days than are stored, and none at all.
    assert begin(days=0).past.days == 60
    longer = begin(days=80)
    assert (longer.past.days, longer.record.texts_from) == (80, first.record.first_day)
    assert longer.past.odd_days == first.past.odd_days


def test_other_inputs_remove_the_half_that_depends_on_them(begin: Begin, data: Path) -> None:
    store(data, begin(), "models/day=2026-11-20", "corpora/questions")
    changed = begin(halves={"hub": {**HUB, "seed": 1}, "labels": LABELS})
    assert "--seed" in changed.reason
    assert not (data / "models").exists()
    assert (data / "corpora" / "questions" / "data.parquet").exists()
    assert (data / HOME).exists()
    assert list(changed.record.units) == ["corpora/questions"]
    assert "seed" not in begin(halves={"hub": {**HUB, "seed": 1}}).reason


def test_a_half_that_is_not_asked_for_stays(begin: Begin, data: Path) -> None:
    store(data, begin(), "models/day=2026-11-20", "corpora/questions")
    other = begin(halves={"labels": {**LABELS, "questions": 10}})
    assert other.remove == ("labels",)
    assert (data / "models" / "day=2026-11-20").exists()
    assert other.record.halves == {"hub": HUB, "labels": {**LABELS, "questions": 10}}


def test_another_version_of_the_services_is_another_demo(begin: Begin, data: Path) -> None:
    store(data, begin(), "models/day=2026-11-20")
    runs = data / HOME / "history"
    runs.mkdir()
    new = {half: {**inputs, "services": "new"} for half, inputs in BOTH.items()}
    changed = begin(TODAY + dt.timedelta(1), halves=new)
    assert "the version of the demo" in changed.reason
    assert not runs.exists()
    assert (changed.record.units, changed.record.begun) == ({}, "2026-11-21")


def test_odd_days_need_a_new_past(begin: Begin, data: Path) -> None:
    store(data, begin(days=5), "models/day=2026-11-20")
    assert begin(days=7).reason == ""
    assert "--days" in begin(days=30).reason
    assert not (data / "models").exists()


def test_everything_goes_if_a_person_says_so(begin: Begin, data: Path) -> None:
    store(data, begin(), "models/day=2026-11-20", "corpora/questions")
    (data / "notes.txt").write_text("of a person")
    fresh = begin(fresh=True)
    assert "--fresh" in fresh.reason
    assert not [name for half in FOLDERS.values() for name in half if (data / name).exists()]
    assert (data / "notes.txt").exists()


def test_without_its_history_every_run_is_repeated_and_captures_stay(
    begin: Begin, data: Path
) -> None:
    store(data, begin(), "raw_models/day=2026-11-20")
    shutil.rmtree(data / HOME)
    again = begin()
    assert "history" in again.reason
    assert again.record.units == {}
    assert (data / "raw_models" / "day=2026-11-20").exists()
    assert begin().reason == ""


def test_a_demo_of_an_earlier_version_is_built_again(begin: Begin, data: Path) -> None:
    store(data, begin(), "models/day=2026-11-20")
    for torn in ("{", "{}", None):
        (data / LOG).touch()
        (data / FILE).unlink() if torn is None else (data / FILE).write_text(torn)
        (data / "models").mkdir(exist_ok=True)
        assert "no record" in begin().reason
        assert not (data / "models").exists()


def test_a_lake_that_is_no_demos_is_left_alone(data: Path) -> None:
    (data / "raw_models").mkdir(parents=True)
    with pytest.raises(NotADemo, match="--data"):
        plan(data, TODAY, 60, BOTH)
    assert stored_plan(data, TODAY) is None


def test_the_history_stays_while_the_ui_shows_it(begin: Begin, data: Path) -> None:
    begin()
    with in_ui(data):
        assert begin().reason == ""
        with pytest.raises(InputError, match="stop it first"):
            begin(fresh=True)
        assert (data / HOME).exists()
    with alone(data), pytest.raises(InputError, match="another run"), alone(data):
        pass


def test_the_ui_shows_a_demo_as_it_is(begin: Begin, data: Path) -> None:
    first = begin()
    shown = stored_plan(data, TODAY + dt.timedelta(2))
    assert shown is not None
    assert (shown.past.days, shown.past.odd_days) == (62, first.past.odd_days)
    (data / FILE).unlink()
    earlier = stored_plan(data, TODAY)
    assert earlier is not None
    assert (earlier.record.first_day, earlier.remove) == ("2026-11-20", ())
