"""Repositories that can be written to: the answers of huggingface.co, as strict as it.

Known to differ from the live Hub: without a folder for Xet, files are stored as Git LFS alone, so a
client that has `hf_xet` must not use it (HF_HUB_DISABLE_XET=1); a private repository, and one that
is not there, is a 404 for everyone.
"""

import base64
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hf_assets.demo.repositories.card_rules import card_errors
from hf_assets.demo.repositories.faults import RepositoryFaults
from hf_assets.demo.repositories.large_files import TYPE, LargeFiles, XetFolder, verify
from hf_assets.demo.repositories.store import PREFIXES, File, Refused, Repositories, Repository
from hf_assets.demo.service.ranges import ranged
from hf_assets.demo.service.wire import HubResponse, error_response, json_response

Handler = Callable[[Request, dict[str, str]], Awaitable[HubResponse]]
TREE_PAGE, MOST_PREUPLOAD = 1000, 256
_BEARER = re.compile(r"Bearer (hf_\w+)", re.ASCII)
_HOUR = 3600.0


class RepositoryService:
    """Answers for repositories.

    `received` counts the bytes of large files that were taken in, `asked` the requests by kind;
    `faults` can be changed while serving.

    Args:
        repositories: those there are.
        part_size: bytes of a part of a large file.
        xet: a folder into which clients that have `hf_xet` write large files.
        faults: what goes wrong; nothing if None.
    """

    def __init__(
        self,
        repositories: Repositories,
        *,
        part_size: int = 5_000_000,
        xet: Path | None = None,
        faults: RepositoryFaults | None = None,
    ) -> None:
        self.repositories, self.faults = repositories, faults or RepositoryFaults()
        self.large = LargeFiles(part_size)
        self.xet = XetFolder(xet) if xet else None
        if self.xet:
            repositories.elsewhere = self.xet.holds
        self.asked: Counter[str] = Counter()
        self.received = 0

    @property
    def routes(self) -> list[tuple[str, list[str], Handler]]:
        """Path, methods and handler of all it answers."""
        api, get, post = "/api/{kinds}/{owner}/{name}", ["GET"], ["POST"]
        return [
            ("/api/repos/create", post, self._answered("create", self._create)),
            ("/api/validate-yaml", post, self._answered("", self._validate)),
            (f"{api}/revision/{{revision}}", get, self._answered("info", self._described)),
            (f"{api}/tree/{{revision}}", get, self._answered("info", self._tree)),
            (f"{api}/tree/{{revision}}/{{path:path}}", get, self._answered("info", self._tree)),
            (f"{api}/paths-info/{{revision}}", post, self._answered("info", self._paths)),
            (f"{api}/preupload/{{revision}}", post, self._answered("preupload", self._preupload)),
            (f"{api}/commit/{{revision}}", post, self._answered("commit", self._commit)),
            (f"{api}/xet-write-token/{{revision}}", get, self._answered("", self._xet_token)),
            (api, get, self._answered("info", self._described)),
            ("/lfs/{secret}/complete", post, self._answered("", self._complete)),
            ("/lfs/{secret}/{part:int}", ["PUT"], self._answered("put", self._put)),
            *(route for prefix in PREFIXES.values() for route in self._routes_of_pages(prefix)),
        ]

    def _routes_of_pages(self, prefix: str) -> list[tuple[str, list[str], Handler]]:
        page = f"/{prefix}{{owner}}/{{name}}"
        lfs, resolve = f"{page}.git/info/lfs", f"{page}/resolve/{{revision}}/{{path:path}}"
        return [
            (f"{lfs}/objects/batch", ["POST"], self._answered("batch", self._batch)),
            (f"{lfs}/verify", ["POST"], self._answered("", self._verify)),
            (resolve, ["GET", "HEAD"], self._answered("", self._resolved)),
        ]

    def _answered(self, kind: str, handler: Handler) -> Handler:
        """The handler behind the faults of its kind; a refusal is an answer."""

        async def answer(request: Request, headers: dict[str, str]) -> HubResponse:
            self.asked[kind] += 1
            number = self.asked[kind]
            if kind and (status := self.faults.take_error(number, kind)):
                return error_response(status, "Internal Error", headers)
            rule = self.faults.take("stall", number, kind) if kind else None
            if rule:
                delay = _HOUR if rule.value is None else rule.value
                return error_response(504, "Gateway Timeout", headers, delay=delay)
            try:
                done = await handler(request, headers)
            except Refused as refusal:
                code = {"X-Error-Code": refusal.code} if refusal.code else {}
                return error_response(refusal.status, refusal.message, {**headers, **code})
            except (msgspec.MsgspecError, UnicodeDecodeError):
                return error_response(400, "the body cannot be read", headers)
            if kind and self.faults.take("lost", number, kind):
                return error_response(502, "Bad Gateway", headers)
            return done

        return answer

    # --- who, and which --------------------------------------------------------------------------

    def _readable(self, request: Request) -> Repository:
        name = f"{request.path_params['owner']}/{request.path_params['name']}"
        return self.repositories.read(_token(request), _kind(request), name)

    def _writable(self, request: Request) -> Repository:
        repository = self._readable(request)
        self.repositories.writer(_token(request), repository)
        return repository

    # --- repositories ----------------------------------------------------------------------------

    async def _create(self, request: Request, headers: dict[str, str]) -> HubResponse:
        asked = await _object(request)
        made = self.repositories.create(_token(request), asked)
        answer = {"url": f"{_base(request)}{made.page}", "name": made.name}
        return _json(request, answer, headers)

    async def _described(self, request: Request, headers: dict[str, str]) -> HubResponse:
        repository = self._readable(request)
        commit = repository.at(request.path_params.get("revision", "main"))
        answer = {
            "_id": commit.oid[:24],
            "id": repository.name,
            "author": repository.name.split("/")[0],
            "sha": commit.oid,
            "lastModified": repository.head.date,
            "createdAt": repository.commits[0].date,
            "private": repository.private,
            "gated": False,
            "disabled": False,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "siblings": [{"rfilename": path} for path in sorted(commit.files)],
        }
        return _json(request, answer, headers)

    async def _tree(self, request: Request, headers: dict[str, str]) -> HubResponse:
        """A page of files and folders; `cursor` is the number of rows before it."""
        commit = self._readable(request).at(request.path_params["revision"])
        folder, query = request.path_params.get("path", ""), request.query_params
        rows = list(_entries(commit.files, folder, query.get("recursive", "").lower() == "true"))
        if folder and not rows:
            raise Refused(404, f"{folder} does not exist", "EntryNotFound")
        start = int(query.get("cursor", 0))
        if start + TREE_PAGE < len(rows):
            more = {**query, "cursor": start + TREE_PAGE}
            address = f"{_base(request)}{request.url.path}?{urlencode(more)}"
            headers = {**headers, "Link": f'<{address}>; rel="next"'}
        return _json(request, rows[start : start + TREE_PAGE], headers)

    async def _paths(self, request: Request, headers: dict[str, str]) -> HubResponse:
        commit = self._readable(request).at(request.path_params["revision"])
        form = await request.form()
        paths = [str(one) for one in form.getlist("paths")]
        rows = [_entry(path, commit.files[path]) for path in paths if path in commit.files]
        return _json(request, rows, headers)

    async def _resolved(self, request: Request, headers: dict[str, str]) -> HubResponse:
        repository, path = self._readable(request), request.path_params["path"]
        commit = repository.at(request.path_params["revision"])
        if path not in commit.files:
            raise Refused(404, f"Entry not found: {path}", "EntryNotFound")
        file = commit.files[path]
        headers = {**headers, "X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
        headers |= {"ETag": f'"{file.large.sha256 if file.large else file.oid}"'}
        if file.large:
            headers |= {"X-Linked-ETag": headers["ETag"], "X-Linked-Size": str(file.size)}
        headers["Content-Type"] = "application/octet-stream" if file.large else "text/plain"
        return ranged(request, repository.content(file), headers)

    # --- writing ---------------------------------------------------------------------------------

    async def _validate(self, request: Request, headers: dict[str, str]) -> HubResponse:
        asked = await _object(request)
        errors, warnings = card_errors(
            str(asked.get("content", "")), str(asked.get("repoType") or "model")
        )
        answer = {
            "errors": [{"message": one} for one in errors],
            "warnings": [{"message": one} for one in warnings],
        }
        return HubResponse(msgspec.json.encode(answer), 400 if errors else 200, headers)

    async def _preupload(self, request: Request, headers: dict[str, str]) -> HubResponse:
        repository, asked = self._writable(request), await _object(request)
        commit = repository.at(request.path_params["revision"])
        files = asked.get("files")
        if not isinstance(files, list) or len(files) > MOST_PREUPLOAD:
            raise Refused(400, f"files must be a list of up to {MOST_PREUPLOAD}")
        rows = []
        for one in files:
            sample = base64.b64decode(one["sample"], validate=True)
            large = repository.is_large(one["path"], one["size"], sample)
            row = {"path": one["path"], "uploadMode": "lfs" if large else "regular"}
            row |= {"shouldIgnore": False}
            if there := commit.files.get(one["path"]):
                row["oid"] = there.large.sha256 if there.large else there.oid
            rows.append(row)
        return _json(request, {"files": rows, "commitOid": commit.oid}, headers)

    async def _batch(self, request: Request, headers: dict[str, str]) -> HubResponse:
        repository = self._writable(request)
        kinds = {request.headers.get(name, "") for name in ("accept", "content-type")}
        if kinds != {TYPE}:
            raise Refused(422, f"Accept and Content-Type must be {TYPE}")
        answer = self.large.batch(repository, await _object(request), _base(request))
        return _json(request, answer, headers)

    async def _xet_token(self, request: Request, headers: dict[str, str]) -> HubResponse:
        self._writable(request)
        if self.xet is None:
            raise Refused(404, "no Xet here")
        token = self.xet.token()
        answer = {
            "casUrl": token["X-Xet-Cas-Url"],
            "accessToken": token["X-Xet-Access-Token"],
            "exp": int(token["X-Xet-Token-Expiration"]),
        }
        return _json(request, answer, {**headers, **token})

    async def _put(self, request: Request, headers: dict[str, str]) -> HubResponse:
        if "authorization" in request.headers:
            raise Refused(400, "Only one auth mechanism allowed")
        content, path = await request.body(), request.path_params
        self.received += len(content)
        signature = request.query_params.get("signature")
        etag = self.large.put(path["secret"], signature, path["part"], content)
        return HubResponse(b"", headers={**headers, "ETag": etag})

    async def _complete(self, request: Request, headers: dict[str, str]) -> HubResponse:
        self.large.complete(request.path_params["secret"], await _object(request))
        return _json(request, {"success": True}, headers)

    async def _verify(self, request: Request, headers: dict[str, str]) -> HubResponse:
        verify(self._writable(request), await _object(request))
        return _json(request, {}, headers)

    async def _commit(self, request: Request, headers: dict[str, str]) -> HubResponse:
        repository = self._writable(request)
        if request.headers.get("content-type") != "application/x-ndjson":
            raise Refused(400, "Content-Type must be application/x-ndjson")
        lines = [msgspec.json.decode(line, type=dict[str, Any])
                 for line in (await request.body()).splitlines() if line.strip()]  # fmt: skip
        commit = repository.commit(lines, request.path_params["revision"])
        answer = {
            "success": True,
            "commitOid": commit.oid,
            "commitUrl": f"{_base(request)}{repository.page}/commit/{commit.oid}",
            "hookOutput": "",
        }
        return _json(request, answer, headers)


def create_app(service: RepositoryService) -> Starlette:
    """The repositories alone, without a Hub around them; `app.state.requests` has their paths."""
    requests: list[str] = []

    def endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            requests.append(f"{request.method} {request.url.path}")
            return await handler(request, {})

        return answer

    async def missing(_: Request, headers: dict[str, str]) -> HubResponse:
        return error_response(404, "Not found", headers)

    routes = [Route(path, endpoint(one), methods=how) for path, how, one in service.routes]
    app = Starlette(routes=[*routes, Route("/{rest:path}", endpoint(missing))])
    app.state.requests = requests
    return app


def _kind(request: Request) -> str:
    """Of the repository that a request names, by the beginning of its path."""
    begins = request.path_params.get("kinds") or request.url.path.split("/")[1]
    kind = str(begins).removesuffix("s")
    if kind in PREFIXES:
        return kind
    if "kinds" in request.path_params:
        raise Refused(404, "Not found")
    return "model"


def _token(request: Request) -> str | None:
    header = request.headers.get("authorization")
    if header is None:
        return None
    match = _BEARER.fullmatch(header)
    if match is None:
        raise Refused(401, "Invalid credentials in Authorization header")
    return match[1]


async def _object(request: Request) -> dict[str, Any]:
    return msgspec.json.decode(await request.body(), type=dict[str, Any])


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


def _json(request: Request, value: Any, headers: dict[str, str]) -> HubResponse:
    return json_response(request, msgspec.json.encode(value), headers)


def _entry(path: str, file: File) -> dict[str, Any]:
    row: dict[str, Any] = {"type": "file", "oid": file.oid, "size": file.size, "path": path}
    if file.large:
        pointer = len(file.large.pointer)
        row["lfs"] = {"oid": file.large.sha256, "size": file.size, "pointerSize": pointer}
    return row


def _entries(files: Any, folder: str, recursive: bool) -> Any:
    """Files and folders below a folder, by path; of the folder itself without `recursive`."""
    inside = f"{folder}/" if folder else ""
    rows: dict[str, dict[str, Any]] = {}
    for path, file in files.items():
        if not path.startswith(inside):
            continue
        for parent in map(str, PurePosixPath(path).parents):
            if parent != "." and parent.startswith(inside):
                rows[parent] = {"type": "directory", "oid": "0" * 40, "size": 0, "path": parent}
        rows[path] = _entry(path, file)
    depth = inside.count("/")
    return [rows[path] for path in sorted(rows) if recursive or path.count("/") == depth]
