"""What the browser gets first: Streamlit's own page, with a heading in it and its parts named.

Streamlit's page is empty until its scripts have run, and each script is asked for when the one
before names it. Here a heading is there at once, and the parts that every page shows are fetched
beside the others. The files are Streamlit's as installed: where they are of another build, the page
is served as it is.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
    """The route of the addresses of pages: a word, or nothing."""
    from starlette.convertors import StringConvertor, register_url_convertor
    from starlette.responses import HTMLResponse
    from starlette.routing import Route
    from streamlit import file_util

    class Word(StringConvertor):
        regex = "[a-z]*"

    page = shell(Path(file_util.get_static_dir()))

    def answer(_: Any) -> HTMLResponse:
        return HTMLResponse(page, headers={"Cache-Control": "no-cache"})

    register_url_convertor("word", Word())
    return [Route("/{name:word}", answer, methods=["GET"])]
