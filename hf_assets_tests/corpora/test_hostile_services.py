"""Services of texts at their worst: bounded in time and size, and told without secrets."""

import gzip
import json
import traceback
from collections.abc import AsyncIterator, Callable

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from hf_assets.corpora.kaggle import client as kaggle_client
from hf_assets.corpora.kaggle.client import DatasetClient, KaggleError
from hf_assets.corpora.stackexchange import client as stackexchange
from hf_assets.corpora.stackexchange.client import QuestionClient, StackExchangeError
from hf_assets.corpora.stackexchange.pacing import Pace
from hf_assets.errors import InputError
from hf_assets_tests.conftest import Serve

SECRET = "s3cret-and-long"
ESCAPES = "\x1b[2J\x1b]0;title\x07‮"


def endless(_: Request) -> Response:
    async def bytes_by_and_by() -> AsyncIterator[bytes]:
        yield b'{"items": ['
        while True:
            yield b" "
            await anyio.sleep(0.02)

    return StreamingResponse(bytes_by_and_by(), media_type="application/json")


def huge(_: Request) -> Response:
    body = gzip.compress(b'{"items": [' + b" " * 20_000_000 + b"]}")
    return Response(body, headers={"Content-Encoding": "gzip"}, media_type="application/json")


async def echo(request: Request) -> Response:
    repeated = f"{ESCAPES} {dict(request.headers)} {request.url} {'x' * 3_000_000}"
    body = {"error_id": 400, "error_name": "bad", "error_message": repeated, "message": repeated}
    return Response(json.dumps(body), 403, media_type="application/json")


def asked_to_wait(headers: dict[str, str]) -> Callable[[Request], Response]:
    return lambda _: Response("{}", 429, headers=headers)


ListingQuery = Callable[..., object]


def questions(url: str, seconds: float = 300.0) -> object:
    pace = Pace(lambda: 0.0, lambda _: None)
    client = QuestionClient(url, key=SECRET, pace=pace, total_timeout=seconds)
    with client.connection() as http:
        return client.ask(http, {"page": 1})


def datasets(url: str, seconds: float = 300.0) -> object:
    client = DatasetClient(url, token=SECRET, total_timeout=seconds, sleep=lambda _: None)
    return client.page(1)


@pytest.fixture(params=[questions, datasets])
def ask(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ListingQuery:
    for module in (kaggle_client, stackexchange):
        monkeypatch.setattr(module, "MOST_BYTES", 2_000_000)
    return request.param


def failure(serve: Serve, answer: object, ask: ListingQuery, **options: float) -> InputError:
    path = "/{rest:path}"
    url = serve(Starlette(routes=[Route(path, answer, methods=["GET", "POST"])])).url  # ty: ignore
    with pytest.raises((StackExchangeError, KaggleError)) as raised:
        ask(url, **options)
    said = "".join(traceback.format_exception(raised.value))
    assert SECRET not in said
    assert "\x1b" not in said
    assert len(str(raised.value)) < 3000
    return raised.value


@pytest.mark.heavy
def test_an_answer_without_end_is_ended(serve: Serve, ask: ListingQuery) -> None:
    error = failure(serve, endless, ask, seconds=0.3)
    assert "not whole after 0.3 s" in str(error)
    assert not error.permanent


def test_an_answer_that_unpacks_to_more_than_any_is_refused(
    serve: Serve, ask: ListingQuery
) -> None:
    error = failure(serve, huge, ask)
    assert "over 2,000,000 bytes, unpacked" in str(error)
    assert error.permanent


def test_what_a_server_repeats_is_not_told(serve: Serve, ask: ListingQuery) -> None:
    assert failure(serve, echo, ask).permanent


@pytest.mark.parametrize(
    "after", ["9" * 400, "9" * 5000, "²", "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 99999 1"]
)
def test_any_pause_that_is_asked_for_ends_in_a_message(
    serve: Serve, ask: ListingQuery, after: str
) -> None:
    failure(serve, asked_to_wait({"Retry-After": after}), ask)


@pytest.mark.parametrize("seconds", ["1e300", "86400000000000"])
def test_any_backoff_ends_in_a_message(serve: Serve, seconds: str) -> None:
    answers = [f'{{"items": [], "backoff": {seconds}}}']

    def answer(_: Request) -> Response:
        return Response(answers[0], media_type="application/json")

    url = serve(Starlette(routes=[Route("/{rest:path}", answer)])).url
    client = QuestionClient(url, pace=Pace(lambda: 0.0, lambda _: None))
    with client.connection() as http:
        client.ask(http, {"page": 1})
        with pytest.raises(StackExchangeError, match="wants no request before 20"):
            client.ask(http, {"page": 2})
