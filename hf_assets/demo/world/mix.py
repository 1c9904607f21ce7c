"""Shares that drift: what a repository is depends on when it was made."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hf_assets.demo.world.draws import Draws, Index, cumulative
from hf_assets.demo.world.timeline import DAY_SECONDS, FLOOR

_MONTH = 30 * DAY_SECONDS
# Months after the Hub's records begin: in the middle one the shares are as given (2025-08).
_MONTHS, _MIDDLE = 120, 42


class Mix:
    """A table of weights that grow or shrink with the month.

    Args:
        weights: by name.
        yearly: what a weight is multiplied by each year, by name; 1 where left out.
    """

    def __init__(
        self, weights: Mapping[str, float] | Mapping[str | None, float], yearly: Mapping[str, float]
    ) -> None:
        growth = np.log([yearly.get(name or "", 1.0) for name in weights]) / 12
        months = np.arange(_MONTHS)[:, None]
        table = np.array(list(weights.values())) * np.exp(growth * (months - _MIDDLE))
        # One sorted array: month m's cumulative shares lie between m and m + 1.
        self._sums = np.concatenate([m + cumulative(row) for m, row in enumerate(table)])
        self._size = len(weights)

    def codes(
        self, draws: Draws, name: str, index: Index, created: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Position in the table of each, by its draw and its second of birth."""
        month = np.clip((created - FLOOR) // _MONTH, 0, _MONTHS - 1)
        found = np.searchsorted(self._sums, month + draws.uniform(name, index))
        return np.minimum(found - month * self._size, self._size - 1)
