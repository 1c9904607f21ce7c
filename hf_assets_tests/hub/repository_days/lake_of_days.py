"""Lakes with days of models whose counters move, vanish and come back."""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.hub.repository_days.old_days import emptied_notes, gives_back, read_day
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import NAMED, OF_MODELS, Kind
from hf_assets.storage.lake import Lake, TableWrite, iso
from hf_assets.storage.parquet import Table

MODELS = 60
# Two months, a gap, and a day of each that is not trusted.
DAYS = tuple(f"2026-01-{day}" for day in (27, 28, 30, 31)) + tuple(
    f"2026-02-0{day}" for day in (1, 2, 3, 5)
)
UNTRUSTED = ("2026-01-30", "2026-02-02")
# Emptied: two of three trusted days of January, one of February; and what they had.
OLD = (DAYS[0], DAYS[1], DAYS[5])
Old = dict[str, pl.DataFrame]


def hub_id(number: int) -> str:
    """An identity; those of neighbours are in no order."""
    return f"{random.Random(number).getrandbits(96):024x}"


def created(number: int) -> datetime:
    """When a repository was created: not when its identity says."""
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=number, milliseconds=number)


def rows_of(day: str, seed: int = 0) -> list[dict[str, Any]]:
    """A day: some models are missing, some values unknown, huge or falling, some are renamed."""
    draws = random.Random(f"{day} {seed}")
    rows = []
    for number in range(MODELS):
        if draws.random() < 0.1:
            continue
        moved = "-new" if draws.random() < 0.05 else ""
        rows.append(
            {
                "hub_id": hub_id(number),
                "id": f"maker/model-{number}{moved}",
                "downloads": draws.choice([None, 0, 5, number, draws.randrange(2**40)]),
                "downloads_all_time": draws.choice([7, 8, 2**62]),
                "likes": number,
                "trending_score": draws.choice([None, 0.0, -0.0, 0.1, 1e300]),
                "category": draws.choice(["text-generation", None, "", "fill-mask"]),
                "gated": draws.choice(["false", "auto", None]),
                "private": draws.random() < 0.1,
                "created_at": draws.choice([None, created(number), created(number + 1)]),
                "floor_dated": draws.choice([None, False]),
                "task_categories": draws.choice([None, [], ["a"], ["a", "b"]]),
                "size_category": draws.choice([None, "1K<n<10K"]),
                "sdk": draws.choice([None, "gradio", "docker"]),
                "n_models": draws.choice([None, 0, 3]),
            }
        )
    return rows


def write_day(
    lake: Lake,
    day: str,
    rows: Iterable[dict[str, Any]],
    kind: Kind = OF_MODELS,
    *,
    aside: bool = False,
) -> None:
    """Store the table of a day; `aside`: as a day of a capture, with a side table."""
    content = TableWrite([_filled(kind.source, day, rows)])
    if aside:
        content.notes["repaired"] = 3
        content.provenance["raw"] = {"endpoint": "https://hub"}
        content.aside["quarantine"] = pl.DataFrame({"id": ["broken"]})
    lake.write(kind.source, day, content)


def empty(lake: Lake, day: str, kind: Kind = OF_MODELS) -> pl.DataFrame:
    """Leave the rows of a day to the series. Returns what a thinned day of before has."""
    asset = kind.source.name
    assert gives_back(lake, asset, day) is None
    stored = lake.read(asset, day)
    kept = ("day", *kind.kept)
    notes = {"thinned": "2026-09-01", "kept": ", ".join(kept), **emptied_notes(lake, asset, day)}
    content = TableWrite([], {**stored.notes, **notes}, stored.provenance, stored.asides)
    lake.write(kind.source, day, content)
    gone = (
        pl.lit(None, column.dtype).alias(name)
        for name, column in kind.source.columns.items()
        if name not in kept
    )
    order = pl.coalesce("hub_id", NAMED + pl.col("id"))
    return stored.frame.sort(order).with_columns(gone).collect()


def judge(lake: Lake, days: Sequence[str], untrusted: Sequence[str] = UNTRUSTED) -> None:
    """Store `day_quality`."""
    rows = [
        {"day": iso(day), "trusted": day not in untrusted, "datasets_trusted": day not in untrusted}
        for day in days
    ]
    lake.write(DAY_QUALITY, None, TableWrite([_filled(DAY_QUALITY, None, rows)]))


def fill(lake: Lake, kind: Kind = OF_MODELS) -> None:
    """Every day, and the series."""
    for day in DAYS:
        write_day(lake, day, rows_of(day), kind)
    judge(lake, DAYS)
    refresh(lake, kind)


def _filled(table: Table, day: str | None, rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    of_day = {"day": iso(day)} if day else {}
    return pl.DataFrame(
        [{name: row.get(name) for name in table.columns} | of_day for row in rows],
        schema=table.schema,
    )


def source(lake: Lake, day: str, kind: Kind = OF_MODELS) -> pl.DataFrame:
    """What the series keeps, as the table of a day has it, in the order of identities."""
    return lake.read(kind.source.name, day).frame.select(kind.kept).sort("hub_id").collect()


def make_again(lake: Lake) -> None:
    """Store a day that is not emptied with other rows."""
    write_day(lake, DAYS[2], rows_of(DAYS[2], seed=9))


def all_there(lake: Lake, old: Old) -> None:
    """Every emptied day is given back."""
    for day, rows in old.items():
        stored = read_day(lake, "models", day)
        found = stored.frame.collect()
        assert found.equals(rows), day
        assert stored.rows == rows.height
