"""The drift of a corpus: how the texts that came since differ from those that were learnt, by week.

A week's row stays as it is while the days behind it do, and the corpus, baseline and tagger that it
was measured against: a day that is made again or withdrawn changes the row of its week alone. Once
the corpus has learnt a week, its row stays as it was measured before.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import msgspec
import polars as pl

from hf_assets.classifiers.drift.measures import (
    Distances,
    label_distance,
    label_noise,
    spaced,
    unseen_words,
)
from hf_assets.storage.parquet import Column, Table
from hf_assets.storage.records import Record
from hf_assets.storage.stored import StoredTable, TableWrite

# Texts of a week that the tagger is asked about, evenly spaced: a network answers 100 a second.
MOST_ASKED = 500
# New labels that a row names; it counts all of them.
_NAMED = 20
_LABEL_ROWS = pl.List(pl.Struct({"label": pl.String, "rows": pl.Int64}))
DRIFT = Table(
    "drift",
    {
        "week": Column(pl.Date, "The Monday of the week."),
        "texts": Column(pl.Int64, "Texts with labels that the corpus had not taken."),
        "label_distance": Column(
            pl.Float64,
            "Total variation distance of the labels' shares from those of the training rows, 0 to "
            "1: half the sum of the differences. Labels without a column count as one.",
        ),
        "label_noise": Column(
            pl.Float64,
            "The distance that 95 % of draws of as many training rows stay below: below it, the "
            "distance says nothing.",
        ),
        "words": Column(pl.Int64, "Words of the texts, of two characters or more."),
        "unseen_words": Column(
            pl.Float64, "Share of them that the baseline's TF-IDF does not know; null without one."
        ),
        "asked": Column(pl.Int64, "Texts that the served tagger was asked about; null without."),
        "unlabelled": Column(pl.Float64, "Share of those to which it gave no label."),
        "labels_a_text": Column(pl.Float64, "Mean number of labels that the source gives a text."),
        "new_labels": Column(pl.Int64, "Labels that the corpus never had, not even as rare ones."),
        "newest_labels": Column(_LABEL_ROWS, f"The {_NAMED} commonest of those, with their texts."),
        "labels": Column(_LABEL_ROWS, "Texts of each label that the corpus has a column for."),
        "corpus": Column(pl.String, "Fingerprint of the corpus that the week is compared with."),
        "measured_by": Column(pl.String, "Fingerprints of the baseline and of the tagger."),
        "sources": Column(pl.List(pl.String), "Asset, day and version of the days behind it."),
    },
    required=("week", "texts", "corpus", "sources"),
)


class Since(msgspec.Struct, frozen=True):
    """All that came since the corpus was built, taken together, and what is usual.

    Attributes:
        texts, weeks: how many; first, last: week.
        distance, noise: of the shares of labels, see the table's columns.
        words, unseen_words: how many, and the share of unseen ones; usual_words: on validation.
        asked, unlabelled: how many, and the share without a label; usual_unlabelled: on test.
        labels_a_text: mean; usual_labels: of the training rows.
        new_labels: texts of each, the commonest.
    """

    texts: int = 0
    weeks: int = 0
    first: str = ""
    last: str = ""
    distance: float | None = None
    noise: float | None = None
    words: int = 0
    unseen_words: float | None = None
    usual_words: float | None = None
    asked: int = 0
    unlabelled: float | None = None
    usual_unlabelled: float | None = None
    labels_a_text: float | None = None
    usual_labels: float | None = None
    new_labels: dict[str, int] = msgspec.field(default_factory=dict)


class DriftRecord(Record):
    """The footer's record of a drift table."""

    since: Since = Since()


@dataclass(frozen=True)
class Unseen:
    """The unseen texts of a week, and what they came from.

    Attributes:
        texts: columns text and labels.
        sources: asset, day and version of each day behind them, sorted.
    """

    week: date
    texts: Callable[[], pl.DataFrame]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Against:
    """What the texts of a week are compared with.

    Attributes:
        corpus: its fingerprint; labels: those with a column; rare: those left out.
        targets: labels of the training rows, as counted by `Distances`.
        words: the terms that the baseline knows; None without one.
        unlabelled: which of some texts get no label; None without a tagger.
        measured_by: fingerprints of baseline and tagger.
    """

    corpus: str
    labels: Sequence[str]
    rare: frozenset[str]
    distances: Distances
    words: frozenset[str] | None = None
    unlabelled: Callable[[Sequence[str]], Sequence[bool]] | None = None
    measured_by: str = ""
    usual_words: float | None = None
    usual_unlabelled: float | None = None


def drift_table(name: str) -> Table:
    """The table of that corpus: it lies among its classifiers' folders."""
    return replace(DRIFT, name=f"classifiers/{name}/drift")


def monday(day: date) -> date:
    """The first day of its week."""
    return day - timedelta(days=day.weekday())


def refreshed(
    weeks: Iterable[Unseen],
    against: Against,
    stored: StoredTable | None,
    present: frozenset[str],
    settled: frozenset[date] = frozenset(),
    log: Callable[[str], None] = lambda _: None,
) -> TableWrite:
    """The table with the rows of those weeks; rows that are up to date are not measured again.

    Args:
        weeks: with texts that the corpus has not taken.
        against: what they are compared with.
        stored: the table as it is, if there is one.
        present: `sources` of every stored day: a row of days that are gone goes, too.
        settled: weeks whose days cannot be measured again as they were: their rows stay, unless
            corpus, baseline or tagger are others.
        log: takes a line for each measured week.
    """
    rows = {row["week"]: row for row in stored.frame.collect().to_dicts()} if stored else {}
    rows = {week: row for week, row in rows.items() if present.issuperset(row["sources"])}
    now: set[date] = set()
    for unseen in weeks:
        now.add(unseen.week)
        row = rows.get(unseen.week)
        same = row and (unseen.week in settled or tuple(row["sources"]) == unseen.sources)
        if row and same and _measured_against(row, against):
            continue
        texts = unseen.texts()
        if not texts.height:
            now.discard(unseen.week)
            continue
        rows[unseen.week] = {
            "week": unseen.week,
            "sources": list(unseen.sources),
            "corpus": against.corpus,
            "measured_by": against.measured_by,
            **_measured(texts, against),
        }
        log(f"week of {unseen.week}: {texts.height:,} texts that the corpus has not taken")
    # Of another corpus and not among the weeks that are unseen: this one has learnt it.
    kept = [
        row for week, row in sorted(rows.items()) if week in now or row["corpus"] != against.corpus
    ]
    frame = pl.DataFrame(kept, schema=DRIFT.schema, orient="row")
    since = _since([row for row in kept if row["week"] in now], against)
    # Another machine's run, which no lock of files stops, must not lose its weeks to this one.
    return TableWrite([frame], record=DriftRecord(since=since), over=stored)


def _measured_against(row: dict[str, Any], against: Against) -> bool:
    return row["corpus"] == against.corpus and row["measured_by"] == against.measured_by


def _measured(texts: pl.DataFrame, against: Against) -> dict[str, Any]:
    lists, contents = texts["labels"].to_list(), texts["text"].to_list()
    counts = Counter(label for labels in lists for label in set(labels))
    columns = set(against.labels)
    new = {label: n for label, n in counts.items() if label not in columns | against.rare}
    given = {label: n for label, n in counts.items() if label in columns}
    words, unseen = unseen_words(contents, against.words)
    row: dict[str, Any] = {
        "texts": texts.height,
        "label_distance": label_distance(against.distances, given, sum(counts.values())),
        "label_noise": label_noise(against.distances, texts.height),
        "words": words,
        "unseen_words": unseen,
        "labels_a_text": sum(counts.values()) / texts.height,
        "new_labels": len(new),
        "newest_labels": _label_rows(new)[:_NAMED],
        "labels": _label_rows(given),
    }
    if against.unlabelled:
        asked = spaced(contents, MOST_ASKED)
        bare = against.unlabelled(asked)
        row |= {"asked": len(asked), "unlabelled": sum(map(bool, bare)) / len(asked)}
    return row


def _label_rows(counts: dict[str, int]) -> list[dict[str, Any]]:
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [{"label": label, "rows": rows} for label, rows in ranked]


def _since(rows: Sequence[dict[str, Any]], against: Against) -> Since:
    """The rows of unseen weeks as one."""
    usual = Since(
        usual_words=against.usual_words,
        usual_unlabelled=against.usual_unlabelled,
        usual_labels=against.distances.labels_a_row,
    )
    if not rows:
        return usual
    texts = sum(row["texts"] for row in rows)
    given, new = Counter[str](), Counter[str]()
    for row in rows:
        given.update({one["label"]: one["rows"] for one in row["labels"]})
        new.update({one["label"]: one["rows"] for one in row["newest_labels"]})
    labels = round(sum(row["labels_a_text"] * row["texts"] for row in rows))
    return msgspec.structs.replace(
        usual,
        texts=texts,
        weeks=len(rows),
        first=str(rows[0]["week"]),
        last=str(rows[-1]["week"]),
        distance=label_distance(against.distances, given, labels),
        noise=label_noise(against.distances, texts),
        words=sum(row["words"] for row in rows),
        unseen_words=_mean(rows, "unseen_words", "words"),
        asked=sum(row.get("asked") or 0 for row in rows),
        unlabelled=_mean(rows, "unlabelled", "asked"),
        labels_a_text=labels / texts,
        new_labels=dict(new.most_common(_NAMED)),
    )


def _mean(rows: Sequence[dict[str, Any]], name: str, weight: str) -> float | None:
    known = [(row[name], row[weight]) for row in rows if row.get(name) is not None and row[weight]]
    return sum(value * n for value, n in known) / sum(n for _, n in known) if known else None
