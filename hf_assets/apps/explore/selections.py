"""A selection of models as a file, under an address of its own: all its rows and columns.

The pages' own download keeps a file in memory, once for each visitor. This one is written to
scratch, a part at a time, and sent from there; it has no name by then, so nothing is left behind.
"""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from io import BufferedReader
from typing import Any
from urllib.parse import urlencode

import polars as pl
import pyarrow as pa

from hf_assets.apps.explore.files import MEDIA, write_matching
from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.index.indexes import Indexes
from hf_assets.apps.index.query import ModelQuery
from hf_assets.errors import InputError
from hf_assets.object_store.path import LakePath
from hf_assets.object_store.scratch import scratch_file

PLACE = "/files/models"
# Files written at a time, by all visitors: each reads a day.
AT_ONCE = 2
_PART = 1 << 20
_log = logging.getLogger(__name__)
_writing = threading.BoundedSemaphore(AT_ONCE)


def selection_link(day: str, query: ModelQuery, kind: str) -> str:
    """The address of all matching models of a day as a file, below that of the pages.

    Args:
        day: the partition key.
        query: its order does not matter: rows come in that of the table.
        kind: csv or parquet.
    """
    return f"{PLACE}.{kind}?{urlencode([('day', day), *query.to_address()])}"


def selection_routes(
    root: LakePath, hosts: Sequence[str], indexes: Indexes | None = None
) -> list[Any]:
    """The route of that address, for the server of the pages.

    Args:
        root: of the lake.
        hosts: names by which the server may be asked; "*" for any.
        indexes: of the pages; while a file is written, they give back what memory they can.
    """
    from starlette.responses import PlainTextResponse, Response, StreamingResponse
    from starlette.routing import Route

    reader = LakeReader(root)

    def refused(status: HTTPStatus, why: str) -> Response:
        return PlainTextResponse(why, status)

    def answer(request: Any) -> Response:  # in a thread
        if not _may_ask(request.headers, hosts):
            return refused(HTTPStatus.FORBIDDEN, "open the pages under a name of this server")
        kind, asked = request.path_params["kind"], request.query_params
        try:
            query = ModelQuery.from_address(asked.multi_items())
        except ValueError as error:
            return refused(HTTPStatus.BAD_REQUEST, str(error))
        day = asked.get("day", "")
        try:
            stored = reader.table("models", day)
        except (OSError, InputError) as error:  # such as a store that is away
            _log.warning("%s of %s: %s", PLACE, day, error)
            return refused(HTTPStatus.SERVICE_UNAVAILABLE, "the lake cannot be read: try later")
        if kind not in MEDIA or stored is None:
            return refused(HTTPStatus.NOT_FOUND, "there are no models of that day, or no such file")
        try:
            with _writing, scratch_file(f"models.{kind}") as path:
                if indexes:
                    indexes.release()
                write_matching(stored, query.wanted, kind, path)
                pa.default_memory_pool().release_unused()
                file = path.open("rb")
        except (OSError, InputError, pa.ArrowException, pl.exceptions.PolarsError) as error:
            _log.warning("%s of %s: %s", PLACE, day, error)
            if getattr(error, "errno", None):  # of this machine, such as a full disk
                return refused(HTTPStatus.INSUFFICIENT_STORAGE, "the file could not be written")
            why = "the models of that day cannot be read: the log of the server says why"
            return refused(HTTPStatus.INTERNAL_SERVER_ERROR, why)
        size = file.seek(0, 2)
        headers = {
            "Content-Disposition": f'attachment; filename="models-{day}.{kind}"',
            "Content-Length": str(size),
        }
        return StreamingResponse(_parts(file), headers=headers, media_type=MEDIA[kind])

    return [Route(PLACE + ".{kind}", answer, methods=["GET"])]


def _may_ask(headers: Mapping[str, str], hosts: Sequence[str]) -> bool:
    """Whether a request means this server by its name, and comes from no other site's page."""
    name = headers.get("host", "").rsplit(":", 1)[0].strip("[]")
    own = "*" in hosts or name in hosts
    return own and headers.get("sec-fetch-site", "none") in ("none", "same-origin")


def _parts(file: BufferedReader) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while part := file.read(_PART):
            yield part
