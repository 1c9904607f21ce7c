"""What a run asks Ray for, and what a node says that cannot run it; cluster/ has Ray itself."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
import yaml

from hf_assets.errors import InputError
from hf_assets_tests.support.deploy.read import DEPLOY

pytest.importorskip("dagster_ray", reason="not installed here: pip install 'hf_assets[cluster]'")

from hf_assets.defs.common import pools
from hf_assets.ray_launcher import (
    OF_BASE_MODELS,
    RESOURCES,
    ClusterRunLauncher,
    checked,
    no_room,
    requested,
)

CONFIGURATION = yaml.safe_load((DEPLOY / "dagster-cluster.yaml").read_text())


SPECIAL = {"large": {"num_gpus": 2, "memory": 90_000}, "small": {"num_gpus": 0}}


def asset(name: str, **resources: float) -> dg.AssetsDefinition:
    tags = {RESOURCES: json.dumps(resources)} if resources else {}
    if name == "trained":
        tags[OF_BASE_MODELS] = json.dumps(SPECIAL)

    @dg.asset(name=name, op_tags=tags)
    def made() -> None: ...

    return made


def plan_of(instance: dg.DagsterInstance, *chosen: str) -> dg.DagsterRun:
    assets = [
        asset("light"),
        asset("trained", num_gpus=1, memory=4_000),
        asset("exported", num_cpus=4, memory=9_000),
    ]
    job = dg.Definitions(assets=assets).resolve_implicit_global_asset_job_def()
    keys = frozenset(dg.AssetKey(name) for name in chosen)
    return instance.create_run_for_job(job.get_subset(asset_selection=keys), asset_selection=keys)


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        (["light"], {}),
        (["light", "trained"], {"num_gpus": 1, "memory": 4_000}),
        # Steps follow each other: a run needs the most that one of them needs.
        (["trained", "exported"], {"num_gpus": 1, "num_cpus": 4, "memory": 9_000}),
    ],
)
def test_a_run_asks_for_the_most_that_its_steps_ask_for(
    chosen: list[str], wanted: dict[str, float]
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run = plan_of(instance, *chosen)
        assert run.execution_plan_snapshot_id
        plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
        assert requested(plan) == wanted


def test_the_graph_and_the_launcher_have_the_same_tags() -> None:
    assert (pools.RESOURCES, pools.OF_BASE_MODELS) == (RESOURCES, OF_BASE_MODELS)


@pytest.mark.parametrize(
    ("partition", "wanted"),
    [
        ("large", {"num_gpus": 2, "memory": 90_000}),
        # What is not said of the base model is the corpus's.
        ("small", {"memory": 4_000}),
        ("2026-11-20", {"num_gpus": 1, "memory": 4_000}),
        (None, {"num_gpus": 1, "memory": 4_000}),
    ],
)
def test_what_is_said_of_a_base_model_takes_precedence(
    partition: str | None, wanted: dict[str, float]
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run = plan_of(instance, "light", "trained")
        assert run.execution_plan_snapshot_id
        plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
        assert requested(plan, partition) == wanted


NODES = {
    "head": {"memory": 8e9},
    "one": {"CPU": 4.0, "memory": 16e9, "node:10.0.0.1": 1.0},
    "two": {"CPU": 2.0, "GPU": 1.0, "memory": 32e9},
}


@pytest.mark.parametrize(
    "asked",
    [{}, {"CPU": 4}, {"GPU": 0.5, "CPU": 2}, {"memory": 32e9}, {"GPU": 1, "memory": 32e9}],
)
def test_a_run_that_a_node_can_take_needs_no_words(asked: dict[str, float]) -> None:
    assert no_room(asked, NODES) == ""


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"GPU": 2, "CPU": 1}, "2 GPU, 1 CPU; the largest have: two 1 GPU, 2 CPU; one 0 GPU"),
        # Each node has one of the two.
        ({"GPU": 1, "CPU": 4}, "1 GPU, 4 CPU; the largest have: two 1 GPU, 2 CPU; one 0 GPU, 4 C"),
        ({"memory": 64e9}, "64.0 GB memory; the largest have: two 32.0 GB memory; one 16.0 GB"),
        ({"tpu": 1}, "1 tpu; the largest have"),
    ],
)
def test_a_run_that_no_node_can_take_says_what_to_do(asked: dict[str, float], words: str) -> None:
    said = no_room(asked, NODES)
    assert f"asks one node for {words}" in said
    assert "start one, or end this run, lower what it asks for" in said


def test_of_a_cluster_that_lists_no_nodes_nothing_is_said() -> None:
    assert no_room({"GPU": 9}, {}) == ""


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Launches a run by the shipped configuration; what Ray's client was handed."""

    def launch(chosen: str, tags: dict[str, str]) -> dict[str, Any]:
        handed: dict[str, Any] = {}
        config = CONFIGURATION["run_launcher"]["config"]
        with dg.DagsterInstance.ephemeral() as instance:
            run = plan_of(instance, chosen)
            instance.add_run_tags(run.run_id, tags)
            stored = instance.get_run_by_id(run.run_id)
            assert stored
            known = {**config["ray"], "address": "http://127.0.0.1:9"}
            launcher = ClusterRunLauncher.from_config_value(None, {"ray": known})
            launcher.register_instance(instance)
            client = type("Client", (), {"submit_job": lambda _, **more: handed.update(more)})
            monkeypatch.setattr(ClusterRunLauncher, "client", client())
            monkeypatch.setattr(ClusterRunLauncher, "_nodes", lambda _: NODES)
            origin = dg.DagsterRun(
                job_name="job", run_id=run.run_id, tags=stored.tags,
                execution_plan_snapshot_id=run.execution_plan_snapshot_id,
                job_code_origin=ORIGIN,
            )  # fmt: skip
            launcher._launch_ray_job("id", "dagster api execute_run '{}'", origin)
            now = instance.get_run_by_id(run.run_id)
            assert now
            handed["tag"] = now.tags.get(RESOURCES)
            events = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
            handed["words"] = [one.dagster_event.message for one in events if one.dagster_event]
        return handed

    return launch


def _origin() -> Any:
    from dagster._core.code_pointer import ModuleCodePointer
    from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

    pointer = ModuleCodePointer("hf_assets.definitions", "defs", working_directory=None)
    return JobPythonOrigin("job", RepositoryPythonOrigin("python", pointer))


ORIGIN = _origin()


def test_a_run_shows_what_it_asks_for_and_the_rest_gets_one_cpu(
    submitted: Callable[..., dict[str, Any]],
) -> None:
    trained = submitted("trained", {})
    assert (trained["entrypoint_num_gpus"], trained["entrypoint_memory"]) == (1, 4_000)
    assert json.loads(trained["tag"]) == {"num_gpus": 1, "memory": 4_000}
    light = submitted("light", {})
    assert (light["entrypoint_num_cpus"], light["entrypoint_num_gpus"]) == (1, None)
    assert light["tag"] is None


def test_a_run_without_room_is_told_so_after_it_was_submitted(
    submitted: Callable[..., dict[str, Any]],
) -> None:
    trained = submitted("trained", {"dagster/partition": "large"})
    assert trained["entrypoint_num_gpus"] == 2
    assert "asks one node for 2 GPU, 1 CPU" in trained["words"][-1]
    assert not [one for one in submitted("trained", {})["words"] if "No node" in one]


def test_a_cluster_that_does_not_answer_is_asked_for_no_nodes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert ClusterRunLauncher("http://127.0.0.1:9")._nodes() == {}
    assert "Ray does not list its nodes" in caplog.text


def test_a_tag_of_the_run_takes_precedence(submitted: Callable[..., dict[str, Any]]) -> None:
    handed = submitted("trained", {RESOURCES: json.dumps({"num_cpus": 8})})
    assert (handed["entrypoint_num_cpus"], handed["entrypoint_num_gpus"]) == (8, None)


def test_the_job_carries_no_variable_of_the_service(
    submitted: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "of a test of jobs")
    handed = submitted("light", {})
    assert handed["runtime_env"] == {"env_vars": {"DAGSTER_RUN_JOB_NAME": "job"}}


@pytest.mark.parametrize(
    "config",
    [
        {"env_vars": ["HF_ASSETS_DATA", "PGPASSWORD"]},
        {"env_vars": ["AWS_SECRET_ACCESS_KEY=of a test"]},
        {"runtime_env": {"env_vars": {"HF_TOKEN": "of a test"}}},
    ],
)
def test_names_of_secrets_are_refused(config: dict[str, Any]) -> None:
    known = {"address": "http://127.0.0.1:9", **config}
    with pytest.raises(InputError, match="where Ray is started") as refused:
        ClusterRunLauncher.from_config_value(None, {"ray": known})
    assert "of a test" not in str(refused.value)
    assert "HF_ASSETS_DATA" not in str(refused.value)


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ("dagster", "dagster is not on the PATH of Ray"),
        ("PGHOST", "is not set on this node"),
        ("dagster.yaml", "DAGSTER_HOME names no folder with a dagster.yaml"),
    ],
)
def test_a_node_that_cannot_run_it_says_what_to_do(without: str, said: str, tmp_path: Path) -> None:
    variables = {name: "x" for name in ("PGHOST", "PGDATABASE", "PGUSER") if name != without}
    variables |= {"DAGSTER_HOME": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    if without != "dagster":
        (tmp_path / "dagster").write_text("#!/bin/sh\necho began\n")
        (tmp_path / "dagster").chmod(0o755)
    if without != "dagster.yaml":
        (tmp_path / "dagster.yaml").touch()
    done = subprocess.run(
        ["/bin/sh", "-c", checked("dagster api execute_run '{}'")],
        env=variables,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (78, "")
    assert said in done.stderr


@pytest.mark.parametrize(
    ("threads", "polars"),
    [
        ({}, "1"),
        ({"OMP_NUM_THREADS": "4"}, "4"),
        ({"OMP_NUM_THREADS": "4", "POLARS_MAX_THREADS": "2"}, "2"),
    ],
)
def test_a_node_that_can_run_it_becomes_the_run(
    tmp_path: Path, threads: dict[str, str], polars: str
) -> None:
    (tmp_path / "dagster").write_text("#!/bin/sh\necho $$ $* $POLARS_MAX_THREADS\n")
    (tmp_path / "dagster").chmod(0o755)
    (tmp_path / "dagster.yaml").touch()
    variables = dict.fromkeys(("PGHOST", "PGDATABASE", "PGUSER"), "x")
    process = subprocess.Popen(
        ["/bin/sh", "-c", checked("dagster api execute_run 'x y'")],
        env=variables
        | threads
        | {"DAGSTER_HOME": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    )
    said, _ = process.communicate()
    # Signals reach the run itself.
    assert said == f"{process.pid} api execute_run x y {polars}\n"


def test_dagster_takes_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://head:8265")
    # Postgres is the tests' of deploy/.
    known = {name: value for name, value in CONFIGURATION.items() if name != "storage"}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(known))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        launcher = instance.run_launcher
        assert isinstance(launcher, ClusterRunLauncher)
        assert (launcher.address, launcher.num_cpus) == ("http://head:8265", 1)
        # A run waits for a free worker longer than Dagster would let it start.
        assert instance.run_monitoring_start_timeout_seconds == 86400
        assert instance.run_monitoring_max_resume_run_attempts == 0
        assert instance.run_retries_enabled
        assert instance.run_retries_max_retries > 0


def test_a_failed_run_is_told_the_end_of_its_job_and_not_its_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = dg.DagsterRun("job")
    ours = SimpleNamespace(
        submission_id=f"dagster-run-{run.run_id}",
        entrypoint=checked("dagster api execute_run '{}'"),
        message="Job entrypoint command failed with exit code -9, last available logs:\nof the run",
    )
    other = SimpleNamespace(submission_id="dagster-run-other", entrypoint="", message="well")
    client = SimpleNamespace(list_jobs=lambda: [other, ours])
    monkeypatch.setattr(ClusterRunLauncher, "client", client)
    launcher = ClusterRunLauncher("http://127.0.0.1:9")
    assert launcher.get_run_worker_debug_info(run) == (
        f"dagster-run-{run.run_id}: Job entrypoint command failed with exit code -9, last "
        "available logs:"
    )
