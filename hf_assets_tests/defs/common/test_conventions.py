"""What an asset's page shows before anything has run: address, tags, source code, version."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import dagster as dg
import pytest

from hf_assets.definitions import defs
from hf_assets.defs.common.code_versions import PACKAGE
from hf_assets.defs.common.conventions import with_facts
from hf_assets.object_store.path import location, uri
from hf_assets.settings import Settings, settings

ASSETS = 73
# Fetched from a service, which serves what it serves: no change of our code makes them stale.
CAPTURES = {
    *("raw_models", "raw_spaces", "raw_datasets", "raw_inference_providers", "raw_space_trees"),
    *("new_questions", "new_datasets"),
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Settings read again under a changed environment."""
    settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    settings.cache_clear()


def _references(spec: dg.AssetSpec) -> list[str]:
    value = spec.metadata["dagster/code_references"]
    assert isinstance(value, dg.CodeReferencesMetadataValue)
    return [reference.source for reference in value.code_references]


def test_source_code_opens_in_the_editor(specs: dict[str, dg.AssetSpec]) -> None:
    assert len(specs) == ASSETS
    for name, spec in specs.items():
        (source,) = _references(spec)
        path, _, line = source.rpartition(":")
        # The line is that of the decorator, the function follows it.
        lines = Path(path).read_text("utf-8").splitlines()[int(line) - 1 :]
        begun = next(row.strip() for row in lines if row.strip().startswith("def "))
        assert begun.startswith(f"def {name.split('/')[-1]}(") or begun.startswith("def histories(")


@pytest.mark.heavy
def test_source_code_of_an_installed_package_is_its_own(tmp_path: Path) -> None:
    """Without a clone around it: no pyproject.toml, no git."""
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    program = (
        "from hf_assets.definitions import defs; "
        "specs = list(defs().resolve_all_asset_specs()); "
        "print(*[s.metadata['dagster/code_references'].code_references[0].source for s in specs])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sources = done.stdout.split()
    assert len(sources) == ASSETS
    assert all(source.startswith(f"{tmp_path}/hf_assets/defs/") for source in sources)
    assert "Warning" not in done.stderr


def test_source_code_links_to_the_repository(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HF_ASSETS_REPOSITORY", "https://github.com/example/hub/")
    environment.setenv("HF_ASSETS_REPOSITORY_REVISION", "v1")
    found = {
        spec.key.to_user_string(): _references(spec) for spec in defs().resolve_all_asset_specs()
    }
    assert len(found) == ASSETS
    folder = "https://github.com/example/hub/tree/v1/hf_assets/defs"
    assert all(one.startswith(f"{folder}/") for (one,) in found.values())
    assert found["models"][0].startswith(f"{folder}/hub/tables.py#L")


def test_source_code_links_to_gitlab_and_other_hosts(environment: pytest.MonkeyPatch) -> None:
    for repository, begin in {
        "https://gitlab.example.org/a/b": "https://gitlab.example.org/a/b/-/tree/main/hf_assets/",
        "https://git.example.org/a/b": "https://git.example.org/a/b/tree/main/hf_assets/",
    }.items():
        settings.cache_clear()
        environment.setenv("HF_ASSETS_REPOSITORY", repository)
        (spec, *_) = defs().resolve_all_asset_specs()
        assert _references(spec)[0].startswith(begin)


def test_every_derived_asset_has_a_version_and_no_capture(specs: dict[str, dg.AssetSpec]) -> None:
    assert {name for name, spec in specs.items() if spec.code_version is None} == CAPTURES


@pytest.mark.parametrize(
    ("asset", "path"),
    [
        ("raw_models", "raw_models"),
        ("category_history", "category_history"),
        ("questions/corpus", "corpora/questions"),
        ("questions/leaderboard", "classifiers/questions/leaderboard"),
        ("questions/classifier", "classifiers/questions"),
    ],
)
def test_uri(specs: dict[str, dg.AssetSpec], asset: str, path: str) -> None:
    assert specs[asset].metadata["dagster/uri"] == uri(settings().data / path)


def test_an_address_stays_readable(tmp_path: Path) -> None:
    found = uri(tmp_path / "a b#c" / "day=2026-11-20")
    assert found == f"file://{tmp_path}/a%20b%23c/day=2026-11-20"
    assert Path(url2pathname(urlparse(found).path)) == tmp_path / "a b#c" / "day=2026-11-20"


def test_every_asset_has_an_address_of_its_own(specs: dict[str, dg.AssetSpec]) -> None:
    found = [spec.metadata["dagster/uri"] for spec in specs.values() if not _by_base_model(spec)]
    assert len(found) == len(set(found)) == ASSETS - 9


def _by_base_model(spec: dg.AssetSpec) -> bool:
    return isinstance(spec.partitions_def, dg.StaticPartitionsDefinition)


@pytest.mark.parametrize(
    ("selection", "some", "count"),
    [
        ("tag:domain=hub", {"raw_models", "models", "daily_changes"}, 17),
        ("tag:layer=raw", {"raw_spaces", "question_dump"}, 9),
        ("tag:layer=series", {"category_history", "day_quality"}, 20),
        ("tag:corpus=questions", {"questions/corpus", "questions/published_tagger"}, 9),
        ("tag:layer=publication", {"published_lake", "datasets/published_tagger"}, 8),
    ],
)
def test_tags_select(
    definitions: dg.Definitions, selection: str, some: set[str], count: int
) -> None:
    graph = definitions.resolve_asset_graph()
    found = dg.AssetSelection.from_string(selection).resolve(graph)
    assert some <= {key.to_user_string() for key in found}
    assert len(found) == count


def test_every_asset_has_domain_and_layer(specs: dict[str, dg.AssetSpec]) -> None:
    for name, spec in specs.items():
        assert {"domain", "layer"} <= spec.tags.keys(), name
        assert ("corpus" in spec.tags) == ("/" in name)
        assert (spec.tags.get("dagster/storage_kind") == "parquet") == ("parquet" in spec.kinds)


def test_what_is_not_ours_is_left_as_it_is() -> None:
    """Such as the asset of a broken entry, whose name may be anything."""
    spec = dg.AssetSpec(["my corpora", "a b.toml"], group_name="configuration")
    assert with_facts(spec, settings()) == spec
    table = dg.AssetSpec(
        ["birds", "table"],
        group_name="corpora/birds",
        metadata={"path": dg.MetadataValue.path("/data/birds.csv")},
    )
    found = with_facts(table, settings())
    assert found.metadata["dagster/uri"] == "file:///data/birds.csv"
    assert found.tags == {"domain": "labels", "corpus": "birds"}


def test_the_lake_on_a_store_has_its_own_address() -> None:
    """Not the path of a file with that name."""
    known = Settings(data=location("s3://bucket/lake"))
    path = dg.MetadataValue.path("s3://bucket/lake")
    spec = dg.AssetSpec("lake_on_a_store", group_name="configuration", metadata={"path": path})
    assert with_facts(spec, known).metadata["dagster/uri"] == "s3://bucket/lake"


def test_pools(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    pools = {
        key.to_user_string(): pools
        for key in graph.get_all_asset_keys()
        if (pools := graph.get(key).pools)
    }
    assert pools == {
        "raw_models": {"hub"},
        "raw_spaces": {"hub"},
        "raw_datasets": {"hub"},
        "raw_space_trees": {"hub"},
        "questions/classifier": {"training"},
        "datasets/classifier": {"training"},
        "hub_models/classifier": {"training"},
    }
