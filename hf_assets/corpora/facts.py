"""What a corpus counts of itself, for people and for cards. Not here: any rule it must pass."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from hf_assets.corpora.schemas import SPLITS

COMMONEST = 20
_PERCENTILES = (5, 25, 50, 75, 95, 99)
NO_LICENSE = "none given"


def counts(frame: pl.DataFrame, labels: Sequence[str]) -> dict[str, Any]:
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
    return {
        "rows": frame.height,
        "labels": len(labels),
        "labels a row": round(sum(rows.values()) / max(frame.height, 1), 3),
        "splits": {side: _side(frame, side).height for side in SPLITS},
        "rows in duplicate groups": int(sizes.filter(sizes > 1).sum()),
        "length": {
            "characters": _percentiles(frame["text"].str.len_chars()),
            "words": _percentiles(frame["text"].str.count_matches(r"\S+")),
        },
        "commonest": [
            {"label": label, "rows": rows[label], "train": train[label]} for label in commonest
        ],
        "labels without a test row": [label for label in labels if not test[label]],
        "licences": dict(licences.most_common()),
        "attribution": _attribution(licences),
    }


def label_rows(frame: pl.DataFrame, labels: Sequence[str]) -> dict[str, int]:
    """How many of those rows have each label."""
    found = Counter(label for given in frame["labels"].to_list() for label in given)
    return {label: found[label] for label in labels}


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
