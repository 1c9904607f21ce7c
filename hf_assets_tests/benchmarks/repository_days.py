"""What `bench-history` measures of the counters of every model, each a case in its own process.

`python -m hf_assets_tests.benchmarks.repository_days CASE ARGUMENT…`. Before there was a series,
thinned days had the counters, with the columns that they kept then. The layout of a peer is built
from its description: long, four columns (identity, day, downloads, likes), as polars and pyarrow
write it by default: a day after the other, as it grows, and in the order of identities.
"""

import itertools
import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
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
from hf_assets.trends.lives.model_phases import model_phases
from hf_assets.trends.lives.so_far import SO_FAR
from hf_assets.trends.series.past import Past
from hf_assets.trends.series.schemas import MODEL_PHASES
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
    """One model's days: from the series, median of nine models; and by a scan of whole days.

    The first is read by a process that has read none, and does not count.
    """
    there = Lake(Path(lake))
    ids = there.read("models", _day(0)).frame.select("hub_id").collect()["hub_id"]
    spent = []
    for hub_id in ids.gather_every(len(ids) // 10)[:10]:
        began = time.process_time()
        rows = history_of(there, "model_days", hub_id)
        spent.append(time.process_time() - began)
    began = time.process_time()
    days = there.days("models")
    for day in days:
        frame = there.read("models", day).frame
        frame.filter(pl.col("hub_id") == hub_id).select("day", *COUNTERS).collect()
    return {
        "cpu": sorted(spent[1:])[4],
        "scan": time.process_time() - began,
        "days": rows.height,
        "stored": len(days),
    }


def grow(lake: str, days: str) -> dict[str, Any]:
    """Growth of all over 28 days, up to the last of the first days."""
    began = time.process_time()
    rows = growing.growth(Lake(Path(lake)), "model_days", _day(int(days) - 1), 28)
    return {"cpu": time.process_time() - began, "rows": rows.height}


def lives(lake: str) -> dict[str, Any]:
    """`model_phases` from the first day on, and on a night after it; CPU seconds."""
    there, spent = Lake(Path(lake)), {}
    for name, full in (("first", True), ("night", False)):
        began = time.process_time()
        made = model_phases(Past(there), full_refresh=full)
        spent[name] = there.write(MODEL_PHASES, None, made).bytes
        spent[f"{name} cpu"] = time.process_time() - began
    return {**spent, "kept": there.read(SO_FAR.name, None).bytes}


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
    "lives": lives,
}  # fmt: skip


def measured(work: Path, models: int, days: int, large: int, only: set[str], report: Any) -> None:
    """The parts that are asked for, printed with their goals; each lake is deleted after its part.

    Args:
        work: a folder.
        models: of the worlds whose bytes count.
        days: of those where most rows stand still, from 62; the others have 30.
        large: models of the world of the size of the Hub.
        only: `still`, `moving`, `large`.
        report: `__main__.Report`.
    """
    folder = os.environ.get("HF_ASSETS_REAL_DATA")
    if folder and Path(folder).is_dir():
        print(f"    unchanged rows of real days: {case('real', folder).said}")
    for activity, count, most in (("still", days, "≤ 1.2"), ("moving", 30, "≤ 2.3")):
        if activity in only:
            report.section(f"Every model: {models:,} models x {count} days, {activity}")
            with _lake(work / activity) as lake:
                _bytes(lake, activity, models, count, most, report)
                if activity == "still":
                    _reads(lake, report)
    if "large" in only:
        report.section(f"Every model, {large:,}: a day added, growth, a year")
        with _lake(work / "large") as lake:
            _large(lake, large, report)


@contextmanager
def _lake(folder: Path) -> Generator[Path]:
    """A folder that is deleted at the end."""
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bytes(lake: Path, activity: str, models: int, days: int, most: str, report: Any) -> None:
    filled = case("fill", lake, models, days, activity).said
    made = report.measured(f"{activity}: {days} days", case("add", lake, days)).said
    rows, share = filled["rows"], filled["unchanged"]
    three, each = made["three"] / rows, made["bytes"] / rows
    report.ratio(f"bytes a model-day, three counters, {share:.0%} unchanged", three, most)
    report.ratio("… with names, traits and the trending score", each, "none")
    thin = filled["thinned bytes"] / rows
    report.ratio("bytes of a thinned day over the three counters", thin / three, "≥ 20")
    report.ratio("… over all", thin / each, "none")
    other = case("peer", lake, 30, lake.parent).said
    for way in sorted(other.keys() - {"rows"}, reverse=True):
        ratio = other[way] / other["rows"] / three
        goal = "none" if "identity" in way else "≥ 2.2"
        report.ratio(f"bytes of the peer's layout, {way}, over the three counters", ratio, goal)


def _reads(lake: Path, report: Any) -> None:
    found = case("one", lake).said
    report.ratio(f"one model's {found['days']} days, CPU ms", found["cpu"] * 1e3, "≤ 60")
    report.ratio("CPU of a scan of days over it", found["scan"] / found["cpu"], "≥ 100")
    phases = report.measured("phases of all", case("lives", lake)).said
    ratio = phases["first cpu"] / phases["night cpu"]
    report.ratio("CPU of phases from the first day on over a night's", ratio, "none")


def _large(lake: Path, models: int, report: Any) -> None:
    case("fill", lake, models, 30, "still")
    spent, peaks, month = [], [], 0
    for at in (3, 16, 30):
        case("add", lake, at - 1)
        added = report.measured(f"day {at} added", case("add", lake, at), models)
        spent.append(added.said["cpu"])
        peaks.append(added.peak_mb)
        month = added.said["bytes"]
    # A day costs the more the more days its month has: nearly a line.
    report.ratio("CPU s of a day added, mean of days 3, 16 and 30", sum(spent) / 3, "≤ 4")
    report.ratio("peak MB", max(peaks), "≤ 600")
    report.ratio("growth over 28 days, CPU s", case("grow", lake, 30).said["cpu"], "≤ 3")
    report.ratio("one model's month, CPU ms", case("one", lake).said["cpu"] * 1e3, "≤ 15")
    report.ratio("GB a year, of a month of 30 days", month / 30 * 365 / 1e9, "≤ 1.2")


if __name__ == "__main__":
    print(json.dumps(CASES[sys.argv[1]](*sys.argv[2:])))
