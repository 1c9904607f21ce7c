"""One repository's row of a month, of the row group that may hold it."""

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hf_assets.storage.opened import LakeFile

# Rows that are decoded at a time, until one is found.
_AT_ONCE = 1 << 11
# Months whose row groups a process remembers: a year, and some. To read which there are takes as
# long as to read one; of 2.5 M repositories they are 5 MB a month.
_REMEMBERED = 16


@dataclass(frozen=True)
class _Groups:
    """The row groups of a month.

    Attributes:
        about: the footer as pyarrow has it.
        bounds: the first and the last `hub_id` of each.
    """

    about: pq.FileMetaData
    bounds: Sequence[tuple[str, str]]

    def of(self, hub_id: str) -> int | None:
        """The one that may have it."""
        number = bisect_right(self.bounds, hub_id, key=lambda each: each[0]) - 1
        return number if number >= 0 and hub_id <= self.bounds[number][1] else None


_remembered: OrderedDict[Any, _Groups] = OrderedDict()
_lock = threading.Lock()


def bounds(file: pq.ParquetFile) -> Iterator[tuple[str, str, int]]:
    """The first and the last `hub_id` of each row group, and its rows."""
    about = file.metadata
    column = about.schema.names.index("hub_id")
    for number in range(about.num_row_groups):
        group = about.row_group(number)
        statistics = group.column(column).statistics
        yield statistics.min, statistics.max, group.num_rows


def row_of(file: LakeFile, hub_id: str, columns: Sequence[str]) -> pa.Table | None:
    """The row of one repository; None where the month does not have it.

    One row group is read, and once, as far as the row: a second reading of other columns costs more
    than they do.

    Args:
        file: of the month, `hub_id` ascending.
        hub_id: of the repository.
        columns: those wanted beside `hub_id`; one that the month lacks is left out.
    """
    groups = _groups(file)
    if (number := groups.of(hub_id)) is not None:
        names = ["hub_id", *(name for name in columns if name != "hub_id")]
        with file.arrow(groups.about) as opened:
            for part in opened.iter_batches(_AT_ONCE, [number], names, use_threads=False):
                ids = part["hub_id"]
                if (at := pc.index(ids, hub_id).as_py()) >= 0:
                    return pa.Table.from_batches([part.slice(at, 1)])
                if ids[-1].as_py() > hub_id:
                    break
    return None


def _groups(file: LakeFile) -> _Groups:
    """Its row groups; those of the months that were asked for last are in memory."""
    key = file.path, file.mark
    with _lock:
        if known := _remembered.pop(key, None):
            _remembered[key] = known
            return known
    with file.arrow() as opened:
        about = opened.metadata
        groups = _Groups(about, [(first, last) for first, last, _ in bounds(opened)])
    with _lock:
        _remembered[key] = groups
        while len(_remembered) > _REMEMBERED:
            _remembered.popitem(last=False)
    return groups
