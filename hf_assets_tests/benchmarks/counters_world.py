"""Days of generated models: identities, names and counters that move as those of the Hub do.

Downloads are bursty: a model's daily downloads are Poisson with a mean that varies from day to day
around its own, which varies from model to model over many orders. `downloads` is the sum of the
last 30 days, `downloads_all_time` of all. A thousandth of the models is new each day; some are
deleted, few are renamed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from hf_assets.hub.tables.schemas import MODELS

WINDOW = 30
# Logarithm of the mean of a model's daily downloads: mean and deviation over models; burstiness.
STILL, MOVING = (-2.2, 3.0, 0.3), (0.9, 2.3, 0.5)
_WORDS = (
    *("llama", "mistral", "qwen", "bert", "gemma", "phi", "whisper", "base", "large", "small"),
    *("instruct", "chat", "gguf", "lora", "awq", "v1", "v2", "7b", "13b", "8b", "70b", "sft"),
    *("dpo", "merged", "finetuned", "xl", "adapter", "test", "model", "final", "distil"),
)
_CATEGORIES = ("text-generation", "text-classification", "image-classification", None)


@dataclass(frozen=True)
class CountersWorld:
    """Generated models.

    Args:
        models: on the first day.
        first: the first day.
        days: of the world.
        activity: `STILL`, where 70 % of rows are as on the day before, or `MOVING`, 31 %.
        seed: of its draws.
    """

    models: int
    first: date
    days: int
    activity: tuple[float, float, float] = STILL
    seed: int = 1

    def tables(self) -> Iterator[pl.DataFrame]:
        """Each day's rows, with the columns that a thinned day keeps; the others are null."""
        draws = np.random.default_rng(self.seed)
        new = max(self.models // 1000, 1)
        size = self.models + new * self.days
        mean, deviation, shape = self.activity
        rate = np.exp(draws.normal(mean, deviation, size)).clip(max=3e6)
        fixed = self._fixed(draws, size)
        gone = draws.integers(0, 30 * self.days + 1, size)
        renamed = draws.integers(0, 100 * self.days + 1, size)
        recent = np.zeros((WINDOW, size), np.int32)
        all_time = (rate * draws.integers(0, 600, size)).astype(np.int64)
        likes = draws.poisson(np.minimum(rate * 0.002, 5))
        for at in range(-WINDOW, self.days):
            daily = draws.poisson(rate * draws.gamma(shape, 1 / shape, size)).astype(np.int32)
            recent[at % WINDOW] = daily
            all_time += daily
            likes = likes + draws.poisson(np.minimum(rate * 2e-4, 1))
            if at < 0:
                continue
            listed = np.arange(size) < self.models + new * at
            listed &= (gone > at) | (gone == 0)
            there = np.flatnonzero(listed)
            day = self.first + timedelta(days=at)
            names = fixed["id"] + pl.Series(np.where(renamed <= at, "-renamed", ""))
            trend = np.where(rate > 3e4, (daily % 50).astype(float), 0.0)
            counters = {
                "downloads": recent.sum(0, dtype=np.int64),
                "downloads_all_time": all_time,
                "likes": likes,
                "trending_score": trend,
            }
            moving = {name: pl.Series(values) for name, values in counters.items()}
            rows = fixed.with_columns(names.alias("id"), **moving)[there]
            rows = rows.with_columns(pl.lit(day).alias("day"))
            others = (
                pl.lit(None, column.dtype).alias(name)
                for name, column in MODELS.columns.items()
                if name not in rows.columns
            )
            yield rows.with_columns(others).select(MODELS.schema.names())

    def _fixed(self, draws: np.random.Generator, size: int) -> pl.DataFrame:
        """What stays: identity, name, category, creation."""
        begin = datetime(2022, 3, 2, tzinfo=UTC).timestamp()
        seconds = np.sort(draws.uniform(begin, begin + 1.2e8, size)).astype(np.int64)
        # A database's identities: a time, one of its processes, a number.
        processes = draws.integers(0, 2**40, 500)[draws.integers(0, 500, size)]
        numbers = draws.integers(0, 2**24, size)
        authors = [f"{n:x}" for n in draws.integers(16**5, 16**9, max(size // 6, 1))]
        words = draws.choice(_WORDS, (size, 3))
        owner = (draws.zipf(1.5, size) % len(authors)).tolist()
        number = draws.integers(0, 1000, size).tolist()
        names = [
            f"{authors[a]}/{'-'.join(w)}-{n}"
            for a, w, n in zip(owner, words.tolist(), number, strict=True)
        ]
        hub_ids = [
            f"{a:08x}{b:010x}{c:06x}"
            for a, b, c in zip(seconds.tolist(), processes.tolist(), numbers.tolist(), strict=True)
        ]
        categories = draws.integers(0, len(_CATEGORIES), size).tolist()
        return pl.DataFrame(
            {
                "hub_id": hub_ids,
                "id": names,
                "category": [_CATEGORIES[c] for c in categories],
                "created_at": pl.Series(seconds * 1000).cast(MODELS.schema["created_at"]),
                "floor_dated": np.zeros(size, bool),
                "gated": pl.repeat("false", size, eager=True),
                "private": np.zeros(size, bool),
            }
        )
