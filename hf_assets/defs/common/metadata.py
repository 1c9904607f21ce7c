"""Metadata of materialisations: labels, units and previews for the UI."""

import base64
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import dagster as dg
import polars as pl

from hf_assets.hub.archive.column_ranges import RANGES, stored_preview
from hf_assets.hub.capture.capturer import Progress
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.client.rows import parse_page
from hf_assets.hub.client.wire import WIRE_SCHEMA, Kind
from hf_assets.hub.retention import TABLE_OF
from hf_assets.object_store.path import LakePath, uri
from hf_assets.storage.folders import folder_bytes
from hf_assets.storage.lake import StoredTable
from hf_assets.storage.parquet import PREVIEW_ROWS, Table
from hf_assets.storage.records import CaptureProvenance
from hf_assets.ui_words import label

# Characters of a text in the preview: the Hub sets no limit on the length of a tag.
PREVIEW_TEXT = 80
# At most this many unread columns are named.
MOST_UNREAD = 20

_TYPES = {
    pl.Int64: "int",
    pl.Int32: "int",
    pl.Float64: "float",
    pl.Float32: "float",
    pl.Boolean: "bool",
    pl.String: "string",
    pl.Date: "date",
    pl.Binary: "bytes",
}


def _type(dtype: Any) -> str:
    """A polars type as the UI shows it."""
    if isinstance(dtype, pl.Datetime):
        return f"timestamp ({dtype.time_zone})"
    if isinstance(dtype, pl.List):
        return f"list of {_type(dtype.inner)}"
    if isinstance(dtype, pl.Struct):
        return f"{{{', '.join(field.name for field in dtype.fields)}}}"
    return _TYPES[dtype]


def column_schema(table: Table) -> dg.TableSchema:
    """Names, types and descriptions of the columns."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=name,
                type=_type(column.dtype),
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=name not in table.required),
            )
            for name, column in table.columns.items()
        ]
    )


def wire_schema(kind: Kind) -> dg.TableSchema:
    """The fields of a listing, as the Hub serves them."""
    table = TABLE_OF[f"raw_{kind}"]
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, _type(dtype), f"The Hub's `{name}`, as served; see `{table}`.")
            for name, dtype in WIRE_SCHEMA[kind].items()
        ]
    )


def stored_table(stored: StoredTable, table: Table, *, brief: bool = False) -> dict[str, Any]:
    """Rows, schema, counts, provenance, preview and path of one stored day.

    `brief` omits schema and preview.
    """
    counts = {
        name: count
        for name, count in stored.notes.items()
        if name != "rows" and isinstance(count, int | float | str)
    }
    return {
        "dagster/partition_row_count" if stored.day else "dagster/row_count": stored.rows,
        "dagster/uri": uri(stored.path),
        **({} if brief else {"dagster/column_schema": column_schema(table)}),
        **{
            # A name may contain a category, which is a text of the Hub.
            f"count: {shown(label(name))}" if isinstance(count, int) else name: count
            for name, count in counts.items()
        },
        "seconds": stored.seconds,
        "file size (bytes)": stored.bytes,
        "path": dg.MetadataValue.path(str(stored.path)),
        "provenance": dg.MetadataValue.json(stored.provenance),
        **_source(stored.provenance),
        **({} if brief else {"preview": _preview(stored, table)}),
    }


def _preview(stored: StoredTable, table: Table) -> dg.TableMetadataValue:
    rows = stored.frame if stored.shown is None else stored.shown.lazy()
    return preview(rows, table.preview_by)


def _source(provenance: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        f"source: {asset}": f"{shown(CaptureProvenance.read(facts).origin)}, "
        f"{facts['started'][:16]} to {facts['finished'][:16]} UTC, sha256 {facts['sha256'][:12]}"
        for asset, facts in provenance.items()
        if "endpoint" in facts and "sha256" in facts
    }


def capture_facts(capture: Capture, kind: Kind, *, brief: bool = False) -> dict[str, Any]:
    """The manifest of a capture, for the UI; `brief` omits schema and preview."""
    said, came = capture.manifest, capture.provenance
    started, finished = (datetime.fromisoformat(at) for at in (said.started, said.finished))
    seconds = (finished - started).total_seconds()
    return {
        "dagster/partition_row_count": said.rows,
        "dagster/uri": uri(capture.folder),
        **({} if brief else {"dagster/column_schema": wire_schema(kind)}),
        "source": capture.source,
        "origin": shown(CaptureProvenance.read(came).origin),
        "pages": said.pages,
        "chains": said.chains or 1,
        **({"one chain because": shown(said.one_chain)} if said.one_chain else {}),
        "distinct rows": capture.distinct,
        "size (bytes)": said.bytes,
        "endpoint": said.endpoint,
        "client": said.client,
        **_archived(came),
        "rows per second": round(said.rows / seconds, 1) if seconds else 0.0,
        "started": dg.MetadataValue.timestamp(started),
        "finished": dg.MetadataValue.timestamp(finished),
        "sha256": said.sha256,
        "limited": capture.limited,
        "refused fields": ", ".join(said.refused) or "none",
        "path": dg.MetadataValue.path(str(capture.folder)),
        "capture.json": dg.MetadataValue.json(said.plain()),
        **({} if brief or capture.pages_dropped else {"preview": _first_rows(capture, kind)}),
    }


def _first_rows(capture: Capture, kind: Kind) -> dg.TableMetadataValue:
    if capture.form == RANGES:
        rows = stored_preview(kind, map(capture.page, capture.page_numbers()), PREVIEW_ROWS)
    else:
        rows, _ = parse_page(kind, 0, capture.page(0), capture.records[0].decoded)
    return preview(rows.lazy(), None)


def _archived(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata of a day that came from an archive."""
    labels = {
        "revision": "revision",
        "committed": "committed",
        "file_sha256": "file sha256",
        "absent_kind": "reason for no rows",
    }
    said = {label: shown(facts[name]) for name, label in labels.items() if name in facts}
    if facts.get("absent"):
        said["missing fields"] = ", ".join(facts["absent"])
    if facts.get("unread"):
        # Whoever wrote the file chose the names and types of its columns.
        named = [f"{shown(k)}: {shown(v)}" for k, v in facts["unread"].items()]
        said["unread fields"] = ", ".join(named[:MOST_UNREAD])
    return said


def captured(progress: Progress) -> dict[str, Any]:
    """Progress of a running capture."""
    said = {
        "pages": progress.pages,
        "rows": progress.rows,
        "rows per second": round(progress.rows_per_second, 1),
        "requests left in the window": progress.requests_left,
        "rows expected": progress.expected_rows,
        "seconds left": progress.seconds_left,
    }
    return {name: value for name, value in said.items() if value is not None}


def preview(frame: pl.LazyFrame, by: str | None) -> dg.TableMetadataValue:
    """A few rows, by the table's preview column; values are shortened and without markup."""
    if by:
        # Only rows that can be among them: the other columns of all rows take twice as long.
        highest = frame.select(pl.col(by).drop_nulls().top_k(PREVIEW_ROWS)).collect()[by]
        if len(highest) == PREVIEW_ROWS:
            frame = frame.filter(pl.col(by) >= highest.min())
        rows = frame.bottom_k(PREVIEW_ROWS, by=by, reverse=True).collect()
    else:
        rows = frame.head(PREVIEW_ROWS).collect()
    return dg.MetadataValue.table(
        records=[
            dg.TableRecord({name: shown(value) for name, value in row.items()})
            for row in rows.iter_rows(named=True)
        ],
        schema=dg.TableSchema([dg.TableColumn(name, "string") for name in rows.columns]),
    )


def gallery(pictures: Mapping[str, bytes]) -> dg.MarkdownMetadataValue:
    """Small PNGs below each other, inside the metadata: the UI reads no files."""
    said = (
        f"![{name.replace('_', ' ')}](data:image/png;base64,{base64.b64encode(png).decode()})"
        for name, png in pictures.items()
    )
    return dg.MetadataValue.md("\n\n".join(said))


def shown(value: Any) -> str | int | float | bool:
    """A value for the UI: short, without control characters, null as an empty text."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime | date):
        return (
            value.isoformat(sep=" ", timespec="seconds")
            if isinstance(value, datetime)
            else str(value)
        )
    if isinstance(value, list):
        value = ", ".join(str(item) for item in value)
    text = "".join(char if char.isprintable() else "�" for char in str(value))
    return text if len(text) <= PREVIEW_TEXT else text[: PREVIEW_TEXT - 1] + "…"


def stored_folder(folder: LakePath, name: str = "") -> dict[str, Any]:
    """Path of an artefact of many files, or of its file `name`, and its size in all."""
    return {**stored_path(folder / name), "size (bytes)": folder_bytes(folder)}


def stored_path(path: LakePath) -> dict[str, Any]:
    """Where a file or folder lies: its path, or its address on a store."""
    return {"path": dg.MetadataValue.path(str(path)), "dagster/uri": uri(path)}


def table(rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """Rows with the same names, every value short and inert."""
    names = list(rows[0]) if rows else ["none"]
    return dg.MetadataValue.table(
        records=[dg.TableRecord({name: shown(row[name]) for name in names}) for row in rows],
        schema=dg.TableSchema([dg.TableColumn(name, "string") for name in names]),
    )
