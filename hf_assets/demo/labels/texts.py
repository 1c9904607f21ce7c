"""Generated questions and datasets: titles, bodies and tags for demos and tests.

**Every text here is generated**, from words written for this project: nobody asked these
questions. They are made so that tags can be learnt from the text, though not perfectly: a tag's own
words appear often but not always, words of other topics stray in, some tags have no trace at all.
Among them are what real sources have too: near copies, placeholder texts, empty bodies, rows
without a tag, letters of many scripts.

A text is a function of (kind, seed, index): any one can be made alone, in any order.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Literal

from hf_assets.demo.labels.phrases import DATASETS, QUESTIONS, Wording
from hf_assets.demo.labels.subjects import DATASET_TOPICS
from hf_assets.demo.labels.topics import QUESTION_TOPICS, Topic

Kind = Literal["questions", "datasets"]

# The first text was written on this day unless another is given; indices rise with time.
ORIGIN = datetime(2020, 1, 1, tzinfo=UTC)
PER_DAY = 48
# Ids leave room for the answers in between.
ID_STEP = 4

# Shares of the texts that are odd.
NEAR_COPIES, PLACEHOLDERS, EMPTY, UNTAGGED, FOREIGN = 0.015, 0.010, 0.006, 0.006, 0.03
# How often a tag's words appear at all, for the first tag of a text and for the others.
VOICED, VOICED_TOO = 0.95, 0.80
# How often a topic that is no tag of the text gets a sentence.
STRAY = 0.25

_DAY = 86_400
_NAMES = (
    "Ada", "Bela", "Chidi", "Dóra", "Emre", "Françoise", "Goran", "Hana", "Ines", "Jürgen",
    "Kofi", "Łukasz", "Mei", "Nils", "Oksana", "Priya", "Quinn", "Rosa", "Søren", "田中",
)  # fmt: skip


@dataclass(frozen=True)
class GeneratedText:
    """One generated question (HTML body) or dataset (Markdown body, with a subtitle).

    `created` is in UTC, to the second; `author_id` is 0 where the account is gone.
    """

    id: int
    title: str
    body: str
    tags: tuple[str, ...]
    author: str
    author_id: int
    created: datetime
    subtitle: str = ""


@dataclass(frozen=True)
class _World:
    topics: tuple[Topic, ...]
    wording: Wording
    shares: tuple[float, ...]
    tag_counts: tuple[float, ...]


def _world(topics: tuple[Topic, ...], wording: Wording, counts: tuple[float, ...]) -> _World:
    # Zipf's law, bent so that the rarest topic still has a half percent of the texts.
    shares = tuple(accumulate(1 / (rank + 4) for rank in range(len(topics))))
    return _World(topics, wording, shares, counts)


# Weights of 1, 2, 3, 4, 5 tags a text.
_WORLDS = {
    "questions": _world(QUESTION_TOPICS, QUESTIONS, (42, 34, 15, 6, 3)),
    "datasets": _world(DATASET_TOPICS, DATASETS, (20, 35, 28, 12, 5)),
}


class GeneratedTexts:
    """An endless row of generated texts, oldest first.

    Args:
        kind: "questions" or "datasets".
        seed: another seed gives other texts.
        per_day: texts a day, from `origin` on.
        origin: when the first text was written.
        topics: how many of the commonest topics they are about; by default all.
    """

    def __init__(
        self,
        kind: Kind,
        seed: int = 0,
        per_day: int = PER_DAY,
        *,
        origin: datetime = ORIGIN,
        topics: int | None = None,
    ) -> None:
        self.kind, self.seed, self.per_day, self.origin = kind, seed, per_day, origin
        world = _WORLDS[kind]
        self._world = replace(world, topics=world.topics[:topics], shares=world.shares[:topics])

    def text(self, index: int) -> GeneratedText:
        """The text of that index, 0 for the oldest."""
        made = self._fresh(index)
        draw = random.Random(f"{self.kind} {self.seed} copy {index}")
        if index and draw.random() < NEAR_COPIES:
            earlier = self._fresh(index - draw.randint(1, min(index, 200)))
            ending = draw.choice(self._world.wording.copies)
            made = replace(
                made,
                title=earlier.title,
                subtitle=earlier.subtitle,
                body=earlier.body + ending,
                tags=earlier.tags,
            )
        return made

    def indices(self, begin: datetime, end: datetime) -> range:
        """The indices of the texts with begin <= created < end."""
        return range(self._index_at(begin), self._index_at(end))

    def day(self, day: date) -> range:
        """The indices of one UTC day's texts."""
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return self.indices(begin, begin + timedelta(days=1))

    def created(self, index: int) -> datetime:
        """When that text was written; rises with the index."""
        begin, end = (self._slot(at) for at in (index, index + 1))
        draw = random.Random(f"{self.kind} {self.seed} time {index}")
        return self.origin + timedelta(seconds=begin + int(draw.random() * (end - begin)))

    def _slot(self, index: int) -> int:
        return index * _DAY // self.per_day

    def _index_at(self, moment: datetime) -> int:
        """The first index that is written at that moment or later."""
        seconds = (moment - self.origin) / timedelta(seconds=1)
        index = max(int(seconds * self.per_day // _DAY) - 1, 0)
        while self.created(index) < moment:
            index += 1
        return index

    def _fresh(self, index: int) -> GeneratedText:
        draw = random.Random(f"{self.kind} {self.seed} {index}")
        topics = self._topics(draw)
        voiced = [
            topic
            for at, topic in enumerate(topics)
            if draw.random() < (VOICED_TOO if at else VOICED)
        ]
        if draw.random() < STRAY:
            voiced.append(draw.choice(self._world.topics))
        wording = self._world.wording
        title, subtitle, body = wording.text(draw, voiced, index)
        odd = draw.random()
        if odd < PLACEHOLDERS:
            title, subtitle, body = wording.placeholder
        elif odd < PLACEHOLDERS + EMPTY:
            body = wording.empty
        elif odd < PLACEHOLDERS + EMPTY + UNTAGGED:
            topics = []
        elif odd < PLACEHOLDERS + EMPTY + UNTAGGED + FOREIGN:
            body += draw.choice(wording.foreign)
        author_id = draw.randint(0, 4000)
        return GeneratedText(
            id=index * ID_STEP + 1,
            title=title,
            subtitle=subtitle,
            body=body,
            tags=tuple(topic.tag for topic in topics),
            author=f"{_NAMES[author_id % len(_NAMES)]} {author_id}",
            author_id=author_id,
            created=self.created(index),
        )

    def _topics(self, draw: random.Random) -> list[Topic]:
        """One to five topics: the first by its frequency, the others often of its group."""
        world = self._world
        count = draw.choices(range(1, 6), world.tag_counts)[0]
        chosen = draw.choices(world.topics, cum_weights=world.shares)
        while len(chosen) < count:
            (other,) = draw.choices(world.topics, cum_weights=world.shares)
            if other in chosen or (other.group != chosen[0].group and draw.random() < 0.6):
                continue
            chosen.append(other)
        return chosen


def generated_questions(count: int, seed: int = 0) -> Iterator[GeneratedText]:
    """The first `count` questions of that seed, oldest first."""
    world = GeneratedTexts("questions", seed)
    return (world.text(index) for index in range(count))


def generated_datasets(count: int, seed: int = 0) -> Iterator[GeneratedText]:
    """The first `count` datasets of that seed, oldest first."""
    world = GeneratedTexts("datasets", seed)
    return (world.text(index) for index in range(count))
