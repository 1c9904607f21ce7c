"""hub-stats over HTTP: the revision of a day, the columns that are needed, and no byte more."""

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hf_assets.demo.hub_stats.app import DATASET
from hf_assets.demo.hub_stats.faults import ArchiveFaults
from hf_assets.demo.service.switches import At
from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.archive.hub_stats import HubStats
from hf_assets.hub.capture.from_archive import find_day
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.listing import FIELDS, ListingQuery
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import Clock
from hf_assets_tests.support.hub.past_hub import DAY, TODAY, Past, ago, model_table


def test_the_days_are_those_with_commits(past: Callable[..., Past]) -> None:
    world = past(ArchiveFaults(gaps={ago(3)}, readme_only={ago(4)}))
    days = world.archive.days()
    assert max(days) == f"{ago(1)}"
    assert f"{ago(3)}" not in days
    assert f"{ago(4)}" in days
    # A day's commits that left the files alone make no day of its neighbour's rows.
    for day in (3, 4):
        assert world.archive.find("models", f"{ago(day)}") is None
        assert find_day(world.archive, "spaces", f"{ago(day)}") is None
    assert world.archive.find("models", f"{TODAY}") is None
    assert world.asked.count("main") == 3, "844 days with three commits each are three pages"
    assert HubStats(DATASET, world.web).days() == days
    assert world.asked.count("main") == 3, "one process asks once"


def test_a_day_is_what_the_hub_listed_then(
    past: Callable[..., Past], lake: Lake, tmp_path: Path
) -> None:
    world = past(usage=True)
    capture = world.recover(lake, "models", DAY)
    ours = model_table(lake, capture, DAY).frame.collect().sort("hub_id")
    assert ours.height > 1000
    commit = dt.datetime.fromisoformat(capture.manifest.committed)
    world.hub.day = dt.date.fromisoformat(DAY)
    live = Lake(tmp_path / "live")
    store = CaptureStore(live, "raw_models")
    listed = world.server.capturer(Clock(commit)).get_or_capture(
        store, DAY, ListingQuery.everything("models")
    )
    theirs = model_table(live, listed, DAY).frame.collect().sort("hub_id")
    same = [
        *("hub_id", "id", "author", "created_at", "likes", "downloads", "category"),
        *("downloads_all_time", "library", "license", "tags", "parameters", "base_models"),
    ]
    known = theirs.join(ours.select("hub_id"), on="hub_id", how="semi")
    assert known.height == ours.height
    # The archive's cron and the listing are hours apart: counters may differ, and little else.
    for name in same:
        if name not in ("likes", "downloads", "downloads_all_time"):
            assert known[name].equals(ours[name]), name
    assert ours["gated"].null_count() == ours.height


def test_what_a_revision_says_of_itself(past: Callable[..., Past], lake: Lake) -> None:
    world = past()
    capture = world.recover(lake, "models", DAY)
    facts = capture.manifest.plain()
    assert (facts["source"], facts["dataset"], facts["file"]) == (
        "hub-stats",
        DATASET,
        "models.parquet",
    )
    assert facts["endpoint"] == world.server.url
    assert len(facts["revision"]) == 40
    assert facts["committed"] == facts["finished"] == facts["started"]
    assert facts["finished"].startswith(DAY)
    assert facts["identity"] == "hub"
    assert set(facts["absent"]) == {"gated", "private", "usedStorage"}
    assert set(facts["fields"]) | set(facts["absent"]) == set(FIELDS["models"])
    spaces = world.recover(lake, "spaces", DAY)
    assert spaces.manifest.revision != facts["revision"], "each file's own commit"
    assert {"models", "datasets"} <= set(spaces.manifest.absent)
    models = model_table(lake, capture, DAY)
    made = cleaning.enriched_spaces(spaces, models.frame, DAY)
    frame = lake.write(schemas.ENRICHED_SPACES, DAY, made).frame.collect()
    assert frame["models"].null_count() == frame.height > 300
    assert frame["stage"].null_count() < frame.height


@pytest.mark.parametrize(
    ("day", "absent"),
    [
        ("2024-09-30", {"trendingScore", "downloadsAllTime"}),
        ("2024-10-01", {"downloadsAllTime"}),
        ("2025-02-25", {"downloadsAllTime"}),
        ("2025-02-26", set()),
    ],
)
def test_eras(past: Callable[..., Past], lake: Lake, day: str, absent: set[str]) -> None:
    capture = past().recover(lake, "models", day)
    always = {"gated", "private", "usedStorage"}
    assert set(capture.manifest.absent) - always == absent
    frame = model_table(lake, capture, day).frame.collect()
    names = {"trendingScore": "trending_score", "downloadsAllTime": "downloads_all_time"}
    for wire, column in names.items():
        assert (frame[column].null_count() == frame.height) is (wire in absent)


def test_only_the_columns_that_are_needed_are_fetched(
    past: Callable[..., Past], lake: Lake
) -> None:
    world = past()
    capture = world.recover(lake, "models", DAY)
    ranges = [one for one in world.server.requests if one.path.endswith("models.parquet")]
    assert {one.status for one in ranges} == {206}
    assert capture.manifest.bytes_fetched == world.served.sent["models"]
    assert capture.manifest.bytes_fetched < capture.manifest.bytes_whole


FAULTS = {
    "429": At(value=1, kind="models"),
    "503": At(times=3, kind="models"),
    "a body that breaks off": At(value=0.4, kind="models"),
    "a silent socket": At(value=3, kind="models"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_passes_is_waited_for(
    past: Callable[..., Past], lake: Lake, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    naps: list[float] = []
    monkeypatch.setattr(time, "sleep", naps.append)
    world = past()
    world.web.read_timeout = 0.3
    faults, at = world.served.faults, FAULTS[fault]
    if fault == "429":
        faults.too_many.append(at)
    elif fault == "503":
        faults.errors[503] = [at]
    elif fault == "a silent socket":
        faults.stall.append(at)
    else:
        faults.cut.append(at)
    capture = world.recover(lake, "models", DAY)
    assert capture.rows > 1000
    assert sum(faults.fired.values()) == (3 if fault == "503" else 1)
    assert [nap for nap in naps if nap >= 1] == ([2] if fault == "429" else [])


def test_what_does_not_pass_is_told_and_leaves_nothing(
    past: Callable[..., Past], lake: Lake
) -> None:
    world = past()
    world.served.faults.errors[503] = [At(times=100, kind="models", page=3)]
    world.served.faults.cut.append(At(times=100, value=0.5, kind="models"))
    with pytest.raises(ArchiveError, match=r"models\.parquet cannot be read") as raised:
        world.recover(lake, "models", DAY)
    assert not raised.value.permanent
    assert "Run again later" in str(raised.value)
    assert list(lake.folder("raw_models", DAY).rglob("*.zst")) == []


def test_a_server_that_knows_no_ranges_does_not_send_the_whole_file(
    past: Callable[..., Past], lake: Lake
) -> None:
    world = past()
    world.served.faults.whole.append(At(times=100, kind="models"))
    with pytest.raises(ArchiveError, match="200, not 206: it would send the whole file") as raised:
        world.recover(lake, "models", DAY)
    assert raised.value.permanent
    assert world.web.fetched < 1 << 20


def test_a_hub_without_the_dataset(past: Callable[..., Past]) -> None:
    world = past()
    with pytest.raises(ArchiveError, match=r"HTTP 404 .*check HF_ASSETS_ARCHIVE") as raised:
        HubStats("nobody/nothing", world.web).days()
    assert raised.value.permanent
