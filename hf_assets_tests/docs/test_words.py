"""The glossary's retired words are in no text that a user meets, and in no name of the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hf_assets_tests.docs.documents import PROJECT, retired_words

PACKAGE = PROJECT / "hf_assets"
FILES = sorted(PACKAGE.rglob("*.py"))
PAGES = sorted(one for kind in ("*.jinja", "*.md", "*.css") for one in PACKAGE.rglob(kind))
# Words of a generated Hub are data, not texts of ours.
DATA = ("demo/world", "demo/labels")


def _pattern(where: str) -> re.Pattern[str]:
    words = "|".join(re.escape(word) for word, _ in retired_words(where))
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


TEXTS, NAMES = _pattern("texts"), _pattern("names")


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Lines and values of the string literals; docstrings are literals, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def _names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Lines and names of all that a module defines: functions, classes, arguments, variables."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


def _found(pattern: re.Pattern[str], where: Iterator[tuple[int, str]]) -> list[str]:
    return [f"line {line}: {match[0]!r}" for line, text in where if (match := pattern.search(text))]


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_texts_and_names_have_no_retired_word(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not _name(path).startswith(DATA):
        assert _found(TEXTS, _literals(tree)) == []
    split = ((line, name.replace("_", " ")) for line, name in _names(tree))
    assert _found(NAMES, split) == []


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_templates_have_no_retired_word(path: Path) -> None:
    assert _found(TEXTS, enumerate(path.read_text(encoding="utf-8").splitlines(), 1)) == []


def test_a_retired_word_is_found_in_a_text_and_in_a_name() -> None:
    tree = ast.parse('def made_anew(told):\n    """Say so."""\n    raise ValueError("Made anew")\n')
    assert _found(TEXTS, _literals(tree)) == ["line 3: 'anew'"]
    split = [(line, name.replace("_", " ")) for line, name in _names(tree)]
    assert _found(NAMES, iter(split)) == ["line 1: 'anew'", "line 1: 'told'"]
