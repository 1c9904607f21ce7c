"""Links from page to page: followed on the same host, and never in a circle."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.hub.client import listing
from hf_assets.hub.client.addresses import next_address
from hf_assets.hub.client.listing import ListingError
from hf_assets_tests.conftest import Serve, ServedHub
from hf_assets_tests.support.hub.captures import ids_of, open_capture
from hf_assets_tests.support.hub.listings import (
    assert_whole,
    obtain,
)

pytestmark = pytest.mark.usefixtures("small_pages")


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
