"""The registry of corpora: the package's own entries and those of a user's TOML file.

Validates each entry by itself; the files that it names are read when the corpus is built. The graph
loads this module, so it imports nothing heavy.
"""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hf_assets.corpora.stackexchange.sites import Site
from hf_assets.corpora.text.formats import TextFormat
from hf_assets.errors import InputError

# Assets that an entry may name as its source; of a text in two of them the last one holds.
SOURCES = ("question_dump", "new_questions", "dataset_dump", "new_datasets")
# Names that the rest of the graph uses: an asset's, a group's, a folder's of the lake.
RESERVED = frozenset(
    {*SOURCES, "classifiers", "corpora", "hub", "models", "raw", "spaces", "trends"}
)
FORMATS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz", ".ndjson",
           ".ndjson.gz", ".parquet")  # fmt: skip
Quoting = Literal["standard", "none"]

_PACKAGED = Path(__file__).with_name("corpora.toml")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
# What says how a file is to be read, and nothing of the sources of the graph.
_OF_FILES = (
    "text", "format", "labels", "separator", "label_names", "one_label", "quoting",
    "id", "split", "link", "author", "license_column", "license",
)  # fmt: skip


class CorporaError(InputError):
    """A TOML file of corpora cannot be used as it is; the message names file, entry and key."""


class CorpusSpec(BaseModel):
    """One entry: where texts come from, and what is made of them.

    A file's columns: `text` (the first is the title where there are two or more), `labels`; and,
    where there are any, `id`, `split`, `link`, `author`, `license_column`. `license` holds for all
    rows.

    Of source assets, `site` names the one Stack Exchange site whose questions are taken; without
    it, that is the site of the settings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: tuple[str, ...] | Path = Field(
        description="Names of source assets, or a CSV, Parquet or JSON lines file."
    )
    rare_share: float = Field(
        gt=0, lt=1, description="Labels in a smaller share of the training rows are left out."
    )
    code: Literal["keep", "drop"] = Field(
        default="drop", description="What becomes of HTML's blocks of code, in Markdown, too."
    )
    site: str | None = None
    text: tuple[str, ...] = Field(default=("title", "body"), min_length=1)
    format: TextFormat = Field(
        default="text",
        description="What the texts of a file are written in: html, markdown, or text, in which "
        "nothing is markup. A title is text everywhere.",
    )
    labels: str | tuple[str, ...] = Field(
        default="labels",
        description="A column of lists (JSON, or as Python and numpy print them; of texts, or of "
        "objects with a name), of texts to be split at `separator`, or of one label each; or "
        "several columns, one for each label, with 0 and 1 (true and false; empty is 0).",
    )
    separator: str | None = Field(
        default=None, min_length=1, description="What stands between the labels of a text."
    )
    label_names: tuple[str, ...] | None = Field(
        default=None,
        min_length=2,
        description="What the places of vectors of 0 and 1, the numbers of classes (from 0), or "
        "several columns of labels stand for, in their order.",
    )
    one_label: bool = Field(
        default=False, description="Each cell is one label, whatever signs are in it."
    )
    quoting: Quoting | None = Field(
        default=None,
        description="Of CSV and TSV: standard, quotes enclose fields, which may have several "
        "lines; none, a quote is a sign like others. Without it standard, and refused where the "
        "file looks like none.",
    )
    id: str | None = None
    split: str | None = None
    link: str | None = None
    author: str | None = None
    license_column: str | None = None
    license: str | None = None

    @property
    def file(self) -> Path | None:
        """The file that the texts come from; None where assets are the source."""
        return self.source if isinstance(self.source, Path) else None

    @property
    def sources(self) -> tuple[str, ...]:
        """The assets that the texts come from; none where a file is the source."""
        return () if isinstance(self.source, Path) else self.source

    @model_validator(mode="after")
    def _makes_sense(self) -> "CorpusSpec":
        if not _NAME.fullmatch(self.name):
            raise ValueError("its name must be a-z, 0-9 and _, begin with a letter, at most 60")
        if self.name in RESERVED:
            raise ValueError("its name is taken by another part of the graph; choose another")
        if self.file:
            if not self.file.name.lower().endswith(FORMATS):
                raise ValueError(f"source must be one of {', '.join(FORMATS)}: {self.file.name}")
            if self.license and self.license_column:
                raise ValueError("license or license_column, not both")
            self._labels_make_sense(self.file)
            if self.site:
                raise ValueError("site: only for questions of source assets; a file has its rows")
            return self
        strange = [name for name in self.sources if name not in SOURCES]
        if strange or not self.sources:
            raise ValueError(f"source must be a file, or of {', '.join(SOURCES)}: {strange}")
        if given := [name for name in _OF_FILES if name in self.model_fields_set]:
            raise ValueError(f"{', '.join(given)}: only for a file; a source asset has its columns")
        if self.site:
            Site.of(self.site)
        return self

    def _labels_make_sense(self, file: Path) -> None:
        several = () if isinstance(self.labels, str) else self.labels
        if not isinstance(self.labels, str) and len({*several}) < max(2, len(several)):
            raise ValueError("labels: a column, or two and more different ones, each of a label")
        if several and (self.separator or self.one_label):
            raise ValueError("separator, one_label: not with several columns of labels")
        if self.separator and self.one_label:
            raise ValueError("separator or one_label, not both")
        if self.quoting and not file.name.lower().removesuffix(".gz").endswith((".csv", ".tsv")):
            raise ValueError("quoting: only for CSV and TSV")
        names = self.label_names or ()
        if len({name.strip() for name in names} - {""}) < len(names):
            raise ValueError("label_names: each must be a name of its own")
        if several and names and len(names) != len(several):
            raise ValueError("label_names: as many as there are columns of labels")


def corpora(extra: Path | None = None) -> dict[str, CorpusSpec]:
    """The package's corpora, and those of a further TOML file, by name.

    Args:
        extra: a file of the same form; its paths are relative to it.

    Raises:
        CorporaError: a file is not there, no TOML, or an entry of it makes no sense.
    """
    found = _read(_PACKAGED)
    if extra is not None:
        for name, spec in _read(extra).items():
            if name in found:
                raise CorporaError(f"{extra}: [{name}] is a corpus of the package; rename it")
            found[name] = spec
    return found


def _read(path: Path) -> dict[str, CorpusSpec]:
    try:
        entries = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror}); is HF_ASSETS_CORPORA right?"
        raise CorporaError(message) from error
    except ValueError as error:  # of TOML, with line and column, or of its encoding
        raise CorporaError(f"{path} is no TOML: {error}") from error
    return {name: _spec(path, name, entry) for name, entry in entries.items()}


def _spec(path: Path, name: str, entry: Any) -> CorpusSpec:
    if not isinstance(entry, dict):
        raise CorporaError(f"{path}: {name!r} stands outside of an entry; begin with [name]")
    known = [key for key in CorpusSpec.model_fields if key != "name"]
    for key in entry:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise CorporaError(f"{path}: [{name}] has an unknown key {key!r}; {hint}")
    entry = {**entry, "name": name}
    source = entry.get("source")
    if isinstance(source, str):
        entry["source"] = (source,) if source in SOURCES else path.parent / source
    if isinstance(entry.get("text"), str):
        entry["text"] = (entry["text"],)
    try:
        return CorpusSpec.model_validate(entry)
    except ValidationError as error:
        said = dict.fromkeys(_said(one) for one in error.errors(include_url=False))
        raise CorporaError(f"{path}: [{name}] {'; '.join(said)}") from error


def _said(error: Any) -> str:
    key, message = ".".join(map(str, error["loc"][:1])), error["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message
