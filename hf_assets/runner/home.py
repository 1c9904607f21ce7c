"""Dagster's home: the folder of its history, and the configuration that comes with the package."""

import os
import shutil
from pathlib import Path

CONFIGURATION = Path(__file__).with_name("dagster.yaml")
WORKSPACE = Path(__file__).with_name("workspace.yaml")


def write_home(home: Path, *, keep: bool = False) -> Path:
    """Create the folder where it is missing and copy the configuration there.

    Args:
        home: becomes DAGSTER_HOME.
        keep: leave a configuration that is there already.

    Returns:
        The same folder.
    """
    home.mkdir(parents=True, exist_ok=True)
    target = home / CONFIGURATION.name
    if not (keep and target.exists()):
        shutil.copyfile(CONFIGURATION, target)
    return home


def environment(data: Path) -> dict[str, str]:
    """The environment of a Dagster process over a lake.

    A DAGSTER_HOME that somebody has set is theirs, and so is its configuration; by default it is
    `dagster_home` in the lake, and follows the package.

    Args:
        data: root of the lake.
    """
    data = data.resolve()
    own = os.environ.get("DAGSTER_HOME")
    home = Path(own).expanduser().resolve() if own else data / "dagster_home"
    write_home(home, keep=bool(own))
    return os.environ | {"DAGSTER_HOME": str(home), "HF_ASSETS_DATA": str(data)}
