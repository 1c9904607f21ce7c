"""The small tables beside a day of a table (the rows that were no good), one commit with it.

The day's footer names their files, which are written before it and never changed: whoever opens a
day finds the side tables of that day, old or new. Each has a public name too, `<name>.parquet`, a
second name of the same file, for whoever reads by name.
"""

import secrets
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.storage.durable import STALE_TEMPORARY, link, replacing
from hf_assets.storage.opened import OpenedFile

DATA = "data"


def named(footer: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """The files of a day's side tables by name; a lake of before tells them by name alone."""
    if "aside" in footer:
        return {name: folder / file for name, file in footer["aside"].items()}
    return {path.stem: path for path in folder.glob("[!.]*.parquet") if path.stem != DATA}


class SideTables:
    """Those of a day on its way into the lake.

    Args:
        folder: the day's.
        frames: by name, complete when they are written; those without rows are not.
    """

    def __init__(self, folder: Path, frames: Mapping[str, pl.DataFrame]) -> None:
        self.folder, self.frames = folder, frames
        self.files: dict[str, str] = {}
        self._before: dict[str, Path] = {}

    def name_versions(self) -> dict[str, str]:
        """A new file for each, as the footer names it."""
        version = f"{time.time_ns():016x}-{secrets.token_hex(3)}"
        filled = [name for name, frame in self.frames.items() if frame.height]
        self.files |= {name: f".{name}.{version}.parquet" for name in filled}
        return self.files

    @contextmanager
    def written(self) -> Generator[None]:
        """They are written now, and in place when the block ends, before what names them."""
        with ExitStack() as moves:
            for name, file in self.files.items():
                self.frames[name].write_parquet(moves.enter_context(replacing(self.folder / file)))
            yield
        self._before = self._now()

    @contextmanager
    def published(self) -> Generator[None]:
        """The block puts the day in place; then they, and no others, get their public names."""
        try:
            yield
        except BaseException:
            for file in self.files.values():
                (self.folder / file).unlink(missing_ok=True)
            raise
        for name, file in self.files.items():
            link(self.folder / file, self.folder / f"{name}.parquet")
        for name in self._before.keys() - self.files.keys():
            (self.folder / f"{name}.parquet").unlink(missing_ok=True)
        self._sweep()

    def _now(self) -> dict[str, Path]:
        try:
            return named(OpenedFile(self.folder / f"{DATA}.parquet").footer(), self.folder)
        except (OSError, ValueError, pl.exceptions.PolarsError):
            return {}  # no day, or one that somebody broke

    def _sweep(self) -> None:
        """Remove those of the day before, whose readers have them open, and what a crash left."""
        before, kept = {path.name for path in self._before.values()}, set(self.files.values())
        for path in self.folder.glob(".*.parquet"):
            try:
                old = time.time() - path.stat().st_mtime > STALE_TEMPORARY
                if path.name not in kept and (path.name in before or old):
                    path.unlink()
            except FileNotFoundError:
                continue  # another writer swept it
