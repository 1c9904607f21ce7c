"""What the pages say of a name that a model has on another day, and of one that it had before."""

import datetime as dt
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import polars as pl
import pytest

from hf_assets.apps.explore import renamed
from hf_assets.apps.index.renames import Renames, renames
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.apps.scripts import Script
from hf_assets_tests.support.trends.days import FIRST, day
from hf_assets_tests.support.trends.lives import Row, in_small_groups, kept_days, listed

# March 2025, from the first on, and April.
NUMBERS = (*range(0, 30, 5), *range(31, 40, 2))
APRIL = 31
LAST = NUMBERS[-1]


def rows_of(at: int) -> list[Row]:
    """Models by what happens to their names."""
    rows = [
        # Renamed twice, within March and between both months.
        listed(1, 100, id="a/first" if at < 10 else "a/second" if at < APRIL else "a/third"),
        listed(2, 200, id="a/old" if at < 35 else "a/new"),
        # Its name goes to another model.
        listed(3, 300, id="a/given" if at < 20 else "a/giver"),
        listed(5, 500),
    ]
    if at >= 25:
        rows.append(listed(4, 400, id="a/given"))
    if at < 37:
        rows.append(listed(6, 600, id="a/leaves" if at < 15 else "a/left"))
    return rows


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    assert dt.date(2025, 3, 1) == FIRST
    lake = Lake(tmp_path_factory.mktemp("renamed"))
    kept_days(lake, {at: rows_of(at) for at in NUMBERS})
    return lake


@pytest.fixture
def script(lake: Lake) -> Script:
    assert isinstance(lake.root, Path)
    return Script(lake.root)


def _links(script: Script) -> str:
    return unescape(script.html)


@pytest.mark.parametrize("small", [False, True], ids=["one group", "small groups"])
def test_each_name_and_the_next_within_a_month_and_between_two(tmp_path: Path, small: bool) -> None:
    lake = Lake(tmp_path)
    kept_days(lake, {at: rows_of(at) for at in NUMBERS})
    if small:
        in_small_groups(lake, 2)
    found = Renames().of(lake, wait=60)
    assert found is not None
    assert sorted(found.rows()) == [
        ("id0001", "a/first", "a/second"),
        ("id0001", "a/second", "a/third"),
        ("id0002", "a/old", "a/new"),
        ("id0003", "a/given", "a/giver"),
        ("id0006", "a/leaves", "a/left"),
    ]


@pytest.mark.parametrize(
    ("name", "now", "since"),
    [("a/first", "a/third", APRIL), ("a/second", "a/third", APRIL), ("a/old", "a/new", 35)],
)
def test_the_page_of_an_old_name_says_what_it_is_now(
    script: Script, name: str, now: str, since: int
) -> None:
    script.open(f"model?id={name}")
    assert f"{name}</h1>" in script.html
    assert f"It was renamed: since {day(since)} it is {now}." in script.said
    assert f'href="model?id={now}"' in _links(script)
    assert "From model_days" in script.said


def test_a_new_name_on_an_old_day_leads_to_the_old_one(script: Script) -> None:
    script.open(f"model?id=a/third&day={day(15)}")
    assert f"It has this name since {day(APRIL)}; on {day(15)} it was a/second." in script.said
    assert f'href="model?day={day(15)}&id=a/second"' in _links(script)


def test_a_renamed_model_that_is_gone_has_its_page_on_its_last_day(script: Script) -> None:
    script.open("model?id=a/leaves")
    said = f"since {day(15)} it is a/left, which stored days list to {day(35)}."
    assert said in script.said
    assert f'href="model?day={day(35)}&id=a/left"' in _links(script)


def test_a_name_that_another_model_has_now_is_that_models(script: Script) -> None:
    assert "renamed" not in script.open("model?id=a/given").said
    script.open(f"model?id=a/given&day={day(20)}")
    assert f"since {day(20)} it is a/giver." in script.said


@pytest.mark.parametrize("name", ["a/nobody", "a/m5x", "' or 1"])
def test_a_name_that_no_day_has_stays_unknown(script: Script, name: str) -> None:
    script.open(f"model?{urlencode({'id': name})}")
    assert "It may have another name on that day" in script.said
    assert "renamed" not in script.said


def test_a_comparison_says_what_an_old_name_is_now(script: Script) -> None:
    script.open("compare?item=a/m5&item=a/old")
    assert f"There is no model a/old on {day(LAST)}: it is left out." in script.said
    assert f"It was renamed: since {day(35)} it is a/new." in script.said


def test_while_names_are_read_the_page_says_so(
    script: Script, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Renames, "of", lambda *_, **__: None)
    script.open("model?id=a/old")
    assert "names that models had before are being read" in script.said


def test_a_month_is_read_once_for_each_of_its_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, own, read = Lake(tmp_path), Renames(), list[str]()
    assert own.of(lake, wait=60) is not None, "without model_days nothing was renamed"

    def counted(before: object, month: object) -> pl.DataFrame:
        read.append(f"{before and 'two'}")
        return renames(before, month)  # ty: ignore[invalid-argument-type]

    monkeypatch.setattr("hf_assets.apps.index.renames.renames", counted)
    kept_days(lake, {at: rows_of(at) for at in NUMBERS})
    for _ in range(2):
        assert own.of(lake, wait=60) is not None
        assert read == ["two", "None"]
    april = Path(lake.read("model_days", None).months[-1])
    content = april.read_bytes()
    april.unlink()
    april.write_bytes(content)
    assert own.of(lake, wait=60) is not None
    assert read == ["two", "None", "two"]


def test_a_damaged_month_is_logged_and_the_page_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lake = Lake(tmp_path)
    kept_days(lake, {at: rows_of(at) for at in NUMBERS})
    march, _ = lake.read("model_days", None).months
    Path(march).write_bytes(Path(march).read_bytes()[:-600] + bytes(600))
    found = Renames().of(lake, wait=60)
    assert found is not None
    assert "a/old" in found["before"]
    assert "names of before are not known" in caplog.text


def test_the_pages_share_what_was_read() -> None:
    assert isinstance(renamed.RENAMES, Renames)
