"""Rules of the source tree: who may import whom, and how large a file or a room may grow."""

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "hf_assets"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 350
MOST_FILES = 14

# Rooms that every other room may import.
GROUND = {
    "storage",
    "object_store",
    "errors",
    "settings",
    "rule_result",
    "literals",
    "transport",
    "csv_cells",
    "progress",
    "ui_words",
    "markdown",
}
# The modules of a folder are one room; a module beside sub-rooms is a room of its own. A room
# imports the rooms of its line and the ground, nothing else; a name stands for what is below it.
ARROWS = {
    "errors": set(),
    "settings": {"errors", "object_store"},
    "rule_result": set(),
    "literals": set(),
    "transport": set(),
    "csv_cells": set(),
    "progress": set(),
    "ui_words": set(),
    "markdown": set(),
    "object_store": {"errors"},
    "storage": {"errors", "object_store", "progress", "settings"},
    # What failed → a message → a person.
    "alarms": set(),
    "definitions": {"defs"},
    # Dagster loads them where its configuration names them.
    "ray_launcher": set(),
    "run_logs": set(),
    "charts": set(),
    # The Hub: a page of a listing → a day's capture → tables → rules and changes.
    "hub.client": set(),
    "hub.capture_store": {"hub.client"},
    "hub.archive": {"hub.client"},
    "hub.archive_folder": {"hub.archive", "hub.client"},
    "hub.open_archive": {"hub.archive", "hub.archive_folder", "hub.client"},
    "hub.tables": {"hub.archive", "hub.capture_store", "hub.client"},
    "hub.space_code": {"hub.archive", "hub.client", "hub.tables"},
    "hub.repository_days": {"hub.tables"},
    "hub.retention": {"hub.capture_store", "hub.repository_days", "hub.tables"},
    "hub.uses": {"hub.capture_store", "hub.client", "hub.tables"},
    "hub.attempts": set(),
    "hub.newest_day": set(),
    "hub.providers": {"hub.client"},
    "hub.quality": {
        *("hub.capture_store", "hub.client", "hub.repository_days", "hub.retention", "hub.tables"),
    },
    "hub.reconciliation": {"hub.archive", "hub.capture_store", "hub.client", "hub.tables"},
    "hub.capture": {
        *("hub.archive", "hub.capture_store", "hub.client", "hub.quality", "hub.reconciliation"),
    },
    # Days → a day's aggregates → series → figures → the report.
    "trends.spikes": set(),
    "trends.survival": set(),
    "trends.metrics": {"hub.tables", "hub.uses"},
    "proportions": set(),
    "trends.series": {
        *("hub.quality", "hub.tables", "trends.metrics", "trends.survival"),
    },
    # Of every repository, from its days.
    "trends.lives": {
        "hub.quality",
        "hub.repository_days",
        "hub.tables",
        "trends.series",
        "trends.spikes",
    },
    "trends.predictions": {"hub.tables", "proportions", "trends.series"},
    "trends.figures.day": {"charts", "trends.metrics"},
    "trends.figures.history": {
        *("charts", "hub.providers", "hub.quality", "trends.figures.day", "trends.lives"),
        *("trends.metrics", "trends.series"),
        "trends.spikes",
    },
    "trends.figures.registry": {"charts", "trends.figures.day", "trends.figures.history"},
    "trends.figures.render": {
        *("charts", "trends.figures.day", "trends.figures.history", "trends.figures.registry"),
    },
    "trends.report": {"charts", "hub.quality", "trends.figures", "trends.series"},
    # Sources of texts with labels → a corpus.
    "corpora.schemas": set(),
    "corpora.labels": set(),
    "corpora.text": set(),
    "corpora.near_duplicates": {"corpora.text"},
    "corpora.groups": {"corpora.near_duplicates", "corpora.schemas"},
    "corpora.facts": {"corpora.schemas"},
    "corpora.corpus": {"corpora.facts", "corpora.labels", "corpora.schemas"},
    "corpora.hub": {"corpora.groups", "corpora.schemas"},
    "corpora.figures": {"charts", "corpora.corpus", "corpora.facts"},
    "corpora.quality": {"corpora.corpus", "corpora.facts"},
    "corpora.stackexchange": {"corpora.schemas"},
    "corpora.registry": {"corpora.stackexchange", "corpora.text"},
    "corpora.kaggle": {"corpora.corpus", "corpora.schemas"},
    "corpora.tables": {"corpora.corpus", "corpora.registry", "corpora.schemas"},
    "corpora.building": {
        *("charts", "corpora.corpus", "corpora.facts", "corpora.figures", "corpora.groups"),
        *("corpora.labels", "corpora.registry", "corpora.schemas", "corpora.stackexchange"),
        "corpora.text",
    },
    # A corpus → a classifier → ONNX and int8 → a leaderboard → a folder to publish.
    "classifiers.metrics": {"classifiers.records"},
    "classifiers.thresholds": {"classifiers.metrics", "classifiers.records"},
    "classifiers.records": set(),
    "classifiers.guard": set(),
    "classifiers.speed": set(),
    "classifiers.meaning": set(),
    "classifiers.tfidf": set(),
    "classifiers.tagger": {"classifiers.tagger_workers", "classifiers.tfidf"},
    "classifiers.tagger_workers": set(),
    "classifiers.tagger_cli": {"classifiers.tagger"},
    "classifiers.quality": {"classifiers.records"},
    "classifiers.provenance": {"classifiers.records", "corpora.corpus"},
    "classifiers.training": {
        *("charts", "classifiers.metrics", "classifiers.provenance", "classifiers.records"),
        *("classifiers.speed", "classifiers.thresholds", "corpora.corpus"),
    },
    "classifiers.export": {
        *("classifiers.metrics", "classifiers.provenance", "classifiers.quality"),
        *("classifiers.records", "classifiers.speed", "classifiers.tagger"),
        *("classifiers.thresholds", "classifiers.training", "corpora.corpus"),
    },
    "classifiers.evaluation": {
        *("charts", "classifiers.metrics", "classifiers.provenance", "classifiers.records"),
        *("classifiers.speed", "classifiers.tagger", "classifiers.tfidf"),
        *("classifiers.thresholds", "classifiers.training", "corpora.corpus"),
    },
    "classifiers.prediction": {
        *("classifiers.evaluation", "classifiers.provenance", "classifiers.records"),
        *("classifiers.tagger", "classifiers.tfidf", "corpora.corpus", "corpora.hub"),
        *("hub.tables", "proportions"),
    },
    "classifiers.publishing.template": set(),
    "classifiers.publishing": {
        *("classifiers.evaluation", "classifiers.provenance", "classifiers.records"),
        *("classifiers.training", "corpora.corpus"),
    },
    # Days, series and figures → a dataset repository on the Hub.
    "publishing": {
        *("hub.providers", "hub.quality", "hub.repository_days", "hub.space_code", "hub.tables"),
        *("hub.uses", "trends.metrics", "trends.series"),
    },
    # What is wrong with files and folders that settings name.
    "configuration": {
        *("classifiers.training", "corpora.registry", "hub.archive", "hub.archive_folder"),
        "hub.open_archive",
    },
    # Pages for people.
    "apps.index": {"hub.repository_days", "hub.tables", "trends.metrics"},
    "apps.explore": {
        *("apps.index", "charts", "hub.quality", "hub.repository_days", "trends.lives"),
        *("trends.metrics", "trends.spikes"),
    },
    "apps.pages": {"apps.explore", "apps.index", "charts", "trends.lives", "trends.spikes"},
    "apps.insights": {"apps.explore"},
    "apps.trained": {"classifiers.tagger", "corpora.corpus"},
    "apps.tagger_service": {
        *("apps.trained", "classifiers.guard", "classifiers.meaning", "classifiers.tagger"),
        "corpora.corpus",
    },
    "apps.tagger_batch": {"apps.tagger_service", "corpora.corpus"},
    "apps.tagger_html": {"apps.tagger_service", "apps.trained", "classifiers.tagger"},
    "apps.tagger_several": {"apps.tagger_batch", "apps.tagger_html", "apps.tagger_service"},
    "apps.tagger": {
        *("apps.tagger_html", "apps.tagger_several", "apps.tagger_service", "apps.trained"),
        "classifiers.guard",
    },
    # The graph.
    "defs.common": {"classifiers.training", "corpora", "hub"},
    "defs.hub": {"alarms", "defs.common", "defs.configuration", "defs.trends", "hub"},
    "defs.trends": {
        *("charts", "defs.common", "hub.providers", "hub.repository_days", "publishing.record"),
        *("publishing.withheld", "trends"),
    },
    "defs.configuration": {"configuration", "defs.common", "hub.open_archive"},
    "defs.sweeping": {"copying", "defs.common"},
    "defs.publishing": {
        *("defs.common", "defs.hub", "defs.labels", "defs.trends", "publishing"),
    },
    "defs.labels": {"charts", "classifiers", "corpora", "defs.common", "hub"},
    # A lake into another folder or store.
    "copying": {"hub.capture_store"},
    # Dagster as a process, for the command line and the demo.
    "runner": {"hub.capture_store"},
    # Services and worlds for tests and for a first look.
    "demo.service": set(),
    "demo.world": set(),
    "demo.hub_stats": {"demo.service", "demo.world"},
    "demo.repositories": {"demo.service"},
    "demo.hub": {"demo.hub_stats", "demo.repositories", "demo.service", "demo.world"},
    "demo.labels": {"demo.hub", "demo.service"},
    "demo.fingerprints": set(),
    "demo.record": {"demo.fingerprints"},
    "demo.past": {"demo.hub_stats", "demo.record", "demo.world"},
    "demo.plan": {"demo.past", "demo.record", "hub.capture_store", "runner"},
    "demo.steps": {
        *("demo.fingerprints", "demo.past", "demo.plan", "demo.record", "hub.capture_store"),
        "runner",
    },
    "demo.summary": {
        *("classifiers.evaluation", "classifiers.quality", "demo.past", "demo.steps"),
        *("hub.capture_store", "hub.client", "hub.quality", "hub.tables"),
        *("classifiers.prediction", "corpora.corpus", "corpora.quality"),
    },
    "demo.running": {
        *("demo.fingerprints", "demo.labels", "demo.plan", "demo.service", "demo.steps"),
        *("demo.summary", "runner"),
    },
    "demo.options": {"demo.fingerprints", "demo.record", "runner"},
    "demo.serving": {
        *("demo.hub", "demo.labels", "demo.options", "demo.past", "demo.record", "demo.running"),
        "demo.world",
    },
    "demo.__main__": {
        *("demo.hub_stats", "demo.options", "demo.past", "demo.plan", "demo.record"),
        *("demo.running", "demo.serving", "demo.steps", "demo.summary", "runner"),
    },
    # The same on PostgreSQL, a store and Ray, beside a single machine.
    "demo.cluster": {
        *("demo.options", "demo.past", "demo.plan", "demo.running", "demo.serving", "demo.steps"),
        *("demo.summary", "hub.capture_store", "runner"),
    },
    # `hf-assets`: a door to each of these.
    "cli": {
        *("apps.insights", "apps.tagger", "classifiers.tagger_cli", "demo.__main__", "runner"),
        *(
            "alarms",
            "configuration",
            "copying",
            "demo.cluster",
            "hub.capture_store",
            "hub.client",
            "hub.newest_day",
        ),
        "hub.quality",
    },
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
    if room not in ("defs", "definitions", "ray_launcher", "run_logs"):
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
