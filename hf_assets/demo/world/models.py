"""Models of a generated Hub: names, authors, lineage, popularity, commits."""

import datetime as dt
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hf_assets.demo.world import vocabulary as words
from hf_assets.demo.world.demand import Demand, popularity
from hf_assets.demo.world.draws import Draws, Floats, Index, in_chunks
from hf_assets.demo.world.lineage import FORMATS, QUANTIZED, Bases, Lineage
from hf_assets.demo.world.timeline import DAY_SECONDS, Mix, Timeline, moment

CATEGORIES = list(words.CATEGORIES)
_CATEGORY_MIX = Mix(words.CATEGORIES, words.YEARLY)
LIBRARIES = list(words.LIBRARIES)
_LIBRARY_MIX = Mix(words.LIBRARIES, words.YEARLY)
_CATEGORY_CODES = {name: code for code, name in enumerate(CATEGORIES)}
_LIBRARY_CODES = {name: code for code, name in enumerate(LIBRARIES)}
MAX_STARS = 3000
_OF_QUANTISERS = 0.35  # share of the quantised models by authors who do little else
TRAINED = 0.12  # share of the models that name datasets besides those of the best known names

# The dataset that each number names, drawn with these draws, as it was called on these days (since
# the epoch); "" for none.
NamesOfDatasets = Callable[[Draws, Index, NDArray[np.int64]], list[str]]


def no_datasets(_draws: Draws, seat: Index, _since: NDArray[np.int64]) -> list[str]:
    """The names in a Hub without datasets."""
    return [""] * len(seat)


def find_stars(draws: Draws, size: int) -> NDArray[np.int64]:
    """Indices of the most wanted models, the most wanted first: what others build on."""
    # Among the older ones, so that most models are younger than the star they might come from.
    size = math.ceil(size * 0.6)
    count = min(MAX_STARS, math.ceil(size / 5))
    wanted = in_chunks(lambda index: popularity(draws, index), np.arange(size))
    best = np.argpartition(wanted, size - count)[size - count :] if size else np.arange(0)
    return best[np.argsort(-wanted[best], kind="stable")]


class ModelWorld:
    """All that is known of the models without a day.

    Args:
        seed: any integer.
        size: models on `sized_on`.
        sized_on: the day of that size.
    """

    def __init__(self, seed: int, size: int, sized_on: dt.date) -> None:
        self.draws = Draws(seed, "models")
        self.name_datasets: NamesOfDatasets = no_datasets
        self.stars = find_stars(self.draws, size)
        self.demand = Demand(self.draws, size, lambda index: self.timeline.created(index))
        # Of those that are still to come, the hits of a year or so.
        lasting = np.union1d(self.stars, self.demand.hits(size * 2))
        self.timeline = Timeline(self.draws, size, sized_on, 0.03, lasting)
        self.famous = {int(i): k for k, i in enumerate(self.stars[: len(words.FAMOUS)])}
        self.famous_ids = {words.FAMOUS[k][0]: i for i, k in self.famous.items()}
        self.lineage = Lineage(
            self.draws, self.timeline, self.stars, self.base_ranks, len(words.UNLISTED_MODELS)
        )
        order = np.argsort(self.stars)
        self._stars_sorted, self._stars_rank = self.stars[order], order
        # The first ones are all authors of their own, or the very first would take half the Hub.
        self._founders = 60 + size // 400
        self._star_table: list[str] | None = None
        self._authors = np.empty(0, dtype=np.uint32)

    def star_rank(self, index: Index) -> NDArray[np.int64]:
        """Rank among the stars; -1 for those that are none."""
        if not len(self.stars):
            return np.full(len(index), -1)
        at = np.minimum(np.searchsorted(self._stars_sorted, index), len(self.stars) - 1)
        return np.where(self._stars_sorted[at] == index, self._stars_rank[at], -1)

    def born_stars(self, rank: Index, known: NDArray[np.int64], draw: Floats) -> NDArray[np.int64]:
        """Ranks of stars; where a star is not among the first `known` models, one that is, by the
        draw, and -1 where there is none yet."""
        there = np.searchsorted(self._stars_sorted, known)
        other = self._stars_rank[(draw * np.maximum(there, 1)).astype(np.int64)]
        return np.where(self.stars[rank] < known, rank, np.where(there > 0, other, -1))

    def authors(self, index: Index) -> NDArray[np.uint32]:
        """Author number of each: the index of the author's first model.

        27 % of the models come from a new author; the others from one that is there already, some
        at random (so that most authors keep a single model), some from few large ones.
        """
        top = int(index.max()) + 1 if len(index) else 0
        if len(self._authors) < top:
            count = max(top + top // 50, 1)
            parent = in_chunks(self._author_parents, np.arange(count, dtype=np.uint32))
            while not np.array_equal(grand := parent[parent], parent):
                parent = grand
            self._authors = parent
        return self._authors[index]

    def _author_parents(self, index: Index) -> NDArray[np.uint32]:
        draw = self.draws.uniform("author", index)
        older = self.draws.uniform("older", index)
        parent = (np.where(draw < 0.54, older, older**3) * index).astype(np.uint32)
        return np.where((draw < 0.27) | (index < self._founders), index, parent).astype(np.uint32)

    def author_names(self, index: Index) -> list[str]:
        """Name of each model's author."""
        numbers = self.authors(index)
        first = self.draws.integers("author 1", numbers, len(words.AUTHOR_WORDS)).tolist()
        second = self.draws.integers("author 2", numbers, len(words.AUTHOR_WORDS)).tolist()
        joint = self.draws.integers("author 3", numbers, 4).tolist()
        table, joints = words.AUTHOR_WORDS, ("", "-", "_", "-")
        names = [
            f"{table[a]}{joints[j]}{table[b]}{number}"
            for a, b, j, number in zip(first, second, joint, numbers.tolist(), strict=True)
        ]
        for at, i in enumerate(index.tolist()):
            if i in self.famous:
                names[at] = words.FAMOUS[self.famous[i]][0].split("/")[0]
        quantised = np.flatnonzero(self._by_quantisers(index))
        which = self.draws.zipf("quantiser", index[quantised], len(words.QUANTISERS))
        for at, rank in zip(quantised.tolist(), which.tolist(), strict=True):
            names[at] = words.QUANTISERS[rank]
        return names

    def base_ranks(self, index: Index) -> NDArray[np.int64]:
        """Rank of the base among the stars; -1 for originals."""
        if not len(self.stars):
            return np.full(len(index), -1)
        rank = self.draws.zipf("base", index, len(self.stars))
        derived = self.draws.uniform("derived", index) < 0.48
        older = self.stars[rank] < index.astype(np.int64)
        return np.where(derived & older & (self.star_rank(index) < 0), rank, -1)

    def star_names(self, rank: Index, when: Index | int) -> list[str]:
        """Ids of stars on that day, by rank (those below 0 count from the last): as `ids`, from a
        table."""
        if self._star_table is None:
            self._star_table = self.ids(self.stars, 0)
        renamed = self.timeline.is_renamed(self.stars[rank], when).tolist()
        table = self._star_table
        return [
            table[r] + "-hf" if late else table[r]
            for r, late in zip(rank.tolist(), renamed, strict=True)
        ]

    def base_names(self, bases: Bases, when: NDArray[np.int64]) -> list[str]:
        """Ids of the bases on that day of each one's owner (days since the epoch)."""
        listed = bases.base >= 0
        there = bases.base[listed]
        names = iter(self.ids(there, when[bases.owner[listed]]))
        return [
            next(names) if known else words.UNLISTED_MODELS[-1 - number]
            for known, number in zip(listed.tolist(), bases.base.tolist(), strict=True)
        ]

    def _are_quantised(self, index: Index) -> NDArray[np.bool_]:
        return (self.base_ranks(index) >= 0) & (self.lineage.relations(index) == QUANTIZED)

    def _by_quantisers(self, index: Index) -> NDArray[np.bool_]:
        """Whether each is by an author who makes others' models smaller."""
        return self._are_quantised(index) & (
            self.draws.uniform("by a quantiser", index) < _OF_QUANTISERS
        )

    def trained_on(self, index: Index) -> list[list[str]]:
        """Names of datasets, one to three, that some models say they are trained on."""
        d = self.draws
        count = 1 + d.integers("datasets", index, 3)
        count[d.uniform("trained", index) >= TRAINED] = 0
        owner = np.repeat(np.arange(len(index)), count)
        nth = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        seat = index[owner].astype(np.int64) * 4 + nth
        born = self.timeline.created(index)[owner] // DAY_SECONDS
        rows: list[list[str]] = [[] for _ in range(len(index))]
        for at, name in zip(owner.tolist(), self.name_datasets(d, seat, born), strict=True):
            if name and name not in rows[at]:
                rows[at].append(name)
        return rows

    def topics(self, index: Index) -> NDArray[np.int64]:
        """What each is for: as `categories`, without gaps. Tags hint at it."""
        born = self.timeline.created(index)
        return _CATEGORY_MIX.codes(self.draws, "category", index, born)

    def categories(self, index: Index) -> NDArray[np.int64]:
        """Index into vocabulary.CATEGORIES; -1 for none."""
        codes = self.topics(index)
        codes[self.draws.uniform("uncategorised", index) < words.NO_CATEGORY] = -1
        rank = self.star_rank(index)
        for at in np.flatnonzero((rank >= 0) & (rank < len(words.FAMOUS))).tolist():
            codes[at] = _CATEGORY_CODES[words.FAMOUS[rank[at]][1]]
        return codes

    def libraries(self, index: Index) -> NDArray[np.int64]:
        """Index into vocabulary.LIBRARIES, one of which is None."""
        codes = _LIBRARY_MIX.codes(self.draws, "library", index, self.timeline.created(index))
        rank = self.star_rank(index)
        for at in np.flatnonzero((rank >= 0) & (rank < len(words.FAMOUS))).tolist():
            codes[at] = _LIBRARY_CODES[words.FAMOUS[rank[at]][2]]
        return codes

    def ids(self, index: Index, when: Index | int, authors: list[str] | None = None) -> list[str]:
        """author/name of each on that day (days since the epoch), given the authors' names if they
        are known already. Every id is unique: all but an author's first model carry their own
        number."""
        authors = self.author_names(index) if authors is None else authors
        numbers = self.authors(index).tolist()
        family = self.draws.integers("family", index, len(words.FAMILIES)).tolist()
        tuning = self.draws.integers("tuning", index, len(words.TUNINGS)).tolist()
        style = self.draws.integers("style", index, 6).tolist()
        renamed = self.timeline.is_renamed(index, when).tolist()
        base, relation = self.base_ranks(index).tolist(), self.lineage.relations(index).tolist()
        form, shared = self.lineage.formats(index).tolist(), self._by_quantisers(index).tolist()
        marks = ("", "-lora", "", "-merge")
        tails = ("-checkpoint-{}", "-v{}", "_run{}", "-{}", "-ep{}", "-exp_{}")
        ids = []
        for at, i in enumerate(index.tolist()):
            if i in self.famous:
                name = words.FAMOUS[self.famous[i]][0].split("/")[1]
            else:
                name = words.FAMILIES[family[at]] + words.TUNINGS[tuning[at]]
                if base[at] >= 0:
                    if base[at] < len(words.FAMOUS):
                        name = words.FAMOUS[base[at]][0].split("/")[1]
                    quantised = relation[at] == QUANTIZED
                    name += FORMATS[form[at]][0] if quantised else marks[relation[at]]
                if numbers[at] != i or shared[at]:
                    name += tails[style[at]].format(i)
            ids.append(f"{authors[at]}/{name}-hf" if renamed[at] else f"{authors[at]}/{name}")
        return ids

    def downloads(self, index: Index, day: dt.date) -> NDArray[np.int64]:
        """Downloads in the 30 days before that day: about 45 % are zero, the rest spread over seven
        decades; about a quarter differ from the day before."""
        return self.demand.last_days(index, day)

    def downloads_all_time(self, index: Index, day: dt.date) -> NDArray[np.int64]:
        """Downloads since birth: never falls, and rises by `downloads` in 30 days."""
        return self.demand.since_birth(index, day)

    def likes(self, index: Index, day: dt.date) -> NDArray[np.int64]:
        """Likes: most have none; loosely tied to downloads; they only grow."""
        wanted = popularity(self.draws, index)
        taste = 0.5 * wanted + 0.87 * self.draws.normal("taste", index) + 1.2 * (wanted > 2.5)
        amount = np.minimum(np.exp(-3.2 + 2.7 * taste), 25_000)
        age = self._age(index, day)
        hit = np.where(self.demand.is_hit(index), self.demand.peak(index) / 400, 0.0)
        risen = amount * (1 - np.exp(-age / 150)) + hit * (1 - np.exp(-age / 25))
        return np.floor(risen).astype(np.int64)

    def trending(self, index: Index, day: dt.date) -> Floats:
        """Trending score: mostly 0, else whole, a few with the Hub's own rounding noise."""
        age = self._age(index, day)
        fame = self.demand.fame(index, age) * np.sqrt(self.demand.peak(index)) / 2
        return np.maximum(trending_scores(self.draws, index, age, day), np.floor(fame))

    def modified(self, index: Index, day: dt.date) -> NDArray[np.int64]:
        """Unix seconds of the last commit before that day."""
        return last_commits(self.draws, index, self.timeline.created(index), day)

    def _age(self, index: Index, day: dt.date) -> Floats:
        return np.maximum(moment(day) - self.timeline.created(index), 0) / DAY_SECONDS


def trending_scores(draws: Draws, index: Index, age: Floats, day: dt.date) -> Floats:
    """Trending scores by age in days; they change every other day."""
    epoch = (moment(day) // DAY_SECONDS + draws.integers("hot phase", index, 2)) // 2
    hot = draws.uniform("hot", index, epoch) < np.where(age < 14, 0.2, 0.012)
    score = np.floor(np.minimum(draws.uniform("heat", index, epoch) ** -0.7, 2500))
    noisy = draws.uniform("noise", index) < 0.04
    return np.where(hot, np.where(noisy, score * 28 * 0.1, score), 0.0)


def last_commits(
    draws: Draws, index: Index, created: NDArray[np.int64], day: dt.date
) -> NDArray[np.int64]:
    """Unix seconds of the last commit: shortly after birth for most, again and again for 6 %."""
    now = moment(day)
    lag = np.exp(3.0 + 3.2 * draws.normal("lag", index)).astype(np.int64)
    first = np.minimum(created + np.minimum(lag, 300 * DAY_SECONDS), np.maximum(now - 1, created))
    period = 8 + draws.integers("commits", index, 60)
    kept = draws.uniform("kept", index) < 0.06
    number = now // DAY_SECONDS - 1
    last = number - (number + draws.integers("commit phase", index, 68)) % period
    again = last * DAY_SECONDS + draws.integers("second", index, DAY_SECONDS)
    return np.where(kept & (again > created), again, first)
