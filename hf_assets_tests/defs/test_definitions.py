"""The graph as it is declared: what a reader of the UI finds before anything has run."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from hf_assets.defs.common.partitions import daily
from hf_assets.storage.lake import today
from hf_assets.storage.parquet import Table
from hf_assets_tests.support.defs.declared import (
    ASSETS,
    BLOCKING,
    COUNTING,
    DAILY,
    KINDS,
    LABELS,
    PICTURES,
    SERIES,
    SOURCES,
    TABLES,
)


def test_everything_is_loadable(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_assets_stand_in_their_groups(specs: dict[str, dg.AssetSpec]) -> None:
    assert {name: spec.group_name for name, spec in specs.items()} == {
        name: group for name, (group, _) in (ASSETS | LABELS | SERIES | PICTURES).items()
    }


@pytest.mark.parametrize("name", ASSETS | LABELS | SERIES | PICTURES)
def test_lineage(definitions: dg.Definitions, name: str) -> None:
    node = definitions.resolve_asset_graph().get(dg.AssetKey(name.split("/")))
    assert {key.to_user_string() for key in node.parent_keys} == (
        ASSETS | LABELS | SERIES | PICTURES
    )[name][1]


@pytest.mark.parametrize("name", DAILY)
def test_days_map_to_the_same_days(definitions: dg.Definitions, name: str) -> None:
    graph = definitions.resolve_asset_graph()
    # The predictor has no days.
    for parent in ASSETS[name][1] - {"hub_models/predictor"}:
        mapping = graph.get_partition_mapping(dg.AssetKey(name), dg.AssetKey(parent))
        assert isinstance(mapping, dg.TimeWindowPartitionMapping | dg.IdentityPartitionMapping)
        upstream = mapping.get_upstream_mapped_partitions_result_for_partitions(
            daily.subset_with_partition_keys(["2026-01-05"]), daily, daily
        )
        assert set(upstream.partitions_subset.get_partition_keys()) == {"2026-01-05"}


@pytest.mark.parametrize("name", DAILY)
def test_one_run_for_many_days_of_one_partition_set(
    specs: dict[str, dg.AssetSpec], definitions: dg.Definitions, name: str
) -> None:
    assert specs[name].partitions_def is daily
    policy = definitions.resolve_asset_graph().get(dg.AssetKey(name)).backfill_policy
    assert policy == dg.BackfillPolicy.single_run()


def test_today_is_a_partition_and_the_last_one() -> None:
    keys = daily.get_partition_keys()
    assert keys[0] == "2024-07-29"
    assert keys[-1] == today()


@pytest.mark.parametrize("name", ASSETS | SERIES)
def test_owner_and_kinds(specs: dict[str, dg.AssetSpec], name: str) -> None:
    assert specs[name].owners == ["team:hub"]
    wanted = {"matplotlib"} if name.endswith("_figures") else KINDS[(ASSETS | SERIES)[name][0]]
    assert specs[name].kinds == wanted


@pytest.mark.parametrize("name", ASSETS | LABELS | SERIES | PICTURES)
def test_a_description_begins_with_a_sentence(specs: dict[str, dg.AssetSpec], name: str) -> None:
    first, *rest = (specs[name].description or "").splitlines()
    assert first[:1].isupper()
    assert first.endswith(".")
    assert len(first.split()) >= 5
    assert not rest or not rest[0].strip()


def _config_fields(definitions: dg.Definitions) -> Iterator[tuple[str, str, str]]:
    """Step, name and description of every config field of every job."""

    def walk(step: str, config: Any) -> Iterator[tuple[str, str, str]]:
        for name, field in getattr(config, "fields", {}).items():
            yield step, name, field.description or ""
            yield from walk(step, field.config_type)

    for job in definitions.resolve_all_job_defs():
        for step in job.all_node_defs:
            if step.config_field:
                yield from walk(step.name, step.config_field.config_type)


def test_every_config_field_has_a_meaning(definitions: dg.Definitions) -> None:
    fields = set(_config_fields(definitions))
    # A walk that misses a kind of step would find nothing wrong.
    steps = {step for step, _, _ in fields}
    assert {"raw_models", "histories", "thin_days", "questions__classifier"} <= steps
    assert len({(name, about) for _, name, about in fields}) >= 23
    for step, name, about in fields:
        assert about.endswith("."), (step, name)
        assert len(about.split()) >= 4, (step, name, about)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_has_a_meaning(specs: dict[str, dg.AssetSpec], table: Table) -> None:
    schema = specs[table.name].metadata["dagster/column_schema"]
    assert [column.name for column in schema.columns] == list(table.columns)
    for column in schema.columns:
        assert column.description
        assert column.description.endswith((".", "…"))
        assert column.type
        assert column.constraints.nullable == (column.name not in table.required)


@pytest.mark.parametrize(
    ("selection", "groups"),
    [
        ('group:"hub/*"', {"hub/raw", "hub/tables", "hub/quality"}),
        ('group:"hub/tables"', {"hub/tables"}),
        ('group:"trends"', {"trends"}),
        ('group:"classifiers/questions"', {"classifiers/questions"}),
        (
            'group:"classifiers/*"',
            {f"classifiers/{name}" for name in ("questions", "datasets", "hub_models")},
        ),
    ],
)
def test_groups_can_be_selected(
    definitions: dg.Definitions, selection: str, groups: set[str]
) -> None:
    chosen = dg.AssetSelection.from_string(selection).resolve(definitions.resolve_asset_graph())
    assert {key.to_user_string() for key in chosen} == {
        name
        for name, (group, _) in (ASSETS | LABELS | SERIES | PICTURES).items()
        if group in groups
    }


def test_every_stored_table_is_an_asset(specs: dict[str, dg.AssetSpec]) -> None:
    drifts = {name for name in LABELS if name.endswith("/drift")}
    assert {*(table.name for table in TABLES), *SOURCES, *drifts} == {
        name for name, spec in specs.items() if "dagster/column_schema" in spec.metadata
    }


def test_checks_sit_where_they_belong_and_block_what_they_must(
    definitions: dg.Definitions, specs: dict[str, dg.AssetSpec]
) -> None:
    graph = definitions.resolve_asset_graph()
    blocking: dict[str, set[str]] = {}
    counting: dict[str, set[str]] = {}
    for key in graph.asset_check_keys:
        spec = graph.get_check_spec(key)
        kind = blocking if spec.blocking else counting
        kind.setdefault(key.asset_key.to_user_string(), set()).add(key.name)
        assert spec.description
        assert spec.description.endswith(".")
        # How old the models of a corpus are is asked of all base models at once.
        of_all = key.name == "not_old"
        partitions = specs[key.asset_key.to_user_string()].partitions_def
        assert spec.partitions_def is (None if of_all else partitions)
    assert blocking == BLOCKING
    assert counting == COUNTING


def test_the_code_location_loads_without_what_only_its_steps_need() -> None:
    heavy = ("torch", "transformers", "matplotlib", "pandas", "sklearn", "onnxruntime", "kaggle")
    program = (
        "import sys; from hf_assets.definitions import defs; "
        "defs().get_repository_def().load_all_definitions(); "
        f"print(*[name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_garbage_is_collected_of_what_comes_after_the_definitions() -> None:
    """They stay: to look through them again and again costs each run a second."""
    said = (
        "import gc; from hf_assets.definitions import defs; defs(); "
        "print(gc.isenabled(), gc.get_freeze_count() > 100_000, len(gc.get_objects()) < 50_000)"
    )
    command = [sys.executable, "-W", "ignore", "-c", said]
    assert subprocess.check_output(command, text=True).split() == ["True"] * 3
