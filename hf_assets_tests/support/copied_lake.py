"""A small lake with a part of each kind, and leftovers that no copy takes."""

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.page_frames import framed
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.storage.parquet import Column, Table
from hf_assets_tests.support.hub.captures import first_manifest

DAYS = ("2026-10-30", "2026-10-31", "2026-11-01")
ATTEMPT, LEFT = "20261120T030000.000000Z", "20261119T030000.000000Z"
NUMBERS = Table(
    "numbers",
    {"day": Column(pl.Date, "the day"), "value": Column(pl.Int64, "a number")},
    required=("day", "value"),
)
SERIES = Table("number_history", NUMBERS.columns, required=("day", "value"))
PAGES = [json.dumps([{"id": f"someone/{number}"}]).encode() * 40 for number in range(3)]
# Of the tables of `small_lake`: days, months and captures.
TABLES = [("numbers", day) for day in DAYS] + [("number_history", None), ("all_numbers", None)]
FOLDERS = ("corpora/letters", "classifiers/letters/tiny/onnx", "trend_figures")


def small_lake(root: Path, *, value: int = 1) -> Lake:
    """Tables of three days with side tables, one without days, one by month; captures; folders."""
    lake = Lake(root)
    for number, day in enumerate(DAYS):
        # The second time the day has another version of its side table.
        for again in range(2):
            aside = rows(day, [value, again])
            write = TableWrite([rows(day, range(value, number + 9))], aside={"rejected": aside})
            lake.write(NUMBERS, day, write)
    lake.write(Table("all_numbers", NUMBERS.columns), None, TableWrite([rows(DAYS[0], [value])]))
    for again in range(2):
        with lake.refreshing(SERIES.name):
            for month in ("2026-10", "2026-11"):
                lake.write(SERIES, month, TableWrite([rows(f"{month}-01", range(value + again))]))
            lake.join_months(SERIES.name, ["2026-10", "2026-11"], {}, 0.0)
    # A month that is not part of the table yet.
    lake.write(SERIES, "2026-12", TableWrite([rows("2026-12-01", [1])]))
    _capture(lake, value)
    for name in ("one.png", "one.svg", "figures.json"):
        lake.write_file("snapshot_figures", DAYS[0], name, f"{name} {value}".encode())
    for folder in FOLDERS:
        for name in ("facts.json", "parts/weights.bin"):
            path = lake.root / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{folder} {name} {value}".encode() * 500)
    _leftovers(lake.root)
    return lake


def rows(day: str, values: Any) -> pl.DataFrame:
    found = [{"day": date.fromisoformat(day), "value": value} for value in values]
    return pl.DataFrame(found, schema=NUMBERS.schema)


def _capture(lake: Lake, value: int) -> None:
    """A capture whose last page was stored on a store: it has its line in front."""
    day = lake.folder("raw_models", DAYS[0])
    lines = [
        {"page": number, "url": "", "next": None, "rows": 1, "bytes": len(page),
         "sha256": hashlib.sha256(page).hexdigest()}
        for number, page in enumerate(PAGES)
    ]  # fmt: skip
    (day / ATTEMPT).mkdir(parents=True)
    for number, page in enumerate(PAGES):
        content = framed(json.dumps(lines[number]).encode(), page)
        if number < len(PAGES) - 1:
            content = files.ZSTD.compress(page, asbytes=True)
        files.page_path(day / ATTEMPT, number).write_bytes(content)
    header = {"ask": first_manifest()["ask"], "endpoint": "https://hub", "started": f"{value}"}
    text = "".join(f"{json.dumps(line)}\n" for line in (header, *lines))
    (day / ATTEMPT / files.JOURNAL).write_text(text)
    manifest = first_manifest(attempt=ATTEMPT, pages=len(PAGES), rows=value)
    (day / files.MARKER).write_text(json.dumps(manifest))
    for left in (day / LEFT, lake.folder("raw_models", DAYS[1]) / LEFT):
        left.mkdir(parents=True)
        (left / files.JOURNAL).write_text("{}\n")


def _leftovers(root: Path) -> None:
    for name in (
        *("dagster_home/history.db", ".alarms/waiting/one.json", "last_run.log"),
        *("lost+found/piece", "numbers/.data.parquet.77-aa.tmp", "corpora/.letters.lock"),
        "classifiers/letters/tiny/.classifier.training/step.bin",
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"left")
