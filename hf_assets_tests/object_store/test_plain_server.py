"""The server behind the tests' proxies: nothing of it outlives its end."""

import threading
from http.client import HTTPConnection
from urllib.parse import urlsplit

from hf_assets_tests.support.object_store.counting import Answer, PlainServer, Request


def answer(_: Request) -> Answer:
    return Answer(200, [], b"yes")


def test_connections_that_clients_keep_end_with_it() -> None:
    before = set(threading.enumerate())
    server = PlainServer(answer)
    server.start()
    kept = [HTTPConnection(urlsplit(server.url).netloc, timeout=60) for _ in range(5)]
    try:
        for one in kept:
            one.request("GET", "/")
            assert one.getresponse().read() == b"yes"
        assert len(set(threading.enumerate()) - before) == 6
        server.stop()
        assert set(threading.enumerate()) - before == set()
    finally:
        for one in kept:
            one.close()
