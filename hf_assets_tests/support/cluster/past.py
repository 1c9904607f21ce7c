"""A past that a cluster makes: its archive on loopback, and what one machine makes of it."""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub_stats.app import HubStats
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.capture_store.store import RAW, CaptureStore
from hf_assets.storage.lake import Lake, today
from hf_assets_tests.support.defs import backfill
from hf_assets_tests.support.deploy.read import PROJECT

TABLES = (
    *("models", "enriched_spaces", "hub_datasets", "top_models", "model_usage", "families"),
    *("uses", "used_by", "daily_metrics", "daily_changes"),
)


@dataclass(frozen=True)
class Past:
    """Days before today, the variables of the graph that makes them, and what one machine made.

    Attributes:
        days: the partition keys, oldest first.
        variables: all but HF_ASSETS_DATA.
        expected: each table's days, as `made_of` gives them.
        files: files that a lake of it has.
    """

    days: list[str]
    variables: dict[str, str] = field(repr=False)
    expected: dict[str, Any] = field(repr=False)
    files: int

    def has(self, name: str, made: Any) -> bool:
        """Whether one machine made the same of a table and day, or of a capture."""
        expected = self.expected[name]
        return made == expected if isinstance(expected, str) else made.equals(expected)

    def spans(self, runs: int) -> list[tuple[str, str]]:
        """First and last day of so many ranges of about the same length."""
        ends = [len(self.days) * number // runs for number in range(runs + 1)]
        return [(self.days[first], self.days[last - 1]) for first, last in pairwise(ends)]


@contextmanager
def past(folder: Path, days: int, rows: int = 300) -> Generator[Past]:
    """The past of a generated Hub, served while the block runs.

    Args:
        folder: for the lake of one machine.
        days: before today.
        rows: models of the Hub.
    """
    end = dt.date.fromisoformat(today())
    keys = [f"{end - dt.timedelta(back)}" for back in range(days, 0, -1)]
    hub = GeneratedHub(rows, rows // 3, seed=4, day=end)
    app = create_app(hub, archive=HubStats(hub), rate_limit=10**6)
    with LoopbackServer(app) as server:
        variables = {
            "HF_ENDPOINT": server.url,
            "HF_HOME": str(folder / "hf_home"),
            "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
            "HF_ASSETS_FIRST_DAY": keys[0],
            "HF_ASSETS_STEP_RETRY_WAIT": "0.1",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
        lake = Lake(folder / "single")
        shutil.rmtree(lake.root, ignore_errors=True)
        single = begin((keys[0], keys[-1]), variables | {"HF_ASSETS_DATA": str(lake.root)})
        assert not (why := why_failed(single)), why
        yield Past(keys, variables, made_of(lake, keys), files_of(lake))


def begin(span: tuple[str, str], variables: Mapping[str, str]) -> subprocess.Popen[str]:
    """A run of `past_days` over a range, in a process of its own.

    Args:
        span: first and last day.
        variables: of the graph, its lake among them.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return subprocess.Popen(
        [sys.executable, "-m", backfill.__name__, *span],
        env={**clean, **variables},
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def why_failed(run: subprocess.Popen[str]) -> str:
    """Wait for the end of a run; why it failed, or empty."""
    printed, said = run.communicate()
    if run.returncode == 0 and json.loads(printed.splitlines()[-1])["success"]:
        return ""
    return f"{run.returncode}: {printed[-2000:]} {said[-4000:]}"


def made_of(lake: Lake, days: list[str]) -> dict[str, Any]:
    """Every row of each table and day, sorted, and the hash of each capture."""
    return {f"{name} {day}": stored(lake, name, day) for name in (*TABLES, *RAW) for day in days}


def stored(lake: Lake, name: str, day: str) -> Any:
    """The rows of a table of a day, sorted; of a capture its hash, None where it is missing."""
    if name in RAW:
        capture = CaptureStore(lake, name).complete(day)
        return capture.provenance["sha256"] if capture else None
    return _sorted(lake.read(name, day).frame.collect())


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows in an order of their own: that of stored ones means nothing."""
    texts = rows.select(pl.struct(pl.all()).struct.json_encode().alias("row"))
    return texts.sort("row")


def differing(lake: Lake, past: Past) -> list[str]:
    """The tables and days of a lake that differ from one machine's."""
    made = made_of(lake, past.days)
    return [name for name in past.expected if not past.has(name, made[name])]


def files_of(lake: Lake) -> int:
    """How many tables and markers are stored so far."""
    return sum(
        len(lake.days(name, marker))
        for name, marker in [
            *((name, "data.parquet") for name in TABLES),
            *((name, "capture.json") for name in RAW),
        ]
    )


def stored_files(lake: Lake) -> int:
    """What `files_of` counts of a lake on a store, by one listing of it."""
    counted = dict.fromkeys(TABLES, "data.parquet") | dict.fromkeys(RAW, "capture.json")
    names = [path.relative_to(lake.root).parts for path, _ in lake.root.below()]
    return sum(len(name) == 3 and counted.get(name[0]) == name[2] for name in names)
