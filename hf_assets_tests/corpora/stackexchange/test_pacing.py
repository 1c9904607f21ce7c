"""The API's rules are kept: backoff, throttle, quota and distance."""

from itertools import pairwise

import pytest

from hf_assets.corpora.schemas import texts_table
from hf_assets.corpora.stackexchange.client import QuestionClient, StackExchangeError
from hf_assets.corpora.stackexchange.pacing import pace_for
from hf_assets.corpora.stackexchange.questions import new_questions
from hf_assets.demo.labels.question_sources import (
    GeneratedQuestions,
)
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.corpora.stackexchange import DAY, ServeQuestions


def test_a_backoff_is_waited_for(served: ServeQuestions) -> None:
    service = served(GeneratedQuestions(per_day=250), "backoff=17:2")
    assert service.day()[0].height == 250
    assert [pause for pause in service.time.slept if pause > 1] == [17.0, 17.0]
    assert [one.status for one in service.requests] == [200, 200, 200]


def test_a_backoff_holds_for_the_next_day_too(served: ServeQuestions) -> None:
    service = served(None, "backoff=17")
    client = service.client()
    for day in ("2026-11-18", DAY):
        assert sum(frame.height for frame in new_questions(client, day).frames) == 48
    assert service.time.slept == [17.0]
    assert [one.status for one in service.requests] == [200, 200]


@pytest.mark.parametrize("status", [400, 429, 502, 503])
def test_a_short_throttle_is_waited_out(served: ServeQuestions, status: int) -> None:
    service = served(None, f"throttle=40,throttle-status={status},no-repeats")
    assert service.day()[0].height == 48
    assert [one.status for one in service.requests] == [status, 200]
    # And not the minute besides: the API said when.
    assert service.time.slept == [pytest.approx(41)]


def test_a_long_throttle_fails_at_once_with_its_end(served: ServeQuestions) -> None:
    service = served(None, "throttle=67194:*")
    with pytest.raises(StackExchangeError, match="before 2026-11-21 06:39:54 UTC") as caught:
        service.day()
    assert caught.value.permanent
    assert "more requests available in 67194 seconds" in str(caught.value)
    assert (len(service.requests), service.time.slept) == (1, [])


def test_after_a_long_throttle_nothing_is_asked(served: ServeQuestions) -> None:
    service = served(None, "throttle=67194")
    client = service.client()
    for _ in range(2):
        with pytest.raises(StackExchangeError, match="no request before"):
            list(new_questions(client, DAY).frames)
    assert len(service.requests) == 1


def test_a_throttle_can_be_waited_out_for_longer(served: ServeQuestions) -> None:
    service = served(None, "throttle=600")
    assert service.day(longest_wait=601)[0].height == 48


def test_the_quota_ends_a_day_that_needs_more(served: ServeQuestions, lake: Lake) -> None:
    service = served(GeneratedQuestions(per_day=500), "quota=3")
    made = new_questions(service.client(), DAY)
    with pytest.raises(StackExchangeError, match="daily quota of 3 requests is spent") as caught:
        lake.write(texts_table("new_questions"), DAY, made)
    assert caught.value.permanent
    assert "00:00 UTC" in str(caught.value)
    assert len(service.requests) == 3
    assert lake.days("new_questions") == []


def test_a_last_request_may_spend_the_quota(served: ServeQuestions) -> None:
    frame, made = served(None, "quota=1").day()
    assert (frame.height, made.provenance["new_questions"]["quota_remaining"]) == (48, 0)


def test_a_spent_quota_says_when_there_is_more(served: ServeQuestions) -> None:
    with pytest.raises(StackExchangeError, match="before 2026-11-21 00:00:0"):
        served(None, "quota=0").day()


def test_requests_keep_their_distance(served: ServeQuestions) -> None:
    service = served(GeneratedQuestions(per_day=1000))
    service.day()
    times = [one.at for one in service.requests]
    assert min(later - sooner for sooner, later in pairwise(times)) >= 1 / 30


def test_clients_of_one_endpoint_share_a_pace() -> None:
    assert pace_for("http://a") is pace_for("http://a")
    assert pace_for("http://a") is not pace_for("http://b")
    assert QuestionClient("http://a").pace is QuestionClient("http://a/", "ai").pace
