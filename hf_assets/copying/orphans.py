"""What a lake on a store has that no marker names: of writers that ended early, or superseded.

All of it is older than a day: writers that are under way, and readers that have begun, have that
long. Names of one asset, or of one day of captures, are held in memory at a time.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hf_assets.copying.parts import DATA
from hf_assets.hub.capture_store.store import RAW, CaptureStore
from hf_assets.object_store.listing import folder_names
from hf_assets.object_store.path import ObjectFacts, StorePath, delete
from hf_assets.object_store.versions import is_of_version, unnamed_versions
from hf_assets.storage.lake import Lake
from hf_assets.storage.locks import BusyError
from hf_assets.storage.month_files import VERSIONS_ON_STORE, MonthFiles
from hf_assets.storage.opened import open_file
from hf_assets.storage.records import Footer

KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Orphans:
    """Objects of an asset that nothing names."""

    asset: str
    objects: list[StorePath]
    bytes: int

    @classmethod
    def of(cls, asset: str, found: dict[StorePath, ObjectFacts]) -> "Orphans":
        """These objects."""
        return cls(asset, [*found], sum(facts.size for facts in found.values()))


def sweep(lake: Lake, now: datetime, *, dry: bool) -> Iterator[Orphans]:
    """Delete the orphans of a lake on a store, asset by asset.

    It takes a request for 1,000 objects of tables and folders, three a day of captures, and one
    for each day that may have replaced side tables, and for each folder with old versions.

    Args:
        lake: on a store.
        now: UTC.
        dry: delete nothing.

    Raises:
        StoreError: the store does not answer.
    """
    for found in orphans(lake, now):
        if found.objects:
            if not dry:
                delete(found.objects)
            yield found


def orphans(lake: Lake, now: datetime) -> Iterator[Orphans]:
    """The orphans of each asset, and of each day of captures; of most there are none."""
    for asset in folder_names(lake.root):
        if asset.startswith("."):
            continue  # of Dagster: no table, and no marker
        if asset in RAW:
            store = CaptureStore(lake, asset)
            for name in folder_names(lake.root / asset):
                if name.startswith("day="):
                    left = store.leftovers(name.removeprefix("day="), now)
                    yield Orphans.of(asset, left)
        else:
            listed = dict((lake.root / asset).below())
            for objects in unnamed_versions(listed, now):
                yield Orphans.of(asset, objects)
            yield from _of_tables(lake.root / asset, listed, now)


def _of_tables(
    asset: Any, listed: dict[StorePath, ObjectFacts], now: datetime
) -> Iterator[Orphans]:
    """Side tables that their day does not name, and months that their table does not."""
    by_folder: dict[StorePath, dict[str, ObjectFacts]] = defaultdict(dict)
    for path, facts in listed.items():
        if not is_of_version(path):
            by_folder[path.parent][path.name] = facts
    for folder, there in by_folder.items():
        if folder.name == VERSIONS_ON_STORE:
            found = _months(folder.parent, there, now)
        else:
            found = _side_tables(folder, there, now)
        yield Orphans.of(asset.name, {folder / name: there[name] for name in found})


def _is_old(facts: ObjectFacts, now: datetime) -> bool:
    return now - facts.modified > KEPT


def _side_tables(folder: StorePath, there: dict[str, ObjectFacts], now: datetime) -> set[str]:
    hidden = {name for name in there if name.startswith(".") and name.endswith(".parquet")}
    public = {name for name in there if name.endswith(".parquet")} - hidden - {DATA}
    data = there.get(DATA)
    # One of each name: the day names them all, and a request less is asked.
    if len(hidden) <= len(public) or (data and not _is_old(data, now)):
        return set()
    named: set[str] = set()
    if data:
        with suppress(FileNotFoundError):
            named = {*(Footer.read(open_file(folder / DATA).footer()).aside or {}).values()}
    return {name for name in hidden - named if _is_old(there[name], now)}


def _months(table: StorePath, there: dict[str, ObjectFacts], now: datetime) -> set[str]:
    old = {name for name, facts in there.items() if _is_old(facts, now)}
    months = MonthFiles(table)
    with suppress(BusyError), months.lock(wait=0):
        manifest = months.manifest()
        if not manifest.months:
            # Without `months.json` nothing tells which of them are the table.
            return set()
        limit = (now - KEPT).timestamp()
        lately = {name for name, until in manifest.superseded.items() if until > limit}
        return old - {*manifest.files.values()} - lately
    return set()
