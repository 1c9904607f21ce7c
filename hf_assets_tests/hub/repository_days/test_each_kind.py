"""Models, datasets, Spaces alike: a month changes with its days alone; an identity has one past."""

from hashlib import sha256
from pathlib import Path

import pytest

from hf_assets.hub.repository_days.facts import digest
from hf_assets.hub.repository_days.reading import day_of, days_in, history_of
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import KINDS, Kind
from hf_assets.storage.lake import Lake
from hf_assets_tests.hub.repository_days.lake_of_days import (
    DAYS,
    UNTRUSTED,
    fill,
    judge,
    rows_of,
    source,
    write_day,
)

pytestmark = [
    pytest.mark.usefixtures("unsynced"),
    pytest.mark.parametrize("kind", KINDS.values(), ids=[*KINDS]),
]
JANUARY, FEBRUARY = "2026-01", "2026-02"


def _changed(lake: Lake, kind: Kind) -> set[str]:
    """The months whose bytes a refresh changes; then every day is given back, hash by hash."""

    def months() -> dict[str, str]:
        name = kind.table.name
        files = zip(lake.months(name), lake.read(name, None).months, strict=True)
        return {month: sha256(Path(path).read_bytes()).hexdigest() for month, path in files}

    before = months()
    refresh(lake, kind)
    after, facts = months(), days_in(lake, kind.table.name)
    assert [*facts] == lake.days(kind.source.name)
    for day in facts:
        rows = day_of(lake, kind.table.name, day, kind.kept[1:])
        assert rows is not None
        assert rows.equals(source(lake, day, kind)), day
        assert digest([rows], kind) == facts[day].digest
    return {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}


def test_a_day_made_again_changes_its_month_alone(lake: Lake, kind: Kind) -> None:
    fill(lake, kind)
    assert _changed(lake, kind) == set()
    write_day(lake, DAYS[1], rows_of(DAYS[1], seed=1), kind)
    assert _changed(lake, kind) == {JANUARY}


def test_a_day_withdrawn_changes_its_month_alone(lake: Lake, kind: Kind) -> None:
    fill(lake, kind)
    (lake.folder(kind.source.name, DAYS[5]) / "data.parquet").unlink()
    assert _changed(lake, kind) == {FEBRUARY}
    assert day_of(lake, kind.table.name, DAYS[5]) is None


def test_a_day_no_longer_trusted_changes_its_month_alone(lake: Lake, kind: Kind) -> None:
    fill(lake, kind)
    judge(lake, DAYS, [*UNTRUSTED, DAYS[0]])
    assert _changed(lake, kind) == {JANUARY}
    facts = days_in(lake, kind.table.name)
    assert [day for day in DAYS if not facts[day].trusted] == [DAYS[0], *UNTRUSTED]


def test_what_is_renamed_and_deleted_keeps_its_past(lake: Lake, kind: Kind) -> None:
    """It is renamed in January, away for a day, and deleted in February; another takes its name."""
    listed = {
        DAYS[0]: [("1", "a/old")],
        DAYS[1]: [("1", "a/new")],
        DAYS[2]: [("2", "b/other")],
        DAYS[3]: [("1", "a/new"), ("2", "b/other")],
        DAYS[4]: [("1", "a/new")],
        DAYS[5]: [("2", "a/new")],
    }
    for at, (day, rows) in enumerate(listed.items()):
        write_day(lake, day, [{"hub_id": one, "id": id, "likes": at} for one, id in rows], kind)
    judge(lake, [*listed])
    refresh(lake, kind)
    for hub_id in ("1", "2"):
        past = history_of(lake, kind.table.name, hub_id)
        expected = [(day, name, at) for at, (day, rows) in enumerate(listed.items())
                    for one, name in rows if one == hub_id]  # fmt: skip
        days = past["day"].dt.to_string().to_list()
        assert [*zip(days, past["id"], past["likes"], strict=True)] == expected
