"""`dg scaffold defs hf_assets.Corpus`, in a clone and in a project of a user's own."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hf_assets_tests.support.installed import Installed, beside_this

pytestmark = [pytest.mark.heavy, pytest.mark.release]

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "hf_assets")
CHAIN = {
    *("table", "corpus", "baseline", "classifier", "onnx_classifier", "quantized_classifier"),
    *("leaderboard", "tagger_space"),
}
PYPROJECT = """\
[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "own"
registry_modules = ["own.components.*"]
"""
DEFINITIONS = """\
from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
"""


@dataclass(frozen=True)
class Dagster:
    """Dagster's command line in a folder; what it stores is beside it."""

    installed: Installed
    folder: Path

    def dg(self, *words: str, status: int = 0) -> str:
        """The output of a `dg` command."""
        home = self.installed.root / "home"
        home.mkdir(exist_ok=True)
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        environment = self.installed.environment | {
            "DAGSTER_HOME": str(home),
            "HF_ASSETS_DATA": str(self.installed.root / "lake"),
            "PYTHONPATH": str(self.folder),
            "COLUMNS": "200",
        }
        command = [self.installed.python, "-m", "dagster_dg_cli.cli", *words]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def definitions(self) -> dict[str, Any]:
        return json.loads(self.dg("list", "defs", "--json"))

    def assets(self) -> set[str]:
        return {one["asset_key"] for one in self.definitions()["assets"]}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A clone, installed as `make` does it."""
    one = beside_this(tmp_path_factory.mktemp("cloned"))
    for name in SOURCES:
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, one.root / "clone" / name, ignore=ignored)
        else:
            (one.root / "clone").mkdir(exist_ok=True)
            shutil.copyfile(PROJECT / name, one.root / "clone" / name)
    offline = ("--no-deps", "--no-index", "--no-build-isolation")
    one.install(*offline, "-e", str(one.root / "clone"))
    return one


def test_in_a_clone(installed: Installed) -> None:
    clone = Dagster(installed, installed.root / "clone")
    packaged = clone.assets()
    clone.dg("scaffold", "defs", "hf_assets.Corpus", "biology")
    assert "hf_assets.Corpus" in clone.dg("list", "components")
    shown = clone.dg("utils", "inspect-component", "hf_assets.Corpus")
    assert "A corpus of texts with labels, and all assets from it to a tagger." in shown
    assert '"rare_share"' in shown
    assert "All definitions loaded successfully." in clone.dg("check", "defs")
    assert clone.assets() - packaged == {f"biology/{step}" for step in CHAIN}

    file = clone.folder / "hf_assets" / "defs" / "biology" / "defs.yaml"
    entry = file.read_text()
    file.write_text(entry.replace("separator:", "seperator:"))
    assert "'seperator' was unexpected" in clone.dg("check", "yaml", status=1)
    # The Hub has to be captured all the same.
    assert clone.assets() - packaged == {"component_biology"}
    file.write_text(entry.replace("[title", "[[title"))
    loaded = clone.definitions()
    assert {one["asset_key"] for one in loaded["assets"]} - packaged == {"component_biology"}
    assert "daily_capture" in {one["name"] for one in loaded["schedules"]}


def test_in_a_project_of_ones_own(installed: Installed, tmp_path: Path) -> None:
    """It brings nothing: no resource, and no settings but those of the package."""
    (tmp_path / "own" / "defs").mkdir(parents=True)
    (tmp_path / "own" / "components").mkdir()
    for folder in ("own", "own/defs", "own/components"):
        (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "own" / "definitions.py").write_text(DEFINITIONS)
    own = Dagster(installed, tmp_path)
    own.dg("scaffold", "defs", "hf_assets.Corpus", "songs")
    own.dg("scaffold", "defs", "hf_assets.Corpus", "asked", "--source", "question_dump")
    assert "All definitions loaded successfully." in own.dg("check", "defs")
    steps = {f"songs/{step}" for step in CHAIN} | {f"asked/{step}" for step in CHAIN - {"table"}}
    assert own.assets() >= steps
    own.dg("launch", "--assets", "songs/corpus")
    assert (installed.root / "lake" / "corpora" / "songs" / "corpus.parquet").is_file()
