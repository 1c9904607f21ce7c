"""Kaggle's client: faults, waits and credentials."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib.metadata import version
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hf_assets.corpora.kaggle.client import LONGEST_WAIT, DatasetClient, KaggleError
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.labels.kaggle import TOKEN, USER, read_faults
from hf_assets.demo.service.switches import At
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.corpora.kaggle import ServeKaggle, down_to, known, listing


@pytest.mark.parametrize(
    "fault",
    ["404", "429", "500", "502", "503", "504", "cut", "cut-chunked", "broken-json", "garbled-json",
     "html"],
)  # fmt: skip
def test_what_passes_is_waited_for(fault: str, kaggle: ServeKaggle) -> None:
    served = kaggle(faults=read_faults(f"{fault}:2@2"))
    found, _ = served.new(known(range(350)))
    assert found == down_to(350)
    assert served.slept == ([1.0, 1.0] if fault == "429" else [1.0, 2.0])
    assert sum(served.faults.fired.values()) == 2
    assert all("page 2" in line for line in served.told[:2])


def test_a_server_that_stalls_is_given_up_on(kaggle: ServeKaggle) -> None:
    served = kaggle(faults=Faults(stall=[At(page=1)], stall_body=[At(page=2)]))
    found, _ = served.new(known(range(350)), read_timeout=0.3)
    assert found == down_to(350)
    assert [line.split(":")[1].strip() for line in served.told[:2]] == [
        "ReadTimeout",
        "ConnectionError",
    ]


def test_retry_after_is_waited_for_as_told(kaggle: ServeKaggle) -> None:
    served = kaggle(faults=Faults(too_many=[At(page=1, value=7), At(page=2, value=31)]))
    served.new(known(range(350)))
    assert served.slept == [7.0, 31.0]


def test_a_very_long_retry_after_is_an_error_that_says_so(kaggle: ServeKaggle) -> None:
    served = kaggle(faults=Faults(too_many=[At(page=1, value=LONGEST_WAIT + 1)]))
    with pytest.raises(KaggleError, match=r"429.*wait for 601 s") as caught:
        served.new(set())
    assert not caught.value.permanent
    assert served.slept == []


@pytest.mark.parametrize("status", [404, 503])
def test_what_does_not_pass_is_an_error(status: int, kaggle: ServeKaggle) -> None:
    served = kaggle(faults=Faults(errors={status: [At(times=99, page=2)]}))
    with pytest.raises(KaggleError, match=rf"page 2 .*HTTP {status}") as caught:
        served.new(known(range(350)))
    assert not caught.value.permanent
    assert served.slept == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_refused_token_is_permanent_and_never_told(kaggle: ServeKaggle) -> None:
    served = kaggle()
    with pytest.raises(KaggleError, match=r"HTTP 401.*KAGGLE_API_TOKEN") as caught:
        served.new(set(), token="very-secret")
    assert caught.value.permanent
    assert served.slept == []
    assert "very-secret" not in f"{caught.value!r} {served.told} {served.client(token='x')!r}"


def test_a_token_that_the_server_repeats_is_hidden(serve: Serve) -> None:
    async def echo(request: Request) -> Response:
        said = {"code": 400, "message": f"what is {request.headers['authorization']}?"}
        return Response(json.dumps(said), 400, media_type="application/json")

    app = Starlette(routes=[Route("/v1/{rest:path}", echo, methods=["POST"])])
    with pytest.raises(KaggleError, match=r"what is Bearer \*\*\*\?") as caught:
        DatasetClient(serve(app).url, token="very-secret").page(1)
    assert caught.value.permanent
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize(
    "endpoint", ["http://kaggle.example", "https://me:secret@kaggle.example", "ftp://x"]
)
def test_an_endpoint_that_would_leak_is_refused(endpoint: str) -> None:
    with pytest.raises(KaggleError) as caught:
        DatasetClient(endpoint)
    assert caught.value.permanent
    assert "secret" not in str(caught.value)


def test_retry_after_may_be_a_date(serve: Serve) -> None:
    headers = {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(hours=2))}
    client = DatasetClient(serve(listing([], headers, 429)).url, token="t")
    with pytest.raises(KaggleError, match=r"HTTP 429.*wait for (7200|7199|71\d\d) s"):
        client.page(1)


def run(code: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python with nobody's credentials but those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KAGGLE")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=kept | {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "xdg")} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        input="still open\n",
        cwd=Path(__file__).parents[3],
    )


ASK = """
import sys
from hf_assets.corpora.kaggle.client import DatasetClient, KaggleError
client = DatasetClient({url!r}, sleep=lambda _: None)
try:
    page = client.page(1)
except KaggleError as error:
    print("KaggleError", error.permanent, error)
else:
    print(len(page.datasets), "datasets")
print(sys.stdin.readline().strip(), "kaggle" in sys.modules)
"""


def test_missing_credentials_are_an_error_and_not_an_exit(
    kaggle: ServeKaggle, tmp_path: Path
) -> None:
    served = kaggle()
    done = run(ASK.format(url=served.url), tmp_path)
    assert done.returncode == 0, done.stderr
    said, after = done.stdout.splitlines()
    assert said.startswith("KaggleError True Kaggle's list needs an account")
    assert "KAGGLE_API_TOKEN" in said
    assert "kaggle.json" in said
    assert after == "still open False"
    assert served.app.state.asked == []


def test_the_package_itself_is_as_usual_afterwards(tmp_path: Path) -> None:
    code = """
import contextlib, io
from hf_assets.corpora.kaggle.client import _api_class
ours = _api_class()
with contextlib.redirect_stdout(io.StringIO()) as printed:
    import kaggle
from kaggle.api.kaggle_api_extended import KaggleApi
print(type(kaggle.api) is KaggleApi and issubclass(ours, KaggleApi), kaggle.__version__)
print("Authentication required" in printed.getvalue())
"""
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"True {version('kaggle')}", "True"]


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("environment", "calls"),
    [({"KAGGLE_API_TOKEN": TOKEN}, ["IntrospectToken", "ListDatasets"]),
     ({"KAGGLE_USERNAME": USER, "KAGGLE_KEY": TOKEN}, ["ListDatasets"])],
)  # fmt: skip
def test_credentials_of_the_environment_go_to_the_endpoint_alone(
    environment: dict[str, str], calls: list[str], kaggle: ServeKaggle, tmp_path: Path
) -> None:
    served = kaggle()
    # A proxy that is not there: whoever else is asked cannot be reached, and takes its time.
    proxies = {"HTTPS_PROXY": "http://127.0.0.1:9", "VERBOSE": "true", "NO_PROXY": "127.0.0.1"}
    done = run(ASK.format(url=served.url), tmp_path, **environment, **proxies)
    assert done.stdout.splitlines() == ["20 datasets", "still open False"], done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert [asked.path.rsplit("/")[-1] for asked in served.app.state.asked] == calls


def test_a_wrong_token_in_the_environment_is_a_clear_error(
    kaggle: ServeKaggle, tmp_path: Path
) -> None:
    done = run(ASK.format(url=kaggle().url), tmp_path, KAGGLE_API_TOKEN="very-secret")
    assert "KaggleError True" in done.stdout
    assert "refused" in done.stdout
    assert "very-secret" not in done.stdout + done.stderr
