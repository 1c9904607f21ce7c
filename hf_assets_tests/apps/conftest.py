"""The pages as a user starts them, over small lakes: the tagger's, and those of the Hub's days."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import pytest
from playwright.sync_api import Dialog, Page, Request, expect

from hf_assets_tests.support.apps.hub_lake import write_groups, write_hub_lake
from hf_assets_tests.support.apps.models import IMAGE, write_corpus, write_model
from hf_assets_tests.support.browser import choose as choose_option
from hf_assets_tests.support.browser import listening
from hf_assets_tests.support.servers import free_port, insights

PROJECT = Path(__file__).resolve().parents[2]
CARD = """---
license: cc-by-sa-4.0
---
# A tagger of questions

![scores](http://127.0.0.1:{stranger}/markdown.png) <img src="http://127.0.0.1:{stranger}/tag.png">

<script>window.hacked = true</script><img src=x onerror="window.hacked = true">It costs $5 or $6.
"""
TORN = "torn <i>"
TITLE = f"How deep should a forest be? {IMAGE}"
ROWS = [
    ("test", f"{TITLE}\n\nWith an informative prior.\n\nThat is all.", ["random-forest"]),
    ("test", "The same label as before, asked another time, in another text", ["random-forest"]),
    ("train", "A text that the model has seen, and must not be tried on", ["bayesian"]),
    ("test", "An image without a title, told in a single paragraph", [IMAGE]),
    ("test", "short", ["bayesian"]),
]


@dataclass(frozen=True)
class Served:
    """The page while it is served, and what reached another server that its card names."""

    url: str
    data: Path
    strayed: list[str]


def write_lake(data: Path, stranger: int = 9) -> None:
    """Three corpora: `questions` with all there can be, `datasets` with a bare int8 model, and one
    whose model is torn.
    """
    home = data / "classifiers" / "questions"
    write_model(home / "tagger_space" / "model")
    (home / "tagger_space" / "model" / "README.md").write_text(CARD.format(stranger=stranger))
    (home / "leaderboard").mkdir()
    (home / "leaderboard" / "leaderboard.json").write_text(json.dumps({"best": "some-encoder"}))
    pl.DataFrame(
        {
            "model": ["some-encoder", "some-encoder", "predict nothing", "constant labels"],
            "runtime": ["int8", "torch", "floor", "floor"],
            "micro_f1": [0.61, 0.62, 0.0, 0.118],
            "ms_p50": [5.12, 9.0, None, None],
        }
    ).write_parquet(home / "leaderboard" / "leaderboard.parquet")
    rows: list[dict[str, Any]] = [
        {"id": f"x:{i}", "split": split, "text": text, "labels": labels, "license": "CC BY-SA 4.0",
         "author": f"Author {i} <b>", "link": "javascript:alert(1)" if i else "https://a.example/1"}
        for i, (split, text, labels) in enumerate(ROWS)
    ]  # fmt: skip
    facts = {"sources": {"new_questions": [{"endpoint": "http://127.0.0.1:1", "site": "x"}]}}
    write_corpus(data / "corpora" / "questions", rows, facts)
    torn = data / "classifiers" / TORN / "tagger_space" / "model"
    (torn / "onnx").mkdir(parents=True)
    (torn / "config.json").write_text("{}")
    datasets = {"weather": "climate", "forest": "land-use"}
    write_model(data / "classifiers" / "datasets" / "some-encoder" / "quantized", datasets)


@pytest.fixture(autouse=True)
def _main_module() -> Generator[None]:
    """Streamlit makes a script the main module; a process spawned by a later test would run it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def small_lake(tmp_path: Path) -> Path:
    write_lake(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture(scope="package")  # no longer: it takes time even while nobody asks
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    strayed: list[str] = []

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            strayed.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *given: Any) -> None:
            return

    stranger = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    Thread(target=stranger.serve_forever, daemon=True).start()
    folder = tmp_path_factory.mktemp("tagger")
    write_lake(folder / "data", stranger.server_port)
    port = free_port()
    command = [sys.executable, "-m", "hf_assets.apps.tagger", "--port", str(port)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--data", str(folder / "data")],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | {"GRADIO_TEMP_DIR": str(folder / "gradio")},
        )
    try:
        assert server.stdout is not None
        said = server.stdout.readline()
        assert f"http://127.0.0.1:{port}" in said, said + (folder / "log").read_text()
        yield Served(f"http://127.0.0.1:{port}", folder / "data", strayed)
    finally:
        server.terminate()
        server.communicate()
        stranger.shutdown()
        stranger.server_close()


@pytest.fixture(scope="package")  # one lake and one server for all tests of the pages
def hub_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small lake of the Hub's days."""
    root = tmp_path_factory.mktemp("insights") / "data"
    write_groups(write_hub_lake(root))
    return root


@pytest.fixture(scope="package")
def hub_url(hub_data: Path) -> Generator[str]:
    """The pages over it."""
    with insights(hub_data, hub_data.parent / "log") as (url, _):
        yield url


@pytest.fixture
def page(hub_url: str, tab: Page) -> Generator[Page]:
    """A visit of them."""
    from hf_assets_tests.support.apps.visits import visiting

    with visiting(tab, hub_url) as page:
        yield page


@pytest.fixture
def tagger_page(served: Served, tab: Page) -> Generator[Page]:
    """The page with the corpus `questions` chosen; nothing may run that a text or a card brings."""
    tab.set_viewport_size({"width": 1280, "height": 900})
    went_wrong: list[str] = []
    asked: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        went_wrong.append(dialog.message)
        dialog.dismiss()

    def failed(request: Request) -> None:
        # What the page's own policy forbids has not been asked of anyone.
        if request.failure != "csp":
            asked.append(request.url)

    with listening(
        tab,
        pageerror=lambda error: went_wrong.append(str(error)),
        dialog=dismiss,
        requestfinished=lambda request: asked.append(request.url),
        requestfailed=failed,
    ):
        tab.goto(served.url)
        expect(tab.locator("#about")).to_contain_text("some-encoder")
        choose(tab, "questions")
        expect(tab.locator("#about")).to_contain_text("generated texts")
        yield tab
        assert not went_wrong
        assert not tab.evaluate("window.hacked")
        assert tab.locator("#result img, #result script, #credit b, #examples img").count() == 0
        hosts = {urlsplit(url).netloc for url in asked if url.startswith(("http", "ws"))}
        assert hosts == {urlsplit(served.url).netloc}
        assert served.strayed == []


def choose(page: Page, corpus: str) -> None:
    """Choose a corpus."""
    choose_option(page, page.get_by_label("Corpus"), corpus)
