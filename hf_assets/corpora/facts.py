"""facts.json: the counts of a corpus, for the UI and for cards."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
import polars as pl

from hf_assets.corpora.lengths import TokenLengths
from hf_assets.corpora.schemas import SPLITS
from hf_assets.storage.lake import StoredTable, TableWrite

COMMONEST = 20
_PERCENTILES = (5, 25, 50, 75, 95, 99)
NO_LICENSE = "none given"
# Which rules left rows out. 1: a body in many rows was a placeholder, whatever the titles; 2: title
# and body together are.
RULE = 2

# Sources, each with its provenance.
_Provenance = list[tuple[TableWrite | StoredTable, Mapping[str, Any]]]


class Lengths(msgspec.Struct, frozen=True):
    """Percentiles of the texts' lengths, by name: p5, p25, p50, p75, p95, p99."""

    characters: dict[str, int] = {}
    words: dict[str, int] = {}


class LabelCount(msgspec.Struct, frozen=True):
    """Rows of a label, in all splits and in train."""

    label: str
    rows: int
    train: int


class Counts(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={
        "labels_per_row": "labels a row",
        "rows_in_duplicate_groups": "rows in duplicate groups",
        "labels_without_test_row": "labels without a test row",
    },
):
    """Counts of rows, labels, lengths and licences.

    Attributes:
        rows, labels: how many.
        splits: rows by split.
        commonest: labels with the most rows.
        licences: rows by licence; `attribution`: a sentence of them.
    """

    rows: int | None = None
    labels: int | None = None
    labels_per_row: float = 0.0
    splits: dict[str, int] = {}
    rows_in_duplicate_groups: int = 0
    length: Lengths = Lengths()
    commonest: list[LabelCount] = []
    labels_without_test_row: list[str] = []
    licences: dict[str, int] = {}
    attribution: str = ""


class PublishedRows(msgspec.Struct, frozen=True):
    """Rows that were published in a split, and those of them that are left out, by reason."""

    rows: int
    lost: dict[str, int] = {}


class CorpusFacts(
    Counts,
    frozen=True,
    kw_only=True,
    rename={
        "rows_in": "rows in",
        "labels_given": "labels given",
        "labels_before": "labels before",
        "rare_share": "rare share",
        "least_rows": "least rows of a label",
        "texts_with_tags": "texts with tags",
        "published_rows_straddling": "published rows straddling",
    },
):
    """What facts.json holds. Fields that an earlier version did not write have their defaults.

    Attributes:
        rows_in: read from the sources; `lost`: those left out, by reason.
        labels_given: distinct labels before rare ones were left out.
        labels_before: labels of the corpus that this one replaced; None where there was none.
        rare_share, least_rows: a label is kept from that share of the training rows on, in rows.
        texts_with_tags: plain texts that look like HTML; formats: texts by format.
        published_rows_straddling: published rows like an earlier one of another split.
        published: by split, rows that were published in it; empty where nothing was.
        rule: which rules left rows out (see `RULE`); 1 where an earlier version did not say.
        tokens: how many texts are longer than what a model reads; None of an earlier version.
        sources: by name, an entry for each site and host (see `summaries`).
    """

    name: str = ""
    rows_in: int = 0
    lost: dict[str, int] = msgspec.field(default_factory=dict)
    labels_given: int = 0
    labels_before: list[str] | None = None
    rare_share: float | None = None
    least_rows: int = 0
    code: str = ""
    texts_with_tags: int = 0
    formats: dict[str, int] = msgspec.field(default_factory=dict)
    site: str | None = None
    text: list[str] = msgspec.field(default_factory=list)
    sources: dict[str, list[dict[str, Any]]] = msgspec.field(default_factory=dict)
    published_rows_straddling: int = 0
    published: dict[str, PublishedRows] = msgspec.field(default_factory=dict)
    rule: int = 1
    tokens: TokenLengths | None = None

    @property
    def left_out_of_published(self) -> str:
        """What each published split lacks here, in words; empty where it lacks nothing.

        Who compares a score with one on that split must know.
        """
        parts = []
        for split, of in self.published.items():
            if gone := sum(of.lost.values()):
                reasons = ", ".join(f"{reason}: {rows:,}" for reason, rows in of.lost.items())
                parts.append(
                    f"{gone:,} of the {of.rows:,} rows published as {split} are left out "
                    f"({reasons})"
                )
        return f"{'; '.join(parts)}." if parts else ""


def counts(frame: pl.DataFrame, labels: Sequence[str]) -> Counts:
    """Counts of rows, labels, lengths and licences.

    Args:
        frame: the rows of a corpus.
        labels: those that are kept, in their order.
    """
    rows = label_rows(frame, labels)
    train, test = (
        label_rows(_side(frame, "train"), labels),
        label_rows(_side(frame, "test"), labels),
    )
    commonest = sorted(labels, key=lambda label: (-rows[label], label))[:COMMONEST]
    licences = Counter(given or NO_LICENSE for given in frame["license"])
    sizes = frame["group"].value_counts()["count"]
    return Counts(
        rows=frame.height,
        labels=len(labels),
        labels_per_row=round(sum(rows.values()) / max(frame.height, 1), 3),
        splits={side: _side(frame, side).height for side in SPLITS},
        rows_in_duplicate_groups=int(sizes.filter(sizes > 1).sum()),
        length=Lengths(
            characters=_percentiles(frame["text"].str.len_chars()),
            words=_percentiles(frame["text"].str.count_matches(r"\S+")),
        ),
        commonest=[LabelCount(label, rows[label], train[label]) for label in commonest],
        labels_without_test_row=[label for label in labels if not test[label]],
        licences=dict(licences.most_common()),
        attribution=_attribution(licences),
    )


def label_rows(frame: pl.DataFrame, labels: Sequence[str]) -> dict[str, int]:
    """How many of those rows have each label."""
    found = Counter(label for given in frame["labels"].to_list() for label in given)
    return {label: found[label] for label in labels}


def summaries(sources: Iterable[TableWrite | StoredTable]) -> dict[str, list[dict[str, Any]]]:
    """Provenance of the sources, by name: as small for a thousand days as for one.

    A source has an entry for each site and host its days came from: the values that all of them
    share, the last one's endpoint, the first and last day, the number of days, and their rows. A
    source without days gives its whole provenance.
    """
    found: dict[str, dict[tuple[str, str], _Provenance]] = {}
    for source in sources:
        for name, facts in source.provenance.items():
            host = urlsplit(str(facts.get("endpoint", ""))).hostname or ""
            place = (str(facts.get("site", "")), host)
            found.setdefault(name, {}).setdefault(place, []).append((source, facts))
    return {name: [_summary(each) for each in of.values()] for name, of in found.items()}


def _summary(provenance: _Provenance) -> dict[str, Any]:
    sources, facts = [source for source, _ in provenance], [facts for _, facts in provenance]
    alike = {
        name: said
        for name, said in facts[-1].items()
        if name == "endpoint" or all(one.get(name) == said for one in facts)
    }
    days = sorted(one.day for one in sources if isinstance(one, StoredTable) and one.day)
    rows = [one.rows if isinstance(one, StoredTable) else one.notes.get("rows") for one in sources]
    return {
        **alike,
        **({"first day": days[0], "last day": days[-1], "days": len(days)} if days else {}),
        **({"rows": sum(filter(None, rows))} if None not in rows else {}),
    }


def _side(frame: pl.DataFrame, side: str) -> pl.DataFrame:
    return frame.filter(pl.col("split") == side)


def _percentiles(lengths: pl.Series) -> dict[str, int]:
    return {f"p{at}": round(lengths.quantile(at / 100, "nearest") or 0) for at in _PERCENTILES}


def _attribution(licences: Mapping[str, int]) -> str:
    given = [f"{name} ({rows:,} rows)" for name, rows in licences.items() if name != NO_LICENSE]
    if not given:
        return "No licence is given: ask before you publish the texts, or what learnt from them."
    return (
        f"Texts under {', '.join(given)}. Each row names its licence and, where the source does, "
        "its link and author: name them where you show the text."
    )
