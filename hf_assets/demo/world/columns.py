"""Columns of a listing as JSON text: one `,"key":value` a row, an empty text where absent."""

import numpy as np
from numpy.typing import NDArray

from hf_assets.demo.world.draws import Draws, Floats, Index


def join_rows(columns: list[list[str]]) -> list[bytes]:
    """Columns of `,"key":value` texts as JSON objects; the first column's comma is left off."""
    return [b"{" + "".join(row).encode().lstrip(b",") + b"}" for row in zip(*columns, strict=True)]


def times(key: str, seconds: NDArray[np.int64]) -> list[str]:
    """Unix seconds as the Hub writes them: `2025-11-25T15:09:48.000Z`."""
    texts = np.datetime_as_string(seconds.astype("datetime64[s]"))
    return [f',"{key}":"{text}.000Z"' for text in texts.tolist()]


def scores(values: Floats) -> list[str]:
    """Trending scores: whole ones without a decimal point."""
    return [f',"trendingScore":{int(x) if x.is_integer() else repr(x)}' for x in values.tolist()]


def shas(draws: Draws, index: Index, modified: NDArray[np.int64]) -> list[str]:
    """A commit hash that changes with the last commit."""
    parts = [draws.bits(name, index, modified).tolist() for name in ("sha1", "sha2", "sha3")]
    return [f',"sha":"{a:016x}{b:016x}{c >> 32:08x}"' for a, b, c in zip(*parts, strict=True)]
