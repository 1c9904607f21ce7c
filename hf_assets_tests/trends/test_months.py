"""Days kept by month: read as the days are, whatever became of them."""

import os

import polars as pl
import pytest

from hf_assets.lake import Lake
from hf_assets.trends.history import Past
from hf_assets.trends.metrics import DAILY_METRICS
from hf_assets_tests.trends.days import category, day, kept, model

MARCH, APRIL = range(0, 31), range(31, 35)


def filled(lake: Lake) -> Past:
    return kept(lake, {at: [category("a", at), model(1, at)] for at in (*MARCH, *APRIL)})


def levels(lake: Lake) -> list[int]:
    rows = Past(lake).dimension("category")
    assert rows["at"].to_list() == list(range(rows.height))
    return rows["downloads"].to_list()


def rewritten(lake: Lake, number: int, downloads: int) -> None:
    rows = [{"day": day(number), **category("a", downloads)}]
    frame = pl.DataFrame(rows, schema=dict(DAILY_METRICS.schema))
    path = lake.read("daily_metrics", day(number).isoformat()).path
    frame.write_parquet(path)


def test_a_month_that_is_over_is_kept(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(lake)
    assert levels(lake) == list(range(35))
    kept_files = sorted((lake.root / "daily_metrics" / "by_month").iterdir())
    assert [path.name for path in kept_files] == ["2025-03.parquet"]
    assert len(lake.days("daily_metrics")) == 35
    # Only the days of the last month are opened again.
    opened: list[str] = []
    scan = pl.scan_parquet

    def watched(source: object, **options: object) -> pl.LazyFrame:
        frame = scan(source, **options)  # ty: ignore[invalid-argument-type]
        opened.extend(str(one) for one in (source if isinstance(source, list) else [source]))
        return frame

    before = kept_files[0].stat().st_mtime_ns
    monkeypatch.setattr(pl, "scan_parquet", watched)
    assert levels(lake) == list(range(35))
    assert any(path.endswith("2025-03.parquet") for path in opened)
    assert kept_files[0].stat().st_mtime_ns == before


def test_a_day_made_again_added_or_gone_is_seen(lake: Lake) -> None:
    filled(lake)
    levels(lake)
    rewritten(lake, 5, 1_000)
    assert levels(lake) == [*range(5), 1_000, *range(6, 35)]
    os.unlink(lake.read("daily_metrics", day(7).isoformat()).path)
    assert levels(lake) == [*range(5), 1_000, 6, *range(8, 35)]


def test_a_copy_of_other_columns_is_made_again(lake: Lake) -> None:
    filled(lake)
    levels(lake)
    path = lake.root / "daily_metrics" / "by_month" / "2025-03.parquet"
    pl.read_parquet(path).select("day", "dimension").write_parquet(path)
    assert levels(lake) == list(range(35))
