import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from hf_assets.charts.distributions import ROW, Distribution, distributions, median_interval
from hf_assets.charts.marks import Sheet, house_style
from hf_assets_tests.support.trends.texts import check_texts, words


@pytest.mark.parametrize("n", [6, 7, 20, 71, 200, 999, 1000, 1001, 3737, 10_000])
def test_the_interval_has_the_ranks_of_the_binomial(n: int) -> None:
    """The widest ranks on each side whose tail stays within 2.5 %, by scipy."""
    found = median_interval(np.arange(1, n + 1, dtype=float))
    rank = int(binom.ppf(0.025, n, 0.5))
    while binom.cdf(rank - 1, n, 0.5) > 0.025:
        rank -= 1
    assert found == (rank, n - rank + 1)


def test_few_values_have_no_interval_and_many_a_narrow_one() -> None:
    assert median_interval(np.arange(5.0)) is None
    low, high = median_interval(np.arange(40_000.0)) or (0, 0)
    assert 390 < (high - low) < 394
    assert low < 20_000 < high


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    draws = np.random.default_rng(5).lognormal(3, 2, (2000, 41))
    found = [median_interval(one) or (0, 0) for one in draws]
    share = np.mean([low <= math.exp(3) <= high for low, high in found])
    assert 0.945 < share < 0.99


def rows(*samples: Sequence[float]) -> list[Distribution]:
    return [
        Distribution(f"sample {at}", f"{len(one)} values", np.array(one, dtype=float))
        for at, one in enumerate(samples)
    ]


@pytest.mark.parametrize(
    "samples",
    [
        [[0.0]],
        [[5.0]],
        [[0.0, 0.0, 0.0]],
        [[1, 2, 3, 4, 5, 6, 7]],
        [[1e12, 1.0]],
        [range(1, 3000), [7.0], [0.0, 3e9]],
    ],
)
def test_any_sample_is_drawn(samples: list[Sequence[float]]) -> None:
    def draw():
        with house_style():
            sheet = Sheet("title", "finding", ["caption"], ROW * (len(samples) + 0.6))
            distributions(sheet, rows(*samples), "files")
        return sheet.figure

    made = check_texts(draw)
    assert "files (log scale)" in words(made)


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=30))
def test_every_value_above_zero_has_a_bin(values: list[int]) -> None:
    with house_style():
        sheet = Sheet("title", "", [], ROW)
        axes = distributions(sheet, rows([float(value) for value in values]), "files")
    above = [math.log10(value) for value in values if value]
    low, high = axes.get_xlim()
    assert all(low <= at <= high for at in above)
