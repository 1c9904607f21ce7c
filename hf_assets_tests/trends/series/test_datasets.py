"""Series of datasets: trusted and compared by their own columns, and missing days are gaps."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from hf_assets.defs.trends.history import FROM_METRICS
from hf_assets.hub.quality import day_quality
from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets.trends.series import schemas
from hf_assets.trends.series.concentration_history import concentration_history
from hf_assets.trends.series.incremental import Series, counts, refresh
from hf_assets.trends.series.key_history import category_history, dataset_group_history
from hf_assets.trends.series.lifecycle import lifecycle
from hf_assets.trends.series.model_history import dataset_history, model_history
from hf_assets.trends.series.past import Past
from hf_assets_tests.support.hub.days import (
    compare_all,
    day_of,
    judge,
    model,
    store_datasets,
    store_day,
)
from hf_assets_tests.support.trends.datasets import hub_datasets, metrics_of
from hf_assets_tests.support.trends.days import (
    Row,
    category,
    changes,
    column,
    day,
    frame_of,
    kept,
)

LIFE = counts(schemas.LIFECYCLE, lifecycle)
SERIES = [
    *(FROM_METRICS[name][0] for name in ("dataset_history", "dataset_group_history")),
    FROM_METRICS["concentration_history"][0],
]


def dataset(number: int, downloads: int | None, **more: Any) -> Row:
    return {"dimension": "dataset", "hub_id": f"id{number:04d}", "key": f"a/d{number}", "rank": 1,
            "rows": 1, "downloads": downloads, "category": "qa", **more}  # fmt: skip


def group(of: str, key: str | None, downloads: int, rows: int = 1, **more: Any) -> Row:
    return {"dimension": f"dataset_{of}", "key": key, "rank": 1, "rows": rows,
            "downloads": downloads, **more}  # fmt: skip


def total(downloads: int, rows: int = 10) -> Row:
    return {"dimension": "dataset_total", "key": "datasets", "rows": rows, "downloads": downloads}


def held(of: str, top_1: float) -> Row:
    return {"dimension": "concentration", "key": f"{of}/top_1", "value": top_1}


def rated(
    lake: Lake, days: dict[int, list[Row]], untrusted: Iterable[int] = (), **said: Any
) -> Past:
    """Days of `daily_metrics`; those with a total of datasets have these, trusted but for some."""
    numbers = sorted(at for at, rows in days.items()
                     if any(row["dimension"] == "dataset_total" for row in rows))  # fmt: skip
    before = dict(zip(numbers, [None, *numbers], strict=False))
    columns = {
        "datasets": dict.fromkeys(numbers, 10),
        "datasets_trusted": {at: at not in set(untrusted) for at in numbers},
        "datasets_flags": {at: [] for at in numbers},
        "datasets_before": {at: one if one is None else day(one) for at, one in before.items()},
        "datasets_hours": {at: one if one is None else 24.0 * (at - one)
                           for at, one in before.items()},
    }  # fmt: skip
    return kept(lake, days, **columns, **said)


def test_a_day_without_datasets_is_a_gap(lake: Lake) -> None:
    days = {at: [category("text", 5), model_row(at)] for at in range(9)}
    for at in (0, 1, 8):
        days[at] += [total(10_000), dataset(1, 2_000 + at, downloads_all_time=50_000 + 10 * at)]
    past = rated(lake, days)
    made = dataset_history(past.datasets)
    assert column(made, "downloads") == {0: 2_000, 1: 2_001, 8: 2_008}
    assert column(made, "trusted") == dict.fromkeys((0, 1, 8), True)
    # Over the days really spanned.
    assert column(made, "daily_downloads")[8] == pytest.approx(10)
    assert column(made, "growth_7")[8] == pytest.approx(7 / 2_001)
    assert column(made, "share_downloads")[8] == pytest.approx(0.2008)
    assert set(column(model_history(past), "downloads")) == set(range(9))
    assert past.datasets.notes["days"] == 3


def model_row(at: int) -> Row:
    return {"dimension": "model", "hub_id": "m", "key": "a/m", "rank": 1, "downloads": 100 + at}


def test_untrusted_datasets_are_interpolated_and_models_are_not(lake: Lake) -> None:
    levels = (1_000, 1, 3_000)
    days = {at: [category("text", 5_000 + at), total(10 * level, 100), dataset(1, level),
                 group("task", "qa", level)] for at, level in enumerate(levels)}  # fmt: skip
    past = rated(lake, days, untrusted=[1])
    assert column(dataset_history(past.datasets), "downloads") == {0: 1_000, 1: 2_000, 2: 3_000}
    assert column(dataset_history(past.datasets), "rank") == {0: 1, 1: None, 2: 1}
    groups = dataset_group_history(past.datasets)
    assert column(groups, "downloads") == {0: 1_000, 1: 2_000, 2: 3_000}
    assert column(groups, "share_downloads")[1] == pytest.approx(0.1)
    assert column(category_history(past), "downloads") == {0: 5_000, 1: 5_001, 2: 5_002}
    # And the other way round.
    other = rated(lake, days, trusted={1: False})
    assert column(category_history(other), "downloads")[1] == 5_001
    assert column(dataset_history(other.datasets), "downloads")[1] == 1


def test_datasets_that_an_archive_had_afterwards_name_it_as_their_source(lake: Lake) -> None:
    days = {at: [model_row(at), category("text", 5), total(100), dataset(1, at)] for at in (0, 1)}
    said = {"source": {0: "captured", 1: "captured"}, "datasets_source": {0: "folder", 1: None}}
    past = rated(lake, days, **said)
    assert column(dataset_history(past.datasets), "source") == {0: "folder", 1: None}
    assert column(model_history(past), "source") == {0: "captured", 1: "captured"}


def test_shares_of_groups_are_of_all_datasets(lake: Lake) -> None:
    rows = [
        total(1_000, 10),
        group("task", "qa", 600, 6),
        group("task", "ner", 600, 6),
        group("task", None, 100, 1),
        group("task", "(other)", 900, 9, rank=None),
        group("size", "n<1K", 400, 4),
        group("size", "(other)", 600, 6, rank=None),
    ]
    made = frame_of(dataset_group_history(rated(lake, {0: rows}).datasets))
    found = {(of, key): (few, most) for of, key, few, most in
             made.select("of", "key", "share_rows", "share_downloads").iter_rows()}  # fmt: skip
    assert found == {
        ("task", "qa"): pytest.approx((0.6, 0.6)),
        ("task", "ner"): pytest.approx((0.6, 0.6)),
        ("task", None): pytest.approx((0.1, 0.1)),
        ("size", "n<1K"): pytest.approx((0.4, 0.4)),
        ("size", "(other)"): pytest.approx((0.6, 0.6)),
    }


def test_concentration_has_rows_of_datasets_and_the_others_stay(lake: Lake) -> None:
    def rows(at: int, *, datasets: bool) -> list[Row]:
        first = "old" if at < 7 else "new"
        of_models = [held("downloads", 0.5), held("authors", 0.4), category("text", 9)]
        mine = [held("datasets", 0.2), held("dataset_authors", 0.1), total(10),
                dataset(1, 5, hub_id=first)]  # fmt: skip
        return of_models + (mine if datasets else [])

    with TemporaryDirectory() as folder:
        plain = frame_of(concentration_history(
            rated(Lake(Path(folder)), {at: rows(at, datasets=False) for at in range(8)})
        ))  # fmt: skip
    both = frame_of(
        concentration_history(rated(lake, {at: rows(at, datasets=at > 0) for at in range(8)}))
    )
    assert set(plain["of"]) == {"models", "authors"}
    assert_frame_equal(both.filter(both["of"].is_in(["models", "authors"])), plain)
    own = both.filter(both["of"] == "datasets")
    assert column(own, "top_1") == dict.fromkeys(range(1, 8), 0.2)
    assert set(both["of"]) == {"models", "authors", "datasets", "dataset authors"}


def test_lives_of_datasets_stand_beside_those_of_models(lake: Lake) -> None:
    past = rated(lake, {at: [total(1)] for at in range(3)}, untrusted=[2])

    def counted(prefix: str, key: str, number: int) -> Row:
        return {"dimension": f"{prefix}lifecycle", "key": key, "rows": number}

    for at in range(3):
        rows = [{"dimension": "compared", "key": "rows", "rows": 40}, counted("", "created", 2)]
        if at:
            rows += [
                {"dimension": "datasets compared", "key": "rows", "rows": 10},
                counted("datasets ", "created", 3),
                counted("datasets ", "renamed", 1),
            ]
        changes(lake, at, rows)
    made = frame_of(lifecycle(Past(past.lake)))
    assert column(made, "created") == dict.fromkeys(range(3), 2)
    assert column(made, "models") == dict.fromkeys(range(3), 40)
    assert column(made, "datasets") == {0: None, 1: 10, 2: 10}
    assert column(made, "datasets_created") == {0: None, 1: 3, 2: 3}
    assert column(made, "datasets_renamed") == {0: None, 1: 1, 2: 1}
    assert column(made, "datasets_trusted") == {0: None, 1: True, 2: False}
    assert column(made, "trusted") == dict.fromkeys(range(3), True)


def test_a_lake_of_an_earlier_version_has_empty_series(lake: Lake) -> None:
    kept(lake, {at: [category("text", 5)] for at in range(3)})
    stored = lake.read("day_quality", None).frame.collect()
    old = [name for name in stored.columns if not name.startswith("datasets")]
    path = lake.read("day_quality", None).path
    stored.select(old).write_parquet(path)
    past = Past(lake)
    assert past.datasets.stored == []
    for one in refresh(past, *SERIES[:2]):
        assert one.rows == 0
        assert one.frame.collect().is_empty()
    (concentrated,) = refresh(past, SERIES[2])
    assert concentrated.rows == 0
    assert category_history(past).notes["days"] == 3


# --- by month ------------------------------------------------------------------------------------

CHANGE = st.tuples(st.sampled_from(["put", "drop", "trust", "datasets"]), st.integers(0, 70),
                   st.integers(0, 9))  # fmt: skip


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    first=st.sets(st.integers(0, 70), min_size=3, max_size=20),
    nights=st.lists(st.lists(CHANGE, min_size=1, max_size=4), min_size=1, max_size=2),
)
def test_months_are_as_if_all_were_made_at_once(
    first: set[int], nights: list[list[tuple[str, int, int]]]
) -> None:
    days = {at: at % 10 for at in first}
    without, untrusted = {at for at in first if at % 4 == 3}, {at for at in first if at % 5 == 2}
    with TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        changed = set(days)
        for night in ([], *nights):
            for what, at, seed in night:
                if what == "put":
                    days[at] = seed
                elif what == "drop" and len(days) > 1 and at in days:
                    del days[at]
                    (lake.folder("daily_metrics", str(day(at))) / "data.parquet").unlink()
                elif what == "trust":
                    untrusted ^= {at}
                    continue
                else:
                    without ^= {at}
                changed.add(at)
            rows = {at: of_seed(seed, at, at in without) for at, seed in days.items()}
            update(lake, rows, changed & set(days), untrusted)
            changed = set()
            found = [one.frame.collect() for one in refresh(Past(lake), *SERIES)]
            again = refresh(Past(lake), *SERIES, full_refresh=True)
            for mine, whole in zip(found, again, strict=True):
                assert_frame_equal(mine, whole.frame.collect())


def update(
    lake: Lake, days: dict[int, list[Row]], changed: Iterable[int], untrusted: Iterable[int] = ()
) -> None:
    """What `rated` writes; the files of the other days stay as they are."""
    with TemporaryDirectory() as folder:
        other = Lake(Path(folder))
        rated(other, days, untrusted)
        quality = other.read("day_quality", None).frame.collect()
        lake.write(DAY_QUALITY, None, TableWrite([quality]))
        for at in sorted(changed):
            rows = other.read("daily_metrics", str(day(at))).frame.collect()
            lake.write(DAILY_METRICS, str(day(at)), TableWrite([rows]))


@pytest.mark.parametrize("series", [*SERIES, LIFE], ids=lambda one: one.table.name)
def test_a_month_is_rebuilt_where_its_datasets_lose_trust(lake: Lake, series: Series) -> None:
    days = {at: of_seed(at % 10, at, without=False) for at in range(0, 96, 6)}
    update(lake, days, days)
    for at in days:
        compared = [{"dimension": name, "key": "rows", "rows": 9}
                    for name in ("compared", "datasets compared")]  # fmt: skip
        changes(lake, at, compared)
    refresh(Past(lake), series)
    (same,) = refresh(Past(lake), series)
    assert same.notes["months made"] == 0
    update(lake, days, [], untrusted=[6])
    (after,) = refresh(Past(lake), series)
    assert 1 <= after.notes["months made"] < after.notes["months"]
    found = after.frame.collect()
    (whole,) = refresh(Past(lake), series, full_refresh=True)
    assert_frame_equal(found, whole.frame.collect())
    trusted = "datasets_trusted" if series is LIFE else "trusted"
    mine = found.filter(found["of"] == "datasets") if series is SERIES[2] else found
    assert not any(mine.filter(mine["day"] == day(6))[trusted])


def of_seed(seed: int, at: int, without: bool) -> list[Row]:
    rows = [category("text", 1_000 + seed), held("downloads", 0.1 + seed / 100)]
    if without:
        return rows
    return [
        *rows,
        total(90_000 + seed),
        *(dataset(n, 1_000 * n + seed + at, downloads_all_time=9_000 * n + 10 * at)
          for n in range(1, 4) if (n + seed) % 4),
        *(group("task", key, 2_000 + seed) for key in ("qa", None)),
        held("datasets", seed / 10),
    ]  # fmt: skip


def test_a_new_day_of_datasets_rebuilds_its_month_and_no_other(lake: Lake) -> None:
    days = {at: of_seed(at % 10, at, without=False) for at in range(40)}
    rated(lake, days)
    (before,) = refresh(Past(lake), SERIES[0])
    days[40] = of_seed(3, 40, without=False)
    update(lake, days, [40])
    (after,) = refresh(Past(lake), SERIES[0])
    assert after.notes["months made"] == 1
    assert set(before.months[:-1]) == set(after.months[:-1])
    assert after.rows > before.rows


def test_from_rows_of_datasets_to_their_series(lake: Lake) -> None:
    """Generated days, compared, aggregated, rated and put into series by the code of the graph."""
    for number in range(4):
        at = day_of(number)
        store_day(lake, at, [model(one, downloads=9) for one in range(5)])
        frame = hub_datasets(2_000, at, seed=7, grown=1 + number / 10)
        store_datasets(lake, at, frame.drop("day").to_dicts(), sha256=at)
        metrics_of(lake, lake.read("hub_datasets", at), at)
    compare_all(lake)
    found = judge(lake)
    assert [row["datasets_trusted"] for row in found.values()] == [True] * 4
    assert day_quality.stale_days(lake) == []
    past = Past(lake)
    history, groups, concentrated, lives = (one.frame.collect()
                                            for one in refresh_all(past))  # fmt: skip
    assert history["day"].n_unique() == groups["day"].n_unique() == 4
    rows = lake.read("hub_datasets", day_of(3)).frame.collect()
    best = rows.sort("downloads", "id", descending=[True, False], nulls_last=True)["hub_id"][0]
    last = history.filter(history["day"] == history["day"].max()).sort("rank")
    assert (last["hub_id"][0], last["downloads"][0]) == (best, rows["downloads"].max())
    assert set(concentrated["of"]) >= {"datasets", "dataset authors"}
    assert lives["datasets"].to_list() == [2_000] * 4
    sizes = groups.filter((groups["of"] == "size") & (groups["day"] == groups["day"].max()))
    assert sizes["share_rows"].sum() == pytest.approx(1)


def refresh_all(past: Past) -> list[Any]:
    return [*refresh(past, *SERIES), *refresh(past, LIFE)]
