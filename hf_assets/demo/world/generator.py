"""A seeded Hub of any size that moves on from day to day.

Every fact of a repository is a function of (seed, its number, day): pages are rendered when they
are asked for, any day can be asked for in any order, and a server that is started again shows the
same Hub. Kept in memory are a few small integers a repository.
"""

import datetime as dt
import re
from bisect import bisect_right
from collections import OrderedDict
from threading import Lock

import msgspec
import numpy as np
from numpy.typing import NDArray

from hf_assets.demo.world.datasets import DatasetPage, DatasetWorld
from hf_assets.demo.world.draws import Index, in_chunks
from hf_assets.demo.world.model_rows import ModelPage
from hf_assets.demo.world.models import CATEGORIES, ModelWorld
from hf_assets.demo.world.source import Keyset, Kind, Listing, SortValue, Where
from hf_assets.demo.world.spaces import SpacePage, SpaceWorld
from hf_assets.demo.world.timeline import FLOOR, id_key, moment

_CHUNK = 50_000  # rows rendered at a time when a filter has to look at all of them
_KEPT_LISTINGS = 9
_NUMBERS = re.compile(r"([0-9]{1,10})(?:-hf|-new)?$")


class GeneratedHub:
    """Models, Spaces and datasets as the Hub of 2026 has them, drawn from a seed.

    A day's listing shows what was there at its first instant (00:00 UTC). From one day to the next
    0.15 % are born and 0.02 % deleted, 0.01 % change their name and keep their `_id`, about a
    quarter of the models have other downloads, likes or trending score.

    Args:
        models: number of models on `sized_on`.
        spaces: number of Spaces on `sized_on`.
        seed: any integer; another seed is another Hub.
        day: the day shown; None follows the clock (UTC). It can be set to another at any time.
        datasets: number of datasets on `sized_on`; None: a third as many as models.
        sized_on: the day on which the sizes hold, `day` or today if None. Repositories are the same
            ones for the same (seed, sizes, sized_on): give a fixed day where servers that start
            on different days must show one Hub.

    Raises:
        ValueError: a size below 0, or a day before the Hub's records (2022-03-03).
    """

    def __init__(
        self,
        models: int = 20_000,
        spaces: int = 8_000,
        seed: int = 0,
        day: dt.date | None = None,
        *,
        datasets: int | None = None,
        sized_on: dt.date | None = None,
    ) -> None:
        datasets = models // 3 if datasets is None else datasets
        if min(models, spaces, datasets) < 0:
            raise ValueError(
                f"sizes must not be negative: {models} models, {spaces} Spaces, {datasets} datasets"
            )
        self._day = None if day is None else _checked(day)
        sized_on = _checked(sized_on or self.day)
        self.models = ModelWorld(seed, models, sized_on)
        self.spaces = SpaceWorld(seed, spaces, sized_on, self.models)
        self.datasets = DatasetWorld(seed, datasets, sized_on, self.models)
        self.models.name_datasets = self.datasets.named
        self._lock = Lock()
        self._listings: OrderedDict[tuple[Kind, str, Where, dt.date], _GeneratedListing] = (
            OrderedDict()
        )
        self._alive: OrderedDict[tuple[Kind, dt.date], NDArray[np.uint32]] = OrderedDict()

    @property
    def day(self) -> dt.date:
        """The day shown."""
        return self._day or dt.datetime.now(dt.UTC).date()

    @day.setter
    def day(self, day: dt.date) -> None:
        self._day = _checked(day)

    def total(self, kind: Kind) -> int:
        """Number of repositories of that kind on that day."""
        return len(self._alive_on(kind, self.day))

    def listing(self, kind: Kind, sort: str, where: Where) -> Listing:
        """The listing of the day shown; it stays what it is when the day moves on."""
        day = self.day
        key = (kind, sort, where, day)
        with self._lock:
            if key in self._listings:
                self._listings.move_to_end(key)
                return self._listings[key]
        index = self._matching(kind, where, day)
        listing = _GeneratedListing(self, kind, sort, index, day)
        with self._lock:
            self._listings[key] = listing
            while len(self._listings) > _KEPT_LISTINGS:
                self._listings.popitem(last=False)
        return listing

    def row(self, kind: Kind, repo_id: str, fields: frozenset[str]) -> bytes | None:
        """One row; a name from before a renaming finds its repository, as the Hub redirects it."""
        day = self.day
        world = self.world(kind)
        numbers = [int(n) for part in repo_id.split("/") for n in _NUMBERS.findall(part)]
        if isinstance(world, ModelWorld | DatasetWorld):
            famous = world.famous_ids
            names = (repo_id, repo_id.removesuffix("-hf"), repo_id.removesuffix("-new"))
            numbers += [famous[name] for name in names if name in famous]
        for number in numbers:
            index = np.array([number])
            if number >= 2**31 or not world.timeline.is_alive(number, day):
                continue
            if repo_id in {world.ids(index, when)[0] for when in (0, moment(day) // 86_400)}:
                return self.render(kind, index, day, fields)[0]
        return None

    def render(self, kind: Kind, index: Index, day: dt.date, fields: frozenset[str]) -> list[bytes]:
        """Rows of these repositories on that day, each a JSON object."""
        if kind == "models":
            return ModelPage(self.models, index, day).rows(fields)
        if kind == "datasets":
            return DatasetPage(self.datasets, index, day).rows(fields)
        return SpacePage(self.spaces, index, day).rows(fields)

    def world(self, kind: Kind) -> ModelWorld | SpaceWorld | DatasetWorld:
        """All repositories of that kind, of any day."""
        worlds = {"models": self.models, "spaces": self.spaces, "datasets": self.datasets}
        return worlds[kind]

    def _alive_on(self, kind: Kind, day: dt.date) -> NDArray[np.uint32]:
        with self._lock:
            if (kind, day) not in self._alive:
                self._alive[kind, day] = self.world(kind).timeline.alive(day)
                while len(self._alive) > 6:
                    self._alive.popitem(last=False)
            return self._alive[kind, day]

    def _matching(self, kind: Kind, where: Where, day: dt.date) -> NDArray[np.uint32]:
        index = self._alive_on(kind, day)
        if where == Where():
            return index
        tags = where.tags
        if kind == "models":
            for tag in set(tags) & set(CATEGORIES):
                # A category among the tags is always the pipeline_tag here: no need to render.
                codes = in_chunks(self.models.categories, index)
                index = index[codes == CATEGORIES.index(tag)]
            tags = tuple(tag for tag in tags if tag not in CATEGORIES)
        if not tags and where.author is None and where.search is None:
            return index
        fields = frozenset(("id", "tags", "sdk", "library_name"))
        search = where.search.lower() if where.search else ""
        kept = []
        for start in range(0, len(index), _CHUNK):
            chunk = index[start : start + _CHUNK]
            mask = []
            for text in self.render(kind, chunk, day, fields):
                row = msgspec.json.decode(text)
                mask.append(
                    all(tag in row["tags"] for tag in tags)
                    and (where.author is None or row["id"].split("/")[0] == where.author)
                    and search in row["id"].lower()
                )
            kept.append(chunk[np.array(mask, dtype=bool)])
        return np.concatenate(kept) if kept else index[:0]


class _GeneratedListing:
    def __init__(
        self, hub: GeneratedHub, kind: Kind, sort: str, index: NDArray[np.uint32], day: dt.date
    ) -> None:
        self._hub, self._kind, self._sort, self._day = hub, kind, sort, day
        self._world = hub.world(kind)
        falling = in_chunks(lambda part: -self._values(part), index)
        order = np.lexsort((in_chunks(self._world.timeline.id_keys, index), falling))
        self._order = index[order]
        self._falling = falling[order]

    @property
    def total(self) -> int:
        return len(self._order)

    def _values(self, index: Index) -> NDArray[np.number]:
        if self._sort == "createdAt":
            return self._world.timeline.created(index)
        if self._sort == "lastModified":
            return self._world.modified(index, self._day)
        if self._sort == "likes":
            return self._world.likes(index, self._day)
        if self._sort == "trendingScore":
            return self._world.trending(index, self._day)
        assert not isinstance(self._world, SpaceWorld)
        return self._world.downloads(index, self._day)

    def locate(self, after: Keyset | None) -> int:
        if after is None:
            return 0
        key = id_key(after.hub_id)
        if after.value is None:
            return self.total
        value = -self._number(after.value)
        low = int(np.searchsorted(self._falling, value, "left"))
        high = int(np.searchsorted(self._falling, value, "right"))
        timeline = self._world.timeline
        return (
            bisect_right(
                range(low, high),
                key,
                key=lambda at: int(timeline.id_keys(self._order[at : at + 1])[0]),
            )
            + low
        )

    def _number(self, value: str | int | float) -> int | float:
        if self._sort in ("createdAt", "lastModified"):
            return int(dt.datetime.fromisoformat(str(value)).timestamp())
        if isinstance(value, str):
            raise ValueError(f"{self._sort} is a number, not {value!r}")
        return value

    def page(
        self, position: int, limit: int, fields: frozenset[str]
    ) -> tuple[list[bytes], Keyset | None]:
        index = self._order[max(position, 0) : max(position, 0) + limit]
        if not len(index):
            return [], None
        rows = self._hub.render(self._kind, index, self._day, fields)
        last = int(max(position, 0) + len(index) - 1)
        return rows, Keyset(self._text(last), self._world.timeline.hub_ids(index[-1:])[0])

    def _text(self, at: int) -> SortValue:
        value = float(-self._falling[at])
        if self._sort in ("createdAt", "lastModified"):
            moment = dt.datetime.fromtimestamp(int(value), dt.UTC)
            return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return int(value) if value.is_integer() else value


def _checked(day: dt.date) -> dt.date:
    if moment(day) <= FLOOR:
        raise ValueError(f"the Hub's records begin on 2022-03-02; there is nothing on {day}")
    return day
