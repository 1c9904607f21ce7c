"""Paths of a corpus and of every artefact that derives from it."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hf_assets.classifiers.own_base_models import known_base_models
from hf_assets.classifiers.provenance import STEPS
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.object_store.path import LakePath
from hf_assets.settings import settings
from hf_assets.storage.durable import Stamp
from hf_assets.storage.folders import (
    ReplacedFolder,
    folder_stamp,
    is_stored,
    local_folder,
    local_folders,
)
from hf_assets.storage.lake import Lake


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
