"""`make bench-page`: the pages over 2.5 M models a day and 60 days, on the server and in a browser.

One run: a generated day is stored (and linked as the days before it), twenty questions are asked of
its table, as before there were indexes, and of its index; both answers must be equal. Then Chromium
opens the overview, and every page, wide and light, then on a dark phone: one that fails, or has to
be scrolled sideways on the phone, ends the run. Figures are printed with ratios and written as
JSON; nothing fails for being slow. It takes about six minutes on two cores.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import urllib.request
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlencode

from hf_assets.apps.explore.address import TITLES
from hf_assets.storage.lake import Lake
from hf_assets_tests.benchmarks.__main__ import Report
from hf_assets_tests.benchmarks.measure import Measured, case, machine
from hf_assets_tests.benchmarks.visits import DONE, visited
from hf_assets_tests.support.apps.visits import PHONE
from hf_assets_tests.support.browser import CHROMIUM, chromium
from hf_assets_tests.support.servers import insights

if TYPE_CHECKING:
    from playwright.sync_api import Page

DAY = "2026-11-20"
WALKS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (PHONE, "dark"))
SIDEWAYS = """() => [...document.querySelectorAll('[data-testid=stMain], .hf-table')]
  .filter(it => it.scrollWidth > it.clientWidth + 1).map(it => it.className)"""
_case = partial(case, module="page_cases")


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m hf_assets_tests.benchmarks.page", description=__doc__
    )
    parser.add_argument("--models", type=int, default=2_500_000)
    parser.add_argument("--spaces", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--folder", type=Path, help="keep the lake there, or use the one there")
    parser.add_argument("--out", type=Path, default=Path("bench-page.json"))
    options = parser.parse_args()
    report = Report()
    print(f"{machine()}; {options.days} days of {options.models:,} models")
    with tempfile.TemporaryDirectory(prefix="hf-assets-bench-") as temporary:
        work = options.folder or Path(temporary)
        os.environ["HF_ASSETS_SCRATCH"] = str(Path(temporary) / "scratch")
        if not (work / "lake").is_dir():
            sizes = (options.models, options.spaces, options.days)
            _case("lake", work / "lake", DAY, *sizes)
        _asked(report, work / "lake", options.models)
        _visited(report, work / "lake", Path(temporary))
        _walked(report, work / "lake", Path(temporary))
    options.out.write_text(json.dumps(report.figures, indent=2, default=str))
    print(f"\nAll figures: {options.out}")
    return 0


def _asked(report: Report, lake: Path, models: int) -> None:
    report.section("Twenty questions, on the server: milliseconds")
    table = _case("ask", lake, DAY, "table")
    made = report.measured("the day's index, made", _case("make", lake, DAY), models)
    report.ratio("… its bytes a model", made.said["bytes"] / models, "none")
    index = _case("ask", lake, DAY, "index")
    if table.said["answers"] != index.said["answers"]:
        raise RuntimeError("the index gives other answers than the table")
    for name, spent in index.said["asked"].items():
        before = min(cpu for _, cpu in table.said["asked"][name])
        now = min(cpu for _, cpu in spent)
        print(f"    {name:<36}{before * 1e3:>8.0f} → {now * 1e3:.1f} CPU")
    for part, at in (("wall", 0), ("CPU", 1)):
        for name, rank, goal in (("p50", 9, "≤ 80"), ("p95", 18, "≤ 250")):
            before, now = (_share(one, at, rank) for one in (table, index))
            report.ratio(f"{part}, {name}, before: ms", before, "none")
            report.ratio(f"{part}, {name}: ms", now, goal)
            report.ratio(f"{part}, {name}: times less", before / now, "none")
    one = min(cpu for _, cpu in index.said["asked"]["one model"])
    report.ratio("one model: ms CPU", one * 1e3, "≤ 100")
    for name, asked in (("before", table), ("with mapped pages", index)):
        report.ratio(f"peak memory, {name}: MB", asked.peak_mb, "≤ 900")


def _share(asked: Measured, at: int, rank: int) -> float:
    """A twentieth of all answers, of the first and the second time, in milliseconds."""
    spent = [one[at] for both in asked.said["asked"].values() for one in both]
    return quantiles(spent, n=20, method="inclusive")[rank] * 1e3


def _visited(report: Report, lake: Path, work: Path) -> None:
    """From the address to the totals; after each the models' page and all of the day as a file, so
    that memory counts them.
    """
    report.section("The overview in Chromium: seconds from the address")
    for url, page in visited(report, lake, work / "page.log"):
        page.goto(f"{url}/models?search=llama+gguf&sort=likes")
        page.locator(DONE).first.wait_for()
        with urllib.request.urlopen(f"{url}/files/models.parquet?day={DAY}") as answer:
            while answer.read(1 << 20):
                pass


def _walked(report: Report, lake: Path, work: Path) -> None:
    """Every page that a visitor may come to. RuntimeError where one is not as it should be."""
    if CHROMIUM is None:
        print("  no Chromium on this machine: not walked")
        return
    first = Lake(lake).read("models", DAY).frame.select("id", "author", "category")
    model, author, category = first.drop_nulls().first().collect().row(0)
    paths = ["", *(name for name in TITLES if name != "overview")]
    paths += [f"models?{urlencode({'search': 'llama', 'sort': 'likes'})}"]
    paths += [f"models?{urlencode({'category': category, 'downloads': '1000..'})}"]
    paths += [f"{page}?{urlencode({'id': name})}" for page, name in
              (("model", model), ("author", author), ("category", category))]  # fmt: skip
    paths += [f"compare?{urlencode({'item': model, 'as': 'indexed'})}"]
    report.section("Every page in Chromium: the slowest, seconds from the address")
    with insights(lake, work / "walk.log") as (url, _), chromium() as browser:
        for width, scheme in WALKS:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            slowest = max((_seconds(page, f"{url}/{path}"), path) for path in paths)
            report.ratio(
                f"{len(paths)} pages, {width} px, {scheme}: {slowest[1]}", slowest[0], "none"
            )
            page.close()


def _seconds(page: "Page", address: str) -> float:
    """Until the page is whole; then it is looked at."""
    began = time.perf_counter()
    page.goto(address)
    page.locator(DONE).first.wait_for()
    page.locator("h1#content").wait_for()
    spent = time.perf_counter() - began
    failed = page.locator("[data-testid=stException]").count()
    wide = page.evaluate(SIDEWAYS) if page.evaluate("innerWidth") == PHONE else []
    if failed or wide:
        raise RuntimeError(f"{address}: {'it fails' if failed else f'scrolls sideways: {wide}'}")
    return spent


if __name__ == "__main__":
    sys.exit(main())
