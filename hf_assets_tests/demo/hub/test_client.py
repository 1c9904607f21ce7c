"""huggingface_hub's own client against the embedded Hub."""

import datetime as dt
import itertools
from typing import get_args

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import BadRequestError, RepositoryNotFoundError
from huggingface_hub.hf_api import (
    ExpandDatasetProperty_T,
    ExpandModelProperty_T,
    ExpandSpaceProperty_T,
)

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.switches import At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.source import EXPAND
from hf_assets_tests.conftest import Serve

HUB = GeneratedHub(2500, 1200, seed=1, day=dt.date(2026, 11, 20))


@pytest.fixture
def api(serve: Serve) -> HfApi:
    return HfApi(endpoint=serve(create_app(HUB)).url, token=False)


@pytest.mark.parametrize("sort", [None, "created_at", "downloads", "likes", "last_modified"])
def test_list_models(api: HfApi, sort: str | None) -> None:
    found = list(api.list_models(sort=sort))  # ty: ignore[invalid-argument-type]
    assert len({model.id for model in found}) == len(found) == 2500


def test_list_models_with_every_property(api: HfApi) -> None:
    found = list(api.list_models(expand=list(EXPAND["models"])))  # ty: ignore[invalid-argument-type]
    assert len(found) == 2500
    assert any(model.safetensors and model.safetensors.total for model in found)
    assert any(model.base_models for model in found)
    assert all((model.downloads_all_time or 0) >= (model.downloads or 0) for model in found)


def test_list_spaces_with_every_property(api: HfApi) -> None:
    found = list(api.list_spaces(expand=list(EXPAND["spaces"])))  # ty: ignore[invalid-argument-type]
    assert len({space.id for space in found}) == 1200
    assert 200 < sum(bool(space.models) for space in found) < 400
    assert all(space.runtime for space in found)


def test_the_listings_take_what_the_client_knows() -> None:
    for kind, known in (
        ("models", ExpandModelProperty_T),
        ("spaces", ExpandSpaceProperty_T),
        ("datasets", ExpandDatasetProperty_T),
    ):
        assert sorted(EXPAND[kind]) == sorted(get_args(known))


def test_list_datasets_with_every_property(api: HfApi) -> None:
    found = list(api.list_datasets(expand=list(EXPAND["datasets"])))  # ty: ignore[invalid-argument-type]
    assert len({dataset.id for dataset in found}) == len(found) == 833
    assert all((one.downloads_all_time or 0) >= (one.downloads or 0) for one in found)
    assert any(one.gated == "manual" for one in found)
    tagged = list(api.list_datasets(filter="task_categories:text-generation"))
    assert 0 < len(tagged) < len(found)
    assert all("task_categories:text-generation" in (one.tags or ()) for one in tagged)


def test_limit_is_page_size_and_end(api: HfApi) -> None:
    assert len(list(api.list_models(limit=17))) == 17


def test_info_of_every_repository_listed(api: HfApi) -> None:
    for model in itertools.islice(api.list_models(sort="created_at"), 0, None, 25):
        assert api.model_info(model.id, expand=["likes"]).likes == model.likes
    for space in itertools.islice(api.list_spaces(), 0, None, 25):
        assert api.space_info(space.id).likes == space.likes
    for dataset in itertools.islice(api.list_datasets(), 0, None, 25):
        assert api.dataset_info(dataset.id).likes == dataset.likes


def test_unknown_repository(api: HfApi) -> None:
    for name in (
        "nobody/nothing",
        "gpt2",
        "nobody/thing-17",
        "a1/b-99999999999999999999",
    ):
        with pytest.raises(RepositoryNotFoundError):
            api.model_info(name)
    with pytest.raises(RepositoryNotFoundError):
        api.space_info("nobody/nothing")
    with pytest.raises(RepositoryNotFoundError):
        api.dataset_info("nobody/nothing")


def test_unknown_property(api: HfApi) -> None:
    with pytest.raises(BadRequestError, match="expected one of"):
        list(api.list_models(expand=["nonsense"]))  # ty: ignore[invalid-argument-type]


def test_the_client_outlives_a_503(serve: Serve) -> None:
    app = create_app(HUB, Faults(errors={503: [At(page=2)]}))
    api = HfApi(endpoint=serve(app).url, token=False)
    assert len(list(api.list_models(sort="created_at"))) == 2500
    assert app.state.faults.fired == {"503": 1}
