"""Random numbers that are a function of (seed, name, index): any row can be drawn alone, in any
order, by any process, and comes out the same."""

import zlib
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.integer]
Floats = NDArray[np.float64]
Words = NDArray[np.uint64]

Number = TypeVar("Number", bound=np.generic)

_CHUNK = 200_000
_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def _mixed(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


class Draws:
    """Independent streams, one a name.

    Args:
        seed: any integer.
        world: keeps two worlds of one seed apart.
    """

    def __init__(self, seed: int, world: str) -> None:
        self._key = _mixed((seed * _GOLDEN + zlib.crc32(world.encode())) & _MASK)
        self._keys: dict[str, np.uint64] = {}

    def _key_of(self, name: str) -> np.uint64:
        key = self._keys.get(name)
        if key is None:
            key = np.uint64(_mixed((self._key + zlib.crc32(name.encode()) * _GOLDEN) & _MASK))
            self._keys[name] = key
        return key

    def bits(self, name: str, index: Index, epoch: Index | None = None) -> Words:
        """64 random bits for each index (and epoch, of the same length): splitmix64."""
        x = index.astype(np.uint64)
        x *= np.uint64(_GOLDEN)
        if epoch is not None:
            x ^= epoch.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
        x += self._key_of(name)
        x ^= x >> np.uint64(30)
        x *= np.uint64(0xBF58476D1CE4E5B9)
        x ^= x >> np.uint64(27)
        x *= np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
        return x

    def uniform(self, name: str, index: Index, epoch: Index | None = None) -> Floats:
        """Uniform in the open interval (0, 1)."""
        whole = (self.bits(name, index, epoch) >> np.uint64(12)).astype(np.float64)
        return (whole + 0.5) * 2.0**-52

    def normal(self, name: str, index: Index, epoch: Index | None = None) -> Floats:
        """Standard normal (Box-Muller)."""
        radius = np.sqrt(-2.0 * np.log(self.uniform(name, index, epoch)))
        return radius * np.cos(2.0 * np.pi * self.uniform(name + "'", index, epoch))

    def integers(self, name: str, index: Index, high: int) -> NDArray[np.int64]:
        """Uniform in 0..high-1."""
        return (self.bits(name, index) % np.uint64(high)).astype(np.int64)

    def choice(self, name: str, index: Index, cumulative: Floats) -> NDArray[np.int64]:
        """Index into a table with these cumulative shares (the last one is 1)."""
        return np.searchsorted(cumulative, self.uniform(name, index))

    def zipf(self, name: str, index: Index, size: int) -> NDArray[np.int64]:
        """0..size-1 with a probability about as 1 / (rank + 1)."""
        ranks = np.exp(self.uniform(name, index) * np.log(size + 1.0)).astype(np.int64) - 1
        return np.minimum(ranks, size - 1)


def in_chunks(function: Callable[[Index], NDArray[Number]], index: Index) -> NDArray[Number]:
    """`function` over a long index, a part at a time: its intermediate arrays stay small."""
    if len(index) <= _CHUNK:
        return function(index)
    parts = [function(index[at : at + _CHUNK]) for at in range(0, len(index), _CHUNK)]
    return np.concatenate(parts)


def cumulative(weights: list[float]) -> Floats:
    """Cumulative shares of a table of weights."""
    sums = np.cumsum(np.asarray(weights, dtype=np.float64))
    return sums / sums[-1]
