"""How old a corpus and its models are, against days that came, were made again, or went."""

import json
from pathlib import Path

import pytest

from hf_assets.corpora.building import build
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.corpora.growth import (
    Age,
    corpus_age,
    corpus_fingerprint,
    model_age,
    recorded_builds,
)
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.corpora.schemas import texts_frame, texts_table
from hf_assets.storage.lake import Lake, StoredTable, TableWrite
from hf_assets_tests.corpora.conftest import Rows, make_rows

SOURCE = texts_table("new_questions")
SPEC = CorpusSpec(name="toys", source=("new_questions",), rare_share=0.01)


class Growing:
    """A lake with days of questions, and a corpus of them."""

    def __init__(self, root: Path) -> None:
        self.lake, self.folders = Lake(root / "lake"), root

    def day(self, day: str, rows: Rows) -> None:
        """Store a day, or store it again."""
        facts = {"new_questions": {"site": "toys", "rows": len(rows), "of": rows[0]["id"]}}
        self.lake.write(SOURCE, day, TableWrite([texts_frame(rows)], provenance=facts))

    @property
    def sources(self) -> dict[str, list[StoredTable]]:
        days = self.lake.days(SOURCE.name)
        return {SOURCE.name: [self.lake.read(SOURCE.name, day) for day in days]}

    def build(self, before: Corpus | None = None) -> Corpus:
        """The corpus of all stored days."""
        folder = self.folders / f"corpus-{len(list(self.folders.iterdir()))}"
        folder.mkdir()
        build(SPEC, self.sources["new_questions"], folder, before.folder if before else None)
        return open_corpus(folder)

    def age(self, corpus: Corpus) -> Age:
        """How old it is now."""
        return corpus_age(corpus, self.sources)


@pytest.fixture
def growing(tmp_path: Path) -> Growing:
    """With a hundred questions on one day, and a few of one rare label."""
    found = Growing(tmp_path)
    rare = {"labels": ["apple", "rare"]}
    found.day("2026-11-02", [*make_rows(100), {**make_rows(1, 9)[0], **rare}])
    return found


def test_a_corpus_that_has_taken_every_day_is_young(growing: Growing) -> None:
    corpus = growing.build()
    assert growing.age(corpus) == Age(0, 101, (), 0)


def test_rows_and_labels_of_later_days_are_unseen(growing: Growing) -> None:
    corpus = growing.build()
    new = make_rows(30, 1)
    new[0]["labels"], new[1]["labels"], new[2]["labels"] = ["rare"], ["kiwi", "apple"], []
    new[3]["labels"], new[4]["labels"] = ["kiwi"], ["once"]
    growing.day("2026-11-03", [*new, make_rows(1)[0]])
    age = growing.age(corpus)
    # One has no label, and one is in the corpus.
    assert (age.rows, age.of) == (29, 101)
    # A rare label of the corpus has enough rows with the new one; what came once has not.
    assert age.labels == ("kiwi", "rare")
    assert age.share == 29 / 101


def test_labels_are_compared_as_a_corpus_has_them(growing: Growing) -> None:
    corpus = growing.build()
    new = make_rows(9, 1)
    for row in new:
        row["labels"] = ["apple ", " pear\n", "kiwi\t fruit", ""]
    growing.day("2026-11-03", new)
    assert growing.age(corpus).labels == ("kiwi fruit",)


def test_a_day_that_is_made_again_counts_with_its_new_rows_alone(growing: Growing) -> None:
    corpus = growing.build()
    rows = [*make_rows(100), *make_rows(5, 3)]
    growing.day("2026-11-02", rows)
    assert growing.age(corpus).rows == 5


def test_the_same_rule_holds_for_a_corpus_of_an_earlier_version(growing: Growing) -> None:
    corpus = growing.build()
    for name in ("builds.json", "taken.parquet", "rare_labels.json"):
        (corpus.folder / name).unlink()
    growing.day("2026-11-03", make_rows(7, 1))
    age = growing.age(corpus)
    assert (age.rows, age.days) == (7, None)
    same = model_age(corpus, corpus_fingerprint(corpus), corpus.labels, 90, age)
    assert (same.rows, same.why) == (7, "")
    assert model_age(corpus, "another", corpus.labels, 90, age).why


@pytest.fixture
def rebuilt(growing: Growing) -> tuple[Corpus, Corpus]:
    """A corpus, and the one that replaced it, with 40 rows and a label more."""
    first = growing.build()
    new = make_rows(40, 1)
    for row in new[:5]:
        row["labels"] = ["kiwi"]
    growing.day("2026-11-03", new)
    return first, growing.build(first)


def test_a_model_of_an_earlier_build_counts_what_came_since(
    growing: Growing, rebuilt: tuple[Corpus, Corpus]
) -> None:
    first, second = rebuilt
    assert [one.added for one in recorded_builds(second)] == [0, 40]
    growing.day("2026-11-04", make_rows(3, 2))
    fresh = growing.age(second)
    assert fresh.rows == 3
    old = model_age(second, corpus_fingerprint(first), first.labels, 90, fresh)
    assert (old.rows, old.of, old.labels, old.days) == (43, 101, ("kiwi",), 0)
    young = model_age(second, corpus_fingerprint(second), second.labels, 120, fresh)
    assert (young.rows, young.of, young.labels) == (3, 141, ())


@pytest.mark.parametrize("learnt_from", [None, "0123456789abcdef"])
def test_a_model_of_a_build_that_nobody_recorded_is_named(
    growing: Growing, rebuilt: tuple[Corpus, Corpus], learnt_from: str | None
) -> None:
    _, second = rebuilt
    age = model_age(second, learnt_from, second.labels, 90, growing.age(second))
    assert "nothing is recorded" in age.why


def test_the_last_twenty_builds_are_kept(growing: Growing) -> None:
    corpus = growing.build()
    path = corpus.folder / "builds.json"
    builds = json.loads(path.read_text("utf-8"))
    builds["builds"] *= 30
    path.write_text(json.dumps(builds), "utf-8")
    assert len(recorded_builds(growing.build(corpus))) == 20


def test_a_row_that_was_left_out_is_not_unseen(growing: Growing) -> None:
    """A day that is taken is taken, whatever became of its rows."""
    rows = make_rows(10, 4)
    for row in rows:
        row["labels"] = [f"only {row['id']}"]
    growing.day("2026-11-03", rows)
    corpus = growing.build()
    assert corpus.facts.lost == {"only rare labels": 10}
    assert growing.age(corpus).rows == 0
