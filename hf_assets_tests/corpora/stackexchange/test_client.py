"""A day's questions over real HTTP: all of them, each once, within the API's rules, or an error."""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from hf_assets.corpora.schemas import texts_table
from hf_assets.corpora.stackexchange.client import QuestionClient, StackExchangeError
from hf_assets.corpora.stackexchange.pacing import Pace, pace_for
from hf_assets.corpora.stackexchange.questions import new_questions
from hf_assets.demo.labels.question_sources import (
    GeneratedQuestions,
    Item,
    QuestionSource,
    RecordedQuestions,
)
from hf_assets.demo.labels.stackexchange import Asked, QuestionFaults, create_app
from hf_assets.demo.labels.texts import GeneratedTexts
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.waits import FakeTime

DAY = "2026-11-19"
MIDNIGHT = int(datetime(2026, 11, 19, tzinfo=UTC).timestamp())
KEY = "sEcReT0123456789((("


@dataclass
class Service:
    """The embedded API while it is served, and what asks it."""

    url: str
    time: FakeTime
    faults: QuestionFaults
    requests: list[Asked]
    told: list[str] = field(default_factory=list)

    def client(self, **options: Any) -> QuestionClient:
        pace = Pace(self.time.clock, self.time.sleep)
        given: dict[str, Any] = {"site": "generated", "pace": pace, "now": self.time.now}
        return QuestionClient(self.url, log=self.told.append, **given | options)

    def day(self, day: str = DAY, **options: Any) -> tuple[pl.DataFrame, TableWrite]:
        made = new_questions(self.client(**options), day)
        return pl.concat(list(made.frames)), made

    @property
    def pages(self) -> list[str]:
        return [one.query["page"] for one in self.requests]


ServeQuestions = Callable[..., Service]


@pytest.fixture
def served(serve: Serve) -> ServeQuestions:
    def start(source: QuestionSource | None = None, faults: str = "") -> Service:
        time, found = FakeTime(), QuestionFaults.parse(faults)
        app = create_app(source or GeneratedQuestions(), found, clock=time.clock)
        return Service(serve(app).url, time, found, app.state.requests)

    return start


@dataclass
class Listed:
    """Questions that a test lists; one site, `generated`."""

    listed: list[Item]
    sites: tuple[str, ...] = ("generated",)

    def _within(self, first: int, last: int) -> list[Item]:
        return [one for one in self.listed if first <= one["creation_date"] <= last]

    def count(self, site: str, first: int, last: int) -> int:
        return len(self._within(first, last))

    def items(self, site: str, first: int, last: int, start: int, stop: int) -> list[Item]:
        return self._within(first, last)[start:stop]


def item(number: int, second: int = 0, **changes: Any) -> Item:
    return {
        "question_id": number,
        "creation_date": MIDNIGHT + second,
        "title": f"Question {number}",
        "body": "<p>x</p>",
        "tags": ["a"],
        "owner": {"user_id": 5, "display_name": "Ada"},
        "content_license": "CC BY-SA 4.0",
        **changes,
    }


def ids(frame: pl.DataFrame) -> list[int]:
    return [int(one.split(":")[-1]) for one in frame["id"]]


def test_a_day_has_just_its_questions(served: ServeQuestions) -> None:
    service = served()
    frame, made = service.day()
    texts = GeneratedTexts("questions")
    wanted = [texts.text(index) for index in texts.day(date.fromisoformat(DAY))]
    assert ids(frame) == [text.id for text in wanted]
    assert frame["title"].to_list() == [text.title for text in wanted]
    assert frame["body"].to_list() == [text.body for text in wanted]
    assert frame["labels"].to_list() == [list(text.tags) for text in wanted]
    assert frame["created_at"].to_list() == [text.created for text in wanted]
    assert made.notes["questions"] == len(wanted) == 48
    (asked,) = service.requests
    assert asked.query == {
        "fromdate": str(MIDNIGHT),
        "todate": str(MIDNIGHT + 86_399),
        "order": "asc",
        "sort": "creation",
        "filter": "withbody",
        "pagesize": "100",
        "page": "1",
        "site": "generated",
    }


def test_what_a_question_becomes(served: ServeQuestions) -> None:
    service = served(
        Listed(
            [
                item(7, title="1 &lt; 2 &amp;amp; &quot;3&quot; &#39;4&#39;", tags=["b", "a", "b"]),
                item(8, owner={"user_type": "does_not_exist", "display_name": "A &amp; B"}),
                item(9, owner=None, content_license=None, body=None, tags=[]),
            ]
        )
    )  # fmt: skip
    frame, made = service.day()
    assert frame.row(0, named=True) == {
        "id": "stackexchange:generated:7",
        "title": "1 < 2 &amp; \"3\" '4'",
        "body": "<p>x</p>",
        "labels": ["b", "a"],
        "link": "https://generated.stackexchange.com/q/7",
        "author": "Ada",
        "author_link": "https://generated.stackexchange.com/users/5",
        "license": "CC BY-SA 4.0",
        "created_at": datetime(2026, 11, 19, tzinfo=UTC),
        "split": None,
    }  # fmt: skip
    assert frame["author"].to_list()[1:] == ["A & B", None]
    assert frame["author_link"].to_list()[1:] == [None, None]
    assert frame["license"].to_list()[2] == "CC BY-SA 4.0"
    assert made.notes == {"questions": 3, "without body": 1, "without tags": 1}


def test_both_ends_of_a_day_belong_to_it(served: ServeQuestions) -> None:
    source = Listed([item(1, -1), item(2, 0), item(3, 86_399), item(4, 86_400)])
    assert ids(served(source).day()[0]) == [2, 3]


def test_a_day_of_many_pages(served: ServeQuestions) -> None:
    service = served(GeneratedQuestions(per_day=1000))
    frame, made = service.day()
    assert frame.height == frame["id"].n_unique() == 1000
    assert made.provenance["new_questions"]["requests"] == len(service.requests) == 11
    assert frame["created_at"].is_sorted()


def test_the_wall_behind_page_25_is_never_reached(served: ServeQuestions) -> None:
    service = served(GeneratedQuestions(per_day=3000), "no-repeats")
    assert service.day()[0]["id"].n_unique() == 3000
    assert set(service.pages) == {"1"}
    assert len({one.query["fromdate"] for one in service.requests}) == len(service.requests)


def test_a_second_with_more_questions_than_a_page_has(served: ServeQuestions) -> None:
    crowd = [item(n, 10 if 50 <= n < 400 else n // 50) for n in range(1, 500)]
    crowd.sort(key=lambda one: one["creation_date"])
    service = served(Listed(crowd))
    assert sorted(ids(service.day()[0])) == list(range(1, 500))
    assert "2" in service.pages


def test_a_second_with_more_questions_than_the_wall_shows(served: ServeQuestions) -> None:
    service = served(Listed([item(n) for n in range(1, 2602)]))
    with pytest.raises(StackExchangeError, match=f"in the second {MIDNIGHT}") as caught:
        service.day()
    assert caught.value.permanent
    assert max(map(int, service.pages)) == 25
    assert service.day(key=KEY)[0].height == 2601


def test_a_question_deleted_meanwhile_shifts_no_other(served: ServeQuestions) -> None:
    class Shrinking(Listed):
        def items(self, site: str, first: int, last: int, start: int, stop: int) -> list[Item]:
            found = super().items(site, first, last, start, stop)
            self.listed = [one for one in self.listed if one["question_id"] not in (1, 2, 3)]
            return found

    source = Shrinking([item(n, n) for n in range(1, 301)])
    assert ids(served(source).day()[0]) == list(range(1, 301))


def test_a_day_without_questions(served: ServeQuestions, lake: Lake) -> None:
    service = served(Listed([]))
    stored = lake.write(texts_table("new_questions"), DAY, new_questions(service.client(), DAY))
    assert (stored.rows, stored.notes) == (0, {"questions": 0})


def test_a_day_to_come_is_refused(served: ServeQuestions) -> None:
    service = served()
    with pytest.raises(StackExchangeError, match="2026-11-21 is not here yet") as caught:
        new_questions(service.client(), "2026-11-21")
    assert caught.value.permanent
    assert not service.requests


def test_today_is_part_of_a_day_and_says_so(served: ServeQuestions) -> None:
    service = served()
    frame, made = service.day("2026-11-20")
    assert frame.height == 24  # it is noon
    assert made.provenance["new_questions"]["partial"] == "the day is not over"
    assert "partial" not in service.day()[1].provenance["new_questions"]


def test_where_a_day_comes_from(served: ServeQuestions, lake: Lake) -> None:
    service = served(GeneratedQuestions(per_day=150))
    made = new_questions(service.client(), DAY)
    stored = lake.write(texts_table("new_questions"), DAY, made)
    assert stored.provenance["new_questions"] == {
        "endpoint": service.url,
        "site": "generated",
        "with_key": False,
        "started": "2026-11-20T12:00:00+00:00",
        "requests": 2,
        "quota_max": 300,
        "quota_remaining": 298,
        "finished": "2026-11-20T12:00:00+00:00",
    }


# Rules


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


# What goes wrong on the way

PASSING = [
    "500",
    "503:2",
    "502:3",
    "html",
    "broken-json",
    "cut-gzip",
    "cut-gzip=0.99",
    "empty-page",
]


@pytest.mark.parametrize("faults", PASSING)
def test_what_passes_is_asked_again_after_a_minute(served: ServeQuestions, faults: str) -> None:
    service = served(GeneratedQuestions(per_day=150), f"{faults},no-repeats")
    frame, made = service.day()
    assert frame["id"].n_unique() == frame.height == 150
    tries = sum(service.faults.fired.values())
    assert tries == len(service.requests) - 2
    assert made.provenance["new_questions"]["requests"] == len(service.requests)
    assert [round(pause) for pause in service.time.slept if pause > 1] == [60, 120, 240][:tries]
    assert any("try 1 of 4" in line for line in service.told)


@pytest.mark.parametrize(
    "faults", ["500:*", "html:*", "broken-json:*", "cut-gzip:*", "empty-page:*"]
)
def test_what_stays_fails_and_may_be_tried_again(served: ServeQuestions, faults: str) -> None:
    service = served(None, faults)
    with pytest.raises(StackExchangeError, match="after 4 tries") as caught:
        service.day()
    assert not caught.value.permanent
    assert len(service.requests) == 4


def test_a_stall_is_given_up(served: ServeQuestions) -> None:
    service = served(None, "stall=60")
    assert service.day(read_timeout=0.2)[0].height == 48
    assert "timed out (ReadTimeout)" in "\n".join(service.told)


def test_nobody_there() -> None:
    time = FakeTime()
    client = QuestionClient("http://127.0.0.1:9", "ai", pace=Pace(time.clock, time.sleep))
    with pytest.raises(StackExchangeError, match=r"http://127\.0\.0\.1:9 did not answer"):
        list(new_questions(client, DAY).frames)


def test_an_unknown_site(served: ServeQuestions) -> None:
    service = served()
    with pytest.raises(StackExchangeError, match="No site found for name `nowhere`") as caught:
        service.day(site="nowhere")
    assert caught.value.permanent
    assert len(service.requests) == 1


def test_a_server_that_is_no_such_api(served: ServeQuestions) -> None:
    service = served()
    service.url += "/api"
    with pytest.raises(StackExchangeError, match="no_method") as caught:
        service.day()
    assert caught.value.permanent


def test_questions_of_another_day_are_refused(served: ServeQuestions, lake: Lake) -> None:
    service = served(None, "wrong-day")
    with pytest.raises(
        StackExchangeError, match=r"asked for 2026-11-19, .* of 2026-11-18"
    ) as caught:
        lake.write(texts_table("new_questions"), DAY, new_questions(service.client(), DAY))
    assert caught.value.permanent
    assert lake.days("new_questions") == []


def test_an_api_that_forgets_the_time_does_not_go_round_for_ever(served: ServeQuestions) -> None:
    class Stuck(Listed):
        def count(self, site: str, first: int, last: int) -> int:
            return 1000

        def items(self, site: str, first: int, last: int, start: int, stop: int) -> list[Item]:
            return self.listed

    service = served(Stuck([item(n, n) for n in range(1, 101)]))
    with pytest.raises(StackExchangeError, match="over and over"):
        service.day(key=KEY)
    assert len(service.requests) == 3


def test_a_failure_leaves_the_old_day(served: ServeQuestions, lake: Lake) -> None:
    table, service = texts_table("new_questions"), served()
    lake.write(table, DAY, new_questions(service.client(), DAY))
    service.faults.errors[500] = [At(FOREVER)]
    with pytest.raises(StackExchangeError):
        lake.write(table, DAY, new_questions(service.client(), DAY))
    assert lake.read("new_questions", DAY).rows == 48


# The key


def test_a_key_raises_the_quota(served: ServeQuestions) -> None:
    service = served()
    _, made = service.day(key=KEY)
    assert made.provenance["new_questions"]["quota_max"] == 10_000
    assert made.provenance["new_questions"]["with_key"] is True
    assert service.requests[0].query["key"] == KEY


@pytest.mark.parametrize("faults", ["", "500:*", "throttle=99999", "stall=60:*", "cut-gzip:*"])
def test_a_key_is_never_told(
    served: ServeQuestions, caplog: pytest.LogCaptureFixture, lake: Lake, faults: str
) -> None:
    caplog.set_level(logging.DEBUG)
    service = served(None, faults)
    client = service.client(key=KEY, read_timeout=0.1)
    seen = [repr(client)]
    try:
        stored = lake.write(texts_table("new_questions"), DAY, new_questions(client, DAY))
        seen += [json.dumps(stored.notes), json.dumps(stored.provenance)]
        assert KEY.encode() not in stored.path.read_bytes()
    except StackExchangeError as error:
        seen.append(str(error))
    seen += [*service.told, *(record.getMessage() for record in caplog.records)]
    if not faults:
        assert "key=***" in "\n".join(seen)  # the address is logged, and scrubbed
    assert not [text for text in seen if KEY in text or "%28%28" in text]


def test_a_key_the_api_does_not_know(served: ServeQuestions) -> None:
    service = served()
    with pytest.raises(StackExchangeError, match="check the key, or set none") as caught:
        service.day(key="bad-key-bad-key")
    assert caught.value.permanent
    assert "bad-key" not in str(caught.value)


def test_a_server_that_repeats_the_key_is_not_quoted(serve: Serve) -> None:
    async def echo(request: Request) -> JSONResponse:
        said = f"no such app: {request.query_params['key']} in {request.url}"
        return JSONResponse({"error_id": 400, "error_name": "x", "error_message": said}, 400)

    url = serve(Starlette(routes=[Route("/2.3/questions", echo)])).url
    time = FakeTime()
    client = QuestionClient(url, "ai", KEY, pace=Pace(time.clock, time.sleep), now=time.now)
    with pytest.raises(StackExchangeError, match="no such app: ") as caught:
        list(new_questions(client, DAY).frames)
    assert "sEcReT" not in str(caught.value)


def test_an_endpoint_with_a_password_is_refused() -> None:
    with pytest.raises(StackExchangeError, match="user or password") as caught:
        QuestionClient("http://me:hidden@127.0.0.1")
    assert "hidden" not in str(caught.value)


# Odd items

ODD = {
    "null": "Expected `object`, got `null`",
    "[1]": "Expected `object`, got `array`",
    '{"question_id": 1}': "missing required field",
    '{"creation_date": 1763510400, "title": "t", "tags": []}': "required field `question_id`",
    '{"question_id": "1", "creation_date": 1, "title": "t", "tags": []}': "`int`, got `str`",
    '{"question_id": 0, "creation_date": 1, "title": "t", "tags": []}': ">= 1",
    '{"question_id": 1, "creation_date": 1, "title": "t"}': "missing required field `tags`",
    '{"question_id": 1, "creation_date": 1, "title": "t", "tags": "a"}': "Expected `array`",
    '{"question_id": 1, "creation_date": 1, "title": "t", "tags": [null]}': "tags[...]",
    '{"question_id": 1, "creation_date": 1, "title": null, "tags": []}': "`$.title`",
    '{"question_id": 1, "creation_date": 1.5, "title": "t", "tags": []}': "`$.creation_date`",
    '{"question_id": 1, "creation_date": 1e300, "title": "t", "tags": []}': "`$.creation_date`",
    '{"question_id": 1, "creation_date": 1, "title": "t", "tags": [], "owner": 3}': "`$.owner`",
    '{"question_id": 1, "creation_date": 1, "title": "\\ud800", "tags": []}': "surrogate pair",
    '{"question_id": 1, "creation_date": 1, "title": "t", "tags": ["\\udfff"]}': "surrogate pair",
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_item_is_put_aside_and_costs_no_other(
    served: ServeQuestions, lake: Lake, odd: str
) -> None:
    service = served(None, "odd")
    service.faults.odd_items = (odd,)
    stored = lake.write(texts_table("new_questions"), DAY, new_questions(service.client(), DAY))
    assert stored.rows == stored.notes["questions"] == 48
    ((reason, count),) = (one for one in stored.notes.items() if one[0].startswith("put aside"))
    assert ODD[odd] in reason
    assert count == 1
    aside = stored.aside("odd_questions")
    assert aside is not None
    assert aside["reason"].to_list() == [reason.removeprefix("put aside: ")]


def test_odd_items_among_pages(served: ServeQuestions) -> None:
    service = served(GeneratedQuestions(per_day=250), "odd:*")
    service.faults.odd_items = tuple(ODD)
    frame, made = service.day()
    assert frame["id"].n_unique() == 250
    assert made.aside["odd_questions"].height == 3 * len(ODD)


def test_a_day_of_odd_items_alone_is_a_failure(served: ServeQuestions, lake: Lake) -> None:
    service = served(Listed([]), "odd")
    service.faults.odd_items = tuple(ODD)
    with pytest.raises(StackExchangeError, match=f"none of the {len(ODD)} questions") as caught:
        lake.write(texts_table("new_questions"), DAY, new_questions(service.client(), DAY))
    assert caught.value.permanent


# Recorded answers


def test_recorded_answers(real_data: Path, serve: Serve) -> None:
    folder = real_data / "http-recorded"
    recorded = {
        one["question_id"]: one
        for path in folder.glob("se-api-2.2-*.json")
        for one in _items(path)
        if "stackoverflow.com" in one["link"]
    }
    source, time = RecordedQuestions(folder), FakeTime()
    url = serve(create_app(source, clock=time.clock)).url
    client = QuestionClient(url, "stackoverflow", pace=Pace(time.clock, time.sleep), now=time.now)
    days = {datetime.fromtimestamp(one["creation_date"], UTC).date() for one in recorded.values()}
    found: dict[int, dict[str, Any]] = {}
    for day in sorted(days)[:30]:
        frame = pl.concat(list(new_questions(client, str(day)).frames))
        found |= {int(row["id"].split(":")[-1]): row for row in frame.iter_rows(named=True)}
    wanted = {
        number for number, one in recorded.items()
        if datetime.fromtimestamp(one["creation_date"], UTC).date() in sorted(days)[:30]
    }  # fmt: skip
    assert found.keys() == wanted
    assert len(found) >= 30
    for number, row in found.items():
        assert row["labels"] == recorded[number]["tags"]
        assert not re.search(r"&(quot|#39|lt|gt|amp);", row["title"])
    old = found[min(found)]
    assert old["license"] == "CC BY-SA 2.5"


def _items(path: Path) -> list[Item]:
    found = json.loads(path.read_text())
    return found["items"] if isinstance(found, dict) else found
