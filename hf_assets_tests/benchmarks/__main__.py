"""`make bench`: our way and the usual ones side by side in one run; ratios printed, JSON written.

A benchmark and no test: nothing here fails for being slow. `--full` takes 2.5 M models and 1 M
Spaces; `list_models` is then still measured on 200 k, as its frame of 2.5 M rows wants 20 GB.
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

from hf_assets.runner.home import write_home
from hf_assets_tests.benchmarks.measure import Measured, case, machine, run, served

SMALL = (200_000, 80_000)
FULL = (2_500_000, 1_000_000)
BACKFILL_DAYS = 30
# Separate runs take the same time each: as many are measured as a mean wants.
SEPARATE_RUNS = 4
# Of a night: seconds a page, requests a window of so many seconds, chains.
LATENCY, WINDOW, CHAINS = 0.25, (100, 30), 10


@dataclass
class Report:
    """Lines for the reader, figures for the file."""

    figures: dict[str, Any] = field(default_factory=dict)

    def section(self, title: str) -> None:
        """A heading."""
        print(f"\n{title}", flush=True)

    def measured(self, name: str, found: Measured, rows: int | None = None) -> Measured:
        """One case."""
        rate = f"{rows / found.wall:>10,.0f} rows/s" if rows else " " * 17
        print(
            f"  {name:<44}{found.wall:>8.1f} s{found.cpu:>8.1f} CPU s"
            f"{found.peak_mb:>8,.0f} MB{rate}",
            flush=True,
        )
        self.figures[name] = asdict(found) | ({"rows": rows} if rows else {})
        return found

    def ratio(self, name: str, value: float, goal: str) -> None:
        """A ratio and the goal that was set for it."""
        print(f"  → {name}: {value:.2f}   (goal {goal})", flush=True)
        self.figures[f"ratio: {name}"] = {"value": value, "goal": goal}


@contextmanager
def _workplace() -> Generator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hf-assets-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def main() -> int:
    """Run everything; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m hf_assets_tests.benchmarks", description=__doc__
    )
    parser.add_argument("--full", action="store_true", help="2.5 M models and 1 M Spaces")
    parser.add_argument("--night", action="store_true", help="the pace of a night's listings alone")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    options = parser.parse_args()
    models, spaces = FULL if options.full else SMALL
    report = Report()
    print(f"{machine()}; {models:,} models, {spaces:,} Spaces")
    with _workplace() as work:
        if options.night:
            _night(report, work)
        else:
            _listings(report, work, models, spaces)
            _night(report, work)
            _tables(report, work)
            _backfill(report, work)
            _loading(report)
    options.out.write_text(json.dumps(report.figures, indent=2, default=str))
    print(f"\nAll figures: {options.out}")
    return 0


def _listings(report: Report, work: Path, models: int, spaces: int) -> None:
    report.section("Ingest: a listing of models over loopback HTTP, to a table")
    case("prerender", work / "pages", models, spaces)
    small = work / "pages"
    if models > SMALL[0]:
        small = work / "few-pages"
        case("prerender", small, *SMALL)
    with served(small) as endpoint:
        rows = SMALL[0]
        polars = report.measured(
            "list_models → polars → Parquet",
            case("list_models_polars", endpoint, work / "listed.parquet"),
            rows,
        )
        pandas = report.measured(
            "list_models → pandas → CSV",
            case("list_models_pandas", endpoint, work / "listed.csv"),
            rows,
        )
    with served(work / "pages") as endpoint:
        ours = report.measured(
            "hf_assets: pages on disk → models table",
            case("ingest", endpoint, work / "lake"),
            models,
        )
        rate = models / ours.wall
        report.ratio("rows/s against list_models → polars", rate / (rows / polars.wall), "≥ 6")
        report.ratio(
            "rows/s against list_models → pandas → CSV", rate / (rows / pandas.wall), "≥ 6"
        )
        report.ratio("peak memory, MB", ours.peak_mb, "≤ 400")
        report.section("Requests: a day with the use of models in Spaces")
        listed = case("capture", endpoint, work / "lake", "spaces").said["requests"]
    requests = ours.said["requests"] + listed
    print(f"  {requests:,} requests; one space_info a Space would be {spaces + requests:,}")
    report.ratio("requests over ceil(models/1000) + ceil(Spaces/1000)",
                 requests / (ceil(models / 1000) + ceil(spaces / 1000)), "1")  # fmt: skip


def _night(report: Report, work: Path) -> None:
    report.section(f"A listing at {LATENCY} s a page, in one chain and in {CHAINS}")
    pages = work / ("few-pages" if (work / "few-pages").exists() else "pages")
    if not pages.exists():
        case("prerender", pages, *SMALL)
    _one_and_many_chains(report, pages, work / "night", ("models",))
    report.section("Models, Spaces and datasets, in turn and side by side")
    _one_and_many_chains(report, pages, work / "nights", ("models", "spaces", "datasets"))


def _one_and_many_chains(report: Report, pages: Path, first: Path, kinds: tuple[str, ...]) -> None:
    """A first night and a later one; several listings each way.

    Args:
        report: takes the figures.
        pages: rendered.
        first: the lake of the first night.
        kinds: of listings.
    """
    names, (limit, window) = ",".join(kinds), WINDOW
    ways = ("in turn", "side by side") if len(kinds) > 1 else ("",)
    walls = {}
    for way in reversed(ways):
        shutil.rmtree(first, ignore_errors=True)
        with served(pages, LATENCY) as endpoint:
            found = case("night", endpoint, first, 1, names, way)
        report.measured(f"one chain a listing, {way}" if way else "one chain", found,
                        found.said["rows"])  # fmt: skip
        walls[way] = found.said["seconds"]
    if len(ways) > 1:
        report.ratio("in turn over side by side", walls["in turn"] / walls["side by side"], "≥ 1.5")
    # What one chain captured, in turn, is the last day for those that follow.
    alone = _as_yesterday(first)
    floors = {"no limit": 0.0, f"{limit} requests in {window} s": alone["pages"] / limit * window}
    for way in ways:
        for (name, floor), options in zip(floors.items(), ((), (limit, window)), strict=True):
            title = f"{name}, {way}" if way else name
            lake = first.with_name(f"{first.name} of {title}")
            shutil.copytree(first, lake)
            with served(pages, LATENCY, *options) as endpoint:
                _point_at(lake, endpoint)
                found = case("night", endpoint, lake, CHAINS, names, way)
            said, bound = found.said, max(floor, alone["seconds"] / 8)
            report.measured(f"{said['chains']} chains, {title}", found, said["rows"])
            wall, requests = said["seconds"] / bound, said["requests"] - said["chains"]
            report.ratio("wall over max(floor of the limit, 1/8 of one chain's)", wall, "≤ 1.1")
            report.ratio("requests less chains, over one chain's", requests / alone["pages"],
                         "≤ 1.01")  # fmt: skip
            distinct = said["distinct"] / alone["distinct"]
            report.ratio("different rows over one chain's", distinct, "1")
            report.ratio("answers 429", said["refusals"], "0")


def _as_yesterday(lake: Path) -> dict[str, Any]:
    """Move the only captures of a lake to an earlier day; returns pages, rows and seconds of all,
    captured in turn."""
    sums = {"seconds": 0.0, "pages": 0, "distinct": 0}
    for folder in [*lake.glob("raw_*/day=*")]:
        folder = folder.rename(folder.with_name(f"day={date.today() - timedelta(days=7)}"))
        manifest = json.loads((folder / "capture.json").read_bytes())
        began, ended = (datetime.fromisoformat(manifest[key]) for key in ("started", "finished"))
        sums["seconds"] += (ended - began).total_seconds()
        sums["pages"] += manifest["pages"]
        sums["distinct"] += manifest["distinct"]
    return sums


def _point_at(lake: Path, endpoint: str) -> None:
    """Let a lake's capture be of that Hub: each is served at a port of its own."""
    for path in (*lake.rglob("capture.json"), *lake.rglob("journal.jsonl")):
        path.write_text(re.sub(r"http://127\.0\.0\.1:\d+", endpoint, path.read_text()))


def _tables(report: Report, work: Path) -> None:
    lake = work / "lake"
    report.section("Tables: captures → models → enriched_spaces → top_models → usage → metrics")
    whole = report.measured("hf_assets: from captured pages", case("pipeline", lake))
    pages = report.measured("bare scan of the needed fields of the pages", case("scan_pages", lake))
    derived = report.measured("hf_assets: derived tables, from models on", case("derived", lake))
    tables = report.measured("bare scan of the needed columns", case("scan_tables", lake))
    csv = work / "csv"
    csv.mkdir()
    case("csv", lake, csv)
    pandas = report.measured("pandas: the same, from CSV", case("pandas_csv", csv))
    report.ratio("CPU of pandas from CSV over ours from pages", pandas.cpu / whole.cpu, "≥ 6")
    report.ratio("CPU of pandas from CSV over ours from tables", pandas.cpu / derived.cpu, "≥ 6")
    report.ratio(
        "peak memory of pandas over ours from pages", pandas.peak_mb / whole.peak_mb, "> 1"
    )
    report.ratio("CPU from pages over the bare scan", whole.cpu / pages.cpu, "≤ 4")
    report.ratio("CPU from tables over the bare scan", derived.cpu / tables.cpu, "≤ 4")

    report.section("Bytes: the models table")
    ours = (lake / "models").glob("day=*/data.parquet")
    size = sum(path.stat().st_size for path in ours)
    polars = case("polars_parquet", lake, work / "polars.parquet").said
    print(f"  {size / polars['rows']:.1f} bytes a row; polars' default writer "
          f"{polars['bytes'] / polars['rows']:.1f}")  # fmt: skip
    report.ratio("bytes over polars' default writer", size / polars["bytes"], "≤ 0.6")


def _backfill(report: Report, work: Path) -> None:
    report.section(f"Backfill: {BACKFILL_DAYS} derived days of 2,000 models and 800 Spaces")
    lake = work / "days"
    days = [str(date.today() - timedelta(days=back)) for back in range(BACKFILL_DAYS, 0, -1)]
    case("prerender", work / "day-pages", 2000, 800)
    with served(work / "day-pages") as endpoint:
        for kind in ("models", "spaces"):
            case("capture", endpoint, lake, kind)
    for asset in ("raw_models", "raw_spaces"):
        captured = next((lake / asset).glob("day=*"))
        for day in days:
            if captured.name != f"day={day}":
                shutil.copytree(captured, lake / asset / f"day={day}")
    environment = {"HF_ASSETS_DATA": str(lake), "DAGSTER_HOME": str(write_home(work / "home"))}
    launch = [str(Path(sys.executable).with_name("dg")), "launch", "--assets",
              'key:"models"+']  # fmt: skip
    began = time.perf_counter()
    for day in days[:SEPARATE_RUNS]:
        run([*launch, "--partition", day], environment)
    each = (time.perf_counter() - began) / SEPARATE_RUNS
    print(
        f"  a run a day: {each:.1f} s each ({SEPARATE_RUNS} measured), so {each * len(days):.0f} s"
    )
    single = report.measured(
        "one single-run backfill",
        run([*launch, "--partition-range", f"{days[0]}...{days[-1]}"], environment),
    )
    report.ratio("wall over that of a run a day", single.wall / (each * len(days)), "≤ 0.2")


def _loading(report: Report) -> None:
    report.section("Loading the code location")
    found = min((case("load") for _ in range(3)), key=lambda one: one.said["seconds"])
    print(f"  {found.said['seconds']:.2f} s; heavy modules loaded: "
          f"{', '.join(found.said['heavy modules']) or 'none'}")  # fmt: skip
    report.ratio("seconds", found.said["seconds"], "< 2")


if __name__ == "__main__":
    sys.exit(main())
