"""The embedded Hub's past: the dataset `cfahlgren1/hub-stats` over the days of a generated Hub.

Known to differ from the live Hub: a file is served at once, not by a redirect to a signed address
of a content network; there are no Xet hashes, no other branches than `main`.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlencode

import msgspec
import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from hf_assets.demo.hub_stats.commits import CARD, FILES, USUAL_HOUR, Commit, Commits, Revision
from hf_assets.demo.hub_stats.faults import ArchiveFaults
from hf_assets.demo.hub_stats.files import ArchiveFiles
from hf_assets.demo.service.blobs import Blob, blob_id
from hf_assets.demo.service.ranges import ranged
from hf_assets.demo.service.wire import Delivery, HubResponse, error_response, json_response
from hf_assets.demo.world.generator import GeneratedHub

DATASET = "cfahlgren1/hub-stats"
COMMITS_PAGE, MOST_COMMITS = 50, 1000
Handler = Callable[[Request, dict[str, str]], Awaitable[HubResponse]]

_README = (
    b"---\nlicense: apache-2.0\n---\n# hub-stats\n\nA generated Hub's days, one revision each.\n"
)
_ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"
_SMALL = {CARD: _README, ".gitattributes": _ATTRIBUTES}
_DELIVERIES: tuple[Delivery, ...] = ("stall", "stall_body", "trickle", "cut")
_ONE = np.zeros(1, dtype=np.uint32)


class HubStats:
    """The archive: what it holds, and its answers.

    `faults` can be changed while serving. The newest day is the one before the day the Hub shows.
    `sent` counts the bytes of files that were asked for, by kind.

    Args:
        hub: whose past.
        faults: what goes wrong, and which days differ; nothing if None.
        usage: whether spaces.parquet says which models and datasets a Space uses. The real file is
            not known to; without it the past knows no use of models.
        hour: UTC, at which a day's files are made.
        kept: bytes of rendered files of each kind that are kept.
        latency: seconds before each answer of a file.
    """

    def __init__(
        self,
        hub: GeneratedHub,
        faults: ArchiveFaults | None = None,
        *,
        usage: bool = False,
        hour: int = USUAL_HOUR,
        kept: int = 128 << 20,
        latency: float = 0.0,
    ) -> None:
        self._latency = latency
        self.faults = faults or ArchiveFaults()
        self._hub, self._hour = hub, hour
        self.files = ArchiveFiles(hub, self.faults, usage=usage, kept=kept)
        self._made: tuple[tuple[Any, ...], Commits] | None = None
        self.sent: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()
        self._lock = Lock()

    @property
    def routes(self) -> list[tuple[str, list[str], Handler]]:
        """Path, methods and handler of all it answers."""
        api, get = f"/api/datasets/{DATASET}", ["GET"]
        return [
            (f"{api}/commits/{{revision:path}}", get, self._listed),
            (f"{api}/revision/{{revision:path}}", get, self._described),
            (f"{api}/tree/{{revision}}", get, self._tree),
            (f"{api}/tree/{{revision}}/{{path:path}}", get, self._tree),
            (f"{api}/paths-info/{{revision:path}}", ["POST"], self._paths),
            (api, get, self._described),
            (f"/datasets/{DATASET}/resolve/{{revision}}/{{path:path}}", get, self._resolved),
        ]

    @property
    def commits(self) -> Commits:
        """All commits before the day the Hub shows."""
        faults = self.faults
        key = (
            self._hub.day,
            *(frozenset(days) for days in (faults.gaps, faults.readme_only, faults.early)),
        )
        with self._lock:
            if self._made is None or self._made[0] != key:
                draw = self._hub.models.draws.uniform("archive", _ONE)[0]
                identity = f"{draw}/{self._hour}"
                self._made = (key, Commits(identity, self._hub.day, faults, self._hour))
            return self._made[1]

    async def _listed(self, request: Request, headers: dict[str, str]) -> HubResponse:
        """A page of the list of commits: `limit` (50 by default, 1000 at most) and `p`, from 0."""
        query = request.query_params
        try:
            limit = min(int(query.get("limit", COMMITS_PAGE)), MOST_COMMITS)
            number = int(query.get("p", 0))
        except ValueError:
            return error_response(400, "limit and p must be numbers", headers)
        if limit < 1 or number < 0:
            return error_response(400, "limit must be above 0, p not below it", headers)
        if refusal := self._refused("commits", number + 1, headers):
            return refusal
        commits = self.commits
        place = commits.place(request.path_params["revision"])
        if place is None:
            return _no_revision(request, headers)
        there = commits.newest_first[len(commits.newest_first) - 1 - place :]
        rows = there[number * limit : (number + 1) * limit]
        headers = {**headers, "X-Total-Count": str(len(there))}
        if (number + 1) * limit < len(there):
            more = [(k, v) for k, v in query.multi_items() if k != "p"] + [("p", number + 1)]
            base = f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
            headers["Link"] = f'<{base}{request.url.path}?{urlencode(more)}>; rel="next"'
        delivery, value = self._delivery("commits", number + 1)
        body = msgspec.json.encode([_listed(commit) for commit in rows])
        return json_response(request, body, headers, delivery=delivery, value=value)

    async def _described(self, request: Request, headers: dict[str, str]) -> HubResponse:
        """The dataset at a revision."""
        found = self._found(request)
        if refusal := self._refused("info", self._next("info"), headers):
            return refusal
        if found is None:
            return _no_revision(request, headers)
        newest = self.commits.newest_first[0]
        answer = {
            "_id": "66a7c2d1e5b8f0a1b2c3d4e5",
            "id": DATASET,
            "author": DATASET.split("/")[0],
            "sha": found.commit.oid,
            "lastModified": newest.date,
            "createdAt": self.commits.oldest_first[0].date,
            "private": False,
            "gated": False,
            "disabled": False,
            "tags": ["license:apache-2.0", "region:us"],
            "downloads": 0,
            "likes": 0,
            "siblings": [{"rfilename": path} for path in sorted(found.last)],
        }
        return json_response(request, msgspec.json.encode(answer), headers)

    async def _tree(self, request: Request, headers: dict[str, str]) -> HubResponse:
        """The files of a revision; there are no folders."""
        found, path = self._found(request), request.path_params.get("path", "")
        if refusal := self._refused("info", self._next("info"), headers):
            return refusal
        if found is None:
            return _no_revision(request, headers)
        paths = sorted(found.last) if not path else [path]
        if not found.last.keys() >= set(paths):
            return _no_entry(path, headers)
        expand = _truth(request.query_params.get("expand"))
        rows = await run_in_threadpool(self._entries, found, paths, expand)
        return json_response(request, msgspec.json.encode(rows), headers)

    async def _paths(self, request: Request, headers: dict[str, str]) -> HubResponse:
        """What is known of some files of a revision; those it has not are left out."""
        found, body = self._found(request), await request.body()
        if refusal := self._refused("info", self._next("info"), headers):
            return refusal
        if found is None:
            return _no_revision(request, headers)
        try:
            paths, expand = _asked(request.headers.get("content-type", ""), body)
        except (ValueError, msgspec.MsgspecError):
            return error_response(400, "paths: a list of texts is expected", headers)
        paths = [path for path in dict.fromkeys(paths) if path in found.last]
        rows = await run_in_threadpool(self._entries, found, paths, expand)
        return json_response(request, msgspec.json.encode(rows), headers)

    async def _resolved(self, request: Request, headers: dict[str, str]) -> HubResponse:
        """A file, or a range of it."""
        found, path = self._found(request), request.path_params["path"]
        if found is None:
            return _no_revision(request, headers)
        if path not in found.last:
            return _no_entry(path, headers)
        kind = str(FILES.get(path, "info"))
        number = self._next(kind)
        if refusal := self._refused(kind, number, headers, "resolvers"):
            return refusal
        headers = {**headers, "X-Repo-Commit": found.commit.oid, "Accept-Ranges": "bytes"}
        if path in _SMALL:
            content = _SMALL[path]
            headers |= {"ETag": f'"{blob_id(content)}"', "Content-Type": "text/plain"}
            return ranged(request, content, headers)
        day = found.day_of(path)
        assert day is not None
        blob, content = await run_in_threadpool(self.files.content, FILES[path], day)
        headers |= {
            "ETag": f'"{blob.sha256}"',
            "X-Linked-ETag": f'"{blob.sha256}"',
            "X-Linked-Size": str(blob.size),
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f'inline; filename="{path}";',
        }
        if self.faults.take("whole", number, kind):
            return HubResponse(content, headers={**headers, "Content-Length": str(blob.size)})
        delivery = self._delivery(kind, number)
        answer = ranged(request, content, headers, *delivery, delay=self._latency)
        if request.method == "GET" and answer.status_code < 400:
            self.sent[kind] += len(answer.body)
        return answer

    def _found(self, request: Request) -> Revision | None:
        return self.commits.revision(request.path_params.get("revision", "main"))

    def _next(self, kind: str) -> int:
        with self._lock:
            self._asked[kind] += 1
            return self._asked[kind]

    def _refused(
        self, kind: str, number: int, headers: dict[str, str], bucket: str = "api"
    ) -> HubResponse | None:
        if rule := self.faults.take("too_many", number, kind):
            reset = int(1 if rule.value is None else rule.value)
            headers = {**headers, "RateLimit": f'"{bucket}";r=0;t={reset}'}
            return error_response(429, "We had to rate limit you.", headers)
        if status := self.faults.take_error(number, kind):
            return error_response(status, "Internal Error", headers)
        return None

    def _delivery(self, kind: str, number: int) -> tuple[Delivery, float | None]:
        for name in _DELIVERIES:
            if rule := self.faults.take(name, number, kind):
                return name, rule.value
        return "whole", None

    def _entries(self, found: Revision, paths: list[str], expand: bool) -> list[dict[str, Any]]:
        rows = []
        for path in paths:
            day = found.day_of(path)
            if day is None:
                content = _SMALL[path]
                row: dict[str, Any] = {
                    "type": "file",
                    "oid": blob_id(content),
                    "size": len(content),
                    "path": path,
                }
            else:
                row = _large(path, self.files.blob(FILES[path], day))
            if expand:
                last = found.last[path]
                row["lastCommit"] = {"id": last.oid, "title": last.title, "date": last.date}
            rows.append(row)
        return rows


async def no_such_dataset(_request: Request, headers: dict[str, str]) -> HubResponse:
    """Any other dataset."""
    return error_response(404, "Repository not found", {**headers, "X-Error-Code": "RepoNotFound"})


def _large(path: str, blob: Blob) -> dict[str, Any]:
    pointer = len(blob.pointer)
    lfs = {"oid": blob.sha256, "size": blob.size, "pointerSize": pointer}
    return {"type": "file", "oid": blob.oid, "size": blob.size, "lfs": lfs, "path": path}


def _listed(commit: Commit) -> dict[str, Any]:
    author = "system" if commit.title == "initial commit" else DATASET.split("/")[0]
    return {
        "id": commit.oid,
        "title": commit.title,
        "message": "",
        "authors": [{"user": author, "avatar": "/avatars/none.svg"}],
        "date": commit.date,
    }


def _no_revision(request: Request, headers: dict[str, str]) -> HubResponse:
    revision = request.path_params.get("revision", "main")
    headers = {**headers, "X-Error-Code": "RevisionNotFound"}
    return error_response(404, f"Invalid rev id: {revision}", headers)


def _no_entry(path: str, headers: dict[str, str]) -> HubResponse:
    headers = {**headers, "X-Error-Code": "EntryNotFound"}
    return error_response(404, f"Entry not found: {path}", headers)


def _truth(text: str | None) -> bool:
    return str(text).lower() in ("true", "1")


class _Paths(msgspec.Struct):
    paths: list[str]
    expand: bool = False


def _asked(content_type: str, body: bytes) -> tuple[list[str], bool]:
    """A form, as huggingface_hub sends it, or JSON."""
    if content_type.startswith("application/json"):
        asked = msgspec.json.decode(body, type=_Paths)
        return asked.paths, asked.expand
    form = parse_qs(body.decode(), strict_parsing=True)
    return form.get("paths", []), _truth(form.get("expand", ["false"])[0])
