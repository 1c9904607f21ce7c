"""`dg scaffold defs hf_assets.Corpus NAME`: a commented defs.yaml, with an example of a table."""

import csv
import json
import os
import re
from pathlib import Path
from typing import Any

import click
from dagster.components.scaffold.scaffold import Scaffolder, ScaffoldRequest
from pydantic import BaseModel, Field

from hf_assets.corpora.registry import RESERVED, SOURCES

_HEAD = """\
# A corpus of texts with labels, and all assets from it to a tagger.
# `dg utils inspect-component hf_assets.Corpus` lists all keys; `dg check yaml` checks this file.
type: {type}

attributes:
"""
_NAME = """\
  # Of the corpus: a-z, 0-9 and _. Without it, the name of this folder.
  name: {name}
"""
_FILE = """\
  # CSV, TSV, JSON lines or Parquet; a path is relative to this file.{example}
  source: {source}
  # Columns of the text; where there are two or more, the first is the title.
  text: {text}
  # How the texts are written: text (nothing is markup), html or markdown.
  format: text
  # A column of lists, of texts to be split at `separator`, or of one label a row; or a list of
  # columns of 0 and 1, one for each label.
  labels: {labels}
"""
_ASSETS = """\
  # Source assets of the graph; what they contain is known: no text, labels or format here.
  source: {source}
"""
_SEPARATOR = """\
  separator: {separator}
"""
_TAIL = """\
  # Labels on a smaller share of the training rows are left out.
  rare_share: {rare_share}
"""
_OPTIONAL = """\
  # Columns with these values, where the table has them; `license` holds for all rows.
  # id: id
  # link: url
  # author: author
  # license: CC-BY-4.0
"""

# The example: each row is a question of a subject, and has the labels of both.
_SUBJECTS = {
    "plants": ("roots", "leaves", "seeds", "petals", "stems"),
    "animals": ("wings", "feathers", "claws", "antlers", "scales"),
    "microbes": ("spores", "plasmids", "biofilms", "flagella", "capsids"),
}
_QUESTIONS = {
    "growth": ("How fast do {} grow?", "What slows the growth of {}?", "When are {} mature?"),
    "genetics": ("Which genes form {}?", "Are {} inherited?", "Do mutations change {}?"),
    "ecology": ("Do {} differ by season?", "What feeds on {}?", "Do {} help in dry places?"),
    "physiology": ("How do {} take up water?", "Do {} stand heat?", "What are {} made of?"),
}


class Parameters(BaseModel):
    """Options of the command; without `source`, an example of a table is written."""

    source: str | None = Field(
        default=None, description="A file, or source assets with a comma between them."
    )
    text: list[str] = ["title", "body"]
    labels: str = "tags"
    separator: str | None = None
    rare_share: float = Field(default=0.001, gt=0, lt=1)


class CorpusScaffolder(Scaffolder[Parameters]):
    """Writes a defs.yaml that loads, with a comment on each key."""

    @classmethod
    def get_scaffold_params(cls) -> type[Parameters]:
        """The options of the command."""
        return Parameters

    def scaffold(self, request: ScaffoldRequest[Parameters]) -> None:
        """Write the files into the target folder."""
        if request.scaffold_format != "yaml":
            raise click.ClickException("hf_assets.Corpus is declared in YAML: leave out --format")
        folder, given = request.target_path, request.params
        name = corpus_name(folder.name)
        source, separator, example = _source(given.source, folder), given.separator, ""
        if source is None:
            source, separator = f"{name}.csv", " "
            example = f"\n  # {source} is an example: put your own table in its place."
            _write_example(folder / source)
        parts = [
            _HEAD,
            _NAME if name != folder.name else "",
            _FILE if isinstance(source, str) else _ASSETS,
            _SEPARATOR if separator is not None and isinstance(source, str) else "",
            _TAIL,
            _OPTIONAL if isinstance(source, str) else "",
        ]
        values = {
            "type": request.type_name,
            "name": name,
            "example": example,
            "source": _yaml(source),
            "text": _yaml(given.text),
            "labels": _yaml(given.labels),
            "separator": _yaml(separator),
            "rare_share": given.rare_share,
        }
        (folder / "defs.yaml").write_text("".join(parts).format(**values), "utf-8")


def corpus_name(folder: str) -> str:
    """The name of a corpus for that folder: the same, where it can be one."""
    word = re.sub(r"[^a-z0-9_]+", "_", folder.lower()).strip("_")[:50]
    if not word[:1].isalpha():
        word = f"corpus_{word}".rstrip("_")
    return f"{word}_corpus" if word in RESERVED else word


def _source(source: str | None, folder: Path) -> str | list[str] | None:
    """The source as the file names it: a path given on the command line is one from here."""
    if source is None:
        return None
    words = [word.strip() for word in source.split(",")]
    if set(words) <= {*SOURCES}:
        return words
    return source if Path(source).is_absolute() else os.path.relpath(source, folder)


def _yaml(value: Any) -> str:
    """A value as YAML on one line; a plain word needs no quotes."""
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    words = re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*", value or "")
    plain = words and value.lower() not in ("true", "false", "null", "yes", "no", "on", "off")
    return str(value) if plain else json.dumps(value, ensure_ascii=False)


def _write_example(path: Path) -> None:
    """180 rows from which a corpus can be built; nothing is to be learnt from them."""
    texts = [
        (question.format(part), f"{subject} {topic}", part)
        for subject, parts in _SUBJECTS.items()
        for part in parts
        for topic, questions in _QUESTIONS.items()
        for question in questions
    ]
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["id", "title", "body", "tags"])
        for index, (title, labels, part) in enumerate(texts, 1):
            rows.writerow(
                [index, title, f"I read much about {part}, but not this: {title}", labels]
            )
