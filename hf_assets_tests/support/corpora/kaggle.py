"""An embedded Kaggle while it is served, and a listing by hand."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hf_assets.corpora.kaggle.client import DatasetClient
from hf_assets.corpora.kaggle.listing import new_datasets
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.labels.kaggle import TOKEN
from hf_assets.demo.labels.texts import GeneratedTexts
from hf_assets.storage.lake import TableWrite

TEXTS = GeneratedTexts("datasets", seed=2)
COUNT = 400
# The newest dataset was published on that day.
DAY = f"{TEXTS.created(COUNT - 1):%Y-%m-%d}"


def known(*ranges: range) -> set[str]:
    return {f"kaggle:{TEXTS.text(index).id}" for among in ranges for index in among}


def numbers(made: TableWrite) -> list[int]:
    """Which datasets were found, by index, in the order found."""
    ids = [name for frame in made.frames for name in frame["id"]]
    return [int(name.removeprefix("kaggle:")) // 4 for name in ids]


@dataclass
class Kaggle:
    """The embedded Kaggle while it is served; `slept` and `told` are what its clients did."""

    app: Starlette
    url: str
    slept: list[float]
    told: list[str]

    @property
    def faults(self) -> Faults:
        return self.app.state.faults

    @property
    def pages(self) -> list[int]:
        return [asked.body["page"] for asked in self.app.state.asked if "ListD" in asked.path]

    def client(self, **options: Any) -> DatasetClient:
        given: dict[str, Any] = {"token": TOKEN, "retry_wait": 1.0, "today": lambda: DAY}
        given |= {"sleep": self.slept.append, "log": self.told.append, **options}
        return DatasetClient(self.url, **given)

    def new(self, known: set[str], **options: Any) -> tuple[list[int], TableWrite]:
        made = new_datasets(self.client(**options), DAY, known)
        return numbers(made), made


ServeKaggle = Callable[..., Kaggle]


def down_to(first: int) -> list[int]:
    return list(range(COUNT - 1, first - 1, -1))


def listing(rows: list[Any], headers: dict[str, str] | None = None, status: int = 200) -> Starlette:
    """A Kaggle of one page with these rows, as they are."""

    async def page(request: Request) -> Response:
        first = (await request.json())["page"] == 1
        body = json.dumps({"datasets": rows if first else [], "nextPageToken": ""})
        return Response(body, status, headers, "application/json")

    return Starlette(routes=[Route("/v1/{rest:path}", page, methods=["POST"])])
