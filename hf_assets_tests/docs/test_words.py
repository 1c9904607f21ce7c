"""The glossary's retired words are in no text that a user meets, and in no name of the code."""

import ast
import re
from collections.abc import Iterator, Set
from pathlib import Path

import pytest

from hf_assets_tests.docs.documents import PROJECT, retired_words

PACKAGE = PROJECT / "hf_assets"
FILES = sorted(PACKAGE.rglob("*.py"))
PAGES = sorted(one for kind in ("*.jinja", "*.md", "*.css") for one in PACKAGE.rglob(kind))
# Words of a generated Hub are data, not texts of ours.
DATA = ("demo/world", "demo/labels")
# Keys of stored files keep their names, and a config field keeps its old name for one version.
EXEMPT = {
    "defs/trends/history.py": {"anew"},
    "hub/tables/records.py": {"nulled"},
    "ui_words.py": {"nulled"},
}


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


def _found(
    pattern: re.Pattern[str], where: Iterator[tuple[int, str]], exempt: Set[str] = frozenset()
) -> list[str]:
    matches = ((line, match[0].lower()) for line, text in where for match in pattern.finditer(text))
    return [f"line {line}: {word!r}" for line, word in matches if word not in exempt]


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_texts_and_names_have_no_retired_word(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    exempt = EXEMPT.get(_name(path), set())
    if not _name(path).startswith(DATA):
        assert _found(TEXTS, _literals(tree), exempt) == []
    split = ((line, name.replace("_", " ")) for line, name in _names(tree))
    assert _found(NAMES, split, exempt) == []


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_templates_have_no_retired_word(path: Path) -> None:
    assert _found(TEXTS, enumerate(path.read_text(encoding="utf-8").splitlines(), 1)) == []


def test_a_retired_word_is_found_in_a_text_and_in_a_name() -> None:
    tree = ast.parse('def made_anew(told):\n    raise ValueError("Made anew")\n')
    assert _found(TEXTS, _literals(tree)) == ["line 2: 'anew'"]
    split = [(line, name.replace("_", " ")) for line, name in _names(tree)]
    assert _found(NAMES, iter(split)) == ["line 1: 'anew'", "line 1: 'told'"]
    assert _found(NAMES, iter(split), {"anew", "told"}) == []
