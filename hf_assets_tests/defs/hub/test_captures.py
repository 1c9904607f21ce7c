"""The raw assets: what is asked of the Hub, when it is asked again, and what a failure leaves."""

import dagster as dg
import pytest

from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import Make, World, checks, failures, made
from hf_assets_tests.support.hub.captures import open_capture


def captured(world: World, asset: str = "raw_models") -> Capture:
    """Today's capture."""
    capture = open_capture(world.lake.folder(asset, today()))
    assert capture is not None
    return capture


def retries(result: dg.ExecuteInProcessResult) -> int:
    """How often the run waited to try a step again."""
    return sum(event.event_type_value == "STEP_UP_FOR_RETRY" for event in result.all_events)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster's retries do not wait their minute."""
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)


def test_a_complete_capture_is_not_fetched_again(world: Make) -> None:
    hub = world()
    assert hub.materialize("raw_models").success
    before = captured(hub).manifest
    assert len(hub.pages) == 2
    again = hub.materialize("raw_models")
    assert made(again) == {"raw_models"}
    assert len(hub.pages) == 2
    assert captured(hub).manifest == before


@pytest.mark.heavy
def test_refetch_replaces_a_capture(world: Make) -> None:
    first = world()
    assert first.materialize("raw_models", "models").success
    before = captured(first)
    other = world(GeneratedHub(1700, 10, seed=9))
    result = other.materialize("raw_models", "models", config={"raw_models": {"refetch": True}})
    assert result.success
    after = captured(other)
    assert after.rows == 1700
    assert after.manifest.sha256 != before.manifest.sha256
    assert [path.name for path in after.folder.iterdir() if path.is_dir()] == [
        after.manifest.attempt
    ]
    stored = other.lake.read("models", today())
    assert stored.rows == 1700
    assert stored.provenance["raw_models"]["sha256"] == after.manifest.sha256


def test_a_refetch_that_fails_leaves_the_capture_whole(world: Make) -> None:
    hub = world()
    assert hub.materialize("raw_models").success
    before = captured(hub).manifest
    hub.faults.cursor_loop.append(At(page=1))
    failed = hub.materialize("raw_models", config={"raw_models": {"refetch": True}})
    assert not failed.success
    assert captured(hub).manifest == before
    assert hub.materialize("models").success
    assert hub.lake.read("models", today()).rows == 1500


@pytest.mark.heavy
def test_max_rows_stops_early_warns_and_gives_way_to_a_whole_capture(world: Make) -> None:
    hub = world()
    limited = hub.materialize("raw_models", "models", config={"raw_models": {"max_rows": 250}})
    assert limited.success
    assert len(hub.pages) == 1
    assert captured(hub).limited
    assert hub.lake.read("models", today()).rows == 250
    assert hub.figures("raw_models", "limited") == {today(): True}
    warning = checks(limited)["raw_models", "capture_complete"]
    assert not warning.passed
    assert warning.severity == dg.AssetCheckSeverity.WARN
    assert "limited" in warning.description
    assert hub.lake.read("models", today()).provenance["raw_models"]["limited"] is True

    same = hub.materialize("raw_models", config={"raw_models": {"max_rows": 250}})
    assert same.success
    assert len(hub.pages) == 1

    whole = hub.materialize("raw_models", "models")
    assert whole.success
    assert not captured(hub).limited
    assert hub.lake.read("models", today()).rows == 1500
    assert checks(whole)["raw_models", "capture_complete"].passed

    # What is there answers a smaller question, too.
    asked = len(hub.pages)
    assert hub.materialize("raw_models", config={"raw_models": {"max_rows": 250}}).success
    assert captured(hub).rows == 1500
    assert len(hub.pages) == asked


def test_a_filter_goes_to_the_hub(world: Make) -> None:
    hub = world()
    config = {"raw_models": {"filter": ["text-generation"]}}
    assert hub.materialize("raw_models", "models", config=config).success
    assert "filter=text-generation" in hub.pages[0].query
    frame = hub.lake.read("models", today()).frame.collect()
    assert 0 < frame.height < 1500
    assert frame["category"].unique().to_list() == ["text-generation"]
    assert captured(hub).limited


def test_no_rows_at_all_are_no_question(world: Make) -> None:
    hub = world()
    failed = hub.materialize("raw_models", config={"raw_models": {"max_rows": 0}})
    assert "max_rows" in failures(failed)["raw_models"]
    assert retries(failed) == 0
    assert not hub.pages


def test_spaces_cannot_be_sorted_by_downloads(world: Make) -> None:
    hub = world()
    failed = hub.materialize("raw_spaces", config={"raw_spaces": {"sort": "downloads"}})
    said = failures(failed)["raw_spaces"]
    assert "no downloads to sort by" in said
    assert retries(failed) == 0
    assert not hub.pages


def test_chosen_models_are_config(world: Make) -> None:
    hub = world()
    config = {"top_models": {"tags": ["fill-mask"], "count": 3, "sort": "downloads"}}
    assert hub.materialize("raw_models", "models", "top_models", config=config).success
    top = hub.lake.read("top_models", today()).frame.collect()
    assert top["tag"].to_list() == ["fill-mask"] * 3
    assert top["rank"].to_list() == [1, 2, 3]
    assert top["downloads"].to_list() == sorted(top["downloads"], reverse=True)
    nothing = hub.materialize("top_models", config={"top_models": {"tags": []}})
    assert "needs at least one tag" in failures(nothing)["top_models"]


def test_a_listing_that_breaks_off_is_resumed_by_the_next_run(world: Make) -> None:
    hub = world(GeneratedHub(3500, 10, seed=4), Faults(cursor_loop=[At(page=3, kind="models")]))
    failed = hub.materialize("raw_models", "models")
    assert not failed.success
    said = failures(failed)
    assert set(said) == {"raw_models"}
    assert "page 2 links back" in said["raw_models"]
    assert retries(failed) == 0
    assert not made(failed)
    assert open_capture(hub.lake.folder("raw_models", today())) is None
    assert len(list(hub.root.rglob("*.json.zst"))) == 2

    assert hub.materialize("raw_models", "models").success
    asked = [page.query for page in hub.pages]
    assert len(asked) == 5
    assert len(set(asked)) == 4
    assert captured(hub).manifest.pages == 4
    assert hub.lake.read("models", today()).rows == 3500


@pytest.mark.usefixtures("at_once")
def test_dagsters_retry_resumes_where_the_step_failed(world: Make) -> None:
    # As often as one page is tried in one attempt.
    hub = world(GeneratedHub(3500, 10, seed=4), Faults(broken_json=[At(times=5, page=3)]))
    result = hub.materialize("raw_models")
    assert result.success
    assert retries(result) == 1
    asked = [page.query for page in hub.pages]
    assert [asked.count(page) for page in dict.fromkeys(asked)] == [1, 1, 6, 1]
    assert captured(hub).distinct == 3500


@pytest.mark.usefixtures("at_once")
def test_a_hub_that_stays_down_fails_the_step_and_keeps_the_pages(world: Make) -> None:
    hub = world(None, Faults(broken_json=[At(times=FOREVER, page=2, kind="models")]))
    failed = hub.materialize("raw_models", "models")
    assert retries(failed) == 3
    (said,) = failures(failed).values()
    assert "page 1 of /api/models" in said
    assert "no JSON list of rows" in said
    assert "run again" in said
    assert len(list(hub.root.rglob("*.json.zst"))) == 1
    assert hub.lake.days("models") == []

    hub.faults.broken_json.clear()
    before = len(hub.pages)
    assert hub.materialize("raw_models").success
    assert len(hub.pages) == before + 1


def test_a_refused_field_is_dropped_told_and_not_asked_for_again(world: Make) -> None:
    hub = world(None, Faults(refused_expand={"usedStorage"}))
    assert hub.materialize("raw_models", "models").success
    assert hub.figures("raw_models", "refused fields") == {today(): "usedStorage"}
    assert [page.status for page in hub.pages] == [400, 200, 200]
    stored = hub.lake.read("models", today()).frame.collect()
    assert stored["used_storage"].null_count() == stored.height == 1500
    assert stored["likes"].null_count() == 0


@pytest.mark.usefixtures("at_once")
def test_a_capture_that_a_check_rejects_is_asked_for_again_by_the_same_run(world: Make) -> None:
    hub = world(None, Faults(numbers=[At(page=1, times=2, kind="models")]))
    result = hub.materialize("raw_models", "models")
    assert result.success
    assert retries(result) == 1
    assert captured(hub).rows == hub.lake.read("models", today()).rows == 1500


@pytest.mark.usefixtures("at_once")
def test_a_capture_that_a_check_rejects_is_asked_for_again_by_the_next_run(world: Make) -> None:
    hub = world(None, Faults(ends_early=[At(times=FOREVER, page=1, kind="models")]))
    failed = hub.materialize("raw_models", "models")
    (said,) = failures(failed).values()
    assert "are no capture of the day: only 22.2 % of the rows that the Hub counts" in said
    assert retries(failed) == 3
    assert not made(failed)
    hub.faults.ends_early.clear()
    assert hub.materialize("raw_models", "models").success
    assert captured(hub).rows == 1500
