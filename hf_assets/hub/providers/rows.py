"""The router's answer → rows: what does not fit is named, and the rest is kept.

The shape is of Hugging Face's public documentation, and may change without notice: a value of
another type becomes null and is counted, a row without a model or a provider goes to quarantine,
and an answer of another shape is refused with its first characters.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from hf_assets.errors import HfAssetsError, clean

# Longest excerpt of a value in quarantine.
EXCERPT = 200

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Amount = Annotated[float, msgspec.Meta(ge=0)]
_Name = Annotated[str, msgspec.Meta(min_length=1)]
# Field of a row, its place in the offer, and its type.
_OF_OFFER: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    ("status", ("status",), str),
    ("price_input", ("pricing", "input"), _Amount),
    ("price_output", ("pricing", "output"), _Amount),
    ("free", ("is_free",), bool),
    ("context_length", ("context_length",), _Count),
    ("first_token_latency", ("first_token_latency_ms",), _Amount),
    ("throughput", ("throughput",), _Amount),
    ("tools", ("supports_tools",), bool),
    ("structured_output", ("supports_structured_output",), bool),
    ("by_author", ("is_model_author",), bool),
)
_OF_MODEL: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    ("created", ("created",), _Count),
    ("input_modalities", ("architecture", "input_modalities"), list[str]),
    ("output_modalities", ("architecture", "output_modalities"), list[str]),
)
# Seconds of the last moment that a table can hold: the year 9999.
_LAST_SECOND = 253_402_300_799


class RouterError(HfAssetsError):
    """The router's answer is no list of models; the message says what came instead."""


@dataclass(frozen=True)
class OddValue:
    """A value that does not fit, or a row without a name (`field` None).

    `model` counts from 0, as served; `provider` likewise within the model, None for the model.
    """

    model: int
    provider: int | None
    id: str | None
    field: str | None
    reason: str
    value: str


def offers(body: bytes | str) -> tuple[list[dict[str, Any]], list[OddValue]]:
    """The offers of an answer, in order, and what does not fit.

    Args:
        body: `{"object": "list", "data": [{"id", …, "providers": [{"provider", …}]}]}`.

    Raises:
        RouterError: the body has another shape.
    """
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RouterError(_other_shape(f"no JSON ({clean(error)})", body), permanent=True) from None
    models = answer.get("data") if isinstance(answer, dict) else answer
    if not isinstance(models, list):
        raise RouterError(_other_shape("no list of models", body), permanent=True)
    rows: list[dict[str, Any]] = []
    odd: list[OddValue] = []
    seen: set[tuple[str, str]] = set()
    for number, model in enumerate(models):
        for row in _of_model(number, model, seen, odd):
            rows.append(row)
    return rows, odd


def _other_shape(what: str, body: bytes | str) -> str:
    begin = body[:EXCERPT] if isinstance(body, str) else body[:EXCERPT].decode(errors="replace")
    return (
        f"the router's answer is {what}: it begins {clean(begin)!r}. The bytes are stored as they "
        "came; the shape has changed, or HF_ASSETS_INFERENCE_ROUTER names something else."
    )


def _of_model(
    number: int, model: Any, seen: set[tuple[str, str]], odd: list[OddValue]
) -> Iterator[dict[str, Any]]:
    name = _typed(model.get("id"), _Name) if isinstance(model, dict) else None
    if name is None:
        odd.append(OddValue(number, None, None, None, "a model without an id", _excerpt(model)))
        return
    served = model.get("providers")
    if not isinstance(served, list):
        odd.append(OddValue(number, None, name, None, "no list of providers", _excerpt(served)))
        return
    of_model = dict(_values(model, _OF_MODEL, (number, None, name), odd))
    if (created := of_model["created"]) is not None:
        of_model["created"] = 1000 * created if created <= _LAST_SECOND else None
        if of_model["created"] is None:
            odd.append(OddValue(number, None, name, "created", "no date", str(created)))
    for at, offer in enumerate(served):
        provider = _typed(offer.get("provider"), _Name) if isinstance(offer, dict) else None
        if provider is None:
            reason = "an offer without a provider"
            odd.append(OddValue(number, at, name, None, reason, _excerpt(offer)))
        elif (name, provider) in seen:
            reason = "the same provider again: the first offer is kept"
            odd.append(OddValue(number, at, name, None, reason, _excerpt(offer)))
        else:
            seen.add((name, provider))
            of_offer = dict(_values(offer, _OF_OFFER, (number, at, name), odd))
            yield {"model": name, "provider": provider, **of_offer, **of_model}


def _values(
    served: dict[str, Any],
    fields: tuple[tuple[str, tuple[str, ...], Any], ...],
    of: tuple[int, int | None, str],
    odd: list[OddValue],
) -> Iterator[tuple[str, Any]]:
    """Each field with its value; None where it is absent, null or of another type."""
    for field, path, kind in fields:
        value, fit = served, None
        for name in path:
            if not isinstance(value, dict):
                break  # a number in the place of `pricing` is no price
            value = value.get(name)
        else:
            fit = _typed(value, kind)
        if fit is None and value is not None:
            odd.append(OddValue(*of, field, f"no {'.'.join(path)}", _excerpt(value)))
        yield field, fit


def _typed(value: Any, kind: Any) -> Any:
    """The value under a type; None where it does not fit."""
    try:
        fit = msgspec.convert(value, kind, strict=True)
        msgspec.json.encode(fit)  # half of a surrogate pair has no bytes
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return None
    return None if isinstance(fit, float) and not math.isfinite(fit) else fit


def _excerpt(value: Any) -> str:
    try:
        return msgspec.json.encode(value)[:EXCERPT].decode(errors="replace")
    except UnicodeEncodeError:
        return repr(value)[:EXCERPT].encode(errors="replace").decode()
