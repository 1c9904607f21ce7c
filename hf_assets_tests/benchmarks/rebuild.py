"""`make bench-rebuild`: captured days made again, as after a change of code, beside an older build.

`--before PATH` names a checkout of that build (`git worktree add PATH TAG`); both builds make the
same days in turn, on one core (CPU seconds) and on two (wall), and their tables are compared. The
days are copies of one capture, so that a day differs from the next by its date alone.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import polars.selectors as cs

from hf_assets.hub.capture_store.store import RAW
from hf_assets.runner import process
from hf_assets.runner.home import write_home
from hf_assets.runner.parts import TABLES
from hf_assets.storage.lake import Lake
from hf_assets_tests.benchmarks.__main__ import SMALL, Report
from hf_assets_tests.benchmarks.measure import Measured, case, machine, run, served

HERE = Path(__file__).resolve().parents[2]
DAYS, ROUNDS = 6, 1
# Sums of floats differ in their last bits where another number of threads adds them up.
DIGITS = 12
_STARTED = (
    "import os, sys; os.chdir(sys.argv[1]); os.sched_setaffinity(0, range(int(sys.argv[2]))); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m hf_assets_tests.benchmarks.rebuild", description=__doc__
    )
    parser.add_argument("--before", type=Path, help="a checkout of the build to compare with")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--models", type=int, default=SMALL[0], help="of a day")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="the best of so many counts")
    parser.add_argument("--out", type=Path, default=Path("bench-rebuild.json"))
    options = parser.parse_args()
    report = Report()
    print(f"{machine()}; {options.days} days of {options.models:,} models")
    builds = {"this build": HERE}
    if options.before:
        builds = {"before": options.before.resolve(), **builds}
    with tempfile.TemporaryDirectory(prefix="hf-assets-bench-", dir="/tmp") as temporary:
        work = Path(temporary)
        days = _captured(work, options.models, options.days)
        found: dict[tuple[str, int], Measured] = {}
        for cores in (1, 2):
            for number in range(options.rounds):
                for name, code in builds.items():
                    lake = work / f"{name} {cores}".replace(" ", "-")
                    made = _rebuilt(work, lake, code, days, cores)
                    report.measured(f"{name}, {cores} core{'s' * (cores > 1)}, round {number + 1}",
                                    made, len(days) * options.models)  # fmt: skip
                    best = found.get((name, cores), made)
                    found[name, cores] = min(
                        best, made, key=lambda one: (one.cpu, one.wall)[cores - 1]
                    )
        if options.before:
            one, two = (
                [found[name, cores] for name in ("before", "this build")] for cores in (1, 2)
            )
            report.ratio("CPU on one core, before over now", one[0].cpu / one[1].cpu, "≥ 1.5")
            report.ratio("wall on two cores, before over now", two[0].wall / two[1].wall, "≥ 1.7")
            different = [*_different(work / "before-2", work / "this-build-2", days)]
            print(f"  tables that differ: {', '.join(different) or 'none'}")
            report.figures["tables that differ"] = different
    options.out.write_text(json.dumps(report.figures, indent=2, default=str))
    print(f"\nAll figures: {options.out}")
    return 0


def _captured(work: Path, models: int, days: int) -> list[str]:
    """A lake `captured` of as many past days."""
    lake = work / "captured"
    case("prerender", work / "pages", models, models * SMALL[1] // SMALL[0])
    with served(work / "pages") as endpoint:
        for asset in RAW:
            case("capture", endpoint, lake, asset.removeprefix("raw_"))
    keys = [str(date.today() - timedelta(days=back)) for back in range(days, 0, -1)]
    for asset in RAW:
        # Away first: the day of the capture may be one of these.
        captured = next((lake / asset).glob("day=*")).rename(work / asset)
        for key in keys:
            shutil.copytree(captured, lake / asset / f"day={key}", copy_function=os.link)
        shutil.rmtree(captured)
    return keys


def _rebuilt(work: Path, lake: Path, code: Path, days: Sequence[str], cores: int) -> Measured:
    """All daily tables of these days in one run, by that code, on so many cores."""
    shutil.rmtree(lake, ignore_errors=True)
    shutil.copytree(work / "captured", lake, copy_function=os.link)
    home = lake.with_name(f"{lake.name}-home")
    shutil.rmtree(home, ignore_errors=True)
    environment: Mapping[str, str] = {
        "DAGSTER_HOME": str(write_home(home)),
        "HF_ASSETS_DATA": str(lake),
        "HF_ASSETS_ARCHIVE": "none",
        "HF_ASSETS_FIRST_DAY": days[0],
        "HF_ASSETS_DAYS_AT_ONCE": str(cores),
        "POLARS_MAX_THREADS": str(cores),
        "PYTHONPATH": str(code),
    }
    command = process.launch(job=process.PAST_DAYS, days=f"{days[0]}...{days[-1]}")
    return run([sys.executable, "-c", _STARTED, str(code), str(cores), *command], dict(environment))


def _different(first: Path, second: Path, days: Sequence[str]) -> Iterator[str]:
    """Tables and days whose rows are not the same in both lakes, in any order of the rows."""
    lakes = Lake(first), Lake(second)
    for table in (*TABLES, "hub_datasets"):
        for day in days:
            one, other = (_rows(lake.read(table, day).frame.collect()) for lake in lakes)
            if not one.equals(other):
                yield f"{table} {day}"


def _rows(frame: pl.DataFrame) -> pl.DataFrame:
    rounded = frame.with_columns(cs.float().round_sig_figs(DIGITS))
    return rounded.sort(cs.all() - cs.list() - cs.struct())


if __name__ == "__main__":
    sys.exit(main())
