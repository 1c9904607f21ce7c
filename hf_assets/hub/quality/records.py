"""Records of a day's comparison: the notes in the footer of `daily_changes`."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from hf_assets.hub.quality.baselines import WHOLE_HUB
from hf_assets.storage.records import Record


class ComparedCounts(Record, omit_defaults=True):
    """Models and counters of both days; all but `rows` are None without a baseline.

    Attributes:
        rows: models of the day.
        both: models of both days.
        larger: models with many downloads on both days; `larger_unchanged` those with equal ones.
        all_time: models with an all-time counter on both days; `all_time_fell` those whose fell.
        rows_before: models of the baseline.
    """

    rows: int | None = None
    both: int | None = None
    larger: int | None = None
    larger_unchanged: int | None = None
    all_time: int | None = None
    all_time_fell: int | None = None
    rows_before: int | None = None

    @property
    def unchanged_share(self) -> float | None:
        """Larger models with unchanged downloads, 0 to 1; None without larger models."""
        return (self.larger_unchanged or 0) / self.larger if self.larger else None

    @property
    def fell_share(self) -> float | None:
        """All-time counters that fell, 0 to 1; None without counters."""
        return (self.all_time_fell or 0) / self.all_time if self.all_time else None


# UNSET: days of this scope or identity have no such count. None: the rows do not tell any more.
Count = int | None | UnsetType


class LifecycleCounts(Record):
    """Models that came, went or changed since the baseline.

    Attributes:
        created: on the baseline day or since.
        older: new to the listing, created before.
        undated: new to the listing, without a date.
        deleted: no longer listed.
        entered: new to a list of some models; `left` are no longer on it.
        renamed: with a new name.
        gated_on: gated now; `gated_off`: not any more.
        returned: listed again, as an early version counted them.
    """

    created: Count = UNSET
    older: Count = UNSET
    undated: Count = UNSET
    deleted: Count = UNSET
    entered: Count = UNSET
    left: Count = UNSET
    renamed: Count = UNSET
    gated_on: Count = UNSET
    gated_off: Count = UNSET
    returned: Count = UNSET

    def count(self, name: str) -> int | None:
        """A count; None where the day does not have it."""
        value = getattr(self, name)
        return None if value is UNSET else value

    def completed(self, earlier: "LifecycleCounts") -> "LifecycleCounts":
        """With the counts that are None taken from a comparison of the same days."""
        missing = {name: earlier.count(name) for name, n in self.to_json().items() if n is None}
        return msgspec.structs.replace(self, **missing)


class ListingComparison(Record):
    """The comparison of a day of one listing with its baseline.

    Attributes:
        source: of the day: "captured", "hub-stats" or "folder".
        origin: endpoint, revision or file.
        scope: what part of the Hub the day lists.
        identity: "hub" or "name": what rows are matched by.
        absent_columns: fields that the source lacks.
        sha256: of the capture of the day, so that a replaced day is noticed.
        baseline_day: the day that it is compared with; None for the first.
        baseline_sha256: of the capture of that day.
        hours: between the ends of the two captures.
        partial: the day broke off.
        time_known: False where an archive gives the day only.
        downloads: in 30 days, of all rows; `downloads_all_time` since creation.
        nulls: share of nulls by column, 0 to 1.
        absences: the side table of that name was computed, by a version that has it.
    """

    source: str | None = None
    origin: str | None = None
    scope: str = msgspec.field(default=WHOLE_HUB, name="coverage")
    identity: str = "hub"
    absent_columns: list[str] = msgspec.field(default_factory=list, name="columns absent")
    sha256: str | None = None
    baseline_day: str | None = msgspec.field(default=None, name="before")
    baseline_sha256: str | None = msgspec.field(default=None, name="before sha256")
    hours: float | None = None
    partial: bool = False
    time_known: bool = msgspec.field(default=True, name="time known")
    downloads: int | None = None
    downloads_all_time: int | None = None
    compared: ComparedCounts = msgspec.field(default_factory=ComparedCounts)
    lifecycle: LifecycleCounts = msgspec.field(default_factory=LifecycleCounts)
    nulls: dict[str, float] = msgspec.field(default_factory=dict)
    absences: bool = False

    @property
    def listed(self) -> int | None:
        """Rows of the day; None where its source has none of that kind."""
        raise NotImplementedError


class DatasetsComparison(ListingComparison):
    """The comparison of the datasets of a day with their own baseline.

    Attributes:
        datasets: rows of `hub_datasets`.
    """

    datasets: int | None = None

    @property
    def listed(self) -> int | None:
        """Datasets of the day."""
        return self.datasets


class DayComparison(ListingComparison):
    """The comparison of a day of models with its baseline, and that of its datasets.

    Attributes:
        rows: of `daily_changes`.
        models: rows of `models`; None where the source has no models.
        datasets: None where the day has no datasets, as all days of earlier versions.
    """

    rows: int = 0
    models: int | None = None
    datasets: DatasetsComparison | None = None

    @property
    def listed(self) -> int | None:
        """Models of the day."""
        return self.models

    def to_json(self) -> dict[str, Any]:
        """The notes of `daily_changes`; the UI shows the counts of the lifecycle one by one."""
        counts = self.lifecycle.to_json().items()
        notes = super().to_json() | {name.replace("_", " "): count for name, count in counts}
        if self.datasets is None:
            del notes["datasets"]
        return notes
