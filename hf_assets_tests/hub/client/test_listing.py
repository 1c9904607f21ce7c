"""A Hub that misbehaves: the listing is finished, or fails with page and cause."""

import contextlib
import gzip
import socket
import threading
import time
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from huggingface_hub import constants
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hf_assets import transport
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.source import Where
from hf_assets.hub.capture.capturer import NoCapture
from hf_assets.hub.capture_store.capture import Capture, open_capture
from hf_assets.hub.client import listing, pacing
from hf_assets.hub.client.addresses import next_address, refused_fields
from hf_assets.hub.client.listing import FIELDS, HubClient, ListingError, ListingQuery
from hf_assets.hub.client.pacing import Pacer, pacer_for
from hf_assets.hub.client.rows import Kind
from hf_assets.storage.lake import Lake, iso
from hf_assets_tests.conftest import DAY, Serve, ServedHub, ServeHub
from hf_assets_tests.support.hub.captures import ids_of, store_of

HUB = GeneratedHub(500, 200, seed=3, day=iso(DAY))
PAGES = 5
MODELS = ListingQuery.everything("models")


def all_ids(kind: Kind = "models") -> list[str]:
    listed = HUB.listing(kind, "createdAt", Where())
    return [row[8:32].decode() for row in listed.page(0, 10**6, frozenset(["_id"]))[0]]


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 100)
    monkeypatch.setattr(listing, "SMALL_PAGE_SIZE", 50)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits asked for and not waited."""
    taken: list[float] = []
    monkeypatch.setattr(time, "sleep", taken.append)
    return taken


@pytest.fixture
def served(hub: ServeHub) -> ServedHub:
    return hub(HUB)


@pytest.fixture
def folder(lake: Lake) -> Path:
    return lake.folder("raw_models", DAY)


def obtain(served: ServedHub, folder: Path, ask: ListingQuery = MODELS, **client: Any) -> Capture:
    return served.capturer(client=served.client(**client)).get_or_capture(
        store_of(folder), DAY, ask
    )


def assert_whole(capture: Capture, kind: Kind = "models") -> None:
    assert ids_of(capture) == all_ids(kind)
    assert capture.manifest.complete is True
    assert capture.manifest.distinct == capture.manifest.rows == HUB.total(kind)


def sizes(served: ServedHub) -> list[int]:
    """The `limit` of each listing request."""
    return [int(parse_qs(query)["limit"][0]) for query in served.listed]


def assert_fails_then_goes_on(
    served: ServedHub, folder: Path, pages_kept: int, cause: str, **client: Any
) -> None:
    """Fails for now at a page, keeps those before it, and goes on once the Hub is well."""
    with pytest.raises(ListingError) as failure:
        obtain(served, folder, **client)
    assert f"page {pages_kept} of /api/models" in str(failure.value)
    assert cause in str(failure.value)
    assert "the pages so far are kept" in str(failure.value)
    assert not failure.value.permanent
    assert open_capture(folder) is None
    assert len(list(folder.glob("*/*.json.zst"))) == pages_kept
    served.app.state.faults.__dict__.update(Faults().__dict__)
    served.requests.clear()
    assert_whole(obtain(served, folder))
    assert len(served.listed) == PAGES - pages_kept


def test_every_page_is_asked_for_once_and_with_every_field(served: ServedHub, folder: Path) -> None:
    assert_whole(obtain(served, folder))
    assert len(served.listed) == len(set(served.listed)) == PAGES
    for query in served.listed:
        asked = parse_qs(query)
        assert asked["sort"] == ["createdAt"]
        assert tuple(asked["expand"]) == FIELDS["models"]
    assert sizes(served) == [100] * PAGES


@pytest.mark.parametrize("kind", ["models", "spaces"])
def test_the_fields_asked_are_the_ones_that_the_tables_need(kind: Kind) -> None:
    assert set(FIELDS["models"]) == {
        *("author", "createdAt", "lastModified", "downloads", "downloadsAllTime", "likes"),
        *("trendingScore", "pipeline_tag", "library_name", "tags", "gated", "private"),
        *("safetensors", "gguf", "baseModels", "usedStorage"),
    }
    assert set(FIELDS["spaces"]) == {
        *("author", "createdAt", "lastModified", "likes", "trendingScore", "sdk", "runtime"),
        *("tags", "private", "models", "datasets", "usedStorage", "region"),
    }
    assert ListingQuery.everything(kind).sort == "createdAt"
    assert not ListingQuery.everything(kind).limited


# Rate limit


def test_a_429_waits_as_told(served: ServedHub, folder: Path, naps: list[float]) -> None:
    served.faults.too_many = [At(page=3, value=37)]
    assert_whole(obtain(served, folder))
    assert served.statuses.count(429) == 1
    assert [nap for nap in naps if nap >= 37] == [38]


def test_a_storm_of_429_is_waited_out(served: ServedHub, folder: Path, naps: list[float]) -> None:
    served.faults.too_many = [At(page=page, times=5, value=9) for page in range(1, PAGES + 1)]
    assert_whole(obtain(served, folder))
    assert served.statuses.count(429) == 5 * PAGES
    assert len([nap for nap in naps if nap >= 9]) == 5 * PAGES


def test_an_endless_storm_of_429_ends_with_a_message(
    served: ServedHub, folder: Path, naps: list[float]
) -> None:
    served.faults.too_many = [At(page=2, times=FOREVER, value=9)]
    assert_fails_then_goes_on(served, folder, 1, "HTTP 429")


def test_all_clients_of_a_hub_wait_before_it_has_to_refuse(
    hub: ServeHub, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = Time()  # the Hub's and the pacer's
    monkeypatch.setattr(pacing, "Pacer", lambda: Pacer(at, at.sleep))
    pacer_for.cache_clear()
    served = hub(HUB, rate_limit=6, window=0.5, clock=at)
    for kind in ("models", "spaces"):
        client = HubClient(served.url, retry_wait=0.001, log=served.told.append)
        folder, ask = lake.folder(f"raw_{kind}", DAY), ListingQuery.everything(kind)
        assert_whole(
            served.capturer(client=client).get_or_capture(store_of(folder), DAY, ask), kind
        )
    assert served.statuses == [200] * (PAGES + 2)
    assert served.told == ["0 requests left in this window: 2 s pause"]
    assert HubClient(served.url + "/").pacer is client.pacer
    assert HubClient("http://127.0.0.1:1").pacer is not client.pacer


class Time:
    """Seconds that pass only in sleep."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


def headers(left: int, reset: int, limit: int = 500, window: int = 300) -> dict[str, str]:
    policy = f'"fixed window";"api";q={limit};w={window}'
    return {"RateLimit": f'"api";r={left};t={reset}', "RateLimit-Policy": policy}


def test_pacer_keeps_a_reserve_and_waits_past_the_reset() -> None:
    at = Time()
    pacer = Pacer(at, at.sleep)
    assert pacer.left is None
    pacer.wait()
    for left in (499, 100, 6):
        pacer.update(headers(left, 40))
        pacer.wait()
    assert at.naps == []
    pacer.update(headers(5, 40))  # 1 % of 500 stay for the token's other programs
    at.now += 15
    pacer.wait()
    assert at.naps == [26]
    pacer.wait()
    assert at.naps == [26]
    assert pacer.waited == 26


def test_pacer_does_not_wait_for_a_window_that_is_over() -> None:
    at = Time()
    pacer = Pacer(at, at.sleep)
    pacer.update(headers(0, 40))
    at.now += 100
    pacer.wait()
    assert at.naps == []


@pytest.mark.parametrize("said", [{}, {"RateLimit": "nonsense"}, {"RateLimit": '"api";r=7;t=9'}])
def test_pacer_lives_with_headers_that_say_nothing(said: dict[str, str]) -> None:
    at = Time()
    pacer = Pacer(at, at.sleep)
    pacer.update(said)
    pacer.wait()
    assert at.naps == []


def test_a_simulated_hub_of_four_windows_never_refuses() -> None:
    at = Time()
    pacer = Pacer(at, at.sleep)
    began, used, refused = at.now, 0, 0
    for _ in range(1990):
        pacer.wait()
        if at.now - began >= 300:
            began, used = at.now, 0
        refused += used >= 500
        used += 1
        pacer.update(headers(max(500 - used, 0), int(began + 300 - at.now)))
        at.now += 0.1
    assert refused == 0
    assert len(at.naps) == 4


# Errors of the Hub


@pytest.mark.parametrize("status", [500, 502, 503])
def test_five_errors_are_outlived(served: ServedHub, folder: Path, status: int) -> None:
    served.faults.errors = {status: [At(page=3, times=5)]}
    assert_whole(obtain(served, folder))
    assert served.statuses.count(status) == 5


@pytest.mark.parametrize("status", [500, 502, 503])
def test_more_errors_than_that_end_with_a_message(
    served: ServedHub, folder: Path, status: int
) -> None:
    served.faults.errors = {status: [At(page=3, times=6)]}
    assert_fails_then_goes_on(served, folder, 2, f"HTTP {status}")


@pytest.mark.parametrize("fault", ["stall", "stall_body"])
def test_a_stall_is_asked_for_again(served: ServedHub, folder: Path, fault: str) -> None:
    setattr(served.faults, fault, [At(page=2)])
    assert_whole(obtain(served, folder, read_timeout=0.5))
    assert sizes(served) == [100] * (PAGES + 1)


@pytest.mark.parametrize("fault", ["stall", "stall_body"])
def test_after_two_stalls_the_page_is_half_as_large(
    served: ServedHub, folder: Path, fault: str
) -> None:
    setattr(served.faults, fault, [At(page=2, times=2)])
    assert_whole(obtain(served, folder, read_timeout=0.5))
    assert sizes(served) == [100, 100, 100] + [50] * 8
    assert "page 1 timed out twice: asking for 50 rows" in served.told


def test_an_endless_stall_ends_with_a_message(served: ServedHub, folder: Path) -> None:
    served.faults.stall = [At(page=2, times=FOREVER), At(page=3, times=FOREVER)]
    assert_fails_then_goes_on(served, folder, 1, "timed out (ReadTimeout)", read_timeout=0.2)


def test_a_504_is_asked_for_again(served: ServedHub, folder: Path) -> None:
    served.faults.errors = {504: [At(page=4)]}
    assert_whole(obtain(served, folder))
    assert sizes(served) == [100] * (PAGES + 1)


def test_pages_too_large_for_the_hub_are_halved(served: ServedHub, folder: Path) -> None:
    served.faults.slow_above_limit = 50
    assert_whole(obtain(served, folder))
    assert sizes(served) == [100, 100] + [50] * 10
    assert served.told == ["page 0 timed out twice: asking for 50 rows"]


def test_endless_504_end_with_a_message(served: ServedHub, folder: Path) -> None:
    served.faults.errors = {504: [At(page=2, times=FOREVER), At(page=3, times=FOREVER)]}
    assert_fails_then_goes_on(served, folder, 1, "timed out")


BODIES = {
    "cut": "RemoteProtocolError",
    "cut_chunked": "RemoteProtocolError",
    "cut_gzip": "no JSON list of rows",
    "broken_json": "no JSON list of rows",
    "garbled_json": "no JSON list of rows",
    "html": "no JSON list of rows",
}


@pytest.mark.parametrize("fault", BODIES)
@pytest.mark.parametrize("times", [1, 4])
def test_a_bad_body_is_asked_for_again(
    served: ServedHub, folder: Path, fault: str, times: int
) -> None:
    setattr(served.faults, fault, [At(page=2, times=times)])
    assert_whole(obtain(served, folder))
    assert served.faults.fired[fault] == times
    assert len(served.listed) == PAGES + times


@pytest.mark.parametrize("fault", BODIES)
def test_bad_bodies_without_end_end_with_a_message(
    served: ServedHub, folder: Path, fault: str
) -> None:
    setattr(served.faults, fault, [At(page=3, times=FOREVER)])
    assert_fails_then_goes_on(served, folder, 2, BODIES[fault])


@pytest.mark.parametrize("share", [0.0, 0.01, 0.9, 0.999])
@pytest.mark.parametrize("fault", ["cut", "cut_chunked", "cut_gzip"])
def test_a_cut_anywhere_is_seen(served: ServedHub, folder: Path, fault: str, share: float) -> None:
    setattr(served.faults, fault, [At(page=2, value=share)])
    assert_whole(obtain(served, folder))
    assert served.faults.fired[fault] == 1


def test_a_body_that_trickles_in_is_no_stall(served: ServedHub, folder: Path) -> None:
    served.faults.trickle = [At(page=2, value=30_000)]
    assert_whole(obtain(served, folder, read_timeout=0.5))
    assert len(served.listed) == PAGES


def test_an_empty_page_with_a_next_link_is_not_the_end(served: ServedHub, folder: Path) -> None:
    served.faults.empty_page = [At(page=3)]
    capture = obtain(served, folder)
    assert_whole(capture)
    assert capture.manifest.pages == PAGES + 1


def test_everything_goes_wrong_on_every_page(
    served: ServedHub, folder: Path, naps: list[float]
) -> None:
    every = range(1, PAGES + 1)
    served.faults.too_many = [At(page=page) for page in every]
    served.faults.errors = {500: [At(page=page) for page in every]}
    served.faults.cut = [At(page=page) for page in every]
    served.faults.html = [At(page=page) for page in every]
    assert_whole(obtain(served, folder))
    assert len(served.listed) == 5 * PAGES


# Without bounds of its own a Hub can keep a capture for ever


def test_no_pause_is_longer_than_a_window(
    served: ServedHub, folder: Path, naps: list[float]
) -> None:
    served.faults.too_many = [At(page=2, value=1_000_000)]
    served.faults.busy = [At(page=3)]
    assert_whole(obtain(served, folder))
    assert [nap for nap in naps if nap > 1] == [301, 301]
    assert served.told == [
        "HTTP 429: again in 301 s, where 1000000 s are asked for",
        "HTTP 503: again in 301 s, where 1000000 s are asked for",
    ]


@pytest.mark.parametrize("said", ["9" * 400, "9" * 5000])
def test_pacer_lives_with_any_number(said: str) -> None:
    at = Time()
    pacer = Pacer(at, at.sleep)
    pacer.update({"RateLimit": f'"api";r=0;t={said}', "RateLimit-Policy": f"q={said};w={said}"})
    pacer.wait()
    assert at.naps in ([], [301])


def test_a_page_that_never_ends_times_out(served: ServedHub, folder: Path) -> None:
    served.faults.trickle = [At(times=FOREVER, value=10)]
    with pytest.raises(ListingError, match=r"page 0 .*timed out \(TooSlow\)") as failure:
        obtain(served, folder, total_timeout=0.1)
    assert not failure.value.permanent
    assert "page 0 timed out twice: asking for 50 rows" in served.told
    served.faults.trickle.clear()
    assert_whole(obtain(served, folder))


def test_headers_that_never_end_time_out(folder: Path) -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_drip, args=(server, stop), daemon=True).start()
        served = ServedHub(Starlette(), f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(ListingError, match=r"page 0 .*timed out \(TooSlow\)"):
            obtain(served, folder, total_timeout=0.2)
        stop.set()


def _drip(server: socket.socket, stop: threading.Event) -> None:
    """Answers every request with a header without end, a byte at a time."""

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not stop.wait(0.02):
                connection.sendall(b"x")

    with contextlib.suppress(OSError):
        while True:
            threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()


def test_a_body_that_unpacks_to_more_than_any_page_is_refused(
    served: ServedHub, folder: Path
) -> None:
    served.faults.bloat = [At(page=2, value=30_000_000)]
    with pytest.raises(ListingError, match=r"page 1 .*a body over 4,000,000 bytes") as failure:
        obtain(served, folder, max_bytes=4_000_000)
    assert failure.value.permanent
    assert len(list(folder.glob("*/*.json.zst"))) == 1
    assert_whole(obtain(served, folder, max_bytes=4_000_000))


def test_every_member_of_a_gzip_stream_is_read(served: ServedHub, folder: Path) -> None:
    served.faults.two_members = [At(times=FOREVER)]
    assert_whole(obtain(served, folder))
    assert served.faults.fired["two_members"] == PAGES


def test_what_follows_a_gzip_stream_is_not_dropped() -> None:
    packed = gzip.compress(b"[1, ") + gzip.compress(b"2]")
    assert b"".join(transport._gunzipped(iter([packed]))) == b"[1, 2]"
    assert b"".join(transport._gunzipped(bytes([one]) for one in packed)) == b"[1, 2]"
    for broken in (b"x", packed[:-1], packed + packed[:3]):
        with pytest.raises(transport.BrokenBody):
            list(transport._gunzipped(iter([broken])))
        with pytest.raises(transport.BrokenBody):
            list(transport._gunzipped(bytes([one]) for one in broken))


@pytest.mark.parametrize("padding", [b"\0" * 8, b"\n", b"x", b"\x1f", b"\x1fx"])
def test_what_is_no_member_of_a_gzip_stream_is_padding(padding: bytes) -> None:
    packed = gzip.compress(b"[1, ") + gzip.compress(b"2]") + padding
    for chunks in ([packed], [bytes([one]) for one in packed]):
        assert b"".join(transport._gunzipped(iter(chunks))) == b"[1, 2]"


# What a server says is not for terminals, and what it repeats is not for logs


@pytest.mark.parametrize("size", [0, 5_000_000])
def test_an_error_that_repeats_the_request_is_told_short_and_without_token(
    served: ServedHub, folder: Path, token: str, size: int
) -> None:
    served.faults.echo = [At(value=size)]
    with pytest.raises(ListingError, match=r"HTTP 403 .*Your request .* set another") as failure:
        obtain(served, folder)
    said = "".join(traceback.format_exception(failure.value))
    assert "authorization" in said
    assert token[:12] not in said
    assert len(str(failure.value)) < 1000
    assert str(failure.value).isprintable()
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__


# Links


@pytest.mark.parametrize(
    "link",
    [
        '<http://[::1/api/models?cursor=x>; rel="next"',
        f'<http://{"a" * 70_000}/?cursor=x>; rel="next"',
        '<http://\x80.example:x/?cursor=x>; rel="next"',
        '<https://huggingface.co/api/models>; rel="next"',
        '</api/models>; rel="next"',
        '<https://huggingface.co>; rel="next"',
    ],
)
def test_a_next_link_that_leads_nowhere_is_asked_for_again(
    served: ServedHub, folder: Path, link: str
) -> None:
    served.faults.odd_link = link
    with pytest.raises(ListingError, match=r"page 0 .*a (next link|Link header)") as failure:
        obtain(served, folder)
    assert not failure.value.permanent
    assert len(served.listed) == 5
    served.faults.odd_link = ""
    assert_whole(obtain(served, folder))


@pytest.mark.parametrize(
    ("link", "following"),
    [
        ('<https://h/api?cursor=x>; rel="next"', "cursor=x"),
        ("<https://h/api?cursor=x>;rel=next", "cursor=x"),
        ('<https://h/api?cursor=x>; title="a=b"; REL="prev next"', "cursor=x"),
        ('<https://h/api?p=1>; rel="prev", <https://h/api?p=3>; rel="next"', "p=3"),
        ('<?cursor=x>; rel="next"', "cursor=x"),
        ("<https://h/api?limit=zz&cursor=%00>; rel=next", "limit=zz&cursor=%00"),
        ('<https://h/api?p=1>; rel="prev"', None),
        ('<https://h/api?p=1>; rel="nextish"', None),
        ("nonsense", None),
        ("<" * 9000, None),
        ("", None),
    ],
)
def test_the_next_of_several_links(link: str, following: str | None) -> None:
    found, foreign = next_address({"Link": link}, "https://h/api?sort=createdAt")
    assert found == (following and f"https://h/api?{following}")
    assert foreign is None


@pytest.mark.parametrize("total", ["\xb2", "\xb9\xb2", "9" * 5000, "-5", "5.0", "1e3", "five"])
def test_a_count_that_is_none_is_none(served: ServedHub, folder: Path, total: str) -> None:
    served.faults.odd_total = total
    capture = obtain(served, folder)
    assert_whole(capture)
    assert capture.manifest.total is None


def test_a_limit_that_is_no_number_is_the_usual_one() -> None:
    for limit in ("abc", "", "9" * 5000, "²", "-1", "0"):
        assert listing.page_size(f"https://h/api/models?limit={limit}") == 100
    assert listing.page_size("https://h/api/models?limit=7") == 7


@pytest.mark.parametrize("page", [1, 3])
def test_a_link_back_ends_the_listing_for_good(served: ServedHub, folder: Path, page: int) -> None:
    served.faults.cursor_loop = [At(page=page, times=FOREVER)]
    with pytest.raises(ListingError, match=rf"page {page - 1} links back .* never end") as failure:
        obtain(served, folder)
    assert failure.value.permanent
    assert open_capture(folder) is None
    assert len(served.listed) == page
    served.faults.cursor_loop.clear()
    assert_whole(obtain(served, folder))


def test_a_link_to_a_page_further_back_is_seen_too(serve: Serve, folder: Path) -> None:
    asked: list[str] = []

    async def ring(request: Request) -> Response:
        at = int(request.query_params.get("cursor", "0"))
        asked.append(request.url.query)
        if len(asked) > 20:
            return Response(status_code=404)
        link = str(request.url.include_query_params(cursor=(at + 1) % 4))
        if at == 3:
            link = str(request.url.remove_query_params("cursor"))
        rows = [{"_id": f"{at:024x}", "id": f"a/{at}"}]
        return JSONResponse(rows, headers={"Link": f'<{link}>; rel="next"'})

    url = serve(Starlette(routes=[Route("/api/models", ring)])).url
    served = ServedHub(Starlette(), url)
    with pytest.raises(ListingError, match="page 3 links back"):
        obtain(served, folder)
    assert len(asked) == 4


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
    monkeypatch.setenv("HF_TOKEN", "hf_" + "t" * 34)
    return "hf_" + "t" * 34


def test_a_foreign_link_is_never_followed_nor_sees_the_token(
    served: ServedHub, serve: Serve, folder: Path, token: str
) -> None:
    seen: list[str] = []

    async def stranger(request: Request) -> Response:
        seen.append(f"{request.method} {request.url} {dict(request.headers)}")
        return JSONResponse([])

    served.faults.foreign_host = serve(Starlette(routes=[Route("/{rest:path}", stranger)])).url
    served.faults.foreign_link = [At(times=FOREVER)]
    assert_whole(obtain(served, folder))
    assert seen == []
    assert any("staying at 127.0.0.1" in line for line in served.told)


@pytest.mark.parametrize(
    "host", ["https://127.0.0.1", "http://evil@127.0.0.1:1", "//hub.example.invalid", "ftp://x"]
)
def test_foreign_links_in_disguise(served: ServedHub, folder: Path, host: str) -> None:
    served.faults.foreign_host = host
    served.faults.foreign_link = [At(times=FOREVER)]
    assert_whole(obtain(served, folder))


def test_a_relative_link_is_followed(serve: Serve, folder: Path) -> None:
    async def two(request: Request) -> Response:
        second = "cursor" in request.query_params
        rows = [{"_id": "b" if second else "a", "id": "x/y"}]
        link = {} if second else {"Link": '</api/models?cursor=2&limit=1>; rel="next"'}
        return JSONResponse(rows, headers=link)

    url = serve(Starlette(routes=[Route("/api/models", two)])).url
    assert ids_of(obtain(ServedHub(Starlette(), url), folder)) == ["a", "b"]


# What the Hub refuses


def test_the_token_is_sent_to_the_hub(served: ServedHub, folder: Path, token: str) -> None:
    client = served.client()
    served.capturer(client=client).get_or_capture(store_of(folder), DAY, MODELS)
    assert client.pacer.left == 1000 - PAGES  # the quota of those with a token is 1000, not 500


def test_a_bad_token_is_a_failure_for_good_with_advice(
    served: ServedHub, folder: Path, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "nonsense")
    with pytest.raises(ListingError, match=r"page 0 .*HTTP 401.*set a valid HF_TOKEN") as failure:
        obtain(served, folder)
    assert failure.value.permanent
    assert "nonsense" not in str(failure.value)
    assert served.statuses == [401]


def test_a_hub_without_listings_is_a_failure_for_good(serve: Serve, folder: Path) -> None:
    served = ServedHub(Starlette(), serve(Starlette()).url)
    with pytest.raises(ListingError, match=r"HTTP 404.*check HF_ENDPOINT") as failure:
        obtain(served, folder)
    assert failure.value.permanent


def test_no_hub_at_all_is_a_failure_for_now(folder: Path) -> None:
    with pytest.raises(ListingError, match=r"page 0 .*Connect.*run again") as failure:
        obtain(ServedHub(Starlette(), "http://127.0.0.1:9"), folder)
    assert not failure.value.permanent


def test_offline_is_a_failure_for_good_that_says_so(
    served: ServedHub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ListingError, match="unset HF_HUB_OFFLINE") as failure:
        obtain(served, folder)
    assert failure.value.permanent
    assert served.requests == []


REFUSED = {"usedStorage", "baseModels"}


def test_refused_fields_are_dropped_with_one_warning(served: ServedHub, folder: Path) -> None:
    served.faults.refused_expand = set(REFUSED)
    capture = obtain(served, folder)
    assert_whole(capture)
    assert served.told == ["the Hub refuses expand=baseModels, usedStorage: going on without"]
    assert served.statuses == [400] + [200] * PAGES
    assert set(capture.manifest.refused) == REFUSED
    served_fields = tuple(one for one in FIELDS["models"] if one not in REFUSED)
    assert capture.manifest.fields == served_fields
    assert capture.manifest.query.fields == FIELDS["models"]


def test_a_resumed_capture_still_knows_what_was_refused(served: ServedHub, folder: Path) -> None:
    served.faults.refused_expand = set(REFUSED)
    served.faults.errors = {503: [At(page=3, times=FOREVER)]}
    with pytest.raises(ListingError):
        obtain(served, folder)
    served.faults.errors.clear()
    capture = obtain(served, folder)
    assert_whole(capture)
    assert set(capture.manifest.refused) == REFUSED
    served_fields = tuple(one for one in FIELDS["models"] if one not in REFUSED)
    assert capture.manifest.fields == served_fields
    assert served.statuses.count(400) == 1


def test_a_field_refused_on_a_later_page_is_dropped_there(served: ServedHub, folder: Path) -> None:
    served.faults.errors = {503: [At(page=3, times=FOREVER)]}
    with pytest.raises(ListingError):
        obtain(served, folder)
    served.faults.errors.clear()
    served.faults.refused_expand = {"usedStorage"}
    capture = obtain(served, folder)
    assert_whole(capture)
    assert capture.manifest.refused == ("usedStorage",)


@pytest.mark.parametrize("ask", [ListingQuery("models", FIELDS["models"], sort="nonsense")])
def test_a_400_about_something_else_is_a_failure_for_good(
    served: ServedHub, folder: Path, ask: ListingQuery
) -> None:
    with pytest.raises(ListingError, match=r"(?s)page 0 .*HTTP 400.*check `sort`") as failure:
        obtain(served, folder, ask)
    assert failure.value.permanent
    assert served.statuses == [400]
    assert served.told == []


ASKED = ["author", "tags", "baseModels", "usedStorage"]


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        ('{"error":"Invalid option: expected one of \\"author\\"|\\"tags\\""}', ASKED[2:]),
        ('{"error":"✖ Invalid option: expected one of \\"tags\\"\\n  → at expand[0]"}',
         ["author", "baseModels", "usedStorage"]),
        ('{"error":"Invalid input\\n  → at expand[3]"}', ["usedStorage"]),
        ('{"error":"expand.2: not allowed"}', ["baseModels"]),
        ('{"error":"unknown property baseModels"}', ["baseModels"]),
        ('{"error":"Invalid option: expected one of \\"likes\\"\\n  → at sort"}', []),
        ('{"error":"Invalid cursor"}', []),
        ("<html>Bad Request</html>", []),
        ("", []),
    ],
)  # fmt: skip
def test_what_a_400_refuses(message: str, refused: list[str]) -> None:
    assert list(refused_fields(message, ASKED)) == refused


def test_nothing_is_asked_of_the_hub_for_a_past_day(served: ServedHub, folder: Path) -> None:
    with pytest.raises(NoCapture):
        served.capturer().get_or_capture(store_of(folder), "2026-11-19", MODELS)
    assert served.requests == []
