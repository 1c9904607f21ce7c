"""Bounds on waits, seconds, bytes and messages: no Hub can keep a capture for ever."""

import contextlib
import gzip
import socket
import threading
import traceback
from pathlib import Path

import pytest
from starlette.applications import Starlette

from hf_assets import transport
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.hub.client.listing import ListingError
from hf_assets_tests.conftest import ServedHub
from hf_assets_tests.support.hub.listings import (
    PAGES,
    assert_whole,
    obtain,
)

pytestmark = pytest.mark.usefixtures("small_pages")


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


def test_a_page_that_never_ends_times_out(served: ServedHub, folder: Path) -> None:
    served.faults.trickle = [At(times=FOREVER, value=10)]
    with pytest.raises(ListingError, match=r"page 0 .*timed out \(TooSlow\)") as failure:
        obtain(served, folder, total_timeout=0.05)
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
            obtain(served, folder, total_timeout=0.05)
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
