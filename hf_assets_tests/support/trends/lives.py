"""Days of `models` written by hand, their months in `model_days`, and their past."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow.parquet as pq

from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import MODEL_DAYS, OF_MODELS
from hf_assets.hub.tables.schemas import MODELS
from hf_assets.storage.lake import Lake
from hf_assets.storage.opened import open_file
from hf_assets.storage.parquet import FOOTER_KEY
from hf_assets.trends.series.past import Past
from hf_assets_tests.support.trends.days import day, judge, verdict, write

Row = dict[str, Any]


def listed(number: int, downloads: int | None, **more: Any) -> Row:
    """A model of a day; all-time downloads are ten times as many."""
    created = more.pop("created", None)
    return {
        "hub_id": f"id{number:04d}",
        "id": f"a/m{number}",
        "category": "text",
        "downloads": downloads,
        "downloads_all_time": None if downloads is None else 10 * downloads,
        "likes": 1,
        "created_at": created and dt.datetime.combine(created, dt.time(), dt.UTC),
        **more,
    }


def kept_days(lake: Lake, days: Mapping[int, list[Row]], untrusted: Iterable[int] = ()) -> Past:
    """Days of `models` by number, each compared with the last; and their `model_days`."""
    numbers, bad = sorted(days), set(untrusted)
    befores = dict(zip(numbers, [None, *numbers], strict=False))
    verdicts = (verdict(one, before=befores[one], trusted=one not in bad) for one in numbers)
    judge(lake, verdicts)
    for number, rows in days.items():
        every = [dict.fromkeys(MODELS.schema) | {"day": day(number), **row} for row in rows]
        names = set(MODELS.schema)
        write(lake, MODELS, day(number).isoformat(),
              [{name: row[name] for name in row if name in names} for row in every])  # fmt: skip
    refresh(lake, OF_MODELS)
    return Past(lake)


def in_small_groups(lake: Lake, rows: int) -> None:
    """Write the months of `model_days` again, in row groups of so many rows."""
    for path in lake.read(MODEL_DAYS.name, None).months:
        file = open_file(path)
        table, footer = file.arrow().read(), file.footer()
        with pq.ParquetWriter(path, table.schema) as writer:
            writer.write_table(table, row_group_size=rows)
            writer.add_key_value_metadata({FOOTER_KEY: json.dumps(footer)})
