"""Paths of a corpus and of every artefact that derives from it."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hf_assets.classifiers.provenance import STEPS
from hf_assets.classifiers.training.base_models import BASE_MODELS
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.storage.durable import Stamp, stamp
from hf_assets.storage.folders import ReplacedFolder
from hf_assets.storage.lake import Lake


@dataclass(frozen=True)
class CorpusPaths:
    """Paths of a corpus and its artefacts; a missing one raises MissingArtefact."""

    lake: Lake
    name: str
    _read: dict[Path, Stamp] = field(default_factory=dict, compare=False, repr=False)

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
        """The folder of an earlier step."""
        path = self.lake.artefact("classifiers", self.name, *names)
        self._read.setdefault(path, stamp(path))
        return path

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

    def _unchanged(self, cause: Exception | None = None) -> None:
        for path, earlier in self._read.items():
            if stamp(path) != earlier:
                raise ReplacedFolder(path) from cause

    def folder(self, *names: str) -> Path:
        """The path of a step's folder, which need not exist."""
        return self.lake.folder("/".join(["classifiers", self.name, *names]), None)

    def trained(self) -> dict[str, Path]:
        """The base models that were trained, with their folders."""
        folders = {name: self.folder(name) for name in BASE_MODELS}
        folders = {name: path for name, path in folders.items() if (path / "classifier").is_dir()}
        for folder in (path / step for path in folders.values() for step in STEPS):
            self._read.setdefault(folder, stamp(folder))
        return folders

    def artefacts(self) -> Iterator[Path]:
        """The stored folders of every base model's steps."""
        folders = (self.folder(name, step) for name in BASE_MODELS for step in STEPS)
        return (path for path in folders if path.is_dir())
