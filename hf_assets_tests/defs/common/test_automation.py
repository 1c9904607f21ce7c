"""When assets ask to be made by themselves, with the conditions of the code location.

The assets that run are stand-ins of the same keys; what is asked is the real graph.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import dagster as dg
import pytest

from hf_assets.definitions import defs
from hf_assets.defs.common.partitions import base_models
from hf_assets.settings import settings

DAY, OTHER_DAY = "2026-01-05", "2026-01-07"
DAILY = ("daily_metrics", "daily_changes", "model_usage")
TRENDS = {
    "day_quality", "category_history", "library_history", "license_history", "author_history",
    "family_history", "model_history", "model_phases", "adoption_history", "space_usage_history",
    "used_by_history", "dataset_history", "dataset_group_history",
    "concentration_history", "lifecycle", "trend_figures", "insights_report",
    "model_days", "dataset_days", "space_days",
}  # fmt: skip
QUANTIZED, BOARD = "questions/quantized_classifier", "questions/leaderboard"
BASE_MODEL = base_models.get_partition_keys()[0]


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return defs()


class Daemon:
    """Ticks of the sensor, and runs between them."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.definitions, self.instance, self.cursor = definitions, instance, None
        graph = definitions.resolve_asset_graph()
        asking = [key for key in graph.get_all_asset_keys() if graph.get(key).automation_condition]
        self.asking = dg.AssetSelection.assets(*asking)
        self.tick()

    def tick(self) -> set[str]:
        """The assets that a tick asks for."""
        result = dg.evaluate_automation_conditions(
            self.definitions, self.instance, self.asking, cursor=self.cursor
        )
        self.cursor = result.cursor
        keys = self.definitions.resolve_asset_graph().get_all_asset_keys()
        return {key.to_user_string() for key in keys if result.get_num_requested(key)}

    def run(
        self,
        *names: str,
        day: str | None = DAY,
        failing: Sequence[str] = (),
        passing: bool = True,
        during: Callable[[], object] = lambda: None,
        as_job: bool = False,
    ) -> None:
        """One run of stand-ins, in that order.

        Args:
            names: keys of the assets.
            day: the partition of those that have some.
            failing: those that fail.
            passing: whether their blocking checks pass.
            during: called before the last asset is made.
            as_job: run a job, whose run names no assets, as schedules do.
        """
        assets = [
            self._stand_in(name, before, name in failing, passing, name == names[-1] and during)
            for before, name in zip([None, *names], names, strict=False)
        ]
        if as_job:
            job = dg.define_asset_job("night", selection=[asset.key for asset in assets])
            found = dg.Definitions(assets=assets, jobs=[job]).resolve_job_def("night")
            found.execute_in_process(
                instance=self.instance, partition_key=day, raise_on_error=False
            )
        else:
            dg.materialize(assets, instance=self.instance, partition_key=day, raise_on_error=False)

    def _stand_in(
        self,
        name: str,
        before: str | None,
        fails: bool,
        passing: bool,
        during: Callable[[], object] | Literal[False],
    ) -> dg.AssetsDefinition:
        graph, key = self.definitions.resolve_asset_graph(), dg.AssetKey(name.split("/"))
        checks = [
            dg.AssetCheckSpec(
                check.name,
                asset=key,
                blocking=True,
                partitions_def=graph.get_check_spec(check).partitions_def,
            )
            for check in graph.get_check_keys_for_assets({key})
            if graph.get_check_spec(check).blocking
        ]

        @dg.asset(
            key=key,
            deps=[dg.AssetKey(before.split("/"))] if before else [],
            partitions_def=graph.get(key).partitions_def,
            check_specs=checks,
        )
        def stand_in() -> dg.MaterializeResult:
            if during:
                during()
            if fails:
                raise RuntimeError("no figure today")
            results = [dg.AssetCheckResult(passed=passing, check_name=one.name) for one in checks]
            return dg.MaterializeResult(check_results=results)

        return stand_in


@pytest.fixture
def daemon(definitions: dg.Definitions) -> Iterator[Daemon]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Daemon(definitions, instance)


def test_an_empty_lake_starts_nothing(daemon: Daemon) -> None:
    assert daemon.tick() == set()


def test_a_day_with_gaps_around_it_is_asked_for_once(daemon: Daemon) -> None:
    daemon.run(*DAILY)
    assert daemon.tick() == TRENDS
    assert daemon.tick() == set()
    daemon.run(*TRENDS, day=None)
    assert daemon.tick() == set()
    daemon.run(*DAILY, day=OTHER_DAY)
    assert daemon.tick() == TRENDS


def test_what_failed_is_asked_for_by_the_next_change_only(daemon: Daemon) -> None:
    daemon.run(*DAILY)
    assert daemon.tick() == TRENDS
    daemon.run("day_quality", "category_history", day=None, failing=["day_quality"])
    assert [daemon.tick() for _ in range(3)] == [set()] * 3
    daemon.run(*DAILY)
    assert daemon.tick() == TRENDS


@pytest.mark.parametrize("as_job", [False, True])
def test_a_night_that_makes_all_asks_for_nothing(daemon: Daemon, as_job: bool) -> None:
    """Also where a tick falls into its middle."""
    ticks = []
    shown = ("insights_report", "trend_figures")
    names = (*DAILY, *sorted(TRENDS - {*shown}), *shown)
    daemon.run(*names, as_job=as_job, during=lambda: ticks.append(daemon.tick()))
    assert ticks == [set()]
    assert daemon.tick() == set()


def test_inputs_that_are_still_made_are_waited_for(daemon: Daemon) -> None:
    ticks = []
    daemon.run(*DAILY, during=lambda: ticks.append(daemon.tick()))
    assert "day_quality" in ticks[0]  # its inputs are made; the last is one of the report alone
    assert "insights_report" not in ticks[0]
    assert "insights_report" in daemon.tick()


def test_a_series_alone_asks_for_what_follows_from_it(daemon: Daemon) -> None:
    daemon.run("model_history", day=None)
    assert daemon.tick() == {"model_phases", "trend_figures", "insights_report"}


def test_a_corpus_asks_for_its_baseline_and_not_for_a_board_of_older_classifiers(
    daemon: Daemon,
) -> None:
    daemon.run("questions/corpus", day=None)
    assert daemon.tick() == {"questions/baseline"}
    daemon.run("questions/baseline", day=None)
    assert daemon.tick() == set()


def test_a_training_asks_for_the_board_when_its_last_step_is_made(daemon: Daemon) -> None:
    daemon.run("questions/classifier", "questions/onnx_classifier", day=BASE_MODEL)
    assert daemon.tick() == set()
    daemon.run(QUANTIZED, day=BASE_MODEL)
    assert daemon.tick() == {BOARD}
    assert daemon.tick() == set()
    daemon.run(BOARD, day=None)
    assert daemon.tick() == {"questions/tagger_space"}


def test_a_graph_that_lost_too_much_is_not_scored(daemon: Daemon) -> None:
    daemon.run(QUANTIZED, day=BASE_MODEL, passing=False)
    assert daemon.tick() == set()


@pytest.mark.parametrize("passing", [True, False])
def test_a_board_asks_for_the_tagger_where_it_beats_the_floors(
    daemon: Daemon, passing: bool
) -> None:
    daemon.run(BOARD, day=None, passing=passing)
    assert daemon.tick() == ({"questions/tagger_space"} if passing else set())


# What is trained again by itself, where a person has said so.
TRAINED = ("classifier", "onnx_classifier", "quantized_classifier")


class Drifting(Daemon):
    """The same, with a drift whose two checks pass or fail."""

    def measure(self, *, old: bool, drifted: bool) -> None:
        """A run that measures the drift of the questions."""
        failing = {"corpus_not_old": old, "not_drifted": drifted}
        key = dg.AssetKey(["questions", "drift"])
        specs = [dg.AssetCheckSpec(name, asset=key) for name in failing]

        @dg.asset(key=key, check_specs=specs)
        def drift() -> dg.MaterializeResult:
            results = [
                dg.AssetCheckResult(
                    passed=not fails, check_name=name, severity=dg.AssetCheckSeverity.WARN
                )
                for name, fails in failing.items()
            ]
            return dg.MaterializeResult(check_results=results)

        dg.materialize([drift], instance=self.instance)


@pytest.fixture
def drifting(definitions: dg.Definitions) -> Iterator[Drifting]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Drifting(definitions, instance)


@pytest.fixture
def retraining(monkeypatch: pytest.MonkeyPatch) -> Iterator[Drifting]:
    """The graph with HF_ASSETS_RETRAIN on."""
    monkeypatch.setenv("HF_ASSETS_RETRAIN", "true")
    settings.cache_clear()
    try:
        with dg.DagsterInstance.ephemeral() as instance:
            yield Drifting(defs(), instance)
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_nothing_is_trained_again_by_default(drifting: Drifting) -> None:
    for step in TRAINED:
        drifting.run(f"questions/{step}", day=BASE_MODEL)
    drifting.run(BOARD, "questions/tagger_space", day=None)
    drifting.tick()
    drifting.measure(old=True, drifted=True)
    assert [drifting.tick() for _ in range(2)] == [set(), set()]
    drifting.run("questions/corpus", day=None)
    assert drifting.tick() == {"questions/baseline"}


def test_a_corpus_that_is_old_and_has_drifted_is_built_again_once(retraining: Drifting) -> None:
    for old, drifted in ((False, True), (True, False)):
        retraining.measure(old=old, drifted=drifted)
        assert retraining.tick() == set()
    retraining.measure(old=True, drifted=True)
    assert retraining.tick() == {"questions/corpus"}
    retraining.measure(old=True, drifted=True)
    assert [retraining.tick() for _ in range(2)] == [set(), set()]
    retraining.measure(old=False, drifted=False)
    assert retraining.tick() == set()
    retraining.measure(old=True, drifted=True)
    assert retraining.tick() == {"questions/corpus"}


def test_what_was_trained_before_is_trained_again_step_by_step(retraining: Drifting) -> None:
    retraining.run("questions/corpus", day=None)
    # Nothing was trained: a first training is a person's choice.
    assert retraining.tick() == {"questions/baseline"}
    for step in TRAINED:
        retraining.run(f"questions/{step}", day=BASE_MODEL)
    retraining.run("questions/baseline", BOARD, "questions/tagger_space", day=None)
    retraining.tick()
    retraining.run("questions/corpus", day=None)
    assert retraining.tick() == {"questions/baseline", "questions/classifier"}
    retraining.run("questions/baseline", day=None)
    retraining.run("questions/classifier", day=BASE_MODEL)
    assert retraining.tick() == {"questions/onnx_classifier"}
    retraining.run("questions/onnx_classifier", day=BASE_MODEL)
    assert retraining.tick() == {QUANTIZED}
    retraining.run(QUANTIZED, day=BASE_MODEL)
    assert retraining.tick() == {BOARD, "questions/tagger_space"}


def test_the_sensor_is_off_by_default(definitions: dg.Definitions) -> None:
    sensor = definitions.resolve_sensor_def("refresh_after_changes")
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED


def test_no_asset_with_days_or_of_a_service_asks_by_itself(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        if node.automation_condition:
            assert node.partitions_def is None
            assert node.parent_keys, key
            assert key.path[-1] != "corpus"  # every classifier would be out of date each night
