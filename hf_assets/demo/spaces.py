"""Spaces of a generated Hub: names, popularity, runtime, the models and datasets they use."""

import datetime as dt
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hf_assets.demo import vocabulary as words
from hf_assets.demo.columns import join_rows, scores, shas, times
from hf_assets.demo.draws import Draws, Floats, Index, cumulative
from hf_assets.demo.models import ModelWorld, last_commits, trending_scores
from hf_assets.demo.source import KEY_ORDER
from hf_assets.demo.timeline import DAY_SECONDS, Timeline, moment
from hf_assets.demo.vocabulary import quoted

_SDKS = list(words.SPACE_SDKS)
_SDK_CDF = cumulative(list(words.SPACE_SDKS.values()))
_STAGES = list(words.SPACE_STAGES)
_STAGE_CDF = cumulative(list(words.SPACE_STAGES.values()))
_HARDWARE = list(words.HARDWARE)
_HARDWARE_CDF = cumulative(list(words.HARDWARE.values()))
_LICENSES = list(words.LICENSES)
_RUNS = {"RUNNING", "RUNNING_BUILDING", "APP_STARTING"}
NAMES_MODELS = 0.25  # share of Spaces that name a model
DANGLING = 0.012  # share of the names that never were a model's; deletions and renames add to it


class SpaceWorld:
    """All that is known of the Spaces without a day.

    Args:
        seed: any integer.
        size: Spaces on `sized_on`.
        sized_on: the day of that size.
        models: the models of the same Hub.
    """

    def __init__(self, seed: int, size: int, sized_on: dt.date, models: ModelWorld) -> None:
        self.draws = Draws(seed, "spaces")
        self.timeline = Timeline(self.draws, size, sized_on, 0.01, np.arange(0))
        self.models = models

    def author_numbers(self, index: Index) -> NDArray[np.int64]:
        """Number of each one's author: 60 % of the Spaces by an author of a single one."""
        own = self.draws.uniform("own", index) < 0.6
        older = (self.draws.uniform("older", index) ** 2 * index).astype(np.int64)
        return np.where(own, index.astype(np.int64), older)

    def ids(self, index: Index, when: Index | int) -> list[str]:
        """author/name of each on that day (days since the epoch); every name ends in its number."""
        authors = self.author_names(index)
        word = self.draws.integers("word", index, len(words.SPACE_WORDS)).tolist()
        renamed = self.timeline.is_renamed(index, when).tolist()
        return [
            f"{a}/{words.SPACE_WORDS[w]}-{i}{'-new' if r else ''}"
            for a, w, i, r in zip(authors, word, index.tolist(), renamed, strict=True)
        ]

    def author_names(self, index: Index) -> list[str]:
        """Name of each one's author."""
        numbers = self.author_numbers(index)
        table = words.AUTHOR_WORDS
        first = self.draws.integers("author 1", numbers, len(table)).tolist()
        second = self.draws.integers("author 2", numbers, len(table)).tolist()
        return [
            f"{table[a]}{table[b]}-s{n}"
            for a, b, n in zip(first, second, numbers.tolist(), strict=True)
        ]

    def likes(self, index: Index, day: dt.date) -> NDArray[np.int64]:
        """Likes: two thirds have none; they only grow."""
        amount = np.minimum(np.exp(-0.9 + 2.1 * self.draws.normal("taste", index)), 14_000)
        return np.floor(amount * (1 - np.exp(-self.age(index, day) / 150))).astype(np.int64)

    def trending(self, index: Index, day: dt.date) -> Floats:
        """Trending score: mostly 0."""
        return trending_scores(self.draws, index, self.age(index, day), day)

    def modified(self, index: Index, day: dt.date) -> NDArray[np.int64]:
        """Unix seconds of the last commit before that day."""
        return last_commits(self.draws, index, self.timeline.created(index), day)

    def age(self, index: Index, day: dt.date) -> Floats:
        """Days since birth."""
        return np.maximum(moment(day) - self.timeline.created(index), 0) / DAY_SECONDS


class SpacePage:
    """Rows of a few Spaces on one day.

    Args:
        world: the Spaces.
        index: which ones, in the order of the rows.
        day: the day.
    """

    def __init__(self, world: SpaceWorld, index: Index, day: dt.date) -> None:
        self._world, self._index, self._day = world, index, day
        self._draws = world.draws

    def rows(self, fields: frozenset[str]) -> list[bytes]:
        """Each row as a JSON object with those of `fields` that it has."""
        writers = self._writers()
        names = [name for name in KEY_ORDER["spaces"] if name in fields & writers.keys()]
        return join_rows([writers[name]() for name in names])

    def _writers(self) -> dict[str, Callable[[], list[str]]]:
        world, index, day = self._world, self._index, self._day
        return {
            "_id": lambda: [f'"_id":"{x}"' for x in world.timeline.hub_ids(index)],
            "id": lambda: [f',"id":"{x}"' for x in self._ids],
            "author": lambda: [f',"author":"{x}"' for x in world.author_names(index)],
            "cardData": lambda: [
                f',"cardData":{{"title":"Space","sdk":"{sdk}"}}' if sdk else "" for sdk in self._sdk
            ],
            "disabled": lambda: [',"disabled":false'] * len(index),
            "lastModified": lambda: times("lastModified", world.modified(index, day)),
            "likes": lambda: [f',"likes":{x}' for x in world.likes(index, day).tolist()],
            "trendingScore": lambda: scores(world.trending(index, day)),
            "private": lambda: [',"private":false'] * len(index),
            "sha": lambda: shas(self._draws, index, world.modified(index, day)),
            "sdk": lambda: [f',"sdk":"{sdk}"' if sdk else "" for sdk in self._sdk],
            "runtime": self._runtime,
            "tags": self._tags,
            "createdAt": lambda: times("createdAt", world.timeline.created(index)),
            "siblings": lambda: (
                [',"siblings":[{"rfilename":"README.md"},{"rfilename":"app.py"}]'] * len(index)
            ),
            "subdomain": lambda: [
                f',"subdomain":"{x.replace("/", "-").replace("_", "-").lower()}"' for x in self._ids
            ],
            "models": self._models,
            "datasets": self._datasets,
            "region": lambda: [',"region":"us"'] * len(index),
            "usedStorage": lambda: [
                f',"usedStorage":{x}'
                for x in self._draws.integers("storage", index, 10**7).tolist()
            ],
        }

    @cached_property
    def _ids(self) -> list[str]:
        return self._world.ids(self._index, moment(self._day) // DAY_SECONDS)

    @cached_property
    def _sdk(self) -> list[str | None]:
        return [_SDKS[code] for code in self._draws.choice("sdk", self._index, _SDK_CDF).tolist()]

    def _runtime(self) -> list[str]:
        week = (moment(self._day) // DAY_SECONDS + self._index.astype(np.int64)) // 7
        draw = self._draws.uniform("stage", self._index, week)
        steady = self._draws.uniform("steady", self._index)
        # Nine in ten keep their stage, so that a week's changes are a tenth.
        stage = np.searchsorted(
            _STAGE_CDF, np.where(self._draws.uniform("keeps", self._index) < 0.9, steady, draw)
        ).tolist()
        hardware = self._draws.choice("hardware", self._index, _HARDWARE_CDF).tolist()
        rows = []
        for s, h, sdk in zip(stage, hardware, self._sdk, strict=True):
            name, wanted = _STAGES[s], f'"{_HARDWARE[h]}"'
            if sdk == "static":
                rows.append(
                    ',"runtime":{"stage":"RUNNING","hardware":{"current":null,"requested":null},'
                    '"storage":null,"replicas":{"requested":1,"current":1}}'
                )
                continue
            runs = name in _RUNS
            error = ',"errorMessage":"Traceback: \\"no module\\" ✗"' if "ERROR" in name else ""
            rows.append(
                f',"runtime":{{"stage":"{name}"{error},"hardware":{{"current":'
                f'{wanted if runs else "null"},"requested":{wanted}}},"storage":null,'
                f'"gcTimeout":172800,"replicas":{{"current":{int(runs)},"requested":1}}}}'
            )
        return rows

    def _tags(self) -> list[str]:
        extra = self._draws.bits("tags", self._index).tolist()
        rows = []
        for sdk, x in zip(self._sdk, extra, strict=True):
            text = f'"{sdk}",' if sdk else ""
            if x & 3 == 0:
                text += f'"license:{_LICENSES[(x >> 2) % 4]}",'
            if x >> 8 & 15 == 0:
                text += '"mcp-server",'
            if x >> 12 & 511 == 0:
                text += quoted(words.ODD_TAGS[(x >> 24) % len(words.ODD_TAGS)]) + ","
            rows.append(f',"tags":[{text}"region:us"]')
        return rows

    def named_models(self) -> list[list[str]]:
        """Ids of the models each Space names, as they were called when the Space was made."""
        d, index, models = self._draws, self._index, self._world.models
        born = self._world.timeline.created(index)
        total = models.timeline.born(self._day)
        named = d.uniform("names", index) < NAMES_MODELS
        count = np.minimum(1 + np.floor(d.uniform("count", index) ** -0.6 - 1), 60).astype(np.int64)
        count[~named | (total == 0)] = 0
        owner = np.repeat(np.arange(len(index)), count)
        nth = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        seat = index[owner].astype(np.int64) * 64 + nth
        if not len(seat) or not len(models.stars):
            return [[] for _ in range(len(index))]
        rank = d.zipf("star", seat, len(models.stars))
        when = born[owner] // DAY_SECONDS
        names = np.array(models.star_names(rank, when), dtype=object)
        # Stars are old; what is named besides is any model that was there on this day.
        other = (d.uniform("popular", seat) > 0.93) | (models.stars[rank] >= total)
        any_model = (d.uniform("any", seat[other]) * total).astype(np.int64)
        names[other] = models.ids(any_model, when[other])
        false = (d.uniform("dangling", seat) < DANGLING).tolist()
        rows: list[list[str]] = [[] for _ in range(len(index))]
        for at, name, wrong in zip(owner.tolist(), names.tolist(), false, strict=True):
            name = f"{name}-v0-removed" if wrong else name
            if name not in rows[at]:
                rows[at].append(name)
        return rows

    def _models(self) -> list[str]:
        return [
            f',"models":[{",".join([quoted(name) for name in names])}]' if names else ""
            for names in self.named_models()
        ]

    def _datasets(self) -> list[str]:
        named = (self._draws.uniform("datasets", self._index) < 0.05).tolist()
        which = self._draws.zipf("dataset", self._index, len(words.DATASETS)).tolist()
        return [
            f',"datasets":["{words.DATASETS[k]}"]' if yes else ""
            for yes, k in zip(named, which, strict=True)
        ]
