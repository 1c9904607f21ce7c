"""Summaries of stored days, read from footers and manifests alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.quality.baselines import DaySize, day_size
from hf_assets.hub.quality.changes import capture_of
from hf_assets.hub.quality.records import DayComparison
from hf_assets.storage.lake import Lake, MissingDay, iso
from hf_assets.storage.months import kept_by_month, notes_by_month
from hf_assets.storage.records import CaptureProvenance

# Days around a day, on either side, that have a median together (Model Pulse: 15 days).
AROUND = timedelta(days=7)


@dataclass(frozen=True)
class DaySummary:
    """A stored day.

    Args:
        size: its scope and rows.
        comparison: the record of its `daily_changes`; its source and rows, where it has none.
        spaces: rows of `enriched_spaces`, if known.
        compared: it has `daily_changes`.
        has_models: it has `models`; else it was only captured.
        models_sha256: of the capture behind its `models`, which may be newer than `daily_changes`.
    """

    size: DaySize
    comparison: DayComparison
    spaces: int | None = None
    compared: bool = True
    has_models: bool = True
    models_sha256: str | None = None

    @property
    def day(self) -> str:
        """The partition key."""
        return self.size.day

    @property
    def sha256(self) -> str | None:
        """Of the capture behind its current `models`, if known."""
        return self.models_sha256 or self.comparison.sha256


def summarize_day(lake: Lake, day: str) -> DaySummary:
    """The summary of a day. MissingDay where the lake has neither a capture nor a table of it."""
    return _summary(
        lake, day, _notes(lake, "daily_changes", day), _notes(lake, "daily_metrics", day)
    )


def days_around(summarize: Callable[[str], DaySummary], day: str) -> list[DaySummary]:
    """The stored days from a week before a day to a week after it, that day among them.

    Args:
        summarize: `summarize_day` of a lake.
        day: a stored day.
    """
    first = iso(day) - AROUND
    days = []
    for number in range(2 * AROUND.days + 1):
        try:
            days.append(summarize(str(first + timedelta(days=number))))
        except MissingDay:
            continue
    return days


def all_days(lake: Lake) -> list[DaySummary]:
    """Every day that was captured or has a table, oldest first."""
    captured = CaptureStore(lake, "raw_models").days()
    changes, metrics = (notes_by_month(lake, name) for name in ("daily_changes", "daily_metrics"))
    sha256 = capture_sha256(lake)
    return [
        _summary(lake, day, changes.get(day), metrics.get(day), sha256.get(day))
        for day in sorted({*captured, *lake.days("models"), *changes})
    ]


def capture_sha256(lake: Lake) -> dict[str, str | None]:
    """The sha256 of the capture behind each stored day of `models`."""
    captures = kept_by_month(lake, "models", "captures", _sha256_of_footer)
    return {day: capture.get("sha256") for day, capture in captures.items()}


def _sha256_of_footer(lake: Lake, day: str) -> dict[str, Any]:
    return {"sha256": capture_of(lake.read("models", day)).sha256}


def _notes(lake: Lake, asset: str, day: str) -> Mapping[str, Any] | None:
    try:
        return lake.notes(asset, day)
    except MissingDay:
        return None


def _summary(
    lake: Lake,
    day: str,
    changes: Mapping[str, Any] | None,
    metrics: Mapping[str, Any] | None,
    sha256: str | None = None,
) -> DaySummary:
    """The summary by the notes of `daily_changes` and `daily_metrics`, where the day has them."""
    if changes is None:
        return _uncompared(lake, day)
    comparison = DayComparison.read(changes)
    models = comparison.models
    size = DaySize(day, comparison.scope, models or 0, absent=models is None)
    return DaySummary(size, comparison, (metrics or {}).get("Spaces"), models_sha256=sha256)


def _uncompared(lake: Lake, day: str) -> DaySummary:
    """A day with a capture or models, and without `daily_changes`: partial, or not made yet."""
    try:
        stored = lake.read("models", day)
        capture, rows = capture_of(stored), stored.rows
        has_models = True
    except MissingDay:
        stored_capture = CaptureStore(lake, "raw_models").complete(day)
        if stored_capture is None:
            raise
        capture = CaptureProvenance.read(stored_capture.provenance)
        rows = stored_capture.distinct
        has_models = False
    size = day_size(day, capture, rows)
    comparison = DayComparison(
        source=capture.source,
        origin=capture.origin,
        scope=size.scope,
        models=None if size.absent else rows,
        sha256=capture.sha256,
    )
    return DaySummary(size, comparison, compared=False, has_models=has_models)
