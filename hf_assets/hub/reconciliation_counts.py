"""What a recorded file holds, counted day by day in one pass; kept in capture.json as `counted`."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import polars as pl

from hf_assets.hub.archive import NAMED
from hf_assets.hub.reconciliation_cells import numbers
from hf_assets.hub.reconciliation_files import Columns, frames
from hf_assets.hub.rows import Kind

# Files whose counts are remembered: a file of many days is read once for all of them.
_REMEMBERED = 8
_ALONE = Lock()

Counts = dict[str, Any]


def counted(path: Path, kind: Kind, day: str, *, many: bool) -> Counts:
    """What the file holds of that day: rows, distinct ids, and by field the sums of its values.

    A file that cannot be counted says so, under `uncounted`; it is never an error.

    Args:
        path: of the recorded file.
        kind: "models" or "spaces".
        day: of which rows are counted.
        many: the file has a column of days; else all its rows are of that day.
    """
    try:
        said = path.stat()
        with _ALONE:
            days = _by_day(path, kind, many, said.st_size, said.st_mtime_ns)
    # Whatever a file holds, and whatever a reader makes of it: the day itself is not at stake.
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001
        return {"uncounted": f"{type(error).__name__}: {error}"[:300]}
    nothing = {"uncounted": "the file has no row of that day"}
    return days.get(day if many else "", nothing if many else {"rows": 0, "fields": {}})


@lru_cache(_REMEMBERED)
def _by_day(path: Path, kind: Kind, many: bool, size: int, changed: int) -> Mapping[str, Counts]:
    """The counts of each day; of all rows under "", where the file has one day.

    Args:
        path: of the file.
        kind: "models" or "spaces".
        many: it has a column of days.
        size: of the file: a changed file is another.
        changed: when that was.
    """
    del size, changed
    sums: list[pl.DataFrame] = []
    ids: list[pl.DataFrame] = []
    columns: dict[str, list[str]] = {}
    for raw, of_frame in frames(path, kind):
        for field, names in of_frame.items():
            columns[field] = [*dict.fromkeys([*columns.get(field, []), *names])]
        frame = _named(raw, of_frame, many=many)
        of_rows = pl.concat(
            [frame.select("day", "named", "key"), numbers(_fields(frame))], how="horizontal"
        )
        named = of_rows.filter("named")
        ids.append(named.select("day", "key"))
        unnamed = of_rows.group_by("day").agg(unnamed=(~pl.col("named")).sum().cast(pl.Int128))
        sums.append(unnamed.join(_added_up(named.drop("named", "key")), on="day", how="left"))
    if not sums:
        return {}
    each_day = _added_up(pl.concat(sums, how="diagonal").fill_null(0), rows=False)
    distinct = dict(pl.concat(ids).group_by("day").agg(pl.col("key").n_unique()).iter_rows())
    repeated = _on_several_days(pl.concat(ids)) if many else None
    return {
        row["day"]: _plain(row, distinct.get(row["day"], 0), columns, repeated)
        for row in each_day.iter_rows(named=True)
        if row["day"] is not None
    }


def _named(frame: pl.DataFrame, columns: Columns, *, many: bool) -> pl.DataFrame:
    """The columns under the Hub's names, with the day, whether a row has a name, and its key."""
    fields = [
        _first_of(frame, names).alias(field)
        for field, names in columns.items()
        if field not in ("_id", "id", "day")
    ]
    name = _texts(frame, columns, "id")
    # `_id` keeps two models apart that changed names; without it the name does.
    key = pl.select(pl.coalesce(_texts(frame, columns, "_id"), NAMED + name)).to_series()
    day = _texts(frame, columns, "day").str.slice(0, 10) if many else pl.repeat("", frame.height)
    return (
        pl.DataFrame(fields).with_columns(
            day=day, named=name.is_not_null() & (name != ""), key=key.hash()
        )
        if fields
        else pl.select(day=day, named=name.is_not_null() & (name != ""), key=key.hash())
    )


def _fields(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop("day", "named", "key")


def _first_of(frame: pl.DataFrame, names: list[str]) -> pl.Series:
    """The first column that has a value; columns of several types as texts."""
    if len(names) == 1:
        return frame[names[0]]
    if len({frame[name].dtype for name in names}) == 1:
        return frame.select(pl.coalesce(names)).to_series()
    texts = [frame[name].cast(pl.String, strict=False) for name in names]
    return pl.select(pl.coalesce(texts)).to_series()


def _texts(frame: pl.DataFrame, columns: Columns, field: str) -> pl.Series:
    if field not in columns:
        return pl.Series([None] * frame.height, dtype=pl.String)
    text = _first_of(frame, columns[field]).cast(pl.String, strict=False).str.strip_chars()
    return pl.select(pl.when(text != "").then(text)).to_series()


def _added_up(frame: pl.DataFrame, *, rows: bool = True) -> pl.DataFrame:
    """By day: sums, of `largest` the largest, and how many rows there are."""
    largest = [name for name in frame.columns if name.endswith(":largest")]
    return frame.group_by("day").agg(
        pl.exclude("day", *largest).sum(),
        pl.col(largest).max(),
        *([pl.len().cast(pl.Int128).alias("rows")] if rows else []),
    )


def _on_several_days(ids: pl.DataFrame) -> bool | None:
    """Whether an id is on more than one day; None where the file has one day only."""
    if ids["day"].n_unique() < 2:
        return None
    return ids["key"].n_unique() < ids.unique().height


def _plain(
    row: Mapping[str, Any], distinct: int, columns: Columns, repeated: bool | None
) -> Counts:
    fields: dict[str, dict[str, Any]] = {}
    for name, value in row.items():
        field, _, measure = name.partition(":")
        if measure:
            fields.setdefault(field, {})[measure] = int(value or 0)
    return {
        "rows": int(row["rows"] or 0),
        "unnamed": int(row["unnamed"]),
        "distinct": distinct,
        "columns": {field: list(names) for field, names in columns.items()},
        "repeated": repeated,
        "fields": fields,
    }
