"""The concentration of downloads in few models or authors."""

import math
from collections.abc import Iterator

import numpy as np
import polars as pl

TOPS = (1, 10, 100, 1000)


def concentration(held: pl.Series) -> Iterator[tuple[str, float]]:
    """Gini, HHI, effective number, and the shares of the top; nothing where the sum is 0.

    gini: 0 (all are equal) to 1. hhi: the sum of squared shares, to 10 000. effective_number: of
    equal holders that would give this HHI. top_<k>: share of the top k, 0 to 1. top_1_percent:
    share of the top hundredth, rounded up.

    Args:
        held: the downloads of each holder; nulls are left out.
    """
    x = held.drop_nulls().sort().to_numpy().astype(np.float64)
    total, n = x.sum(), x.size
    if not total:
        return
    hhi = float(10_000 * np.square(x / total).sum())
    yield "gini", float(2 * np.dot(np.arange(1, n + 1), x) / (n * total) - (n + 1) / n)
    yield "hhi", hhi
    yield "effective_number", 10_000 / hhi
    for k in TOPS:
        yield f"top_{k}", float(x[-k:].sum() / total)
    yield "top_1_percent", float(x[-math.ceil(n / 100) :].sum() / total)
