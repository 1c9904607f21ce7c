"""What `bench-history` measures of the counters of every model, each a case in its own process.

`python -m hf_assets_tests.benchmarks.repository_days CASE ARGUMENT…`. Today's way is the lake's own
thinned days; the peer's layout is built from its description: long, four columns (identity, day,
downloads, likes), as polars and pyarrow write it by default: a day after the other, as it grows,
and in the order of identities.
"""

import itertools
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.hub.repository_days import growth as growing
from hf_assets.hub.repository_days import refresh as refreshing
from hf_assets.hub.repository_days.reading import history_of
from hf_assets.hub.repository_days.schemas import OF_MODELS, Kind
from hf_assets.hub.repository_days.sources import SourceDay
from hf_assets.storage.lake import Lake, StoredTable, TableWrite
from hf_assets_tests.benchmarks.counters_world import MOVING, STILL, CountersWorld
from hf_assets_tests.benchmarks.measure import Measured, run

FIRST = date(2026, 1, 1)
COUNTERS = ("downloads", "downloads_all_time", "likes")


def fill(lake: str, models: str, days: str, activity: str) -> dict[str, Any]:
    """Days of generated models, as thinned days have them; the share of rows that stand still."""
    there, spent = Lake(Path(lake)), 0
    world = CountersWorld(
        int(models), FIRST, int(days), {"still": STILL, "moving": MOVING}[activity]
    )
    rows, share, before = 0, [], None
    for at, frame in enumerate(world.tables()):
        stored = there.write(OF_MODELS.source, _day(at), TableWrite([frame]))
        spent, rows = spent + stored.bytes, rows + frame.height
        if at < 3:
            now = frame.select("hub_id", *COUNTERS)
            if before is not None:
                share.append(unchanged(before, now)["all three"])
            before = now
    quality = pl.DataFrame(
        [{"day": FIRST + timedelta(at), "trusted": True} for at in range(int(days))],
        schema=DAY_QUALITY.schema,
    )
    there.write(DAY_QUALITY, None, TableWrite([quality]))
    return {"rows": rows, "thinned bytes": spent, "unchanged": sum(share) / max(len(share), 1)}


def add(lake: str, days: str) -> dict[str, Any]:
    """The series of the first days."""
    there, every, last = Lake(Path(lake)), refreshing.source_days, _day(int(days) - 1)

    def first(lake: Lake, kind: Kind) -> dict[str, SourceDay]:
        return {day: one for day, one in every(lake, kind).items() if day <= last}

    vars(refreshing)["source_days"] = first
    began = time.process_time()
    stored = refreshing.refresh(there, OF_MODELS)
    spent, columns = time.process_time() - began, _bytes_by_column(stored)
    names = {name for one in OF_MODELS.counters if one.name in COUNTERS for name in one.stored}
    three = sum(columns[name] for name in ("hub_id", "listed", *names))
    return {"cpu": spent, "bytes": stored.bytes, "three": three, "names": columns["id"]}


def _bytes_by_column(stored: StoredTable) -> Counter[str]:
    found: Counter[str] = Counter()
    for file in stored.month_files:
        with file.arrow() as opened:
            groups = opened.metadata
            for group, column in itertools.product(
                range(groups.num_row_groups), range(groups.num_columns)
            ):
                about = groups.row_group(group).column(column)
                found[about.path_in_schema.split(".")[0]] += about.total_compressed_size
    return found


def one(lake: str) -> dict[str, Any]:
    """One model's days: from the series, median of five; and by a scan of whole days."""
    there = Lake(Path(lake))
    hub_id = there.read("models", _day(0)).frame.select("hub_id").collect()["hub_id"][1234]
    spent = []
    for _ in range(6):
        began = time.process_time()
        rows = history_of(there, "model_days", hub_id)
        spent.append(time.process_time() - began)
    began = time.process_time()
    days = there.days("models")
    for day in days:
        frame = there.read("models", day).frame
        frame.filter(pl.col("hub_id") == hub_id).select("day", *COUNTERS).collect()
    return {
        "cpu": sorted(spent[1:])[2],
        "scan": time.process_time() - began,
        "days": rows.height,
        "stored": len(days),
    }


def grow(lake: str, days: str) -> dict[str, Any]:
    """Growth of all over 28 days, up to the last of the first days."""
    began = time.process_time()
    rows = growing.growth(Lake(Path(lake)), "model_days", _day(int(days) - 1), 28)
    return {"cpu": time.process_time() - began, "rows": rows.height}


def peer(lake: str, days: str, folder: str) -> dict[str, Any]:
    """The first days long, four columns, in the order of identity and day; bytes."""
    there = Lake(Path(lake))
    frames = [
        there.read("models", _day(at)).frame.select("hub_id", "day", "downloads", "likes").collect()
        for at in range(int(days))
    ]
    grown = pl.concat(frames, rechunk=True)
    path, found = Path(folder) / "peer.parquet", {"rows": grown.height}
    for order, rows in (("as it grows", grown), ("by identity", grown.sort("hub_id", "day"))):
        rows.write_parquet(path)
        found[f"polars, {order}"] = path.stat().st_size
        pq.write_table(rows.to_arrow(), path)
        found[f"pyarrow, {order}"] = path.stat().st_size
    path.unlink()
    return found


def real(folder: str) -> dict[str, Any]:
    """The shares of unchanged rows of real days: top models, and models for transformers.js."""
    root, shares = Path(folder), {}
    top = sorted((root / "hub-top-models-daily-2026-08").glob("*.json"))
    frames = [
        pl.DataFrame(json.loads(path.read_bytes())["models"]).select("id", "downloads", "likes")
        for path in top
    ]
    shares["top models"] = _mean(frames)
    rows = pl.read_csv(root / "hub-transformersjs-daily" / "daily.csv.gz")
    rows = rows.select("day", "id", "downloads", "likes")
    shares["transformers.js"] = _mean([part.drop("day") for part in rows.partition_by("day")])
    return shares


def _mean(frames: Sequence[pl.DataFrame]) -> dict[str, float]:
    found = [unchanged(a, b) for a, b in itertools.pairwise(frames)]
    return {name: sum(one[name] for one in found) / len(found) for name in found[0]}


def unchanged(before: pl.DataFrame, now: pl.DataFrame) -> dict[str, float]:
    """Shares of the rows of both days with equal counters; the first column is the key."""
    key, *names = before.columns
    both = before.join(now, on=key)
    same = {name: both[name].eq_missing(both[f"{name}_right"]) for name in names}
    every = pl.DataFrame(same)
    shares = every.select(pl.all().mean(), pl.all_horizontal(pl.all()).mean().alias("all three"))
    return shares.row(0, named=True)


def _day(at: int) -> str:
    return f"{FIRST + timedelta(at)}"


def case(name: str, *arguments: object) -> Measured:
    """Run a case in a new process."""
    module = "hf_assets_tests.benchmarks.repository_days"
    return run([sys.executable, "-m", module, name, *map(str, arguments)])


CASES: dict[str, Callable[..., dict[str, Any]]] = {
    "fill": fill, "add": add, "one": one, "grow": grow, "peer": peer, "real": real,
}  # fmt: skip


def measured(work: Path, models: int, days: int, large: int, report: Any) -> None:
    """All of it, printed with its goals.

    Args:
        work: a folder.
        models: of the world whose bytes count.
        days: of that world, from 30.
        large: models of the world of the size of the Hub.
        report: `__main__.Report`.
    """
    report.section(f"Every model: {models:,} models x {days} days, three counters and the score")
    folder = os.environ.get("HF_ASSETS_REAL_DATA")
    if folder and Path(folder).is_dir():
        print(f"    unchanged rows of real days: {case('real', folder).said}")
    for activity, most in (("still", "≤ 1.2"), ("moving", "≤ 2.3")):
        lake = work / activity
        count = days if activity == "still" else 30
        filled = case("fill", lake, models, count, activity).said
        made = report.measured(f"{activity}: {count} days", case("add", lake, count))
        each = made.said["bytes"] / filled["rows"]
        share = filled["unchanged"]
        three = made.said["three"] / filled["rows"]
        report.ratio(f"bytes a model-day, three counters, {share:.0%} unchanged", three, most)
        report.ratio("… with names and the trending score", each, "none")
        thin = filled["thinned bytes"] / filled["rows"]
        report.ratio("bytes of a thinned day over it", thin / each, "≥ 20")
        other = case("peer", lake, 30, work).said
        for way, size in other.items():
            if way != "rows":
                ratio = size / other["rows"] / each
                report.ratio(f"bytes of the peer's layout, {way}, over it", ratio, "≥ 2.2")
        if activity == "still":
            found = case("one", lake).said
            report.ratio(f"one model's {found['days']} days, CPU ms", found["cpu"] * 1e3, "≤ 60")
            report.ratio("CPU of a scan of days over it", found["scan"] / found["cpu"], "≥ 100")
    _large(work / "large", large, report)


def _large(lake: Path, models: int, report: Any) -> None:
    report.section(f"Every model, {models:,}: a day added, growth, a year")
    days = 32
    case("fill", lake, models, days, "still")
    spent, peaks = [], []
    for at in (3, 16, 30):
        case("add", lake, at - 1)
        added = report.measured(f"day {at} added", case("add", lake, at), models)
        spent.append(added.said["cpu"])
        peaks.append(added.peak_mb)
        year = added.said["bytes"] / at * 365 / 1e9
    report.ratio("CPU s of a day added, mean of days 3, 16 and 30", sum(spent) / 3, "≤ 4")
    report.ratio("peak MB", max(peaks), "≤ 600")
    report.ratio("growth over 28 days, CPU s", case("grow", lake, 30).said["cpu"], "≤ 3")
    report.ratio("one model, CPU ms", case("one", lake).said["cpu"] * 1e3, "within 3 x")
    report.ratio("GB a year, of a month of 30 days", year, "≤ 1.2")


if __name__ == "__main__":
    print(json.dumps(CASES[sys.argv[1]](*sys.argv[2:])))
