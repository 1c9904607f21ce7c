"""Where a corpus has its texts from: tables of the lake, days, and one site."""

import dataclasses
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from hf_assets.corpora import building
from hf_assets.corpora.building import CorpusTooSmall, WrongSite, build
from hf_assets.corpora.corpus import is_generated, open_corpus
from hf_assets.corpora.facts import summaries
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.corpora.schemas import texts_frame, texts_table
from hf_assets.storage.lake import Lake, StoredTable, TableWrite
from hf_assets_tests.corpora.conftest import Build, Rows, make_rows


def test_sources_of_the_lake_and_what_they_say(lake: Lake, tmp_path: Path) -> None:
    table = texts_table("question_dump")
    about = {"question_dump": {"file": "Posts.xml", "generated": True}}
    stored = lake.write(table, None, TableWrite([texts_frame(make_rows(120))], provenance=about))
    days = [
        lake.write(texts_table("new_questions"), day, TableWrite([texts_frame(make_rows(5, seed))],
                   provenance={"new_questions": {"day": day}}))
        for seed, day in ((7, "2026-11-19"), (8, "2026-11-20"))
    ]  # fmt: skip
    spec = CorpusSpec(name="x", source=("question_dump", "new_questions"), rare_share=0.01)
    folder = tmp_path / "corpus"
    folder.mkdir()
    facts = build(spec, [stored, *days], folder)
    assert facts.rows == 130
    two = {"first day": "2026-11-19", "last day": "2026-11-20", "days": 2, "rows": 10}
    assert facts.sources == {
        "question_dump": [{"file": "Posts.xml", "generated": True, "rows": 120}],
        "new_questions": [two],
    }
    assert open_corpus(folder).frame.height == 130


def of_site(site: str, count: int, seed: int) -> Rows:
    rows = make_rows(count, seed)
    return [{**row, "id": f"stackexchange:{site}:{n}"} for n, row in enumerate(rows)]


def test_questions_are_of_one_site(built: Build) -> None:
    rows = [of_site("ai", 100, 1), of_site("ai.meta", 90, 2), make_rows(80)]
    corpus = built(*rows, site="ai.stackexchange.com")
    # Numbers are the same on both sites: none of them takes another's place.
    assert corpus.facts.lost == {building.OTHER_SITE: 90}
    assert corpus.facts.site == "ai"
    kept = corpus.frame.filter(pl.col("id").str.starts_with("stackexchange:"))
    texts = {f"{row['title']}\n\n{row['body'][3:-4]}" for row in rows[0]}
    assert set(kept["text"]) == texts
    assert corpus.frame.height == 180
    other = built(*rows, site="meta.ai")
    assert other.facts.lost == {building.OTHER_SITE: 100}
    # Without a word about it, all are taken.
    assert built(*rows).facts.rows == 270


def test_nothing_of_the_site_says_what_there_is(built: Build) -> None:
    for more in ([], make_rows(100)):
        with pytest.raises(WrongSite) as failed:
            built(of_site("ai", 100, 1), of_site("robotics", 9, 2), more, site="datascience")
        assert "toys takes questions of datascience" in str(failed.value)
        assert "none (but of ai: 100, robotics: 9)" in str(failed.value)
        assert "HF_ASSETS_STACKEXCHANGE_SITE" in str(failed.value)
        assert failed.value.permanent
    with pytest.raises(CorpusTooSmall, match="there are no texts"):
        built([], site="datascience")


def test_the_table_of_a_user_may_be_called_anything(built: Build) -> None:
    rows = of_site("ai", 100, 1)
    assert built(rows, source=Path("stackexchange.csv")).facts.rows == 100


@pytest.mark.heavy
def test_a_thousand_days_take_no_more_room_than_one(lake: Lake, tmp_path: Path) -> None:
    table = texts_table("new_questions")
    first = date(2024, 1, 1)

    def stored(number: int) -> StoredTable:
        told = {
            "endpoint": "https://api.stackexchange.com",
            "site": "ai",
            "with_key": False,
            "started": f"{first + timedelta(number)}T01:15",
            "quota_remaining": number,
        }
        day = (first + timedelta(number)).isoformat()
        rows = make_rows(200 if number == 0 else 1, number)
        made = TableWrite([texts_frame(rows)], provenance={"new_questions": told})
        return lake.write(table, day, made)

    days = [stored(number) for number in range(3)]
    # The rows of the others are those of the third: what is counted here is what is said of them.
    days += [dataclasses.replace(days[2], day=(first + timedelta(number)).isoformat())
             for number in range(3, 1000)]  # fmt: skip
    spec = CorpusSpec(name="x", source=("new_questions",), rare_share=0.01)
    folder = tmp_path / "corpus"
    folder.mkdir()
    facts = build(spec, days, folder)
    (entry,) = facts.sources["new_questions"]
    assert entry == {
        "endpoint": "https://api.stackexchange.com", "site": "ai", "with_key": False,
        "first day": "2024-01-01", "last day": "2026-09-26", "days": 1000, "rows": 1199,
    }  # fmt: skip
    assert (folder / "facts.json").stat().st_size < 5_000
    assert not open_corpus(folder).generated
    other = {"new_questions": {"endpoint": "http://127.0.0.1:1", "site": "generated"}}
    two = summaries([*days, dataclasses.replace(days[0], provenance=other)])
    assert [one["days"] for one in two["new_questions"]] == [1000, 1]
    assert is_generated({"sources": two})
