"""The embedded Kaggle: a Starlette application that lists generated datasets as Kaggle's API does.

It speaks what kagglesdk calls: `POST /v1/datasets.DatasetApiService/ListDatasets` with a JSON body
(with `/api` before it for any environment but production), wants credentials, and has the wall: no
dataset after the first 10 000, but empty pages with status 200. It tells who a token belongs to,
and hands out files of Meta Kaggle as kagglehub asks for them, where it is given a folder of them.

Known to differ: only `published` can be sorted by, and nothing searched for.
"""

import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.labels.meta_kaggle import license_name, owner, slug, versions
from hf_assets.demo.labels.texts import GeneratedText, GeneratedTexts
from hf_assets.demo.service.wire import Delivery, HubResponse

WALL = 10_000
PAGE_SIZE, LARGEST_PAGE = 20, 200
TOKEN, USER = "kaggle-demo-token", "demo"
_FIELDS = {
    "group", "sortBy", "size", "fileType", "license", "viewed", "tagIds", "search", "user",
    "minSize", "maxSize", "page", "pageToken", "pageSize",
}  # fmt: skip
_FILTERS = ("tagIds", "search", "user", "minSize", "maxSize", "pageToken")
_DELIVERIES: tuple[Delivery, ...] = ("stall", "stall_body", "trickle", "cut", "cut_chunked")
_HTML = b"<!DOCTYPE html><title>Kaggle</title><p>We are down for maintenance</p>"
_JSON = {"Content-Type": "application/json"}


class Asked(NamedTuple):
    """One request that was answered: its path, its JSON body, and the status."""

    path: str
    body: Any
    status: int


def read_faults(text: str) -> Faults:
    """Faults from a command line as `Faults.parse` reads them, and `404`, in the same form.

    Those that a list of Kaggle has: 404, 429 (with Retry-After), 500, 502, 503, 504, stall,
    stall-body, trickle, cut, cut-chunked, broken-json, garbled-json, html, empty-page, latency.

    Raises:
        ValueError: the text is none of these.
    """
    parts = [part.strip() for part in text.split(",")]
    faults = Faults.parse(",".join(part for part in parts if not part.startswith("404")))
    missing = ",".join("500" + part[3:] for part in parts if part.startswith("404"))
    if missing:
        faults.errors[404] = Faults.parse(missing).errors[500]
    return faults


def create_app(
    texts: GeneratedTexts,
    count: int,
    faults: Faults | None = None,
    *,
    wall: int = WALL,
    descriptions: bool = False,
    tables: Path | None = None,
) -> Starlette:
    """Kaggle with the first `count` datasets of `texts`.

    `app.state.asked` is the list of `Asked`, newest last; `app.state.faults` and `app.state.kaggle`
    (with its `count` of datasets, and Meta Kaggle's `version`) can be changed while serving.

    Args:
        texts: of the kind "datasets".
        count: how many there are.
        faults: what goes wrong; nothing if None.
        wall: the last dataset that is shown.
        descriptions: whether a list has them.
        tables: a folder with the tables of Meta Kaggle.
    """
    kaggle = EmbeddedKaggle(texts, count, faults or Faults(), wall, descriptions, tables)
    calls = {
        "datasets.DatasetApiService/ListDatasets": kaggle.listed,
        "datasets.DatasetApiService/GetDataset": kaggle.dataset,
        "datasets.DatasetApiService/DownloadDataset": kaggle.download,
        "security.OAuthService/IntrospectToken": kaggle.introspected,
    }
    routes = [
        Route(f"{before}/v1/{path}", kaggle.answers(call), methods=["POST"])
        for before in ("", "/api")
        for path, call in calls.items()
    ]
    app = Starlette(routes=[*routes, Route("/files/{name}", kaggle.file)])
    app.state.kaggle, app.state.faults, app.state.asked = kaggle, kaggle.faults, kaggle.asked
    return app


_Call = Callable[[dict[str, Any]], Awaitable[Response]]


class EmbeddedKaggle:
    """What the application's routes call."""

    def __init__(
        self,
        texts: GeneratedTexts,
        count: int,
        faults: Faults,
        wall: int,
        descriptions: bool,
        tables: Path | None,
    ) -> None:
        self.texts, self.count, self.faults = texts, count, faults
        self.wall, self.descriptions, self.tables = wall, descriptions, tables
        self.version = 5  # of Meta Kaggle
        self.asked: list[Asked] = []

    def answers(self, call: _Call) -> Callable[[Request], Awaitable[Response]]:
        """The call behind the credentials; downloads and introspection need none."""
        free = (self.download, self.dataset, self.introspected)

        async def answer(request: Request) -> Response:
            try:
                body = msgspec.json.decode(await request.body())
            except msgspec.DecodeError:
                body = None
            if not isinstance(body, dict):
                response = _error(400, "The body must be a JSON object")
            elif call not in free and not _known(request.headers.get("authorization", "")):
                response = _error(401, "Unauthenticated")
            else:
                response = await call(body)
            self.asked.append(Asked(request.url.path, body, response.status_code))
            return response

        return answer

    async def introspected(self, body: dict[str, Any]) -> Response:
        """Whose token that is."""
        if body.get("token") != TOKEN:
            return _error(404, "No such token")
        return _json({"active": True, "username": USER, "clientId": "", "scope": ""})

    async def listed(self, body: dict[str, Any]) -> Response:
        """A page of the list, or what goes wrong with it."""
        page, size = body.get("page", 1), body.get("pageSize", PAGE_SIZE)
        if complaint := _complaint(body, page, size):
            return _error(400, complaint)
        if rule := self.faults.take("too_many", page):
            wait = 1 if rule.value is None else rule.value
            return _error(429, "Too many requests", {"Retry-After": f"{wait:g}"})
        if status := self.faults.take_error(page):
            return _error(status, "Something went wrong")
        if self.faults.take("html", page):
            return _plain(HubResponse(_HTML), {"Content-Type": "text/html; charset=utf-8"})
        shown = min(self.count, self.wall)
        rows = range((page - 1) * size, min(page * size, shown))
        if self.faults.take("empty_page", page):
            rows = range(0)
        datasets = await run_in_threadpool(
            lambda: [self.row(self.count - 1 - place) for place in rows]
        )
        more = page * size < shown
        answer = msgspec.json.encode(
            {"datasets": datasets, "nextPageToken": "next" if more else ""}
        )
        if self.faults.take("broken_json", page):
            answer = answer[: len(answer) // 2]
        if self.faults.take("garbled_json", page):
            answer = answer.replace(b'"id":', b'"id":\x00', 1)
        return self._delivered(answer, page)

    def _delivered(self, answer: bytes, page: int) -> Response:
        latency = self.faults.latency
        for delivery in _DELIVERIES:
            if rule := self.faults.take(delivery, page):
                value = rule.value
                response = HubResponse(
                    answer, delivery=delivery, delivery_value=value, delay=latency
                )
                length = {"Content-Length": str(len(answer))} if delivery == "cut" else {}
                return _plain(response, {**_JSON, **length})
        return _plain(HubResponse(answer, delay=latency), _JSON)

    def row(self, index: int) -> dict[str, Any]:
        """One dataset as a list shows it."""
        text = self.texts.text(index)
        current = versions(text)
        # A later version came when the next datasets were published.
        updated = self.texts.created(min(index + current - 1, self.count - 1))
        return {
            "id": text.id,
            "ref": f"{owner(text)}/{slug(text)}",
            "title": text.title,
            "subtitle": text.subtitle,
            "description": text.body if self.descriptions else None,
            "url": f"https://www.kaggle.com/datasets/{owner(text)}/{slug(text)}",
            "creatorName": text.author,
            "creatorUrl": owner(text),
            "ownerName": text.author,
            "ownerRef": owner(text),
            "licenseName": license_name(text),
            "lastUpdated": f"{updated:%Y-%m-%dT%H:%M:%S}.{updated.microsecond // 1000:03d}Z",
            "currentVersionNumber": current,
            "totalBytes": 4000,
            "downloadCount": text.id % 97,
            "isPrivate": False,
            "tags": [_tag(text, tag) for tag in text.tags],
            "files": [],
            "versions": [],
        }

    async def dataset(self, body: dict[str, Any]) -> Response:
        """Meta Kaggle as a dataset: its present version."""
        if self.tables is None or (body.get("ownerSlug"), body.get("datasetSlug")) != (
            "kaggle",
            "meta-kaggle",
        ):
            return _error(404, "Dataset not found")
        return _json({"id": 9, "ref": "kaggle/meta-kaggle", "currentVersionNumber": self.version})

    async def download(self, body: dict[str, Any]) -> Response:
        """To where the file of Meta Kaggle lies."""
        name = body.get("fileName", "")
        if self.tables is None or name not in {path.name for path in self.tables.iterdir()}:
            return _error(404, "File not found")
        return RedirectResponse(f"/files/{name}", 302)

    async def file(self, request: Request) -> Response:
        """A file of Meta Kaggle, or a range of its bytes; as page 0 where it is cut."""
        name = request.path_params["name"]
        if self.tables is None or name not in {path.name for path in self.tables.iterdir()}:
            return _error(404, "File not found")
        path = self.tables / name
        self.asked.append(Asked(request.url.path, request.headers.get("range"), 200))
        if rule := self.faults.take("cut", 0):
            content = path.read_bytes()
            cut = HubResponse(content, delivery="cut", delivery_value=rule.value)
            length = str(len(content))
            return _plain(cut, {"Accept-Ranges": "bytes", "Content-Length": length})
        return FileResponse(path)


def _tag(text: GeneratedText, tag: str) -> dict[str, Any]:
    return {"ref": tag, "name": tag, "fullPath": f"subject > {tag}", "datasetCount": text.id % 7}


def _complaint(body: dict[str, Any], page: Any, size: Any) -> str:
    if unknown := set(body) - _FIELDS:
        return f"Unknown fields: {', '.join(sorted(unknown))}"
    if body.get("sortBy") != "DATASET_SORT_BY_PUBLISHED":
        return "The embedded Kaggle lists by DATASET_SORT_BY_PUBLISHED alone"
    if asked := [name for name in _FILTERS if body.get(name)]:
        return f"The embedded Kaggle knows no {', '.join(asked)}"
    if type(page) is not int or page < 1:
        return "page must be 1 or more"
    if type(size) is not int or not 1 <= size <= LARGEST_PAGE:
        return f"pageSize must be 1 to {LARGEST_PAGE}"
    return ""


def _known(authorization: str) -> bool:
    basic = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    return authorization in (f"Bearer {TOKEN}", f"Basic {basic}")


def _json(content: Any) -> Response:
    return Response(msgspec.json.encode(content), headers=_JSON)


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    content = msgspec.json.encode({"code": status, "message": message})
    return Response(content, status, {**_JSON, **(headers or {})})


def _plain(response: HubResponse, headers: dict[str, str]) -> Response:
    """The same without the Hub's own headers."""
    response.init_headers(headers)
    return response
