"""Fingerprints: of the code that the demo runs, of the inputs of its steps, of what they store."""

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]
DISTRIBUTION = "hf_assets"
# Rooms that change nothing that is stored: pages, command lines, processes.
ASIDE = ("apps", "cli", "runner")
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def fingerprint(*parts: Any) -> str:
    """A short hash of values that JSON can hold; others as text."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


@cache
def of_code() -> str:
    """Of the code behind every asset, and the versions of the packages that it uses.

    The demo's own code is left out: what it serves is an input.
    """
    files = (
        path
        for path in _files(PACKAGE)
        if path.relative_to(PACKAGE).parts[0] not in (*ASIDE, "demo")
    )
    return fingerprint(_hashes(files, PACKAGE), sorted(_versions()), sys.version_info[:2])


@cache
def of_services(*rooms: str) -> str:
    """Of the code of embedded services: rooms or modules below `demo`."""
    demo = Path(__file__).parent
    files = [path for room in rooms for path in (_files(demo / room) or [demo / f"{room}.py"])]
    return fingerprint(_hashes(files, demo))


def of_file(path: Path) -> str:
    """Of the content of a file, or of the files in a folder."""
    return fingerprint(_hashes(_files(path) if path.is_dir() else [path], path.parent))


def of_stored(folder: Path) -> str:
    """Of the names, sizes and times of the files of a stored unit; empty where there is none.

    A file that is removed, replaced or touched changes it. Locks and temporary files do not count.
    """
    found = sorted(_stamps(folder, ""))
    return fingerprint(found) if found else ""


def _stamps(folder: Path, below: str) -> Iterator[tuple[str, int, int]]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _stamps(Path(entry.path), f"{below}{entry.name}/")
        else:
            stat = entry.stat(follow_symlinks=False)
            yield f"{below}{entry.name}", stat.st_size, stat.st_mtime_ns


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not path.name.startswith(".")
    )


def _hashes(files: Iterable[Path], below: Path) -> list[tuple[str, str]]:
    return [
        (path.relative_to(below).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in files
    ]


def _versions() -> Iterator[tuple[str, str]]:
    """The packages that the distribution asks for, as far as they are installed."""
    try:
        wanted = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return
    for requirement in wanted:
        name = _NAME.match(requirement)
        if name is None:
            continue
        try:
            yield name[0], metadata.version(name[0])
        except metadata.PackageNotFoundError:
            continue
