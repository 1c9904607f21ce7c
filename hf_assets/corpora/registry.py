"""The registry of corpora: the package's own entries and those of a user's TOML file.

Validates each entry by itself, so that a broken one stops no other; the files that it names are
read when the corpus is built. The graph loads this module, so it imports nothing heavy.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from hf_assets.corpora.entries import EntryError, checked, invalid, problem, read_entries
from hf_assets.corpora.stackexchange.sites import Site
from hf_assets.corpora.text.formats import TextFormat
from hf_assets.settings import Resources

# Assets that an entry may name as its source; of a text in two of them the last one holds.
SOURCES = ("question_dump", "new_questions", "dataset_dump", "new_datasets", "models")
# The Hub's models of a day, with their categories as labels; never together with other sources.
HUB_MODELS = ("models",)
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


def kind_of(file: Path) -> str:
    """The format of a corpus's file, without its packing: csv, parquet, …"""
    name = file.name.lower().removesuffix(".gz")
    return name.rpartition(".")[2]


class CorpusSpec(Resources):
    """One entry: where texts come from, and what is made of them.

    A file's columns: `text` (the first is the title where there are two or more), `labels`; and,
    where there are any, `id`, `split`, `link`, `author`, `license_column`. `license` holds for all
    rows.

    Of source assets, `site` names the one Stack Exchange site whose questions are taken; without
    it, that is the site of the settings.
    """

    name: str = Field(description="Of the corpus: a-z, 0-9 and _, with a letter first.")
    source: tuple[str, ...] | Path = Field(
        description="Names of source assets, or a CSV, Parquet or JSON lines file."
    )
    rare_share: float = Field(
        gt=0, lt=1, description="Labels in a smaller share of the training rows are left out."
    )
    code: Literal["keep", "drop"] = Field(
        default="drop", description="What becomes of HTML's blocks of code, in Markdown, too."
    )
    site: str | None = Field(
        default=None, description="Of questions of source assets: their Stack Exchange site."
    )
    text: tuple[str, ...] = Field(
        default=("title", "body"),
        min_length=1,
        description="Columns of the text; where there are two or more, the first is the title.",
    )
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
    id: str | None = Field(default=None, description="A column of ids.")
    split: str | None = Field(
        default=None, description="A column of splits, which are kept: train, validation, test."
    )
    link: str | None = Field(default=None, description="A column of links to the texts.")
    author: str | None = Field(default=None, description="A column of authors.")
    license_column: str | None = Field(default=None, description="A column of licences.")
    license: str | None = Field(default=None, description="The licence of all rows.")

    @property
    def file(self) -> Path | None:
        """The file that the texts come from; None where assets are the source."""
        return self.source if isinstance(self.source, Path) else None

    @property
    def sources(self) -> tuple[str, ...]:
        """The assets that the texts come from; none where a file is the source."""
        return () if isinstance(self.source, Path) else self.source

    @property
    def of_hub(self) -> bool:
        """Whether the texts are the Hub's models, which have authors to keep apart."""
        return self.sources == HUB_MODELS

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
        if "models" in self.sources and not self.of_hub:
            raise ValueError("source: models stand alone, without other sources")
        if self.of_hub and self.site:
            raise ValueError("site: only for questions of Stack Exchange")
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


@dataclass(frozen=True)
class Corpora:
    """The corpora that can be built, by name, and why each other entry cannot.

    Attributes:
        specs: the package's entries, then the user's.
        problems: an error for each broken entry; one for a file that cannot be read at all.
    """

    specs: dict[str, CorpusSpec]
    problems: tuple[EntryError, ...] = ()


def corpora(extra: Path | None = None) -> Corpora:
    """The package's corpora, and those of a further TOML file; a broken entry stops no other.

    Args:
        extra: a file of the same form; its paths are relative to it.
    """
    specs, problems = read_entries(
        _PACKAGED, "HF_ASSETS_CORPORA", lambda name, values: read_entry(name, values, _PACKAGED)
    )
    if extra is None:
        return Corpora(specs, problems)

    def read(name: str, values: Any) -> CorpusSpec:
        if name in specs and not isinstance(values, EntryError):
            raise problem(extra, "is a corpus of the package; rename it", name)
        return read_entry(name, values, extra)

    own, problems = read_entries(extra, "HF_ASSETS_CORPORA", read)
    return Corpora(specs | own, problems)


def read_entry(name: str, values: Any, path: Path) -> CorpusSpec:
    """The corpus of a single entry.

    Args:
        name: of the corpus.
        values: the entry's keys and values, as TOML or YAML has them.
        path: the file of the entry, for messages; the entry's paths are relative to its folder.

    Raises:
        EntryError: the entry is invalid; the message names file, entry, key and a hint.
    """
    # What a cluster is asked for comes last in messages.
    fields = [key for key in CorpusSpec.model_fields if key != "name"]
    known = sorted(fields, key=lambda key: key in Resources.model_fields)
    entry = {**checked(name, values, path, known), "name": name}
    source = entry.get("source")
    if isinstance(source, str):
        entry["source"] = (source,) if source in SOURCES else path.parent / source
    if isinstance(entry.get("text"), str):
        entry["text"] = (entry["text"],)
    try:
        return CorpusSpec.model_validate(entry)
    except ValidationError as error:
        raise invalid(name, error, path) from None
