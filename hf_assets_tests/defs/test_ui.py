"""The UI as a person opens it: headless Chromium on the pages that a newcomer sees first."""

import dataclasses
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from playwright.sync_api import Browser, Page, expect

from hf_assets.runner.home import write_home
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import observatory
from hf_assets_tests.support.browser import IN_CHROMIUM, PATIENCE
from hf_assets_tests.support.defs.few_figures import DAY_FIGURES
from hf_assets_tests.support.servers import free_port

PROJECT = Path(__file__).resolve().parents[2]

pytestmark = IN_CHROMIUM


@dataclass(frozen=True)
class Ui:
    url: str
    day: str


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Generator[Ui]:
    """The webserver over the history of a run of today, which drew a few figures."""
    data, port, day = tmp_path_factory.mktemp("ui"), free_port(), today()
    home = write_home(data / "dagster_home")
    with (
        pytest.MonkeyPatch.context() as patch,
        observatory(data, small_files=False) as make,
    ):
        patch.setenv("DAGSTER_HOME", str(home))
        with dg.DagsterInstance.from_config(str(home)) as instance:
            hub = dataclasses.replace(make(), instance=instance)
            assert hub.materialize().success
    environment = os.environ | {"DAGSTER_HOME": str(home), "HF_ASSETS_DATA": str(data)}
    server = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("dagster-webserver")),
            "-w",
            "workspace.yaml",
            "-p",
            str(port),
        ],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            assert server.poll() is None, "the webserver ended"
            try:
                urllib.request.urlopen(f"{url}/server_info", timeout=5).read()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        yield Ui(url, day)
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def page(ui: Ui, browser: Browser) -> Page:
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.set_default_timeout(PATIENCE)
    return page


@pytest.mark.heavy
def test_the_lineage_shows_every_asset_under_its_group(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/assets/snapshot_figures?view=lineage&lineageScope=upstream&lineageDepth=6")
    for name in ("raw_models", "raw_spaces", "models", "enriched_spaces", "model_usage"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    for group in ("hub", "raw", "tables", "trends"):
        expect(page.get_by_text(group, exact=True).first).to_be_visible()


@pytest.mark.heavy
def test_the_lineage_goes_from_a_dump_to_the_tagger(ui: Ui, page: Page) -> None:
    page.goto(
        f"{ui.url}/assets/questions/tagger_space?view=lineage&lineageScope=upstream&lineageDepth=9"
    )
    for name in (
        *("question_dump", "new_questions", "corpus", "baseline", "classifier"),
        *("onnx_classifier", "leaderboard", "tagger_space"),  # the page shortens a longer name
    ):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()


@pytest.mark.heavy
def test_a_partition_page_tells_rows_source_and_preview(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/assets/models?view=partitions&partition={ui.day}")
    expect(page.get_by_text("dagster/partition_row_count")).to_be_visible()
    expect(page.get_by_text("source: raw_models")).to_be_visible()
    expect(page.get_by_text("preview", exact=True)).to_be_visible()


@pytest.mark.heavy
def test_the_gallery_shows_the_figures(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/assets/snapshot_figures?view=partitions&partition={ui.day}")
    page.get_by_text("[Show Markdown]").first.click()
    pictures = page.locator("img[src^='data:image/png']")
    expect(pictures).to_have_count(len(DAY_FIGURES))
    widths = pictures.evaluate_all("all => all.map(one => one.naturalWidth)")
    assert all(width >= 600 for width in widths)


@pytest.mark.heavy
def test_a_check_tells_what_it_found_on_which_day(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/assets/raw_models?view=checks&checkDetail=capture_complete")
    expect(page.get_by_text("The listing was read to its last page").first).to_be_visible()
    expect(page.get_by_text("rows in").first).to_be_visible()
    expect(page.get_by_text(ui.day, exact=True).first).to_be_visible()
