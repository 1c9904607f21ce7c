"""`make bench-cluster`: a lake on a store beside one in a folder, and days spread over Ray.

One run measures both sides and prints ratios: a night from an embedded Hub, all series over a year,
and a backfill on two workers of Ray against one process on the same cores. Requests to the store
are counted by a proxy, in runs that are not timed. `--full` takes 200 k models a day on Ray.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from hf_assets.runner import process
from hf_assets.runner.home import write_home
from hf_assets.storage.lake import today
from hf_assets_tests.benchmarks.__main__ import Report
from hf_assets_tests.benchmarks.measure import Measured, case, machine, run, served
from hf_assets_tests.support.object_store.counting import CountingProxy
from hf_assets_tests.support.object_store.weed import Weed, variables, weed

SPACES_A_MODEL = 0.4
# Models of a night: small and medium.
NIGHTS = (2_000, 50_000)
# Of the series: a year of small days, in which requests weigh most.
SERIES_DAYS, SERIES_MODELS = 365, 2_000
# Of the backfill on Ray: as many days, of so many models; and with `--full`.
BACKFILL_DAYS, BACKFILL_MODELS, FULL_MODELS = 30, 50_000, 200_000
WORKERS = 2
PARTS = ("night", "series", "backfill")
history_case = partial(case, module="history_cases")


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m hf_assets_tests.benchmarks.cluster", description=__doc__
    )
    parser.add_argument("--full", action="store_true", help="days of 200 k models on Ray")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--nights", type=int, nargs="+", default=NIGHTS, metavar="MODELS")
    parser.add_argument("--days", type=int, default=SERIES_DAYS, help="of the series")
    parser.add_argument("--models", type=int, default=SERIES_MODELS, help="of a day of the series")
    parser.add_argument("--backfill-days", type=int, default=BACKFILL_DAYS)
    parser.add_argument("--backfill-models", type=int, default=BACKFILL_MODELS)
    parser.add_argument("--out", type=Path, default=Path("bench-cluster.json"))
    options = parser.parse_args()
    report = Report()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="hf-assets-bench-", dir="/tmp") as temporary:
        work = Path(temporary)
        if "night" in options.only:
            for models in options.nights:
                _night(report, work / f"night-{models}", models)
        if "series" in options.only:
            _series(report, work / "series", options.days, options.models)
        if "backfill" in options.only:
            models = FULL_MODELS if options.full else options.backfill_models
            _backfill(report, work / "backfill", options.backfill_days, models)
    options.out.write_text(json.dumps(report.figures, indent=2, default=str))
    print(f"\nAll figures: {options.out}")
    return 0


@contextmanager
def _store() -> Generator[tuple[Weed, CountingProxy]]:
    """SeaweedFS with the bucket `bench`, and a proxy before it."""
    with weed() as server, CountingProxy(server.port) as proxy:
        server.create_bucket("bench")
        yield server, proxy


def _environment(home: Path, lake: str, endpoint: str) -> dict[str, str]:
    return {
        "DAGSTER_HOME": str(write_home(home)),
        "HF_ASSETS_DATA": lake,
        "HF_ASSETS_SCRATCH": str(home / "scratch"),
        # A step that fails is seen at once.
        "HF_ASSETS_STEP_RETRY_WAIT": "1",
        **variables(endpoint),
    }


def _cost(proxy: CountingProxy, name: str, report: Report, days: int = 1) -> Counter[str]:
    """Print and keep the requests of a run, of a day."""
    counts = proxy.counts()
    by_asset = Counter(_asset(asked.key) for asked in proxy.asked)
    total = sum(counts.values())
    print(f"  {name}: {total / days:,.1f} requests a day")
    print("   ", ", ".join(f"{kind} {number / days:,.1f}" for kind, number in counts.most_common()))
    print("    most:", ", ".join(f"{key} {number}" for key, number in by_asset.most_common(8)))
    report.figures[f"requests: {name}"] = {
        "days": days,
        "counts": dict(counts),
        "bytes": sum(asked.size for asked in proxy.asked),
        "by asset": dict(by_asset),
    }
    proxy.clear()
    return counts


def _asset(key: str) -> str:
    """The asset of an object: the part after the lake's prefix."""
    return re.sub(r"(day|month|v)=.*", "", key.partition("/")[2]).strip("/") or "(listings)"


def _night(report: Report, work: Path, models: int) -> None:
    report.section(f"A night: {models:,} models")
    hub = case("prerender", work / "hub", models, int(models * SPACES_A_MODEL))
    job = process.launch(job=process.CAPTURE_TODAY, partition=today())
    report.figures[f"pages of a night of {models:,}"] = sum(hub.said.values())
    with served(work / "hub") as url, _store() as (server, proxy):

        def night(name: str, lake: str, endpoint: str) -> Measured:
            there = _environment(work / name, lake, endpoint) | {"HF_ENDPOINT": url}
            return run(job, there)

        folder = report.measured("in a folder", night("a", str(work / "lake"), server.endpoint))
        store = report.measured("on SeaweedFS", night("b", "s3://bench/lake", server.endpoint))
        report.ratio(
            f"wall of a night of {models:,}, store / folder", store.wall / folder.wall, "≤ 1.3"
        )
        night("c", "s3://bench/counted", proxy.url)
        _cost(proxy, f"a night of {models:,} models", report)
        # The next run of the same day: the capture is there, and all tables are built again.
        night("c", "s3://bench/counted", proxy.url)
        _cost(proxy, f"the same night again, {models:,} models", report)


def _archive(work: Path, days: int, models: int) -> tuple[list[str], dict[str, str]]:
    """Days up to yesterday in a folder of an archive, and the variables that name it."""
    keys = [str(date.today() - timedelta(days=back)) for back in range(days, 0, -1)]
    history_case("archive", work / "archive", keys[0], days, models, int(models * SPACES_A_MODEL))
    return keys, {"HF_ASSETS_ARCHIVE": str(work / "archive"), "HF_ASSETS_FIRST_DAY": keys[0]}


def _past(days: Sequence[str]) -> list[str]:
    return process.launch(job=process.PAST_DAYS, days=f"{days[0]}...{days[-1]}")


def _copied(source: str, target: str, environment: dict[str, str]) -> None:
    run([sys.executable, "-m", "hf_assets.cli.main", "copy", source, target], environment)


def _series(report: Report, work: Path, days: int, models: int) -> None:
    report.section(f"All series over {days} days of {models:,} models")
    keys, archive = _archive(work, days, models)
    folder = str(work / "lake")
    with _store() as (server, proxy):
        plain = _environment(work / "home", folder, server.endpoint) | archive
        counted = _environment(work / "home", folder, proxy.url) | archive
        run(_past(keys[:-1]), plain)
        lakes = {"folder": folder, "store": "s3://bench/lake", "counted": "s3://bench/counted"}
        for lake in ("store", "counted"):
            _copied(folder, lakes[lake], plain)

        def series(when: str) -> None:
            alone = report.measured(f"in a folder, {when}", history_case("series", folder))
            there = history_case("series", lakes["store"], environment=plain)
            report.measured(f"on SeaweedFS, {when}", there)
            report.ratio(f"wall of all series, {when}", there.wall / alone.wall, "≤ 2")
            proxy.clear()
            history_case("series", lakes["counted"], environment=counted)
            _cost(proxy, f"all series, {when}", report, days)

        series("for the first time")
        last = {**plain, **archive}
        run(_past(keys[-1:]), last)
        for lake in ("store", "counted"):
            environment = last | {"HF_ASSETS_DATA": lakes[lake]}
            run(_past(keys[-1:]), environment)
        series("a day later")


def _backfill(report: Report, work: Path, days: int, models: int) -> None:
    from hf_assets_tests.support.cluster.cluster import cluster
    from hf_assets_tests.support.deploy.postgres import postgres_server

    report.section(f"Backfill: {days} days of {models:,} models, {WORKERS} workers of Ray")
    keys, archive = _archive(work, days, models)
    with weed() as server, postgres_server() as record:
        home = work / "alone"
        alone = run(_past(keys), _environment(home, str(work / "lake"), server.endpoint) | archive)
        report.measured("one process, free to use both cores", alone, days * models)
        elsewhere = _environment(home, str(work / "lake-1"), server.endpoint) | archive
        first = run(["taskset", "--cpu-list", "0", *_past(keys)], elsewhere)
        report.measured("one process, on one of the cores", first, days * models)
        there = archive | {"HF_ASSETS_DATA": str(work / "on-ray"), "HF_ASSETS_LOCKS": "postgres"}
        there |= {"HF_ASSETS_SCRATCH": str(work / "scratch"), **variables(server.endpoint)}
        there |= record.variables
        with cluster(there, WORKERS) as ray:
            size = -(-days // WORKERS)
            parts = [keys[begin : begin + size] for begin in range(0, days, size)]
            began = time.perf_counter()
            runs = [ray.launch_days(part[0], part[-1]) for part in parts]
            for launched in runs:
                status = ray.end_of(launched)
                if status != "SUCCESS":
                    raise RuntimeError(f"run {launched} ended with {status}\n{ray.said()}")
            wall = time.perf_counter() - began
        print(f"  {'two workers of Ray, from launch to end':<44}{wall:>8.1f} s")
        report.figures["two workers of Ray"] = {"wall": wall}
        report.ratio("one process over two workers", alone.wall / wall, "≥ 1.6")
        report.ratio("one core over two workers of a core each", first.wall / wall, "≥ 1.6")


if __name__ == "__main__":
    sys.exit(main())
