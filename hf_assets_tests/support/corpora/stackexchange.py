"""An embedded Stack Exchange with a clock, and clients of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from hf_assets.corpora.stackexchange.client import QuestionClient
from hf_assets.corpora.stackexchange.pacing import Pace
from hf_assets.corpora.stackexchange.questions import new_questions
from hf_assets.demo.labels.question_sources import (
    Item,
)
from hf_assets.demo.labels.stackexchange import Asked, QuestionFaults
from hf_assets.storage.lake import TableWrite
from hf_assets_tests.support.waits import FakeTime

DAY = "2026-11-19"
KEY = "sEcReT0123456789((("


@dataclass
class Service:
    """The embedded API while it is served, and what asks it."""

    url: str
    time: FakeTime
    faults: QuestionFaults
    requests: list[Asked]
    told: list[str] = field(default_factory=list)

    def client(self, **options: Any) -> QuestionClient:
        pace = Pace(self.time.clock, self.time.sleep)
        given: dict[str, Any] = {"site": "generated", "pace": pace, "now": self.time.now}
        return QuestionClient(self.url, log=self.told.append, **given | options)

    def day(self, day: str = DAY, **options: Any) -> tuple[pl.DataFrame, TableWrite]:
        made = new_questions(self.client(**options), day)
        return pl.concat(list(made.frames)), made

    @property
    def pages(self) -> list[str]:
        return [one.query["page"] for one in self.requests]


ServeQuestions = Callable[..., Service]


@dataclass
class Listed:
    """Questions that a test lists; one site, `generated`."""

    listed: list[Item]
    sites: tuple[str, ...] = ("generated",)

    def _within(self, first: int, last: int) -> list[Item]:
        return [one for one in self.listed if first <= one["creation_date"] <= last]

    def count(self, site: str, first: int, last: int) -> int:
        return len(self._within(first, last))

    def items(self, site: str, first: int, last: int, start: int, stop: int) -> list[Item]:
        return self._within(first, last)[start:stop]
