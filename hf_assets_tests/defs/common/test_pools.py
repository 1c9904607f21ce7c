"""Which of the waiting runs Dagster's queue takes, with the configuration of the package."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.dagster_run import RunOpConcurrency
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import (
    QueuedRunCoordinatorDaemon,
)

from hf_assets.corpora.registry import CorpusSpec
from hf_assets.defs.common.pools import BULK, OF_BASE_MODELS, RESOURCES, limit_pools
from hf_assets.defs.hub.schedules import capture_today, past_days
from hf_assets.defs.labels.classifiers import classifier_assets
from hf_assets.runner.home import write_home
from hf_assets.settings import settings

QUEUED, STARTED = dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED
BACKFILL = {"dagster/backfill": "one"}


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A history with the package's dagster.yaml."""
    write_home(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as history:
        limit_pools(history)
        yield history


def add(
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus,
    tags: Any = None,
    pools: tuple[str, ...] = (),
) -> dg.DagsterRun:
    served: Any = GrpcServerCodeLocationOrigin
    location = served(host="localhost", port=1, location_name="hf_assets")
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), "job")
    counted = RunOpConcurrency(
        root_key_counts=dict.fromkeys(pools, 1),
        has_unconstrained_root_nodes=False,
        all_pools={*pools},
    )
    run = dg.DagsterRun(
        "job",
        status=status,
        tags=dict(tags or {}),
        remote_job_origin=origin,
        run_op_concurrency=counted if pools else None,
    )
    return instance.add_run(run)


def taken(instance: dg.DagsterInstance) -> list[str]:
    """The runs that the queue would start now."""
    daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)
    runs = daemon._get_runs_to_dequeue(instance, instance.get_concurrency_config(), None)
    return [run.run_id for run in runs]


def test_the_capture_waits_for_no_backfill_and_no_training(instance: dg.DagsterInstance) -> None:
    for _ in range(10):
        add(instance, QUEUED, BACKFILL, ("hub",))
        add(instance, QUEUED, BULK, ("hub",))
        add(instance, QUEUED, None, ("training",))
    first = taken(instance)
    assert len(first) == 3
    for run_id in first:
        instance.delete_run(run_id)
    add(instance, STARTED, BACKFILL, ("hub",))
    add(instance, STARTED, BULK, ("hub",))
    add(instance, STARTED, None, ("training",))
    assert taken(instance) == []
    capture = add(instance, QUEUED, capture_today.tags, ("hub",))
    assert taken(instance) == [capture.run_id]


def test_the_capture_goes_before_what_waits_longer(instance: dg.DagsterInstance) -> None:
    for _ in range(3):
        add(instance, STARTED)
    add(instance, QUEUED)
    capture = add(instance, QUEUED, capture_today.tags, ("hub",))
    assert taken(instance) == [capture.run_id]


def test_a_pool_is_free_as_soon_as_its_killed_run_has_ended(instance: dg.DagsterInstance) -> None:
    killed = add(instance, STARTED, None, ("training",))
    waits = add(instance, QUEUED, None, ("training",))
    assert taken(instance) == []
    instance.report_run_failed(killed, "Process 17 is gone.")
    assert taken(instance) == [waits.run_id]


def test_a_limit_that_a_person_has_set_stays(instance: dg.DagsterInstance) -> None:
    instance.event_log_storage.set_concurrency_slots("training", 2)
    limit_pools(instance)
    (pool,) = instance.event_log_storage.get_pool_limits()
    assert (pool.name, pool.limit) == ("training", 2)


def test_runs_have_their_lanes() -> None:
    bulk, today = dict(past_days.tags or {}), dict(capture_today.tags or {})
    assert bulk.items() >= BULK.items()
    assert not set(BULK) & set(today)
    assert float(today["dagster/max_runtime"]) <= 4 * 3600


def resources_of(spec: CorpusSpec, tag: str = RESOURCES) -> dict[str, Any]:
    """What each step of a corpus's classifiers asks a cluster for."""
    return {
        asset.key.path[-1]: json.loads(asset.op.tags[tag])
        for asset in classifier_assets(spec)
        if tag in asset.op.tags
    }


def spec_of(**resources: Any) -> CorpusSpec:
    return CorpusSpec(name="own", source=("question_dump",), rare_share=0.01, **resources)


def test_a_corpus_says_what_its_trainings_ask_a_cluster_for() -> None:
    assert resources_of(spec_of()) == {}
    asked = resources_of(spec_of(gpus=1, cpus=4, memory_gb=16))
    others = {"num_cpus": 4, "memory": 16_000_000_000}
    assert asked == {
        "classifier": {"num_gpus": 1, **others},
        "onnx_classifier": others,
        "quantized_classifier": others,
    }


@pytest.fixture
def of_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Sets variables of the settings for this test."""

    def set_variable(name: str, value: str) -> None:
        monkeypatch.setenv(f"HF_ASSETS_{name}", value)
        settings.cache_clear()

    yield set_variable
    monkeypatch.undo()
    settings.cache_clear()


def test_a_setting_gives_gpus_to_the_trainings_of_every_corpus(
    of_settings: Callable[[str, str], None],
) -> None:
    of_settings("TRAINING_GPUS", "0.5")
    assert resources_of(spec_of()) == {"classifier": {"num_gpus": 0.5}}
    assert resources_of(spec_of(gpus=0)) == {}


def test_a_setting_says_what_trainings_of_a_base_model_ask_for(
    of_settings: Callable[[str, str], None],
) -> None:
    of_settings("BASE_MODEL_RESOURCES", '{"deberta-base": {"gpus": 2, "memory_gb": 48}}')
    others = {"deberta-base": {"memory": 48_000_000_000}}
    assert resources_of(spec_of(gpus=1), OF_BASE_MODELS) == {
        "classifier": {"deberta-base": {"num_gpus": 2, **others["deberta-base"]}},
        "onnx_classifier": others,
        "quantized_classifier": others,
    }
    assert resources_of(spec_of(gpus=1)) == {"classifier": {"num_gpus": 1}}
    # Said of a base model, 0 holds against what its corpus says.
    of_settings("BASE_MODEL_RESOURCES", '{"deberta-base": {"gpus": 0}}')
    assert resources_of(spec_of(gpus=1), OF_BASE_MODELS) == {
        "classifier": {"deberta-base": {"num_gpus": 0}}
    }
