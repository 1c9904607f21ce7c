"""Series by key: shares, renames, keys that come and go, and the columns of their tables."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from hf_assets.hub.tables.predictions import PREDICTED_CATEGORIES, LabelSum, PredictionRecord
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.trends.series import incremental
from hf_assets.trends.series.incremental import refresh
from hf_assets.trends.series.key_history import (
    author_history,
    category_history,
    family_history,
    library_history,
    license_history,
)
from hf_assets.trends.series.model_history import model_history
from hf_assets.trends.series.panel import panel, panels
from hf_assets.trends.series.past import Past
from hf_assets.trends.series.schemas import (
    CATEGORY_HISTORY,
    LIBRARY_HISTORY,
    LICENSE_HISTORY,
    MODEL_HISTORY,
)
from hf_assets_tests.support.trends.days import (
    category,
    column,
    day,
    frame_of,
    kept,
    model,
)


def test_shares_are_of_the_whole_day(lake: Lake) -> None:
    rows = [
        category("text", 600, rows=3),
        category(None, 300, rows=1),
        category("(other)", 100, rows=4, rank=None),
        {"dimension": "library", "key": "x", "rank": 1, "rows": 2, "downloads": 500},
        {"dimension": "license", "key": "mit", "rank": 1, "rows": 2, "downloads": 250},
        {"dimension": "license_group", "key": "none", "rank": 1, "rows": 6, "downloads": 750},
        {"dimension": "against_base", "key": "looser", "rank": 1, "rows": 1, "downloads": 10},
        {"dimension": "against_base", "key": "same", "rank": 2, "rows": 3, "downloads": 30},
        {"dimension": "author", "key": "a", "rank": 1, "rows": 2, "downloads": 500},
        {"dimension": "author", "key": "(other)", "rank": None, "rows": 2, "downloads": 50},
    ]
    past = kept(lake, {0: rows})
    categories = frame_of(category_history(past))
    assert categories.sort("downloads")["share_downloads"].to_list() == [0.1, 0.3, 0.6]
    assert categories["share_rows"].sum() == 1
    assert column(library_history(past), "share_downloads") == {0: 0.5}
    assert frame_of(author_history(past))["key"].to_list() == ["a"]
    licenses = frame_of(license_history(past))
    found = {(of, key): (rows, downloads) for of, key, rows, downloads in licenses.select(
        "of", "key", "share_rows", "share_downloads").iter_rows()}  # fmt: skip
    assert found == {
        ("license", "mit"): (0.25, 0.25),
        ("group", "none"): (0.75, 0.75),
        ("against_base", "looser"): (0.25, 0.25),
        ("against_base", "same"): (0.75, 0.75),
    }


def test_family_history_has_shares_of_the_whole_hub(lake: Lake) -> None:
    def row(dimension: str, key: str | None, downloads: int, rank: int | None = 1) -> dict:
        return {"dimension": dimension, "key": key, "rank": rank, "rows": 1,
                "downloads": downloads}  # fmt: skip

    rows = [
        category("text", 1000, rows=4),
        row("relation", "root", 600), row("relation", "quantized", 300), row("relation", None, 100),
        row("family", "a/root", 900), row("family", "(other)", 50, None),
        row("family_relation", "root/a/root", 600),
        row("quantiser", "q", 300), row("quantiser", "(other)", 5, None),
        row("format", "gguf", 300), row("format", None, 700), row("parameters", "1-10B", 1000),
        row("license_root", "looser", 100), row("license_root", "same", 300),
    ]  # fmt: skip
    # A day of a version without families has no rows.
    past = kept(lake, {0: [category("text", 1000, rows=4)], 1: rows})
    frame = frame_of(family_history(past))
    found = {(of, key): share for of, key, share in frame.select(
        "of", "key", "share_downloads").iter_rows()}  # fmt: skip
    assert set(frame["day"]) == {day(1)}
    assert found == pytest.approx({
        ("relation", "root"): 0.6, ("relation", "quantized"): 0.3, ("relation", None): 0.1,
        ("family", "a/root"): 0.9, ("family_relation", "root/a/root"): 0.6,
        ("quantiser", "q"): 0.3, ("format", "gguf"): 0.3, ("format", None): 0.7,
        ("parameters", "1-10B"): 1.0,
        ("license_root", "looser"): 0.25, ("license_root", "same"): 0.75,
    })  # fmt: skip


def _predict(lake: Lake, number: int, **labels: tuple[int, int]) -> None:
    sums = {name.replace("_", "-"): LabelSum(*both) for name, both in labels.items()}
    record = PredictionRecord(
        version="v", labels=sums, predicted=sum(s.rows for s in sums.values())
    )
    lake.write(PREDICTED_CATEGORIES, str(day(number)), TableWrite([], record=record))


def _served(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop(name for name in frame.columns if name.startswith("predicted_"))


def test_predicted_categories_have_columns_of_their_own(lake: Lake) -> None:
    rows = [
        category("text", 600, rows=3),
        category("image", 100, rows=2),
        category(None, 300, rows=5),
    ]
    past = kept(lake, {0: rows, 1: rows, 2: rows})
    before = frame_of(category_history(past))
    assert before["predicted_rows"].null_count() == before.height
    _predict(lake, 1, text=(2, 50), speech=(1, 10))
    after = frame_of(category_history(Past(lake)))
    assert_frame_equal(_served(after.filter(pl.col("key").ne_missing("speech"))), _served(before))
    names = ["predicted_rows", "predicted_downloads", "predicted_share_rows"]
    found = {
        key: values for key, *values in after.filter(day=day(1)).select("key", *names).iter_rows()
    }
    assert found["text"] == [2, 50, pytest.approx(0.2)]
    assert found["image"] == [0, 0, 0]
    assert found[None] == [None, None, None]
    assert found["speech"] == [1, 10, pytest.approx(0.1)]
    speech = after.filter(key="speech").to_dicts()
    assert [(row["day"], row["rows"], row["share_rows"]) for row in speech] == [
        (day(1), None, None)
    ]
    others = after.filter(pl.col("day") != day(1))
    assert others["predicted_rows"].null_count() == others.height


def test_a_day_without_a_classifier_has_no_predicted_share(lake: Lake) -> None:
    past = kept(lake, {0: [category("text", 600, rows=3)]})
    lake.write(PREDICTED_CATEGORIES, str(day(0)), TableWrite([], record=PredictionRecord()))
    assert frame_of(category_history(past))["predicted_rows"].to_list() == [None]


def test_predicted_levels_of_an_untrusted_day_are_interpolated(lake: Lake) -> None:
    rows = [category("text", 600, rows=3)]
    kept(lake, {0: rows, 1: rows, 2: rows}, untrusted=[1])
    for number, count in enumerate((2, 100, 4)):
        _predict(lake, number, text=(count, 0))
    found = column(category_history(Past(lake)), "predicted_rows")
    assert found == {0: 2, 1: 3, 2: 4}


def test_predictions_rebuild_their_month_of_categories_alone(lake: Lake) -> None:
    rows = [category("text", 600, rows=3), {"dimension": "library", "key": "x", "rows": 1}]
    kept(lake, dict.fromkeys(range(40), rows))
    series = [
        incremental.categories(CATEGORY_HISTORY, category_history),
        incremental.levels(LIBRARY_HISTORY, library_history),
    ]
    made = [one.notes["months made"] for one in refresh(Past(lake), *series)]
    assert made == [2, 2]
    _predict(lake, 35, text=(2, 50))
    made = [one.notes["months made"] for one in refresh(Past(lake), *series)]
    assert made == [1, 0]
    stored = lake.read("category_history", None).frame.collect()
    assert stored.filter(pl.col("predicted_rows") > 0)["day"].to_list() == [day(35)]
    made = frame_of(category_history(Past(lake))).select(stored.columns)
    assert_frame_equal(stored, made, check_dtypes=False, check_row_order=False)
    assert [one.notes["months made"] for one in refresh(Past(lake), *series)] == [0, 0]


def test_the_rest_in_one_row_has_no_rates_and_is_told_from_a_key_spelt_like_it(lake: Lake) -> None:
    days = {
        at: [
            category("text", 5_000),
            category("(other)", 2_000 + at, rank=2),
            category("(other)", 1_000 * (at + 1), rank=None),
        ]
        for at in range(8)
    }
    made = category_history(kept(lake, days))
    assert column(made, "downloads", "(other)")[7] == 8_000
    assert set(column(made, "growth_7", "(other)").values()) == {None}
    assert column(made, "growth_7", "text")[7] == 0


def test_a_rename_does_not_break_a_series(lake: Lake) -> None:
    days = {at: [model(1, 2_000 + at, key="a/old" if at < 4 else "b/new")] for at in range(8)}
    made = model_history(kept(lake, days))
    assert column(made, "growth_7", "id0001")[7] == pytest.approx(7 / 2_000)
    assert column(made, "id", "id0001")[3] == "a/old"
    assert column(made, "id", "id0001")[4] == "b/new"


def test_velocity_is_a_day_of_age(lake: Lake) -> None:
    created = {1: day(0), 2: day(10), 3: None}
    rows = [model(at, 5, downloads_all_time=900, created=when) for at, when in created.items()]
    made = model_history(kept(lake, {10: rows}))
    assert frame_of(made)["velocity"].to_list() == [90, 900, None]


def test_a_model_may_come_and_go(lake: Lake) -> None:
    seen = {0: 1_000, 1: 2_000, 4: 5_000, 12: 13_000}
    days = {
        at: [model(2, 7_000, downloads_all_time=50_000)]
        + ([model(1, 9_000, downloads_all_time=seen[at])] if at in seen else [])
        for at in range(13)
    }
    made = model_history(kept(lake, days))
    # Three days out of sight are still a daily rate; eight are not.
    assert column(made, "daily_downloads", "id0001") == {0: None, 1: 1_000, 4: 1_000, 12: None}
    # Seen last on the fourth day: eight days for seven.
    assert column(made, "growth_7", "id0001")[12] == pytest.approx(0)


def test_the_tables_hold_what_they_promise(lake: Lake) -> None:
    rows = [category("text", 5), model(1, 5), {"dimension": "license", "key": "mit", "rank": 1}]
    past = kept(lake, {0: rows, 3: rows})
    tables = ((CATEGORY_HISTORY, category_history), (LICENSE_HISTORY, license_history),
              (MODEL_HISTORY, model_history))  # fmt: skip
    for table, make in tables:
        stored = lake.write(table, None, make(past))
        assert stored.rows == 2
        assert stored.notes == {"days": 2, "days not trusted": 0,
                                "first day": "2025-03-01", "last day": "2025-03-04"}  # fmt: skip


def test_a_column_that_an_old_day_lacks_is_null(lake: Lake) -> None:
    past = kept(lake, {0: [model(1, 5, created=day(0))], 1: [model(1, 6, created=day(0))]})
    path = lake.read("daily_metrics", day(0).isoformat()).path
    pl.read_parquet(path).drop("created").write_parquet(path)
    assert column(model_history(past), "created") == {0: None, 1: day(0)}


def test_a_few_keys_at_a_time_give_what_all_at_once_do(lake: Lake) -> None:
    days = {
        at: [model(number, 1_000 * number + 10 * at, downloads_all_time=9_000 * number + at * at)
             for number in range(1, 6) if (at + number) % 7]
        for at in range(40) if at != 20
    }  # fmt: skip
    past = kept(lake, days, untrusted=[0, 9, 30])
    rows = past.dimension("model").select("at", "hub_id", "key", "downloads", "downloads_all_time")
    told = (past.calendar, "hub_id", ["downloads", "downloads_all_time"])
    whole = panel(rows, *told)
    for block in (1, 50, 1_000):
        parts = list(panels(rows, *told, block))
        assert len(parts) == {1: 5, 50: 3, 1_000: 1}[block]
        assert np.concatenate([one.key for one in parts]).tolist() == whole.key.tolist()
        found = pl.concat(one.table(**one.all_rates()) for one in parts)
        assert_frame_equal(found, whole.table(**whole.all_rates()))


def test_of_two_rows_of_a_key_on_a_day_the_first_counts(lake: Lake) -> None:
    past = kept(lake, {0: [category("text", 5), category("text", 7)], 1: [category("text", 6)]})
    assert column(category_history(past), "downloads") == {0: 5, 1: 6}


def test_models_without_an_identity_go_by_their_name(lake: Lake) -> None:
    made = model_history(kept(lake, {0: [model(1, 5, hub_id=None, key="a/x"), model(2, 3)]}))
    assert frame_of(made).select("hub_id", "id").rows() == [("id0002", "a/m2"), ("name:a/x", "a/x")]
