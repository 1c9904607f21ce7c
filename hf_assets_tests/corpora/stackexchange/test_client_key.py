"""A key raises the quota, and is never told."""

import json
import logging

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hf_assets.corpora.schemas import texts_table
from hf_assets.corpora.stackexchange.client import QuestionClient, StackExchangeError
from hf_assets.corpora.stackexchange.pacing import Pace
from hf_assets.corpora.stackexchange.questions import new_questions
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.corpora.stackexchange import DAY, KEY, ServeQuestions
from hf_assets_tests.support.waits import FakeTime


def test_a_key_raises_the_quota(served: ServeQuestions) -> None:
    service = served()
    _, made = service.day(key=KEY)
    assert made.provenance["new_questions"]["quota_max"] == 10_000
    assert made.provenance["new_questions"]["with_key"] is True
    assert service.requests[0].query["key"] == KEY


@pytest.mark.parametrize("faults", ["", "500:*", "throttle=99999", "stall=60:*", "cut-gzip:*"])
def test_a_key_is_never_told(
    served: ServeQuestions, caplog: pytest.LogCaptureFixture, lake: Lake, faults: str
) -> None:
    caplog.set_level(logging.DEBUG)
    service = served(None, faults)
    client = service.client(key=KEY, read_timeout=0.1)
    seen = [repr(client)]
    try:
        stored = lake.write(texts_table("new_questions"), DAY, new_questions(client, DAY))
        seen += [json.dumps(stored.notes), json.dumps(stored.provenance)]
        assert KEY.encode() not in stored.path.read_bytes()
    except StackExchangeError as error:
        seen.append(str(error))
    seen += [*service.told, *(record.getMessage() for record in caplog.records)]
    if not faults:
        assert "key=***" in "\n".join(seen)  # the address is logged, and scrubbed
    assert not [text for text in seen if KEY in text or "%28%28" in text]


def test_a_key_the_api_does_not_know(served: ServeQuestions) -> None:
    service = served()
    with pytest.raises(StackExchangeError, match="check the key, or set none") as caught:
        service.day(key="bad-key-bad-key")
    assert caught.value.permanent
    assert "bad-key" not in str(caught.value)


def test_a_server_that_repeats_the_key_is_not_quoted(serve: Serve) -> None:
    async def echo(request: Request) -> JSONResponse:
        said = f"no such app: {request.query_params['key']} in {request.url}"
        return JSONResponse({"error_id": 400, "error_name": "x", "error_message": said}, 400)

    url = serve(Starlette(routes=[Route("/2.3/questions", echo)])).url
    time = FakeTime()
    client = QuestionClient(url, "ai", KEY, pace=Pace(time.clock, time.sleep), now=time.now)
    with pytest.raises(StackExchangeError, match="no such app: ") as caught:
        list(new_questions(client, DAY).frames)
    assert "sEcReT" not in str(caught.value)


def test_an_endpoint_with_a_password_is_refused() -> None:
    with pytest.raises(StackExchangeError, match="user or password") as caught:
        QuestionClient("http://me:hidden@127.0.0.1")
    assert "hidden" not in str(caught.value)
