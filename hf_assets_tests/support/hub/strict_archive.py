"""A single file in a single commit, and what a Hub may say wrongly of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hf_assets.hub.archive.base import KINDS
from hf_assets.hub.archive.hub_stats import HubStats
from hf_assets.hub.client.connection import HubConnection
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.hub.past_hub import DAY


@dataclass(frozen=True)
class Answer:
    """To a range: `etag` and `place` (Content-Range) are named if given."""

    body: bytes
    status: int = 206
    etag: str | None = None
    place: str | None = None


class Strict:
    """One file in one commit of one day, and what a Hub may say wrongly of it."""

    def __init__(self, table: pa.Table | bytes, day: str = DAY, **options: Any) -> None:
        sink = pa.BufferOutputStream()
        if isinstance(table, pa.Table):
            pq.write_table(table, sink, **options)
        self.content = table if isinstance(table, bytes) else sink.getvalue().to_pybytes()
        self.commits: Any = [{"id": "a" * 40, "date": f"{day}T13:00:00.000Z", "title": "<b>"}]
        wrote = {"id": "a" * 40, "title": "x", "date": f"{day}T13:00:00.000Z"}
        self.paths: Any = [
            {"type": "file", "oid": "b" * 40, "size": len(self.content), "path": "models.parquet",
             "lastCommit": wrote},
            {"type": "directory", "oid": "b" * 40, "path": "data"},
        ]  # fmt: skip
        self.link: str | None = None
        self.listed = 0
        self.spans: list[tuple[int, int]] = []
        # Of a range, its bytes and the number of the request, from 1; None: the bytes.
        self.answer: Callable[[tuple[int, int], bytes, int], Answer] | None = None
        self.app = Starlette(
            routes=[
                Route("/api/datasets/o/d/commits/main", self._commits),
                Route("/api/datasets/o/d/paths-info/{revision}", self._paths, methods=["POST"]),
                Route("/datasets/o/d/resolve/{revision}/{name}.parquet", self._resolve),
                Route("/signed/{revision}", self._range),
            ]
        )

    def _commits(self, request: Request) -> Response:
        self.listed += 1
        headers = {"Link": f'<{self.link}>; rel="next"'} if self.link else {}
        return JSONResponse(self.commits, headers=headers)

    async def _paths(self, request: Request) -> Response:
        form = await request.form()
        assert form.getlist("paths") == [f"{kind}.parquet" for kind in KINDS]
        assert str(form["expand"]).lower() == "true"
        return JSONResponse(self.paths)

    def _resolve(self, request: Request) -> Response:
        assert request.path_params["revision"] == "a" * 40
        return RedirectResponse(f"/signed/{'a' * 40}?Signature=x", 302)

    def _range(self, request: Request) -> Response:
        start, end = request.headers["range"].removeprefix("bytes=").split("-")
        span = int(start), int(end) + 1
        assert 0 <= span[0] < span[1] <= len(self.content)
        self.spans.append(span)
        body = self.content[slice(*span)]
        answer = self.answer(span, body, len(self.spans)) if self.answer else Answer(body)
        named = {"ETag": answer.etag, "Content-Range": answer.place}
        headers = {name: value for name, value in named.items() if value is not None}
        return Response(answer.body, answer.status, headers)


def reader(serve: Serve, strict: Strict) -> HubStats:
    return HubStats("o/d", HubConnection(serve(strict.app).url, retry_wait=0.001))
