"""The parts of a lake: what is there completely or not at all, by the names of its files.

A part has content that nobody finds before its marker names it, the marker, and copies of some of
the content under plain names. Who stores them in that order never shows half a part.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.store import RAW
from hf_assets.storage.month_files import MANIFEST, VERSIONS, VERSIONS_ON_STORE

DATA = "data.parquet"
# The last file of a day of figures.
FIGURES = "figures.json"
# The marker of a folder on a store.
FOLDER = "folder.json"
# Assets that are a folder, and those that have folders below: so many parts their paths have at
# least. A note that somebody lays above them makes them no part of one folder.
FIGURE_FOLDERS = frozenset({"trend_figures", "provider_figures", "insights_report"})
WITH_FOLDERS = {"corpora": 2, "classifiers": 3}
# The folders of a base model, each a part.
STEPS = frozenset({"classifier", "onnx", "quantized"})
# Assets that are files by themselves.
OF_FILES = frozenset({"published_lake"})
# What belongs to the machine that runs Dagster.
OF_MACHINE = frozenset({"dagster_home"})

LOCKS = "locks and temporary files"
UNNAMED = "hidden versions that nothing names"
ATTEMPTS = "attempts of captures"
MACHINE = "of this machine"
OTHERS = "not of a lake"


def in_folder(name: str) -> str:
    """The name in a folder of what has that name on a store."""
    return name.replace(f"/{VERSIONS_ON_STORE}/", f"/{VERSIONS}/")


def on_store(name: str) -> str:
    """The name on a store of what has that name in a folder."""
    return name.replace(f"/{VERSIONS}/", f"/{VERSIONS_ON_STORE}/")


@dataclass(frozen=True)
class Part:
    """A part. Names are relative to the lake.

    Attributes:
        name: what it is called.
        data: before the marker; readers find them by it.
        marker: with it the part is there; empty for a folder.
        public: after it, for readers by name.
        folder: all of it is replaced as one, by `replacing_folder`.
    """

    name: str
    data: tuple[str, ...] = ()
    marker: str = ""
    public: tuple[str, ...] = ()
    folder: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """All names, in order."""
        return *self.data, *filter(None, [self.marker]), *self.public


@dataclass
class Found:
    """The parts of some names, and the names that belong to none, by reason."""

    parts: list[Part] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def parts_of(
    names: Collection[str],
    read: Callable[[str], bytes],
    sides: Callable[[str], list[str]],
    *,
    folder_markers: bool,
) -> Found:
    """The parts that files are of.

    Args:
        names: relative to the lake; all of an asset, or of a day of captures.
        read: the content of a file.
        sides: the names of the side tables that a day's data file names.
        folder_markers: whether folders have markers.
    """
    found, by_folder = Found(), defaultdict(set)
    for name in names:
        if _is_temporary(name):
            found.left_out[LOCKS].append(name)
        else:
            by_folder[f"{PurePosixPath(name).parent}"].add(PurePosixPath(name).name)
    taken: set[str] = set()
    for part in _parts(by_folder, read, sides, folder_markers):
        if not taken.intersection(part.files):
            found.parts.append(part)
            taken.update(part.files)
    asset = next((name.partition("/")[0] for name in names), "")
    if not found.parts and asset not in OF_FILES:
        # A folder of somebody else's, or a day whose capture is under way.
        for folder, there in by_folder.items():
            reason = ATTEMPTS if asset in RAW else OTHERS
            found.left_out[reason] += [f"{folder}/{name}" for name in there]
        return found
    for folder, there in by_folder.items():
        for name in sorted(f"{folder}/{name}" for name in there):
            if name not in taken and not _below_folder(name, found.parts):
                _other(name, found)
    return found


def _is_temporary(name: str) -> bool:
    """Whether a name is of a lock, a writer under way, or what one left."""
    *above, last = PurePosixPath(name).parts
    hidden = any(part.startswith(".") and part != VERSIONS for part in above)
    return (
        hidden or last.endswith(".tmp") or (last.startswith(".") and not last.endswith(".parquet"))
    )


def _parts(
    by_folder: dict[str, set[str]],
    read: Callable[[str], bytes],
    sides: Callable[[str], list[str]],
    folder_markers: bool,
) -> Iterator[Part]:
    """The parts, those that name files of other folders first."""
    for folder in _folders(by_folder, folder_markers):
        there = _names_below(folder, by_folder)
        yield Part(folder, tuple(there), folder=True)
    for folder, there in by_folder.items():
        if MANIFEST in there:
            yield _months(folder, json.loads(read(f"{folder}/{MANIFEST}")), by_folder)
        elif files.MARKER in there:
            attempt = json.loads(read(f"{folder}/{files.MARKER}"))["attempt"]
            data = _names_below(f"{folder}/{attempt}", by_folder)
            yield Part(folder, tuple(data), f"{folder}/{files.MARKER}")
        elif FIGURES in there:
            data = sorted(f"{folder}/{name}" for name in there - {FIGURES})
            yield Part(folder, tuple(data), f"{folder}/{FIGURES}")
        elif DATA in there and not PurePosixPath(folder).name.startswith("month="):
            yield _table(folder, there, sides)


def is_figures_of_day(folder: str) -> bool:
    """Whether a folder with a marker of figures is a day's: on a store it is replaced as one."""
    return PurePosixPath(folder).name.startswith("day=")


def _is_artefact(folder: str, others: Collection[str]) -> bool:
    parts = PurePosixPath(folder).parts
    if parts[0] not in WITH_FOLDERS or len(parts) < WITH_FOLDERS[parts[0]]:
        return False
    return not any(f"{folder}/{step}" in others for step in STEPS)


def _folders(by_folder: dict[str, set[str]], folder_markers: bool) -> list[str]:
    """The folders that are replaced as one, without those within another."""
    if folder_markers:
        wanted = sorted(folder for folder, there in by_folder.items() if FOLDER in there)
    else:
        wanted = sorted(
            folder
            for folder, there in by_folder.items()
            if folder in FIGURE_FOLDERS
            or _is_artefact(folder, by_folder)
            or (FIGURES in there and is_figures_of_day(folder))
        )
    chosen: list[str] = []
    for folder in wanted:
        if not any(folder.startswith(f"{above}/") for above in chosen):
            chosen.append(folder)
    return chosen


def _names_below(folder: str, by_folder: dict[str, set[str]]) -> list[str]:
    return sorted(
        f"{one}/{name}"
        for one, there in by_folder.items()
        if one == folder or one.startswith(f"{folder}/")
        for name in there
    )


def _months(folder: str, manifest: dict, by_folder: dict[str, set[str]]) -> Part:
    """A table by month: hidden versions, or for months of an early lake the public files."""
    data, public = [], []
    for month in manifest["months"]:
        plain = f"{folder}/month={month}"
        has_plain = DATA in by_folder.get(plain, ())
        hidden = manifest.get("files", {}).get(month)
        if hidden and hidden in by_folder.get(f"{folder}/{VERSIONS}", ()):
            data.append(f"{folder}/{VERSIONS}/{hidden}")
            public += [f"{plain}/{DATA}"] * has_plain
        else:
            data.append(f"{plain}/{DATA}")
    return Part(folder, tuple(data), f"{folder}/{MANIFEST}", tuple(public))


def _table(folder: str, there: set[str], sides: Callable[[str], list[str]]) -> Part:
    """A day of a table, or a table without days, with its side tables."""
    marker, plain = f"{folder}/{DATA}", {name for name in there if name.endswith(".parquet")}
    hidden = {name for name in plain if name.startswith(".")}
    named = sorted(hidden.intersection(sides(marker))) if hidden else []
    public = sorted(plain - hidden - {DATA})
    if not named:
        # An early lake, or a copy without hidden files: readers take the plain names.
        return Part(folder, tuple(f"{folder}/{name}" for name in public), marker)
    data = tuple(f"{folder}/{name}" for name in named)
    return Part(folder, data, marker, tuple(f"{folder}/{name}" for name in public))


def _below_folder(name: str, parts: list[Part]) -> bool:
    return any(part.folder and name.startswith(f"{part.name}/") for part in parts)


def _other(name: str, found: Found) -> None:
    """A file of no part yet: one by itself, or none of the lake."""
    path = PurePosixPath(name)
    if path.name.startswith(".") or VERSIONS in path.parts or "v=" in name:
        found.left_out[UNNAMED].append(name)
    elif path.parts[0] in RAW:
        found.left_out[ATTEMPTS].append(name)
    else:
        found.parts.append(Part(name, marker=name))
