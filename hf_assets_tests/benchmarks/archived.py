"""`make bench-archived BEFORE=folder`: an archived day, beside an earlier build in one run.

A generated day of hub-stats is served by a process of its own, at 0 and at 200 ms a range; the
earlier build (a checkout of the repository, named by its path) and this one make the same tables of
it, in turn. Nothing fails for being slow, but tables that differ do. Without `--before` only this
build is measured. A year is so many days as the newest one.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hf_assets_tests.benchmarks.__main__ import Report
from hf_assets_tests.benchmarks.measure import Measured, machine, run, serving_module

HERE = Path(__file__).resolve()
SHOWN = date(2026, 11, 20)
DAY = SHOWN - timedelta(days=1)
GOALS = {0.0: "≥ 2.5 of CPU", 0.2: "≥ 4 of wall"}
DAYS_A_YEAR = 365


def serve(models: int, latency: float) -> None:
    """Serve the archive; the first line is its address, when all files are rendered."""
    from hf_assets.demo.hub.app import create_app
    from hf_assets.demo.hub_stats.app import HubStats
    from hf_assets.demo.service.server import LoopbackServer
    from hf_assets.demo.world.generator import GeneratedHub

    hub = GeneratedHub(models, models * 2 // 5, day=SHOWN)
    archive = HubStats(hub, latency=latency)
    for kind in ("models", "spaces", "datasets"):
        archive.files.blob(kind, DAY)
    with LoopbackServer(create_app(hub, archive=archive, rate_limit=10**9)) as server:
        print(server.url, flush=True)
        server.wait()


@contextmanager
def served(models: int, latency: float) -> Generator[str]:
    """The archive in a process of its own; gives its address."""
    module = "hf_assets_tests.benchmarks.archived"
    with serving_module(module, "--serve", latency, "--models", models) as url:
        yield url


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m hf_assets_tests.benchmarks.archived", description=__doc__
    )
    parser.add_argument("--models", type=int, default=1_000_000)
    parser.add_argument("--before", type=Path, help="a checkout of the earlier build")
    parser.add_argument("--times", type=int, default=2, help="of each, in turn; 7: a week")
    parser.add_argument("--ms", default="0,200", help="a range takes, comma-separated: 0, 200")
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path("bench-archived.json"))
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.models, options.serve)
        return 0
    print(f"{machine()}; {options.models:,} models")
    report = Report()
    builds = {"before": options.before} if options.before else {}
    builds |= {"now": HERE.parents[2]}
    for latency in (float(ms) / 1e3 for ms in options.ms.split(",")):
        report.section(f"An archived day at {latency * 1e3:.0f} ms a range")
        with served(options.models, latency) as endpoint:
            _compared(report, endpoint, latency, builds, options.times)
    options.out.write_text(json.dumps(report.figures, indent=2, default=str))
    print(f"\nAll figures: {options.out}")
    return 0


def _compared(
    report: Report, endpoint: str, latency: float, builds: dict[str, Path], times: int
) -> None:
    best: dict[str, list[Measured]] = {name: [] for name in builds}
    for _ in range(times):
        for name, checkout in builds.items():
            with tempfile.TemporaryDirectory(prefix="hf-assets-bench-") as lake:
                found = _case(checkout, endpoint, lake)
            best[name].append(found)
            title = f"{name}, {latency * 1e3:.0f} ms"
            report.measured(title, found, int(sum(one["rows"] for one in found.said.values())))
    for kind in ("models", "spaces", "datasets"):
        of = {name: [one.said[kind] for one in found] for name, found in best.items()}
        least = {name: {key: min(one[key] for one in found) for key in ("cpu", "wall")}
                 for name, found in of.items()}  # fmt: skip
        print(f"  {kind}: {least}")
        now = of["now"][0]
        report.figures[f"{kind}, {latency * 1e3:.0f} ms"] = of
        if "before" not in of:
            continue
        if of["before"][0]["digest"] != now["digest"]:
            raise SystemExit(f"the tables of {kind} differ")
        for key in ("cpu", "wall"):
            ratio = least["before"][key] / least["now"][key]
            report.ratio(f"{kind}: {key} before over now", ratio, GOALS.get(latency, "none"))
    for key in ("wall", "cpu", "bytes fetched", "bytes stored"):
        every = [sum(one[key] for one in day.said.values()) for day in best["now"]]
        least, most = min(every), max(every)
        print(f"  {key} of {len(every)} days: {sum(every):,.0f}, {least:,.0f} to {most:,.0f}")
    peak = max(one.said["models"]["peak MB"] for one in best["now"])
    report.ratio("peak MB of a process that makes capture and models", peak, "≤ 350")
    year = sum(min(one.said[kind]["wall"] for one in best["now"])
               for kind in ("models", "spaces", "datasets")) * DAYS_A_YEAR / 3600  # fmt: skip
    report.ratio("hours for a year of such days, one after the other", year, "none")


def _case(checkout: Path, endpoint: str, lake: str) -> Measured:
    command: list[Any] = [sys.executable, str(HERE.with_name("archived_case.py"))]
    command += [endpoint, lake, str(DAY), "models", "spaces", "datasets"]
    return run(command, {"PYTHONPATH": str(checkout.resolve())})


if __name__ == "__main__":
    sys.exit(main())
