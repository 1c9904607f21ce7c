"""What the browser gets first: Streamlit's own page, with a heading in it and its parts named.

An address of no page gets a page that says so: Streamlit would show another one under it.

Streamlit's page is empty until its scripts have run, and each script is asked for when the one
before names it. Here a heading is there at once, and the parts that every page shows are fetched
beside the others. The files are Streamlit's as installed: where they are of another build, the page
is served as it is.
"""

import re
from collections.abc import Iterator
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Any

from hf_assets.apps.explore.address import TITLES

# Parts of Streamlit that the overview's totals need, and that its page does not name.
PARTS = ("Html", "Selectbox")
_ROOT = '<div id="root"></div>'
_IMPORTED = re.compile(r'(?:from|import)\s*"\./([\w.-]+\.js)"')
# Colours of both themes; React puts the pages in its place.
_HEADING = """<div id="root"><style>
.hf-shell { font: 1.9rem "Source Sans", sans-serif; padding: 3rem 1.5rem; color: #31333f }
.hf-shell p { font-size: 1rem; opacity: .75 }
@media (prefers-color-scheme: dark) {
  body { background: #0e1117 }
  .hf-shell { color: #fafafa }
}
</style><div class="hf-shell" role="status">Hub insights<p>Loading …</p></div></div>"""
_MISSING = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>No such page · Hub insights</title><style>
:root { color-scheme: light dark }
body { font: 1rem "Source Sans", sans-serif; padding: 3rem 1.5rem; overflow-wrap: anywhere }
a { color: light-dark(#1f56b8, #8ab4ff) }
</style></head><body><main><h1>There is no page NAME</h1>
<p>These are the pages:</p><nav aria-label="Pages"><ul>LINKS</ul></nav></main></body></html>"""


def shell(static: Path) -> str:
    """The first page, as HTML.

    Args:
        static: the folder of Streamlit's files.
    """
    page = (static / "index.html").read_text(encoding="utf-8")
    named = "".join(
        f'<link rel="modulepreload" crossorigin href="./static/js/{name}">'
        for name in dict.fromkeys(_needed(static / "static" / "js"))
        if name not in page
    )
    page = page.replace("<title>Streamlit</title>", "<title>Hub insights</title>")
    return page.replace("</head>", f"{named}</head>").replace(_ROOT, _HEADING)


def missing(name: str) -> str:
    """The page for a name that no page has, as HTML with links to those that are there."""
    links = "".join(
        f'<li><a href="./{page if page != "overview" else ""}">{title}</a></li>'
        for page, title in TITLES.items()
        if title
    )
    return _MISSING.replace("LINKS", links).replace("NAME", escape(name[:80]))


def _needed(folder: Path) -> Iterator[str]:
    """The files of the parts, and what these import, each before its own imports."""
    waiting = [path for part in PARTS for path in folder.glob(f"{part}.*.js")]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop(0)
        if path.name in seen or not path.is_file():
            continue
        seen.add(path.name)
        yield path.name
        waiting += [folder / name for name in _IMPORTED.findall(path.read_text(encoding="utf-8"))]


def shell_routes() -> list[Any]:
    """The route of the addresses of pages: a name, or nothing."""
    from starlette.convertors import StringConvertor, register_url_convertor
    from starlette.responses import HTMLResponse
    from starlette.routing import Route
    from streamlit import file_util

    class Name(StringConvertor):
        regex = "[^/.]*"  # Streamlit's own files have an ending, or a folder

    page = shell(Path(file_util.get_static_dir()))

    def answer(request: Any) -> HTMLResponse:
        name = request.path_params["name"]
        headers = {"Cache-Control": "no-cache"}
        if name and name not in TITLES:
            return HTMLResponse(missing(name), HTTPStatus.NOT_FOUND, headers)
        return HTMLResponse(page, headers=headers)

    register_url_convertor("name", Name())
    return [Route("/{name:name}", answer, methods=["GET"])]
