"""Days of the lake for pages: of an emptied one the rows are given back when they are first read.

What a page says about a day is in its footer; an index of it answers most questions. So a page of
an emptied day gives it back seldom, and then keeps it for the next questions.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, fields

import polars as pl

from hf_assets.hub.repository_days.old_days import read_day
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets.storage.opened import LakeFile

# Days that are kept: each is a file in scratch as long as somebody reads it.
_KEPT = 6


@dataclass(frozen=True)
class GivenBack(StoredTable):
    """An emptied day: footer and version are those of its file, the rows those of its series."""

    from_series: Callable[[], StoredTable] = field(kw_only=True, compare=False, repr=False)

    @property
    def frame(self) -> pl.LazyFrame:
        """The rows, unread."""
        return self.from_series().frame

    @property
    def file(self) -> LakeFile:
        """A file with the rows."""
        return self.from_series().file


class OldDays:
    """Reads days, and keeps the last that were given back.

    Args:
        lake: the lake.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake, self._lock = lake, threading.Lock()
        self._kept: OrderedDict[object, StoredTable] = OrderedDict()

    def read(self, asset: str, day: str) -> StoredTable:
        """A day of a table, unread. MissingDay."""
        stored = self._lake.read(asset, day)
        if not stored.emptied:
            return stored
        facts = {one.name: getattr(stored, one.name) for one in fields(StoredTable)}
        return GivenBack(**facts, from_series=lambda: self._given_back(asset, stored))

    def _given_back(self, asset: str, stored: StoredTable) -> StoredTable:
        key = (asset, stored.day, stored.file.mark)
        # One at a time: two pages that ask for the same day get the same.
        with self._lock:
            if key not in self._kept:
                self._kept[key] = read_day(self._lake, asset, stored.day)
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]
