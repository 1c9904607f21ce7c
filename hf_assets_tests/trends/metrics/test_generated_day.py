"""The aggregates of generated days: complete, independent of order and threads, small."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.client import listing
from hf_assets.hub.tables import usage
from hf_assets.hub.tables.families import families
from hf_assets.hub.tables.schemas import FAMILIES
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets.trends.metrics import daily_metrics as metrics
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS, daily_metrics
from hf_assets_tests.conftest import DAY, ServeHub
from hf_assets_tests.support.hub.captures import made_models, made_spaces
from hf_assets_tests.support.trends.metrics import (
    Row,
    assert_groups,
    frame_of,
    naive_groups,
    near,
    rows_of,
    values_of,
)


class Day(NamedTuple):
    models: StoredTable
    spaces: StoredTable
    usage: pl.LazyFrame
    chosen: list[Row]
    families: StoredTable | None = None

    @property
    def made(self) -> TableWrite:
        families = {DAY: self.families} if self.families else None
        return daily_metrics(
            self.models.frame, self.spaces.frame, self.usage, self.chosen, DAY, families=families
        )


@pytest.fixture
def day(hub: ServeHub, lake: Lake) -> Callable[[int, int], Day]:
    def day(models: int, spaces: int) -> Day:
        served = hub(GeneratedHub(models, spaces, seed=12, day=iso(DAY)))
        stored = made_models(lake, served)
        enriched = made_spaces(lake, served, stored)
        tags = ("text-classification", "text-generation")
        top = usage.top_models(stored.frame, DAY, tags=tags, count=20, sort="likes")
        top_frame = pl.concat(top.frames).lazy()
        made = usage.model_usage(enriched.frame, stored.frame, top_frame, DAY)
        used = pl.concat(made.frames).lazy()
        family = lake.write(FAMILIES, DAY, families(stored.frame, DAY))
        return Day(stored, enriched, used, made.all_notes()["chosen_usage"], family)

    return day


def test_a_generated_day(lake: Lake, day: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 500)
    one: Day = day(3000, 800)
    stored = lake.write(DAILY_METRICS, DAY, one.made)
    frame = stored.frame.collect()
    rows = one.models.frame.collect().to_dicts()
    assert_groups(rows_of(frame, "category"), naive_groups(rows, "category"))
    assert sum(row["rows"] for row in rows_of(frame, "library").values()) == 3000
    assert sum(row["rows"] for row in rows_of(frame, "year").values()) == 3000
    assert sum(row["rows"] for row in rows_of(frame, "sdk").values()) == 800
    assert sum(row["rows"] for row in rows_of(frame, "models_per_space").values()) == 800
    assert frame.filter(pl.col("dimension") == "model").height == 1000
    used = frame.filter(pl.col("dimension").is_in(["usage_tag", "usage_category"]))
    assert used.select("dimension", "key", "rows", "value").to_dicts() == one.chosen
    most = one.usage.sort("spaces", "id", descending=[True, False]).head(300).collect()
    found = frame.filter(dimension="usage_model").sort("rank")
    wanted = most.select("id", "spaces", pl.col("authors") * 1.0, "likes", "category")
    assert found.select("key", "rows", "value", "likes", "category").rows() == wanted.rows()
    totals = {key: row["rows"] for key, row in rows_of(frame, "usage_total").items()}
    assert totals == {
        "Spaces": 800,
        "Spaces with models": one.spaces.frame.filter(pl.col("n_models") > 0).collect().height,
        "models used": one.usage.collect().height,
        "pairs": one.usage.collect()["spaces"].sum(),
    }
    downloads = sorted(row["downloads"] or 0 for row in rows)
    found = values_of(frame, "concentration")
    assert near(found["downloads/top_10"], sum(downloads[-10:]) / sum(downloads))
    assert 0.5 < (found["downloads/gini"] or 0) < 1
    assert {"rows": frame.height, "models": 3000}.items() <= stored.notes.items()
    assert frame["dimension"].null_count() == 0
    groups = pq.read_metadata(stored.path)
    sizes = [groups.row_group(at).num_rows for at in range(groups.num_row_groups)]
    assert sizes[1] == 1000  # a reader of the rest skips the rankings


def test_families_change_no_other_dimension(day: Any) -> None:
    found: Day = day(400, 100)
    made = pl.concat(found.made.frames, how="vertical_relaxed")
    of_families = ["relation", "family", "family_relation", "quantiser", "license_root"]
    assert {*of_families} <= {*made["dimension"]}
    without = pl.concat(found._replace(families=None).made.frames, how="vertical_relaxed")
    rest = made.filter(~pl.col("dimension").is_in(of_families))
    assert_frame_equal(rest, without)


def test_metrics_are_made_of_lists_of_any_order(day: Any) -> None:
    found: Day = day(400, 100)
    one = found.made
    shuffled = found.models.frame.collect().sample(fraction=1.0, shuffle=True, seed=1).lazy()
    reversed_spaces, reversed_usage = found.spaces.frame.reverse(), found.usage.reverse()
    assert found.families
    other = daily_metrics(
        shuffled, reversed_spaces, reversed_usage, found.chosen, DAY,
        families={DAY: found.families},
    )  # fmt: skip
    for mine, yours in zip(one.frames, other.frames, strict=True):
        assert mine.drop("value", "trending_score").equals(yours.drop("value", "trending_score"))
        assert mine["value"].to_numpy() == pytest.approx(yours["value"].to_numpy(), nan_ok=True)


def size_of_a_day(lake: Lake, day: Any, models: int, spaces: int) -> int:
    return lake.write(DAILY_METRICS, DAY, day(models, spaces).made).path.stat().st_size


@pytest.mark.release
@pytest.mark.heavy
def test_a_hundred_thousand_models_are_at_most_115_kilobytes(lake: Lake, day: Any) -> None:
    assert size_of_a_day(lake, day, 100_000, 20_000) <= 115_000


def test_long_names_are_kept(lake: Lake) -> None:
    rows = [{"id": f"a/{at}" + "x" * 10_000, "hub_id": f"{at}", "downloads": at} for at in range(5)]
    frame = frame_of(rows)
    stored = lake.write(DAILY_METRICS, DAY, TableWrite([frame]))
    assert stored.frame.filter(dimension="model").collect()["key"].str.len_chars().max() == 10_003


def test_a_day_s_figures_do_not_depend_on_how_many_threads_read_it() -> None:
    draw = np.random.default_rng(3)
    held = {name: np.floor(draw.lognormal(1, 3, 4000)) for name in metrics.POPULARITY}
    whole = pl.DataFrame(held | {"trending_score": held["trending_score"] / 7})
    pieces = pl.concat([whole[:17], whole[17:900], whole[900:]], rechunk=False)
    assert pieces.n_chunks() == 3
    found = [metrics._values(one, {"likes": one["likes"]}) for one in (whole, pieces)]
    assert_frame_equal(*found, check_exact=True)
