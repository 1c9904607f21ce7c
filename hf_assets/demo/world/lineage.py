"""What models of a generated Hub are made of: a base, or several; families of several generations.

Most are made from one of the most wanted models; about a third of those from another that was made
from it before. Merges have two or three bases. A few name a base that no Hub lists, no relation, or
themselves; a few pairs name each other, as cards do that were changed later.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_assets.demo.world.draws import Draws, Index, in_chunks
from hf_assets.demo.world.timeline import Timeline

RELATIONS = ("finetune", "adapter", "quantized", "merge")
FINETUNE, _ADAPTER, QUANTIZED, MERGE = range(len(RELATIONS))
DEEPER = 0.45  # share of the derived whose base is derived, too, where there is one to take
_STRANGE = 0.1  # share of these that take one that is neither a finetune nor a merge
UNLISTED, BARE, ITSELF, EACH_OTHER = 0.03, 0.02, 0.002, 0.004
# Forms of quantised models: the mark in a name, the tags, the share of each.
FORMATS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("-GGUF", (), 0.70),
    ("-AWQ", ("awq", "4-bit"), 0.10),
    ("-GPTQ-Int4", ("gptq", "4-bit"), 0.08),
    ("-mlx-4bit", ("mlx", "4-bit"), 0.07),
    ("-bnb-4bit", ("bitsandbytes", "4-bit"), 0.05),
)
_FORMAT_CDF = np.cumsum([share for *_, share in FORMATS])


class Bases(NamedTuple):
    """The bases that some models name.

    owner: whose it is, by place among the models.
    base: number of the model; below 0: one that no Hub lists, -1 for the first of their names.
    bare: whether each model names its base without a relation.
    """

    owner: NDArray[np.int64]
    base: NDArray[np.int64]
    bare: NDArray[np.bool_]


class Lineage:
    """The bases of all models.

    Args:
        draws: the random streams of the models.
        timeline: when they are there.
        stars: numbers of the most wanted, by rank.
        base_ranks: ranks of the stars that models come from, at last; -1 for originals.
        unlisted: how many bases there are that no Hub lists.
    """

    def __init__(
        self,
        draws: Draws,
        timeline: Timeline,
        stars: NDArray[np.int64],
        base_ranks: Callable[[Index], NDArray[np.int64]],
        unlisted: int,
    ) -> None:
        self._draws, self._timeline, self._stars = draws, timeline, stars
        self._base_ranks, self._unlisted = base_ranks, unlisted
        # Models by star and number, their stars, and the place of each.
        self._families = (np.empty(0, np.int64),) * 3

    def relations(self, index: Index) -> NDArray[np.int64]:
        """Index into RELATIONS; for those that have a base."""
        return np.searchsorted(np.array([0.42, 0.68, 0.94]), self._draws.uniform("relation", index))

    def formats(self, index: Index) -> NDArray[np.int64]:
        """Index into FORMATS; for those that are quantised."""
        found = np.searchsorted(_FORMAT_CDF, self._draws.uniform("quantised as", index))
        return np.minimum(found, len(FORMATS) - 1)

    def bases(self, index: Index) -> Bases:
        """The bases that each names, the first one first."""
        d, index = self._draws, index.astype(np.int64)
        rank = self._base_ranks(index)
        derived = np.flatnonzero(rank >= 0)
        number, first = index[derived], self._first(index[derived], rank[derived])
        strange = d.uniform("strange base", number)
        first = np.where(strange < ITSELF, number, first)
        listed = ~((strange >= ITSELF) & (strange < ITSELF + UNLISTED))
        first = np.where(listed, first, -1 - d.integers("unlisted", number, self._unlisted))
        partner = number ^ 1
        circle = d.uniform("circle", number >> 1) < EACH_OTHER
        first = np.where(circle & (self._base_ranks(partner) >= 0), partner, first)
        owners, found = [derived], [first]
        merged = self.relations(number) == MERGE
        for nth, share in ((2, 1.0), (3, 0.35)):
            more = self._stars[d.zipf(f"base {nth}", number, max(len(self._stars), 1))]
            taken = merged & (d.uniform(f"has base {nth}", number) < share) & (more < number)
            for other in found[1:]:
                taken &= more != other
            taken &= more != first
            owners.append(derived[taken])
            found.append(np.where(taken, more, -1_000_000))
        owner = np.concatenate(owners)
        base = np.concatenate([found[0], *(one[one > -1_000_000] for one in found[1:])])
        order = np.argsort(owner, kind="stable")
        bare = np.zeros(len(index), dtype=bool)
        bare[derived] = d.uniform("bare", number) < BARE
        return Bases(owner[order], base[order], bare)

    def listed(self, index: Index, day: int) -> Bases:
        """The bases that the Hub knows on that day (days since the epoch), with their relation."""
        bases = self.bases(index)
        there = (bases.base >= 0) & ~bases.bare[bases.owner]
        there[there] = self._timeline.are_alive(bases.base[there], day)
        return Bases(bases.owner[there], bases.base[there], bases.bare)

    def _first(self, number: NDArray[np.int64], rank: NDArray[np.int64]) -> NDArray[np.int64]:
        """The base of each, or the first of several: its star, or an older one of its family."""
        if not len(number):
            return number
        members, stars, place = self._members(int(number.max()) + 1)
        d, begins = self._draws, np.searchsorted(stars, rank, "left")
        older = place[number] - begins
        chosen = begins + (d.uniform("parent", number) * older).astype(np.int64)
        parent = members[np.minimum(chosen, len(members) - 1)]
        usual = np.isin(self.relations(parent), (FINETUNE, MERGE))
        usual |= d.uniform("strange parent", number) < _STRANGE
        deeper = (older > 0) & usual & (d.uniform("deeper", number) < DEEPER)
        return np.where(deeper, parent, self._stars[rank])

    def _members(self, count: int) -> tuple[NDArray[np.int64], ...]:
        """Of the first models, `count` or some more: numbers by star and number, their stars; and
        the place of each number among them."""
        if len(self._families[2]) < count:
            number = np.arange(count + count // 50, dtype=np.int64)
            rank = in_chunks(self._base_ranks, number)
            order = np.argsort(rank, kind="stable")
            place = np.empty(len(number), dtype=np.int64)
            place[order] = number
            self._families = (order, rank[order], place)
        return self._families
