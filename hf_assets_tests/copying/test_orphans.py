"""What no marker names goes once it is a day old; what one names, and what is younger, stays."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hf_assets.copying import copy
from hf_assets.copying.copy import Copy
from hf_assets.copying.orphans import sweep
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.listing import entries_below
from hf_assets.object_store.path import StorePath
from hf_assets.storage.folders import replacing_folder
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.copied_lake import DAYS, FOLDERS, PAGES, small_lake
from hf_assets_tests.support.object_store.counting import Answer, CountingProxy, Request

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=2)
ORPHANS = (
    f"numbers/day={DAYS[0]}/.rejected.18ec0621bdc6a7aa-573765.parquet",
    "numbers/day=2026-11-05/.rejected.18ec0621bdc6a7aa-573765.parquet",
    "number_history/.months/2026-12.18ec0621bdc6a7aa-573765.parquet",
    f"{FOLDERS[0]}/v=20261101T000000.000000Z-dead/facts.json",
    "classifiers/letters/other/onnx/v=20261101T000000.000000Z-dead/facts.json",
    f"snapshot_figures/day={DAYS[0]}/v=20261101T000000.000000Z-dead/one.png",
    f"raw_models/day={DAYS[0]}/{NOW:%Y%m%dT%H%M%S.%fZ}-dead/journal.jsonl",
    f"raw_models/day={DAYS[0]}/{NOW:%Y%m%dT%H%M%S.%fZ}-dead/000000.json.zst",
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return small_lake(tmp_path_factory.mktemp("orphans") / "lake")


@pytest.fixture
def lake(source: Lake, bucket: StorePath) -> Lake:
    """A lake on a store with orphans."""
    Copy(source.root, bucket, check=False, log=lambda _: None).run()
    for name in ORPHANS:
        overwrite(bucket / name, b"left")
    overwrite(bucket / ".dagster/run_logs/a-run/.months/2026-10.parquet", b"of Dagster")
    return Lake(bucket)


def names(lake: Lake, now: datetime, *, dry: bool = False) -> set[str]:
    return {
        f"{path.relative_to(lake.root)}"
        for found in sweep(lake, now, dry=dry)
        for path in found.objects
    }


def test_orphans_of_yesterday_go_and_nothing_else(lake: Lake, source: Lake) -> None:
    before = entries_below(lake.root)
    assert names(lake, LATER, dry=True) == {*ORPHANS}
    assert entries_below(lake.root) == before
    assert names(lake, LATER) == {*ORPHANS}
    assert before.keys() - entries_below(lake.root).keys() == {*ORPHANS}
    assert Copy(source.root, lake.root, check=True, log=lambda _: None).run().complete
    assert names(lake, LATER) == set()


def test_what_is_younger_than_a_day_stays(lake: Lake) -> None:
    assert names(lake, datetime.now(UTC)) == set()
    assert names(lake, datetime.now(UTC) + timedelta(hours=23)) == set()


def test_a_superseded_version_has_a_day(lake: Lake) -> None:
    (old,) = {
        name.split("/")[2]
        for name in entries_below(lake.root)
        if name.startswith(f"{FOLDERS[0]}/v=") and "dead" not in name
    }
    with replacing_folder(lake.root / FOLDERS[0]) as folder:
        (folder / "facts.json").write_text("{}")
    assert not any(old in name for name in names(lake, NOW + timedelta(hours=23)))
    gone = names(lake, LATER)
    assert f"{FOLDERS[0]}/{old}/facts.json" in gone
    assert (lake.artefact(*FOLDERS[0].split("/")) / "facts.json").read_text() == "{}"


def test_a_month_that_was_the_table_today_stays(lake: Lake) -> None:
    table = lake.root / "number_history"
    (file,) = [path for path in (table / ".months").iterdir() if path.name.startswith("2026-10")]
    content = json.loads((table / "months.json").read_bytes())
    # The month was replaced an hour before the sweep.
    until = (LATER - timedelta(hours=1)).timestamp()
    content["files"]["2026-10"] = "2026-10.other.parquet"
    content["superseded"] = {file.name: until}
    overwrite(table / "months.json", json.dumps(content).encode())
    assert f"number_history/.months/{file.name}" not in names(lake, LATER)
    assert f"number_history/.months/{file.name}" in names(lake, LATER + timedelta(days=1))


def test_months_without_their_marker_stay(lake: Lake) -> None:
    """Nothing tells which of them are the table."""
    (lake.root / "number_history" / "months.json").unlink()
    assert not any("/.months/" in name for name in names(lake, LATER + timedelta(days=9)))


def test_a_table_that_is_refreshed_is_left_to_the_refresh(lake: Lake) -> None:
    with lake.refreshing("number_history"):
        assert not any(name.startswith("number_history") for name in names(lake, LATER))


def test_the_number_of_requests_is_bounded(
    source: Lake, store_proxy: CountingProxy, bucket: StorePath
) -> None:
    Copy(source.root, bucket, check=False, log=lambda _: None).run()
    store_proxy.clear()
    assert names(Lake(bucket), LATER) == set()
    counts = store_proxy.counts()
    # Seven assets, and the list of them; two days of captures; months.json; three folders.
    assert counts["LIST"] <= 12
    assert counts.total() - counts["LIST"] <= 6


def test_a_copy_in_a_folder_has_no_orphans(lake: Lake, tmp_path: Path) -> None:
    Copy(lake.root, tmp_path / "back", check=False, log=lambda _: None).run()
    there = entries_below(tmp_path / "back")
    assert not {*ORPHANS} & there.keys()


def with_attempt(root: Path, name: str) -> None:
    """The capture has an attempt of that name."""
    day = root / "raw_models" / f"day={DAYS[0]}"
    manifest = json.loads((day / "capture.json").read_bytes())
    (day / manifest["attempt"]).rename(day / name)
    (day / "capture.json").write_text(json.dumps(manifest | {"attempt": name}))


def before_a_marker(proxy: CountingProxy, do: Callable[[], object]) -> None:
    """Do that just before the store gets a `capture.json`."""
    ask = proxy.ask

    def first(request: Request) -> Answer:
        if request.kind == "PUT" and request.key.endswith("/capture.json"):
            do()
        return ask(request)

    proxy.ask = first


def test_what_a_copy_stores_is_young_whatever_its_name(
    lake: Lake, store_proxy: CountingProxy, tmp_path: Path
) -> None:
    source = small_lake(tmp_path / "other", value=2).root
    with_attempt(source, "20251118T030000.000000Z")
    before_a_marker(store_proxy, lambda: names(lake, datetime.now(UTC)))
    assert Copy(source, lake.root, check=False, log=lambda _: None).run().complete
    capture = CaptureStore(lake, "raw_models").captures()[DAYS[0]]
    assert [capture.page(number) for number in capture.page_numbers()] == PAGES


def test_a_copy_says_so_where_a_sweep_took_some_of_it(
    lake: Lake, store_proxy: CountingProxy, tmp_path: Path
) -> None:
    source = small_lake(tmp_path / "other", value=2).root
    with_attempt(source, "20251118T030000.000000Z")
    before_a_marker(store_proxy, lambda: names(lake, LATER))
    summary = Copy(source, lake.root, check=False, log=lambda _: None).run()
    assert summary.failed == {
        f"raw_models/day={DAYS[0]}": "a sweep of TO deleted some of it meanwhile"
    }
    store_proxy.clear()
    store_proxy.ask = type(store_proxy).ask.__get__(store_proxy)
    assert Copy(source, lake.root, check=False, log=lambda _: None).run().complete
    assert Copy(source, lake.root, check=True, log=lambda _: None).run().complete


def test_what_an_ended_copy_left_long_ago_is_stored_again(
    source: Lake, store_proxy: CountingProxy, bucket: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resumed() -> set[str]:
        (bucket / "raw_models" / f"day={DAYS[0]}" / "capture.json").unlink()
        store_proxy.clear()
        assert Copy(source.root, bucket, check=False, log=lambda _: None).run().complete
        return {each.key.rpartition("/")[2] for each in store_proxy.asked if each.kind == "PUT"}

    Copy(source.root, bucket, check=False, log=lambda _: None).run()
    assert resumed() == {"capture.json"}
    monkeypatch.setattr(copy, "_SETTLED", timedelta(hours=-1))
    pages = {f"{number:06d}.json.zst" for number in range(len(PAGES))}
    assert resumed() == {"capture.json", "journal.jsonl"} | pages
