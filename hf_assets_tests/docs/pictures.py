"""Take the pictures of the README from a demo lake: `python -m hf_assets_tests.docs.pictures`.

Run `make demo` first. Headless Chromium opens the insights page and the Dagster UI over that lake;
the pictures replace docs/insights.png, docs/lineage.png and docs/lineage_predicted.png.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from playwright.sync_api import Browser, FloatRect

from hf_assets_tests.support.browser import PATIENCE, chromium
from hf_assets_tests.support.servers import PROJECT, free_port, insights

FOLDER = PROJECT / "docs"
# Pixels: as wide as a README is shown.
WIDTH = 1000
# Milliseconds until charts and the lineage's layout have stopped moving.
STILL = 6_000
# Looks at a lineage that is being laid out.
_LOOKS = 60
# Pixels around the lineage's nodes.
MARGIN = 24
# What the picture of predictions has: from a listing to the report.
PREDICTED = (
    *("raw_models", "models", "predicted_categories"),
    *(f"hub_models/{step}" for step in ("corpus", "baseline", "classifier", "onnx_classifier")),
    *(f"hub_models/{step}" for step in ("quantized_classifier", "leaderboard", "predictor")),
    *("category_history", "prediction_history", "trend_figures", "insights_report"),
)
# The groups that these are in, as the UI's address names them.
GROUPS = (
    *("hub", "hub/raw", "hub/tables", "trends", "trends/history"),
    *("corpora", "corpora/hub_models", "classifiers", "classifiers/hub_models"),
)


def main() -> int:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=PROJECT / "data" / "demo")
    data = parser.parse_args().data.resolve()
    with chromium() as browser, tempfile.TemporaryDirectory() as home:
        with insights(data, Path(home) / "log") as (url, _):
            _save(_insights(browser, url), FOLDER / "insights.png")
        with _dagster(data) as url:
            _save(_lineage(browser, url), FOLDER / "lineage.png")
            _save(_predicted(browser, url), FOLDER / "lineage_predicted.png", 2 * WIDTH)
    return 0


def _insights(browser: Browser, url: str) -> bytes:
    page = browser.new_page(viewport={"width": 1280, "height": 1180})
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    page.locator(".hf-figures").first.wait_for()
    page.locator("[data-test-script-state=notRunning]").first.wait_for()
    page.wait_for_timeout(STILL)
    return page.screenshot()


def _lineage(browser: Browser, url: str) -> bytes:
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.set_default_timeout(PATIENCE)
    page.goto(f"{url}/assets/snapshot_figures?view=lineage&lineageScope=upstream&lineageDepth=6")
    names = ("hub", "raw_models", "snapshot_figures")
    shown = [page.get_by_text(name, exact=True).last for name in names]
    shown[1].wait_for()
    page.wait_for_timeout(STILL)
    boxes = [box for one in shown if (box := one.bounding_box())]
    left, top = boxes[0]["x"] - MARGIN, boxes[0]["y"] - MARGIN
    right = boxes[2]["x"] + boxes[2]["width"] + 1.7 * MARGIN
    bottom = boxes[1]["y"] + boxes[1]["height"] + 4 * MARGIN
    clip: FloatRect = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    return page.screenshot(clip=clip)


def _predicted(browser: Browser, url: str) -> bytes:
    """From the listing of models through corpus and classifiers to the series and the report."""
    # High enough for the lineage to end above the UI's own buttons.
    page = browser.new_page(viewport={"width": 2600, "height": 2200}, device_scale_factor=2)
    page.set_default_timeout(PATIENCE)
    chosen = " or ".join(f'key:"{key}"' for key in PREDICTED)
    # Groups are closed at first. A slash in a key would end the selection.
    opened = ",".join(f"global@global:{group}" for group in GROUPS)
    selected, opened = quote(chosen, safe=""), quote(opened, safe="")
    page.goto(f"{url}/asset-groups~{selected}?expanded={opened}")
    nodes = page.locator("foreignObject")
    for _ in range(_LOOKS):
        page.wait_for_timeout(STILL / 6)
        if nodes.count() >= len(PREDICTED) + len(GROUPS):
            break
    page.wait_for_timeout(STILL)
    # Nodes, and the frames of their groups.
    boxes = [box for one in nodes.all() if (box := one.bounding_box()) and box["width"]]
    if len(boxes) < len(PREDICTED) + len(GROUPS):
        raise RuntimeError(f"{len(boxes)} nodes and frames: is one of {GROUPS} closed?")
    left, top = (min(box[side] for box in boxes) - MARGIN for side in ("x", "y"))
    right = max(box["x"] + box["width"] for box in boxes) + MARGIN
    bottom = max(box["y"] + box["height"] for box in boxes) + MARGIN
    clip: FloatRect = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    return page.screenshot(clip=clip)


@contextmanager
def _dagster(data: Path) -> Generator[str]:
    """The Dagster UI over that lake: its address."""
    port = free_port()
    tool = str(Path(sys.executable).with_name("dagster-webserver"))
    server = subprocess.Popen(
        [tool, "-m", "hf_assets.definitions", "-p", str(port)],
        cwd=PROJECT,
        env=os.environ | {"DAGSTER_HOME": str(data / "dagster_home"), "HF_ASSETS_DATA": str(data)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while server.poll() is None:
            try:
                urllib.request.urlopen(f"{url}/server_info", timeout=5).read()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait()


def _save(png: bytes, path: Path, width: int = WIDTH) -> None:
    """Shrink to the README's width, in 256 colours."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    height = round(picture.height * width / picture.width)
    picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    picture.quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
