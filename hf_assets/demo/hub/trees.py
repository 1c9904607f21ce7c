"""File trees of Spaces, and their requirements.txt, as the Hub serves them.

`/api/spaces/<id>/tree/<revision>[/<path>]` takes `recursive`, `expand`, `limit` and `cursor`: 1 000
entries a page, 50 with `expand`. `/spaces/<id>/resolve/<revision>/<path>` counts in the quota of
files. Known to differ from the live Hub: only `main` and the commit of the listing are revisions,
and only requirements.txt has a content.
"""

import base64
import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hf_assets.demo.hub.queries import BadQuery
from hf_assets.demo.service.wire import HubResponse, error_response, json_response
from hf_assets.demo.world.source import HubSource
from hf_assets.demo.world.space_files import SpaceContent, SpaceFile, access_of, content_of

PAGE, EXPANDED_PAGE = 1000, 50
_FIELDS = frozenset(("_id", "id", "sha", "sdk", "lastModified"))
_TAKEN = {"recursive", "expand", "limit", "cursor"}
_BOOLEANS = {"true": True, "True": True, "1": True, "false": False, "False": False, "0": False}

Handler = Callable[[Request, dict[str, str]], Awaitable[HubResponse]]
Answers = Callable[[Handler], Callable[[Request], Awaitable[Response]]]


class _Refused(Exception):
    """An error of the Hub: status, message and X-Error-Code."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.code = status, code


class _Space(NamedTuple):
    commit: str
    content: SpaceContent


def routes(answers: Answers, source: HubSource, latency: float = 0.0) -> list[Route]:
    """The routes of trees and files.

    Args:
        answers: puts a handler behind authorisation and rate limit.
        source: where the Spaces come from.
        latency: seconds before each answer.
    """
    trees = _Trees(source, latency)
    tree = "/api/spaces/{owner}/{name}/tree/{revision}"
    return [
        Route(tree, answers(trees.tree)),
        Route(f"{tree}/{{path:path}}", answers(trees.tree)),
        Route("/spaces/{owner}/{name}/resolve/{revision}/{path:path}", answers(trees.file)),
    ]


class _Trees:
    def __init__(self, source: HubSource, latency: float) -> None:
        self._source, self._latency = source, latency

    async def tree(self, request: Request, headers: dict[str, str]) -> HubResponse:
        """A page of a tree."""
        try:
            return await run_in_threadpool(self._tree, request, headers)
        except BadQuery as error:
            return error_response(400, str(error), headers)
        except _Refused as error:
            return _error(error, headers)

    async def file(self, request: Request, headers: dict[str, str]) -> HubResponse:
        """The content of a file."""
        try:
            return await run_in_threadpool(self._file, request, headers)
        except _Refused as error:
            return _error(error, headers)

    def _tree(self, request: Request, headers: dict[str, str]) -> HubResponse:
        recursive, expand, limit, after = _query(request.query_params)
        commit, content = self._space(request)
        entries = content.entries
        under = request.path_params.get("path", "").strip("/")
        if under:
            entries = [one for one in entries if one.path.startswith(f"{under}/")]
            if not entries:
                raise _Refused(404, f'{under} does not exist on "main"', "EntryNotFound")
        if not recursive:
            start = len(under) + 1 if under else 0
            entries = [one for one in entries if "/" not in one.path[start:]]
        begin = next((n for n, one in enumerate(entries) if one.path > after), len(entries))
        page = entries[begin : begin + limit]
        if begin + limit < len(entries):
            headers = {**headers, "Link": _link(request, page[-1].path)}
        body = msgspec.json.encode([_entry(one, commit, expand) for one in page])
        return json_response(request, body, headers, delay=self._latency)

    def _file(self, request: Request, headers: dict[str, str]) -> HubResponse:
        (commit, content), path = self._space(request), request.path_params["path"]
        entry = next((one for one in content.entries if one.path == path), None)
        if entry is None or entry.size is None:
            raise _Refused(404, "Entry not found", "EntryNotFound")
        if path != "requirements.txt" or content.requirements is None:
            raise _Refused(501, "The embedded Hub has no content for this file")
        headers = {
            **headers,
            "Content-Type": "text/plain; charset=utf-8",
            "X-Repo-Commit": commit,
            "ETag": f'"{entry.oid}"',
        }
        return HubResponse(content.requirements, headers=headers, delay=self._latency)

    def _space(self, request: Request) -> _Space:
        """The Space that the path names, where the caller may read it at that revision."""
        params = request.path_params
        repo = f"{params['owner']}/{params['name']}"
        row = self._source.row("spaces", repo, _FIELDS)
        fields: dict[str, Any] = msgspec.json.decode(row) if row else {}
        hub_id = fields.get("_id") or hashlib.md5(repo.encode()).hexdigest()[:24]
        access = access_of(hub_id) if row else "gone"
        if access in ("gone", "private"):
            # As for anyone who may not know that it exists.
            raise _Refused(404 if access == "gone" else 401, "Repository not found", "RepoNotFound")
        if access == "gated":
            message = f"Access to space {repo} is restricted. You must have access to it"
            raise _Refused(403, message, "GatedRepo")
        if access == "disabled":
            raise _Refused(403, "Access to this resource is disabled.")
        commit = (
            fields.get("sha")
            or hashlib.sha1(
                f"{hub_id} {fields.get('lastModified')}".encode(), usedforsecurity=False
            ).hexdigest()
        )
        if params["revision"] not in ("main", commit):
            raise _Refused(404, f"Invalid rev id: {params['revision']}", "RevisionNotFound")
        return _Space(commit, content_of(hub_id, commit, fields.get("sdk")))


def _query(params: QueryParams) -> tuple[bool, bool, int, str]:
    """recursive, expand, limit, and the path after which the page begins. BadQuery."""
    if unknown := set(params) - _TAKEN:
        raise BadQuery(f'✖ Unrecognized key: "{min(unknown)}"')
    switches = []
    for name in ("recursive", "expand"):
        value = params.get(name, "false")
        if value not in _BOOLEANS:
            raise BadQuery(f"✖ Invalid input: expected boolean, received string\n  → at {name}")
        switches.append(_BOOLEANS[value])
    most = EXPANDED_PAGE if switches[1] else PAGE
    limit = params.get("limit", str(most))
    if not re.fullmatch(r"[1-9][0-9]{0,8}", limit):
        raise BadQuery("✖ Invalid input: expected number to be >0\n  → at limit")
    cursor = params.get("cursor")
    return switches[0], switches[1], min(int(limit), most), _after(cursor) if cursor else ""


def _after(cursor: str) -> str:
    try:
        after = json.loads(base64.b64decode(cursor, validate=True))["file_name"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadQuery("Invalid cursor") from error
    if not isinstance(after, str):
        raise BadQuery("Invalid cursor")
    return after


def _link(request: Request, last: str) -> str:
    cursor = base64.b64encode(json.dumps({"file_name": last}).encode()).decode()
    params = [(key, value) for key, value in request.query_params.multi_items() if key != "cursor"]
    base = f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
    query = urlencode([*params, ("cursor", cursor)])
    return f'<{base}{request.url.path}?{query}>; rel="next"'


def _entry(one: SpaceFile, commit: str, expand: bool) -> dict[str, Any]:
    """An entry in the order of the Hub's keys."""
    entry: dict[str, Any] = {"type": "directory" if one.size is None else "file", "oid": one.oid}
    entry |= {"size": one.size or 0, "path": one.path}
    if one.lfs:
        sha256 = hashlib.sha256(one.oid.encode()).hexdigest()
        entry["lfs"] = {"oid": sha256, "size": one.size, "pointerSize": 130}
        entry["xetHash"] = hashlib.sha256(sha256.encode()).hexdigest()
    if expand:
        entry["lastCommit"] = {
            "id": commit, "title": "Update", "date": "2025-01-01T00:00:00.000Z",
        }  # fmt: skip
    return entry


def _error(error: _Refused, headers: dict[str, str]) -> HubResponse:
    if error.code:
        headers = {**headers, "X-Error-Code": error.code}
    return error_response(error.status, str(error), headers)
