"""The rate limit, tokens, and the headers on every answer."""

import datetime as dt

import httpx2
import pytest
from huggingface_hub.utils import parse_ratelimit_headers

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets_tests.conftest import Serve

HUB = GeneratedHub(50, 20, day=dt.date(2026, 11, 20))


@pytest.mark.parametrize(
    "path", ["/", "/api/models", "/api/spaces?limit=x", "/api/models/no/such", "/api/nothing"]
)
def test_headers_are_on_every_answer(serve: Serve, path: str) -> None:
    answer = httpx2.get(serve(create_app(HUB)).url + path)
    assert answer.headers["RateLimit"] == '"api";r=499;t=300'
    assert answer.headers["RateLimit-Policy"] == '"fixed window";"api";q=500;w=300'
    assert answer.headers["X-Request-Id"].startswith("Root=1-")
    assert answer.headers["ETag"].startswith('W/"')


def test_over_the_limit_is_a_429_until_the_window_ends(serve: Serve) -> None:
    now = [0.0]
    url = serve(create_app(HUB, rate_limit=3, window=0.5, clock=lambda: now[0])).url
    answers = [httpx2.get(f"{url}/api/models?limit=1") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    info = parse_ratelimit_headers(answers[-1].headers)
    assert info is not None
    assert (info.remaining, info.reset_in_seconds, info.limit) == (0, 1, 3)
    assert "rate limit" in answers[-1].json()["error"]
    now[0] = 0.49
    assert httpx2.get(f"{url}/api/models?limit=1").status_code == 429
    now[0] = 0.51
    assert httpx2.get(f"{url}/api/models?limit=1").status_code == 200


def test_a_token_has_its_own_larger_quota(serve: Serve) -> None:
    url = serve(create_app(HUB)).url
    httpx2.get(f"{url}/api/models?limit=1")
    known = {"Authorization": "Bearer hf_" + "a" * 34}
    answer = httpx2.get(f"{url}/api/models?limit=1", headers=known)
    assert answer.headers["RateLimit"] == '"api";r=999;t=300'


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("Bearer nonsense", "Invalid username or password."),
        ("Bearer hf_", "Invalid username or password."),
        ("Basic abc", "Invalid credentials in Authorization header"),
    ],
)
def test_malformed_tokens_are_refused(serve: Serve, header: str, message: str) -> None:
    url = serve(create_app(HUB)).url
    answer = httpx2.get(f"{url}/api/models", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json() == {"error": message}
    assert answer.headers["X-Error-Message"] == message


def test_requests_are_counted(serve: Serve) -> None:
    app = create_app(HUB)
    url = serve(app).url
    httpx2.get(f"{url}/api/models?limit=0")
    httpx2.get(f"{url}/api/spaces")
    assert app.state.requests == [
        ("GET", "/api/models", "limit=0", 400),
        ("GET", "/api/spaces", "", 200),
    ]
