"""What deploy/ says, as far as it can be checked without systemd and without containers."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from hf_assets.runner.home import CONFIGURATION
from hf_assets_tests.support.deploy.read import DEPLOY, PROJECT, UNITS, compose, of_units, unit
from hf_assets_tests.support.deploy.running import skip_without

EXTRAS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
PROCESSES = {"code", "daemon", "webserver"}
SERVICES = sorted(UNITS.glob("*.service"))
SECRET = {"POSTGRES_PASSWORD": "of a test"}
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")


# --- systemd -------------------------------------------------------------------------------------


@pytest.mark.parametrize("manager", ["system", "user"])
def test_systemd_finds_no_fault_with_the_units(manager: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    skip_without(program, "systemd")
    assert program
    units = shutil.copytree(UNITS, tmp_path / "units")
    if manager == "user":
        shutil.rmtree(units / "hf-assets-.service.d")
    command = [program, f"--{manager}", "verify", str(units / "hf-assets.target")]
    done = subprocess.run(
        [*command, *sorted(map(str, units.glob("*.service")))],
        env={"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    # A key that systemd does not know is a warning, and the status 0.
    said = done.stdout + done.stderr
    assert (done.returncode, [line for line in said.splitlines() if "hf-assets" in line]) == (0, [])


def test_the_systems_units_are_hardened(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    skip_without(program, "systemd")
    assert program
    shutil.copytree(UNITS, tmp_path, dirs_exist_ok=True)
    # 10 is no protection; a file that systemd does not read would leave it above 8.
    command = [program, "security", "--offline=true", "--threshold=20"]
    for path in sorted(tmp_path.glob("*.service")):
        done = subprocess.run([*command, str(path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_a_unit_is_started_again_for_ever(path: Path) -> None:
    read = unit(path)
    assert read["Service"]["Restart"] == ["always"]
    assert read["Unit"]["StartLimitIntervalSec"] == ["0"]
    assert read["Unit"]["PartOf"] == ["hf-assets.target"]
    # Whoever may read the units may not read the token.
    assert "HF_TOKEN" not in path.read_text()
    assert read["Service"]["EnvironmentFile"] == ["-%E/hf_assets/environment"]


def test_the_target_wants_every_unit(tmp_path: Path) -> None:
    assert {one.name for one in of_units(tmp_path)} == PROCESSES
    assert {path.name for path in SERVICES} == {f"hf-assets-{name}.service" for name in PROCESSES}


# --- containers ----------------------------------------------------------------------------------


def test_docker_compose_takes_the_file(tmp_path: Path) -> None:
    program = shutil.which("docker-compose")
    skip_without(program, "docker-compose")
    assert program
    # It wants the file of secrets beside it.
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    (tmp_path / "deploy" / ".env").write_text("POSTGRES_PASSWORD=x\n")
    done = subprocess.run(
        [program, "-f", str(tmp_path / "deploy" / "compose.yaml"), "config"],
        cwd=tmp_path / "deploy",
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    resolved = yaml.safe_load(done.stdout)["services"]
    # Our own reader, which the test of the processes uses, reads it in the same way.
    ours = compose({"POSTGRES_PASSWORD": "x"})["services"]
    assert resolved.keys() == ours.keys() == PROCESSES | {"postgres"}
    for name, service in ours.items():
        assert resolved[name].get("command") == service.get("command")
        expected = service["environment"] | ({"POSTGRES_PASSWORD": "x"} if name == "code" else {})
        assert resolved[name]["environment"] == expected


def test_the_password_must_be_set() -> None:
    with pytest.raises(AssertionError, match=re.escape("set POSTGRES_PASSWORD in deploy/.env")):
        compose({})
    asked = re.findall(r"^([A-Z_]+)=(.*)$", (DEPLOY / "env.example").read_text(), re.MULTILINE)
    assert dict(asked) == {"COMPOSE_PROJECT_NAME": "hf_assets", "POSTGRES_PASSWORD": "",
                           "HF_TOKEN": ""}  # fmt: skip


@pytest.mark.parametrize("name", sorted(PROCESSES | {"postgres"}))
def test_a_container_is_pinned_watched_and_without_privileges(name: str) -> None:
    service = compose(SECRET)["services"][name]
    assert re.search(r":\d+\.\d+", service["image"])
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["user"] not in ("", "root", "0")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_only_this_machine_reaches_the_ui_and_nobody_else_anything() -> None:
    services = compose(SECRET)["services"]
    published = {name: one["ports"] for name, one in services.items() if "ports" in one}
    assert published == {"webserver": ["127.0.0.1:3000:3000"]}
    # The token and the lake are for runs, which are processes of the code server.
    assert [name for name, one in services.items() if "env_file" in one] == ["code"]
    lakes = [name for name, one in services.items() if "lake:/lake" in one["volumes"]]
    assert lakes == ["code"]


def test_the_image_is_pinned_and_not_roots() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len({*bases}) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", bases[0])
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["hf_assets"]
    (extras,) = re.findall(r"^ARG EXTRAS=(\S+)", DOCKERFILE, re.MULTILINE)
    assert {*extras.split(",")} <= EXTRAS.keys()
    assert compose(SECRET)["services"]["code"]["build"]["args"] == {"EXTRAS": extras}


def test_what_the_image_copies_is_in_the_clone_and_enters_the_build() -> None:
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for name in line.split()[:-1]
    ]
    assert copied
    assert [name for name in copied if not (PROJECT / name).exists()] == []
    entering = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in copied} == {line for line in entering if line.startswith("!")}


def test_the_version_of_the_image_is_that_of_the_package() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    services = compose(SECRET)["services"]
    assert {services[name]["image"] for name in PROCESSES} == {f"hf_assets:{version}"}


def test_the_configuration_differs_from_the_packages_in_its_storage_alone() -> None:
    ours, packaged = (
        yaml.safe_load(path.read_text()) for path in (DEPLOY / "dagster.yaml", CONFIGURATION)
    )
    storage = ours.pop("storage")["postgres"]["postgres_db"]
    for one in (ours, packaged):
        one["concurrency"]["runs"].pop("max_concurrent_runs")
    assert ours == packaged
    assert storage["scheme"] == "postgresql+psycopg2"
    variables = {one["env"] for one in storage.values() if isinstance(one, dict)}
    for name in PROCESSES:
        assert variables <= compose(SECRET)["services"][name]["environment"].keys()


def test_a_cluster_has_the_same_record_and_names_no_value_of_it() -> None:
    cluster = yaml.safe_load((DEPLOY / "dagster-cluster.yaml").read_text())
    assert cluster["storage"] == yaml.safe_load((DEPLOY / "dagster.yaml").read_text())["storage"]
    launcher = cluster["run_launcher"]
    assert (launcher["module"], launcher["class"]) == ("hf_assets.ray_launcher",
                                                       "ClusterRunLauncher")  # fmt: skip
    # Each node has its variables: what is named here, Ray shows.
    assert launcher["config"]["ray"].get("env_vars", []) == []


def test_the_variables_of_a_cluster_are_in_one_file() -> None:
    both = [{*re.findall(r"^[# ]*([A-Z_]+)=", (DEPLOY / name).read_text(), re.MULTILINE)}
            for name in ("env.example", "cluster/environment.example")]  # fmt: skip
    assert both[0] & both[1] == {"HF_TOKEN"}
