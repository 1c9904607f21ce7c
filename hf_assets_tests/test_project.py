"""Rules of the source tree: who may import whom, and how large a file or a room may grow."""

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from hf_assets_tests.support.arrows import ARROWS, GROUND

PACKAGE = Path(__file__).resolve().parents[1] / "hf_assets"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 350
MOST_FILES = 14


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


def _room(path: Path) -> str:
    """The folder of a module; the module itself where that folder has sub-rooms, too."""
    folder = path.parent
    subrooms = folder == PACKAGE or any(folder.glob("*/__init__.py"))
    return _name(path if subrooms else folder)


def _inside(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def test_there_is_something_to_look_at() -> None:
    assert len(FILES) > 30


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_dagster_is_imported_by_the_graph_alone(path: Path) -> None:
    room = _name(path).split(".")[0]
    if room not in (
        *("defs", "definitions", "launching", "ray_launcher", "run_logs", "log_subscriptions"),
    ):
        roots = {name.split(".")[0] for name in _imports(path)}
        assert not {root for root in roots if root == "dagster" or root.startswith("dagster_")}


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_rooms_import_along_the_arrows(path: Path) -> None:
    if path.name == "__init__.py":
        return
    room = _room(path)
    allowed = ARROWS[room] | (GROUND if room not in GROUND else set()) | {room}
    # `from hf_assets.hub import retention` is `hub` and `hub.retention`: the narrower one counts.
    named = _of_project(path)
    narrowest = {one for one in named if not any(other.startswith(f"{one}.") for other in named)}
    assert not {one for one in narrowest if not any(_inside(one, to) for to in allowed)}


def test_rooms_do_not_import_each_other_in_a_circle() -> None:
    # CycleError names the rooms of a circle.
    graph = {
        room: {one for one in ARROWS for to in allowed if _inside(one, to)} - {room}
        for room, allowed in ARROWS.items()
    }
    TopologicalSorter(graph).prepare()


def test_no_module_imports_itself_in_a_circle() -> None:
    """Imports inside functions count: such a circle is one that nobody sees until it is run."""
    names = {_name(path): path for path in FILES}
    graph = {name: names.keys() & _of_project(path) for name, path in names.items()}
    assert "storage.lake" in graph["hub.quality.changes"]
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
    # The package's own offers the component by the name that Dagster looks for.
    doors = [path for path in FILES if path.name == "__init__.py" and path.parent != PACKAGE]
    assert not [str(path) for path in doors if path.read_text()]


def test_no_room_asks_to_be_two() -> None:
    rooms = Counter(_room(path) for path in FILES if path.name != "__init__.py")
    assert {room: count for room, count in rooms.items() if count > MOST_FILES} == {}


def test_no_file_asks_to_be_two() -> None:
    lines = {_name(path): len(path.read_text().splitlines()) for path in FILES}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}
