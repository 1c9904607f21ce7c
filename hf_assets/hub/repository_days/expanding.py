"""Rows of a month as rows of days, and as the values of one day."""

import itertools
from collections.abc import Sequence

import numpy as np
import polars as pl

from hf_assets.hub.repository_days.layout import Changes, filled, unzigzag
from hf_assets.hub.repository_days.schemas import DAYS, EARLIER_TRAITS, Counter, Kind, stored_as
from hf_assets.hub.repository_days.traits import Past, traits_given

# A bit of each day of a month.
BITS = np.left_shift(1, np.arange(DAYS, dtype=np.int64))
# Rows that are expanded at a time: a matrix of days takes 8 MB.
BLOCK = 1 << 15


def day_schema(kind: Kind, traits: Sequence[str] = ()) -> pl.Schema:
    """The columns of a row a day.

    Raises:
        ValueError: the kind has no such trait.
    """
    if others := [name for name in traits if name not in kind.traits]:
        raise ValueError(
            f"{kind.table.name} has no trait {others[0]!r}, only {', '.join(kind.traits)}"
        )
    source = kind.source.schema
    counters = {counter.name: counter.dtype for counter in kind.counters}
    names = {"hub_id": pl.String, "id": pl.String, "day": pl.Date, "trusted": pl.Boolean}
    return pl.Schema({**names, **{name: source[name] for name in traits}, **counters})


def expanded(rows: pl.DataFrame, kind: Kind, traits: Sequence[str] = ()) -> pl.DataFrame:
    """A row a repository and day that lists it, in the order of the rows and then of days."""
    parts = [_expanded(part, kind, traits) for part in rows.iter_slices(BLOCK) if part.height]
    return pl.concat(parts) if parts else pl.DataFrame(schema=day_schema(kind, traits))


def _expanded(rows: pl.DataFrame, kind: Kind, traits: Sequence[str]) -> pl.DataFrame:
    row, bit = np.nonzero(_matrix(rows["listed"]))
    of_row = pl.Series(row.astype(np.uint32))
    days = rows["first_day"].to_numpy()[row] + bit.astype("timedelta64[D]")
    hub_ids = rows["hub_id"].gather(of_row)
    columns = {
        "hub_id": hub_ids,
        **_slow(rows, row, bit, ["id", *traits], kind, hub_ids),
        "day": pl.Series(days),
        "trusted": pl.Series((rows["trusted"].to_numpy()[row] >> bit) & 1 != 0),
    }
    for counter in kind.counters:
        values, known = counter_days(rows, counter)
        columns[counter.name] = _with_nulls(values[row, bit], known[row, bit], counter)
    return pl.DataFrame({name: columns[name] for name in day_schema(kind, traits)})


def _slow(
    rows: pl.DataFrame,
    row: np.ndarray,
    bit: np.ndarray,
    names: Sequence[str],
    kind: Kind,
    hub_ids: pl.Series,
) -> dict[str, pl.Series]:
    """Name and traits of these rows on these days."""
    found: dict[str, pl.Series] = {}
    if "id" in names:
        found |= Past(rows, "earlier_ids").on(row, bit, ["id"])
    if traits := [name for name in names if name in kind.traits]:
        values = Past(rows, EARLIER_TRAITS).on(row, bit, [stored_as(name) for name in traits])
        given = traits_given(pl.DataFrame({"hub_id": hub_ids, **values}), kind)
        found |= {name: given[name] for name in traits}
    return found


def _matrix(masks: pl.Series) -> np.ndarray:
    """Whether each day's bit is set, a row a mask (bool, rows x 31)."""
    return (masks.to_numpy().astype(np.int64)[:, None] & BITS) != 0


def counter_days(rows: pl.DataFrame, counter: Counter) -> tuple[np.ndarray, np.ndarray]:
    """The values of a counter on each day (rows x 31), and whether it is known there."""
    known = _matrix(filled(rows[counter.known], rows["listed"]))
    changed = _matrix(rows[counter.changed])
    first = filled(rows[counter.name], 0).to_numpy()
    changes = Changes.of(rows[counter.changes])
    if counter.steps:
        values = np.zeros(known.shape, np.int64)
        values[changed] = unzigzag(changes.values)
        values[:, 0] += first
        return np.cumsum(values, axis=1, out=values), known
    at = np.cumsum(changed, axis=1)
    every = np.append(changes.values, 0.0)
    places = np.where(at > 0, changes.begins[:, None] + at - 1, 0)
    return np.where(at > 0, every[places], first[:, None]), known


def _with_nulls(values: np.ndarray, known: np.ndarray, counter: Counter) -> pl.Series:
    column = pl.Series(counter.name, values, dtype=counter.dtype)
    if known.all():
        return column
    return column.zip_with(pl.Series(known), pl.Series([None], dtype=counter.dtype))


def of_day(rows: pl.DataFrame, bit: int, kind: Kind, names: Sequence[str]) -> pl.DataFrame:
    """`hub_id` and these columns of one day, of the rows that it lists.

    Args:
        rows: of a month, with `columns_of` those.
        bit: 0 is the first of the month.
        kind: of repository.
        names: of the columns.
    """
    until, mask = (2 << bit) - 1, 1 << bit
    listing = (rows["listed"].to_numpy() & mask) != 0
    every, bits = np.arange(rows.height), np.full(rows.height, bit)
    columns = {"hub_id": rows["hub_id"]}
    columns |= _slow(rows, every, bits, names, kind, rows["hub_id"])
    for counter in kind.counters:
        if counter.name not in names:
            continue
        counts = (rows[counter.changed] & until).bitwise_count_ones().to_numpy().astype(np.int64)
        values = Changes.of(rows[counter.changes]).level(rows[counter.name], counter, counts)
        known = (filled(rows[counter.known], rows["listed"]).to_numpy() & mask) != 0
        # Rows that the day does not list are left out below.
        columns[counter.name] = _with_nulls(values, known | ~listing, counter)
    given = pl.DataFrame(columns).select("hub_id", *names)
    return given if listing.all() else given.filter(pl.Series(listing))


def columns_of(kind: Kind, names: Sequence[str]) -> list[str]:
    """The columns of a month that say what these are on a day.

    Raises:
        ValueError: the series does not have one of them.
    """
    if others := [name for name in names if name not in kind.kept]:
        raise ValueError(
            f"{kind.table.name} does not have {others[0]!r}, only {', '.join(kind.kept)}"
        )
    traits = [stored_as(name) for name in kind.traits if name in names]
    of_counters = (one.stored for one in kind.counters if one.name in names)
    return [
        *("hub_id", "listed"),
        *(["id", "earlier_ids"] if "id" in names else []),
        *([*traits, EARLIER_TRAITS] if traits else []),
        *itertools.chain.from_iterable(of_counters),
    ]
