"""Pages of the Hub's days without a server or a browser: the script runs, its elements are read."""

import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from streamlit.navigation.page import calc_hash
from streamlit.testing.v1 import AppTest

from hf_assets.apps.explore.address import TITLES
from hf_assets.apps.insights import SCRIPT


class Script:
    """The script of the pages over a lake; it goes from page to page as a visitor does."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self.test = AppTest.from_file(SCRIPT, default_timeout=60)

    def open(self, path: str = "") -> "Script":
        """Run it at an address such as `models?search=x`; an exception of the page is raised."""
        name, _, query = path.partition("?")
        test, argv = self.test, sys.argv
        sys.argv = [str(SCRIPT), self._root]
        try:
            test.query_params.clear()
            test.query_params.update(parse_qs(query))
            # `switch_page` knows files only: a page here is a function.
            test._page_hash = calc_hash("" if name == "overview" else name)
            test.run()
        finally:
            sys.argv = argv
        assert name in TITLES or not name, name
        assert not test.exception, test.exception
        return self

    @property
    def html(self) -> str:
        """All that is rendered by the pages themselves."""
        found: list[Any] = list(self.test.get("html"))
        return "\n".join(element.proto.body for element in found)

    @property
    def said(self) -> str:
        """The texts of the page: its own HTML, captions, notes."""
        test = self.test
        notes = [*test.caption, *test.info, *test.warning, *test.markdown]
        return "\n".join([self.html, *(note.value for note in notes)])

    @property
    def charts(self) -> list[Any]:
        """The charts, as Streamlit sends them."""
        return [element.proto for element in self.test.get("vega_lite_chart")]
