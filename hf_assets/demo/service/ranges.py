"""A file, or the range of it that a request asks for."""

import re

from starlette.requests import Request

from hf_assets.demo.service.wire import Delivery, HubResponse, error_response

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


def ranged(
    request: Request,
    content: bytes,
    headers: dict[str, str],
    delivery: Delivery = "whole",
    value: float | None = None,
    *,
    delay: float = 0.0,
) -> HubResponse:
    """The range asked for: 206; 416 where it starts past the end or names several; else all.

    `delay`: seconds before the answer.
    """
    size, status = len(content), 200
    asked = request.headers.get("range", "")
    if asked.startswith("bytes="):
        span = _span(asked, size)
        if span is None:
            headers = {**headers, "Content-Range": f"bytes */{size}"}
            return error_response(416, "Requested range not satisfiable", headers)
        start, end = span
        content, status = content[start:end], 206
        headers = {**headers, "Content-Range": f"bytes {start}-{end - 1}/{size}"}
    headers = {**headers, "Content-Length": str(len(content))}
    return HubResponse(
        content, status, headers, delivery=delivery, delivery_value=value, delay=delay
    )  # fmt: skip


def _span(asked: str, size: int) -> tuple[int, int] | None:
    match = _RANGE.fullmatch(asked)
    if match is None or asked == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1 if last else size, size)
    return (start, end) if start < end else None
