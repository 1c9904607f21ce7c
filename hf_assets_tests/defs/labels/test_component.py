"""The component `hf_assets.Corpus`: the model and the assets of the TOML file, in a defs.yaml."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster.components.component_scaffolding import scaffold_object
from jsonschema import Draft202012Validator

import hf_assets
from hf_assets import Corpus
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.defs.common.conventions import with_conventions
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.defs.graph import graph

ENTRY: dict[str, Any] = {
    "source": "birds.csv",
    "text": ["title", "content"],
    "format": "html",
    "labels": "tags",
    "separator": " ",
    "rare_share": 0.001,
}
TOML = """\
[birds]
source = "birds.csv"
text = ["title", "content"]
format = "html"
labels = "tags"
separator = " "
rare_share = 0.001
"""
# What Dagster adds of the file that a component is in.
OF_THE_FILE = {"dagster/code_references", "dagster/component_origin"}


def write(folder: Path, *entries: dict[str, Any] | str, module: str = "hf_assets.Corpus") -> Path:
    """A defs.yaml in that folder, with a document for each entry."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = [
        entry if isinstance(entry, str) else yaml.safe_dump({"type": module, "attributes": entry})
        for entry in entries
    ]
    (folder / "defs.yaml").write_text("---\n".join(documents))
    return folder


def load(defs: Path) -> dg.Definitions:
    """The definitions under that folder, as a project loads them."""
    module = ModuleType("own.defs")
    module.__file__, module.__path__ = None, [str(defs)]
    return dg.ComponentTree(defs_module=module, project_root=defs.parent).build_defs()


def keys(definitions: dg.Definitions) -> set[str]:
    return {key.to_user_string() for key in definitions.resolve_all_asset_keys()}


def problems(definitions: dg.Definitions) -> dict[str, str]:
    """The reason of each failing check of what cannot be built, by asset; the checks are run."""
    found = {key for key in definitions.resolve_asset_graph().asset_check_keys
             if key.name == "entry_valid"}  # fmt: skip
    if not found:
        return {}
    job = definitions.resolve_implicit_global_asset_job_def()
    run = job.get_subset(asset_check_selection=found, asset_selection=set()).execute_in_process(
        instance=dg.DagsterInstance.ephemeral()
    )
    checked = run.get_asset_check_evaluations()
    assert len(checked) == len(found)
    assert not [one for one in checked if one.passed]
    return {one.asset_key.to_user_string(): one.description or "" for one in checked}


def described(definitions: dg.Definitions, name: str) -> dict[str, Any]:
    """All that a reader of the UI sees of the assets and checks of that corpus."""
    nodes = [node for node in definitions.resolve_asset_graph().asset_nodes
             if node.key.path[0] == name]  # fmt: skip
    assets = {
        node.key.to_user_string(): {
            "parents": sorted(key.to_user_string() for key in node.parent_keys),
            "partitions": node.partitions_def,
            "metadata": {key: value for key, value in node.metadata.items()
                         if key not in OF_THE_FILE},
            "other": (node.group_name, node.description, node.kinds, node.owners, node.tags),
        }
        for node in nodes
    }  # fmt: skip
    asset_graph = definitions.resolve_asset_graph()
    specs = [asset_graph.get_check_spec(key) for key in asset_graph.asset_check_keys]
    checks = {
        f"{spec.asset_key.to_user_string()}:{spec.name}": (spec.description, spec.blocking)
        for spec in specs
        if spec.asset_key.path[0] == name
    }
    return {"assets": assets, "checks": checks}


@pytest.fixture
def switch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Path], None]]:
    """Sets a variable of the settings."""

    def set_variable(name: str, value: Path) -> None:
        monkeypatch.setenv(f"HF_ASSETS_{name}", str(value))
        settings.cache_clear()

    yield set_variable
    monkeypatch.undo()
    settings.cache_clear()


def test_it_is_what_an_entry_of_the_toml_is(
    tmp_path: Path, switch: Callable[[str, Path], None]
) -> None:
    loaded = with_conventions(load(write(tmp_path / "birds", ENTRY).parent))
    component = described(loaded, "birds")
    (tmp_path / "birds" / "corpora.toml").write_text(TOML)
    switch("CORPORA", tmp_path / "birds" / "corpora.toml")
    assert component == described(graph(), "birds")
    steps = {"table", "corpus", "baseline", "classifier", "onnx_classifier"}
    steps |= {"quantized_classifier", "leaderboard", "tagger_space", "published_tagger"}
    assert {key.partition("/")[2] for key in component["assets"]} == steps
    assert len(component["checks"]) == 18


def test_a_path_is_relative_to_its_file_and_a_variable_is_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIRDS", "seen.csv")
    entry = ENTRY | {"source": "{{ env.BIRDS }}", "label_names": ["1", "2"], "separator": None}
    defs = write(tmp_path / "a" / "birds", entry).parent.parent
    table = load(defs).resolve_asset_graph().get(dg.AssetKey(["birds", "table"]))
    assert table.metadata["path"].value == str(tmp_path / "a" / "birds" / "seen.csv")
    entry["source"] = "{{ env.NOT_SET }}"
    write(tmp_path / "a" / "birds", entry)
    (problem,) = problems(load(defs)).values()
    assert "{{ env.NOT_SET }} is empty: is that environment variable set?" in problem


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (ENTRY | {"seperator": " "}, "[birds] has an unknown key 'seperator'; did you mean sep"),
        (ENTRY | {"one_label": True}, "[birds] separator or one_label, not both"),
        ({"source": "birds.csv"}, "[birds] rare_share: Field required"),
        (ENTRY | {"rare_share": "a lot"}, "[birds] rare_share: Input should be a valid number"),
        (ENTRY | {"name": "Big Birds"}, "its name must be a-z, 0-9 and _"),
        (ENTRY | {"name": ["birds"]}, "name: Input should be a valid string"),
        (ENTRY | {"name": "questions"}, "questions is a corpus of the package: set another `name`"),
        (ENTRY | {"source": "{{ nothing.here }}"}, "'nothing' not found in scope"),
        ("type: hf_assets.Corpus\n", "[birds] source: Field required; rare_share: Field required"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_a_broken_entry_fails_a_check_and_stops_no_other(
    entry: dict[str, Any] | str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "birds", entry)
    write(tmp_path / "songs", ENTRY)
    definitions = load(tmp_path)
    assert keys(definitions) >= {"songs/corpus", "songs/tagger_space"}
    (problem,) = problems(definitions).values()
    assert reason in problem
    assert str(tmp_path / "birds" / "defs.yaml") in problem
    assert not [key for key in keys(definitions) if key.startswith("birds")]


def test_the_second_of_a_name_is_the_broken_one(
    tmp_path: Path, switch: Callable[[str, Path], None]
) -> None:
    write(tmp_path / "a", ENTRY | {"name": "birds"})
    write(tmp_path / "birds", ENTRY, ENTRY | {"name": "songs"}, ENTRY | {"name": "songs"})
    definitions = load(tmp_path)
    said = problems(definitions)
    assert len(said) == 2
    assert {"birds/corpus", "songs/corpus"} <= keys(definitions)
    first, second = (said[key] for key in sorted(said))
    assert f"birds is the corpus of {tmp_path / 'a' / 'defs.yaml'}, too" in first
    assert f"songs is the corpus of {tmp_path / 'birds' / 'defs.yaml'}, too" in second
    (tmp_path / "corpora.toml").write_text(TOML)
    switch("CORPORA", tmp_path / "corpora.toml")
    assert "birds is a corpus of " in problems(load(tmp_path))["component_a"]


def test_its_schema_is_the_registrys() -> None:
    model = Corpus.get_model_cls()
    schema = model.model_json_schema()
    assert list(schema["properties"]) == list(CorpusSpec.model_fields)
    assert [key for key, of in schema["properties"].items() if not of.get("description")] == []
    assert schema["required"] == ["source", "rare_share"]
    valid = Draft202012Validator(schema).is_valid
    assert valid(ENTRY)
    assert valid({"source": ["question_dump"], "rare_share": 0.1, "text": "body"})
    assert not valid(ENTRY | {"seperator": " "})
    assert not valid(ENTRY | {"rare_share": "a lot"})
    assert not valid({"source": "birds.csv"})


def test_a_scaffolded_corpus_can_be_built(
    tmp_path: Path, switch: Callable[[str, Path], None], unsynced: None
) -> None:
    switch("DATA", tmp_path / "lake")
    scaffold_object(tmp_path / "defs" / "biology", "hf_assets.Corpus", None, "yaml", None)
    text = (tmp_path / "defs" / "biology" / "defs.yaml").read_text()
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert len(comments) > 10
    job = load(tmp_path / "defs").resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=dg.DagsterInstance.ephemeral(),
        asset_selection=[dg.AssetKey(["biology", "corpus"])],
    )
    assert {one.check_name for one in result.get_asset_check_evaluations() if one.passed} == {
        *("no_group_in_two_splits", "every_label_in_train_and_test", "no_empty_text"),
        *("text_format_fits", "label_order_unchanged", "texts_read_whole"),
        *("published_rows_kept", "not_old"),
    }
    assert Lake(tmp_path / "lake").artefact("corpora", "biology").is_dir()


@pytest.mark.parametrize(
    ("folder", "parameters", "entry"),
    [
        ("biology", '{"source": "/data/a b.csv"}', {"source": "/data/a b.csv", "labels": "tags"}),
        (
            "tables/Marine Life",
            '{"source": "/x.parquet", "labels": "topic", "separator": ";", "text": ["body"]}',
            {"name": "marine_life", "separator": ";", "labels": "topic", "text": ["body"]},
        ),
        ("trends", '{"source": "/x.csv", "rare_share": 0.5}',
         {"name": "trends_corpus", "rare_share": 0.5}),
        ("2024", '{"source": "/x.csv"}', {"name": "corpus_2024"}),
        ("asked", '{"source": "new_questions, question_dump"}',
         {"source": ["new_questions", "question_dump"], "rare_share": 0.001}),
    ],
)  # fmt: skip
def test_options_of_the_scaffold(
    folder: str, parameters: str, entry: dict[str, Any], tmp_path: Path
) -> None:
    scaffold_object(tmp_path / folder, "hf_assets.Corpus", parameters, "yaml", None)
    attributes = yaml.safe_load((tmp_path / folder / "defs.yaml").read_text())["attributes"]
    assert entry.items() <= attributes.items()
    definitions = load(tmp_path)
    assert problems(definitions) == {}
    name = entry.get("name", folder)
    assert f"{name}/tagger_space" in keys(definitions)
    assert (tmp_path / folder / f"{name}.csv").exists() is False


def test_a_relative_path_on_the_command_line_is_one_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scaffold_object(tmp_path / "a" / "b", "hf_assets.Corpus", '{"source": "x.csv"}', "yaml", None)
    table = load(tmp_path).resolve_asset_graph().get(dg.AssetKey(["b", "table"]))
    assert Path(table.metadata["path"].value).resolve() == tmp_path / "x.csv"


def test_the_package_does_without_dagster() -> None:
    code = "import sys, hf_assets, hf_assets.runner.process; print('dagster' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert "Corpus" in dir(hf_assets)
    with pytest.raises(AttributeError, match="has no attribute 'Corpora'"):
        _ = hf_assets.Corpora
    # As where the base alone is installed.
    code = (
        "import sys, importlib.util as util; find = util.find_spec\n"
        "util.find_spec = lambda name: None if name == 'dagster' else find(name)\n"
        "import hf_assets; print('Corpus' in dir(hf_assets)); hf_assets.Corpus"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n"
    assert "hf_assets.Corpus needs Dagster: pip install 'hf_assets[labels]'" in done.stderr
