"""The embedded archive of past days while it is served, and the clients that ask it."""

import datetime as dt
import functools
from collections.abc import Callable
from typing import Any

import polars as pl
import pyarrow.parquet as pq
from huggingface_hub import GitCommitInfo, HfApi, HfFileSystem

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub_stats.app import DATASET, HubStats
from hf_assets.demo.hub_stats.faults import ArchiveFaults
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.source import Kind
from hf_assets_tests.conftest import Serve

TODAY = dt.date(2026, 11, 20)
KINDS: tuple[Kind, ...] = ("models", "spaces", "datasets")
FIRST = dt.date(2024, 7, 29)
HUB = GeneratedHub(1500, 700, seed=3, day=TODAY)


class ServedArchive:
    """An archive of `HUB` on loopback, huggingface_hub's clients of it, and its days."""

    def __init__(self, serve: Serve, faults: ArchiveFaults | None, options: dict[str, Any]) -> None:
        self.archive = HubStats(HUB, faults, **options)
        self.app = create_app(HUB, archive=self.archive, rate_limit=10_000)
        self.url = serve(self.app).url
        self.api = HfApi(endpoint=self.url, token=False)

    def commits(self, path: str = "models.parquet") -> dict[dt.date, str]:
        """The hash of each day's upload of that file, by the titles of the commits."""
        return {
            commit.created_at.date(): commit.commit_id
            for commit in self.listed
            if path in commit.title
        }

    @functools.cached_property
    def listed(self) -> list[GitCommitInfo]:
        """All commits, as the client lists them."""
        return self.api.list_repo_commits(DATASET, repo_type="dataset")

    def file(self, sha: str, path: str = "models.parquet", **options: Any) -> Any:
        system = HfFileSystem(endpoint=self.url, token=False, skip_instance_cache=True)
        return system.open(f"datasets/{DATASET}@{sha}/{path}", "rb", **options)

    def read(self, day: dt.date, path: str = "models.parquet") -> pl.DataFrame:
        with self.file(self.commits(path)[day], path) as file:
            return pl.DataFrame(pl.from_arrow(pq.read_table(file)))

    def address(self, day: dt.date, path: str = "models.parquet") -> str:
        return f"{self.url}/datasets/{DATASET}/resolve/{self.commits(path)[day]}/{path}"


ServeArchive = Callable[..., ServedArchive]


def on(month: int, day: int, year: int = 2026) -> dt.date:
    return dt.date(year, month, day)
