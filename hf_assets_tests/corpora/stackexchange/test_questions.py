"""Odd items are put aside; recorded answers become questions."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
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
    RecordedQuestions,
)
from hf_assets.demo.labels.stackexchange import create_app
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.corpora.stackexchange import DAY, Listed, ServeQuestions
from hf_assets_tests.support.waits import FakeTime

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


@pytest.mark.usefixtures("every_line")
def test_the_log_says_how_much_of_the_day_is_read(served: ServeQuestions) -> None:
    service = served(GeneratedQuestions(per_day=250))
    service.day()
    lines = [line.partition(", ")[0] for line in service.told if " % of " in line]
    percent = [int(line.removesuffix(f" % of {DAY}").rpartition(" ")[2]) for line in lines]
    assert [line.partition(" ")[0] for line in lines] == ["100", "199", "250"]
    assert percent == sorted(percent)
    assert 30 < percent[0] < 50
    assert percent[-1] > 95


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
