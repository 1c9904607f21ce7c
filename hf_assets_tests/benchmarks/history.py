"""`make bench-history`: a year of days, made, extended, put into series, looked at, and thinned.

One run: days are generated as an archive, filled from it by one run of the graph, and the series
over them are made by ours, by one polars scan over the raw days, and by pandas. Figures are printed
with ratios and written as JSON; nothing fails for being slow. `--days 365 --models 50000`, the
default, takes about twenty minutes on two cores; the counters of every model (`--only still moving
large`) as long again, and 6 GB of disk at a time.
"""

import argparse
import json
import sys
import tempfile
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from statistics import median

from hf_assets.runner.home import write_home
from hf_assets_tests.benchmarks import repository_days
from hf_assets_tests.benchmarks.__main__ import Report
from hf_assets_tests.benchmarks.measure import Measured, case, machine, run
from hf_assets_tests.benchmarks.visits import visited

SPACES_A_MODEL = 0.4
# Where the last 60 days stay whole, and pages of the last 30.
AGES = (60, 30)
VISITS = 3
# `year`: a backfilled lake. The others are of every model's counters.
PARTS = ("year", "still", "moving", "large")
# Days added one by one, each with all series after it.
NIGHTS = 3
_case = partial(case, module="history_cases")


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m hf_assets_tests.benchmarks.history", description=__doc__
    )
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--models", type=int, default=50_000)
    parser.add_argument("--every", type=int, default=300_000, help="models of the counters' world")
    parser.add_argument("--every-days", type=int, default=360, help="days of it")
    parser.add_argument("--large", type=int, default=2_500_000, help="models of the large one")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="these parts alone")
    parser.add_argument("--folder", type=Path, help="keep what is made there")
    parser.add_argument("--out", type=Path, default=Path("bench-history.json"))
    options = parser.parse_args()
    report = Report()
    print(f"{machine()}; {options.days} days of {options.models:,} models")
    with tempfile.TemporaryDirectory(prefix="hf-assets-bench-") as temporary:
        work = options.folder or Path(temporary)
        days = [str(date.today() - timedelta(days=back)) for back in range(options.days, 0, -1)]
        if "year" in options.only:
            nights = _filled(report, work, days, options.models)
            _series(report, work, days, nights)
            _page(report, work / "lake")
            _thinned(report, work)
        every = options.every, options.every_days, options.large
        repository_days.measured(work, *every, set(options.only), report)
    options.out.write_text(json.dumps(report.figures, indent=2, default=str))
    print(f"\nAll figures: {options.out}")
    return 0


def _environment(work: Path, first: str) -> dict[str, str]:
    return {
        "DAGSTER_HOME": str(write_home(work / "home")),
        "HF_ASSETS_DATA": str(work / "lake"),
        "HF_ASSETS_ARCHIVE": str(work / "archive"),
        "HF_ASSETS_FIRST_DAY": first,
    }


def _launch(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("dg")), "launch", *arguments]


def _filled(report: Report, work: Path, days: list[str], models: int) -> list[Measured]:
    """The lake, filled; what all series cost on each of its last nights."""
    report.section(f"Backfill: {len(days)} days from an archive, in one run")
    spaces = int(models * SPACES_A_MODEL)
    _case("archive", work / "archive", days[0], len(days), models, spaces)
    environment = _environment(work, days[0])
    job = ("--job", "past_days", "--partition-range")
    before, last = days[:-NIGHTS], days[-NIGHTS:]
    most = report.measured(
        f"{len(before)} days",
        run(_launch(*job, f"{before[0]}...{before[-1]}"), environment),
        len(before) * models,
    )
    report.measured("all series, for the first time", _case("series", work / "lake"))
    alone, nights = [], []
    for day in last:
        launched = run(_launch(*job, f"{day}...{day}"), environment)
        alone.append(report.measured(f"adding {day}", launched, models))
        nights.append(report.measured("all series, a day later", _case("series", work / "lake")))
    a_day = median(one.wall for one in alone)
    each = most.wall / len(before)
    report.ratio("seconds a day in one run over a day's own run", each / a_day, "≤ 0.2")
    return nights


def _series(report: Report, work: Path, days: list[str], nights: list[Measured]) -> None:
    report.section(f"All series over {len(days)} days, a day later: CPU s without starting Python")
    for part in nights[0].said["cpu"]:
        found = " ".join(f"{night.said['cpu'][part]:.3f}" for night in nights)
        print(f"    {part:<28}{found}")
    judged = median(night.said["cpu"]["day_quality"] for night in nights)
    every = median(sum(night.said["cpu"].values()) for night in nights) - judged
    storing = median(night.said["storing"] for night in nights)
    report.ratio(f"the series read and made, median of {NIGHTS} nights", every - storing, "≤ 0.5")
    report.ratio("… and stored", every, "≤ 0.5")
    report.ratio("day_quality beside them", judged, "none")
    for name, title in (
        ("scan", "one polars scan over the raw days: one series"),
        ("pandas", "pandas, a raw day at a time: one series"),
    ):
        other = report.measured(title, _case(name, work / "lake"))
        report.ratio(
            f"CPU of {name}, for one, over ours, for all", other.said["cpu"] / every, "> 1"
        )


def _page(report: Report, lake: Path) -> None:
    """From the address to the whole page, in a browser that has its scripts, and in one without."""
    report.section("The page: seconds from the address")
    goals = {"paint": "< 2", "totals": "< 2", "memory": "bounded"}
    for _ in visited(report, lake, lake.parent / "page.log", visits=VISITS, **goals):
        pass


def _thinned(report: Report, work: Path) -> None:
    report.section(f"Bytes: after {AGES[0]} days (rows) and {AGES[1]} (pages)")
    found = _case("thin", work / "lake", *AGES).said
    for kind, (days, before, after) in found.items():
        if days:
            print(f"  {kind:<18}{days:>5} days{before / days / 1e6:>9.2f} → "
                  f"{after / days / 1e6:.2f} MB a day")  # fmt: skip
            report.figures[f"bytes a day: {kind}"] = {
                "before": before / days,
                "after": after / days,
            }


if __name__ == "__main__":
    sys.exit(main())
