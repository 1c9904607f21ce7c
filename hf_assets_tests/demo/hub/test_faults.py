"""Each fault does what it says, on the page it names, as often as it says."""

import datetime as dt
import gzip
import json
import socket
import threading
import time
from urllib.parse import urlsplit

import httpx2
import pytest

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.demo.walking import pages, rows

HUB = GeneratedHub(1000, 500, seed=2, day=dt.date(2026, 11, 20))
PATH = "/api/models?sort=createdAt&limit=300&expand=likes"
PLAIN = {"Accept-Encoding": "identity"}
IMPATIENT = httpx2.Timeout(60, read=1.0)  # the server sees the request before it ends


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def url(serve: Serve, faults: Faults) -> str:
    return serve(create_app(HUB, faults)).url + PATH


def second(url: str) -> str:
    """The link to page 2."""
    return httpx2.get(url).links["next"]["url"]


def test_nothing_goes_wrong_by_default(url: str, faults: Faults) -> None:
    assert len(rows(url)) == 1000
    assert not faults.fired


def test_too_many(url: str, faults: Faults) -> None:
    faults.too_many.append(At(times=2, page=2, value=7))
    link = second(url)
    answers = [httpx2.get(link) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["RateLimit"] == '"api";r=0;t=7'
    assert "rate limit" in answers[0].json()["error"]
    assert faults.fired["too_many"] == 2


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_errors(url: str, faults: Faults, status: int) -> None:
    faults.errors[status] = [At(times=1, page=4)]
    answers = []
    link = url
    while link:
        answers.append(httpx2.get(link))
        link = answers[-1].links.get("next", {}).get("url")
    assert [answer.status_code for answer in answers] == [200, 200, 200, status]
    assert answers[-1].json()["error"]
    assert "Link" not in answers[-1].headers


def test_a_fault_can_name_a_kind(url: str, faults: Faults) -> None:
    faults.errors[500] = [At(kind="spaces")]
    assert httpx2.get(url).status_code == 200
    assert httpx2.get(url.replace("models", "spaces")).status_code == 500


@pytest.mark.heavy
def test_stall_sends_nothing_then_the_page(url: str, faults: Faults) -> None:
    faults.stall += [At(value=5), At(value=0.3)]
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.get(url, timeout=IMPATIENT)
    began = time.monotonic()
    assert len(httpx2.get(url).json()) == 300
    assert time.monotonic() - began >= 0.3


def test_stall_body_sends_headers_only(url: str, faults: Faults) -> None:
    faults.stall_body.append(At(value=5))
    with httpx2.stream("GET", url, timeout=60) as answer:
        assert answer.status_code == 200
        answer.request.extensions["timeout"]["read"] = 1.0
        with pytest.raises(httpx2.ReadTimeout):
            answer.read()


def test_trickle(url: str, faults: Faults) -> None:
    faults.trickle.append(At(value=1000))
    began = time.monotonic()
    with httpx2.stream("GET", url, headers=PLAIN) as answer:
        got = b""
        for part in answer.iter_raw():
            got += part
            if len(got) >= 300:
                break
    assert time.monotonic() - began >= 0.1
    assert got.startswith(b'[{"_id"')


def test_cut_off_body_is_shorter_than_its_length(url: str, faults: Faults) -> None:
    faults.cut.append(At(value=0.25))
    with pytest.raises(httpx2.RemoteProtocolError, match=r"received \d+ bytes, expected"):
        httpx2.get(url)
    assert httpx2.get(url).status_code == 200


def test_cut_chunked_body_has_no_end(url: str, faults: Faults) -> None:
    faults.cut_chunked.append(At())
    with pytest.raises(httpx2.RemoteProtocolError, match="incomplete chunked read"):
        httpx2.get(url)


def test_cut_gzip_is_valid_http_and_half_a_stream(url: str, faults: Faults) -> None:
    faults.cut_gzip.append(At(value=0.5))
    with httpx2.stream("GET", url) as answer:
        raw = b"".join(answer.iter_raw())
        assert len(raw) == int(answer.headers["Content-Length"])
    with pytest.raises(EOFError):
        gzip.decompress(raw)


@pytest.mark.parametrize("name", ["broken_json", "garbled_json"])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_json_that_does_not_parse(url: str, faults: Faults, name: str, encoding: str) -> None:
    getattr(faults, name).append(At())
    answer = httpx2.get(url, headers={"Accept-Encoding": encoding})
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r".+"):
        json.loads(answer.content)
    assert len(httpx2.get(url).json()) == 300


def test_html_with_status_200(url: str, faults: Faults) -> None:
    faults.html.append(At(page=1))
    answer = httpx2.get(url)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("page", [1, 2, 4])
def test_empty_page_leads_on_and_loses_nothing(url: str, faults: Faults, page: int) -> None:
    whole = rows(url)
    faults.empty_page.append(At(page=page))
    answers = pages(url)
    assert [len(answer.json()) for answer in answers].index(0) == page - 1
    assert [row for answer in answers for row in answer.json()] == whole
    links = [answer.links["next"]["url"] for answer in answers[:-1]]
    assert len(set(links)) == len(links)


def test_cursor_loop(url: str, faults: Faults) -> None:
    faults.cursor_loop.append(At(page=2))
    link = second(url)
    assert httpx2.get(link).links["next"]["url"] == link
    assert httpx2.get(link).links["next"]["url"] != link


def test_cursor_loop_on_the_first_page(url: str, faults: Faults) -> None:
    faults.cursor_loop.append(At(page=1))
    assert second(url) == url


def test_foreign_link(url: str, faults: Faults) -> None:
    faults.foreign_link.append(At())
    link = urlsplit(second(url))
    assert link.netloc == "hub.example.invalid"
    assert "cursor=" in link.query


def test_duplicates_repeat_the_end_of_a_page(url: str, faults: Faults) -> None:
    faults.duplicates.append(At(page=2, value=0.05))
    answers = [answer.json() for answer in pages(url)]
    assert answers[2][:15] == answers[1][-15:]
    listed = [row["_id"] for page in answers for row in page]
    assert (len(listed), len(set(listed))) == (1015, 1000)


def test_odd_rows_are_put_among_the_rows(url: str, faults: Faults) -> None:
    faults.odd_rows["models"] = [b'{"likes": 1.5}', b"17", b'{"_id": 9223372036854775808}']
    faults.odd_page = 2
    answers = [answer.json() for answer in pages(url)]
    assert [len(page) for page in answers] == [300, 303, 300, 100]
    assert 17 in answers[1]
    assert {"likes": 1.5} in answers[1]


def test_refused_expand_names_what_is_allowed_and_what_was_asked(url: str, faults: Faults) -> None:
    faults.refused_expand = {"usedStorage", "baseModels"}
    query = f"{url}&expand=baseModels&expand=tags&expand=usedStorage"
    answer = httpx2.get(query)
    assert answer.status_code == 400
    first, at_first, again, at_third = answer.json()["error"].split("\n")
    assert (at_first, at_third) == ("  → at expand[1]", "  → at expand[3]")
    assert first == again
    assert '"author"' in first
    assert "usedStorage" not in first


def test_rate_limit_can_change_while_serving(url: str, faults: Faults) -> None:
    faults.rate_limit = (2, 60)
    assert [httpx2.get(url).status_code for _ in range(3)] == [200, 200, 429]


def test_a_listing_that_ends_early(url: str, faults: Faults) -> None:
    faults.ends_early = [At(), At(value=0)]
    for length in (100, 0):
        answer = httpx2.get(url)
        assert len(answer.json()) == length
        assert "Link" not in answer.headers
        assert answer.headers["X-Total-Count"] == "1000"
    faults.numbers = [At()]
    assert httpx2.get(url).json() == [1, 2, 3]
    faults.no_link = [At()]
    answer = httpx2.get(url)
    assert (len(answer.json()), "Link" in answer.headers) == (300, False)


def test_stale_pages_link_to_themselves_in_ever_new_words(url: str, faults: Faults) -> None:
    whole = httpx2.get(url)
    faults.stale = [At(times=2)]
    asked, links = url, []
    for _ in range(3):
        answer = httpx2.get(asked)
        assert answer.json() == whole.json()
        asked = answer.links["next"]["url"]
        links.append(asked)
    assert len(set(links)) == 3
    assert httpx2.get(asked).json()[0] not in whole.json()


def test_bodies_and_headers_that_no_hub_sends(url: str, faults: Faults) -> None:
    whole = httpx2.get(url)
    faults.bloat = [At(value=1000)]
    assert httpx2.get(url).content == whole.content + b" " * 1000
    faults.two_members = [At()]
    with httpx2.stream("GET", url) as answer:
        packed = b"".join(answer.iter_raw())
    assert gzip.decompress(packed) == whole.content
    assert packed.count(b"\x1f\x8b\x08") >= 2
    faults.odd_link, faults.odd_total = "nonsense", "many"
    answer = httpx2.get(url)
    assert (answer.headers["Link"], answer.headers["X-Total-Count"]) == ("nonsense", "many")


def test_refusals_of_proxies(url: str, faults: Faults) -> None:
    faults.busy = [At(), At(value=7)]
    for seconds in ("1000000", "7"):
        answer = httpx2.get(url)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, seconds)
    faults.echo = [At(value=100)]
    answer = httpx2.get(url, headers={"X-Mine": "me"})
    assert answer.status_code == 403
    assert "'x-mine': 'me'" in answer.json()["error"]
    assert answer.json()["error"].endswith("x" * 100)


def test_latency(url: str, faults: Faults) -> None:
    faults.latency = 0.15
    began = time.monotonic()
    httpx2.get(url)
    assert time.monotonic() - began >= 0.15


def test_no_total(url: str, faults: Faults) -> None:
    assert httpx2.get(url).headers["X-Total-Count"] == "1000"
    faults.no_total = True
    assert "X-Total-Count" not in httpx2.get(url).headers


def test_slow_above_limit(url: str, faults: Faults) -> None:
    faults.slow_above_limit = 200
    assert httpx2.get(url).status_code == 504
    assert httpx2.get(url.replace("limit=300", "limit=200")).status_code == 200


def test_stopping_does_not_wait_for_a_stalled_request() -> None:
    from hf_assets.demo.service.server import LoopbackServer

    faults = Faults(stall=[At()])  # for an hour
    server = LoopbackServer(create_app(HUB, faults)).start()
    with socket.create_connection(("127.0.0.1", server.port)) as open_request:
        open_request.sendall(b"GET /api/models HTTP/1.1\r\nHost: x\r\n\r\n")
        while not faults.fired["stall"]:
            time.sleep(0.01)
        stopping = threading.Thread(target=server.stop, daemon=True)
        stopping.start()
        stopping.join(60)
        assert not stopping.is_alive()


def test_parse() -> None:
    faults = Faults.parse(
        "429=2:5@3, 503:2,stall=0.5:1@4/spaces,cut-gzip,html:*,latency=0.2,rate=100per10,"
        "no-total,refused-expand=usedStorage+baseModels,slow-above-limit=500"
    )
    assert faults == Faults(
        too_many=[At(times=5, page=3, value=2)],
        errors={503: [At(times=2)]},
        stall=[At(times=1, page=4, kind="spaces", value=0.5)],
        cut_gzip=[At()],
        html=[At(times=FOREVER)],
        latency=0.2,
        rate_limit=(100, 10),
        no_total=True,
        refused_expand={"usedStorage", "baseModels"},
        slow_above_limit=500,
    )
    assert Faults.parse("") == Faults()


@pytest.mark.parametrize(
    "text",
    ["nonsense", "429:x", "503@0", "stall=abc", "200:1", "429:1@2/papers", "latency=", "rate=5",
     "no-total=1", "latency=-", "refused-expand=", "fired", "429 503"],
)  # fmt: skip
def test_parse_says_what_is_wrong(text: str) -> None:
    with pytest.raises(ValueError, match=r"fault") as caught:
        Faults.parse(text)
    assert text.split("=")[0].split(":")[0].split("@")[0].replace("-", "_") in str(
        caught.value
    ).replace("-", "_")
