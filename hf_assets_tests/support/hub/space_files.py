"""Spaces with files: rows for the embedded Hub, and the tables that choose them."""

import itertools
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hf_assets.demo.world.recorded import RecordedHub
from hf_assets.demo.world.space_files import Access, access_of, content_of
from hf_assets.hub.client.connection import HubConnection
from hf_assets.hub.space_code.days import TreeDays
from hf_assets.hub.tables.schemas import ENRICHED_SPACES, TOP_MODELS
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.hub.captures import hub_id, recorded

Row = dict[str, Any]
MODEL = "google/bert"
COMMIT = datetime(2026, 3, 1, tzinfo=UTC)
PAGE = 1000


def numbers_of(access: Access = "open", *, pages: int | None = None) -> Iterator[int]:
    """Numbers of Spaces with that access, and that many pages of files."""
    for number in itertools.count(1):
        if access_of(hub_id(number)) == access and (
            pages is None or -(-len(content_of(hub_id(number), "", "gradio").entries) // PAGE)
            == pages
        ):  # fmt: skip
            yield number


def space(number: int, modified: datetime = COMMIT, **fields: Any) -> Row:
    """A Space as the Hub lists it, which uses the chosen model."""
    return {
        "_id": hub_id(number),
        "id": f"author{number % 3}/space-{number}",
        "createdAt": "2024-01-01T00:00:00.000Z",
        "lastModified": f"{modified:%Y-%m-%dT%H:%M:%S}.000Z",
        "likes": 1000 - number % 1000,
        "sdk": "gradio",
        "models": [MODEL],
        **fields,
    }


def small_hub(folder: Path, numbers: Iterable[int], **fields: Any) -> RecordedHub:
    """A Hub with these Spaces."""
    return recorded(folder, spaces=[space(number, **fields) for number in numbers])


def listed(rows: Iterable[Row]) -> pl.LazyFrame:
    """The rows as `enriched_spaces`."""
    found = [
        {
            "hub_id": row["_id"],
            "id": row["id"],
            "last_modified": row["lastModified"],
            "likes": row["likes"],
            "models": row["models"],
        }
        for row in rows
    ]
    names = ("hub_id", "id", "likes", "models")
    schema = {name: ENRICHED_SPACES.schema[name] for name in names} | {"last_modified": pl.String}
    frame = pl.DataFrame(found, schema=schema)
    kind = ENRICHED_SPACES.schema["last_modified"]
    times = pl.col("last_modified").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="ms")
    return frame.with_columns(times.dt.replace_time_zone("UTC").cast(kind)).lazy()


def chosen(*models: tuple[str, str, str | None]) -> pl.LazyFrame:
    """`top_models` with these ids, tags and categories; the chosen model by default."""
    rows = models or ((MODEL, "text-classification", "fill-mask"),)
    frame = pl.DataFrame(rows, schema=["id", "tag", "category"], orient="row")
    return frame.cast({name: TOP_MODELS.schema[name] for name in frame.columns}).lazy()


def tree_days(lake: Lake, url: str, log: list[str] | None = None, **options: Any) -> TreeDays:
    """The days of trees in that lake, asked of that Hub without patience."""
    lines: list[str] = [] if log is None else log
    given: dict[str, Any] = {"most_requests": 10_000, "lock_wait": 20.0, "log": lines.append}
    retries = options.pop("retries", 5)
    connection = HubConnection(url, retry_wait=0.001, read_timeout=10.0, retries=retries)
    return TreeDays(lake, connection, **(given | options))


def scripted(answers: dict[str, tuple[int, bytes]], asked: list[str]) -> Starlette:
    """A Hub that answers these paths, and 404 to others; the paths asked for are noted."""

    async def answer(request: Request) -> Response:
        asked.append(request.url.path)
        status, body = answers.get(request.url.path, (404, b'{"error":"Repository not found"}'))
        return Response(body, status, media_type="application/json")

    return Starlette(routes=[Route("/{rest:path}", answer)])


def tree(*files: tuple[str, int]) -> bytes:
    """A page of a tree with these files."""
    entries = [{"type": "file", "oid": "0" * 40, "size": size, "path": path}
               for path, size in files]  # fmt: skip
    return json.dumps(entries).encode()
