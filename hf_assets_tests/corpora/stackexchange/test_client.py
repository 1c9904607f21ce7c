"""A day of questions from the Stack Exchange API, whole or not at all."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from hf_assets.corpora.schemas import texts_table
from hf_assets.corpora.stackexchange.client import QuestionClient, StackExchangeError
from hf_assets.corpora.stackexchange.pacing import Pace
from hf_assets.corpora.stackexchange.questions import new_questions
from hf_assets.demo.labels.question_sources import (
    GeneratedQuestions,
    Item,
)
from hf_assets.demo.labels.texts import GeneratedTexts
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.corpora.stackexchange import DAY, KEY, Listed, ServeQuestions
from hf_assets_tests.support.waits import FakeTime

MIDNIGHT = int(datetime(2026, 11, 19, tzinfo=UTC).timestamp())


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
