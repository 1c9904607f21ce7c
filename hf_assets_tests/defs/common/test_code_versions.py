"""A version changes with the statements of a transform, and with nothing else."""

import ast
from pathlib import Path

import pytest

from hf_assets.defs.common import code_versions
from hf_assets.defs.common.code_versions import NOT_FOLLOWED, PACKAGE, TRANSFORMS, version_of

TRANSFORM = '''"""Rows."""

import math

from package.helping.tables import (
    half,
)


def rows(number):
    """How many."""
    text = """a value, not a docstring"""
    return half(number), text  # two of them
'''
HELPER = '''"""Help."""


def half(number):
    return number / 2
'''


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    for name, text in {
        "rows": TRANSFORM,
        "helping/tables": HELPER,
        "settings": "WAIT = 1\n",
        "helping/__init__": "",
    }.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def _version(package: Path) -> str:
    for cached in ("_source", "_imported", "_statements", "version_of"):
        getattr(code_versions, cached).cache_clear()
    return version_of(("rows",), package)


def _edit(package: Path, module: str, old: str, new: str) -> None:
    path = package / f"{module}.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("rows", "half(number)", "half(number + 1)"),
        ("rows", "a value", "another value"),
        ("helping/tables", "/ 2", "/ 3"),
    ],
    ids=["a statement", "a text that is no docstring", "a module that it imports"],
)
def test_a_change_of_code_is_a_new_version(package: Path, module: str, old: str, new: str) -> None:
    before = _version(package)
    _edit(package, module, old, new)
    assert _version(package) != before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("rows", '"""How many."""', '"""How many\n\n    rows.\n    """'),
        ("rows", "  # two of them", "  # a pair"),
        ("rows", "import math\n", "import json\nimport math\n"),
        ("helping/tables", "    return number / 2", "\n    return number  /  2"),
        ("settings", "1", "2"),
    ],
    ids=["docstring", "comment", "import", "layout", "a module that it does not import"],
)
def test_a_change_of_words_or_layout_is_none(
    package: Path, module: str, old: str, new: str
) -> None:
    before = _version(package)
    _edit(package, module, old, new)
    assert _version(package) == before


def test_the_code_that_stores_does_not_count(package: Path) -> None:
    _edit(package, "rows", "import math\n", "import math\nfrom package import settings\n")
    before = _version(package)
    _edit(package, "settings", "1", "2")
    assert _version(package) == before


def test_a_template_beside_a_module_counts(package: Path) -> None:
    before = _version(package)
    template = package / "helping" / "page.html.jinja"
    template.write_text("<p>")
    with_template = _version(package)
    template.write_text("<b>")
    assert len({before, with_template, _version(package)}) == 3


def test_the_same_code_has_the_same_version_in_another_folder(
    package: Path, tmp_path: Path
) -> None:
    before = _version(package)
    (tmp_path / "other").mkdir()
    assert _version(package.rename(tmp_path / "other" / "package")) == before


@pytest.mark.parametrize("asset", TRANSFORMS)
def test_the_modules_of_a_transform_exist(asset: str) -> None:
    assert all((PACKAGE / f"{module}.py").is_file() for module in TRANSFORMS[asset])


def test_what_does_not_count_exists() -> None:
    for name in NOT_FOLLOWED:
        assert (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file(), name


def test_every_import_of_the_package_is_followed() -> None:
    """The text is read in place of the syntax tree: both must name the same modules."""
    modules = [path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py")]
    for module in map(str, modules):
        tree = ast.parse((PACKAGE / f"{module}.py").read_bytes())
        names = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
        paths = {name.removeprefix("hf_assets.").replace(".", "/") for name in names
                 if name.startswith("hf_assets.")}  # fmt: skip
        wanted = {path for path in paths if (PACKAGE / f"{path}.py").is_file()}
        assert set(code_versions._imported(PACKAGE, module)) == wanted, module
