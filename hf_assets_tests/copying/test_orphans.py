"""What no marker names goes once it is a day old; what one names, and what is younger, stays."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hf_assets.copying.copy import Copy
from hf_assets.copying.orphans import sweep
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.listing import entries_below
from hf_assets.object_store.path import StorePath
from hf_assets.storage.folders import replacing_folder
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.copied_lake import DAYS, FOLDERS, small_lake
from hf_assets_tests.support.object_store.counting import CountingProxy

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
