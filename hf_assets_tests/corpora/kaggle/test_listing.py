"""Datasets first seen on a day: all of them, each once, from a list that moves."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.corpora.kaggle.client import TRIES, DatasetClient, KaggleError
from hf_assets.corpora.kaggle.listing import KNOWN_IN_A_ROW, _row, new_datasets
from hf_assets.corpora.schemas import texts_table
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.labels.kaggle import TOKEN
from hf_assets.demo.labels.meta_kaggle import owner, slug, versions
from hf_assets.demo.service.switches import At
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.corpora.kaggle import (
    COUNT,
    DAY,
    TEXTS,
    ServeKaggle,
    down_to,
    known,
    listing,
    numbers,
)


def test_what_is_not_known_is_new_and_reading_stops_at_what_is(kaggle: ServeKaggle) -> None:
    served = kaggle()
    found, made = served.new(known(range(350)))
    assert found == down_to(350)
    assert served.pages == [1, 2, 3, 4, 5]  # 50 new, 40 known in a row, to the end of the page
    assert made.notes["datasets"] == 50
    assert made.notes["known already"] == 50
    assert made.notes["without a description"] == 50
    assert made.provenance["new_datasets"]["endpoint"] == served.url


@pytest.mark.usefixtures("every_line")
def test_the_log_says_how_many_are_listed_and_new(kaggle: ServeKaggle, lake: Lake) -> None:
    served, lines = kaggle(), []
    client = served.client()
    client.log = lines.append
    lake.write(texts_table("new_datasets"), DAY, new_datasets(client, DAY, known(range(350))))
    assert lines[0] == "20 datasets listed, 20 of them new"
    assert lines[-2] == "100 datasets listed, 50 of them new"
    assert lines[-1] == "50 new datasets on 5 pages"


def test_a_dataset_has_the_columns_of_texts(kaggle: ServeKaggle, lake: Lake) -> None:
    served = kaggle(descriptions=True)
    made = new_datasets(served.client(), DAY, known(range(390)))
    stored = lake.write(texts_table("new_datasets"), DAY, made)
    rows = stored.frame.collect().rows(named=True)
    assert len(rows) == stored.notes["datasets"] == 10
    assert TOKEN not in json.dumps([stored.notes, stored.provenance])
    for row, index in zip(rows, down_to(390), strict=True):
        text = TEXTS.text(index)
        assert row["title"] == text.title
        assert row["labels"] == list(text.tags)
        assert row["body"] == "\n\n".join(
            part.strip() for part in (text.subtitle, text.body) if part.strip()
        )
        assert row["link"] == f"https://www.kaggle.com/datasets/{owner(text)}/{slug(text)}"
        assert (row["author"], row["author_link"]) == (
            text.author, f"https://www.kaggle.com/{owner(text)}"
        )  # fmt: skip
        only = versions(text) == 1
        assert row["created_at"] == (text.created.replace(microsecond=0) if only else None)
    assert {row["created_at"] is None for row in rows} == {True, False}


def test_without_descriptions_the_body_is_the_subtitle(kaggle: ServeKaggle) -> None:
    made = new_datasets(kaggle().client(), DAY, known(range(390)))
    bodies = [body for frame in made.frames for body in frame["body"]]
    assert bodies == [TEXTS.text(index).subtitle or None for index in down_to(390)]


def test_some_unknown_after_known_ones_are_found(kaggle: ServeKaggle) -> None:
    found, _ = kaggle().new(known(range(340), range(345, 370)))
    assert found == [*down_to(370), *range(344, 339, -1)]


def test_known_ones_count_where_they_stand_in_a_row(kaggle: ServeKaggle) -> None:
    found, _ = kaggle().new(known(range(315), range(320, 350), range(355, 380)))
    assert found == [*down_to(380), *range(354, 349, -1), *range(319, 314, -1)]


def test_nothing_new_is_nothing_and_reads_two_pages(kaggle: ServeKaggle) -> None:
    served = kaggle()
    found, made = served.new(known(range(COUNT)))
    assert found == []
    assert made.notes["datasets"] == 0
    assert len(served.pages) * 20 == KNOWN_IN_A_ROW


def test_few_known_ones_are_enough_to_stop(kaggle: ServeKaggle) -> None:
    served = kaggle()
    found, _ = served.new(known(range(380, 390)))
    assert found == [*down_to(390)]
    assert served.pages == [1]


def test_where_none_is_known_the_day_is_the_bound(kaggle: ServeKaggle) -> None:
    served = kaggle()
    found, made = served.new(set())
    begin = datetime.fromisoformat(DAY).replace(tzinfo=UTC)
    published = [index for index in down_to(0) if TEXTS.created(index) >= begin]
    assert published
    # Those published before, and changed today, cannot be told from them.
    assert found[: len(published)] == published
    assert set(found) - set(published) <= {
        index for index in range(COUNT) if versions(TEXTS.text(index)) > 1
    }
    assert made.notes["dropped: older than the day"] >= KNOWN_IN_A_ROW
    assert len(served.pages) < COUNT / 20


def test_datasets_that_move_to_the_next_page_are_found_once(kaggle: ServeKaggle) -> None:
    served = kaggle()
    client = served.client()
    made = new_datasets(client, DAY, known(range(330)))
    frames = iter(made.frames)
    first = next(frames)["id"].to_list()
    served.app.state.kaggle.count += 3  # published meanwhile
    ids = first + [name for frame in frames for name in frame["id"]]
    assert ids == [f"kaggle:{TEXTS.text(index).id}" for index in down_to(330)]
    assert made.notes["listed twice"] == 3


def test_the_wall_is_not_the_end(kaggle: ServeKaggle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hf_assets.corpora.kaggle.listing.WALL", 100)
    served = kaggle(wall=100)
    made = new_datasets(served.client(), DAY, known(range(200)))
    with pytest.raises(KaggleError, match=r"shows its 100 newest.*materialise dataset_dump") as no:
        numbers(made)
    assert no.value.permanent
    assert served.slept == []


def test_known_ones_before_the_wall_are_enough(
    kaggle: ServeKaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hf_assets.corpora.kaggle.listing.WALL", 100)
    found, _ = kaggle(wall=100).new(known(range(350)))
    assert found == down_to(350)


def test_the_real_wall_is_where_the_embedded_one_is(kaggle: ServeKaggle) -> None:
    served = kaggle(count=10_050)
    client = served.client()
    assert len(client.page(500).datasets) == 20
    assert client.page(501).datasets == []


def test_a_short_list_may_end(kaggle: ServeKaggle) -> None:
    served = kaggle(count=30)
    made = new_datasets(served.client(), DAY, {"kaggle:999999"})
    assert len(numbers(made)) == 30
    assert made.notes["the list ended"] == 1


@pytest.mark.parametrize("page", [1, 2])
def test_an_empty_page_is_asked_for_again(page: int, kaggle: ServeKaggle) -> None:
    served = kaggle(faults=Faults(empty_page=[At(times=2, page=page)]))
    found, _ = served.new(known(range(350)))
    assert found == down_to(350)
    assert served.slept == [1.0, 2.0]


@pytest.mark.parametrize("page", [1, 3])
def test_a_page_that_stays_empty_is_an_error(page: int, kaggle: ServeKaggle) -> None:
    served = kaggle(faults=Faults(empty_page=[At(times=99, page=page)]))
    made = new_datasets(served.client(), DAY, known(range(350)))
    with pytest.raises(KaggleError, match=rf"page {page} .*empty, though the list") as caught:
        numbers(made)
    assert not caught.value.permanent
    assert len(served.slept) == TRIES - 1


def test_a_past_day_cannot_be_asked_for(kaggle: ServeKaggle) -> None:
    served = kaggle()
    with pytest.raises(KaggleError, match=r"not those of 2020-01-01.*dataset_dump") as caught:
        new_datasets(served.client(), "2020-01-01", set())
    assert caught.value.permanent
    assert served.pages == []


def test_odd_rows_are_counted_and_wild_ones_kept(serve: Serve) -> None:
    rows = [
        {"id": "5", "title": "an id of text"},
        {"id": 6, "title": 7},
        {"title": "no id"},
        {"id": 8, "title": "a", "tags": [{"name": 5, "ref": "five"}]},
        {"id": 9, "title": "hidden", "isPrivate": True},
        {"id": 10},
        {"id": 11, "title": "half \ud83e", "subtitle": " <b>x</b> ", "url": "javascript:alert(1)",
         "tags": [{"name": "../x"}, {"ref": "a, \"b\""}, {"name": "../x"}, {"name": "🦊" * 300}],
         "ownerName": "An <i>org</i>", "creatorName": "someone", "ownerRef": "org"},
    ]  # fmt: skip
    client = DatasetClient(serve(listing(rows)).url, token="t", today=lambda: DAY)
    made = new_datasets(client, DAY, {"kaggle:1"})
    found = [row for frame in made.frames for row in frame.iter_rows(named=True)]
    assert [row["id"] for row in found] == ["kaggle:10", "kaggle:11"]
    assert made.notes["dropped: odd row"] == 4
    assert made.notes["dropped: private"] == 1
    assert found[0] == dict.fromkeys(found[0]) | {"id": "kaggle:10", "labels": []}
    wild = found[1]
    assert (wild["title"], wild["body"]) == ("half ?", "<b>x</b>")
    assert wild["labels"] == ["../x", 'a, "b"', "🦊" * 300]
    assert wild["link"] is None
    assert (wild["author"], wild["author_link"]) == ("An <i>org</i>", None)


def test_a_page_of_another_form_is_an_error_not_the_end(serve: Serve) -> None:
    rows = [{"id": 5, "title": "a", "lastUpdated": "yesterday"}]
    slept: list[float] = []
    client = DatasetClient(serve(listing(rows)).url, token="t", sleep=slept.append)
    with pytest.raises(KaggleError, match=r"page 1 .*no answer of the list's form"):
        client.page(1)
    assert len(slept) == TRIES - 1


@given(
    title=st.text(st.characters(), max_size=20),
    tags=st.lists(st.text(st.characters(), max_size=9), max_size=4),
)
def test_any_text_becomes_a_row_that_can_be_stored(title: str, tags: list[str]) -> None:
    from kagglesdk.datasets.types.dataset_api_service import ApiDataset

    row = _row(
        ApiDataset.from_dict({"id": 3, "title": title, "tags": [{"name": tag} for tag in tags]})
    )
    assert row is not None
    assert len(row["labels"]) == len({*row["labels"]}) <= len(tags)
    json.dumps(row, default=str, ensure_ascii=False).encode()
