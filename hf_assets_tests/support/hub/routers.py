"""A router of inference providers whose answer a test chooses."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hf_assets.demo.service.server import LoopbackServer


@dataclass
class Router:
    """What `/v1/models` answers, and how often it was asked.

    Args:
        body: of the answer.
        status: of the answer.
        url: of the server.
    """

    body: bytes = b""
    status: int = 200
    url: str = ""
    requests: list[dict[str, str]] = field(default_factory=list)

    def list(self, *models: dict[str, Any]) -> None:
        """Answer with these models."""
        self.body = msgspec.json.encode({"object": "list", "data": models})


def model(name: str, *offers: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A model as the router lists it."""
    author = name.partition("/")[0]
    modalities = {"input_modalities": ["text"], "output_modalities": ["text"]}
    return {
        "id": name, "object": "model", "created": 1_753_000_000, "owned_by": author,
        "architecture": modalities, "providers": list(offers), **more,
    }  # fmt: skip


def offer(provider: str, price: float | None = None, **more: Any) -> dict[str, Any]:
    """An offer as the router lists it; the output costs three times the input."""
    pricing = {} if price is None else {"pricing": {"input": price / 3, "output": price}}
    return {
        "provider": provider, "status": "live", "context_length": 131_072, "is_free": False,
        "supports_tools": True, "supports_structured_output": False, "is_model_author": False,
        "first_token_latency_ms": 218.6, "throughput": 110.1, **pricing, **more,
    }  # fmt: skip


@contextmanager
def serving_router() -> Generator[Router]:
    """A router on loopback until the block ends."""
    router = Router()

    def models(request: Request) -> Response:
        router.requests.append(dict(request.headers))
        return Response(router.body, router.status, media_type="application/json")

    with LoopbackServer(Starlette(routes=[Route("/v1/models", models)])) as server:
        router.url = server.url
        yield router
