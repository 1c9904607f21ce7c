"""Histories for figures: a usual one of 60 days, and ones with nulls, zeros or hostile names."""

from collections.abc import Callable
from functools import cache

import polars as pl

from hf_assets.trends.figures.history.history import TABLES, History
from hf_assets_tests.support.trends.series import past
from hf_assets_tests.support.trends.snapshots import HOSTILE

# Words of ours, not of the Hub.
FIXED = {"permissive", "openrail", "copyleft", "restricted", "none", "looser", "same", "stricter",
         "unknown", "Spaces", "Spaces with models", "models used", "all"}  # fmt: skip
NUMBERS = (pl.Float64, pl.Int64, pl.Int32)


def remade(old: History, make: Callable[[str, pl.DataFrame], pl.DataFrame]) -> History:
    return History.of({name: make(name, frame.collect()) for name, frame in old.frames.items()})


def nulls(_: str, frame: pl.DataFrame) -> pl.DataFrame:
    kept = {"milestone", "age"}
    return frame.with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in frame.schema.items()
        if dtype in NUMBERS and name not in kept
    )


def zeros(_: str, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        pl.lit(0).cast(dtype).alias(name) for name, dtype in frame.schema.items()
        if dtype in NUMBERS and name not in {"milestone", "age", "rank"}
    )  # fmt: skip


def odd(_: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Numbers that are none, that are negative, and that are too large."""
    rows = pl.int_range(pl.len()) % 7
    return frame.with_columns(
        pl.when(rows == 1).then(float("nan")).when(rows == 2).then(float("inf"))
        .when(rows == 3).then(-pl.col(name)).when(rows == 4).then(pl.col(name) * 1e9)
        .otherwise(pl.col(name)).alias(name)
        for name, dtype in frame.schema.items() if dtype == pl.Float64
    )  # fmt: skip


def hostile(_: str, frame: pl.DataFrame) -> pl.DataFrame:
    swaps = {}
    for name in ("key", "id", "category", "source", "origin"):
        if name in frame.columns and name != "key":
            keys = frame[name].unique(maintain_order=True).to_list()
            swaps[name] = {key: HOSTILE[i % len(HOSTILE)] for i, key in enumerate(keys)}
        elif name in frame.columns:
            keys = [k for k in frame[name].unique(maintain_order=True) if k not in FIXED]
            swaps[name] = {key: HOSTILE[i % len(HOSTILE)] for i, key in enumerate(keys)}
    return frame.with_columns(
        pl.col(name).replace_strict(list(to), list(to.values()), default=pl.col(name),
                                    return_dtype=pl.String)
        for name, to in swaps.items() if to
    )  # fmt: skip


def weekly(_: str, frame: pl.DataFrame) -> pl.DataFrame:
    if "day" not in frame.columns:
        return frame
    return frame.filter(pl.col("day").dt.weekday() == 3)


PASTS: dict[str, Callable[[], History]] = {
    "sixty": lambda: past(60),
    "two_years": lambda: past(721, models=20),
    "two": lambda: past(2, models=25),
    "one": lambda: past(1, models=25),
    "empty": lambda: History.of({}),
    "days_only": lambda: History.of({"day_quality": past(30).frames["day_quality"]}),
    "null_types": lambda: remade(past(20), lambda _, f: f.with_columns(
        pl.lit(None).alias(name) for name in f.columns if name not in ("day", "of"))),
    "nulls": lambda: remade(past(20), nulls),
    "zeros": lambda: remade(past(20), zeros),
    "odd": lambda: remade(past(30), odd),
    "hostile": lambda: remade(past(30), hostile),
    "weekly": lambda: remade(past(120, models=30), weekly),
    "no_columns": lambda: History.of({name: pl.DataFrame() for name in TABLES}),
}  # fmt: skip


@cache
def given(kind: str) -> History:
    return PASTS[kind]()
