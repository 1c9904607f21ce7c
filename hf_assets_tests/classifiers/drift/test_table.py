"""The table of drift: a row a week, measured again only where what is behind it changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hf_assets.classifiers.drift.against import compared_with
from hf_assets.classifiers.drift.rules import Bounds, not_drifted
from hf_assets.classifiers.drift.table import (
    Against,
    DriftRecord,
    Since,
    drift_table,
    monday,
    refreshed,
)
from hf_assets.classifiers.drift.weeks import source_name, weeks_of_texts
from hf_assets.classifiers.evaluation import baselines
from hf_assets.corpora.corpus import Corpus
from hf_assets.corpora.growth import corpus_age
from hf_assets.corpora.schemas import texts_frame
from hf_assets.object_store.errors import ReplacedError
from hf_assets.storage.lake import StoredTable, TableWrite, today
from hf_assets_tests.corpora.conftest import Rows, make_rows
from hf_assets_tests.corpora.test_growth import SOURCE, SPEC, Growing

MONDAY, TUESDAY, NEXT = "2026-11-09", "2026-11-10", "2026-11-17"
BOUNDS = Bounds(0.2, 10, 365, 0.1)


class Measured(Growing):
    """A growing lake, and the drift of its corpus."""

    corpus: Corpus
    against: Against
    log: list[str]

    def begin(self) -> None:
        """Build a corpus and a baseline of what is there."""
        self.day("2026-11-02", _alike(300, 0))
        self.learn()

    def learn(self, before: Corpus | None = None) -> None:
        """Build the corpus again, and compare with it."""
        self.corpus = self.build(before)
        folder = self.corpus.folder / "baseline"
        folder.mkdir()
        baselines.fit(self.corpus, folder)
        self.against = compared_with(self.corpus, folder, None)

    def measure(self) -> StoredTable:
        """Refresh the table; `log` has a line for each week that was measured."""
        self.log = []
        table = drift_table("toys")
        stored = self.lake.read(table.name, None) if self._there else None
        sources = self.sources
        weeks = weeks_of_texts(SPEC, self.corpus, sources)
        present = frozenset(source_name(SOURCE.name, one) for one in sources[SOURCE.name])
        write = refreshed(weeks, self.against, stored, present, log=self.log.append)
        return self.lake.write(table, None, write)

    @property
    def _there(self) -> bool:
        return (self.lake.folder(drift_table("toys").name, None) / "data.parquet").exists()

    def rows(self) -> dict[str, dict[str, Any]]:
        """The rows of the refreshed table by week."""
        return {str(row["week"]): row for row in self.measure().frame.collect().to_dicts()}


def _alike(count: int, seed: int) -> Rows:
    """Texts of a few words, so that a vocabulary knows them."""
    rows = make_rows(count, seed)
    for number, row in enumerate(rows):
        row["body"] = f"<p>{' '.join(row['labels'])} word{number % 20} word{number % 7}</p>"
    return rows


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    """A corpus that has taken one day."""
    found = Measured(tmp_path)
    found.begin()
    return found


def since(stored: StoredTable) -> Since:
    return DriftRecord.read(stored.notes).since


def test_nothing_came(measured: Measured) -> None:
    stored = measured.measure()
    assert stored.rows == 0
    assert since(stored).texts == 0
    assert not_drifted(since(stored), BOUNDS).passed


def test_a_week_has_a_row_of_its_days(measured: Measured) -> None:
    measured.day(MONDAY, _alike(40, 1))
    strange = _alike(20, 2)
    for row in strange:
        row["labels"] = ["kiwi", "plum"]
        row["body"] = "<p>quite another matter altogether</p>"
    measured.day(TUESDAY, strange)
    measured.day(NEXT, _alike(10, 3))
    rows = measured.rows()
    assert list(rows) == ["2026-11-09", "2026-11-16"]
    first = rows["2026-11-09"]
    assert first["texts"] == 60
    assert first["new_labels"] == 1
    assert first["newest_labels"] == [{"label": "kiwi", "rows": 20}]
    assert 0.2 < first["unseen_words"] < 0.5
    assert first["label_distance"] > first["label_noise"]
    assert first["asked"] is None
    assert len(measured.log) == 2


def test_weeks_that_are_up_to_date_are_not_measured_again(measured: Measured) -> None:
    measured.day(MONDAY, _alike(40, 1))
    measured.day(NEXT, _alike(10, 3))
    before = measured.rows()
    assert measured.rows() == before
    assert measured.log == []
    # A day that is made again changes the row of its week alone, and so does a day more.
    measured.day(NEXT, _alike(12, 4))
    after = measured.rows()
    assert len(measured.log) == 1
    assert after["2026-11-09"] == before["2026-11-09"]
    assert after["2026-11-16"]["texts"] == 12


def test_a_day_that_is_withdrawn_takes_its_rows_along(measured: Measured) -> None:
    measured.day(MONDAY, _alike(40, 1))
    measured.day(TUESDAY, _alike(5, 2))
    measured.day(NEXT, _alike(10, 3))
    before = measured.rows()
    for day in (TUESDAY, NEXT):
        (measured.lake.folder(SOURCE.name, day) / "data.parquet").unlink()
    after = measured.rows()
    assert list(after) == ["2026-11-09"]
    assert (before["2026-11-09"]["texts"], after["2026-11-09"]["texts"]) == (45, 40)


def test_a_week_that_was_learnt_stays_as_it_was_measured(measured: Measured) -> None:
    measured.day(MONDAY, _alike(40, 1))
    before = measured.rows()
    measured.learn(measured.corpus)
    measured.day(NEXT, _alike(10, 3))
    stored = measured.measure()
    rows = {str(row["week"]): row for row in stored.frame.collect().to_dicts()}
    assert rows["2026-11-09"] == before["2026-11-09"]
    assert rows["2026-11-16"]["corpus"] != before["2026-11-09"]["corpus"]
    assert since(stored).texts == 10
    # Once its day is made again with rows that are all learnt, nothing of it is left to compare.
    measured.day(MONDAY, _alike(40, 1)[:30])
    assert list(measured.rows()) == ["2026-11-16"]


def test_the_tagger_is_asked_and_its_change_measures_again(measured: Measured) -> None:
    measured.day(MONDAY, _alike(600, 1))
    asked: list[int] = []

    def unlabelled(texts: Sequence[str]) -> list[bool]:
        asked.append(len(texts))
        return [number % 4 == 0 for number in range(len(texts))]

    measured.rows()
    measured.against = _replaced(measured.against, unlabelled, "a tagger")
    row = measured.rows()["2026-11-09"]
    assert asked == [500]
    assert (row["asked"], row["unlabelled"]) == (500, 0.25)
    measured.rows()
    assert asked == [500]


def _replaced(against: Against, unlabelled: Any, by: str) -> Against:
    return replace(against, unlabelled=unlabelled, measured_by=by, usual_unlabelled=0.04)


def test_texts_like_those_that_were_learnt_pass_and_others_warn(measured: Measured) -> None:
    for seed, day in enumerate((MONDAY, TUESDAY, NEXT), 1):
        measured.day(day, _alike(15, seed))
    verdict = not_drifted(since(measured.measure()), BOUNDS)
    assert verdict.passed
    strange = _alike(60, 9)
    for row in strange:
        row["labels"] = ["kiwi"]
    measured.day("2026-11-24", strange)
    verdict = not_drifted(since(measured.measure()), BOUNDS)
    assert (verdict.passed, verdict.severity) == (False, "WARN")
    assert "label shares differ" in verdict.description
    assert verdict.metadata["new labels"] == "kiwi (60)"


@pytest.mark.parametrize(
    ("texts", "share", "passes"), [(5, 0.4, True), (400, 0.4, False), (400, 0.12, True)]
)
def test_a_share_counts_where_the_sample_shows_it(texts: int, share: float, passes: bool) -> None:
    common = Since(texts=texts, asked=texts, weeks=1, first="2026-11-09", last="2026-11-09")
    bare = msgspec.structs.replace(common, unlabelled=share, usual_unlabelled=0.05)
    words = msgspec.structs.replace(common, unseen_words=share, usual_words=0.05)
    for found, said in ((bare, "get no label"), (words, "words are unseen")):
        verdict = not_drifted(found, BOUNDS)
        assert verdict.passed is passes
        assert (said in verdict.description) is not passes


def test_labels_that_were_too_rare_are_not_new(measured: Measured) -> None:
    rows = _alike(300, 0)
    rows[0]["labels"] = ["apple", "medlar"]
    measured.day("2026-11-02", rows)
    measured.learn()
    new = _alike(10, 1)
    new[0]["labels"] = ["medlar"]
    measured.day(MONDAY, new)
    assert measured.rows()["2026-11-09"]["new_labels"] == 0


def test_texts_of_a_dump_are_of_the_weeks_in_which_they_were_written(tmp_path: Path) -> None:
    found = Measured(tmp_path)
    found.begin()
    rows = _alike(30, 1)
    for number, row in enumerate(rows):
        row["created_at"] = datetime(2026, 11, 9 + number % 10, tzinfo=UTC)
    write = TableWrite([texts_frame(rows)], provenance={SOURCE.name: {}})
    sources = {SOURCE.name: [found.lake.write(SOURCE, None, write)]}
    weeks = weeks_of_texts(SPEC, found.corpus, sources)
    assert [(one.week, one.texts().height) for one in weeks] == [
        (date(2026, 11, 9), 21),
        (date(2026, 11, 16), 9),
    ]


@pytest.mark.parametrize("dated", [0, 20])
def test_texts_of_a_dump_that_nobody_dated_drift_as_they_age(tmp_path: Path, dated: int) -> None:
    found = Measured(tmp_path)
    found.begin()
    rows = _alike(30, 1)
    for number, row in enumerate(rows):
        row["created_at"] = (
            datetime(2026, 11, 9 + number % 10, tzinfo=UTC) if number < dated else None
        )
    write = TableWrite([texts_frame(rows)], provenance={SOURCE.name: {}})
    sources = {SOURCE.name: [found.lake.write(SOURCE, None, write)]}
    weeks = {one.week: one.texts().height for one in weeks_of_texts(SPEC, found.corpus, sources)}
    assert sum(weeks.values()) == corpus_age(found.corpus, sources).rows == 30
    if dated:
        assert weeks == {date(2026, 11, 9): 14, date(2026, 11, 16): 16}
    else:  # of the week in which the corpus was built
        assert list(weeks) == [monday(date.fromisoformat(today()))]


def test_a_table_that_another_run_stored_meanwhile_stands(measured: Measured) -> None:
    measured.day(MONDAY, _alike(40, 1))
    stored, table = measured.measure(), drift_table("toys")
    measured.day(NEXT, _alike(10, 3))
    late = refreshed([], measured.against, stored, frozenset())
    assert list(measured.rows()) == ["2026-11-09", "2026-11-16"]
    with pytest.raises(ReplacedError):
        measured.lake.write(table, None, late)
    assert measured.lake.read(table.name, None).rows == 2
