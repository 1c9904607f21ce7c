"""What of the lake says how old a corpus is."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from hf_assets.classifiers.drift.table import drift_table
from hf_assets.corpora.corpus import Corpus
from hf_assets.corpora.growth import Age, corpus_age, days_since
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.labels.paths import CorpusPaths
from hf_assets.hub.retention import thinned
from hf_assets.storage.digests import sha256
from hf_assets.storage.folders import is_stored
from hf_assets.storage.lake import MissingDay, StoredTable

if TYPE_CHECKING:
    from hf_assets.classifiers.drift.against import Served


@dataclass(frozen=True)
class Opened:
    """A stored corpus, its paths, and how old it is."""

    paths: CorpusPaths
    corpus: Corpus
    age: Age

    @classmethod
    def of(cls, spec: CorpusSpec, lake: LakeResource) -> "Opened | None":
        """The corpus as it is now; None where none is stored."""
        if not is_stored(lake.tree.folder(f"corpora/{spec.name}", None)):
            return None
        paths = CorpusPaths(lake.tree, spec.name)
        corpus = paths.corpus
        return cls(paths, corpus, age_of_corpus(spec, lake, corpus))


def stored_drift(lake: LakeResource, name: str) -> StoredTable | None:
    """The drift of that corpus as it was measured last; None where it never was."""
    try:
        return lake.tree.read(drift_table(name).name, None)
    except MissingDay:
        return None


def stored_sources(lake: LakeResource, spec: CorpusSpec) -> dict[str, list[StoredTable]]:
    """The stored tables of each source of texts, by asset."""
    return {name: lake.texts(name) for name in spec.sources}


def trusted_models(lake: LakeResource, after: str = "") -> list[str]:
    """Trusted days of models after that one, oldest first."""
    try:
        stored = lake.tree.read("day_quality", None).frame
    except MissingDay:
        return []
    trusted = {str(day) for day in stored.filter("trusted").select("day").collect()["day"]}
    return [day for day in lake.tree.days("models") if day in trusted and day > after]


def models_after(lake: LakeResource, corpus: Corpus) -> dict[str, StoredTable]:
    """The trusted days of models after that of the corpus, that were not thinned."""
    facts = next(iter(corpus.facts.sources.get("models", [])), {})
    days = trusted_models(lake, str(facts.get("day", "9")))
    found = {day: lake.tree.read("models", day) for day in days}
    return {day: stored for day, stored in found.items() if not thinned(stored)}


def age_of_corpus(spec: CorpusSpec, lake: LakeResource, corpus: Corpus) -> Age:
    """How old a corpus is against its source, of whatever kind that is."""
    if spec.file:
        return _age_of_table(spec.file, corpus)
    if not spec.of_hub:
        return corpus_age(corpus, stored_sources(lake, spec))
    found = models_after(lake, corpus)
    facts = next(iter(corpus.facts.sources.get("models", [])), {})
    of = int(facts.get("models with a category", 0)) or corpus.facts.rows or 0
    if not found:
        return Age(0, of, days=days_since(corpus))
    newest = found[max(found)].frame.filter(pl.col("category").is_not_null())
    # Of all models with a category, of which the corpus is a draw.
    later = newest.filter(pl.col("created_at").dt.date() > date.fromisoformat(facts["day"]))
    counts = dict(later.group_by("category").len().collect().iter_rows())
    least = max(corpus.facts.least_rows, 1)
    known = set(corpus.labels)
    new = sorted(name for name, n in counts.items() if name not in known and n >= least)
    return Age(sum(counts.values()), of, tuple(new), days_since(corpus))


def _age_of_table(file: Path, corpus: Corpus) -> Age:
    """A table is read as a whole: it is the one that was read, or another."""
    facts = next(iter(corpus.facts.sources.get("table", [])), {})
    of = corpus.facts.rows or 0
    days = days_since(corpus)
    if not file.is_file():
        return Age(0, of, days=days)
    size = file.stat().st_size
    same = facts.get("bytes") == size and facts.get("sha256") == sha256(file, lambda _: None)
    if same or not facts:
        return Age(0, of, days=days)
    why = f"{file.name} was changed since ({facts.get('bytes'):,} bytes then, {size:,} now)"
    return Age(0, of, days=days, why=why)


def served_model(spec: CorpusSpec, paths: CorpusPaths) -> "Served | None":
    """What labels texts: the predictor of categories, or the tagger; None where none is stored."""
    from hf_assets.classifiers.drift.against import predictor_of, tagger_of

    if spec.of_hub:
        stored = is_stored(paths.folder("predictor"))
        return predictor_of(paths.stored("predictor")) if stored else None
    if not is_stored(paths.folder("tagger_space")):
        return None
    board = paths.stored("leaderboard") if is_stored(paths.folder("leaderboard")) else None
    return tagger_of(paths.stored("tagger_space"), board)
