"""The files of deploy/cluster/ fit one another, systemd, and the launcher's configuration."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hf_assets.settings import Settings
from hf_assets_tests.support.deploy.read import DEPLOY, unit
from hf_assets_tests.support.deploy.running import skip_without

FILES = DEPLOY / "cluster"
UNITS = sorted(FILES.glob("*.service"))
VALUES = dict(
    line.partition("=")[::2]
    for line in (FILES / "environment.example").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
)
SECRETS = ("PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "RAY_AUTH_TOKEN", "HF_TOKEN")


def test_the_environment_has_what_the_configuration_names() -> None:
    named = re.findall(r"\{env: (\w+)\}", (DEPLOY / "dagster-cluster.yaml").read_text("utf-8"))
    assert named
    assert {*named} <= VALUES.keys()


def test_every_setting_in_it_is_one() -> None:
    settings = {name for name in VALUES if name.startswith("HF_ASSETS_")}
    assert settings
    assert settings <= {f"HF_ASSETS_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_left_to_a_person(name: str) -> None:
    assert VALUES[name] == ""


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_systemd_takes_the_units(path: Path, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    skip_without(program, "systemd")
    assert program
    (start,) = unit(path)["Service"]["ExecStart"]
    assert start.startswith("/opt/hf_assets/bin/ray start ")
    copy = tmp_path / path.name
    # systemd looks for the program, which is not installed here.
    copy.write_text(path.read_text("utf-8").replace("/opt/hf_assets/bin/ray", "/bin/true"))
    command = [program, "--system", "verify", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    warned = [line for line in (done.stdout + done.stderr).splitlines() if "hf-assets" in line]
    assert (done.returncode, warned) == (0, [])


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_reads_the_environment_and_starts_again(path: Path) -> None:
    service = unit(path)["Service"]
    assert service["EnvironmentFile"] == ["/etc/hf_assets/environment"]
    assert service["Restart"] == ["always"]
    assert {*re.findall(r"\$\{(\w+)\}", service["ExecStart"][0])} <= VALUES.keys()
