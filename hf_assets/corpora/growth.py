"""What each build of a corpus was made of, and so how old it and what learnt from it are.

Beside its rows a corpus keeps its last builds (`builds.json`), the days of its sources that it has
taken (`taken.parquet`), and the labels that were too rare (`rare_labels.json`). A corpus of an
earlier version has none of the three: its facts name the last day then.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec
import polars as pl

from hf_assets.corpora.corpus import Corpus
from hf_assets.corpora.labels import cleaned
from hf_assets.corpora.stackexchange.sites import IDS, Site
from hf_assets.storage.json_files import read_record, write_record
from hf_assets.storage.lake import StoredTable, today
from hf_assets.storage.parquet import Column, ParquetBatches, Table

# Columns that training and leaderboard read; links and licences may change.
_DECISIVE = ("id", "split", "text", "labels")
_ROWS = 10_000  # of a corpus, hashed at a time
_BUILDS, _TAKEN, _RARE = "builds.json", "taken.parquet", "rare_labels.json"
# Builds that are remembered: what learnt from an older one is older than all of them.
_KEPT = 20
TAKEN = Table(
    "taken",
    {
        "source": Column(pl.String, "The asset."),
        "day": Column(pl.String, "YYYY-MM-DD; empty of a source without days."),
        "version": Column(pl.String, "Fingerprint of the day's record."),
    },
    required=("source", "day", "version"),
)


class Build(msgspec.Struct, frozen=True):
    """A build of a corpus.

    Attributes:
        fingerprint: see `corpus_fingerprint`; day: UTC.
        rows: how many; added, gone: in comparison with the build before.
        labels: in their order.
    """

    fingerprint: str
    day: str
    rows: int
    labels: list[str]
    added: int = 0
    gone: int = 0


class _Builds(msgspec.Struct, frozen=True):
    builds: list[Build] = []


class _RareLabels(msgspec.Struct, frozen=True):
    labels: dict[str, int] = {}


@dataclass(frozen=True)
class Age:
    """What there is now that a corpus, or a model, has not seen.

    Attributes:
        rows: texts with labels, and `of` how many that it has seen.
        labels: names of labels that it has no column for.
        days: since it, or the corpus that it learnt from, was built; None where nobody recorded it.
        why: in words where the rows cannot be counted; empty else.
    """

    rows: int
    of: int
    labels: tuple[str, ...] = ()
    days: int | None = None
    why: str = ""

    @property
    def share(self) -> float:
        """Unseen rows, as a share of those that were seen."""
        return self.rows / max(self.of, 1)


def corpus_fingerprint(corpus: Corpus) -> str:
    """Fingerprint of labels and rows, in whatever order these are stored."""
    digest = hashlib.sha256(json.dumps(corpus.labels).encode())
    for rows in corpus.frame.select(_DECISIVE).sort("id").iter_slices(_ROWS):
        digest.update(rows.write_ndjson().encode())
    return digest.hexdigest()[:16]


def version_of(stored: StoredTable) -> str:
    """Fingerprint of what the record of a day says; no row is read."""
    record = json.dumps([stored.rows, stored.notes, stored.provenance], sort_keys=True, default=str)
    return hashlib.sha256(record.encode()).hexdigest()[:16]


# --- a build --------------------------------------------------------------------------------------


def record_build(
    folder: Path,
    corpus: Corpus,
    earlier: Corpus | None,
    sources: Mapping[str, Sequence[StoredTable]],
    rare: Mapping[str, int],
) -> None:
    """Write what this build was made of into the corpus' folder.

    Args:
        folder: that of the new corpus.
        corpus: the same, open.
        earlier: the corpus that it replaces, if there is one.
        sources: the stored tables it has taken, by asset; none of a file, or of the Hub's models.
        rare: rows of each label that was left out.
    """
    builds, before = [], set[str]()
    if earlier is not None:
        builds, before = _builds_of(earlier), set(earlier.frame["id"])
    ids = set(corpus.frame["id"])
    build = Build(
        fingerprint=corpus_fingerprint(corpus),
        day=today(),
        rows=len(ids),
        labels=list(corpus.labels),
        added=len(ids - before) if builds else 0,
        gone=len(before - ids),
    )
    write_record(folder / _BUILDS, _Builds([*builds, build][-_KEPT:]))
    write_record(folder / _RARE, _RareLabels(dict(sorted(rare.items()))))
    taken = [(name, one.day, version_of(one)) for name, all_ in sources.items() for one in all_]
    if taken:
        with ParquetBatches(folder / _TAKEN, TAKEN) as writer:
            writer.write(pl.DataFrame(taken, schema=TAKEN.schema, orient="row"))


def _builds_of(corpus: Corpus) -> list[Build]:
    """The builds so far; of a corpus of an earlier version its own, of an unknown day."""
    recorded = recorded_builds(corpus)
    if recorded:
        return recorded
    rows = corpus.frame.height
    return [Build(corpus_fingerprint(corpus), "", rows, list(corpus.labels))]


def recorded_builds(corpus: Corpus) -> list[Build]:
    """The last builds, oldest first; none of a corpus of an earlier version."""
    path = corpus.folder / _BUILDS
    return read_record(path, _Builds).builds if path.exists() else []


def rare_labels(corpus: Corpus) -> dict[str, int]:
    """Labels that the corpus left out as too rare, with their rows."""
    path = corpus.folder / _RARE
    return read_record(path, _RareLabels).labels if path.exists() else {}


# --- what it has not seen -------------------------------------------------------------------------


def unseen_tables(
    corpus: Corpus, sources: Mapping[str, Sequence[StoredTable]]
) -> Iterator[tuple[str, StoredTable]]:
    """Source and table of each day that the corpus has not taken as it is now."""
    path = corpus.folder / _TAKEN
    taken = None
    if path.exists():
        taken = {tuple(row) for row in pl.read_parquet(path).iter_rows()}
    for name, stored in sources.items():
        facts = corpus.facts.sources.get(name)
        last = max((str(one.get("last day", "")) for one in facts or ()), default="")
        for one in stored:
            if taken is not None:
                seen = (name, one.day, version_of(one)) in taken
            else:  # the facts of an earlier version name the last day
                seen = facts is not None and one.day <= last
            if not seen:
                yield name, one


def unseen_ids(corpus: Corpus, site: str | None) -> pl.Expr:
    """Which rows of a source's table the corpus could take and has not: with id, label and site.

    Args:
        corpus: with its rows, and those that have left it.
        site: the Stack Exchange site of the corpus, or None.
    """
    ids = corpus.unread.select("id").collect()["id"]
    away = corpus.folder / "places.parquet"
    if away.exists():
        ids = pl.concat([ids, pl.read_parquet(away, columns=["id"])["id"]])
    name = pl.col("id").fill_null("")
    which = (name != "") & ~name.is_in(ids.implode()) & (pl.col("labels").list.len() > 0)
    if site:
        which &= name.str.starts_with(Site.of(site).prefix) | ~name.str.starts_with(IDS)
    return which


def corpus_age(corpus: Corpus, sources: Mapping[str, Sequence[StoredTable]]) -> Age:
    """How old a corpus is against its sources: rows, labels, days.

    Reads ids and labels of the days that it has not taken, and nothing of the others.

    Args:
        corpus: of source assets with days or without.
        sources: what is stored of each, by asset.
    """
    which = unseen_ids(corpus, corpus.facts.site)
    found = [
        one.frame.select("id", "labels").filter(which).collect()
        for _, one in unseen_tables(corpus, sources)
    ]
    rows = pl.concat(found).unique("id") if found else pl.DataFrame({"labels": []})
    return Age(
        rows=rows.height,
        of=corpus.facts.rows or 0,
        labels=tuple(labels_to_come(corpus, rows["labels"].to_list())),
        days=days_since(corpus),
    )


def labels_to_come(corpus: Corpus, unseen: Iterable[Sequence[str]]) -> list[str]:
    """Labels without a column that have rows enough to get one in a corpus built now."""
    counts = Counter(label for labels in unseen for label in cleaned(labels))
    rare, least = rare_labels(corpus), max(corpus.facts.least_rows, 1)
    return sorted(
        label
        for label, rows in counts.items()
        if label not in set(corpus.labels) and rows + rare.get(label, 0) >= least
    )


def days_since(corpus: Corpus, build: Build | None = None) -> int | None:
    """Days since the last build, or since that one; None where nobody recorded it."""
    recorded = recorded_builds(corpus)
    day = build.day if build else recorded[-1].day if recorded else ""
    return (date.fromisoformat(today()) - date.fromisoformat(day)).days if day else None


def model_age(
    corpus: Corpus, learnt_from: str | None, labels: Sequence[str], rows: int, fresh: Age
) -> Age:
    """How old a model is: what came into the corpus since it learnt, and what the corpus lacks.

    Args:
        corpus: as it is now.
        learnt_from: fingerprint of the corpus that the model learnt from.
        labels: that it has a column for.
        rows: that it learnt from and was tuned on.
        fresh: the age of the corpus.
    """
    missing = tuple(sorted({*fresh.labels, *(set(corpus.labels) - set(labels))}))
    builds = recorded_builds(corpus)
    at = next((i for i, one in enumerate(builds) if one.fingerprint == learnt_from), None)
    if at is None and (builds or learnt_from != corpus_fingerprint(corpus)):
        why = "it learnt from an earlier corpus, of which nothing is recorded"
        return Age(fresh.rows, rows, missing, None, why)
    if at is None:  # a corpus of an earlier version, and this is its model
        return Age(fresh.rows, fresh.of, missing, None)
    since = sum(one.added for one in builds[at + 1 :])
    return Age(fresh.rows + since, builds[at].rows, missing, days_since(corpus, builds[at]))
