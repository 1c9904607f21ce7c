"""Where everything of one corpus lies. Not here: what it is made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hf_assets.classifiers.encoders import BASE_MODELS
from hf_assets.classifiers.provenance import STEPS
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.lake import Lake


@dataclass(frozen=True)
class Chain:
    """A corpus with what is made of it; what is asked for and was not made is MissingArtefact."""

    lake: Lake
    name: str

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
        return self.lake.artefact("classifiers", self.name, *names)

    def place(self, *names: str) -> Path:
        """Where a step's folder belongs."""
        return self.lake.folder("/".join(["classifiers", self.name, *names]), None)

    def trained(self) -> dict[str, Path]:
        """The base models that were trained, with their folders."""
        found = {name: self.place(name) for name in BASE_MODELS}
        return {name: path for name, path in found.items() if (path / "classifier").is_dir()}

    def artefacts(self) -> Iterator[Path]:
        """The folders of every base model's steps that are there."""
        places = (self.place(name, step) for name in BASE_MODELS for step in STEPS)
        return (path for path in places if path.is_dir())
