"""Summaries of stored days, read from footers and manifests alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.quality.baselines import DaySize, day_size
from hf_assets.hub.quality.changes import capture_of
from hf_assets.hub.quality.records import DatasetsComparison, DayComparison, ListingComparison
from hf_assets.hub.quality.step import DATASETS, MODELS, Listing
from hf_assets.storage.lake import Lake, MissingDay, iso
from hf_assets.storage.months import kept_by_month, notes_by_month
from hf_assets.storage.records import CaptureProvenance

# Days around a day, on either side, that have a median together (Model Pulse: 15 days).
AROUND = timedelta(days=7)


@dataclass(frozen=True)
class DaySummary:
    """A stored day of models, or its datasets, which are summarized likewise.

    Args:
        size: its scope and rows.
        comparison: the record of its `daily_changes`; its source and rows, where it has none.
        spaces: rows of `enriched_spaces`, if known.
        compared: it has `daily_changes`; of datasets: those have them, too.
        has_models: it has `models`; else it was only captured.
        table_sha256: of the capture behind its table, which may be newer than `daily_changes`.
        listing: what the summary is of.
        datasets: the summary of its datasets, if it has any.
    """

    size: DaySize
    comparison: ListingComparison
    spaces: int | None = None
    compared: bool = True
    has_models: bool = True
    table_sha256: str | None = None
    listing: Listing = MODELS
    datasets: "DaySummary | None" = None

    @property
    def day(self) -> str:
        """The partition key."""
        return self.size.day

    @property
    def sha256(self) -> str | None:
        """Of the capture behind its current table, if known."""
        return self.table_sha256 or self.comparison.sha256


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
    sha256, datasets = capture_sha256(lake), _datasets_by_day(lake)
    return [
        _summary(lake, day, changes.get(day), metrics.get(day), sha256.get(day), datasets.get(day))
        for day in sorted({*captured, *lake.days("models"), *changes})
    ]


def capture_sha256(lake: Lake) -> dict[str, str | None]:
    """The sha256 of the capture behind each stored day of `models`."""
    captures = kept_by_month(lake, "models", "captures", _sha256_of_footer)
    return {day: capture.get("sha256") for day, capture in captures.items()}


def _sha256_of_footer(lake: Lake, day: str) -> dict[str, Any]:
    return {"sha256": capture_of(lake.read("models", day)).sha256}


def _datasets_by_day(lake: Lake) -> dict[str, dict[str, Any]]:
    """What the footers of `hub_datasets` record; without days whose source lists no datasets."""
    facts = kept_by_month(lake, DATASETS.table, "captures", _datasets_of_footer)
    return {day: of_day for day, of_day in facts.items() if not of_day["absent"]}


def _datasets_of_footer(lake: Lake, day: str) -> dict[str, Any]:
    stored = lake.read(DATASETS.table, day)
    capture = DATASETS.capture(stored)
    size = day_size(day, capture, stored.rows)
    return {
        "sha256": capture.sha256,
        "source": capture.source,
        "origin": capture.origin,
        "scope": size.scope,
        "rows": size.rows,
        "absent": size.absent,
    }


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
    datasets: Mapping[str, Any] | None = None,
) -> DaySummary:
    """The summary by the notes of `daily_changes` and `daily_metrics`, where the day has them."""
    if changes is None:
        return replace(_uncompared(lake, day), datasets=_datasets(day, None, datasets))
    comparison = DayComparison.read(changes)
    models = comparison.models
    size = DaySize(day, comparison.scope, models or 0, absent=models is None)
    return DaySummary(
        size,
        comparison,
        (metrics or {}).get("Spaces"),
        table_sha256=sha256,
        datasets=_datasets(day, comparison.datasets, datasets),
    )


def _datasets(
    day: str, comparison: DatasetsComparison | None, stored: Mapping[str, Any] | None
) -> DaySummary | None:
    """The datasets of a day as they were compared, and as they are stored now."""
    compared = comparison is not None
    stored = stored or {}
    if comparison is None and stored:
        comparison = DatasetsComparison(
            source=stored["source"],
            origin=stored["origin"],
            scope=stored["scope"],
            datasets=stored["rows"],
            sha256=stored["sha256"],
        )
    if comparison is None:
        return None
    return DaySummary(
        DaySize(day, comparison.scope, comparison.datasets or 0),
        comparison,
        compared=compared,
        table_sha256=stored.get("sha256"),
        listing=DATASETS,
    )


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
