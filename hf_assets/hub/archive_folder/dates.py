"""The days of a recorded file: from its name, or from a column.

In names the day is `YYYY-MM-DD` (or with `_` or `.`), `YYYYMMDD`, or `DD-MM-YYYY` or `MM-DD-YYYY`,
as the other names in the folder show. A column `day` is the day of capture. A column `date`
may be any date: it counts only if the rows look like captures, with a remark.
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import PurePath
from typing import Any

from hf_assets.hub.archive.base import KINDS, ArchiveError
from hf_assets.hub.archive.field_names import columns_of, letters
from hf_assets.hub.archive.values import TIMES, utc_time

DAY_COLUMNS = ("day", "date")
# A value that begins with a day.
_VALUE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ].*)?", re.DOTALL)
_DASHED = re.compile(r"(?<!\d)(\d{4})([-_.])(\d\d)\2(\d\d)(?!\d)")
# Eight digits, alone or after a word: a longer run of letters and digits is a hash or a size.
_SOLID = re.compile(
    r"(?<![0-9A-Za-z])([A-Za-z]*)(20\d\d)(\d\d)(\d\d)(?:T?\d{4}(?:\d\d)?Z?)?(?![0-9A-Za-z])"
)
_HEXADECIMAL = re.compile(r"[A-Fa-f]*")
_YEAR_LAST = re.compile(r"(?<!\d)(\d\d)([-_.])(\d\d)\2(20\d\d)(?!\d)")
# The share of a day's ids that neighbouring captures have in common, at least.
_SHARED = 0.3
# The share of rows with `date` on the day of another time, from which `date` is that time.
_SAME = 0.9
# Ids to remember for the comparison of days; above, half of each day's are forgotten.
_REMEMBERED = 1 << 18


def day_column(columns: Iterable[str]) -> str | None:
    """The column that may hold the day of a row: `day`, else `date`."""
    by_letters = {letters(one): one for one in reversed(list(columns))}
    return next((by_letters[name] for name in DAY_COLUMNS if name in by_letters), None)


def day_of(value: Any) -> str | None:
    """The day that a value begins with, or that of a number that is a time (`utc_time`)."""
    if value is None:
        return None
    match = _VALUE.fullmatch(str(value).strip()) or _VALUE.fullmatch(str(utc_time(value)[0]))
    return _valid(*match[1].split("-")) if match else None


@lru_cache(maxsize=1 << 8)
def id_and_time_columns(columns: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The columns of a row's id and of its times."""
    fields: dict[str, list[str]] = {}
    for kind in reversed(KINDS):
        fields |= columns_of(kind, columns)
    return fields.get("id", []), [one for name in TIMES for one in fields.get(name, [])]


def id_of(row: Mapping[str, Any]) -> Any:
    """A row's id, under any of its names."""
    ids, _ = id_and_time_columns(tuple(row))
    return next((row[name] for name in ids if row[name] is not None), None)


def times_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row's times of its repository."""
    _, times = id_and_time_columns(tuple(row))
    return {name: row[name] for name in times if row[name] is not None}


def _valid(year: str, month: str, day: str) -> str | None:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


@dataclass
class NamedDays:
    """The days in the names of a folder's files.

    Args:
        paths: all files, relative to the folder.
    """

    paths: Iterable[PurePath]
    # By folder: whether the day comes before the month, with a name as evidence for each.
    _order: dict[PurePath, dict[bool, str]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for path in self.paths:
            for part, folder in zip(path.parts, [*reversed(path.parents)], strict=True):
                for first, _, second, year in _YEAR_LAST.findall(part):
                    for day_first, day, month in ((True, first, second), (False, second, first)):
                        if int(day) > 12 and _valid(year, month, day):
                            self._order.setdefault(folder, {}).setdefault(day_first, part)

    def of(self, path: PurePath) -> str | None:
        """The day in a file's name, else in the nearest folder's.

        Raises:
            ArchiveError: the name has several days, or an ambiguous day.
        """
        for part, folder in zip(reversed(path.parts), path.parents, strict=True):
            days = self._days(part, path, folder)
            if len(days) > 1:
                raise ArchiveError(f"{path.as_posix()} names more than one day: rename it.")
            if days:
                return days.pop()
        return None

    def _days(self, part: str, path: PurePath, folder: PurePath) -> set[str]:
        dashed = {_valid(year, month, day) for year, _, month, day in _DASHED.findall(part)}
        solid = {
            _valid(year, month, day)
            for word, year, month, day in _SOLID.findall(part)
            if not word or not _HEXADECIMAL.fullmatch(word)
        }
        for days in (dashed - {None}, solid - {None}):
            if days:
                return {day for day in days if day}
        last = [
            self._year_last(first, second, year, path, folder)
            for first, _, second, year in _YEAR_LAST.findall(part)
        ]
        return {day for day in last if day}

    def _year_last(
        self, first: str, second: str, year: str, path: PurePath, folder: PurePath
    ) -> str | None:
        """`DD-MM-YYYY` or `MM-DD-YYYY`, by the other names in the folder."""
        either = {True: _valid(year, second, first), False: _valid(year, first, second)}
        days = {day for day in either.values() if day}
        if len(days) < 2:
            return days.pop() if days else None
        order = self._order.get(folder, {})
        if len(order) == 1:
            return either[next(iter(order))]
        why = f": {' and '.join(order.values())} disagree" if order else ""
        raise ArchiveError(
            f"{path.as_posix()}: which of {first} and {second} is the month is not clear from "
            f"the names beside it{why}. Rename it to YYYY-MM-DD."
        )


@dataclass
class DateColumn:
    """Whether a column `date` is the day of capture.

    Captures have the same repositories day after day. If each id has its own date, the column is
    another date. A file of a single day has nothing to compare: its column counts.

    Args:
        name: of the column.
    """

    name: str
    _ids: dict[str, set[int]] = field(default_factory=dict, init=False)
    _mask: int = field(default=0, init=False)
    _remembered: int = field(default=0, init=False)
    # By time field: rows with this time, and those with the time on the day of `date`.
    _times: dict[str, tuple[int, int]] = field(default_factory=dict, init=False)

    def add(self, day: str, row_id: Any, times: Mapping[str, Any]) -> None:
        """Add a row's date, id and times."""
        ids = self._ids.setdefault(day, set())
        key = zlib.crc32(str(row_id).encode(errors="replace"))
        if row_id is not None and not key & self._mask and key not in ids:
            ids.add(key)
            self._remembered += 1
            if self._remembered > _REMEMBERED:
                self._forget()
        for name, value in times.items():
            if (at := day_of(value)) is not None:
                present, same = self._times.get(name, (0, 0))
                self._times[name] = present + 1, same + (at == day)

    def _forget(self) -> None:
        """Forget half of the ids, the same in each day."""
        self._mask = self._mask << 1 | 1
        for day, ids in self._ids.items():
            self._ids[day] = {key for key in ids if not key & self._mask}
        self._remembered = sum(map(len, self._ids.values()))

    def refusal(self) -> str | None:
        """Why the column is not the day of capture; None if it is."""
        for name, (present, same) in self._times.items():
            if present > 1 and same >= _SAME * present:
                return f"it is the day of `{name}`"
        days = sorted(self._ids)
        neighbours = list(pairwise(days))
        smaller = sum(min(len(self._ids[a]), len(self._ids[b])) for a, b in neighbours)
        shared = sum(len(self._ids[a] & self._ids[b]) for a, b in neighbours)
        if neighbours and shared < max(1, _SHARED * smaller):
            return "its days have hardly an id in common"
        return None

    def remark(self, file: str) -> str:
        """The remark for the user."""
        if why := self.refusal():
            return (
                f"{file}: column `{self.name}` is not taken for the day of capture, for {why}. If "
                "it is that day, rename the column `day`."
            )
        return (
            f"{file}: column `{self.name}` is taken for the day of capture. If it is not, put the "
            "day into the file's name; if it is, rename the column `day`."
        )
