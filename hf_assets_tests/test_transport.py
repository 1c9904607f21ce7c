"""One answer: redirects, errors, and headers that ask for a wait."""

import gzip
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from hf_assets.transport import (
    Answer,
    BrokenBody,
    _gunzipped,
    fetch,
    retry_after,
    whole_number,
)
from hf_assets_tests.conftest import Serve


def ask(client: httpx2.Client, url: str) -> Answer:
    return fetch(client, "GET", url, timeout=httpx2.Timeout(30), seconds=300, max_bytes=1000)


def round_and_round(request: Request) -> Response:
    return RedirectResponse(request.url.include_query_params(more="x"))


def elsewhere(_: Request) -> Response:
    async def for_ever():
        while True:
            yield b"x" * 100_000
            await anyio.sleep(0.01)

    return StreamingResponse(for_ever(), 302, headers={"Location": "/end"})


@pytest.fixture
def url(serve: Serve) -> str:
    routes = [
        Route("/round", round_and_round),
        Route("/elsewhere", elsewhere),
        Route("/end", lambda _: Response(b"here")),
        Route(
            "/nowhere", lambda _: Response(status_code=302, headers={"Location": "http://h:abc/"})
        ),
    ]
    return serve(Starlette(routes=routes)).url


def test_a_redirect_is_followed_and_its_body_is_not_read(url: str) -> None:
    with httpx2.Client() as client:
        assert ask(client, f"{url}/elsewhere").body == b"here"


def test_redirects_have_an_end(url: str) -> None:
    with httpx2.Client() as client:
        with pytest.raises(httpx2.TooManyRedirects):
            ask(client, f"{url}/round")
        with pytest.raises(httpx2.RemoteProtocolError):
            ask(client, f"{url}/nowhere")


@given(
    parts=st.lists(st.binary(max_size=300), min_size=1, max_size=3),
    flipped=st.integers(0, 1 << 14),
    size=st.sampled_from([1, 7, 100, 1 << 20]),
)
def test_a_damaged_body_is_never_taken_for_another(
    parts: list[bytes], flipped: int, size: int
) -> None:
    packed = bytearray(b"".join(map(gzip.compress, parts)))
    assert unpacked(packed, size) == b"".join(parts)
    at, bit = divmod(flipped % (8 * len(packed)), 8)
    packed[at] ^= 1 << bit
    try:
        found = unpacked(packed, size)
    except BrokenBody:
        return
    # A flag or the time in a header; or a member that begins no more, which padding does not.
    assert found in {b"".join(parts[:count]) for count in range(1, len(parts) + 1)}


def unpacked(packed: bytearray, size: int) -> bytes:
    chunks = (bytes(packed[begin : begin + size]) for begin in range(0, len(packed), size))
    return b"".join(_gunzipped(chunks))


def test_a_client_that_another_thread_closed_is_a_broken_connection(url: str) -> None:
    client = httpx2.Client()
    client.close()
    with pytest.raises(httpx2.ReadError):
        ask(client, f"{url}/end")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("9" * 5000, 1e9),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", None),
    ],
)
def test_a_wait_that_is_asked_for(said: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": said}) == seconds


def test_a_wait_until_a_date() -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    wait = retry_after({"Retry-After": format_datetime(later)})
    assert wait is not None
    assert 0 < wait <= 3600
    assert retry_after({}) is None


def test_whole_numbers() -> None:
    assert whole_number("0") == 0
    assert whole_number("9" * 18) == 10**18 - 1
    for said in ("", "-1", "1.0", "²", "٣", "9" * 19, "9" * 5000, " 1"):
        assert whole_number(said) is None


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b'{"error": "no such thing"}', "json", "no such thing"),
        (b'{"error": ["one", "two"]}', "json", "one; two"),
        (b'{"message": "sorry"}', "json", "sorry"),
        (b'{"error": null}', "json", ""),
        (b'["odd"]', "json", "odd"),
        (b"plain", "plain", "plain"),
        (b"<html>", "html", ""),
        (b"[" * 200_000, "html", ""),
        (b"caf\xe9", "plain", "caf\ufffd"),
    ],
)
def test_what_an_error_says(body: bytes, kind: str, said: str) -> None:
    headers = httpx2.Headers({"Content-Type": f"text/{kind}"})
    assert Answer(400, headers, body).error_text == said
    headers["X-Error-Message"] = "first"
    assert Answer(400, headers, body).error_text == (f"first; {said}" if said else "first")
