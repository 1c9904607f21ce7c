"""What the pages ask of the lake: filters, order, counts, places, families, files."""

import csv
import io
import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from hf_assets.apps.explore import charts
from hf_assets.apps.explore.files import as_file
from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.index.query import NONE_GIVEN, SIZES, SORTS, ModelQuery
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.trends.series.schemas import MODEL_HISTORY
from hf_assets_tests.support.apps.hub_lake import (
    DAYS,
    FORMULA,
    LAST,
    MARKUP,
    NAMES,
    RARE,
    STALLED,
    write_hub_lake,
)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> LakeReader:
    root = tmp_path_factory.mktemp("observatory")
    write_hub_lake(root)
    return LakeReader(root)


def test_days_come_newest_first_and_untrusted_ones_are_flagged(there: LakeReader) -> None:
    assert there.days() == list(reversed(DAYS))
    assert there.flags() == {STALLED: ["stalled"], "2026-11-19": ["gap"]}
    assert there.newest() == LAST


def test_the_newest_day_is_a_trusted_one(tmp_path: Path) -> None:
    write_hub_lake(tmp_path, DAYS[:3])
    assert LakeReader(tmp_path).newest() == DAYS[1]


def test_an_empty_lake_has_answers_that_are_empty(tmp_path: Path) -> None:
    empty = LakeReader(tmp_path)
    assert empty.days() == []
    assert empty.newest() is None
    assert empty.quality().is_empty()
    assert empty.models(LAST, ModelQuery()).total == 0
    assert empty.model(LAST, "a/b") is None
    assert empty.spaces(LAST).total == 0
    assert empty.most_used(LAST).is_empty()
    assert empty.counted(LAST, "sdk").is_empty()
    assert empty.choices(LAST, "category") == []
    assert empty.series("category_history") is None


def test_one_day_spikes_are_no_risers(tmp_path: Path) -> None:
    """By the rule of the figures, on the models that moved on that day."""
    last, rows = date(2026, 11, 20), []
    weeks: dict[str, tuple[float | None, list[int]]] = {
        "riser": (0.5, [10] * 7),
        "spike": (9.0, [1] * 6 + [99]),
        "faller": (-0.5, [9] * 7),
    }
    weeks |= {"still": (0.0, [9] * 7), "small": (2.0, [9] * 7), "unknown": (None, [9] * 7)}
    for name, (growth, week) in weeks.items():
        for at, daily in enumerate(week):
            rows.append({
                "day": last - timedelta(6 - at), "hub_id": name, "id": f"a/{name}",
                "downloads": 5.0 if name == "small" else 20_000.0, "growth_7": growth,
                "daily_downloads": float(daily), "created": date(2024, 1, 1),
            })  # fmt: skip
    lake = Lake(tmp_path)
    with lake.refreshing("model_history"):
        lake.write(MODEL_HISTORY, "2026-11", TableWrite([pl.DataFrame(rows, MODEL_HISTORY.schema)]))
        lake.join_months("model_history", ["2026-11"], {}, 0.0)
    found = LakeReader(tmp_path).movers("2026-11-20", 10_000)
    assert {side: models["hub_id"].to_list() for side, models in found.items()} == {
        "Rising": ["riser"], "Falling": ["faller"], "One-day spikes": ["spike"],
    }  # fmt: skip
    assert LakeReader(tmp_path / "none").movers("2026-11-20", 0) == {}


def test_a_day_of_an_address_is_no_path(there: LakeReader) -> None:
    assert there.table("models", "../../etc") is None
    assert there.table("models", "2026-11-19") is None


@pytest.mark.parametrize("sort", SORTS)
def test_lists_are_sorted_most_first(there: LakeReader, sort: str) -> None:
    found = there.models(LAST, ModelQuery(sort=sort))  # ty: ignore[invalid-argument-type]
    values = found.rows[sort].to_list()
    known = [value for value in values if value is not None]
    assert found.total == len(NAMES)
    assert values == sorted(known, reverse=True) + [None] * (len(values) - len(known))


def test_the_first_rows_are_shown_and_all_are_counted(there: LakeReader) -> None:
    found = there.models(LAST, ModelQuery(), 5)
    assert found.total == len(NAMES)
    assert found.rows["id"].to_list() == list(NAMES[:5])


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("MODEL-07", {"author3/model-07"}),
        ("author1 model-0", {"author1/model-01", "author1/model-05", "author1/model-09"}),
        ("onerror", {MARKUP}),
        (".*", set()),
        ("  ", set(NAMES)),
    ],
)
def test_every_word_of_a_search_is_found_as_it_is(
    there: LakeReader, search: str, expected: set[str]
) -> None:
    assert set(there.models(LAST, ModelQuery(search)).rows["id"]) == expected


def test_filters_hold_all_together(there: LakeReader) -> None:
    query = ModelQuery(category=("text-to-image",), library=("transformers",), license=("mit",))
    rows = there.models(LAST, query).rows
    assert rows.height
    assert set(rows["category"]) == {"text-to-image"}
    assert set(rows["library"]) == {"transformers"}
    assert set(rows["license"]) == {"mit"}


def test_what_is_not_given_can_be_asked_for(there: LakeReader) -> None:
    rows = there.models(LAST, ModelQuery(category=(NONE_GIVEN,))).rows
    assert rows["category"].null_count() == rows.height > 0


def test_sizes_share_out_all_models(there: LakeReader) -> None:
    found = [there.models(LAST, ModelQuery(size=(size,))).total for size in SIZES]
    assert sum(found) == len(NAMES)
    assert all(found[:-1])


def test_choices_are_the_keys_of_the_day(there: LakeReader) -> None:
    assert set(there.choices(LAST, "library")) == {"transformers", NONE_GIVEN}


def test_a_model_is_found_by_name_whatever_it_is_called(there: LakeReader) -> None:
    for name in (MARKUP, FORMULA, RARE):
        row = there.model(LAST, name)
        assert row
        assert row["id"] == name
    assert there.model(LAST, "nobody/nothing") is None


def test_its_place_is_among_its_category(there: LakeReader) -> None:
    row = there.model(LAST, NAMES[4])
    assert row
    assert there.rank_in_category(LAST, row) == (2, 7)
    without = there.model(LAST, NAMES[3])
    assert without
    assert there.rank_in_category(LAST, without) is None


def test_a_history_is_that_of_the_first_thousand_or_of_every_day(there: LakeReader) -> None:
    known, rare = there.model(LAST, NAMES[0]), there.model(LAST, RARE)
    assert known
    assert rare
    assert there.history(known)["day"].dt.to_string().to_list() == list(DAYS)
    assert there.phase(known) == {**there.phase(known), "phase": "rising"}  # ty: ignore[invalid-argument-type]
    assert there.history(rare).is_empty()
    assert there.phase(rare) is None
    every = there.every_day(rare)
    assert every["day"].dt.to_string().to_list() == list(DAYS)
    assert every["downloads"].is_sorted()
    assert there.rows_of_all_days() == len(NAMES) * len(DAYS)


def test_spaces_and_derivatives_of_a_model(there: LakeReader) -> None:
    spaces = there.spaces_using(LAST, NAMES[0])
    assert spaces.total == 4
    assert spaces.rows["likes"].is_sorted(descending=True)
    made = there.derivatives(LAST, NAMES[0])
    assert made.rows.select("id", "relation").rows() == [
        (NAMES[1], "finetune"),
        (NAMES[2], "finetune"),
    ]
    assert there.derivatives(LAST, NAMES[9]).total == 0


def test_spaces_by_name_sdk_and_kind(there: LakeReader) -> None:
    assert there.spaces(LAST, "maker1").total == 4
    assert there.spaces(LAST, sdk="static").total == 6
    assert there.counted(LAST, "sdk").rows() == [("gradio", 6), ("static", 6)]
    assert there.counted(LAST, "hardware").rows() == [("cpu-basic", 6), (NONE_GIVEN, 6)]
    assert there.most_used(LAST)["spaces"].to_list() == [9, 8, 7, 6, 5, 4]


def test_a_day_of_which_nothing_is_known_is_no_zero_and_no_leader() -> None:
    days = [date(2026, 11, 20), date(2026, 11, 21)]
    frame = pl.DataFrame(
        [(day, key, value if day == days[0] else None)
         for day in days for key, value in (("a", 1.0), ("b", 3.0), ("c", 2.0))],
        schema=["day", "key", "downloads"], orient="row",
    )  # fmt: skip
    assert charts.summed(frame.select("day", "downloads"))["downloads"].to_list() == [6.0, None]
    shown = charts.leading(frame, "key", "downloads", most=1)
    assert shown.filter(key="b")["downloads"].to_list() == [3.0, None]
    assert shown.filter(key=charts.OTHER)["downloads"].to_list() == [3.0, None]


def test_a_csv_has_every_row_and_no_formula(there: LakeReader) -> None:
    stored = there.table("models", LAST)
    assert stored
    rows = list(csv.DictReader(io.StringIO(as_file(stored.frame, "csv").decode())))
    assert len(rows) == len(NAMES)
    by_name = {row["id"]: row for row in rows}
    assert f"'{FORMULA}" in by_name
    assert FORMULA not in by_name
    assert json.loads(by_name[NAMES[1]]["base_models"]) == [
        {"id": NAMES[0], "relation": "finetune"}
    ]
    assert MARKUP in by_name


def test_a_parquet_file_is_the_table(there: LakeReader) -> None:
    stored = there.table("models", LAST)
    assert stored
    content = as_file(stored.frame, "parquet")
    assert pl.read_parquet(io.BytesIO(content)).equals(stored.frame.collect())


def test_the_pages_load_without_what_only_the_graph_needs() -> None:
    code = (
        "import sys\n"
        "sys.modules |= dict.fromkeys(('matplotlib', 'dagster', 'torch', 'transformers'))\n"
        "from hf_assets.apps.pages import compare, keys, model, models, overview, spaces, trends\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
