"""The processes of a service: each takes the place of the command that starts it."""

from collections.abc import Callable
from pathlib import Path

import click

from hf_assets.cli.options import data_of, data_option, environ_of, require, start
from hf_assets.runner.process import CODE_PORT, LOOPBACK, UI_PORT


def _option(name: str, variable: str, default: object, explained: str) -> Callable[..., Callable]:
    """An option that a variable may give as well, as a unit's EnvironmentFile does."""
    return click.option(
        name,
        default=default,
        envvar=f"HF_ASSETS_{variable}",
        show_default=True,
        show_envvar=True,
        help=explained,
    )


_code_host = _option("--code-host", "CODE_HOST", LOOPBACK, "Where the code server is.")
_code_port = _option("--code-port", "CODE_PORT", CODE_PORT, "The port of the code server.")


@click.group()
def service() -> None:
    """Run a process of a service: code, daemon or webserver.

    A service has one of each. The units and the compose file in deploy/ start them.
    """
    require("dagster", "dagster", "dagster_webserver", "polars")


@service.command()
@data_option
@_option("--host", "CODE_LISTEN", LOOPBACK, "The address to listen on.")
@_option("--port", "CODE_PORT", CODE_PORT, "The port.")
def code(data: Path | None, host: str, port: int) -> int:
    """Load the definitions and start the runs.

    Whoever reaches the port can start runs: keep it on loopback, or in a network of containers.
    """
    from hf_assets.runner import process

    return start(process.code_server(host, port), environ_of(data_of(data)))


@service.command()
@data_option
@_code_host
@_code_port
def daemon(data: Path | None, code_host: str, code_port: int) -> int:
    """Tick schedules and sensors, and queue runs."""
    from hf_assets.runner import process

    environ = environ_of(data_of(data)) | process.code_address(code_host, code_port)
    return start(process.daemon(), environ)


@service.command()
@data_option
@_code_host
@_code_port
@_option("--host", "UI_LISTEN", LOOPBACK, "The address to listen on.")
@_option("--port", "UI_PORT", UI_PORT, "The port.")
@click.option(
    "--read-only",
    is_flag=True,
    envvar="HF_ASSETS_UI_READ_ONLY",
    show_envvar=True,
    help="Show everything; launch and switch nothing.",
)
def webserver(
    data: Path | None, code_host: str, code_port: int, host: str, port: int, read_only: bool
) -> int:
    """Serve the Dagster UI.

    The UI has no login: whoever reaches the port can start and delete runs.
    """
    from hf_assets.runner import process

    environ = environ_of(data_of(data)) | process.code_address(code_host, code_port)
    return start(process.webserver(host, port, read_only), environ)
