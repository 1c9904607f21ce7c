"""Old days: read as they were, also where their rows lie in the series alone.

The table of such a day has no rows. Its footer says where they are (`rows_in`), and has the notes
and the provenance of the day.
"""

import polars as pl

from hf_assets.hub.repository_days.facts import ColumnDigests, DayFacts, days_of
from hf_assets.hub.repository_days.reading import month_file, parts_of_day
from hf_assets.hub.repository_days.schemas import KIND_OF, NAMED, ROWS_DIGEST, Kind
from hf_assets.hub.repository_days.sources import TableRows
from hf_assets.object_store.scratch import scratch_file
from hf_assets.storage.durable import storing
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, iso
from hf_assets.storage.opened import LakeFile, UnnamedFile
from hf_assets.storage.parquet import ParquetBatches
from hf_assets.storage.records import Footer
from hf_assets.storage.side_tables import DATA
from hf_assets.storage.stored import ROWS_IN


def read_day(lake: Lake, asset: str, day: str) -> StoredTable:
    """`Lake.read` of a day, with its rows also where the series alone has them.

    Those come in the order of `hub_id`, and take seconds for millions of rows. Columns that the
    series does not have are null, as in a thinned day.

    Args:
        lake: the lake.
        asset: `models`, `hub_datasets` or `enriched_spaces`.
        day: YYYY-MM-DD.

    Raises:
        MissingDay: there is no such day, or its rows are nowhere.
    """
    stored = lake.read(asset, day)
    if ROWS_IN not in stored.notes:
        return stored
    kind = KIND_OF[asset]
    file, facts = _month(lake, kind, day)
    if file is None or facts is None:
        raise MissingDay(_lost(kind, day, "does not have it"))
    notes = dict(stored.notes)
    del notes[ROWS_IN]
    expected = {facts.digest, notes.pop(ROWS_DIGEST, facts.digest)}
    digests = ColumnDigests()
    with scratch_file(f"{asset}-{day}.parquet") as path, storing(path):
        with ParquetBatches(path, kind.source) as writer:
            for part in parts_of_day(file, kind, day, kind.kept[1:]):
                digests.add_all(part, kind.kept)
                writer.write(_as_table(part, kind, day))
            writer.footer = Footer(
                day=day,
                rows=writer.rows,
                notes=notes,
                provenance=stored.provenance,
                seconds=stored.seconds,
            )
        if expected != {digests.of_all()}:
            raise MissingDay(_lost(kind, day, "has other rows than it had"))
        data = UnnamedFile(path, stored.file.mark)
    return StoredTable(
        path=stored.path,
        day=day,
        rows=facts.rows,
        notes=notes,
        provenance=stored.provenance,
        seconds=stored.seconds,
        files={**stored.files, DATA: data},
    )


def gives_back(lake: Lake, asset: str, day: str) -> str | None:
    """Why the series cannot give a day back exactly; None: it can.

    The rows given back are compared with those of the table, column by column.
    """
    kind, stored = KIND_OF[asset], lake.read(asset, day)
    file, facts = _month(lake, kind, day)
    name = kind.table.name
    if file is None or facts is None:
        return f"{name} does not have it"
    if facts.repeated:
        return f"{facts.repeated} of its rows repeat the identity of another"
    if ROWS_IN in stored.notes:
        return None
    if facts.mark != stored.file.mark:
        return f"{name} has another version of it: materialise {name} first"
    if facts.rows != stored.rows:
        return f"{name} has {facts.rows:,} rows of it, its table has {stored.rows:,}"
    given, there = _digests_given(file, kind, day), _digests_stored(lake, stored, kind)
    # Of lists the digest of their elements counts, too: its name ends with a dot.
    differ = {one.rstrip(".") for one in given.keys() | there if given.get(one) != there.get(one)}
    others = [column for column in kind.kept if column in differ]
    return f"{name} has other values of {', '.join(others)}" if others else None


def emptied_notes(lake: Lake, asset: str, day: str) -> dict[str, str]:
    """What the footer of a day's table says whose rows go; `gives_back` allows it.

    Raises:
        MissingDay: the series does not have the day.
    """
    kind = KIND_OF[asset]
    _, facts = _month(lake, kind, day)
    if facts is None:
        raise MissingDay(_lost(kind, day, "does not have it"))
    return {ROWS_IN: kind.table.name, ROWS_DIGEST: facts.digest}


def _lost(kind: Kind, day: str, why: str) -> str:
    return (
        f"the rows of {kind.source.name} of {day} lie in {kind.table.name} alone, which {why}: "
        "restore it from a backup"
    )


def _month(lake: Lake, kind: Kind, day: str) -> tuple[LakeFile | None, DayFacts | None]:
    file = month_file(lake, kind.table.name, day)
    return file, days_of(file.footer()["notes"])[day] if file else None


def _as_table(rows: pl.DataFrame, kind: Kind, day: str) -> pl.DataFrame:
    """Rows of a day as its table had them."""
    gone = [
        pl.lit(None, column.dtype).alias(name)
        for name, column in kind.source.columns.items()
        if name not in {"day", *kind.kept}
    ]
    named = pl.col("hub_id").str.starts_with(NAMED)
    return rows.with_columns(
        pl.when(~named).then("hub_id").alias("hub_id"), pl.lit(iso(day)).alias("day"), *gone
    )


def _digests_given(file: LakeFile, kind: Kind, day: str) -> dict[str, str]:
    digests = ColumnDigests()
    for part in parts_of_day(file, kind, day, kind.kept[1:]):
        digests.add_all(part, kind.kept)
    return digests.digests()


def _digests_stored(lake: Lake, stored: StoredTable, kind: Kind) -> dict[str, str]:
    """Those of the table's columns in the order of `hub_id`."""
    rows = TableRows(lake, kind, stored.day)
    named = rows.named
    digests = rows.read_all().digests
    return digests if named else {**digests, "hub_id": "names of ours in the table itself"}
