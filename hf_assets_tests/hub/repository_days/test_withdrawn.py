"""Days whose rows the series alone has: their loss is an error; they go on purpose alone."""

from typing import Any

import pytest

from hf_assets.errors import InputError
from hf_assets.hub.repository_days.old_days import read_day
from hf_assets.hub.repository_days.reading import day_of, days_in
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.rules import has_stored_days
from hf_assets.hub.repository_days.schemas import OF_MODELS
from hf_assets.object_store.commit import ANY
from hf_assets.object_store.path import LakePath
from hf_assets.storage.durable import write_bytes
from hf_assets.storage.lake import Lake, MissingDay
from hf_assets.storage.month_files import MANIFEST, MonthFiles
from hf_assets_tests.hub.repository_days.lake_of_days import (
    OLD,
    Old,
    empty,
    judge,
    rows_of,
    write_day,
)

pytestmark = pytest.mark.usefixtures("unsynced")
DAYS = ("2026-01-27", "2026-01-28", "2026-02-01")
EMPTIED = DAYS[:2]


@pytest.fixture
def emptied(any_lake: Lake) -> Lake:
    """Two days of January that `model_days` alone has, and one of February; folder and store."""
    for day in DAYS:
        write_day(any_lake, day, rows_of(day)[:5])
    judge(any_lake, DAYS)
    refresh(any_lake, OF_MODELS)
    for day in EMPTIED:
        empty(any_lake, day)
    refresh(any_lake, OF_MODELS)
    return any_lake


def _table(lake: Lake, day: str) -> Any:
    return lake.folder("models", day) / "data.parquet"


def _lose_month(lake: Lake, month: str) -> None:
    files = MonthFiles(lake.folder("model_days", None))
    paths: list[LakePath] = [*files.paths(files.manifest())]
    public = lake.folder("model_days", month) / "data.parquet"
    for path in {path for path in paths if month in path.name} | {public}:
        path.unlink()


def test_rows_that_are_nowhere_are_named(emptied: Lake) -> None:
    """The month lost, and the files of its days: until then that looked like a withdrawal."""
    _lose_month(emptied, "2026-01")
    for day in EMPTIED:
        _table(emptied, day).unlink()
    before = MonthFiles(emptied.folder("model_days", None)).manifest()
    for again in (False, True):
        with pytest.raises(MissingDay) as raised:
            refresh(emptied, OF_MODELS, full_refresh=again)
        assert f"{EMPTIED[0]}, {EMPTIED[1]}" in str(raised.value)
        assert "restore model_days from a backup" in str(raised.value)
    assert MonthFiles(emptied.folder("model_days", None)).manifest() == before
    refresh(emptied, OF_MODELS, withdraw=EMPTIED)
    assert [*days_in(emptied, "model_days")] == [DAYS[2]]
    refresh(emptied, OF_MODELS)


def test_a_day_goes_on_purpose(emptied: Lake) -> None:
    """Its table is deleted, and the series told; the other days stay."""
    with pytest.raises(InputError, match=f"delete the folder models/day={EMPTIED[0]} first"):
        refresh(emptied, OF_MODELS, withdraw=[EMPTIED[0]])
    with pytest.raises(InputError, match="does not have 2026-01-05"):
        refresh(emptied, OF_MODELS, withdraw=["2026-01-05"])
    stays = read_day(emptied, "models", EMPTIED[1]).frame.collect()
    _table(emptied, EMPTIED[0]).unlink()
    refresh(emptied, OF_MODELS)
    assert [*days_in(emptied, "model_days")] == [*DAYS]
    text = has_stored_days(emptied, OF_MODELS).description
    assert f"the rows of {EMPTIED[0]} are in it alone" in text
    assert "`withdraw`" in text
    refresh(emptied, OF_MODELS, withdraw=[EMPTIED[0]])
    assert [*days_in(emptied, "model_days")] == [*DAYS[1:]]
    assert has_stored_days(emptied, OF_MODELS).passed
    assert read_day(emptied, "models", EMPTIED[1]).frame.collect().equals(stays)
    refresh(emptied, OF_MODELS, full_refresh=True)
    assert [*days_in(emptied, "model_days")] == [*DAYS[1:]]


def test_a_month_goes_with_its_last_day(emptied: Lake) -> None:
    for day in EMPTIED:
        _table(emptied, day).unlink()
    refresh(emptied, OF_MODELS, withdraw=EMPTIED)
    assert emptied.months("model_days") == ["2026-02"]


def test_a_kill_while_a_day_goes_is_made_up_for(
    emptied: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The month is written without it, `months.json` not yet."""
    _table(emptied, EMPTIED[0]).unlink()

    def killed(*_: Any, **__: Any) -> Any:
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(MonthFiles, "join", killed)
        with pytest.raises(OSError, match="killed"):
            refresh(emptied, OF_MODELS, withdraw=[EMPTIED[0]])
    assert EMPTIED[0] in days_in(emptied, "model_days")
    with pytest.raises(MissingDay, match=EMPTIED[0]):
        refresh(emptied, OF_MODELS)
    refresh(emptied, OF_MODELS, withdraw=[EMPTIED[0]])
    assert [*days_in(emptied, "model_days")] == [*DAYS[1:]]


def test_an_older_month_keeps_a_day_without_a_table(filled: Lake, old: Old) -> None:
    """A backup of the month from before its days were emptied has their rows."""
    (path,) = filled.root.glob("model_days/month=2026-01/data.parquet")
    backup = path.read_bytes()
    refresh(filled, OF_MODELS)
    for there in [*filled.root.glob("model_days/.versions/2026-01*"), path]:
        there.unlink()
    path.write_bytes(backup)
    for day in OLD[:2]:
        (filled.folder("models", day) / "data.parquet").unlink()
    refresh(filled, OF_MODELS)
    facts = days_in(filled, "model_days")
    assert all(facts[day].only_here for day in OLD)
    assert {*old} <= facts.keys()


@pytest.mark.parametrize("hidden", [True, False])
def test_months_stay_where_months_json_is_lost(emptied: Lake, *, hidden: bool) -> None:
    """Also of a copy without hidden files, where the months have their public names alone."""
    files = MonthFiles(emptied.folder("model_days", None))
    stays = read_day(emptied, "models", EMPTIED[0]).frame.collect()
    _table(emptied, EMPTIED[0]).unlink()
    if not hidden:
        for path in [*files.new("2026-01").parent.iterdir()]:
            path.unlink()
    (files.folder / MANIFEST).unlink()
    refresh(emptied, OF_MODELS)
    assert [*days_in(emptied, "model_days")] == [*DAYS]
    there = day_of(emptied, "model_days", EMPTIED[0], ["id", "likes"])
    assert there is not None
    assert there.drop("hub_id").equals(stays.sort("hub_id").select("id", "likes"))


@pytest.mark.parametrize("content", [b"", b'{"months": ', b"null", b'{"months": [1]}'])
def test_damaged_months_json_is_an_error_that_says_what_to_do(
    emptied: Lake, content: bytes
) -> None:
    write_bytes(emptied.folder("model_days", None) / MANIFEST, content, ANY)
    with pytest.raises(InputError, match=r"months\.json is damaged .*: restore it from a backup"):
        refresh(emptied, OF_MODELS)
