"""Side tables: small tables of a day (its quarantine, say), published together with the day.

The day's footer names their files, which are written before it and never changed: a reader of a day
finds the side tables of that version of the day. A hard link (on a store, a copy) gives each a
public name as well, `<name>.parquet`, for readers by name.
"""

import secrets
import time
from collections.abc import Collection, Generator, Mapping
from contextlib import ExitStack, contextmanager

import polars as pl

from hf_assets.object_store.commit import LOOK, Condition, Seen
from hf_assets.object_store.path import LakePath, StorePath, delete
from hf_assets.object_store.reading import StoreFile
from hf_assets.storage.durable import STALE_TEMPORARY, link, replacing
from hf_assets.storage.opened import LakeFile, open_file
from hf_assets.storage.records import Footer

DATA = "data"


def side_table_paths(footer: Footer, folder: LakePath) -> dict[str, LakePath]:
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

    def __init__(self, folder: LakePath, frames: Mapping[str, pl.DataFrame]) -> None:
        self.folder, self.frames = folder, frames
        self.files: dict[str, str] = {}
        self._before: dict[str, LakePath] = {}

    def seen(self) -> Seen | Condition:
        """What is there before the day is written: `replacing` publishes the day on that condition.

        On a store one request gives that and the side tables that are replaced.
        """
        if not isinstance(self.folder, StorePath):
            return LOOK
        try:
            data = StoreFile(self.folder / f"{DATA}.parquet")
        except FileNotFoundError:
            return None
        self._before = _named_in(data, self.folder)
        return data.facts.tag

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
                new = moves.enter_context(replacing(self.folder / file, None))
                self.frames[name].write_parquet(new)
            yield
        if not isinstance(self.folder, StorePath):
            self._before = self._now()

    @contextmanager
    def published(self) -> Generator[None]:
        """The block publishes the day; then its side tables alone get public names."""
        try:
            yield
        except BaseException:
            # A store may have the day, and its answer be lost: what nothing names goes a day later.
            if not isinstance(self.folder, StorePath):
                for file in self.files.values():
                    (self.folder / file).unlink(missing_ok=True)
            raise
        for name, file in self.files.items():
            link(self.folder / file, self.folder / f"{name}.parquet")
        for name in self._before.keys() - self.files.keys():
            (self.folder / f"{name}.parquet").unlink(missing_ok=True)
        self._sweep()

    def _now(self) -> dict[str, LakePath]:
        try:
            return _named_in(open_file(self.folder / f"{DATA}.parquet"), self.folder)
        except OSError:
            return {}  # a missing day

    def _sweep(self) -> None:
        """Delete replaced side tables (their readers have them open) and leftovers of crashes."""
        replaced, current = {path.name for path in self._before.values()}, set(self.files.values())
        if isinstance(self.folder, StorePath):
            if replaced or current:
                self._sweep_store(self.folder, replaced | current)
            return
        for path in self.folder.glob(".*.parquet"):
            try:
                old = time.time() - path.stat().st_mtime > STALE_TEMPORARY
                if path.name not in current and (path.name in replaced or old):
                    path.unlink()
            except FileNotFoundError:
                continue  # another writer deleted it

    def _sweep_store(self, folder: StorePath, kept: Collection[str]) -> None:
        """Delete old side tables but those kept: readers open them when they need them."""
        _, objects = folder.children()
        delete(
            [
                path
                for path, facts in objects.items()
                if path.name.startswith(".")
                and path.suffix == ".parquet"
                and path.name not in kept
                and time.time() - facts.modified.timestamp() > STALE_TEMPORARY
            ]
        )


def _named_in(data: LakeFile, folder: LakePath) -> dict[str, LakePath]:
    """The side tables that a day names; none where its file is broken."""
    try:
        return side_table_paths(Footer.read(data.footer()), folder)
    except (ValueError, pl.exceptions.PolarsError):
        return {}
