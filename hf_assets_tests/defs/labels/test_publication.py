"""A tagger's publication as an asset: off by default, else a model and a Space on the Hub."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hf_assets.corpora.registry import corpora
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.labels.publication import publication_check, tagger_publication
from hf_assets.settings import rejected, settings
from hf_assets.storage.folders import replacing_folder
from hf_assets.storage.lake import Lake
from hf_assets_tests.publishing.conftest import Served, serving
from hf_assets_tests.support.classifiers.published import make_space
from hf_assets_tests.support.publishing import TOKEN

TAGS = "acme/tags"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("HF_ASSETS_PUBLISH_TAGGERS", json.dumps({"questions": TAGS}))
    monkeypatch.setenv("HF_ASSETS_STEP_RETRY_WAIT", "0")
    settings.cache_clear()
    with serving() as served:
        yield served
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_space(tmp_path_factory.mktemp("built"), TAGS)


@pytest.fixture
def lake(any_lake: Lake, built: Path) -> Lake:
    with replacing_folder(any_lake.folder("classifiers/questions/tagger_space", None)) as folder:
        shutil.copytree(built, folder, dirs_exist_ok=True)
    return any_lake


def publish(lake: Lake, **config: bool) -> tuple[dg.ExecuteInProcessResult, str]:
    """One run with its check; returns the event log, too."""
    published = tagger_publication(corpora().specs["questions"])
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [published, publication_check("questions")],
            resources={"lake": LakeResource(root=str(lake.root))},
            run_config={"ops": {"questions__published_tagger": {"config": config}}},
            instance=instance,
            raise_on_error=False,
        )
        log = "\n".join(str(one) for one in instance.all_logs(result.run_id))
    return result, log


def test_a_run_publishes_and_its_check_compares(hub: Served, lake: Lake) -> None:
    result, log = publish(lake)
    assert result.success, log
    (made,) = result.asset_materializations_for_node("questions__published_tagger")
    facts = made.metadata
    model, space = hub.of("models", TAGS), hub.of("spaces", TAGS)
    assert facts["model"].value == f"{hub.url}/{TAGS}"
    assert facts["Space"].value == f"{hub.url}/spaces/{TAGS}"
    assert facts["commit of the Space"].value == f"{hub.url}/spaces/{TAGS}/commit/{space.head.oid}"
    assert facts["the Space names commit"].value == model.head.oid
    assert facts["bytes sent"].value == facts["size (bytes)"].value
    files: Any = facts["files"].value
    assert "onnx/model_quantized.onnx" in files["model"]["sent"]
    assert "app.py" in files["Space"]["sent"]
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    assert check.metadata["files that agree"].value == facts["files sent"].value
    assert TOKEN not in log + str(facts)


def test_a_dry_run_lists_what_it_would_send(hub: Served, lake: Lake) -> None:
    result, _ = publish(lake, dry_run=True)
    assert result.success
    assert not result.asset_materializations_for_node("questions__published_tagger")
    (seen,) = result.get_asset_observation_events()
    facts = seen.asset_observation_data.asset_observation.metadata
    assert facts["commit of the model"].value == "none"
    assert not hub.service.repositories.by_name


def test_a_setting_of_other_corpora_is_named(
    lake: Lake, hub: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ASSETS_PUBLISH_TAGGERS", json.dumps({"quesitons": TAGS}))
    settings.cache_clear()
    result, log = publish(lake)
    assert result.success
    assert "publishing of the tagger of questions, as the setting names only quesitons, is" in log
    assert hub.requests == []


@pytest.mark.parametrize("other", [TAGS, TAGS.title()])
def test_a_repository_is_for_one_corpus(
    hub: Served, lake: Lake, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    both = json.dumps({"questions": TAGS, "datasets": other})
    monkeypatch.setenv("HF_ASSETS_PUBLISH_TAGGERS", both)
    settings.cache_clear()
    result, log = publish(lake)
    assert not result.success
    assert "names acme/tags for datasets, too" in log
    assert hub.requests == []


def test_it_is_off_until_a_setting_names_a_repository(any_lake: Lake) -> None:
    result, log = publish(any_lake)
    assert result.success
    assert not result.asset_materializations_for_node("questions__published_tagger")
    assert "Skipped: publishing of taggers is off: set HF_ASSETS_PUBLISH_TAGGERS=" in log


@pytest.mark.parametrize(
    "value",
    [
        *("acme/tags", "[]", '{"questions": "no spaces"}', '{"questions": "acme/a--b"}'),
        *('{"questions": "acme/tags.git"}', '{"questions": "acme/tags-"}', '{"questions": 3}'),
        *('{"questions": "acmé/tags"}', '{"questions": "acme/tags/more"}'),
    ],
)
def test_a_broken_setting_is_named_and_publishes_nothing(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HF_ASSETS_PUBLISH_TAGGERS", value)
    settings.cache_clear()
    assert settings().publish_taggers == {}
    assert "cannot be used" in rejected()["HF_ASSETS_PUBLISH_TAGGERS"]
    monkeypatch.undo()
    settings.cache_clear()
