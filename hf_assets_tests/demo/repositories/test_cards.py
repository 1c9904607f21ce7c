"""The embedded repositories refuse the cards that the Hub refuses."""

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from hf_assets_tests.publishing.conftest import Served
from hf_assets_tests.support.publishing import NAME


@pytest.mark.parametrize(
    ("front", "reason"),
    [
        ("license: own", "license"),
        ("license: other", "license_name"),
        ("size_categories: [huge]", "size_categories"),
        ("size_categories: n<1K", "size_categories"),
        ("pretty_name: [1]", "pretty_name"),
        ("tags: a", "tags"),
        ("configs: a", "configs"),
        ("configs: [{data_files: a}]", "config_name"),
        ("configs: [{config_name: a, data_files: [{path: x}]}]", "split and path"),
        ("configs: [{config_name: a, data_files: x}, {config_name: a, data_files: y}]", "own"),
        ("a: [", "bad YAML"),
        ("- a", "object"),
    ],
)
def test_a_card_that_the_hub_refuses(hub: Served, front: str, reason: str) -> None:
    content = f"---\n{front}\n---\n# A\n"
    answer = httpx2.post(
        f"{hub.url}/api/validate-yaml", json={"content": content, "repoType": "dataset"}
    )
    assert answer.status_code == 400
    assert reason in answer.json()["errors"][0]["message"]


def test_a_card_without_metadata_is_a_warning(hub: Served) -> None:
    for content in ("# A", "---\n---\n"):
        answer = httpx2.post(f"{hub.url}/api/validate-yaml", json={"content": content})
        assert (answer.status_code, len(answer.json()["warnings"])) == (200, 1)


@pytest.mark.parametrize(
    ("kind", "front", "reason"),
    [
        ("space", "sdk: gradio\ncolorFrom: teal", '"colorFrom" must be one of'),
        ("space", "colorFrom: red", '"sdk" must be one of'),
        ("space", "sdk: gradio\nemoji: x", '"emoji" must be an emoji'),
        ("space", f"sdk: gradio\nshort_description: {'x' * 61}", '"short_description" length'),
        ("space", "sdk: gradio\npython_version: 3.10", '"python_version"'),
        ("space", "sdk: gradio\npinned: 3", '"pinned" must be a boolean'),
        ("model", "base_model_relation: child", '"base_model_relation" must be one of'),
        ("model", "base_model: 3", '"base_model" must be'),
        ("model", "model-index: [{results: []}]", '"model-index" must have'),
        ("model", "model-index: [{name: x, results: [{task: {}}]}]", '"model-index[0].results"'),
        ("model", "license: mine", '"license" must be one of'),
    ],
)
def test_a_card_of_a_model_or_space_that_the_hub_refuses(
    hub: Served, api: HfApi, kind: str, front: str, reason: str
) -> None:
    api.create_repo(NAME, repo_type=kind, space_sdk="gradio" if kind == "space" else None)
    card = [CommitOperationAdd("README.md", f"---\n{front}\n---\n".encode())]
    with pytest.raises(ValueError, match="Invalid metadata") as failed:
        api.create_commit(NAME, card, commit_message="x", repo_type=kind)
    assert reason in str(failed.value)
    assert len(hub.of(f"{kind}s", NAME).commits) == 1
