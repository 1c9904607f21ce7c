"""A request has its session to itself: what breaks it breaks no other."""

import threading
from collections import Counter
from typing import Any

import httpx2
import pytest
from huggingface_hub import set_client_factory
from huggingface_hub.utils._http import default_client_factory

from hf_assets.demo.service.switches import At
from hf_assets.hub.client.listing import ListingQuery
from hf_assets.hub.client.sessions import Sessions
from hf_assets_tests.conftest import ServedHub


@pytest.mark.heavy
def test_a_request_that_is_ended_ends_no_other(served: ServedHub) -> None:
    """One page never comes and is given up; another is under way all the while."""
    served.faults.stall_body = [At(value=0.6, kind="models"), At(value=60, kind="spaces")]
    client = served.client(total_timeout=0.3)
    patient = served.client()
    url = ListingQuery.everything("models").url(served.url)
    brought: list[Any] = []
    slow = threading.Thread(target=lambda: brought.append(patient.page(url, 1)))
    slow.start()
    assert client.page(ListingQuery.everything("spaces").url(served.url), 1).rows == 200
    slow.join()
    assert brought[0].rows == 500
    asked = Counter(one.path for one in served.requests)
    assert asked == {"/api/models": 1, "/api/spaces": 2}


def test_sessions_are_used_again_by_one_request_at_a_time() -> None:
    sessions = Sessions()
    with sessions.session() as first, sessions.session() as second:
        assert first is not second
    with sessions.session() as third, sessions.session() as fourth:
        assert {third, fourth} == {first, second}


def test_a_session_that_was_closed_is_not_used_again() -> None:
    sessions = Sessions()
    with sessions.session() as first:
        first.close()
    with pytest.raises(httpx2.ConnectError), sessions.session() as second:
        raise httpx2.ConnectError("no route")
    assert second.is_closed
    with sessions.session() as third:
        assert third not in (first, second)
        assert not third.is_closed


def test_sessions_are_made_as_huggingface_hub_is_told() -> None:
    sessions, made = Sessions(), []
    with sessions.session() as before:
        pass

    def factory() -> httpx2.Client:
        made.append(default_client_factory())
        return made[-1]

    set_client_factory(factory)
    try:
        with sessions.session() as client:
            assert client is made[-1]
        assert before.is_closed
    finally:
        set_client_factory(default_client_factory)
