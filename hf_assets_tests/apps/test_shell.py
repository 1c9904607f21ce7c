"""What the browser gets first, from Streamlit's files as they are installed, and from others."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit import file_util

from hf_assets.apps.explore.shell import PARTS, shell, shell_routes

STATIC = Path(file_util.get_static_dir())


def test_the_installed_page_has_a_heading_and_names_its_parts_once() -> None:
    before, page = (STATIC / "index.html").read_text(), shell(STATIC)
    assert "Hub insights<p>" in page
    assert "<title>Hub insights</title>" in page
    named = [part.split('"')[0] for part in page.split('href="./static/js/')[1:]]
    assert len(named) == len(set(named)) > before.count('href="./static/js/')
    assert all((STATIC / "static" / "js" / name).is_file() for name in named)
    for part in PARTS:
        assert any(name.startswith(f"{part}.") for name in named), part


def test_a_page_of_another_build_is_served_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<html><body><main></main></body></html>")
    assert shell(tmp_path) == "<html><body><main></main></body></html>"


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/models", 200), ("/Models", 404), ("/favicon.png", 404)]
)
def test_addresses_of_pages_get_it_and_files_do_not(path: str, status: int) -> None:
    assert TestClient(Starlette(routes=shell_routes())).get(path).status_code == status


def test_a_name_of_no_page_is_text_among_links_to_those_that_are() -> None:
    answer = TestClient(Starlette(routes=shell_routes())).get("/<b>LINKS&x=1")
    assert "There is no page &lt;b&gt;LINKS&amp;x=1</h1>" in answer.text
    assert answer.text.count("<a ") == 9
    assert '<a href="./">Overview</a>' in answer.text
