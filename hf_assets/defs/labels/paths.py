"""Where everything of one corpus lies. Not here: what it is made of."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hf_assets.classifiers.provenance import STEPS
from hf_assets.classifiers.training.base_models import BASE_MODELS
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.storage.durable import ReplacedFolder, Stamp, stamp
from hf_assets.storage.lake import Lake


@dataclass(frozen=True)
class CorpusPaths:
    """A corpus with what is made of it; what is asked for and was not made is MissingArtefact."""

    lake: Lake
    name: str
    _read: dict[Path, Stamp] = field(default_factory=dict, compare=False, repr=False)

    @property
    def corpus(self) -> Corpus:
        """The corpus itself."""
        return open_corpus(self.lake.artefact("corpora", self.name))

    @property
    def remark(self) -> str:
        """What everyone who is shown this corpus or its scores must be told first, or nothing."""
        if self.corpus.generated:
            return "Its texts are generated: no figure here says anything of real ones."
        return ""

    def given(self, *names: str) -> Path:
        """A folder that an earlier step made."""
        path = self.lake.artefact("classifiers", self.name, *names)
        self._read.setdefault(path, stamp(path))
        return path

    @contextmanager
    def reading(self) -> Generator[None]:
        """What the block makes is of folders (given, trained) that nobody replaced meanwhile.

        Raises:
            ReplacedFolder: one was replaced; whatever went wrong, another try reads the new one.
        """
        try:
            yield
        except Exception as error:
            self._unchanged(error)
            raise
        self._unchanged()

    def _unchanged(self, cause: Exception | None = None) -> None:
        for path, known in self._read.items():
            if stamp(path) != known:
                raise ReplacedFolder(path) from cause

    def place(self, *names: str) -> Path:
        """Where a step's folder belongs."""
        return self.lake.folder("/".join(["classifiers", self.name, *names]), None)

    def trained(self) -> dict[str, Path]:
        """The base models that were trained, with their folders."""
        found = {name: self.place(name) for name in BASE_MODELS}
        found = {name: path for name, path in found.items() if (path / "classifier").is_dir()}
        for folder in (path / step for path in found.values() for step in STEPS):
            self._read.setdefault(folder, stamp(folder))
        return found

    def artefacts(self) -> Iterator[Path]:
        """The folders of every base model's steps that are there."""
        places = (self.place(name, step) for name in BASE_MODELS for step in STEPS)
        return (path for path in places if path.is_dir())
