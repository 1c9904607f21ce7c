"""Each rule passes a good day and finds a bad one."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.switches import At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.capture import capturer
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client import listing
from hf_assets.hub.client.listing import FIELDS, ListingQuery
from hf_assets.hub.quality import rules
from hf_assets.hub.tables import schemas
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets_tests.conftest import DAY, Clock, ServeHub
from hf_assets_tests.support.hub.captures import Row, edited, made_models, made_spaces

HUB = GeneratedHub(1000, 300, seed=3, day=iso(DAY))
WHOLE = ListingQuery.everything("models")


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 100)
    # What these rules reject becomes no capture today; they judge those of before, too.
    monkeypatch.setattr(capturer, "objection", lambda *_: None)


Captured = Callable[..., Capture]


@pytest.fixture
def captured(hub: ServeHub, lake: Lake) -> Captured:
    def captured(
        models: int = 1000, day: str = DAY, ask: ListingQuery = WHOLE, faults: Faults | None = None
    ) -> Capture:
        source = HUB if models == 1000 else GeneratedHub(models, 0, seed=3, day=iso(DAY))
        clock = Clock(datetime.fromisoformat(f"{day}T03:00:00+00:00"))
        store = CaptureStore(lake, "raw_models")
        return hub(source, faults).capturer(clock).get_or_capture(store, day, ask)

    return captured


@pytest.fixture
def stored(lake: Lake) -> Callable[..., StoredTable]:
    """A day of `models` with these rows and notes."""

    def stored(rows: list[Row], day: str = DAY, **notes: Any) -> StoredTable:
        frame = pl.DataFrame(rows, schema=schemas.MODELS.schema, orient="row")
        frame = frame.with_columns(day=pl.lit(iso(day)))
        return lake.write(schemas.MODELS, day, TableWrite([frame], notes=notes))

    return stored


GOOD: Row = {
    "hub_id": "1",
    "id": "a/b",
    "created_at": datetime(2024, 5, 6, tzinfo=UTC),
    "downloads": 5,
    "downloads_all_time": 9,
    "likes": 1,
}


def test_capture_complete(captured: Captured) -> None:
    verdict = rules.capture_complete(captured())
    assert verdict.passed
    assert verdict.severity == "ERROR"
    assert verdict.description == "1,000 rows in 10 pages."
    assert verdict.metadata["total"] == 1000


def test_capture_complete_finds_a_listing_shorter_than_the_hub_says(captured: Captured) -> None:
    capture = edited(captured(), total=1100)
    verdict = rules.capture_complete(capture)
    assert (verdict.passed, verdict.severity) == (False, "WARN")
    assert verdict.description == "Only 90.9% of the rows that the Hub counts."
    verdict = rules.capture_complete(edited(capture, total=2100))
    assert (verdict.passed, verdict.severity) == (False, "ERROR")
    assert rules.capture_complete(edited(capture, total=1010)).passed


def test_capture_complete_does_not_count_doubles(captured: Captured) -> None:
    faults = Faults(duplicates=[At(page=page, value=0.3) for page in range(1, 10)])
    capture = edited(captured(faults=faults), total=1100)
    assert capture.rows > 1100
    assert not rules.capture_complete(capture).passed


def test_capture_complete_finds_an_empty_capture(captured: Captured) -> None:
    verdict = rules.capture_complete(captured(models=0))
    assert (verdict.passed, verdict.severity) == (False, "ERROR")


def test_capture_complete_lives_without_a_total(captured: Captured) -> None:
    assert rules.capture_complete(captured(faults=Faults(no_total=True))).passed


@pytest.mark.parametrize("limits", [{"max_rows": 50}, {"filter": ("text-generation",)}])
def test_capture_complete_warns_of_a_limited_capture(
    captured: Captured, limits: dict[str, Any]
) -> None:
    verdict = rules.capture_complete(
        captured(ask=ListingQuery("models", FIELDS["models"], **limits))
    )
    assert (verdict.passed, verdict.severity) == (False, "WARN")
    assert "limited" in verdict.description


@pytest.mark.parametrize(("rows", "passed"), [(1000, True), (500, True), (499, False), (0, False)])
@pytest.mark.parametrize("other", ["2026-11-19", "2026-11-21"])
def test_partial_days(captured: Captured, rows: int, passed: bool, other: str) -> None:
    days = {DAY: captured(models=rows), other: captured(day=other)}
    verdict = rules.partial_days(dict(sorted(days.items())), [DAY])[DAY]
    assert verdict.passed is passed
    assert verdict.severity == "ERROR"
    assert verdict.metadata == {"rows": rows, "rows usual": 1000}
    assert verdict.description.startswith("A partial snapshot") is not passed
    assert (f"as on {other}" in verdict.description) is (other < DAY and rows > 0)


def test_a_capture_alone_is_compared_with_nothing(captured: Captured) -> None:
    assert rules.partial_days({DAY: captured()}, [DAY])[DAY].passed


def test_a_limited_capture_is_not_compared(captured: Captured) -> None:
    few = captured(ask=ListingQuery("models", FIELDS["models"], max_rows=10))
    days = {"2026-11-19": captured(day="2026-11-19"), DAY: few}
    assert rules.partial_days(days, days)[DAY].description == "A limited capture: not compared."


def test_doubled_rows(captured: Captured) -> None:
    verdict = rules.doubled_rows(captured())
    assert verdict.passed
    assert verdict.metadata["doubled"] == 0


def test_doubled_rows_finds_them(captured: Captured) -> None:
    faults = Faults(duplicates=[At(page=page, value=0.02) for page in range(1, 9)])
    verdict = rules.doubled_rows(captured(faults=faults))
    assert (verdict.passed, verdict.severity) == (False, "WARN")
    assert verdict.metadata["doubled"] == 16
    assert verdict.description.startswith("16 rows came twice (1.5")


def test_unread_columns(captured: Captured) -> None:
    capture = captured()
    assert rules.unread_columns(capture).passed
    names = {f"c{n}\x1b": "a column of struct" for n in range(30)}
    verdict = rules.unread_columns(edited(capture, unread=names))
    assert (verdict.passed, verdict.severity) == (False, "WARN")
    assert verdict.description.startswith("`c0`: a column of struct; `c1`")
    assert verdict.description.endswith("; and 10 more")
    assert verdict.metadata == {"columns not read": 30}


def test_required_columns(stored: Callable[..., StoredTable]) -> None:
    verdict = rules.required_columns(stored([GOOD]), schemas.MODELS)
    assert verdict.passed
    assert verdict.metadata == {"null id": 0, "null hub_id": 0, "empty id": 0}


@pytest.mark.parametrize("broken", [{"id": None}, {"hub_id": None}, {"id": ""}])
def test_required_columns_finds_rows_without(
    stored: Callable[..., StoredTable], broken: Row
) -> None:
    verdict = rules.required_columns(stored([GOOD, GOOD | broken]), schemas.MODELS)
    assert (verdict.passed, verdict.severity) == (False, "ERROR")
    assert verdict.description == "1 rows without."


def test_required_columns_finds_an_empty_table(stored: Callable[..., StoredTable]) -> None:
    assert not rules.required_columns(stored([]), schemas.MODELS).passed


def test_ranges(stored: Callable[..., StoredTable]) -> None:
    last_moment = GOOD | {"created_at": datetime(2026, 11, 20, 23, 59, tzinfo=UTC)}
    verdict = rules.ranges(stored([GOOD, last_moment, {"id": "x", "hub_id": "2"}]))
    assert verdict.passed
    assert verdict.description == "All in range."
    assert set(verdict.metadata.values()) == {0}


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"likes": -1}, "1 negative likes"),
        ({"downloads": -1}, "1 negative downloads"),
        ({"parameters": -1}, "1 negative parameters"),
        ({"used_storage": -5}, "1 negative used_storage"),
        ({"downloads": 10}, "1 more downloads in 30 days than ever"),
        ({"created_at": datetime(2026, 11, 21, tzinfo=UTC)}, "1 created after the day"),
    ],
)
def test_ranges_finds_what_cannot_be(
    stored: Callable[..., StoredTable], broken: Row, says: str
) -> None:
    verdict = rules.ranges(stored([GOOD, GOOD | broken]))
    assert (verdict.passed, verdict.severity) == (False, "WARN")
    assert verdict.description == says


def test_ranges_tells_of_what_was_clipped(stored: Callable[..., StoredTable]) -> None:
    verdict = rules.ranges(stored([GOOD], **{"clipped likes": 3}))
    assert not verdict.passed
    assert verdict.description == "3 clipped likes"


def test_ranges_of_spaces(hub: ServeHub, lake: Lake) -> None:
    served = hub(HUB)
    assert rules.ranges(made_spaces(lake, served, made_models(lake, served))).passed


def with_nulls(count: int, rows: int = 100) -> list[Row]:
    return [GOOD | {"category": None if at < count else "x"} for at in range(rows)]


@pytest.mark.parametrize(
    ("before", "now", "passed"),
    [(10, 15, True), (10, 16, False), (50, 44, False), (50, 45, True), (0, 0, True)],
)
def test_null_rates(
    stored: Callable[..., StoredTable], before: int, now: int, passed: bool
) -> None:
    earlier = stored(with_nulls(before), "2026-11-18")
    verdict = rules.null_rates(stored(with_nulls(now)), earlier)
    assert verdict.passed is passed
    assert verdict.metadata["category step"] == pytest.approx((now - before) / 100)
    assert ("category" in verdict.description) is not passed
    assert "2026-11-18" in verdict.description
    assert verdict.severity == "WARN"


def test_null_rates_without_an_earlier_day(stored: Callable[..., StoredTable]) -> None:
    assert rules.null_rates(stored(with_nulls(3)), None).passed
    assert rules.null_rates(stored(with_nulls(3)), stored([], "2026-11-18")).passed


@pytest.mark.parametrize(
    ("aside", "served", "passed"), [(0, 400, True), (1, 10_000, True), (2, 10_001, False)]
)
def test_quarantined(
    stored: Callable[..., StoredTable], aside: int, served: int, passed: bool
) -> None:
    verdict = rules.quarantined(stored([GOOD], quarantined=aside, served=served, nulled=4))
    assert verdict.passed is passed
    assert verdict.metadata == {"quarantined": aside, "values left out": 4, "served": served}
    assert verdict.severity == "ERROR" or verdict.passed


def test_many_values_left_out_warn(stored: Callable[..., StoredTable]) -> None:
    verdict = rules.quarantined(stored([GOOD], quarantined=0, served=399, nulled=4))
    assert (verdict.passed, verdict.severity) == (False, "WARN")


def test_a_partial_capture_is_no_measure_for_the_next(captured: Captured) -> None:
    half, whole = captured(models=400, day="2026-11-18"), captured()
    days = {"2026-11-17": whole, "2026-11-18": half, "2026-11-19": half, "2026-11-20": whole}
    said = rules.partial_days(days, days)
    assert [verdict.passed for verdict in said.values()] == [True, False, False, True]
    assert said["2026-11-19"].metadata["rows usual"] == whole.rows
    assert rules.usable_days(days) == {"2026-11-17", "2026-11-20"}
    assert rules.partial_days(days, ["2026-11-18"]) == {"2026-11-18": said["2026-11-18"]}
    assert rules.partial_days({}, []) == {}


def test_an_archive_of_the_hub_is_measured_by_what_was_captured(captured: Captured) -> None:
    half, whole = captured(models=400, day="2026-11-18"), captured()
    revision = {"source": "hub-stats", "dataset": "a/b", "revision": "c" * 40, "file": "m.parquet"}
    days = {"2026-11-17": whole, "2026-11-18": edited(half, **revision)}
    assert rules.usable_days(days) == {"2026-11-17"}


def test_the_first_that_broke_off_is_told_by_those_that_follow(captured: Captured) -> None:
    half, whole = captured(models=400, day="2026-11-18"), captured()
    days = {"2026-11-16": half, "2026-11-17": half, "2026-11-18": whole, "2026-11-19": whole}
    said = rules.partial_days(days, days)
    assert [verdict.passed for verdict in said.values()] == [False, False, True, True]
    assert rules.usable_days(days) == {"2026-11-18", "2026-11-19"}
    # Two months later the Hub may have grown.
    assert rules.usable_days({"2026-09-16": half, "2026-11-18": whole}) == {
        *("2026-09-16", "2026-11-18")
    }


def test_a_list_that_somebody_kept_is_not_compared_with_the_hub(captured: Captured) -> None:
    half, whole = captured(models=400, day="2026-11-18"), captured()
    listed = edited(half, source="folder", file="a.json")
    none = {"absent_kind": "No models.", "rows": 0, "distinct": 0}
    absent = edited(half, **none)
    days = {"2026-11-17": whole, "2026-11-18": listed, "2026-11-19": absent, "2026-11-20": half}
    said = rules.partial_days(days, days)
    assert [verdict.passed for verdict in said.values()] == [True, True, False, False]
    assert said["2026-11-19"].severity == "WARN"
    assert said["2026-11-19"].description == "No models."
    assert said["2026-11-20"].metadata["rows usual"] == whole.rows
    assert rules.usable_days(days) == {"2026-11-17", "2026-11-18", "2026-11-19"}


def test_a_source_without_models_makes_an_empty_table_that_only_warns(
    captured: Captured, lake: Lake
) -> None:
    whole = captured()
    absent = edited(whole, absent_kind="The folder x has no models.", rows=0, distinct=0)
    complete = rules.capture_complete(absent)
    assert (complete.passed, complete.severity) == (False, "WARN")
    assert complete.description == "The folder x has no models."
    made = TableWrite([], provenance={"raw_models": absent.provenance})
    empty = lake.write(schemas.MODELS, DAY, made)
    verdict = rules.required_columns(empty, schemas.MODELS)
    assert (verdict.passed, verdict.severity) == (False, "WARN")
    unexplained = lake.write(schemas.MODELS, DAY, TableWrite([]))
    assert rules.required_columns(unexplained, schemas.MODELS).severity == "ERROR"


def test_an_archive_has_no_count_of_the_hubs_own(captured: Captured) -> None:
    whole = captured()
    facts = {"source": "hub-stats", "dataset": "a/b", "revision": "0123456789abcdef", "total": None}
    verdict = rules.capture_complete(edited(whole, **facts))
    assert verdict.passed
    assert "from a/b at 0123456789ab" in verdict.description


@pytest.mark.parametrize(
    ("pairs", "dangling", "passed"), [(0, 0, True), (100, 25, True), (100, 26, False)]
)
def test_dangling_models(
    stored: Callable[..., StoredTable], pairs: int, dangling: int, passed: bool
) -> None:
    verdict = rules.dangling_models(stored([GOOD], **{"pairs": pairs, "dangling pairs": dangling}))
    assert verdict.passed is passed
    assert verdict.severity == "WARN"
    assert verdict.metadata == {"pairs": pairs, "dangling": dangling}


def test_null_counts_come_from_the_footer_and_are_right(hub: ServeHub, lake: Lake) -> None:
    models = made_models(lake, hub(HUB))
    frame = models.frame.collect()
    counts = rules.null_counts(models)
    assert counts == {name: frame[name].null_count() for name in frame.columns}
    assert counts["category"] > 0


def test_every_rule_passes_a_generated_day(hub: ServeHub, lake: Lake, tmp_path: Path) -> None:
    served = hub(HUB)
    models = made_models(lake, served)
    spaces = made_spaces(lake, served, models)
    for verdict in (
        rules.required_columns(models, schemas.MODELS),
        rules.required_columns(spaces, schemas.ENRICHED_SPACES),
        rules.ranges(models),
        rules.ranges(spaces),
        rules.null_rates(models, models),
        rules.quarantined(models),
        rules.quarantined(spaces),
        rules.dangling_models(spaces),
    ):
        assert verdict.passed, verdict
