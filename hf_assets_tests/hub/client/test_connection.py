"""The retry rule of every request to a Hub, its advice, and its refusal of a password."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hf_assets.errors import HfAssetsError
from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.client.connection import RETRIES, HubConnection, HubError
from hf_assets.hub.client.listing import HubClient, ListingError
from hf_assets.hub.client.pacing import Pacer
from hf_assets.hub.open_archive import open_archive
from hf_assets.transport import Answer
from hf_assets_tests.conftest import Serve

PASSWORD = "https://someone:hunter2@mirror.example"


class Script:
    """A Hub that gives these answers in turn, the last for ever."""

    def __init__(self, serve: Serve, *answers: Response) -> None:
        self.answers, self.requests = list(answers), 0
        self.url = serve(Starlette(routes=[Route("/{rest:path}", self._answer)])).url

    def _answer(self, _: Request) -> Response:
        self.requests += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def get(self, read: Callable[[Answer], Any] = Answer.json, **options: Any) -> Any:
        span = options.pop("span", None)
        hub = HubConnection(self.url, retry_wait=0.0, pacer=Pacer(), **options)
        return hub.get(f"{self.url}/x", read, span=span)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_busy_hub_is_asked_again_five_times(serve: Serve, status: int) -> None:
    script = Script(serve, *[Response(status_code=status)] * RETRIES, Response(b"7"))
    assert script.get() == 7
    assert script.requests == RETRIES + 1
    script = Script(serve, Response(status_code=status))
    with pytest.raises(HubError, match=f"HTTP {status}: run again later") as raised:
        script.get()
    assert script.requests == RETRIES + 1
    assert (raised.value.status, raised.value.permanent) == (status, False)


def test_an_unusable_answer_is_tried_five_times(serve: Serve) -> None:
    unusable = [Response(b"{"), Response(status_code=504), Response(b"["), Response(b"")]
    script = Script(serve, *unusable, Response(b"7"))
    assert script.get() == 7
    script = Script(serve, *unusable, Response(status_code=504))
    with pytest.raises(HubError, match=r"timed out \(504\)") as raised:
        script.get()
    assert script.requests == RETRIES
    assert not raised.value.permanent


@pytest.mark.parametrize(
    ("status", "permanent", "advice"),
    [
        (400, True, "run again later"),
        (401, True, "set a valid HF_TOKEN, or none"),
        (403, True, "set another HF_TOKEN, or none"),
        (404, True, "run again later"),
        (410, True, "run again later"),
        (416, True, "run again later"),
        (418, False, "run again later"),
        (451, True, "run again later"),
        (501, False, "run again later"),
    ],
)
@pytest.mark.parametrize("span", [None, (0, 4)])
def test_any_other_error_ends_the_request(
    serve: Serve, status: int, permanent: bool, advice: str, span: tuple[int, int] | None
) -> None:
    script = Script(serve, Response(b"no \x1b[31mway", status))
    with pytest.raises(HubError, match=f"HTTP {status} no way: .*{advice}") as raised:
        script.get(span=span)
    assert script.requests == 1
    assert raised.value.permanent is permanent


def test_without_retries_a_hub_is_asked_once(serve: Serve) -> None:
    for answer in (Response(status_code=503), Response(status_code=504), Response(b"{")):
        script = Script(serve, answer)
        with pytest.raises(HubError):
            script.get(retries=0)
        assert script.requests == 1


def test_a_time_out_may_change_the_address(serve: Serve) -> None:
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.url.path)
        return Response(b"7", 504 if len(asked) < 3 else 200)

    url = serve(Starlette(routes=[Route("/{rest:path}", answer)])).url
    hub = HubConnection(url, retry_wait=0.0, pacer=Pacer())
    assert hub.get(f"{url}/0", Answer.json, after_timeout=lambda times: f"{url}/{times}") == 7
    assert asked == ["/0", "/1", "/2"]


def _open_hub_stats(endpoint: str) -> object:
    return open_archive("author/dataset", endpoint=endpoint)


@pytest.mark.parametrize(
    ("make", "error"),
    [(HubConnection, HubError), (HubClient, ListingError), (_open_hub_stats, ArchiveError)],
)
def test_a_password_in_the_endpoint_is_refused_and_not_told(
    make: Callable[[str], object], error: type[HfAssetsError]
) -> None:
    with pytest.raises(error, match="HF_TOKEN") as refused:
        make(PASSWORD)
    assert refused.value.permanent
    assert "hunter2" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
