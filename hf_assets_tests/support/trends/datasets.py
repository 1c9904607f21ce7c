"""Generated days of datasets, of any size, and their aggregates."""

import datetime as dt

import numpy as np
import polars as pl

from hf_assets.hub.tables import schemas
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS, daily_metrics

TASKS = [f"task-{number:02d}" for number in range(60)]
LANGUAGES = [
    f"{first}{second}" for first in "abcdefghijklmnopqrst" for second in "aeiounrstlmdkpgbvz"
]
MODALITIES = ["text", "image", "audio", "tabular", "timeseries", "video", "3d", "geospatial"]
FORMATS = ["parquet", "json", "csv", "text", "imagefolder", "webdataset", "arrow"]
SIZES = ["n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", None]
LICENSES = ["mit", "apache-2.0", "cc-by-4.0", "other", None, None, None]


def _lists(rng: np.random.Generator, keys: list[str], count: int, most: int) -> pl.Series:
    """Zero to so many keys a row, the first ones most often; some rows are null."""
    sizes = rng.integers(0, most + 1, count) * (rng.random(count) < 0.6)
    weights = 1 / np.arange(1, len(keys) + 1)
    drawn = rng.choice(len(keys), int(sizes.sum()), p=weights / weights.sum())
    flat = pl.DataFrame({"at": np.repeat(np.arange(count), sizes), "key": drawn})
    names = pl.Series(keys)
    lists = flat.with_columns(key=names.gather(drawn)).group_by("at").agg("key")
    every = pl.DataFrame({"at": np.arange(count)}).join(
        lists, on="at", how="left", maintain_order="left"
    )
    empty = pl.Series(rng.random(count) < 0.5)
    return every.select(
        pl.when(pl.col("key").is_null() & empty)
        .then(pl.lit([], pl.List(pl.String)))
        .otherwise("key")
    ).to_series()


def hub_datasets(count: int, day: str, seed: int = 0, grown: float = 1.0) -> pl.DataFrame:
    """A day of `hub_datasets` with heavy-tailed counters, some of them null."""
    rng = np.random.default_rng(seed)
    downloads = np.floor(rng.pareto(0.8, count) * 10 * grown)
    at = np.arange(count)
    authors = np.floor(rng.pareto(0.5, count) * 3) % max(count // 4, 1)
    frame = pl.DataFrame({"at": at, "downloads": downloads, "of": authors}).select(
        day=pl.lit(iso(day)),
        # As little alike as the Hub's: what a file of them takes depends on it.
        hub_id=pl.lit("66") + pl.col("at").hash(seed).cast(pl.String).str.zfill(22),
        author=pl.when(pl.col("at") % 97 > 0).then(
            pl.lit("org-") + pl.col("of").cast(pl.Int64).cast(pl.String)
        ),
        created_at=pl.lit(dt.datetime(2023, 1, 1, tzinfo=dt.UTC)) + pl.duration(minutes="at"),
        downloads=pl.when(pl.col("at") % 31 > 0).then("downloads").cast(pl.Int64),
        downloads_all_time=(pl.col("downloads") * 9).cast(pl.Int64),
        likes=(pl.col("downloads") // 50).cast(pl.Int64),
        trending_score=(pl.col("downloads") % 7) / 2,
        task_categories=_lists(rng, TASKS, count, 3),
        languages=_lists(rng, LANGUAGES, count, 4),
        modalities=_lists(rng, MODALITIES, count, 2),
        formats=_lists(rng, FORMATS, count, 1),
        size_category=pl.Series(SIZES).gather(rng.integers(0, len(SIZES), count)),
        license=pl.Series(LICENSES).gather(rng.integers(0, len(LICENSES), count)),
        gated=pl.lit("false"),
        floor_dated=pl.lit(value=False),
    )
    named = frame.with_columns(
        id=pl.concat_str(
            pl.col("author").fill_null("legacy"), pl.lit("/data-"), pl.col("hub_id").str.slice(16)
        )
    )
    missing = {
        name: pl.lit(None, kind)
        for name, kind in schemas.HUB_DATASETS.schema.items()
        if name not in named.columns
    }
    return named.with_columns(**missing).select(schemas.HUB_DATASETS.schema.names())


def store_datasets(lake: Lake, frame: pl.DataFrame, day: str) -> StoredTable:
    """That day, in row groups."""
    write = TableWrite(frame.iter_slices(1 << 16), provenance={"raw_datasets": {"sha256": day}})
    return lake.write(schemas.HUB_DATASETS, day, write)


def metrics_of(lake: Lake, stored: StoredTable | None, day: str) -> StoredTable:
    """`daily_metrics` of a day without models, with these datasets."""
    return lake.write(
        DAILY_METRICS,
        day,
        daily_metrics(
            pl.LazyFrame(schema=schemas.MODELS.schema),
            None,
            pl.LazyFrame(schema=schemas.MODEL_USAGE.schema),
            [],
            day,
            datasets={day: stored} if stored else None,
        ),
    )
