"""Broken files and folders of settings in the graph: failing checks, and everything else loads."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hf_assets.corpora.registry import corpora
from hf_assets.definitions import defs
from hf_assets.defs import configuration
from hf_assets.settings import settings
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import HUB, RAW, Make, World, checks, failures, made

GOOD = 'source = "new_questions"\nrare_share = 0.1\n'


@contextmanager
def environment(**values: object) -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(f"HF_ASSETS_{name.upper()}", str(value))
        settings.cache_clear()
        yield
    settings.cache_clear()


def loaded() -> dict[str, dg.AssetSpec]:
    """The assets of the code location under the present settings."""
    found = defs()
    dg.Definitions.validate_loadable(found)
    return {spec.key.to_user_string(): spec for spec in found.resolve_all_asset_specs()}


def test_a_clone_has_no_assets_of_configuration() -> None:
    with environment():
        assert not {*configuration._CHECKS} & loaded().keys()


def test_where_an_archive_lies_is_told(tmp_path: Path) -> None:
    with environment(archive="someone/some-days"):
        metadata = loaded()["past_days_archive"].metadata
    assert metadata["dagster/uri"] == "hf://datasets/someone/some-days"
    assert metadata["dataset"] == "someone/some-days"
    with environment(archive=tmp_path):
        metadata = loaded()["past_days_archive"].metadata
    assert metadata["dagster/uri"] == f"file://{tmp_path}"
    assert metadata["path"] == dg.MetadataValue.path(str(tmp_path))


@pytest.fixture
def broken(tmp_path: Path) -> dict[str, object]:
    """Everything that can be broken, broken."""
    own = tmp_path / "own.toml"
    own.write_text(f"[good]\n{GOOD}[typo]\nsauce = 1\n[torn]\nsource = \n[questions]\n")
    (tmp_path / "models" / "roberta-base").mkdir(parents=True)
    encoders = tmp_path / "encoders.toml"
    encoders.write_text('[good]\nid = "a/b"\n[absent]\nfolder = "none"\n[typo]\nidd = "a/b"\n')
    return {
        "corpora": own,
        "own_base_models": encoders,
        "base_models": tmp_path / "models",
        "archive": tmp_path / "nowhere",
        "accept_kaggle_terms": "perhaps",
        "meta_kaggle": "/" + "x" * 5000,
        "question_dump": tmp_path,
        "stackexchange_endpoint": "no address",
        "kaggle_endpoint": "http://[",
        "stackexchange_site": "a b",
    }


def test_what_is_broken_fails_its_check_and_the_hub_is_captured(
    world: Make, broken: dict[str, object]
) -> None:
    hub = world()
    with environment(**broken):
        location = defs()
        names = {spec.key.to_user_string() for spec in location.resolve_all_asset_specs()}
        of_files = configuration._CHECKS.keys() - {"lake_on_a_store"}
        assert {*HUB, "good/corpus", "good/tagger_space", *of_files} <= names
        assert "lake_on_a_store" not in names
        assert not {"typo/corpus", "torn/corpus"} & names
        run = captured_with_checks(hub, location)
    assert failures(run) == {}
    assert made(run) >= {"raw_models", "raw_spaces", "models"}
    of = {name: one for (asset, name), one in checks(run).items() if asset not in HUB}
    assert {name: one.passed for name, one in of.items()} == {
        **{"entries_valid": False, "base_models_valid": False, "copies_complete": False},
        "readable": False,
    }
    wrong = str(of["base_models_valid"].description).splitlines()
    assert "[typo] has an unknown key 'idd'; did you mean id?" in wrong[0]
    assert "[absent]" in wrong[1]
    found = str(of["entries_valid"].description).splitlines()
    assert len(found) == 3
    for name, line in zip(("typo", "torn", "questions"), found, strict=True):
        assert f"own.toml: [{name}] " in line
    assert "[torn]" in str(of["entries_valid"].metadata["problem 2"].value)


def captured_with_checks(hub: World, location: dg.Definitions) -> dg.ExecuteInProcessResult:
    """A job over some of the Hub's assets and the checks of the configuration, for today."""
    selection = dg.AssetSelection.assets(*RAW, "models") | configuration.configuration_checks()
    job = dg.define_asset_job("capture", selection=selection)
    graph = dg.Definitions(
        assets=location.assets,
        asset_checks=location.asset_checks,
        jobs=[job],
        resources=location.resources,
        executor=dg.in_process_executor,
    )
    return graph.resolve_job_def("capture").execute_in_process(
        instance=hub.instance, partition_key=today(), raise_on_error=False
    )


def test_a_check_passes_as_soon_as_the_file_is_mended(world: Make, tmp_path: Path) -> None:
    hub = world()
    own = tmp_path / "own.toml"
    own.write_text("[good]\n")
    with environment(corpora=own):
        location = defs()
        own.write_text(f"[good]\n{GOOD}")
        run = captured_with_checks(hub, location)
    (result,) = (
        one for one in run.get_asset_check_evaluations() if one.check_name == "entries_valid"
    )
    assert result.passed


# Entries, and what people do to them.
names = st.sampled_from(["a", "b", "questions", "hub", "B", "0", "a.b", '"é"', "", "x" * 60])
values = st.one_of(
    st.text(max_size=12).map(lambda text: repr(text)),
    st.sampled_from(["1", "0.1", "true", "[]", '["a", "b"]', "{}", "nan", "1979-05-27", "", "]"]),
    st.sampled_from(['"a.csv"', '"new_questions"', '"a b.v1 (x).csv"', '"../ü\\t.parquet"']),
)
keys = st.sampled_from(
    ["source", "rare_share", "text", "labels", "license", "site", "separator", "zzz", '"', "[", "#"]
)
lines = st.builds("{} = {}\n".format, keys, values) | st.text(max_size=10).map(lambda s: s + "\n")
entries = st.builds(
    lambda name, good, more: f"[{name}]\n{GOOD if good else ''}{''.join(more)}",
    *(names, st.booleans(), st.lists(lines, max_size=4)),
)
files = st.lists(entries, max_size=5).map("".join) | st.binary(max_size=60)


@given(files)
@hypothesis_settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_no_file_of_corpora_is_an_error(
    tmp_path_factory: pytest.TempPathFactory, file: str | bytes
) -> None:
    path = tmp_path_factory.mktemp("files") / "own.toml"
    path.write_bytes(file if isinstance(file, bytes) else file.encode("utf-8", "replace"))
    found = corpora(path)
    assert list(found.specs)[:2] == ["questions", "datasets"]
    assert all(str(path) in str(problem) for problem in found.problems)


ODD = "".join(
    f"[{name}]\nsource = {source!r}\nrare_share = 0.1\n"
    for name, source in (
        ("a", "a b.v1 (x).csv"),
        ("x" * 60, "CON.JSONL.GZ"),
        ("sources", "é/ü.tsv"),
    )
)


@pytest.mark.heavy
@example(ODD)
@given(st.lists(entries, min_size=8, max_size=20).map("".join) | files)
@hypothesis_settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
def test_the_hub_loads_with_any_file_of_corpora(
    tmp_path_factory: pytest.TempPathFactory, file: str | bytes
) -> None:
    path = tmp_path_factory.mktemp("files") / "own.toml"
    path.write_bytes(file if isinstance(file, bytes) else file.encode("utf-8", "replace"))
    with environment(corpora=path):
        present = loaded().keys()
    assert {*HUB, "corpora_file"} <= present
    assert {f"{name}/corpus" for name in corpora(path).specs} <= present
