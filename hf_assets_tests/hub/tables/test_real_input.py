"""Real listings, served over HTTP, give the numbers that their authors counted."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from hf_assets.demo.world.recorded import RecordedHub
from hf_assets.hub.client import listing
from hf_assets.hub.quality import rules
from hf_assets.hub.tables import schemas, usage
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS, daily_metrics
from hf_assets_tests.conftest import DAY, ServeHub
from hf_assets_tests.support.hub.captures import made_models, made_spaces
from hf_assets_tests.support.hub.serving import serving


@pytest.fixture(scope="module", autouse=True)
def _several_pages() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "PAGE_SIZE", 300)
        yield


@pytest.fixture(scope="module")
def module_lake(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Lake]:
    """A lake for each recorded Hub, which the tests of the module only read."""
    return lambda: Lake(tmp_path_factory.mktemp("lake"))


# hub-models-2025-12: one whole answer of /api/models


@pytest.fixture(scope="module")
def models(module_lake: Callable[[], Lake], real_data: Path) -> StoredTable:
    path = real_data / "hub-models-2025-12" / "models.json"
    with serving(RecordedHub(models=path)) as served:
        return made_models(module_lake(), served)


@pytest.fixture(scope="module")
def metrics(module_lake: Callable[[], Lake], models: StoredTable) -> pl.DataFrame:
    spaces = pl.LazyFrame(schema=schemas.ENRICHED_SPACES.schema)
    usage_of_none = pl.LazyFrame(schema=schemas.MODEL_USAGE.schema)
    made = daily_metrics(models.frame, spaces, usage_of_none, [], DAY)
    return module_lake().write(DAILY_METRICS, DAY, made).frame.collect()


def of(metrics: pl.DataFrame, dimension: str, column: str) -> dict[str | None, int | float]:
    found = metrics.filter(pl.col("dimension") == dimension)
    return dict(found.select("key", column).iter_rows())


def test_models_of_december_2025(models: StoredTable) -> None:
    frame = models.frame.collect()
    assert frame.height == frame["hub_id"].n_unique() == 1000
    assert frame["category"].count() == 794
    assert frame["category"].drop_nulls().n_unique() == 42
    assert models.notes["without category"] == 206
    assert models.notes["doubled"] == models.notes["quarantined"] == models.notes["nulled"] == 0
    years = frame["year"].value_counts().sort("year")
    assert years.rows() == [(2022, 82), (2023, 86), (2024, 208), (2025, 624)]


def test_every_model_of_december_2025_is_as_recorded(models: StoredTable, real_data: Path) -> None:
    recorded = json.loads((real_data / "hub-models-2025-12" / "models.json").read_text())
    columns = {
        "_id": "hub_id",
        "id": "id",
        "likes": "likes",
        "trendingScore": "trending_score",
        "private": "private",
        "downloads": "downloads",
        "tags": "tags",
        "pipeline_tag": "category",
        "library_name": "library",
    }
    frame = models.frame.select(columns.values()).collect()
    found = {row[0]: row for row in frame.iter_rows()}
    assert found == {row["_id"]: tuple(row.get(name) for name in columns) for row in recorded}


def test_sums_by_category_of_december_2025(metrics: pl.DataFrame) -> None:
    downloads = of(metrics, "category", "downloads")
    assert downloads["sentence-similarity"] == 200_520_283
    assert downloads["text-generation"] == 125_343_079
    assert downloads["fill-mask"] == 95_564_844
    assert of(metrics, "category", "likes")["text-generation"] == 159_122
    assert of(metrics, "category", "trending_score")["text-generation"] == 3_554
    assert len(downloads) == 43
    assert sum(of(metrics, "category", "rows").values()) == 1000
    assert of(metrics, "category", "rows")[None] == 206


def test_years_of_december_2025(metrics: pl.DataFrame) -> None:
    rows = of(metrics, "year", "rows")
    assert (rows["2023"], rows["2024"], rows["2025"]) == (86, 208, 624)
    assert sum(count for key, count in rows.items() if str(key).startswith("2022")) == 82


def test_correlations_of_december_2025(metrics: pl.DataFrame) -> None:
    found = of(metrics, "correlation", "value")
    assert round(found["pearson/likes/trending_score"], 6) == 0.053732
    assert round(found["pearson/likes/downloads"], 6) == 0.177862
    assert round(found["pearson/trending_score/downloads"], 6) == -0.001948


def test_the_rules_pass_december_2025(models: StoredTable) -> None:
    assert rules.required_columns(models, schemas.MODELS).passed
    assert rules.ranges(models).passed
    assert rules.quarantined(models).passed


# hub-spaces-by-model-2024-01: Spaces of 38 models; most fields are absent


@pytest.fixture(scope="module")
def tables(module_lake: Callable[[], Lake], real_data: Path) -> dict[str, StoredTable]:
    folder, lake = real_data / "hub-spaces-by-model-2024-01", module_lake()
    with serving(RecordedHub(folder / "models.json", folder / "spaces.json")) as served:
        models = made_models(lake, served)
        spaces = made_spaces(lake, served, models)
    tags = ("text-classification", "text-generation")
    made = usage.top_models(models.frame, DAY, tags=tags, count=20, sort="likes")
    top = lake.write(schemas.TOP_MODELS, DAY, made)
    made = usage.model_usage(spaces.frame, models.frame, top.frame, DAY)
    used = lake.write(schemas.MODEL_USAGE, DAY, made)
    return {"models": models, "spaces": spaces, "top": top, "usage": used}


def test_spaces_by_model_of_january_2024(tables: dict[str, StoredTable]) -> None:
    assert tables["models"].rows == tables["usage"].rows == tables["top"].rows == 38
    notes = tables["usage"].notes
    assert notes["Spaces"] == notes["Spaces naming a model"] == tables["spaces"].rows == 3379
    assert notes["(Space, model) pairs"] == tables["spaces"].notes["pairs"] == 3772
    assert tables["spaces"].notes["dangling pairs"] == notes["models unknown"] == 0
    for kind in ("tag", "category"):
        assert notes[f"pairs of chosen models, {kind} text-generation"] == 2860
        assert notes[f"Spaces with chosen models, {kind} text-generation"] == 2645
        assert notes[f"pairs of chosen models, {kind} text-classification"] == 912
        assert notes[f"Spaces with chosen models, {kind} text-classification"] == 837


def test_usage_of_january_2024(tables: dict[str, StoredTable]) -> None:
    frame = tables["usage"].frame.collect()
    spaces = dict(frame.select("id", "spaces").iter_rows())
    assert spaces["gpt2"] == 1212
    assert spaces["meta-llama/Llama-2-7b-chat-hf"] == 605
    assert sum(spaces.values()) == 3772
    assert frame["known"].all()
    assert frame["likes"].null_count() == 38  # unknown is not 0


def test_spaces_of_january_2024_are_as_recorded(
    tables: dict[str, StoredTable], real_data: Path
) -> None:
    path = real_data / "hub-spaces-by-model-2024-01" / "spaces.json"
    recorded = {row["_id"]: row for row in json.loads(path.read_text())}
    frame = tables["spaces"].frame.collect()
    assert set(frame["hub_id"]) == recorded.keys()
    for row in frame.iter_rows(named=True):
        served = recorded[row["hub_id"]]
        assert row["id"] == served["id"]
        assert sorted(row["models"]) == sorted(served["models"])
        assert row["n_models"] == len(served["models"])
        assert row["used_storage"] == served["usedStorage"]
        assert (row["likes"], row["created_at"], row["sdk"]) == (None, None, None)


def test_metrics_of_january_2024(lake: Lake, tables: dict[str, StoredTable]) -> None:
    chosen = tables["usage"].notes["chosen_usage"]
    frames = (tables[name].frame for name in ("models", "spaces", "usage"))
    made = daily_metrics(*frames, chosen, DAY)
    metrics = lake.write(DAILY_METRICS, DAY, made).frame.collect()
    for dimension in ("usage_tag", "usage_category"):
        pairs, spaces = of(metrics, dimension, "rows"), of(metrics, dimension, "value")
        assert pairs == {"text-generation": 2860, "text-classification": 912}
        assert spaces == {"text-generation": 2645, "text-classification": 837}
    a_space = of(metrics, "models_per_space", "rows")
    assert sum(a_space.values()) == 3379
    assert sum(int(str(key)) * rows for key, rows in a_space.items()) == 3772


# hub-top-models-daily-2026-08: recorded without `_id`


@pytest.mark.parametrize("day", ["2026-08-07", "2026-08-16"])
def test_rows_recorded_without_identity_are_all_put_aside(
    hub: ServeHub, lake: Lake, real_data: Path, day: str
) -> None:
    source = RecordedHub(models=real_data / "hub-top-models-daily-2026-08" / f"{day}.json")
    stored = made_models(lake, hub(source))
    assert stored.rows == 0
    assert stored.notes["served"] == stored.notes["quarantined"] == source.total("models") > 500
    quarantine = stored.aside("quarantine")
    assert quarantine is not None
    assert quarantine["reason"].unique().to_list() == ["no _id"]
    assert not rules.quarantined(stored).passed
    assert not rules.required_columns(stored, schemas.MODELS).passed
