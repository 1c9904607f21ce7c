"""Snippets of README and docs are run: queries on a small lake, commands against what is there."""

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pandas
import polars as pl
import pytest
import yaml
from dagster.components.scaffold.scaffold import has_scaffolder
from matplotlib.figure import Figure

from hf_assets.classifiers.own_base_models import known_base_models
from hf_assets.copying.copy import Copy
from hf_assets.corpora.registry import corpora, read_entry
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import KINDS
from hf_assets.object_store.path import StorePath
from hf_assets.settings import Settings
from hf_assets.storage.lake import Lake
from hf_assets.trends.figures.day.snapshot import Snapshot
from hf_assets_tests.docs.documents import PROJECT, Page, page, pages
from hf_assets_tests.support.apps.hub_lake import DAYS, write_hub_lake
from hf_assets_tests.support.apps.models import write_model
from hf_assets_tests.support.object_store.counting import CountingProxy

QUERY_PAGE = page("docs/queries.md")
PROJECT_FILE = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
SCRIPTS = PROJECT_FILE["project"].get("scripts", {})
TARGETS = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE)
# What is done with each language; the empty one draws folders.
LANGUAGES = {"sql", "python", "sh", "toml", "yaml", ""}
VARIABLES = {f"HF_ASSETS_{name.upper()}" for name in Settings.model_fields}
# What docs/service.md and docs/cluster.md install with, and the copy that a page makes of a file.
ADMINISTRATION = {
    *("apt-get", "sudo"),
    *("cp", "docker", "install", "loginctl", "mkdir", "pipx", "python3", "systemctl", "useradd"),
    "/opt/hf_assets/bin/pip",
}
SECRETS = {"deploy/.env": "deploy/env.example"}
OTHER_VARIABLES = {"DAGSTER_HOME", "HF_TOKEN"}


def blocks(language: str) -> list[str]:
    """The code of that language on the page of queries, reading the demo's lake."""
    return QUERY_PAGE.blocks(language)


QUERIES = [query.strip() for block in blocks("sql") for query in block.split(";") if query.strip()]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("docs")
    there = write_hub_lake(root)
    for kind in KINDS.values():
        refresh(there, kind)
    return root


def test_there_is_something_to_run() -> None:
    assert len(QUERIES) >= 4
    assert blocks("python")
    assert all("data/demo" in code for code in (*QUERIES, *blocks("python")))


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_language_has_a_test(page: Page) -> None:
    assert page.languages <= LANGUAGES
    for language in ("sql", "python"):
        assert page == QUERY_PAGE or not page.blocks(language) or page.name in PYTHON_ELSEWHERE


# The service's is of locks: storage/test_postgres_locks.py runs it.
PYTHON_ELSEWHERE = ("docs/taggers.md", "docs/figures.md", "docs/service.md")


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.splitlines()[0][3:40])
def test_sql(query: str, lake: Path) -> None:
    found = duckdb.sql(query.replace("data/demo", str(lake)))
    assert found is not None
    rows = found.fetchall()
    assert rows
    if "day" in found.columns:
        days = {str(row[found.columns.index("day")]) for row in rows}
        assert days >= set(DAYS)


@pytest.mark.parametrize("code", blocks("python"))
def test_polars(code: str, lake: Path) -> None:
    """Each expression by itself gives rows."""
    _run(code, str(lake))


def _run(code: str, root: str) -> dict[str, Any]:
    """Run each line over that lake; what it defines."""
    known: dict[str, Any] = {}
    for statement in code.replace("data/demo", root).split("\n"):
        line = statement.strip()
        if line.endswith(".collect()"):
            assert eval(line, known).height, line
        elif line:
            exec(line, known)
    return known


def test_on_a_store(lake: Path, bucket: StorePath, store_proxy: CountingProxy) -> None:
    """The snippets of polars and pyarrow read the same there, with the address for the folder."""
    Copy(lake, bucket, check=False, log=lambda _: None).run()
    snippets = [code for code in blocks("python") if "pandas" not in code]
    assert len(snippets) == 5
    for code in snippets:
        in_folder, on_store = _run(code, str(lake)), _run(code, str(bucket))
        frames = {name for name, value in in_folder.items() if isinstance(value, pl.LazyFrame)}
        for name in frames:
            assert in_folder[name].collect().equals(on_store[name].collect()), name
        assert in_folder.get("provenance") == on_store.get("provenance")
    (of_a_day,) = (code for code in snippets if "day=" in code)
    store_proxy.clear()
    _run(of_a_day, str(bucket))
    # What the page says of a day whose name is in the path.
    assert store_proxy.counts().total() == 2


def test_no_page_reads_a_store_through_a_file_system_of_python() -> None:
    for one in pages():
        for code in (*one.blocks("python"), *one.blocks("sql"), *one.blocks("")):
            assert "fsspec" not in code
            assert "register_filesystem" not in code


def test_pandas(lake: Path) -> None:
    (code,) = (block for block in blocks("python") if "pandas" in block)
    known: dict[str, Any] = {}
    exec(code.replace("data/demo", str(lake)), known)
    models = known["models"]
    assert sorted({str(day) for day in models["day"]}) == sorted(DAYS)
    assert len(models) == sum(Lake(lake).read("models", day).rows for day in DAYS)
    # The page warns of it; where pandas has learnt it, the sentence may go.
    with pytest.raises(Exception, match="Field day has incompatible types"):
        pandas.read_parquet(lake / "models")


def test_pyarrow(lake: Path) -> None:
    (code,) = (block for block in blocks("python") if "pyarrow" in block)
    known: dict[str, Any] = {}
    exec(code.replace("data/demo", str(lake)), known)
    stored = Lake(lake).read("models", DAYS[-1])
    assert known["newest"] == str(stored.path)
    assert "raw_models" in known["provenance"]["provenance"]


def test_the_tagger_answers(tmp_path: Path) -> None:
    (code,) = page("docs/taggers.md").blocks("python")
    write_model(tmp_path / "classifiers" / "questions" / "tagger_space" / "model")
    *statements, question = ast.parse(code.replace("data/demo", str(tmp_path))).body
    known: dict[str, Any] = {}
    exec(compile(ast.Module(statements, []), "taggers.md", "exec"), known)
    assert isinstance(question, ast.Expr)
    (tags,) = eval(compile(ast.Expression(question.value), "taggers.md", "eval"), known)
    assert all(0 <= tag.score <= 1 and tag.label for tag in tags)


def test_a_figure_is_added_as_the_page_says() -> None:
    (code,) = page("docs/figures.md").blocks("python")
    known: dict[str, Any] = {"figure": lambda made: made, "Snapshot": Snapshot, "Figure": Figure}
    exec(code, known)
    assert known["downloads_by_library"].__annotations__ == {
        "s": Snapshot,
        "return": Figure,
    }


def test_the_entry_of_a_corpus_can_be_used(tmp_path: Path) -> None:
    entry, base_models = page("docs/labels.md").blocks("toml")
    (tmp_path / "biology.csv").write_text("id,title,content,tags\n")
    (tmp_path / "corpora.toml").write_text(entry)
    spec = corpora(tmp_path / "corpora.toml").specs["biology"]
    assert (spec.format, spec.labels, spec.separator) == ("html", "tags", " ")
    (tmp_path / "base_models.toml").write_text(base_models)
    known = known_base_models(tmp_path / "base_models.toml")
    assert known.problems == ()
    assert [base.pooling for base in known.own] == ["mean", "cls"]


YAML = [(one.name, code) for one in pages() for code in one.blocks("yaml")]
COMPONENTS = [(name, code) for name, code in YAML if code.startswith("type:")]
CONFIGS = [one for one in YAML if one not in COMPONENTS]


@pytest.mark.parametrize(("name", "code"), COMPONENTS)
def test_a_component_can_be_used(name: str, code: str, tmp_path: Path) -> None:
    entry = yaml.safe_load(code)
    assert entry["type"] == "hf_assets.Corpus"
    spec = read_entry("biology", entry["attributes"], tmp_path / "defs.yaml")
    assert spec.file == tmp_path / "biology.csv"


@pytest.mark.parametrize(("name", "code"), CONFIGS)
def test_run_config_fits_the_graph(name: str, code: str, definitions: dg.Definitions) -> None:
    config = yaml.safe_load(code)
    assert config["ops"]
    job = definitions.resolve_implicit_global_asset_job_def()
    dg.validate_run_config(job.get_subset(op_selection=list(config["ops"])), config)


# --- commands ------------------------------------------------------------------------------------

SHELL = [
    (f"{one.name}: {' '.join(words)[:60]}", words)
    for one in pages()
    for code in one.blocks("sh")
    for line in code.splitlines()
    if (words := shlex.split(line, comments=True))
]


@pytest.mark.parametrize("words", [words for _, words in SHELL], ids=[line for line, _ in SHELL])
def test_a_command_names_what_is_there(words: list[str], definitions: dg.Definitions) -> None:
    words = list(words)
    while words and re.match(r"[A-Z_]+=", words[0]):
        assert words.pop(0).partition("=")[0] in VARIABLES | OTHER_VARIABLES
    if words[:1] == ["export"]:
        names = {word.partition("=")[0] for word in words[1:]}
        assert names <= VARIABLES | OTHER_VARIABLES
    elif words[0] == "make":
        assert set(words[1:]) <= set(TARGETS)
    elif words[:2] == ["hf-assets", "launch"]:
        _launches(dict(_pairs(words[2:])), definitions)
    elif words[:3] == [".venv/bin/dg", "scaffold", "defs"]:
        module, _, name = words[3].rpartition(".")
        assert has_scaffolder(getattr(import_module(module), name))
    elif words[:2] == [".venv/bin/dg", "check"]:
        assert words[2:] in (["defs"], ["yaml"])
    elif words[:2] == [".venv/bin/python", "-m"]:
        with pytest.raises(SystemExit, match="0"):
            import_module(f"{words[2]}.__main__").main([*words[3:], "--help"])
    elif words[0] in ADMINISTRATION:
        for word in words[1:]:
            assert not word.startswith("deploy/") or list(PROJECT.glob(SECRETS.get(word, word)))
    else:  # `hf-assets` has a test of its own; `hf` is huggingface_hub's
        assert words[0] in ("hf-assets", "hf")


def test_runs_are_launched_through_the_door_that_writes_their_configuration() -> None:
    """`dg launch` itself finds no DAGSTER_HOME, or a home with telemetry on."""
    assert not [
        one.name for one in pages() if re.search(r"\bdg launch\b", "".join(one.blocks("sh")))
    ]


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    assert len(words) % 2 == 0
    return zip(words[::2], words[1::2], strict=True)


def _launches(options: dict[str, str], definitions: dg.Definitions) -> None:
    """The job, the assets and the partitions of a launch are there."""
    graph = definitions.resolve_asset_graph()
    if job := options.pop("--job", None):
        definitions.resolve_job_def(job)
    if chosen := options.pop("--assets", None):
        # The chain of a corpus of one's own is that of the package's.
        chosen = chosen.replace("biology/", "questions/")
        parts = [dg.AssetSelection.from_string(part) for part in chosen.split(" or ")]
        found = [part.resolve(graph) for part in parts]
        assert all(found)
        if partition := options.pop("--partition", None):
            kinds = {graph.get(key).partitions_def for keys in found for key in keys}
            assert all(kind and partition in kind.get_partition_keys() for kind in kinds)
    if days := options.pop("--partition-range", None):
        first, last = (date.fromisoformat(day) for day in days.split("..."))
        assert Settings.model_fields["first_day"].default <= first <= last
    assert not options


COMMANDS = {words[1] for _, words in SHELL if words[0] == "hf-assets"} | set(
    re.findall(r"`hf-assets ([a-z]+)", "".join(one.text for one in pages()))
)


def test_every_documented_target_is_there() -> None:
    named = set(re.findall(r"`make ([a-z-]+)", "".join(one.text for one in pages())))
    assert {"demo", "test", "docs"} <= named <= set(TARGETS)


def test_every_documented_command_is_there() -> None:
    module, _, name = SCRIPTS["hf-assets"].partition(":")
    start = (
        f"import sys; from {module} import {name}; sys.argv[0] = 'hf-assets'; sys.exit({name}())"
    )
    command = [sys.executable, "-c", start, "--help"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert len(COMMANDS) >= 8
    assert {name for name in COMMANDS if not re.search(rf"\b{name}\b", shown)} == set()


def test_every_documented_extra_is_there() -> None:
    extras = set(re.findall(r"hf_assets\[([a-z,]+)\]", "".join(one.text for one in pages())))
    known = PROJECT_FILE["project"]["optional-dependencies"]
    assert {name for extra in extras for name in extra.split(",")} <= set(known)
