"""What a corpus counts of itself, for people and for cards. Not here: any rule it must pass."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from hf_assets.corpora.schemas import SPLITS
from hf_assets.storage.lake import StoredTable, TableWrite

COMMONEST = 20
_PERCENTILES = (5, 25, 50, 75, 95, 99)
NO_LICENSE = "none given"

# Sources, each with what it says of itself.
_Told = list[tuple[TableWrite | StoredTable, Mapping[str, Any]]]


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


def summaries(sources: Iterable[TableWrite | StoredTable]) -> dict[str, list[dict[str, Any]]]:
    """What the sources say of themselves, by name: as small for a thousand days as for one.

    A source has an entry for each site and host its days came from: what all of them say alike, the
    last one's endpoint, the first and last day, how many there are, and their rows. One that has no
    days says everything.
    """
    found: dict[str, dict[tuple[str, str], _Told]] = {}
    for source in sources:
        for name, facts in source.provenance.items():
            host = urlsplit(str(facts.get("endpoint", ""))).hostname or ""
            place = (str(facts.get("site", "")), host)
            found.setdefault(name, {}).setdefault(place, []).append((source, facts))
    return {name: [_summary(told) for told in of.values()] for name, of in found.items()}


def _summary(told: _Told) -> dict[str, Any]:
    sources, facts = [source for source, _ in told], [facts for _, facts in told]
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
