"""Rules of tables: each passes a good day and finds a bad one."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import polars as pl
import pytest

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.quality import baselines, rules
from hf_assets.hub.tables import schemas
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.hub.captures import Row, made_models, made_spaces
from hf_assets_tests.support.hub.days import day_of, model, store_day
from hf_assets_tests.support.hub.serving import serving
from hf_assets_tests.support.slow_writer import put

HUB = GeneratedHub(1000, 300, seed=3, day=iso(DAY))


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> tuple[StoredTable, StoredTable]:
    """`models` and `enriched_spaces` of a generated Hub."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    with serving(HUB) as served:
        models = made_models(lake, served)
        return models, made_spaces(lake, served, models)


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
    assert verdict.description == "1 values of id, hub_id are null or empty."


def test_required_columns_finds_an_empty_table(stored: Callable[..., StoredTable]) -> None:
    assert not rules.required_columns(stored([]), schemas.MODELS).passed


def test_ranges(stored: Callable[..., StoredTable]) -> None:
    last_moment = GOOD | {"created_at": datetime(2026, 11, 20, 23, 59, tzinfo=UTC)}
    verdict = rules.ranges(stored([GOOD, last_moment, {"id": "x", "hub_id": "2"}]))
    assert verdict.passed
    assert verdict.description == "All values are in range."
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
    assert verdict.description == "3 likes clipped to 0"


def test_ranges_of_spaces(generated: tuple[StoredTable, StoredTable]) -> None:
    assert rules.ranges(generated[1]).passed


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
    # A hundred rows: as many points.
    assert verdict.metadata["category: change of nulls (percentage points)"] == now - before
    assert (f"category: {now} % null, {before} % on" in verdict.description) is not passed
    assert "2026-11-18" in verdict.description
    assert verdict.severity == "WARN"


def test_null_rates_without_an_earlier_day(stored: Callable[..., StoredTable]) -> None:
    assert rules.null_rates(stored(with_nulls(3)), None).passed
    assert rules.null_rates(stored(with_nulls(3)), stored([], "2026-11-18")).passed


def test_null_rates_are_those_of_the_last_day_of_the_same_source_and_scope(lake: Lake) -> None:
    for number, facts in enumerate(
        ({}, {"limited": True}, {"source": "hub-stats"}, {"source": "folder"}, {})
    ):
        store_day(lake, day_of(number), [model(at) for at in range(3)], **facts)
    store_day(lake, day_of(5), [], source="hub-stats")
    store_day(lake, day_of(6), [model(0)], source="hub-stats")

    def before(number: int) -> str | None:
        read, alike = partial(lake.read, "models"), partial(rules.alike, "raw_models")
        day = baselines.last_alike(lake.days("models"), day_of(number), read, alike)
        return day.day if day else None

    assert [before(number) for number in range(7)] == [
        *(None, None, None, None),
        *(day_of(0), day_of(2), day_of(2)),
    ]
    verdict = rules.null_rates(lake.read("models", day_of(3)), None)
    assert verdict.description == "No earlier day of the same source to compare with."


def test_a_day_is_not_compared_with_one_long_before(lake: Lake) -> None:
    store_day(lake, day_of(0), [model(0)])
    for number in range(1, 32):
        store_day(lake, day_of(number), [model(0)], source="hub-stats")
    store_day(lake, day_of(32), [model(0)])
    days, read = lake.days("models"), partial(lake.read, "models")
    alike = partial(rules.alike, "raw_models")
    assert baselines.last_alike(days, day_of(32), read, alike) is None
    last = baselines.last_alike(days[1:], day_of(31), read, alike)
    assert last is not None
    assert last.day == day_of(30)


@pytest.mark.parametrize(
    ("aside", "served", "passed"), [(0, 400, True), (1, 10_000, True), (2, 10_001, False)]
)
def test_quarantined(
    stored: Callable[..., StoredTable], aside: int, served: int, passed: bool
) -> None:
    verdict = rules.quarantined(stored([GOOD], quarantined=aside, served=served, nulled=4))
    assert verdict.passed is passed
    assert verdict.metadata == {"quarantined": aside, "coerced": 4, "served": served}
    assert verdict.severity == "ERROR" or verdict.passed


def test_many_values_left_out_warn(stored: Callable[..., StoredTable]) -> None:
    verdict = rules.quarantined(stored([GOOD], quarantined=0, served=399, nulled=4))
    assert (verdict.passed, verdict.severity) == (False, "WARN")


@pytest.mark.parametrize(
    ("pairs", "dangling", "passed"), [(0, 0, True), (100, 25, True), (100, 26, False)]
)
def test_dangling_models(
    stored: Callable[..., StoredTable], pairs: int, dangling: int, passed: bool
) -> None:
    verdict = rules.dangling_models(stored([GOOD], **{"pairs": pairs, "dangling pairs": dangling}))
    assert verdict.passed is passed
    assert verdict.severity == "WARN"
    assert verdict.metadata == {"pairs": pairs, "dangling_pairs": dangling}


def test_null_counts_come_from_the_footer_and_are_right(
    generated: tuple[StoredTable, StoredTable],
) -> None:
    models, _ = generated
    frame = models.frame.collect()
    counts = rules.null_counts(models)
    assert counts == {name: frame[name].null_count() for name in frame.columns}
    assert counts["category"] > 0


def test_null_counts_of_an_earlier_version_s_file_are_right(lake: Lake) -> None:
    """Its footer does not say how many lists are null: they are read."""
    tags = [None, [], ["a", None], None]
    frame = pl.DataFrame({"hub_id": ["1", "2", "3", "4"], "tags": tags})
    put(lake.folder("models", DAY) / "data.parquet", frame)
    assert rules.null_counts(lake.read("models", DAY)) == {"hub_id": 0, "tags": 2}


@pytest.mark.parametrize("statistics", [True, False])
def test_empty_ids_are_found_with_and_without_statistics(lake: Lake, statistics: bool) -> None:
    for day, ids in ((DAY, ["b", "", "a", ""]), ("2026-11-19", ["b", "c", "a", "d"])):
        frame = pl.DataFrame({"id": ids, "hub_id": ["1", "2", "3", "4"]})
        path = lake.folder("models", day) / "data.parquet"
        put(path, frame, statistics=statistics, row_group_size=2)
        verdict = rules.required_columns(lake.read("models", day), schemas.MODELS)
        assert verdict.metadata["empty id"] == ids.count("")
        assert verdict.passed is ("" not in ids)


def test_every_rule_passes_a_generated_day(generated: tuple[StoredTable, StoredTable]) -> None:
    models, spaces = generated
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
