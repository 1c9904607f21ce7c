"""The README and the pages of docs/, as the tests of this folder read them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

PROJECT = Path(__file__).resolve().parents[2]
GENERATED = ("tables.md", "checks.md")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A Markdown file of the project."""

    path: Path

    @cached_property
    def text(self) -> str:
        """The file as it is."""
        return self.path.read_text("utf-8")

    @property
    def name(self) -> str:
        """Its path in the project."""
        return self.path.relative_to(PROJECT).as_posix()

    def blocks(self, language: str) -> list[str]:
        """The fenced code of that language."""
        return [code for found, code in _FENCE.findall(self.text) if found == language]

    @property
    def languages(self) -> set[str]:
        """The languages of its fenced code."""
        return {found for found, _ in _FENCE.findall(self.text)}

    @property
    def prose(self) -> str:
        """The text without code: neither fenced nor between backticks."""
        return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", self.text))

    @property
    def anchors(self) -> set[str]:
        """What a link can jump to, as GitHub derives it from the headings."""
        headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", self.text), re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    def table(self, heading: str) -> list[list[str]]:
        """The rows, without the head, of the first table under a heading."""
        section = re.split(rf"^#+ {re.escape(heading)}$", self.text, flags=re.MULTILINE)[1]
        lines = re.search(r"^\|.*(?:\n\|.*)*", section, re.MULTILINE)
        assert lines, f"{self.name}: no table under {heading!r}"
        rows = [line.strip("|").split("|") for line in lines.group().splitlines()[2:]]
        return [[cell.strip() for cell in row] for row in rows]


def page(name: str) -> Page:
    """The page with that path in the project."""
    return Page(PROJECT / name)


def pages() -> list[Page]:
    """Every page that people read: README, CONTRIBUTING, CHANGELOG, docs/."""
    names = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md")
    return [*(page(name) for name in names), *(Page(p) for p in sorted(PROJECT.glob("docs/*.md")))]


def retired_words(where: str) -> Iterator[tuple[str, str]]:
    """What the glossary retires in `texts` or `names`, each with the word to use instead."""
    for word, instead, places in page("docs/glossary.md").table("Retired words"):
        if where in places.split(", "):
            yield word, instead


def asked(query: str) -> list[tuple[Any, ...]]:
    """The rows of a query, by DuckDB."""
    found = duckdb.sql(query)
    assert found is not None
    return found.fetchall()
