"""Days whose rows are in a series alone: what is published of them has rows, and stays."""

from io import BytesIO

import polars as pl
import pytest

from hf_assets.hub import retention
from hf_assets.hub.repository_days.old_days import gives_back
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import OF_MODELS
from hf_assets.hub.tables.schemas import MODELS
from hf_assets.publishing.withheld import private_ids, private_models
from hf_assets.storage.lake import Lake
from hf_assets_tests.hub.repository_days.lake_of_days import judge
from hf_assets_tests.publishing.conftest import Served
from hf_assets_tests.publishing.test_withheld import published
from hf_assets_tests.support.publishing import DAYS, model, publish_now, store

OLD = DAYS[0]
PATH = f"data/models/{OLD}.parquet"


def empty(lake: Lake) -> None:
    """Empty a day, as `thin` does it."""
    judge(lake, DAYS)
    refresh(lake, OF_MODELS)
    assert gives_back(lake, "models", OLD) is None
    retention._without_rows(lake, MODELS, lake.read("models", OLD), "2027-01-01")


def rows(hub: Served) -> pl.DataFrame:
    return pl.read_parquet(BytesIO(hub.bytes(PATH))).sort("hub_id")


def test_a_day_that_is_published_with_its_rows_stays_so(hub: Served, lake: Lake) -> None:
    publish_now(lake, "small,models")
    before = published(hub)[PATH]
    empty(lake)
    for _ in range(2):
        done = publish_now(lake, "small,models")
        assert PATH not in {*done.sent, *done.removed}
        assert published(hub)[PATH] == before
    assert done.rows["models"] == 3 * 11


def test_one_that_is_gone_from_the_repository_comes_again(hub: Served, lake: Lake) -> None:
    publish_now(lake, "small,models")
    empty(lake)
    files = hub.repository.head.files
    assert isinstance(files, dict)
    del files[PATH]
    assert PATH in publish_now(lake, "small,models").sent
    assert rows(hub).height == 11
    assert publish_now(lake, "small,models").sent == {}


def test_one_that_was_not_published_is_given_back_for_it(hub: Served, lake: Lake) -> None:
    kept = [name for name in retention.KEPT["models"] if name != "private"]
    wanted = lake.read("models", OLD).frame.filter(~pl.col("private")).select(kept).collect()
    empty(lake)
    assert PATH in publish_now(lake, "small,models").sent
    found = rows(hub)
    assert found.select(kept).equals(wanted.sort("hub_id"))
    assert found["tags"].null_count() == found.height
    assert publish_now(lake, "small,models").sent == {}


def test_a_name_that_becomes_private_goes_from_it(hub: Served, lake: Lake) -> None:
    publish_now(lake, "small,models")
    empty(lake)
    newest = [model(number, DAYS[-1]) for number in range(12)]
    newest[3]["private"] = True
    store(lake, MODELS, DAYS[-1], newest)
    assert PATH in publish_now(lake, "small,models").sent
    assert rows(hub).height == 10
    assert not any(b"a3/m3" in content for content in published(hub).values())


def test_its_private_names_are_withheld(lake: Lake) -> None:
    before = [ids for _, ids in private_ids(lake, {}).values()]
    models = private_models(lake, {})
    empty(lake)
    assert [ids for _, ids in private_ids(lake, {}).values()] == before
    assert private_models(lake, {}) == models


def test_one_without_private_names_is_not_given_back_for_that(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(lake, MODELS, OLD, [model(number, OLD) for number in range(3)])
    before = private_ids(lake, {})
    empty(lake)
    monkeypatch.setattr("hf_assets.publishing.withheld.read_day", None)
    assert private_ids(lake, before)[f"models/{OLD}"][1] == []
