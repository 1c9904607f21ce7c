"""What `make` says before it installs, how pip shows it, and that it is silent afterwards."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hf_assets_tests.support.terminal import on_terminal

PROJECT = Path(__file__).resolve().parents[1]
# In place of Python: notes its arguments, and whether its output goes to a terminal.
STUB = """#!/bin/sh
if test -t 1; then where=terminal; else where=pipe; fi
echo "$where $*" >> "{calls}"
"""


class Checkout:
    """A Makefile with what it needs, and an environment whose programs only note their calls."""

    def __init__(self, root: Path) -> None:
        self.root, self._calls = root, root / "calls"
        self.bin = root / ".venv" / "bin"
        self.bin.mkdir(parents=True)
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(PROJECT / name, root)
        self.stub("python")

    def stub(self, name: str) -> None:
        path = self.bin / name
        path.write_text(STUB.format(calls=self._calls))
        path.chmod(0o755)

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = self.command(*arguments)
        return subprocess.run(command, capture_output=True, text=True, check=True)

    def command(self, *arguments: str) -> list[str]:
        # Without a search for the newest Python.
        options = ("-C", str(self.root), "--no-print-directory", f"PYTHON={sys.executable}")
        return ["make", *options, *arguments]

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines() if self._calls.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    if not shutil.which("make"):
        pytest.skip("there is no make")
    return Checkout(tmp_path)


@pytest.mark.parametrize("options", [(), ("-s",), ("-j2",)], ids=["plain", "-s", "-j2"])
def test_an_installation_is_announced_once_and_then_silent(
    checkout: Checkout, options: tuple[str, ...]
) -> None:
    # hf-assets is there once pip has installed it: here, after the first call.
    first = checkout.make(*options, ".venv/.installed")
    assert "Installing into .venv, once" in first.stderr
    assert "PyTorch" in first.stderr
    assert first.stdout == ""  # a script reads what the target itself says
    pip, compiled = checkout.calls
    assert pip.startswith("pipe -m pip install --quiet ")
    assert pip.endswith("--no-compile -c constraints.txt -e .[all]")
    assert compiled == "pipe -m compileall -qq -j 0 .venv/lib"

    checkout.stub("hf-assets")
    again = checkout.make(*options, "status", "insights")
    assert (again.stdout, again.stderr) == ("", "")
    assert sorted(checkout.calls[2:]) == ["pipe insights", "pipe status"]


def test_two_targets_at_a_time_install_once(checkout: Checkout) -> None:
    checkout.stub("hf-assets")
    made = checkout.make("-j2", "status", "insights")
    assert made.stderr.count("\n") == 1
    assert [call for call in checkout.calls if "pip install" in call] == checkout.calls[:1]
    assert len(checkout.calls) == 4


def test_what_changed_is_installed_with_a_line(checkout: Checkout) -> None:
    checkout.stub("hf-assets")
    said = checkout.make("status").stderr
    assert "older than pyproject.toml or constraints.txt" in said
    assert "PyTorch" not in said


@pytest.mark.parametrize(
    ("target", "module"),
    [("bench-classifiers", "classifiers"), ("bench-few-rows", "few_rows"),
     ("bench-serving", "serving")],
)  # fmt: skip
def test_a_benchmark_takes_arguments(checkout: Checkout, target: str, module: str) -> None:
    checkout.make(target, "ARGS=--device cuda --out x.json")
    expected = f"pipe -m hf_assets_tests.benchmarks.{module} --device cuda --out x.json"
    assert checkout.calls[-1] == expected


def test_pip_shows_its_own_bar_on_a_terminal(checkout: Checkout) -> None:
    shown = on_terminal(checkout.command(".venv/.installed"))
    assert shown.status == 0
    assert "Installing into .venv, once" in shown.text
    pip, _ = checkout.calls
    assert pip.startswith("terminal -m pip install --disable-pip-version-check ")
    assert "pip install" not in shown.text  # the command itself is no news
