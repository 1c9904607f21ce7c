"""A Hub that serves recorded rows: JSON as the real Hub gave it, absent fields left absent."""

import hashlib
from bisect import bisect_right
from pathlib import Path
from typing import Any

import msgspec

from hf_assets.demo.world.source import KEY_ORDER, Keyset, Kind, Listing, Where

_Row = dict[str, Any]


class RecordedHub:
    """Rows from JSON arrays on disk.

    Args:
        models: a JSON array of models, or an object with one under `models`; None for no models.
        spaces: the same for Spaces, under `spaces`.
        datasets: the same for datasets, under `datasets`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not JSON, not an array of objects, or a row without `id`; the message names
            the file.
    """

    def __init__(
        self,
        models: Path | None = None,
        spaces: Path | None = None,
        datasets: Path | None = None,
    ) -> None:
        self._rows: dict[Kind, list[_Row]] = {}
        self._by_id: dict[Kind, dict[str, _Row]] = {}
        self.replace("models", _read(models, "models"))
        self.replace("spaces", _read(spaces, "spaces"))
        self.replace("datasets", _read(datasets, "datasets"))

    def replace(self, kind: Kind, rows: list[_Row]) -> None:
        """Serve these rows from now on."""
        self._rows[kind], self._by_id[kind] = rows, {row["id"]: row for row in rows}

    def total(self, kind: Kind) -> int:
        """Number of recorded rows of that kind."""
        return len(self._rows[kind])

    def listing(self, kind: Kind, sort: str, where: Where) -> Listing:
        """The rows sorted; those without the sort field come last, by `_id`."""
        return _RecordedListing(
            kind, sort, [row for row in self._rows[kind] if _matches(row, where)]
        )

    def row(self, kind: Kind, repo_id: str, fields: frozenset[str]) -> bytes | None:
        """The recorded row; None where there is none."""
        row = self._by_id[kind].get(repo_id)
        return None if row is None else _written(kind, row, fields)


class _RecordedListing:
    def __init__(self, kind: Kind, sort: str, rows: list[_Row]) -> None:
        self._kind, self._sort = kind, sort
        # Two stable passes: _id rising, then the value falling, absent ones last.
        rows = sorted(rows, key=_hub_id)
        absent = [row for row in rows if row.get(sort) is None]
        present = [row for row in rows if row.get(sort) is not None]
        present.sort(key=lambda row: row[sort], reverse=True)
        self._rows, self._present = present + absent, len(present)

    @property
    def total(self) -> int:
        return len(self._rows)

    def locate(self, after: Keyset | None) -> int:
        if after is None:
            return 0
        rows, value = self._rows, after.value
        if value is None:
            low, high = self._present, len(rows)
        else:
            low = self._edge(value, past=False)
            high = self._edge(value, past=True)
        return bisect_right(rows, after.hub_id, low, high, key=_hub_id)

    def _edge(self, value: Any, *, past: bool) -> int:
        low, high = 0, self._present
        while low < high:
            middle = (low + high) // 2
            try:
                here = self._rows[middle][self._sort]
                before = here >= value if past else here > value
            except TypeError as error:
                raise ValueError(f"{self._sort} cannot be {value!r}") from error
            low, high = (middle + 1, high) if before else (low, middle)
        return low

    def page(
        self, position: int, limit: int, fields: frozenset[str]
    ) -> tuple[list[bytes], Keyset | None]:
        start = max(position, 0)
        rows = self._rows[start : start + limit]
        if not rows:
            return [], None
        last = Keyset(rows[-1].get(self._sort), _hub_id(rows[-1]))
        return [_written(self._kind, row, fields) for row in rows], last


def _hub_id(row: _Row) -> str:
    # A recording without `_id` still needs an order; what it lacks is not served.
    hub_id = row.get("_id")
    return hub_id if hub_id else hashlib.md5(row["id"].encode()).hexdigest()[:24]


def _written(kind: Kind, row: _Row, fields: frozenset[str]) -> bytes:
    chosen = {key: row[key] for key in KEY_ORDER[kind] if key in fields and key in row}
    if "modelId" in fields and kind == "models":
        chosen.setdefault("modelId", row["id"])
    return msgspec.json.encode(chosen)


def _matches(row: _Row, where: Where) -> bool:
    named = (row.get(key) for key in ("pipeline_tag", "library_name", "sdk"))
    tags = {*(row.get("tags") or ()), *named}
    author = row.get("author") or (row["id"].split("/")[0] if "/" in row["id"] else None)
    return (
        tags.issuperset(where.tags)
        and (where.author is None or author == where.author)
        and (where.search is None or where.search.lower() in row["id"].lower())
    )


def _read(path: Path | None, key: str) -> list[_Row]:
    if path is None:
        return []
    try:
        data = msgspec.json.decode(Path(path).read_bytes())
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: {error}") from error
    rows = data.get(key) if isinstance(data, dict) else data
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{path}: neither a JSON array of objects nor an object with {key!r}")
    if not all(isinstance(row.get("id"), str) for row in rows):
        raise ValueError(f"{path}: a row has no id")
    return rows
