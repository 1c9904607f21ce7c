"""A virtual environment in which the package is installed, as a user has it."""

import os
import site
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel; its commands run in a folder of their own."""

    root: Path

    @property
    def python(self) -> str:
        return str(self.root / "venv" / "bin" / "python")

    @property
    def environment(self) -> dict[str, str]:
        ours = ("PYTHONPATH", "DAGSTER_HOME", "HF_ASSETS_DATA", "VIRTUAL_ENV")
        return {name: value for name, value in os.environ.items() if name not in ours}

    def run(self, *command: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """A command of the environment, by its name."""
        (self.root / "elsewhere").mkdir(exist_ok=True)
        return subprocess.run(
            [str(self.root / "venv" / "bin" / command[0]), *command[1:]],
            cwd=self.root / "elsewhere",
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def install(self, *what: str) -> None:
        pip = [sys.executable, "-m", "pip", "--python", self.python, "install", "-q", *what]
        done = subprocess.run(pip, capture_output=True, text=True, env=self.environment)
        assert done.returncode == 0, done.stderr


def beside_this(root: Path) -> Installed:
    """An environment that has the packages of the running one, and not its clone."""
    one = Installed(root)
    venv.create(root / "venv", symlinks=True)
    here = Path(sysconfig.get_path("purelib", vars={"base": str(root / "venv")}))
    # A .pth file found through another one is not read: the clone stays out of the path.
    others = {*site.getsitepackages(), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (here / "others.pth").write_text("\n".join(sorted(others)))
    return one
