"""Paths of a corpus and of every artefact that derives from it; and how old the corpus is."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from hf_assets.classifiers.drift.table import drift_table
from hf_assets.classifiers.own_base_models import RESERVED, known_base_models
from hf_assets.classifiers.provenance import STEPS
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.record import TrainingRecord
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.corpora.growth import Age, corpus_age, days_since
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.defs.common.resources import LakeResource
from hf_assets.hub.retention import thinned
from hf_assets.object_store.listing import folder_names
from hf_assets.object_store.path import LakePath
from hf_assets.settings import settings
from hf_assets.storage.digests import sha256
from hf_assets.storage.durable import Stamp
from hf_assets.storage.folders import (
    ReplacedFolder,
    folder_stamp,
    is_stored,
    local_folder,
    local_folders,
    local_path,
)
from hf_assets.storage.json_files import read_record
from hf_assets.storage.lake import Lake, MissingDay, StoredTable

if TYPE_CHECKING:
    from hf_assets.classifiers.drift.against import Served
    from hf_assets.classifiers.drift.weeks import WholeDays


@dataclass(frozen=True)
class CorpusPaths:
    """Paths of a corpus and its artefacts; a missing one raises MissingArtefact."""

    lake: Lake
    name: str
    _read: dict[LakePath, Stamp] = field(default_factory=dict, compare=False, repr=False)

    @property
    def corpus(self) -> Corpus:
        """The corpus itself."""
        return open_corpus(self.lake.artefact("corpora", self.name))

    @property
    def remark(self) -> str:
        """A sentence to show above this corpus or its scores, or empty."""
        if self.corpus.generated:
            return "Its texts are generated: no figure here says anything of real ones."
        return ""

    def stored(self, *names: str) -> Path:
        """The folder of an earlier step, on this machine."""
        self._reads(self.folder(*names))
        return self.lake.artefact("classifiers", self.name, *names)

    def model(self, base: str, *steps: str) -> Path:
        """A folder of this machine with the folders of those steps of a base model."""
        for step in steps:
            self.stored(base, step)
        return self._beside({base: steps})[base]

    @contextmanager
    def reading(self) -> Generator[None]:
        """Require that no folder from `stored` or `trained` is replaced while the block runs.

        Raises:
            ReplacedFolder: one was replaced; a retry reads the new one.
        """
        try:
            yield
        except Exception as error:
            self._unchanged(error)
            raise
        self._unchanged()

    def _reads(self, path: LakePath) -> bool:
        """Remember which version is read, before it is; whether there is any."""
        return bool(self._read.setdefault(path, folder_stamp(path)))

    def _unchanged(self, cause: Exception | None = None) -> None:
        for path, earlier in self._read.items():
            if folder_stamp(path) != earlier:
                raise ReplacedFolder(path) from cause

    def folder(self, *names: str) -> LakePath:
        """The path of a step's folder in the lake, which need not exist."""
        return self.lake.folder("/".join(["classifiers", self.name, *names]), None)

    def trained(self) -> dict[str, Path]:
        """The base models that were trained, with their folders on this machine."""
        found = {}
        for name in _base_models():
            if is_stored(self.folder(name, "classifier")):
                found[name] = [step for step in STEPS if self._reads(self.folder(name, step))]
        return self._beside(found)

    def tokens_read(self) -> dict[str, int]:
        """Tokens that each trained base model reads of a text; without any, those of the default.

        Each by words that follow "tokens read".
        """
        found, usual = {}, Recipe().max_length
        for name in _base_models():
            path = self.folder(name, "classifier")
            if is_stored(path):
                record = local_path(path / STEPS["classifier"][1])
                # Early versions did not record it.
                found[f"by {name}"] = read_record(record, TrainingRecord).max_length or usual
        return found or {"by default": usual}

    def nameless(self) -> list[str]:
        """Folders of base models that were trained, and that no setting names any more."""
        known = {*_base_models(), *RESERVED}
        others = (name for name in folder_names(self.folder()) if name not in known)
        return [name for name in others if is_stored(self.folder(name, "classifier"))]

    def _beside(self, steps: Mapping[str, Iterable[str]]) -> dict[str, Path]:
        names = [f"{base}/{step}" for base in steps for step in steps[base]]
        home = local_folders(self.folder(), names)
        return {base: home / base for base in steps}

    def artefacts(self) -> Iterator[Path]:
        """The stored folders of every base model's steps, on this machine."""
        folders = (self.folder(name, step) for name in _base_models() for step in STEPS)
        return (local_folder(path) for path in folders if is_stored(path))


def _base_models() -> Iterable[str]:
    return known_base_models(settings().own_base_models).models


# --- how old a corpus is --------------------------------------------------------------------------


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


def models_after(lake: LakeResource, corpus: Corpus) -> "WholeDays":
    """The trusted days of models after that of the corpus; no footer is read until it is needed."""
    from hf_assets.classifiers.drift.weeks import WholeDays

    def read(day: str) -> StoredTable | None:
        stored = lake.tree.read("models", day)
        return None if thinned(stored) else stored

    facts = next(iter(corpus.facts.sources.get("models", [])), {})
    return WholeDays(trusted_models(lake, str(facts.get("day", "9"))), read)


def models_behind(
    lake: LakeResource, drift: StoredTable | None
) -> tuple[frozenset[str], frozenset[date]]:
    """Days of models behind a drift's rows that are as they were, and weeks of thinned days.

    A thinned day cannot be measured again; of a week that was over by then the row is complete.
    """
    from hf_assets.classifiers.drift.weeks import source_name

    present, settled = set[str](), set[date]()
    if drift is None:
        return frozenset(), frozenset()
    trusted = frozenset(trusted_models(lake))
    for week, sources in drift.frame.select("week", "sources").collect().iter_rows():
        for name in sources:
            if (day := name.split()[1]) not in trusted:
                continue
            stored = lake.tree.read("models", day)
            if not thinned(stored):
                present.add(source_name("models", stored))
            elif day >= f"{week + timedelta(days=7)}":
                present.add(name)
                settled.add(week)
    return frozenset(present), frozenset(settled)


def age_of_corpus(spec: CorpusSpec, lake: LakeResource, corpus: Corpus) -> Age:
    """How old a corpus is against its source, of whatever kind that is."""
    if spec.file:
        return _age_of_table(spec.file, corpus)
    if not spec.of_hub:
        return corpus_age(corpus, stored_sources(lake, spec))
    newest = models_after(lake, corpus).newest()
    facts = next(iter(corpus.facts.sources.get("models", [])), {})
    of = int(facts.get("models with a category", 0)) or corpus.facts.rows or 0
    if newest is None:
        return Age(0, of, days=days_since(corpus))
    # Of all models with a category, of which the corpus is a draw.
    models = newest.frame.filter(pl.col("category").is_not_null())
    later = models.filter(pl.col("created_at").dt.date() > date.fromisoformat(facts["day"]))
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
