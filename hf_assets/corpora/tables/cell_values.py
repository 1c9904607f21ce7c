"""Single values of a table as labels, and whether texts look like several labels each."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

# No part can match in two ways: the time is in proportion to the cell.
_NUMBER = re.compile(r"[+-]?(?:\d++\.?+\d*+|\.\d++)", re.ASCII)
# What people put between labels of one cell, where they say so.
_SEPARATORS = (";", "|", ",", "\t")
# A column of so many different cells, and twice as many as words in them, is one of tags.
_MANY_CELLS = 20


def missing(value: Any) -> bool:
    """Whether nothing stands in a cell: null, blank, or NaN."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))


def flag(value: Any) -> int | None:
    """0 or 1, of any type; None for all else."""
    if isinstance(value, str):
        value = value.strip().casefold()
        if value in ("true", "false"):
            return int(value == "true")
        value = float(value) if _NUMBER.fullmatch(value) else None
    return int(value) if isinstance(value, int | float) and value in (0, 1) else None


def says_bool(value: Any) -> bool:
    """Whether it is true or false, or the word."""
    return isinstance(value, bool) or str(value).strip().casefold() in ("true", "false")


def whole(value: Any) -> int | None:
    """A whole number, of any type but true and false; None for all else."""
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value.strip()) else None
    if isinstance(value, int):
        return None if isinstance(value, bool) else value
    return int(value) if value is not None and math.isfinite(value) and value % 1 == 0 else None


def scores(numbers: Sequence[float]) -> bool:
    """Whether numbers are shares of one and not all of them 0 or 1."""
    return all(0 <= one <= 1 for one in numbers) and any(one != int(one) for one in numbers)


def joined_cell(cells: dict[str, str]) -> tuple[str, str] | None:
    """A cell that looks like several labels of others, and what stands between them."""
    for sign in _SEPARATORS:
        split = {cell: _split(cell, sign) for cell in cells if sign in cell}
        others = Counter(part for cell in cells for part in split.get(cell, {cell}))
        for cell, parts in split.items():
            if len(parts) > 1 and all(others[part] > 1 for part in parts):
                return cell, sign
    words = {cell: _split(cell, " ") for cell in cells}
    for cell, parts in words.items():
        if len(parts) > 1 and parts <= cells.keys():
            return cell, " "
    several = [cell for cell, parts in words.items() if len(parts) > 1]
    if several and len(cells) > max(_MANY_CELLS, 2 * len(set().union(*words.values()))):
        return several[0], " "
    return None


def _split(cell: str, sign: str) -> set[str]:
    return {part.strip() for part in cell.split(sign) if part.strip()}
