"""Ranges of a remote file: as long as requested, or an error."""

import traceback

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hf_assets.hub.archive.ranged_file import RangedFile
from hf_assets.hub.client.connection import HubConnection, HubError
from hf_assets_tests.conftest import Serve


def served_file(serve: Serve, content: bytes, status: int = 206) -> RangedFile:
    """A file whose every range is this."""
    server = serve(Starlette(routes=[Route("/file", lambda _: Response(content, status))]))
    return RangedFile(HubConnection(server.url, retry_wait=0.0), f"{server.url}/file", 100)


def test_a_range_that_is_longer_than_asked_for_is_not_read(serve: Serve) -> None:
    with pytest.raises(HubError, match="a body over 4 bytes, unpacked") as raised:
        served_file(serve, b"x" * 5_000_000).read(4)
    assert raised.value.permanent


def test_an_error_of_an_archive_is_told_short_and_clean(serve: Serve) -> None:
    said = b"\x1b[2J hf_" + b"s3cr3t" * 6 + b" " + b"x" * 5_000_000
    with pytest.raises(HubError, match=r"HTTP 403 \*\*\* x") as raised:
        served_file(serve, said, 403).read(4)
    assert len(str(raised.value)) < 1000
    assert "s3cr3t" not in "".join(traceback.format_exception(raised.value))


def test_a_range_that_is_shorter_than_asked_for_is_asked_for_again(serve: Serve) -> None:
    asked: list[str] = []

    def short(request: Request) -> Response:
        asked.append(request.headers["range"])
        return Response(b"abc" if len(asked) == 1 else b"abcd", 206)

    server = serve(Starlette(routes=[Route("/file", short)]))
    file = RangedFile(HubConnection(server.url, retry_wait=0.001), f"{server.url}/file", 100)
    file.seek(10)
    assert file.read(4) == b"abcd"
    assert asked == ["bytes=10-13"] * 2
    assert (file.tell(), file.size(), file.seek(0, 2), file.read(5)) == (14, 100, 100, b"")
