"""The package as a user installs it: built into a wheel, away from the clone."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import urllib.request
import venv
import zipfile
from pathlib import Path
from urllib.parse import quote

import pytest

from hf_assets_tests.support.apps.hub_lake import write_hub_lake
from hf_assets_tests.support.apps.models import write_model
from hf_assets_tests.support.deploy.read import Process
from hf_assets_tests.support.deploy.running import up
from hf_assets_tests.support.installed import Installed, beside_this
from hf_assets_tests.support.servers import free_port

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "hf_assets")
# As Dagster loads it, where the extra `dagster` alone is installed. What resolving the graph warns
# of is not the package's.
COUNT = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = classmethod(
    lambda cls, name, *given: None if name.split(".")[0] in ABSENT else find(name, *given)
)
import hf_assets.definitions
defs = hf_assets.definitions.defs()
print(hf_assets.__file__)
import warnings
warnings.simplefilter("ignore")
print(len(defs.resolve_asset_graph().get_all_asset_keys()))
"""
ABSENT = ("torch", "transformers", "sklearn", "onnx", "kaggle", "gradio", "streamlit", "pandas")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    for name in SOURCES:
        # As a clean clone has them.
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / "source" / name, ignore=ignored)
        else:
            (folder / "source").mkdir(exist_ok=True)
            shutil.copyfile(PROJECT / name, folder / "source" / name)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*build, "-w", str(folder), str(folder / "source")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel beside the packages of the running environment, and away from its clone."""
    one = beside_this(tmp_path_factory.mktemp("installed"))
    one.install("--no-deps", "--no-index", str(wheel))
    return one


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "tagger"
    write_model(folder)
    return folder


def version() -> str:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]


def tags(one: Installed, model: Path) -> list[str]:
    done = one.run("hf-assets", "tag", str(model), given="A deep forest\n")
    assert done.returncode == 0, done.stderr
    (answer,) = map(json.loads, done.stdout.splitlines())
    return [tag["label"] for tag in answer["labels"]]


@pytest.mark.heavy
def test_every_file_of_the_package_is_in_it(wheel: Path) -> None:
    ours = {
        path.relative_to(PROJECT).as_posix()
        for path in (PROJECT / "hf_assets").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = zipfile.ZipFile(wheel).namelist()
    assert {name for name in packed if ".dist-info/" not in name} == ours


@pytest.mark.heavy
def test_help_and_version(installed: Installed) -> None:
    assert installed.run("hf-assets", "--version").stdout == f"hf-assets, version {version()}\n"
    helped = installed.run("hf-assets", "--help")
    assert helped.returncode == 0
    assert "backfill" in helped.stdout


@pytest.mark.heavy
def test_the_definitions_load(installed: Installed) -> None:
    done = installed.run("python", "-c", f"ABSENT = {ABSENT}{COUNT}")
    assert (done.returncode, done.stderr) == (0, "")
    path, assets = done.stdout.split()
    assert Path(path).is_relative_to(installed.root)
    assert assets == "76"


@pytest.mark.heavy
def test_status(installed: Installed, tmp_path: Path) -> None:
    write_hub_lake(tmp_path)
    done = installed.run("hf-assets", "status", "--data", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "day_quality" in done.stdout
    # No folder of another package, nor of the clone, is taken for the lake.
    nothing = installed.run("hf-assets", "status")
    assert nothing.returncode == 1
    assert f"nothing is stored in {installed.root / 'elsewhere' / 'data'}" in nothing.stderr


@pytest.mark.heavy
def test_a_tagger_answers(installed: Installed, model: Path) -> None:
    assert tags(installed, model) == ["random-forest"]


@pytest.mark.release
@pytest.mark.heavy
def test_the_demo_runs_in_any_folder(installed: Installed) -> None:
    sizes = ("--models", "300", "--spaces", "100", "--days", "0")
    done = installed.run("hf-assets", "demo", "--only", "hub", *sizes)
    assert done.returncode == 0, done.stderr
    assert "hf-assets insights" in done.stdout
    data = installed.root / "elsewhere" / "data" / "demo"
    assert [*data.glob("models/day=*/data.parquet")]
    told = installed.run("hf-assets", "status").stdout
    assert f"Lake: {data}" in told


@pytest.mark.release
@pytest.mark.heavy
def test_the_ui_opens_in_any_folder_without_a_warning(installed: Installed) -> None:
    port, log = free_port(), installed.root / "dev.log"
    command = [str(installed.root / "venv" / "bin" / "hf-assets"), "dev", "--port", str(port)]
    with log.open("w") as out:
        served = subprocess.Popen(
            command,
            cwd=installed.root,
            env=installed.environment,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    query = "{workspaceOrError{... on Workspace{locationEntries{name loadStatus}}}}"
    url = f"http://127.0.0.1:{port}/graphql?query={quote(query)}"
    try:
        for _ in range(900):
            assert served.poll() is None, log.read_text()
            try:
                answer = json.loads(urllib.request.urlopen(url, timeout=60).read())
                break
            except OSError:
                time.sleep(0.1)
        (entry,) = answer["data"]["workspaceOrError"]["locationEntries"]
        assert entry == {"name": "hf_assets", "loadStatus": "LOADED"}
    finally:
        os.killpg(served.pid, signal.SIGINT)
        served.wait(60)
    assert served.returncode == 0
    said = log.read_text()
    assert "Warning" not in said
    assert "WARNING" not in said
    assert (installed.root / "data" / "dagster_home" / "dagster.yaml").is_file()


@pytest.mark.release
@pytest.mark.heavy
def test_the_processes_of_a_service_start_in_any_folder(
    installed: Installed, tmp_path: Path
) -> None:
    names = ("webserver", "daemon", "code")  # in whichever order
    ports = {"HF_ASSETS_CODE_PORT": free_port(), "HF_ASSETS_UI_PORT": free_port()}
    environment = installed.environment | {name: str(port) for name, port in ports.items()}
    environment["HF_ASSETS_DATA"] = str(tmp_path / "lake")
    command = str(installed.root / "venv" / "bin" / "hf-assets")
    processes = [
        Process(name, [command, "service", name], environment, pause=1.0, grace=10.0)
        for name in names
    ]
    with up(processes, tmp_path, f"http://127.0.0.1:{ports['HF_ASSETS_UI_PORT']}") as service:
        assert service.runs() == {}
        assert {kept.starts for kept in service.kept.values()} == {1}, service.said()
    assert (tmp_path / "lake" / "dagster_home" / "dagster.yaml").is_file()


@pytest.mark.heavy
def test_the_base_alone_serves_a_tagger(wheel: Path, model: Path, tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(tmp_path)]
    if subprocess.run([*asked, "click"], capture_output=True).returncode:
        pytest.skip("pip reaches no package index")
    small = Installed(tmp_path)
    venv.create(tmp_path / "venv", symlinks=True)
    small.install("-c", str(PROJECT / "constraints.txt"), str(wheel))
    absent = ("dagster", "transformers", "polars", "pyarrow", "torch", "starlette")
    code = f"from importlib.util import find_spec; print([*filter(find_spec, {absent})])"
    assert small.run("python", "-c", code).stdout == "[]\n"
    assert tags(small, model) == ["random-forest"]
    assert small.run("hf-assets", "--help").returncode == 0
    told = small.run("hf-assets", "status")
    assert told.returncode == 1
    assert "pip install 'hf_assets[lake]'" in told.stderr
