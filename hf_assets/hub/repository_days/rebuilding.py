"""A month written: from what it has, days' tables, and days whose rows it alone has."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import msgspec
import polars as pl

from hf_assets.hub.repository_days.building import extended
from hf_assets.hub.repository_days.facts import DAYS_NOTE, DayFacts, days_of
from hf_assets.hub.repository_days.reading import parts_of_day
from hf_assets.hub.repository_days.schemas import ROWS_DIGEST, Kind
from hf_assets.hub.repository_days.sources import (
    DayRows,
    GivenRows,
    SourceDay,
    TableRows,
    is_only_in_month,
)
from hf_assets.object_store.scratch import scratch_file
from hf_assets.storage.durable import storing
from hf_assets.storage.lake import Lake, MissingDay, TableWrite, iso
from hf_assets.storage.opened import LakeFile, UnnamedFile
from hf_assets.storage.parquet import ParquetBatches

# Raise it when the same days give other rows: every month is then rebuilt.
RULES = 2
_RULES_NOTE = "rules"
# Rows of days that are in memory at a time, where several are added.
ROWS_AT_ONCE = 6_000_000


@dataclass(frozen=True)
class Month:
    """A month as it was written last.

    Attributes:
        name: YYYY-MM.
        facts: its days; none where there is no such month, or it cannot be read.
        current: it was written by today's rules.
    """

    name: str
    facts: Mapping[str, DayFacts] = field(default_factory=dict)
    current: bool = False

    @classmethod
    def of(cls, name: str, notes: dict[str, Any]) -> "Month":
        """That of these notes."""
        return cls(name, days_of(notes), notes.get(_RULES_NOTE) == RULES)

    def has(self, days: Mapping[str, SourceDay]) -> bool:
        """Whether it has these days and no others, as they are now."""
        there = {day: (one.mark, one.trusted) for day, one in self.facts.items()}
        same = there == {day: (one.mark, one.trusted) for day, one in days.items()}
        noted = same and all(self.facts[day].only_here for day, one in days.items() if one.gone)
        return self.current and noted

    def opened(self, lake: Lake, kind: Kind) -> LakeFile | None:
        """Its file; None where it has no days."""
        return lake.read(kind.table.name, self.name).file if self.facts else None


@dataclass(frozen=True)
class Rebuilt:
    """A month that is written again.

    Attributes:
        lake: the lake.
        kind: of repository.
        wanted: the days that it is to have.
        before: what it was.
        file: its file then.
    """

    lake: Lake
    kind: Kind
    wanted: Mapping[str, SourceDay]
    before: Month
    file: LakeFile | None

    def write(self, kept: Mapping[str, DayFacts], new: Sequence[str]) -> Mapping[str, DayFacts]:
        """Write it: the days that stay as they are in it, and others.

        Parts of it lie in scratch until all is done.

        Returns:
            what it says of its days.

        Raises:
            MissingDay: rows that nothing but the month had are not there.
        """
        alone = {
            day for day in new if is_only_in_month(self.lake, self.kind, day, self.wanted[day])
        }
        if lost := sorted(alone - self.before.facts.keys()):
            raise MissingDay(self._lost(lost))
        facts, file = dict(kept), self.file if kept else None
        *first, last = self._batches(new, alone) or [[]]
        for days in first:
            file = self._in_scratch(self._extended(file, days, alone, facts))
        notes: dict[str, Any] = {_RULES_NOTE: RULES, "version": version("hf-assets")}

        def rows() -> Iterator[pl.DataFrame]:
            yield from self._extended(file, last, alone, facts)
            notes[DAYS_NOTE] = msgspec.to_builtins(facts)

        self.lake.write(self.kind.table, self.before.name, TableWrite(rows(), notes=notes))
        return facts

    def _extended(
        self,
        file: LakeFile | None,
        days: Sequence[str],
        alone: set[str],
        facts: dict[str, DayFacts],
    ) -> Iterator[pl.DataFrame]:
        """The rows with further days, of which `facts` tells when all are there."""
        trusted = {iso(day): one.trusted for day, one in facts.items()}
        trusted |= {iso(day): self.wanted[day].trusted for day in days}
        every = {day: self._rows(day, alone) for day in days}
        rows = [(iso(day), of_day) for day, of_day in every.items()]
        try:
            yield from extended(file, rows, self.kind, trusted)
        except MissingDay as error:
            if lost := sorted(alone.intersection(days)):
                raise MissingDay(self._lost(lost)) from error
            raise
        for day, of_day in every.items():
            facts[day] = self._facts(day, of_day, alone=day in alone)

    def _rows(self, day: str, alone: set[str]) -> DayRows:
        if day not in alone:
            return TableRows(self.lake, self.kind, day)
        assert self.file is not None, "a month with days has a file"
        parts = parts_of_day(self.file, self.kind, day, self.kind.kept[1:])
        return GivenRows(parts, self.kind, self.before.facts[day].repeated)

    def _facts(self, day: str, rows: DayRows, *, alone: bool) -> DayFacts:
        """What its month says about a day whose rows were read.

        Raises:
            MissingDay: they are others than those that nothing but the month had.
        """
        source = self.wanted[day]
        facts = DayFacts(
            trusted=source.trusted,
            rows=rows.height,
            digest=rows.digest,
            mark=source.mark,
            repeated=rows.repeated,
            only_here=alone,
        )
        if alone and not self._is_as_it_was(day, facts):
            raise MissingDay(self._lost([day]))
        return facts

    def _is_as_it_was(self, day: str, facts: DayFacts) -> bool:
        """Whether a day given back is what its month, and its table, say of it."""
        notes = {} if self.wanted[day].gone else self.lake.notes(self.kind.source.name, day)
        digests = {notes.get(ROWS_DIGEST, facts.digest)}
        if self.before.current:
            digests.add(self.before.facts[day].digest)
        return digests == {facts.digest}

    def _lost(self, days: Sequence[str]) -> str:
        several = len(days) > 1
        named = f"{', '.join(days[:-1])} and {days[-1]}" if several else days[0]
        name = self.kind.table.name
        return (
            f"{name} of {self.before.name} is lost or damaged, and the rows of "
            f"{self.kind.source.name} of {named} are nowhere else: restore {name} from a backup"
        )

    def _in_scratch(self, frames: Iterable[pl.DataFrame]) -> LakeFile:
        """A month that is not complete yet."""
        with scratch_file(f"{self.kind.table.name}-{self.before.name}") as path, storing(path):
            with ParquetBatches(path, self.kind.table) as writer:
                for frame in frames:
                    writer.write(frame)
            return UnnamedFile(path, (0, 0))

    def _batches(self, days: Iterable[str], alone: set[str]) -> list[list[str]]:
        """Days that are added together."""
        batches: list[list[str]] = []
        rows = 0
        for day in days:
            if day in alone:
                more = self.before.facts[day].rows
            else:
                more = self.lake.read(self.kind.source.name, day).rows
            if not batches or rows + more > ROWS_AT_ONCE:
                batches.append([])
                rows = 0
            batches[-1].append(day)
            rows += more
        return batches
