"""Finds all pairs of nearly equal texts without comparing all with all.

A prefix filter: two sets can only be near if they share a shingle among the few rarest of each, and
the required similarity sets their number. Unlike MinHash signatures, it misses no pair; and texts
from one template, which signatures propose all with all, are compared only where they share what
sets them apart. `text.plain.near` defines the similarity.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from hf_assets.corpora.text.plain import NEAR, near, shingles, text_key, words
from hf_assets.progress import Log, TimedLog

# Sets of shingles kept for comparing, some 10 kB each; others are computed again from their text.
_KEPT = 5_000
_MOST_COUNTERS = 1 << 26  # 128 MB


class NearTexts:
    """An index of texts by their rare shingles; texts of the same words have one number.

    Args:
        texts: all that will be put in, in any order: what is rare must be known before.
        log: takes a line now and then.
    """

    def __init__(self, texts: Iterable[str], log: Log = lambda _: None) -> None:
        distinct = {text_key(words(text)): text for text in texts}
        shingles_about = sum(len(text) for text in distinct.values()) // 4
        # Shingles that share a counter seem less rare than they are, which costs time alone.
        size = min(1 << (shingles_about.bit_length() + 1), _MOST_COUNTERS)
        self._counts = np.zeros(size, np.uint16)
        progress = TimedLog(log, len(distinct))
        for count, text in enumerate(distinct.values()):
            progress.at(count, "texts indexed to find near duplicates")
            at = _array(shingles(words(text))) & (size - 1)
            self._counts[at] += self._counts[at] < np.iinfo(np.uint16).max
        self._numbers: dict[bytes, int] = {}
        self._texts: list[str] = []
        self._holders: defaultdict[int, list[int]] = defaultdict(list)
        self._kept: dict[int, frozenset[int]] = {}

    def put(self, text: str) -> tuple[int, list[int]]:
        """The text's number, and the numbers, lowest first, of those that may be near it.

        Its own is among them. Numbers count up from 0 as new texts come.
        """
        found = words(text)
        number = self._numbers.setdefault(text_key(found), len(self._texts))
        rare = self._rare(shingles(found))
        may_be = {other for shingle in rare for other in self._holders.get(shingle, ())}
        if number == len(self._texts):
            self._texts.append(text)
            for shingle in rare:
                self._holders[shingle].append(number)
        return number, sorted(may_be | {number})

    def near(self, one: int, other: int) -> bool:
        """Whether the texts of these numbers are nearly the same."""
        return one == other or near(self._set(one), self._set(other))

    def _rare(self, found: frozenset[int]) -> list[int]:
        """Of which two near sets share one: the rarest, less those that nothing else has."""
        values = _array(found)
        counts = self._counts[values & (len(self._counts) - 1)]
        first = np.lexsort((values, counts))[: len(values) + NEAR * len(values) // -100 + 1]
        return values[first][counts[first] > 1].tolist()

    def _set(self, number: int) -> frozenset[int]:
        if number not in self._kept:
            if len(self._kept) == _KEPT:
                self._kept.clear()
            self._kept[number] = shingles(words(self._texts[number]))
        return self._kept[number]


def _array(found: frozenset[int]) -> np.ndarray:
    return np.fromiter(found, np.int64, len(found))
