"""Rules of the source tree: who may import whom, and how long a file may grow."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "hf_assets"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 350

# What the modules of a room may import of the project besides their own room.
BASE = {
    *("settings", "lake", "months", "parquet", "durable", "opened", "verdict", "errors"),
    *("literals", "transport", "csv_cells"),
}
ARROWS = {
    "settings": set(),
    "durable": {"errors"},
    "opened": {"errors", "parquet"},
    "side_tables": {"durable", "opened"},
    "stored": {"opened", "side_tables"},
    "month_files": {"durable", "errors"},
    "verdict": set(),
    "errors": set(),
    "literals": set(),
    "transport": set(),
    "csv_cells": set(),
    "parquet": set(),
    "lake": {"durable", "month_files", "opened", "parquet", "side_tables", "stored"},
    "months": {"durable", "lake", "opened", "parquet"},
    "definitions": {"defs"},
    "charts": set(),
    "hub": BASE,
    "trends": BASE | {"charts", "hub.tables", "hub.schemas", "hub.judged"},
    "corpora": BASE | {"charts"},
    "classifiers": BASE | {"charts", "corpora"},
    "apps": BASE | {"charts", "corpora", "classifiers.tagger", "classifiers.guard", "hub.judged"},
    "defs": BASE | {"hub", "trends", "charts", "corpora", "classifiers"},
    # The command line runs Dagster as a process, and so does the demo.
    "runner": set(),
    "demo": BASE | {"runner"},
    "cli": BASE | {"runner", "demo", "apps", "classifiers.answering"},
}


def _name(path: Path) -> str:
    """A module's name below `hf_assets`."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def _imports(path: Path) -> set[str]:
    """Every module that a file imports, inside functions too, by its whole name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), path.name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            found.add(str(node.args[0].value))
    return found


def _of_project(path: Path) -> set[str]:
    return {name.removeprefix("hf_assets.") for name in _imports(path)
            if name.startswith("hf_assets.")}  # fmt: skip


def _inside(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def test_there_is_something_to_look_at() -> None:
    assert len(FILES) > 30


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_dagster_is_imported_by_the_graph_alone(path: Path) -> None:
    room = _name(path).split(".")[0]
    if room not in ("defs", "definitions"):
        roots = {name.split(".")[0] for name in _imports(path)}
        assert not {root for root in roots if root == "dagster" or root.startswith("dagster_")}


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_rooms_import_along_the_arrows(path: Path) -> None:
    room = _name(path).split(".")[0]
    if room == "__init__":
        assert not _of_project(path)
        return
    allowed = ARROWS[room] | {room}
    # `from hf_assets.hub import schemas` is `hub` and `hub.schemas`: the narrower one counts.
    named = _of_project(path)
    narrowest = {one for one in named if not any(other.startswith(f"{one}.") for other in named)}
    assert not {one for one in narrowest if not any(_inside(one, to) for to in allowed)}


NOT_AT_IMPORT = ("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'")


def _at_import(node: ast.AST) -> Iterator[str]:
    """What a module imports when it is imported itself: not inside functions, nor run."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
            yield str(child.module)
        elif isinstance(child, ast.If) and ast.unparse(child.test) in NOT_AT_IMPORT:
            continue
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _at_import(child)


def test_each_module_can_be_imported_first() -> None:
    names = {f"hf_assets.{_name(path)}": path for path in FILES}
    graph = {
        name: names.keys() & set(_at_import(ast.parse(path.read_text(encoding="utf-8"))))
        for name, path in names.items()
    }
    assert "hf_assets.lake" in graph["hf_assets.hub.changes"]
    # CycleError names the modules that import each other in a circle.
    TopologicalSorter(graph).prepare()


def test_the_demo_is_imported_by_nothing_but_itself_and_the_command_line() -> None:
    users = {
        _name(path)
        for path in FILES
        for module in _of_project(path)
        if _inside(module, "demo") and not _inside(_name(path), "demo")
    }
    # `hf-assets demo` is a door to it.
    assert users == {"cli.main"}


def test_packages_are_empty_at_the_door() -> None:
    assert not [str(path) for path in FILES if path.name == "__init__.py" and path.read_text()]


def test_no_file_asks_to_be_two() -> None:
    lines = {_name(path): len(path.read_text().splitlines()) for path in FILES}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}
