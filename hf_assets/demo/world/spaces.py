"""Spaces of a generated Hub: names, popularity, runtime, the models and datasets they use."""

import datetime as dt
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hf_assets.demo.world import vocabulary as words
from hf_assets.demo.world.columns import join_rows, scores, shas, times
from hf_assets.demo.world.draws import Draws, Floats, Index, cumulative
from hf_assets.demo.world.models import ModelWorld, last_commits, trending_scores
from hf_assets.demo.world.source import KEY_ORDER
from hf_assets.demo.world.timeline import DAY_SECONDS, Mix, Timeline, moment
from hf_assets.demo.world.vocabulary import quoted

_SDKS = list(words.SPACE_SDKS)
_SDK_MIX = Mix(words.SPACE_SDKS, words.YEARLY)
_STAGES = list(words.SPACE_STAGES)
_STAGE_CDF = cumulative(list(words.SPACE_STAGES.values()))
_HARDWARE = list(words.HARDWARE)
_HARDWARE_CDF = cumulative(list(words.HARDWARE.values()))
_LICENSES = list(words.LICENSES)
_RUNS = {"RUNNING", "RUNNING_BUILDING", "APP_STARTING"}
NAMES_MODELS = 0.25  # share of Spaces that name a model
# Of the models it names besides its first: taken up after its birth, left again after a while.
LATER, LEFT = 0.5, 0.15
DANGLING = 0.012  # share of the names that never were a model's; deletions and renames add to it


class Seats(NamedTuple):
    """Models that Spaces name: whose they are, by place in the index; a number each; and the first
    and the last day, in days since 1970 (inf: to this day)."""

    owner: NDArray[np.int64]
    seat: NDArray[np.int64]
    since: NDArray[np.int64]
    until: Floats


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
        """Unix seconds of the last commit before that day; to take up a model wants one."""
        found = last_commits(self.draws, index, self.timeline.created(index), day)
        seats = self.seats(index)
        for moved in (seats.since, seats.until):
            over = moved < moment(day) // DAY_SECONDS
            when = (moved[over] * DAY_SECONDS).astype(np.int64)
            np.maximum.at(found, seats.owner[over], when)
        return found

    def seats(self, index: Index) -> "Seats":
        """The models that Spaces ever name: its first one from the beginning, others then or later,
        some only for a while."""
        d = self.draws
        count = np.minimum(1 + np.floor(d.uniform("count", index) ** -0.6 - 1), 60).astype(np.int64)
        count[d.uniform("names", index) >= NAMES_MODELS] = 0
        owner = np.repeat(np.arange(len(index)), count)
        nth = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
        seat = index[owner].astype(np.int64) * 64 + nth
        late = (d.uniform("late", seat) < LATER) & (nth > 0)
        waits = np.where(late, -200 * np.log(d.uniform("wait", seat)), 0).astype(np.int64)
        since = self.timeline.created(index)[owner] // DAY_SECONDS + waits
        leaves = (d.uniform("leaves", seat) < LEFT) & (nth > 0)
        stays = np.where(leaves, np.ceil(-300 * np.log(d.uniform("stay", seat))), np.inf)
        return Seats(owner, seat, since, since + stays)

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
        born = self._world.timeline.created(self._index)
        codes = _SDK_MIX.codes(self._draws, "sdk", self._index, born)
        return [_SDKS[code] for code in codes.tolist()]

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
        """Ids of the models that each Space names on that day, as they were called when it took
        them up."""
        d, models = self._draws, self._world.models
        rows: list[list[str]] = [[] for _ in range(len(self._index))]
        seats = self._world.seats(self._index)
        owner, seat, since = seats.owner, seats.seat, seats.since
        today = moment(self._day) // DAY_SECONDS
        there = (since < today) & (seats.until >= today)
        # A Space that was made before all models has none to name.
        known = models.timeline.born_by(since * DAY_SECONDS)
        there &= known > 0
        owner, seat, since, known = owner[there], seat[there], since[there], known[there]
        if not len(seat) or not len(models.stars):
            return rows
        names = self._taken_up(seat, since, known)
        false = (d.uniform("dangling", seat) < DANGLING).tolist()
        for at, name, wrong in zip(owner.tolist(), names, false, strict=True):
            name = f"{name}-v0-removed" if wrong else name
            if name not in rows[at]:
                rows[at].append(name)
        return rows

    def _taken_up(self, seat: Index, since: Index, known: NDArray[np.int64]) -> list[str]:
        """The name each seat's model had on day `since`, when the first `known` models were there:
        most a star, others one that all spoke of then, a few any."""
        d, models = self._draws, self._world.models
        rank = d.zipf("star", seat, len(models.stars))
        rank = models.born_stars(rank, known, d.uniform("older star", seat))
        names = np.array(models.star_names(rank, since), dtype=object)
        draw = d.uniform("popular", seat)
        spoken, found = self._spoken_of(seat, known)
        hit = (draw > 0.60) & (draw <= 0.93) & found
        names[hit] = models.ids(spoken[hit], since[hit])
        other = ((draw > 0.93) | (rank < 0)) & ~hit
        any_model = (d.uniform("any", seat[other]) * known[other]).astype(np.int64)
        names[other] = models.ids(any_model, since[other])
        return names.tolist()

    def _spoken_of(
        self, seat: Index, known: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """For each seat the largest of four hits drawn from the last, and whether there is one."""
        d, demand = self._draws, self._world.models.demand
        hits = demand.hits(int(known.max()))
        newest = np.searchsorted(hits, known) - 1
        best = np.zeros(len(seat), dtype=np.int64)
        if not len(hits):
            return best, newest >= 0
        size = np.full(len(seat), -1.0)
        for nth in range(4):
            back = np.floor(-12 * np.log(d.uniform(f"back {nth}", seat))).astype(np.int64)
            one = hits[np.maximum(newest - back, 0)]
            larger = (newest >= back) & (demand.peak(one) > size)
            best, size = np.where(larger, one, best), np.where(larger, demand.peak(one), size)
        return best, size >= 0

    def _models(self) -> list[str]:
        return [
            f',"models":[{",".join([quoted(name) for name in names])}]' if names else ""
            for names in self.named_models()
        ]

    def _datasets(self) -> list[str]:
        d, index = self._draws, self._index
        named = d.uniform("datasets", index)
        which = d.zipf("dataset", index, len(words.DATASETS)).tolist()
        born = self._world.timeline.created(index) // DAY_SECONDS
        others = self._world.models.name_datasets(d, index, born)
        rows = []
        for share, k, other in zip(named.tolist(), which, others, strict=True):
            # The best known ones, some of which are older names that no Hub lists; others; both.
            names = [words.DATASETS[k]] if share < 0.05 else []
            if 0.04 <= share < 0.10 and other and other not in names:
                names.append(other)
            rows.append(f',"datasets":[{",".join(map(quoted, names))}]' if names else "")
        return rows
