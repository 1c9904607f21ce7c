"""The run log of many days: a line a day, with how many of how many, also of unpreviewed days."""

from pathlib import Path

import pytest

from hf_assets.defs.common import resources
from hf_assets.defs.hub import raw
from hf_assets.hub.capture import from_archive
from hf_assets.progress import TimedLog
from hf_assets_tests.defs.conftest import Make, World, days_ago
from hf_assets_tests.support.defs.archives import recorded, served


def lines(hub: World, run_id: str, about: str) -> list[str]:
    """The lines of a run's log that begin with those words, without what only time decides."""
    logged = [record.user_message for record in hub.instance.all_logs(run_id)]
    return [line.partition(", about")[0] for line in logged if line.startswith(about)]


def test_each_recovered_day_logs_a_line(
    world: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 5
    for module in (raw, resources):
        monkeypatch.setattr(module, "PREVIEWED_DAYS", count - 3)
    days = [days_ago(ago) for ago in range(count, 0, -1)]
    gap = days.pop(1)
    hub = world(archive=recorded(tmp_path / "days", *days))
    result = hub.materialize("raw_models", "models", days=(days[0], days[-1]))
    assert not result.success  # a plain run cannot leave a day out
    logged = lines(hub, result.run_id, "raw_models 2")
    assert len(logged) == count
    assert logged[:3] == [
        f"raw_models {days[0]}: 30 rows · 1 of {count}",
        f"raw_models {gap}: no capture · 2 of {count}",
        f"raw_models {days[1]}: 31 rows · 3 of {count}",
    ]
    assert logged[-1].endswith(f"{count} of {count}")

    # Without the gap: the tables too, though none of these days has a preview.
    result = hub.materialize("models", days=(days[1], days[-1]))
    assert result.success
    logged = lines(hub, result.run_id, "models 2")
    assert len(logged) == count - 2
    assert logged[0].startswith(f"models {days[1]}: 31 rows, ")
    assert logged[-1].endswith(f"{count - 2} of {count - 2}")
    assert "preview" not in hub.materialized("models")[days[-1]].metadata


def test_a_day_of_minutes_logs_its_rows(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(TimedLog):
        """Ten seconds pass before each line."""

        def __init__(self, log, total) -> None:
            super().__init__(log, total, clock=iter(range(0, 10_000, 10)).__next__)

    monkeypatch.setattr(from_archive, "TimedLog", Slow)
    hub = served(world)
    day = days_ago(1)
    result = hub.materialize("raw_models", day=day)
    assert result.success
    (within,) = lines(hub, result.run_id, f"models of {day}, rows read")
    rows = next(iter(hub.figures("raw_models", "dagster/partition_row_count").values()))
    assert within == f"models of {day}, rows read · {rows:,} of {rows:,}"
    # Once, whatever resources the run has: the bar of a terminal has its end by this line.
    begun = sum(event.event_type_value == "STEP_START" for event in result.all_events)
    assert lines(hub, result.run_id, "This run has") == [f"This run has {begun} steps"]
