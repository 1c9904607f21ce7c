"""Hugging Face's router of inference providers: `GET /v1/models`, as its documentation shows it.

The models are the most downloaded ones of the Hub that take text. Who serves one, at what price, is
drawn from its name; a price moves at the beginning of a month.
"""

import datetime as dt
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from hf_assets.demo.service.wire import HubResponse, json_response
from hf_assets.demo.world.source import HubSource, Where

PROVIDERS = (
    *("cerebras", "deepinfra", "fireworks-ai", "groq", "hyperbolic", "nebius", "novita"),
    *("nscale", "sambanova", "together"),
)
MODELS = 60
_LOOKED_AT = 600
_SERVED = ("text-generation", "image-text-to-text")
_FIELDS = frozenset(("id", "author", "createdAt", "pipeline_tag"))


def models_of(
    source: HubSource,
) -> Callable[[Request, dict[str, str]], Awaitable[HubResponse]]:
    """The answer for that Hub's models; on the live Hub it has a host of its own."""

    async def models(request: Request, headers: dict[str, str]) -> HubResponse:
        day = getattr(source, "day", None) or dt.datetime.now(dt.UTC).date()
        body = await run_in_threadpool(served_models, source, day)
        return json_response(request, body, headers)

    return models


def served_models(source: HubSource, day: dt.date) -> bytes:
    """The router's answer on a day.

    Args:
        source: the Hub.
        day: of the prices.
    """
    rows, _ = source.listing("models", "downloads", Where()).page(0, _LOOKED_AT, _FIELDS)
    models = [msgspec.json.decode(row) for row in rows]
    taken = [row for row in models if row.get("pipeline_tag") in _SERVED and "/" in row["id"]]
    data = [_model(row, day) for row in taken[:MODELS]]
    return msgspec.json.encode({"object": "list", "data": data})


def _model(row: dict[str, Any], day: dt.date) -> dict[str, Any]:
    name, sees = row["id"], row["pipeline_tag"] == "image-text-to-text"
    author = name.partition("/")[0]
    count = 1 + int(6 * _draw(name, "count") ** 2)
    served = sorted(PROVIDERS, key=lambda provider: _draw(name, provider))[:count]
    created = dt.datetime.fromisoformat(row["createdAt"])
    return {
        "id": name,
        "object": "model",
        "created": int(created.timestamp()),
        "owned_by": author,
        "architecture": {
            "input_modalities": ["text", "image"] if sees else ["text"],
            "output_modalities": ["text"],
        },
        "providers": [_offer(name, author, provider, day) for provider in served],
    }


def _offer(name: str, author: str, provider: str, day: dt.date) -> dict[str, Any]:
    offer: dict[str, Any] = {
        "provider": provider,
        "status": "error" if _draw(name, provider, "down") < 0.03 else "live",
        "context_length": 2 ** (13 + int(5 * _draw(name, "context"))),
    }
    # One in eight gives no price, and the others not always a measurement.
    if _draw(name, provider, "priced") > 0.12:
        month = f"{day:%Y-%m}"
        base = 0.05 * 60 ** _draw(name, "price") * (0.7 + _draw(provider, "dear"))
        price = base * (0.9 + 0.2 * _draw(name, provider, month))
        ratio = 1 + 3 * _draw(name, "ratio")
        offer["pricing"] = {"input": round(price, 3), "output": round(price * ratio, 3)}
    if _draw(name, provider, "measured") > 0.2:
        slow = _draw(name, provider, f"{day}")
        offer["first_token_latency_ms"] = round(150 + 900 * slow**2, 1)
        offer["throughput"] = round(20 + 180 * (1 - slow) * _draw(provider, "fast"), 1)
    return offer | {
        "is_free": False,
        "supports_tools": _draw(name, "tools") > 0.3,
        "supports_structured_output": _draw(name, provider, "structured") > 0.5,
        "is_model_author": provider == author,
    }


def _draw(*of: str) -> float:
    """A number from 0 to 1, the same for the same names."""
    digest = hashlib.blake2b("\0".join(of).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64
