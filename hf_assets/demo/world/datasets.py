"""Datasets of a generated Hub: names, popularity, what their tags say, their rows."""

import datetime as dt
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hf_assets.demo.world import vocabulary as words
from hf_assets.demo.world.columns import join_rows, scores, shas, times
from hf_assets.demo.world.demand import Demand, popularity
from hf_assets.demo.world.draws import Draws, Floats, Index, cumulative
from hf_assets.demo.world.models import ModelWorld, find_stars, last_commits, trending_scores
from hf_assets.demo.world.source import KEY_ORDER
from hf_assets.demo.world.timeline import DAY_SECONDS, Mix, Timeline, moment
from hf_assets.demo.world.vocabulary import quoted

_TASKS = list(words.DATASET_TASKS)
_TASK_MIX = Mix(words.DATASET_TASKS, words.YEARLY)
_SIZES = list(words.DATASET_SIZES)
_SIZE_CDF = cumulative(list(words.DATASET_SIZES.values()))
_FORMATS = list(words.DATASET_FORMATS)
_FORMAT_MIX = Mix(words.DATASET_FORMATS, words.YEARLY)
_MODALITIES = list(words.DATASET_MODALITIES)
_MODALITY_CDF = cumulative(list(words.DATASET_MODALITIES.values()))
_LICENSES = list(words.LICENSES)
_LICENSE_MIX = Mix(words.LICENSES, words.YEARLY)
_BY_MODELS_AUTHOR = 0.7  # share of the datasets by an author of models
_READ = 0.62  # share that the Hub could read: it knows their size, format and modality
_NAMED_WRONGLY = 0.04  # share of the names that models give to datasets that never were there


class DatasetWorld:
    """All that is known of the datasets without a day.

    Args:
        seed: any integer.
        size: datasets on `sized_on`.
        sized_on: the day of that size.
        models: the models of the same Hub, whose authors publish datasets, too.
    """

    def __init__(self, seed: int, size: int, sized_on: dt.date, models: ModelWorld) -> None:
        self.draws = Draws(seed, "datasets")
        self.stars = find_stars(self.draws, size)
        self.demand = Demand(self.draws, size, lambda index: self.timeline.created(index))
        lasting = np.union1d(self.stars, self.demand.hits(size * 2))
        self.timeline = Timeline(self.draws, size, sized_on, 0.02, lasting)
        self._models = models
        listed = [name for name in words.DATASETS if name not in words.UNLISTED_DATASETS]
        self.famous = dict(zip(self.stars.tolist(), listed, strict=False))
        self.famous_ids = {name: index for index, name in self.famous.items()}

    def author_names(self, index: Index) -> list[str]:
        """Name of each one's author; empty for those without a namespace, as old ones are."""
        d, table = self.draws, words.AUTHOR_WORDS
        first = d.integers("author 1", index, len(table)).tolist()
        second = d.integers("author 2", index, len(table)).tolist()
        names = [
            f"{table[a]}{table[b]}-d{n}"
            for a, b, n in zip(first, second, index.tolist(), strict=True)
        ]
        # An author of models: one that was there when the dataset was made.
        there = self._models.timeline.born_by(self.timeline.created(index))
        shared = (d.uniform("own", index) < _BY_MODELS_AUTHOR) & (there > 0)
        which = (d.uniform("whose", index[shared]) ** 2 * there[shared]).astype(np.int64)
        theirs = self._models.author_names(which)
        for at, name in zip(np.flatnonzero(shared).tolist(), theirs, strict=True):
            names[at] = name
        for at, i in enumerate(index.tolist()):
            if i in self.famous:
                names[at] = self.famous[i].rpartition("/")[0]
        return names

    def ids(self, index: Index, when: Index | int, authors: list[str] | None = None) -> list[str]:
        """author/name of each on that day (days since the epoch), given the authors' names if they
        are known already; every name ends in its number, but for the famous ones."""
        authors = self.author_names(index) if authors is None else authors
        table = words.DATASET_WORDS
        word = self.draws.integers("word", index, len(table)).tolist()
        kind = self.draws.integers("kind", index, len(words.DATASET_ENDINGS)).tolist()
        renamed = self.timeline.is_renamed(index, when).tolist()
        ids = []
        for at, i in enumerate(index.tolist()):
            name = self.famous.get(i)
            if name is None:
                name = f"{authors[at]}/{table[word[at]]}{words.DATASET_ENDINGS[kind[at]]}-{i}"
            ids.append(f"{name}-new" if renamed[at] else name)
        return ids

    def named(self, draws: Draws, seat: Index, since: NDArray[np.int64]) -> list[str]:
        """The dataset that each seat names: most a wanted one, a few any, some that never were
        there; "" where there was none yet.

        Args:
            draws: of whoever names it.
            seat: a number for each name given.
            since: the day it was named, days since the epoch.
        """
        known = self.timeline.born_by(since * DAY_SECONDS)
        if not len(self.stars):
            return [""] * len(seat)
        rank = draws.zipf("dataset star", seat, len(self.stars))
        index = self.stars[rank]
        any_one = (draws.uniform("any dataset", seat) * known).astype(np.int64)
        rare = (draws.uniform("dataset is rare", seat) < 0.3) | (index >= known)
        index = np.where(rare, any_one, index)
        wrong = (draws.uniform("dataset dangles", seat) < _NAMED_WRONGLY).tolist()
        return [
            "" if not there else f"{name}-v0-removed" if amiss else name
            for name, there, amiss in zip(
                self.ids(index, since), (known > 0).tolist(), wrong, strict=True
            )
        ]

    def downloads(self, index: Index, day: dt.date) -> NDArray[np.int64]:
        """Downloads in the 30 days before that day."""
        return self.demand.last_days(index, day)

    def downloads_all_time(self, index: Index, day: dt.date) -> NDArray[np.int64]:
        """Downloads since birth: never falls, and rises by `downloads` in 30 days."""
        return self.demand.since_birth(index, day)

    def likes(self, index: Index, day: dt.date) -> NDArray[np.int64]:
        """Likes: most have none; loosely tied to downloads; they only grow."""
        wanted = popularity(self.draws, index)
        taste = 0.6 * wanted + 0.8 * self.draws.normal("taste", index) + 0.9 * (wanted > 2.3)
        amount = np.minimum(np.exp(-2.6 + 2.4 * taste), 9_000)
        return np.floor(amount * (1 - np.exp(-self.age(index, day) / 150))).astype(np.int64)

    def trending(self, index: Index, day: dt.date) -> Floats:
        """Trending score: mostly 0."""
        return trending_scores(self.draws, index, self.age(index, day), day)

    def modified(self, index: Index, day: dt.date) -> NDArray[np.int64]:
        """Unix seconds of the last commit before that day."""
        return last_commits(self.draws, index, self.timeline.created(index), day)

    def storage(self, index: Index) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Bytes of the main branch, and of all there is."""
        size = self.draws.choice("size", index, _SIZE_CDF)
        main = np.exp(10 + 2.2 * size + 2.5 * self.draws.normal("bytes", index))
        main = np.minimum(main, 3e14).astype(np.int64) + 1024
        return main, main + (main * self.draws.uniform("history", index)).astype(np.int64)

    def age(self, index: Index, day: dt.date) -> Floats:
        """Days since birth."""
        return np.maximum(moment(day) - self.timeline.created(index), 0) / DAY_SECONDS


class DatasetPage:
    """Rows of a few datasets on one day.

    Args:
        world: the datasets.
        index: which ones, in the order of the rows.
        day: the day.
    """

    def __init__(self, world: DatasetWorld, index: Index, day: dt.date) -> None:
        self._world, self._index, self._day = world, index, day
        self._draws = world.draws

    def rows(self, fields: frozenset[str]) -> list[bytes]:
        """Each row as a JSON object with those of `fields` that it has."""
        writers = self._writers()
        names = [name for name in KEY_ORDER["datasets"] if name in fields & writers.keys()]
        return join_rows([writers[name]() for name in names])

    def _writers(self) -> dict[str, Callable[[], list[str]]]:
        world, index, day, d = self._world, self._index, self._day, self._draws
        gates = ("false", '"auto"', '"manual"')
        gated = np.searchsorted(np.array([0.96, 0.985]), d.uniform("gated", index)).tolist()
        closed = (d.uniform("disabled", index) < 0.002).tolist()
        return {
            "_id": lambda: [f'"_id":"{x}"' for x in world.timeline.hub_ids(index)],
            "id": lambda: [f',"id":"{x}"' for x in self._ids],
            "author": lambda: [f',"author":"{x}"' if x else "" for x in self._authors],
            "cardData": self._card,
            "disabled": lambda: [f',"disabled":{str(x).lower()}' for x in closed],
            "gated": lambda: [f',"gated":{gates[x]}' for x in gated],
            "lastModified": lambda: times("lastModified", world.modified(index, day)),
            "likes": lambda: [f',"likes":{x}' for x in world.likes(index, day).tolist()],
            "trendingScore": lambda: scores(world.trending(index, day)),
            "private": lambda: [',"private":false'] * len(index),
            "sha": lambda: shas(d, index, world.modified(index, day)),
            "description": lambda: [
                f',"description":"{self.described(name)}"' for name in self._ids
            ],
            "downloads": lambda: [
                f',"downloads":{x}' for x in world.downloads(index, day).tolist()
            ],
            "downloadsAllTime": lambda: [
                f',"downloadsAllTime":{x}' for x in world.downloads_all_time(index, day).tolist()
            ],
            "tags": self._tags,
            "createdAt": lambda: times("createdAt", world.timeline.created(index)),
            "siblings": lambda: (
                [
                    ',"siblings":[{"rfilename":".gitattributes"},{"rfilename":"README.md"},'
                    '{"rfilename":"data/train-00000-of-00001.parquet"}]'
                ]
                * len(index)
            ),
            "mainSize": lambda: [f',"mainSize":{x}' for x in world.storage(index)[0].tolist()],
            "usedStorage": lambda: [
                f',"usedStorage":{x}' for x in world.storage(index)[1].tolist()
            ],
        }  # fmt: skip

    @staticmethod
    def described(name: str) -> str:
        """The beginning of a card, as the Hub shows it."""
        return f"\\n\\t\\n\\t\\tDataset Card for {name.rpartition('/')[2]}\\n\\n"

    @cached_property
    def _authors(self) -> list[str]:
        return self._world.author_names(self._index)

    @cached_property
    def _ids(self) -> list[str]:
        number = moment(self._day) // DAY_SECONDS
        return self._world.ids(self._index, number, self._authors)

    @cached_property
    def _license_codes(self) -> list[int]:
        born = self._world.timeline.created(self._index)
        codes = _LICENSE_MIX.codes(self._draws, "license", self._index, born)
        codes[self._draws.uniform("licensed", self._index) > words.WITH_LICENSE] = -1
        return codes.tolist()

    def _card(self) -> list[str]:
        return [
            f',"cardData":{{"license":"{_LICENSES[code]}"}}' if code >= 0 else ',"cardData":{}'
            for code in self._license_codes
        ]

    def _tags(self) -> list[str]:
        d, index = self._draws, self._index
        born = self._world.timeline.created(index)
        extra = d.bits("extra tags", index).tolist()
        tasks = _TASK_MIX.codes(d, "task", index, born)
        tasks[d.uniform("has task", index) > 0.35] = -1
        read = (d.uniform("read", index) < _READ).tolist()
        columns = zip(
            tasks.tolist(), self._license_codes, read, extra,
            d.zipf("language", index, len(words.LANGUAGES)).tolist(),
            d.choice("size", index, _SIZE_CDF).tolist(),
            _FORMAT_MIX.codes(d, "format", index, born).tolist(),
            d.choice("modality", index, _MODALITY_CDF).tolist(), strict=True,
        )  # fmt: skip
        return [_tags(*facts) for facts in columns]


def _tags(
    task: int, code: int, read: bool, x: int, language: int, size: int, form: int, modality: int
) -> str:
    """The tags of a dataset, in the order in which the Hub writes them.

    Args:
        task: index of its task; below 0: none.
        code: index of its licence; below 0: none.
        read: whether the Hub could read its files.
        x: 64 random bits.
        language: index of its language.
        size: index of its size category.
        form: index of its format.
        modality: index of its modality.
    """
    tags = []
    if task >= 0:
        tags.append(f"task_categories:{_TASKS[task]}")
        if x & 3 == 0:
            tags.append(f"task_categories:{_TASKS[(task + 1) % len(_TASKS)]}")
    if x >> 2 & 1:
        tags.append(f"language:{words.LANGUAGES[language]}")
        if x >> 3 & 7 == 0:
            tags.append(f"language:{words.LANGUAGES[(language + 3) % len(words.LANGUAGES)]}")
    if code >= 0:
        tags.append(f"license:{_LICENSES[code]}")
    if read:
        tags.append(f"size_categories:{_SIZES[size]}")
        tags.append(f"format:{_FORMATS[form]}")
        tags.append(f"modality:{_MODALITIES[modality]}")
        if x >> 6 & 3 == 0 and _MODALITIES[modality] != "text":
            tags.append("modality:text")
        tags += [f"library:{name}" for name in ("datasets", "pandas", "mlcroissant", "polars")]
    elif x >> 8 & 7 == 0:
        # What a card says by itself.
        tags.append(f"size_categories:{_SIZES[size]}")
    if x >> 11 & 15 == 0:
        tags.append(f"arxiv:{words.PAPERS[(x >> 15) % len(words.PAPERS)]}")
    if x >> 30 & 255 == 0:
        tags.append(words.ODD_TAGS[(x >> 38) % len(words.ODD_TAGS)])
    if x >> 46 & 7 == 0:
        tags.append("synthetic")
    return f',"tags":[{"".join(f"{quoted(tag)}," for tag in tags)}"region:us"]'
