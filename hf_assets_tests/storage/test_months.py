"""Days kept by month: read as the days are, whatever became of them."""

from collections.abc import Sequence
from unittest import mock

import polars as pl
import pytest

from hf_assets.storage import months
from hf_assets.storage.durable import stamp, write_bytes
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.storage.opened import OpenedFile
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets.trends.series.past import Past
from hf_assets_tests.support.slow_writer import put
from hf_assets_tests.support.trends.days import category, day, judge, kept, model, verdict, write

pytestmark = pytest.mark.usefixtures("unsynced")
MARCH, APRIL = range(0, 31), range(31, 35)


def filled(lake: Lake) -> Past:
    return kept(lake, {at: [category("a", at), model(1, at)] for at in (*MARCH, *APRIL)})


def levels(lake: Lake) -> list[int]:
    rows = Past(lake).dimension("category")
    assert rows["at"].to_list() == list(range(rows.height))
    return rows["downloads"].to_list()


def added(lake: Lake, number: int) -> None:
    write(
        lake,
        DAILY_METRICS,
        day(number).isoformat(),
        [{"day": day(number), **category("a", number)}],
    )
    verdicts = (verdict(at) for at in range(70))
    judge(lake, verdicts)


def rewritten(lake: Lake, number: int, downloads: int) -> None:
    rows = [{"day": day(number), **category("a", downloads)}]
    frame = pl.DataFrame(rows, schema=dict(DAILY_METRICS.schema))
    put(lake.read("daily_metrics", day(number).isoformat()).path, frame)


def test_a_month_that_is_over_is_kept(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(lake)
    assert levels(lake) == list(range(35))
    kept_files = sorted((lake.root / "daily_metrics" / "by_month").iterdir())
    assert [path.name for path in kept_files] == ["2025-03.parquet"]
    assert len(lake.days("daily_metrics")) == 35
    # Only the days of the last month are opened again.
    opened: list[str] = []
    scan = months.scan

    def watched(files: Sequence[OpenedFile], **options: object) -> pl.LazyFrame:
        opened.extend(str(one.path) for one in files)
        return scan(files, **options)

    before = stamp(kept_files[0])
    monkeypatch.setattr(months, "scan", watched)
    assert levels(lake) == list(range(35))
    assert any(path.endswith("2025-03.parquet") for path in opened)
    assert stamp(kept_files[0]) == before


def test_a_day_made_again_added_or_gone_is_seen(lake: Lake) -> None:
    filled(lake)
    levels(lake)
    rewritten(lake, 5, 1_000)
    assert levels(lake) == [*range(5), 1_000, *range(6, 35)]
    lake.read("daily_metrics", day(7).isoformat()).path.unlink()
    assert levels(lake) == [*range(5), 1_000, 6, *range(8, 35)]


def test_a_copy_of_other_columns_is_made_again(lake: Lake) -> None:
    filled(lake)
    levels(lake)
    path = lake.root / "daily_metrics" / "by_month" / "2025-03.parquet"
    put(path, pl.read_parquet(path.read_bytes()).select("day", "dimension"))
    assert levels(lake) == list(range(35))


def test_a_few_new_days_of_the_last_month_wait(lake: Lake) -> None:
    filled(lake)
    assert levels(lake) == list(range(35))
    april = lake.root / "daily_metrics" / "by_month" / "2025-04.parquet"
    assert not april.exists(), "four days are not kept yet"
    for number in range(35, 35 + months.WAITING):
        added(lake, number)
    assert levels(lake) == list(range(35 + months.WAITING))
    assert pl.read_parquet(april.read_bytes())["day"].n_unique() == 4 + months.WAITING
    # One that comes after those kept is read beside them; one between them has all kept anew.
    before = stamp(april)
    added(lake, 60)
    assert levels(lake) == [*range(41), 60]
    assert stamp(april) == before
    added(lake, 45)
    assert levels(lake) == [*range(41), 45, 60]
    assert stamp(april) == before
    rewritten(lake, 33, 1_000)
    assert levels(lake)[33] == 1_000
    added(lake, 61)  # the first of May: April is over
    assert levels(lake)[-3:] == [45, 60, 61]
    assert pl.read_parquet(april.read_bytes())["day"].n_unique() == 12


def test_what_footers_say_is_kept_and_told_as_it_is(lake: Lake) -> None:
    days = [day(at).isoformat() for at in (0, 1, 40)]
    for number, one in enumerate(days):
        lake.write(
            DAILY_METRICS, one, TableWrite([], notes={"number": number, "nested": {"a": [1]}})
        )
    wanted = {one: lake.notes("daily_metrics", one) for one in days}
    assert months.notes_by_month(lake, "daily_metrics") == wanted
    with mock.patch.object(Lake, "notes", side_effect=AssertionError("read again")):
        assert months.notes_by_month(lake, "daily_metrics") == wanted
    lake.write(DAILY_METRICS, days[1], TableWrite([], notes={"number": 10}))
    lake.folder("daily_metrics", days[2]).joinpath("data.parquet").unlink()
    found = months.notes_by_month(lake, "daily_metrics")
    assert found == {days[0]: wanted[days[0]], days[1]: {"number": 10}}
    # Half of a copy is none.
    kept_notes = lake.root / "daily_metrics" / "by_month" / "2025-03.json"
    write_bytes(kept_notes, kept_notes.read_bytes()[:50])
    assert months.notes_by_month(lake, "daily_metrics") == found
