"""Opens a stored corpus. `building.py` writes it, `quality.py` holds its rules."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hf_assets.corpora.facts import CorpusFacts
from hf_assets.corpora.labels import multi_hot
from hf_assets.corpora.schemas import CORPUS_COLUMNS, SPLITS, SplitName
from hf_assets.errors import InputError
from hf_assets.object_store.path import LakePath
from hf_assets.storage.folders import read_folder
from hf_assets.storage.json_files import read_json, read_record
from hf_assets.storage.opened import LakeFile, open_file, scan

# Site of the embedded Stack Exchange, in place of a real one.
EMBEDDED_SITE = "generated"


class CorpusError(InputError):
    """A folder holds no complete corpus; the message names what is missing or contradictory."""


@dataclass(frozen=True)
class Split:
    """The rows of one split. `targets` is uint8 [rows, labels]: 1 where the label is given."""

    ids: list[str]
    texts: list[str]
    targets: np.ndarray


@dataclass(frozen=True)
class Corpus:
    """A stored corpus. Column j of every `targets` stands for `labels[j]`."""

    folder: Path
    name: str
    labels: tuple[str, ...]
    facts: CorpusFacts
    rows: LakeFile | None = field(default=None, compare=False, repr=False)

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All rows with `CORPUS_COLUMNS`, read on first use."""
        return self.unread.collect()

    @property
    def unread(self) -> pl.LazyFrame:
        """The same, unread."""
        return scan([self.rows or open_file(self.folder / "corpus.parquet")])

    @property
    def generated(self) -> bool:
        """Whether texts of it come from this package's embedded services: nobody wrote them."""
        return is_generated({"sources": self.facts.sources})

    def split(self, name: SplitName) -> Split:
        """The rows of that split, in the order they are stored."""
        if name not in SPLITS:
            raise ValueError(f"not a split: {name!r}; there are {', '.join(SPLITS)}")
        rows = self.frame.filter(pl.col("split") == name)
        targets = multi_hot(rows["labels"], self.labels)
        return Split(rows["id"].to_list(), rows["text"].to_list(), targets)


def open_corpus(folder: LakePath) -> Corpus:
    """The corpus in that folder; rows are read when they are asked for, of these files still.

    Raises:
        CorpusError: a file is missing or torn, or the files do not belong together.
    """
    try:
        return read_folder(folder, _open)
    except FileNotFoundError as error:
        raise CorpusError(f"{folder} is missing: materialise it first") from error


def _open(folder: Path) -> Corpus:
    try:
        labels = read_json(folder / "labels.json").get("labels")
        facts = read_record(folder / "facts.json", CorpusFacts)
    except InputError as error:
        raise CorpusError(str(error)) from error
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise CorpusError(f"{folder / 'labels.json'} holds no list of labels: materialise it again")
    if len(set(labels)) != len(labels):
        raise CorpusError(f"{folder / 'labels.json'} names a label twice: materialise it again")
    path = folder / "corpus.parquet"
    try:
        file = open_file(path)
        columns = scan([file]).collect_schema()
        rows = scan([file]).select(pl.len()).collect().item()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CorpusError(f"{path} cannot be read ({error}): materialise it again") from error
    lacking = [name for name in CORPUS_COLUMNS if name not in columns]
    if lacking:
        raise CorpusError(f"{path} has no column {', '.join(lacking)}: materialise it again")
    if facts.labels != len(labels) or facts.rows != rows:
        raise CorpusError(
            f"the files of {folder} do not belong together: facts.json counts {facts.rows} rows "
            f"and {facts.labels} labels, there are {rows} and {len(labels)}: "
            "materialise it again"
        )
    return Corpus(folder, facts.name or folder.name, tuple(labels), facts, file)


def is_generated(facts: Mapping[str, Any]) -> bool:
    """Whether a corpus with those facts has texts of this package's embedded services."""
    entries = [entry for source in facts.get("sources", {}).values() for entry in source]
    return any(
        str(entry.get("site")).partition(".")[0] == EMBEDDED_SITE
        or "//127.0.0.1:" in str(entry.get("endpoint"))
        for entry in entries
    )


def joined(parts: Iterable[str | None]) -> str:
    """Title and body as one text: what is not blank, a blank line between."""
    return "\n\n".join(part.strip() for part in parts if part and part.strip())
