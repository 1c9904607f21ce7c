"""Worlds and folders with days that nobody captured, and what a run told of them."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import dagster as dg

from hf_assets.demo.hub_stats.app import HubStats
from hf_assets.demo.hub_stats.faults import ArchiveFaults
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import (
    Make,
    World,
    days_ago,
)


def day_of(count: int) -> dt.date:
    return dt.date.fromisoformat(days_ago(count))


def served(world: Make, **faults: Any) -> World:
    """A world whose Hub has the archive."""
    hub = GeneratedHub(600, 200, seed=4, day=dt.date.fromisoformat(today()))
    return world(hub, archive=HubStats(hub, ArchiveFaults(**faults)))


def recorded(folder: Path, *days: str, **more: Any) -> Path:
    """A folder with these days, each with one model more than the day before."""
    folder.mkdir(exist_ok=True)
    for at, day in enumerate(days):
        rows = [{"id": f"a/m{n}", "downloads": n, "likes": 1} for n in range(30 + at)]
        folder.joinpath(f"{day}.json").write_text(json.dumps({"models": rows, **more}))
    return folder


def partitions(world: World, asset: str) -> list[str]:
    return sorted(world.materialized(asset))


def left_out(hub: World, asset: str) -> dict[str, str]:
    """The days that the last run left out of that asset, as its one observation names them."""
    seen = hub.instance.fetch_observations(dg.AssetKey(asset), limit=10).records
    told = [one.asset_observation.metadata for one in seen if one.asset_observation]
    found: list[Any] = [facts["reasons"].value for facts in told if "reasons" in facts]
    (said,) = found
    return said
