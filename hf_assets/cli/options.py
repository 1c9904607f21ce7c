"""What the commands share: the lake's option, and words for packages that are missing."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from hf_assets.object_store.address import is_address
from hf_assets.object_store.path import LakePath, location

# Seconds that a process waits for another one that creates the history.
CREATION = 120.0


def require(extra: str, *modules: str, otherwise: str = "") -> None:
    """Stop in words where packages of an extra are not installed."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        names = ", ".join(missing)
        raise click.ClickException(
            f"packages are missing ({names}): pip install 'hf_assets[{extra}]'"
            f"{otherwise and f'; {otherwise}'}"
        )


def data_of(given: LakePath | None) -> LakePath:
    """The lake that a command was given, or the one that the settings name."""
    if given is not None:
        return given
    require("lake", "pydantic_settings")
    from hf_assets.settings import settings

    return settings().data


def environ_of(data: LakePath) -> dict[str, str]:
    """The environment of Dagster over a lake, whose home is written where it is missing."""
    from hf_assets.runner import home

    try:
        return home.environment(data)
    except OSError as error:
        raise click.ClickException(f"DAGSTER_HOME cannot be written: {error}") from error


def start(command: list[str], environ: Mapping[str, str]) -> int:
    """Become a process of a service, of whose history there is one by then.

    Processes that create the tables of a history at the same time break it for good.
    """
    from hf_assets.runner import process
    from hf_assets.storage.locks import exclusive

    lock = Path(environ["DAGSTER_HOME"]) / "history.lock"
    with exclusive(lock, "creating the history", wait=CREATION):
        if process.call(process.create_history(), environ):
            raise click.ClickException("the history cannot be opened; the reason is above")
    return process.become(command, environ)


class LakeOption(click.Path):
    """A lake: a folder, or the address of one on a store."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The root. AddressError."""
        if isinstance(value, str) and is_address(value):
            return location(value)
        return super().convert(value, param, ctx)


LAKE = LakeOption(file_okay=False, path_type=Path)
data_option: Callable[..., Callable] = click.option(
    "--data",
    type=LAKE,
    metavar="DIRECTORY|s3://…",
    help="The lake; by default HF_ASSETS_DATA, else data/ here.",
)
