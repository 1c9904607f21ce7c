"""A Hub that misbehaves: the listing is finished, or fails with page and cause."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.hub.client.listing import FIELDS, ListingQuery
from hf_assets.hub.client.wire import Kind
from hf_assets_tests.conftest import ServedHub
from hf_assets_tests.support.hub.listings import (
    PAGES,
    assert_fails_then_goes_on,
    assert_whole,
    obtain,
    sizes,
)

Impatient = Callable[..., None]
pytestmark = pytest.mark.usefixtures("small_pages")


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
def test_a_stall_is_asked_for_again(
    served: ServedHub, folder: Path, fault: str, impatient: Impatient
) -> None:
    setattr(served.faults, fault, [At(page=2)])
    impatient(0.05, 2)
    assert_whole(obtain(served, folder))
    assert sizes(served) == [100] * (PAGES + 1)


@pytest.mark.parametrize("fault", ["stall", "stall_body"])
def test_after_two_stalls_the_page_is_half_as_large(
    served: ServedHub, folder: Path, fault: str, impatient: Impatient
) -> None:
    setattr(served.faults, fault, [At(page=2, times=2)])
    impatient(0.05, 2, 3)
    assert_whole(obtain(served, folder))
    assert sizes(served) == [100, 100, 100] + [50] * 8
    assert "page 1 timed out twice: asking for 50 rows" in served.told


def test_an_endless_stall_ends_with_a_message(
    served: ServedHub, folder: Path, impatient: Impatient
) -> None:
    served.faults.stall = [At(page=2, times=FOREVER), At(page=3, times=FOREVER)]
    impatient(0.05, 2, 3, 4, 5, 6)
    assert_fails_then_goes_on(served, folder, 1, "timed out (ReadTimeout)")


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


def test_a_body_that_trickles_in_is_no_stall(
    served: ServedHub, folder: Path, impatient: Impatient
) -> None:
    served.faults.trickle = [At(page=2, value=30_000)]
    impatient(0.3, 2)
    assert_whole(obtain(served, folder))
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
