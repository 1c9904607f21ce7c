"""Old days made small: what goes, what stays, what must not be touched, and a reader's view."""

import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from filelock import FileLock

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub import retention
from hf_assets.hub.capture_store.manifest import CorruptCapture
from hf_assets.hub.capture_store.store import RAW, CaptureStore
from hf_assets.hub.quality.schemas import DAILY_CHANGES, DAY_QUALITY
from hf_assets.hub.retention import Ages, Thinned, thin, thinned, trusted_days
from hf_assets.hub.tables import schemas
from hf_assets.object_store.path import StorePath
from hf_assets.storage.lake import Lake, TableWrite, iso
from hf_assets.storage.parquet import Table
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets_tests.conftest import DAY, ServedHub
from hf_assets_tests.support.hub.captures import made_datasets, made_models, made_spaces
from hf_assets_tests.support.object_store.counting import CountingProxy

pytestmark = pytest.mark.usefixtures("unsynced")
LATER = "2027-06-01"
AGGREGATES: tuple[Table, ...] = (
    *(schemas.TOP_MODELS, schemas.MODEL_USAGE),
    *(DAILY_METRICS, DAILY_CHANGES),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A day as a nightly run leaves it: captures, tables, aggregates (empty ones will do)."""
    lake, day = Lake(tmp_path_factory.mktemp("made")), date.fromisoformat(DAY)
    app = create_app(GeneratedHub(3000, 800, day=day, sized_on=day))
    with LoopbackServer(app) as server:
        served = ServedHub(app, server.url)
        made_spaces(lake, served, made_models(lake, served))
        made_datasets(lake, served)
    for table in AGGREGATES:
        lake.write(table, DAY, TableWrite([]))
    return lake


@pytest.fixture
def day(lake: Lake, made: Lake) -> str:
    """That day, in a lake of the test's own."""
    shutil.copytree(made.root, lake.root)
    return DAY


def thin_all(lake: Lake, *, trusted: tuple[str, ...] = (DAY,), dry: bool = False) -> list[Thinned]:
    return list(thin(lake, trusted, LATER, Ages(60, 30), dry=dry))


def test_a_thin_day_keeps_who_what_and_how_much(lake: Lake, day: str) -> None:
    whole = {name: lake.read(name, day).frame.collect() for name in retention.KEPT}
    done = thin_all(lake)
    assert {one.asset for one in done} == {*retention.KEPT, *RAW}
    for name, kept in retention.KEPT.items():
        stored = lake.read(name, day)
        rows = stored.frame.collect()
        assert rows.select(kept).equals(whole[name].select(kept))
        assert rows.schema == whole[name].schema
        gone = rows.drop(kept)
        assert gone.null_count().row(0) == (rows.height,) * gone.width
        assert thinned(stored)
        assert stored.notes["thinned"] == LATER
        assert stored.notes["rows"] == rows.height
        assert stored.provenance
    assert all(one.after < one.before for one in done)
    tables_only = [one for one in done if not one.asset.startswith("raw")]
    # What a comparison needs is kept: dates and gates are an eighth of what is left.
    assert sum(one.after for one in tables_only) < 0.55 * sum(one.before for one in tables_only)


def test_pages_go_and_what_the_capture_says_stays(lake: Lake, day: str) -> None:
    before = CaptureStore(lake, "raw_models").complete(day)
    assert before
    thin_all(lake)
    after = CaptureStore(lake, "raw_models").complete(day)
    assert after
    assert after.manifest.plain() == {**before.manifest.plain(), "pages_dropped": LATER}
    assert not list(after.folder.glob("*/*.zst"))
    with pytest.raises(CorruptCapture):
        after.page(0)


def test_a_second_time_finds_nothing_to_do(lake: Lake, day: str) -> None:
    assert thin_all(lake)
    assert thin_all(lake) == []


def test_a_dry_run_writes_nothing(lake: Lake, day: str) -> None:
    def tree() -> dict[Path, tuple[int, int]]:
        return {
            path: (path.stat().st_size, path.stat().st_mtime_ns)
            for path in lake.root.rglob("*")
            if path.is_file()
        }

    before = tree()
    assert len(thin_all(lake, dry=True)) == 6
    assert tree() == before


def test_a_day_that_is_not_trusted_stays_whole_and_is_named(lake: Lake, day: str) -> None:
    told: list[str] = []
    done = list(thin(lake, [], LATER, Ages(60, 30), log=told.append))
    assert done == []
    assert len(told) == 6
    assert all("day_quality does not trust" in line and day in line for line in told)


@pytest.mark.parametrize("missing", AGGREGATES, ids=lambda table: table.name)
def test_a_day_without_an_aggregate_stays_whole(lake: Lake, day: str, missing: Table) -> None:
    (lake.folder(missing.name, day) / "data.parquet").unlink()
    told: list[str] = []
    assert list(thin(lake, [day], LATER, Ages(60, 30), log=told.append)) == []
    assert all(f"there is no {missing.name}" in line for line in told)


def test_a_day_that_the_next_was_not_compared_with_stays_whole(lake: Lake, day: str) -> None:
    following = "2026-11-23"
    lake.write(schemas.MODELS, following, TableWrite([]))
    told: list[str] = []
    assert list(thin(lake, [day], LATER, Ages(60, 30), log=told.append)) == []
    assert len([line for line in told if f"{following} was not compared with it" in line]) == 6
    lake.write(DAILY_CHANGES, following, TableWrite([]))
    assert len(thin_all(lake)) == 6


def test_pages_of_a_day_that_is_being_captured_stay(lake: Lake, day: str) -> None:
    told: list[str] = []
    # As a run of an older version holds it.
    with FileLock(lake.folder("raw_models", day) / ".lock"):
        done = list(thin(lake, [day], LATER, Ages(None, 30), log=told.append))
    assert [one.asset for one in done] == ["raw_spaces", "raw_datasets"]
    assert told == [f"the pages of raw_models of {day} stay: another run captures that day"]
    assert [one.asset for one in thin_all(lake) if one.asset.startswith("raw")] == ["raw_models"]


def test_pages_of_another_attempt_stay(lake: Lake, day: str) -> None:
    other = lake.folder("raw_models", day) / "20270101T000000.000000Z" / "000000.json.zst"
    other.parent.mkdir()
    other.write_bytes(b"a page of a capture that goes on")
    thin_all(lake)
    assert other.exists()


def test_young_days_stay_whole(lake: Lake, day: str) -> None:
    assert list(thin(lake, [day], "2026-12-20", Ages(30, 30))) == []  # 30 days old: not yet
    assert list(thin(lake, [day], LATER, Ages(None, None))) == []


def test_the_first_of_a_month_keeps_its_rows_and_loses_its_pages(lake: Lake, day: str) -> None:
    first = "2026-11-01"
    for folder in lake.root.glob(f"*/day={day}"):
        folder.rename(folder.with_name(f"day={first}"))
    done = thin_all(lake, trusted=(first,))
    assert {one.asset for one in done} == {*RAW}
    assert not thinned(lake.read("models", first))


def test_a_day_of_before_datasets_is_thinned_like_any_other(lake: Lake, day: str) -> None:
    for name in ("raw_datasets", "hub_datasets"):
        shutil.rmtree(lake.folder(name, day))
    done = {one.asset for one in thin_all(lake)}
    assert done == {"raw_models", "raw_spaces", "models", "enriched_spaces"}


def test_pages_of_datasets_stay_until_their_table_is_there(lake: Lake, day: str) -> None:
    shutil.rmtree(lake.folder("hub_datasets", day))
    told: list[str] = []
    done = list(thin(lake, [day], LATER, Ages(60, 30), log=told.append))
    assert "raw_datasets" not in {one.asset for one in done}
    assert [line for line in told if "datasets" in line] == [
        f"the pages of raw_datasets of {day} stay: there is no hub_datasets of that day"
    ]
    store = CaptureStore(lake, "raw_datasets")
    assert store.page_bytes(day)


def test_thin_datasets_can_be_counted_by_task_and_size_still(lake: Lake, day: str) -> None:
    of = ["task_categories", "size_category", "downloads", "downloads_all_time"]
    before = lake.read("hub_datasets", day).frame.select(of).collect()
    thin_all(lake)
    stored = lake.read("hub_datasets", day)
    assert stored.frame.select(of).collect().equals(before)
    gone = stored.frame.select("tags", "languages", "main_size").collect()
    assert gone.null_count().row(0) == (gone.height,) * 3


def test_a_thin_day_is_the_same_by_row_groups(lake: Lake, day: str) -> None:
    """Days of many row groups are thinned a group at a time, in order."""
    frame = lake.read("models", day).frame.collect()
    many = pl.concat([frame] * 2)
    table = Table("models", schemas.MODELS.columns, schemas.MODELS.required, row_group=1000)
    lake.write(table, DAY, TableWrite([many.slice(at, 1000) for at in range(0, many.height, 1000)]))
    thin_all(lake)
    kept = list(retention.KEPT["models"])
    assert lake.read("models", DAY).frame.select(kept).collect().equals(many.select(kept))


def test_trusted_days_are_those_that_day_quality_trusts_and_that_are_not_stale(lake: Lake) -> None:
    rows = pl.DataFrame(
        {
            "day": [iso("2026-11-19"), iso(DAY), iso("2026-11-21"), iso("2026-11-22")],
            "trusted": [True, False, None, True],
            "stale": [False, False, None, True],
        }
    )
    empty = pl.DataFrame(schema=DAY_QUALITY.schema)
    lake.write(DAY_QUALITY, None, TableWrite([pl.concat([empty, rows], how="diagonal")]))
    assert trusted_days(lake) == ["2026-11-19"]


@pytest.mark.parametrize("name", ["tables", "pages"])
def test_an_age_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be 1 day or more"):
        Ages(**{name: 0})


def test_the_models_of_a_thin_day_still_make_a_schema(lake: Lake, day: str) -> None:
    """Readers that ask for any column of the table find it."""
    thin_all(lake)
    rows = lake.read("models", day).frame.select(*schemas.MODELS.columns).collect()
    assert rows["hub_id"].null_count() == 0
    assert rows["library"].null_count() == rows.height


def test_a_store_is_asked_once_for_each_old_day_of_a_table(
    store_proxy: CountingProxy, bucket: StorePath
) -> None:
    lake, days = Lake(bucket), [f"2026-11-{day:02d}" for day in range(2, 10)]
    for day in days:
        for table in (*retention.TABLES, *AGGREGATES):
            lake.write(table, day, TableWrite([]))
    store_proxy.clear()
    assert len(thin_all(lake, trusted=tuple(days[1:]), dry=True)) == 3 * (len(days) - 1)
    counts = store_proxy.counts()
    # Whether a day is thin; then, of a day that may be, how large it is; months of the series.
    assert counts["GET range"] == 3 * len(days) + 3 * (len(days) - 1) + 3
    # The days of each table and aggregate, and of the captures.
    assert counts["LIST"] <= 3 + 7 + 3
    assert counts.total() == counts["GET range"] + counts["LIST"]
