"""Other names of models, from `model_days`: who asks for one of before is shown the model.

A month has the names that a model had within it. One that changed from a month to the next is found
by reading both side by side: 2.5 s of CPU for 2.5 M models. So a thread of low priority does it
when somebody first asks, and what it found stays as long as both files do.
"""

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import polars as pl

from hf_assets.hub.repository_days.building import row_groups
from hf_assets.object_store.errors import ReplacedError, StoreError
from hf_assets.object_store.path import uri
from hf_assets.storage.lake import Lake, MissingDay
from hf_assets.storage.opened import LakeFile

TABLE = "model_days"
# Seconds that a question waits: as many as one month's new version takes.
PATIENCE = 4.0
_LOW_PRIORITY = 10
_RENAMES = pl.Schema({"hub_id": pl.String, "before": pl.String, "id": pl.String})
# Two months that follow each other, and the versions of their files; the first has no earlier one.
_Pair = tuple[LakeFile | None, LakeFile]
_Key = tuple[object, ...]
_log = logging.getLogger(__name__)


class Renames:
    """The names that a lake's models had, read once from each version of a month."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, dict[_Key, pl.DataFrame]] = {}
        self._reading: dict[str, threading.Thread] = {}

    def of(self, lake: Lake, wait: float = PATIENCE) -> pl.DataFrame | None:
        """`hub_id`, a name of before, and the one that followed; None: they are still being read.

        Args:
            lake: whose `model_days` are read; without them there are no rows.
            wait: seconds.
        """
        try:
            stored = lake.read(TABLE, None)
            files = stored.month_files if stored.months else []
        except (MissingDay, FileNotFoundError):
            return _RENAMES.to_frame()
        pairs = {_key(pair): pair for pair in pairwise([None, *files]) if pair[1]}
        name = uri(lake.root)
        with self._lock:
            found = self._found.setdefault(name, {})
            for key in found.keys() - pairs.keys():
                del found[key]
            missing = {key: pair for key, pair in pairs.items() if key not in found}
            reading = self._reading.get(name)
            if missing and not (reading and reading.is_alive()):
                reading = threading.Thread(target=self._read, args=(name, missing), daemon=True)
                self._reading[name] = reading
                reading.start()
        if missing and reading:
            reading.join(wait)
        with self._lock:
            parts = [found.get(key) for key in pairs]
        if any(part is None for part in parts):
            return None
        return pl.concat([_RENAMES.to_frame(), *(part for part in parts if part is not None)])

    def _read(self, name: str, pairs: dict[_Key, _Pair]) -> None:
        if sys.platform == "linux":
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOW_PRIORITY)
        # The newest first: most ask for a name of lately.
        for key, (before, month) in reversed(pairs.items()):
            try:
                rows = _readable(before, month)
            except (StoreError, ReplacedError, OSError):
                return  # the next question reads it
            with self._lock:
                self._found[name][key] = rows


def _readable(before: LakeFile | None, month: LakeFile) -> pl.DataFrame:
    """`renames`, without what is damaged."""
    for one in dict.fromkeys((before, None)):
        try:
            return renames(one, month)
        except MissingDay as error:
            _log.warning("some names of before are not known: %s", error)
    return _RENAMES.to_frame()


def renames(before: LakeFile | None, month: LakeFile) -> pl.DataFrame:
    """The names that changed within a month, or from the month before it.

    Args:
        before: the file of that month; None where there is none.
        month: of this one.

    Returns:
        `hub_id`, `before`, and `id`, the name that followed.
    """
    earlier = row_groups(before, ["hub_id", "id"]) if before else iter(())
    past = next(earlier, None)
    found = list[tuple[str, ...]]()
    for rows in row_groups(month, ["hub_id", "id", "earlier_ids"]):
        # As rows: a filtered column keeps the names of all others in memory.
        found += _within(rows).rows()
        if past is None or not rows.height:
            continue
        last = rows["hub_id"][-1]
        past = _until(past, earlier, last)
        # Its name on its first day there.
        first = pl.col("earlier_ids").list.first().struct.field("id")
        now = rows.select("hub_id", id=pl.coalesce(first, "id"))
        both = past.rename({"id": "before"}).join(now, on="hub_id")
        found += both.filter(pl.col("before") != pl.col("id")).select(_RENAMES.names()).rows()
        past = past.filter(pl.col("hub_id") > last)
    return pl.DataFrame(found, _RENAMES, orient="row")


def _within(rows: pl.DataFrame) -> pl.DataFrame:
    """Of a month's rows, each name and the one that followed."""
    moved = rows.filter(pl.col("earlier_ids").list.len() > 0)
    before = pl.col("earlier_ids").list.eval(pl.element().struct.field("id"))
    followed = pl.concat_list(before.list.slice(1), "id")
    return moved.select("hub_id", before=before, id=followed).explode("before", "id")


def _until(past: pl.DataFrame, coming: Iterator[pl.DataFrame], last: str) -> pl.DataFrame:
    """The rows of the month before, up to that identity and beyond."""
    parts = [past]
    while not parts[-1].height or parts[-1]["hub_id"][-1] <= last:
        following = next(coming, None)
        if following is None:
            break
        parts.append(following)
    return pl.concat(parts)


def _key(pair: tuple[LakeFile | None, LakeFile | None]) -> _Key:
    return tuple(file and (str(file.path), file.mark) for file in pair)
