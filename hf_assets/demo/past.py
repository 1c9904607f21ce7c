"""The demo's past: how long it is, which of its days differ on purpose, and how it is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from hf_assets.demo.hub_stats.app import HubStats
from hf_assets.demo.hub_stats.commits import FIRST_DAY
from hf_assets.demo.hub_stats.faults import ArchiveFaults
from hf_assets.demo.record import OddDays
from hf_assets.demo.world.generator import GeneratedHub

# Shorter pasts have no day that differs.
SHORTEST_WITH_ODD_DAYS = 20
# The last days of which `day_quality` says whether each can be trusted.
RECENT = timedelta(days=30)


@dataclass(frozen=True)
class Past:
    """The days before a day.

    Args:
        day: the day shown, which is not among them.
        days: how many; 0 for none.
        chosen: the days that differ, of a past that was begun earlier; by default those of a past
            that begins now.

    Raises:
        ValueError: the archive does not go back as far.
    """

    day: date
    days: int
    chosen: OddDays | None = None

    def __post_init__(self) -> None:
        most = (self.day - FIRST_DAY).days
        if not 0 <= self.days <= most:
            raise ValueError(f"--days {self.days}: the archive begins on {FIRST_DAY}; 0 to {most}")

    @property
    def first_day(self) -> str:
        """The oldest of them; the day shown where there are none."""
        return f"{self.day - timedelta(self.days)}"

    @property
    def span(self) -> str:
        """First and last day as a range of partitions."""
        return f"{self.first_day}...{self.day - timedelta(1)}"

    @property
    def keys(self) -> Sequence[str]:
        """The days as partition keys, oldest first."""
        return [f"{self.day - timedelta(back)}" for back in range(self.days, 0, -1)]

    @property
    def odd_days(self) -> OddDays:
        """One day whose downloads stand still, and one whose counters fell: what the archive's real
        years have, too. None is missing, so that every partition is there to look at.
        """
        if self.chosen is not None:
            return self.chosen
        if self.days < SHORTEST_WITH_ODD_DAYS:
            return OddDays()
        rolled_back, stalled = (
            f"{self.day - timedelta(round(self.days * share))}" for share in (0.35, 0.18)
        )
        return OddDays(stalled=[stalled], rolled_back=[rolled_back])

    @property
    def faults(self) -> ArchiveFaults:
        """The archive's switches for those days."""
        stalled, rolled_back = (
            {date.fromisoformat(day) for day in days}
            for days in (self.odd_days.stalled, self.odd_days.rolled_back)
        )
        return ArchiveFaults(stalled=stalled, rolled_back=rolled_back)

    @property
    def on_purpose(self) -> list[str]:
        """Which days differ, in words."""
        odd = self.odd_days
        return [
            f"{day} {what}"
            for days, what in (
                (odd.rolled_back, "has the all-time downloads of ten days before"),
                (odd.stalled, "has the downloads of the day before"),
            )
            for day in sorted(days)
        ]

    @property
    def failing(self) -> dict[str, list[str]]:
        """The checks that fail because of those days, `asset: name`, each with its days."""
        odd, recent = self.odd_days, f"{self.day - RECENT}"
        days = {
            "daily_changes: not_rolled_back": odd.rolled_back,
            # Some counters of 30 days are then larger than those of all time.
            "models: ranges": odd.rolled_back,
            "daily_changes: not_stalled": odd.stalled,
            "daily_changes: datasets_not_rolled_back": odd.rolled_back,
            "hub_datasets: ranges": odd.rolled_back,
            "daily_changes: datasets_not_stalled": odd.stalled,
            "day_quality: days_trusted": [
                day for day in sorted([*odd.rolled_back, *odd.stalled]) if day > recent
            ],
        }
        return {check: of_check for check, of_check in days.items() if of_check}


def archive(hub: GeneratedHub, past: Past, faults: str) -> HubStats:
    """The archive that the embedded Hub serves, with further faults as a command line has them."""
    switches = ArchiveFaults.parse(faults)
    ours = past.faults
    switches.stalled |= ours.stalled
    switches.rolled_back |= ours.rolled_back
    # Without `usage`, Spaces would have no past: see `HubStats`. The real archive is made at 13 h;
    # this one at the hour of now, so that yesterday is a day before today's capture.
    return HubStats(hub, switches, usage=True, hour=datetime.now(UTC).hour)
