"""What a demo's lake was made of, kept in the lake: a second run reuses what still stands.

A *unit* is what one step stores at a time: a day of a daily asset (`models/day=2026-11-27`), or
another asset's folder. It stands while the inputs it was made from, and its files, are the same.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from hf_assets.demo.fingerprints import of_stored
from hf_assets.storage.durable import write_bytes
from hf_assets.storage.records import Record

FILE = "demo.json"


class Built(Record):
    """A unit that a step stored.

    Attributes:
        inputs: fingerprint of what it was made from.
        content: of its files (`of_stored`); empty where the sources have no such day.
    """

    inputs: str
    content: str


class OddDays(Record):
    """Days of the past that differ on purpose.

    Attributes:
        stalled: with the downloads of the day before.
        rolled_back: with the all-time downloads of ten days before.
    """

    stalled: list[str] = msgspec.field(default_factory=list)
    rolled_back: list[str] = msgspec.field(default_factory=list)


class DemoRecord(Record):
    """What a lake was made of.

    Attributes:
        begun: the day of the first run.
        first_day: the first partition.
        texts_from: the first day whose questions the API is asked for; the dump has earlier ones.
        odd_days: of its past.
        halves: inputs of each half of the graph, by name: options, and code of the services.
        home: a name that Dagster's home carries too, so that another one is noticed.
        units: what each step stored.
    """

    begun: str
    first_day: str
    texts_from: str
    odd_days: OddDays = msgspec.field(default_factory=OddDays)
    halves: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    home: str = ""
    units: dict[str, Built] = msgspec.field(default_factory=dict)

    def stands(self, data: Path, units: Mapping[str, str]) -> bool:
        """Whether each of those units was made from the same inputs, and is as it was stored.

        Args:
            data: root of the lake.
            units: fingerprint of the inputs by unit.
        """
        return all(
            (built := self.units.get(unit)) is not None
            and built.inputs == inputs
            and built.content == of_stored(data / unit)
            for unit, inputs in units.items()
        )

    def standing(self, data: Path) -> dict[str, str]:
        """The units that are as they were stored, with the inputs they were made from."""
        return {
            unit: built.inputs
            for unit, built in self.units.items()
            if built.content == of_stored(data / unit)
        }

    def note(self, data: Path, units: Mapping[str, str]) -> None:
        """Keep that those units were stored just now.

        Args:
            data: root of the lake.
            units: fingerprint of the inputs by unit.
        """
        self.units |= {
            unit: Built(inputs=inputs, content=of_stored(data / unit))
            for unit, inputs in units.items()
        }

    def contents(self, units: Iterable[str]) -> list[str]:
        """What those units store, as fingerprints: the inputs of a later step."""
        return [built.content if (built := self.units.get(unit)) else "" for unit in units]

    def forget(self, assets: Iterable[str]) -> None:
        """Drop all units of those assets."""
        gone = set(assets)
        self.units = {
            unit: built for unit, built in self.units.items() if unit.split("/")[0] not in gone
        }

    def save(self, data: Path) -> None:
        """Write the record into the lake."""
        write_bytes(data / FILE, json.dumps(self.to_json(), indent=1).encode() + b"\n")


def read_demo(data: Path) -> DemoRecord | None:
    """The record of a lake; None where there is none, or one that cannot be read."""
    try:
        return msgspec.json.decode((data / FILE).read_bytes(), type=DemoRecord)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
