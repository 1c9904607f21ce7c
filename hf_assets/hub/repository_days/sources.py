"""Where the rows of a day come from: its table, or the month that has its counters already."""

import datetime
from collections.abc import Mapping

import polars as pl

from hf_assets.hub.repository_days.reading import day_of
from hf_assets.hub.repository_days.schemas import Kind
from hf_assets.storage.lake import Lake, MissingDay, StoredTable

# What begins the identity of a repository whose source gives none.
NAMED = "name:"


def judged(lake: Lake, kind: Kind) -> dict[str, bool]:
    """Whether `day_quality` trusts each of its days. MissingDay where it was never materialised."""
    rows = lake.read("day_quality", None).frame
    columns = rows.collect_schema().names()
    trusted = pl.col(kind.trusted) if kind.trusted in columns else pl.lit(None, pl.Boolean)
    found = rows.select("day", trusted=trusted.fill_null(value=False)).collect()
    return {day.isoformat(): trusted for day, trusted in found.iter_rows()}


def rows_of_day(stored: StoredTable, kind: Kind) -> tuple[pl.DataFrame, int]:
    """A day's rows in the order of `hub_id`, and how many repeat an identity and are left out.

    Columns: hub_id, id and the counters.
    """
    names = [counter.name for counter in kind.counters]
    hub_id = pl.coalesce("hub_id", NAMED + pl.col("id"))
    rows = stored.frame.select(hub_id.alias("hub_id"), "id", *names).collect()
    rows = rows.sort("hub_id", maintain_order=True)
    repeated = rows["hub_id"] == rows["hub_id"].shift()
    if count := len(repeated.arg_true()):
        rows = rows.filter(~repeated.fill_null(value=False))
    return rows, count


def without_counters(stored: StoredTable, kind: Kind) -> bool:
    """Whether a thinned day lacks the counters: its month has them."""
    kept = str(stored.notes.get("kept", "")).split(", ")
    return "thinned" in stored.notes and not {one.name for one in kind.counters} <= {*kept}


def given_back(lake: Lake, kind: Kind, day: str) -> pl.DataFrame:
    """The rows of a day from the month that has it. MissingDay where none has."""
    rows = day_of(lake, kind.table.name, day)
    if rows is None:
        raise MissingDay(
            f"{kind.source.name} of {day} was thinned, and {kind.table.name} does not have its "
            "counters: restore one of both from a backup"
        )
    return rows


def dates(days: Mapping[str, object]) -> list[datetime.date]:
    """Days as dates."""
    return [datetime.date.fromisoformat(day) for day in days]
