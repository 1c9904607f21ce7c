"""A corpus as it lies on disk, for whoever learns from it or measures on it.

What belongs here: opening the folder, and the one rule of how a title and a body become one text.
What does not: how the folder is made (`building.py`), or what it must pass (`quality.py`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hf_assets.corpora.labels import multi_hot
from hf_assets.corpora.schemas import CORPUS_COLUMNS, SPLITS, SplitName
from hf_assets.errors import InputError
from hf_assets.storage.durable import read_folder
from hf_assets.storage.opened import OpenedFile, scan

# The embedded Stack Exchange's site, which is none.
EMBEDDED_SITE = "generated"


class CorpusError(InputError):
    """A folder is no whole corpus; the message says what is missing or does not agree."""


@dataclass(frozen=True)
class Split:
    """The rows of one side. `targets` is uint8 [rows, labels]: 1 where the label is given."""

    ids: list[str]
    texts: list[str]
    targets: np.ndarray


@dataclass(frozen=True)
class Corpus:
    """A whole corpus. Column j of every `targets` stands for `labels[j]`; `facts`: see building."""

    folder: Path
    name: str
    labels: tuple[str, ...]
    facts: dict[str, Any]
    rows: OpenedFile | None = field(default=None, compare=False, repr=False)

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All rows with `CORPUS_COLUMNS`, read on first use."""
        return self.unread.collect()

    @property
    def unread(self) -> pl.LazyFrame:
        """The same, unread."""
        return scan([self.rows or OpenedFile(self.folder / "corpus.parquet")])

    @property
    def generated(self) -> bool:
        """Whether texts of it come from this package's embedded services: nobody wrote them."""
        return is_generated(self.facts)

    def split(self, name: SplitName) -> Split:
        """The rows of that side, in the order they are stored."""
        if name not in SPLITS:
            raise ValueError(f"not a split: {name!r}; there are {', '.join(SPLITS)}")
        rows = self.frame.filter(pl.col("split") == name)
        targets = multi_hot(rows["labels"], self.labels)
        return Split(rows["id"].to_list(), rows["text"].to_list(), targets)


def open_corpus(folder: Path) -> Corpus:
    """The corpus in that folder; rows are read when they are asked for, of these files still.

    Raises:
        CorpusError: a file is missing or torn, or the files do not belong together.
    """
    return read_folder(folder, _open)


def _open(folder: Path) -> Corpus:
    labels = _json(folder / "labels.json").get("labels")
    facts = _json(folder / "facts.json")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise CorpusError(f"{folder / 'labels.json'} holds no list of labels: make the corpus anew")
    if len(set(labels)) != len(labels):
        raise CorpusError(f"{folder / 'labels.json'} names a label twice: make the corpus anew")
    path = folder / "corpus.parquet"
    try:
        file = OpenedFile(path)
        columns = scan([file]).collect_schema()
        rows = scan([file]).select(pl.len()).collect().item()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CorpusError(f"{path} cannot be read ({error}): make the corpus anew") from error
    lacking = [name for name in CORPUS_COLUMNS if name not in columns]
    if lacking:
        raise CorpusError(f"{path} has no column {', '.join(lacking)}: make the corpus anew")
    if facts.get("labels") != len(labels) or facts.get("rows") != rows:
        raise CorpusError(
            f"the files of {folder} do not belong together: facts.json counts {facts.get('rows')} "
            f"rows and {facts.get('labels')} labels, there are {rows} and {len(labels)}: make the "
            "corpus anew"
        )
    return Corpus(folder, str(facts.get("name", folder.name)), tuple(labels), facts, file)


def is_generated(facts: Mapping[str, Any]) -> bool:
    """Whether a corpus with those facts has texts of this package's embedded services."""
    told = [one for many in facts.get("sources", {}).values() for one in many]
    return any(
        str(one.get("site")).partition(".")[0] == EMBEDDED_SITE
        or "//127.0.0.1:" in str(one.get("endpoint"))
        for one in told
    )


def joined(parts: Iterable[str | None]) -> str:
    """Title and body as one text: what is not blank, a blank line between."""
    return "\n\n".join(part.strip() for part in parts if part and part.strip())


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path} cannot be read ({error}): make the corpus anew") from error
    if not isinstance(found, dict):
        raise CorpusError(f"{path} holds no object: make the corpus anew")
    return found
