"""The publication as an asset: off by default, else the last step of a night."""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.publishing.checks import defs as checks
from hf_assets.defs.publishing.lake import _TABLES, published_lake
from hf_assets.demo.hub.app import create_app
from hf_assets.demo.repositories.app import RepositoryService
from hf_assets.demo.repositories.store import Repositories
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.publishing.tables import SMALL, chosen, publishable
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake, today
from hf_assets_tests.publishing.conftest import Served, serving
from hf_assets_tests.support.publishing import NAME, TOKEN, small_lake


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("HF_ASSETS_PUBLISH_DATASET", NAME)
    monkeypatch.setenv("HF_ASSETS_STEP_RETRY_WAIT", "0")
    settings.cache_clear()
    with serving() as served:
        yield served
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return small_lake(tmp_path / "lake")


def publish(lake: Lake, **config: bool) -> tuple[dg.ExecuteInProcessResult, str]:
    """One run with its check; returns the event log, too."""
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [published_lake, *(checks().asset_checks or ())],
            resources={"lake": LakeResource(root=str(lake.root))},
            run_config={"ops": {"published_lake": {"config": config}}},
            instance=instance,
            raise_on_error=False,
        )
        log = "\n".join(str(one) for one in instance.all_logs(result.run_id))
    return result, log


def test_a_run_publishes_and_its_check_compares(hub: Served, lake: Lake) -> None:
    result, log = publish(lake)
    assert result.success
    facts = result.asset_materializations_for_node("published_lake")[0].metadata
    assert facts["repository"].value == f"{hub.url}/datasets/{NAME}"
    assert facts["commit"].value == hub.repository.head.oid
    assert facts["files sent"].value == 15
    assert facts["bytes sent"].value == facts["size (bytes)"].value
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    assert check.metadata["files that agree"].value == 15
    assert TOKEN not in log
    assert "The day as a few hundred sums" in hub.text("README.md")


def test_a_dry_run_lists_what_it_would_send(hub: Served, lake: Lake) -> None:
    result, _ = publish(lake, dry_run=True)
    assert result.success
    assert not result.asset_materializations_for_node("published_lake")
    (seen,) = result.get_asset_observation_events()
    facts = seen.asset_observation_data.asset_observation.metadata
    files: Any = facts["files"].value
    assert sum(files["sent"].values()) == facts["bytes sent"].value
    assert facts["files sent"].value == len(files["sent"]) == 15
    assert not hub.service.repositories.by_name


def test_it_is_off_until_a_setting_names_a_repository(lake: Lake) -> None:
    result, log = publish(lake)
    assert result.success
    assert not result.asset_materializations_for_node("published_lake")
    assert "Skipped: publishing is off: set HF_ASSETS_PUBLISH_DATASET=owner/name" in log


def test_every_table_of_the_hub_can_be_published(definitions: dg.Definitions) -> None:
    specs = {one.key.to_user_string(): one for one in definitions.resolve_all_asset_specs()}
    groups = {"hub/tables", "hub/quality", "trends", "trends/history"}
    stored = {name for name, spec in specs.items() if "dagster/column_schema" in spec.metadata}
    tables = {name for name in stored if specs[name].group_name in groups}
    assert publishable().keys() == tables == _TABLES.keys()
    small = {table.name for table in chosen(SMALL)[0]}
    trends = {name for name in tables if (specs[name].group_name or "").startswith("trends")}
    # A row for each repository.
    assert trends - small == {"model_days", "dataset_days", "space_days", "model_phases"}
    assert not small & {
        "models",
        "enriched_spaces",
        "hub_datasets",
        "families",
        "model_usage",
        "uses",
    }


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["", NAME])
def test_the_night_publishes_only_where_a_setting_says_so(name: str, tmp_path: Path) -> None:
    program = (
        "import json; from hf_assets.definitions import defs; "
        "job = defs().resolve_job_def('capture_today'); "
        "print(json.dumps([key.to_user_string() for key in job.asset_layer.selected_asset_keys]))"
    )
    environment = {**os.environ, "HF_ASSETS_PUBLISH_DATASET": name}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    keys = json.loads(done.stdout)
    assert ("published_lake" in keys) == bool(name)
    assert "insights_report" in keys


NIGHT = """
import sys
import dagster as dg
from hf_assets.definitions import defs
from hf_assets.storage.lake import today

with dg.DagsterInstance.ephemeral() as instance:
    job = defs().resolve_job_def("capture_today")
    result = job.execute_in_process(instance=instance, partition_key=today(), raise_on_error=False)
failed = [str(one.step_key) for one in result.get_step_failure_events()]
checks = [one.check_name for one in result.get_asset_check_evaluations()
          if one.asset_key.path == ["published_lake"] and one.passed]
steps = [str(one.step_key) for one in result.get_step_success_events()]
last = [one for one in steps if one.startswith("published_lake")]
print(failed, checks, steps[-len(last):] == last)
"""


@pytest.mark.release
@pytest.mark.heavy
def test_a_night_ends_with_a_publication(tmp_path: Path) -> None:
    """Everything is made from the embedded Hub, and sent to it, in one run."""
    source = GeneratedHub(600, 200, seed=4, day=dt.date.fromisoformat(today()))
    service = RepositoryService(Repositories({TOKEN: NAME.split("/")[0]}))
    with LoopbackServer(create_app(source, repositories=service)) as server:
        environment = {
            **os.environ,
            "HF_ENDPOINT": server.url,
            "HF_TOKEN": TOKEN,
            "HF_HUB_DISABLE_XET": "1",
            "HF_ASSETS_DATA": str(tmp_path / "lake"),
            "HF_ASSETS_ARCHIVE": "none",
            "HF_ASSETS_PUBLISH_DATASET": NAME,
        }
        done = subprocess.run(
            [sys.executable, "-c", NIGHT], env=environment, capture_output=True, text=True
        )
    assert done.stdout.strip() == "[] ['published_matches'] True", done.stderr[-3000:]
    repository = service.repositories.by_name[f"datasets/{NAME}"]
    assert len(repository.commits) == 2
    published = {path.split("/")[1] for path in repository.head.files if path.startswith("data/")}
    assert published >= {"daily_metrics", "top_models", "day_quality", "category_history"}
    assert "figures/day/downloads_by_category.png" in repository.head.files
    assert TOKEN not in done.stdout + done.stderr
