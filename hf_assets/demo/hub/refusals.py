"""What the embedded Hub refuses, and errors of its listings in place of a page."""

import re

from starlette.requests import Request

from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.wire import HubResponse, error_response
from hf_assets.demo.world.source import Kind

_HTML = (
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    b"<body><h1>We are having a hiccup</h1></body></html>"
)
TOKEN = re.compile(r"Bearer hf_\w+", re.ASCII)
RATE_LIMITED = (
    "We had to rate limit you. To continue using our service, create a HF account or login to your "
    "existing account, and make sure you pass a HF_TOKEN if you're using the API."
)
_STATUS_TEXT = {
    408: "Request Timeout",
    500: "Internal Error - We're working hard to fix this as soon as possible!",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def refused(
    faults: Faults,
    request: Request,
    kind: Kind,
    number: int,
    headers: dict[str, str],
    delay: float,
) -> HubResponse | None:
    """The error that this page of a listing is answered with, if any."""
    if rule := faults.take("too_many", number, kind):
        reset = int(1 if rule.value is None else rule.value)
        headers = {**headers, "RateLimit": f'"api";r=0;t={reset}'}
        return error_response(429, RATE_LIMITED, headers, delay=delay)
    if status := faults.take_error(number, kind):
        return error_response(status, _STATUS_TEXT[status], headers, delay=delay)
    if faults.take("html", number, kind):
        headers = {**headers, "Content-Type": "text/html; charset=utf-8"}
        return HubResponse(_HTML, headers=headers, delay=delay)
    if rule := faults.take("busy", number, kind):
        wait = 1_000_000 if rule.value is None else rule.value
        headers = {**headers, "Retry-After": f"{wait:.0f}"}
        return error_response(503, _STATUS_TEXT[503], headers, delay=delay)
    if rule := faults.take("echo", number, kind):
        filler = "x" * int(5_000_000 if rule.value is None else rule.value)
        said = f"\x1b[31m\x1b]0;refused\x07Your request {dict(request.headers)} is refused {filler}"
        return error_response(403, said, headers, delay=delay)
    return None


def bad_credentials(request: Request) -> str | None:
    """What is wrong with the request's authorisation, if anything."""
    header = request.headers.get("authorization")
    if header is None or TOKEN.fullmatch(header):
        return None
    if not header.startswith("Bearer "):
        return "Invalid credentials in Authorization header"
    return "Invalid username or password."
