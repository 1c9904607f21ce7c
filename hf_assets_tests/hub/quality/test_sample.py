"""Twenty Spaces, requested one by one, agree with the listing, or are named."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import polars as pl
import pytest

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.quality.sample import sample_agrees
from hf_assets.hub.tables import schemas
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets_tests.conftest import DAY, ServedHub, ServeHub
from hf_assets_tests.support.hub.captures import made_models, made_spaces
from hf_assets_tests.support.hub.serving import serving

HUB = GeneratedHub(300, 200, seed=2, day=iso(DAY))


@pytest.fixture(scope="module")
def served() -> Iterator[ServedHub]:
    with serving(HUB) as served:
        yield served


@pytest.fixture(scope="module")
def spaces(served: ServedHub, tmp_path_factory: pytest.TempPathFactory) -> StoredTable:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    return made_spaces(lake, served, made_models(lake, served))


def changed(lake: Lake, spaces: StoredTable, **columns: pl.Expr) -> StoredTable:
    frame = spaces.frame.collect().with_columns(**columns)
    return lake.write(schemas.ENRICHED_SPACES, DAY, TableWrite([frame]))


def test_the_listing_agrees_with_space_info(served: ServedHub, spaces: StoredTable) -> None:
    served.requests.clear()
    verdict = sample_agrees(spaces, served.url, 5)
    assert verdict.passed
    assert verdict.severity == "WARN"
    counted = {"requested": 20, "deleted": 0, "changed_since": 0, "unanswered": 0, "different": 0}
    assert verdict.metadata == counted
    asked = {one.path for one in served.requests}
    assert len(asked) == 20
    assert all(path.startswith("/api/spaces/") for path in asked)


def test_spaces_with_another_sdk_are_named(
    lake: Lake, served: ServedHub, spaces: StoredTable
) -> None:
    verdict = sample_agrees(changed(lake, spaces, sdk=pl.lit("other")), served.url, 5)
    assert not verdict.passed
    assert verdict.metadata["different"] == 20
    assert verdict.description.startswith("20 of 20 Spaces differ: ")


def test_spaces_with_other_models_are_named(
    lake: Lake, served: ServedHub, spaces: StoredTable
) -> None:
    other = changed(lake, spaces, models=pl.lit(["no/such"]))
    assert sample_agrees(other, served.url, 5).metadata["different"] == 20


def test_spaces_gone_since_are_no_disagreement(
    lake: Lake, served: ServedHub, spaces: StoredTable
) -> None:
    gone = changed(lake, spaces, id=pl.lit("no/such-") + pl.col("id").str.replace("/", "-"))
    verdict = sample_agrees(gone, served.url, 5)
    assert verdict.passed
    assert verdict.metadata["deleted"] == 20


def test_spaces_changed_since_are_no_disagreement(
    lake: Lake, served: ServedHub, spaces: StoredTable
) -> None:
    before = pl.lit(datetime(2022, 1, 1)).dt.cast_time_unit("ms").dt.replace_time_zone("UTC")
    older = changed(lake, spaces, sdk=pl.lit("other"), last_modified=before)
    verdict = sample_agrees(older, served.url, 5)
    assert verdict.passed
    assert verdict.metadata["changed_since"] == 20


def test_a_day_later_the_hub_has_moved_and_the_sample_still_agrees(
    hub: ServeHub, spaces: StoredTable
) -> None:
    later = GeneratedHub(300, 200, seed=2, day=iso(DAY) + timedelta(days=30), sized_on=iso(DAY))
    verdict = sample_agrees(spaces, hub(later).url, 5)
    assert verdict.passed, verdict
    assert verdict.metadata["deleted"] + verdict.metadata["changed_since"] > 0


def test_fewer_spaces_than_a_sample(lake: Lake, served: ServedHub, spaces: StoredTable) -> None:
    few = lake.write(schemas.ENRICHED_SPACES, DAY, TableWrite([spaces.frame.head(3).collect()]))
    assert sample_agrees(few, served.url, 5).metadata["requested"] == 3
    none = lake.write(schemas.ENRICHED_SPACES, DAY, TableWrite([]))
    assert sample_agrees(none, served.url, 5).passed
