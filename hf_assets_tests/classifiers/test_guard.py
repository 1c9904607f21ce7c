"""Who may ask a page, and how much at once."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.classifiers.guard import MOST_BYTES, MOST_CHARACTERS, Guard, too_long


def answer(
    *,
    host: str = "127.0.0.1:7860",
    origin: str | None = None,
    path: str = "/",
    names: Any = (),
    chunks: tuple[int, ...] = (),
    length: int | None = None,
    kind: str = "http",
) -> tuple[str | int, int]:
    """What a request is answered with, and how many bytes of its body the page read."""
    headers = {"host": host, "origin": origin, "content-length": length}
    given = [
        (name.encode(), str(value).encode()) for name, value in headers.items() if value is not None
    ]
    body = [{"type": "http.request", "body": b"x" * size, "more_body": True} for size in chunks]
    body.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Any] = []
    read = 0

    async def page(scope: Any, receive: Any, send: Any) -> None:
        nonlocal read
        for _ in chunks:
            read += len((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        return body.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": kind, "path": path, "headers": given}
    asyncio.run(Guard(page, names)(scope, receive, send))
    return sent[0].get("status", sent[0]["type"]), read


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:7860", "localhost", "LOCALHOST:1", "[::1]:7860", "192.168.1.5", "tags.example."],
)
def test_the_page_answers_at_addresses_and_its_own_names(host: str) -> None:
    assert answer(host=host, names=["Tags.example"]) == (200, 0)


@pytest.mark.parametrize(
    "name", ["box", "BOX", "box:8080", "box.", "https://box", "http://box:7860/tags"]
)
def test_a_name_is_understood_as_people_give_it(name: str) -> None:
    assert answer(host="box:7860", names=[name]) == (200, 0)
    assert answer(host="boxes:7860", names=[name])[0] == 403


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "192.168.1.5", "[::1]"])
def test_another_page_at_the_same_address_may_not_ask(address: str) -> None:
    host = f"{address}:7860"
    assert answer(host=host, names=[address], origin=f"http://{host}") == (200, 0)
    assert answer(host=host, names=[address], origin=f"http://{address}:1")[0] == 403


@pytest.mark.parametrize(
    "host",
    ["evil.example:7860", "127.0.0.1.evil.example", "", "localhost.evil.example", "a b", "["],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_another_name_that_leads_here_is_refused(host: str, kind: str) -> None:
    refused = 403 if kind == "http" else "websocket.close"
    assert answer(host=host, kind=kind, names=["tags.example"]) == (refused, 0)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:7860", 200),
        ("https://tags.example", 200),  # a proxy before the page
        ("http://127.0.0.1:3000", 403),
        ("http://localhost:7860", 403),
        ("https://evil.example", 403),
        ("null", 403),
        ("", 403),
        ("http://[", 403),
    ],
)
def test_only_the_page_itself_may_ask(origin: str, status: int) -> None:
    assert answer(origin=origin, names=["tags.example"])[0] == status


def test_a_public_page_is_for_all() -> None:
    assert answer(host="any.example", origin="https://other.example", names=None)[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/monitoring", "/monitoring/", "/monitoring/summary", "/gradio_api/upload",
     "/gradio_api/upload_progress"],
)  # fmt: skip
@pytest.mark.parametrize("names", [(), None], ids=["local", "public"])
def test_what_no_page_needs_is_closed(path: str, names: Any) -> None:
    assert answer(path=path, names=names) == (403, 0)


def test_a_body_has_an_end() -> None:
    half = MOST_BYTES // 2
    assert answer(chunks=(half, half), length=2 * half) == (200, 2 * half)
    assert answer(chunks=(half,), length=MOST_BYTES + 1) == (413, 0)
    assert answer(chunks=(half, half, half, half)) == (413, 2 * half)
    assert answer(length=10**30, names=None)[0] == 413


def test_texts_have_an_end() -> None:
    assert too_long("x" * MOST_CHARACTERS, "") is None
    assert "200,001 characters are too many" in str(too_long("x" * MOST_CHARACTERS, "y"))


@given(st.text(st.characters(codec="latin-1"), max_size=20))
def test_no_header_breaks_the_guard(text: str) -> None:
    assert answer(host=text, origin=text)[0] in (200, 403)
    assert answer(origin=text)[0] in (200, 403)
