"""A page to explore the Hub's days: models, categories, authors, Spaces, trends, and the data.

What belongs here: the command line. The pages are in `pages/`; they read the lake and nothing
else, and ask nothing of any other machine.

    python -m hf_assets.apps.insights --data data/demo
"""

import argparse
import socket
import sys
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from importlib import import_module
from pathlib import Path
from threading import Thread

from hf_assets.errors import InputError
from hf_assets.object_store.path import LakePath, location
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake

PROG = "python -m hf_assets.apps.insights"
DEMO = Path("data/demo")
PORT = 8501
OWN_NAMES = ("localhost", "127.0.0.1", "::1")
SCRIPT = Path(__file__).with_name("pages") / "app.py"
# Imported before the first visit, which would wait for them.
WARM = (
    *("pandas", "polars", "pyarrow.compute", "PIL.ImageDraw", "PIL.ImageOps"),
    *("PIL.PngImagePlugin", "streamlit.material_icon_names", "streamlit.web.skills"),
    *(f"hf_assets.apps.pages.{name}" for name in ("overview", "models", "model", "discover")),
    *(f"hf_assets.apps.pages.{name}" for name in ("keys", "spaces", "compare", "trends", "data")),
)


def _arguments(argv: list[str] | None, prog: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=prog, description="A page to explore the stored days.")
    parser.add_argument("--data", help="the lake; by default yours, else the demo's")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        help="a host name or address that the pages are reached by, besides localhost and --host; "
        "may be given again, * for any",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None, prog: str = PROG) -> int:
    """Serve the pages until interrupted. Returns 2 where they cannot be served."""
    arguments = _arguments(argv, prog)
    try:
        places = [location(arguments.data)] if arguments.data else [settings().data, DEMO]
        root = next((place for place in places if Lake(place).days("models")), places[0]).resolve()
    except InputError as error:  # the address, or what the store answers
        print(error, file=sys.stderr)
        return 2
    try:
        with socket.create_server((arguments.host, arguments.port)):
            pass
    except OSError as error:  # the port is taken, or the address is not this machine's
        print(f"{arguments.host}:{arguments.port}: {error}", file=sys.stderr)
        return 2
    from streamlit import net_util
    from streamlit.starlette import App

    # Streamlit asks another machine for it, when a page of another origin knocks.
    net_util._external_ip = ""
    everywhere = arguments.host in ("0.0.0.0", "::", "")
    own = (net_util.get_internal_ip() if everywhere else None) or arguments.host
    _warm()
    from hf_assets.apps.explore.components import INDEXES
    from hf_assets.apps.explore.selections import selection_routes
    from hf_assets.apps.explore.shell import shell_routes

    hosts = [*OWN_NAMES, own.strip("[]"), *arguments.name]
    options = {
        "server.address": arguments.host,
        "server.port": arguments.port,
        # Who asks must mean this server, by a name of its own, and be one of its pages.
        "server.allowedHosts": hosts,
        # A proxy before the pages may have given the request another host.
        "server.corsAllowedOrigins": [f"https://{name}" for name in arguments.name if name != "*"],
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        # No page takes a file; megabytes.
        "server.maxUploadSize": 1,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        # Of each theme by itself: a colour of `theme` makes one theme, a light one, of both.
        "theme.light.primaryColor": "#2F6FE0",
        "theme.dark.primaryColor": "#3F7DE6",
        "logger.level": "warning",
    }
    Thread(target=_tell, args=(arguments.host, arguments.port), daemon=True).start()
    Thread(target=_index_newest, args=(root,), daemon=True).start()
    # As Streamlit's own command line does: the script's name, and what follows it.
    sys.argv = [str(SCRIPT), str(root)]
    routes = [*selection_routes(root, hosts, INDEXES), *shell_routes()]
    App(SCRIPT, routes=routes).run(config=options)
    return 0


def _warm() -> None:
    """Import what the pages need, and draw: the first chart of a process takes half a second."""
    for module in WARM:
        import_module(module)
    import polars as pl

    from hf_assets.apps.explore import charts

    charts.bars(pl.DataFrame({"name": ["a"], "rows": [1]}), "name", "rows", "models").to_dict()


def _index_newest(root: LakePath) -> None:
    """Begin the index of the day that is shown first, before anybody asks."""
    from hf_assets.apps.explore.components import INDEXES
    from hf_assets.apps.explore.lake_reader import LakeReader

    reader = LakeReader(root, INDEXES)
    try:
        if day := reader.newest():
            reader.prepare(day)
    except (OSError, InputError) as error:  # whoever opens a page is told
        print(error, file=sys.stderr)


def _tell(host: str, port: int) -> None:
    """Say where the pages are, once they are there."""
    # An answer, not a connection: a port of one's own can be connected to itself.
    while not _answers(host, port):
        time.sleep(0.1)
    print(f"The pages are at http://{host}:{port}; Ctrl-C ends them", flush=True)


def _answers(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
