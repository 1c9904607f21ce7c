"""The overview opened in Chromium, once without the scripts of the page, then with them."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hf_assets_tests.benchmarks.__main__ import Report
from hf_assets_tests.support.browser import CHROMIUM, chromium
from hf_assets_tests.support.servers import insights

if TYPE_CHECKING:
    from playwright.sync_api import Page

VISITS = 4
DONE = "[data-test-script-state=notRunning]"


def visited(
    report: Report,
    lake: Path,
    log: Path,
    *,
    visits: int = VISITS,
    paint: str = "≤ 1",
    totals: str = "≤ 1.5",
    memory: str = "≤ 900",
) -> "Iterator[tuple[str, Page]]":
    """Report each visit's seconds from the address, and the server's peak memory at the end.

    Args:
        report: takes the figures.
        lake: that the pages show.
        log: file of what the server says.
        visits: how often the overview is opened.
        paint: goal of the first paint, in seconds.
        totals: goal of the day's totals, in seconds.
        memory: goal of the server's peak memory, in MB.

    Yields:
        The address of the server and the page of a visit, the overview on it.
    """
    if CHROMIUM is None:
        print("  no Chromium on this machine: not measured")
        return
    with insights(lake, log) as (url, server), chromium() as browser:
        context = browser.new_context()
        for name in ("first visit", *(f"visit {n}" for n in range(2, visits + 1))):
            page = context.new_page()
            began = time.perf_counter()
            page.goto(url)
            page.locator(".hf-figures").first.wait_for()
            shown = time.perf_counter() - began
            page.locator(DONE).first.wait_for()
            whole = time.perf_counter() - began
            painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]")
            report.ratio(f"{name}: first paint", painted["startTime"] / 1e3, paint)
            report.ratio(f"{name}: the day's totals", shown, totals)
            report.ratio(f"{name}: the whole overview", whole, "none")
            yield url, page
            page.close()
        context.close()
        status = Path(f"/proc/{server.pid}/status").read_text().split("VmHWM:")[1].split()[0]
        report.ratio("peak memory of the server, MB", int(status) / 1024, memory)
