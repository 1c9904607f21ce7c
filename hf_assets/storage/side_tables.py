"""Side tables: small tables of a day (its quarantine, say), published together with the day.

The day's footer names their files, which are written before it and never changed: a reader of a day
finds the side tables of that version of the day. A hard link gives each a public name as well,
`<name>.parquet`, for readers by name.
"""

import secrets
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import polars as pl

from hf_assets.storage.durable import STALE_TEMPORARY, link, replacing
from hf_assets.storage.opened import OpenedFile
from hf_assets.storage.records import Footer

DATA = "data"


def side_table_paths(footer: Footer, folder: Path) -> dict[str, Path]:
    """The files of a day's side tables by name; early versions had the public names only."""
    if footer.aside is not None:
        return {name: folder / file for name, file in footer.aside.items()}
    return {path.stem: path for path in folder.glob("[!.]*.parquet") if path.stem != DATA}


class SideTables:
    """The side tables of a day that is written.

    Args:
        folder: the day's.
        frames: by name, complete when they are written; frames without rows are not written.
    """

    def __init__(self, folder: Path, frames: Mapping[str, pl.DataFrame]) -> None:
        self.folder, self.frames = folder, frames
        self.files: dict[str, str] = {}
        self._before: dict[str, Path] = {}

    def name_versions(self) -> dict[str, str]:
        """A new file name for each, for the footer."""
        version = f"{time.time_ns():016x}-{secrets.token_hex(3)}"
        filled = [name for name, frame in self.frames.items() if frame.height]
        self.files |= {name: f".{name}.{version}.parquet" for name in filled}
        return self.files

    @contextmanager
    def written(self) -> Generator[None]:
        """Write them now; they are in place when the block ends, before the data file."""
        with ExitStack() as moves:
            for name, file in self.files.items():
                self.frames[name].write_parquet(moves.enter_context(replacing(self.folder / file)))
            yield
        self._before = self._now()

    @contextmanager
    def published(self) -> Generator[None]:
        """The block publishes the day; then its side tables alone get public names."""
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
            footer = Footer.read(OpenedFile(self.folder / f"{DATA}.parquet").footer())
            return side_table_paths(footer, self.folder)
        except (OSError, ValueError, pl.exceptions.PolarsError):
            return {}  # a missing day, or a broken file

    def _sweep(self) -> None:
        """Delete replaced side tables (their readers have them open) and leftovers of crashes."""
        replaced, current = {path.name for path in self._before.values()}, set(self.files.values())
        for path in self.folder.glob(".*.parquet"):
            try:
                old = time.time() - path.stat().st_mtime > STALE_TEMPORARY
                if path.name not in current and (path.name in replaced or old):
                    path.unlink()
            except FileNotFoundError:
                continue  # another writer deleted it
