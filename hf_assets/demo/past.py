"""The demo's past: how long it is, which of its days differ on purpose, and how it is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from hf_assets.demo.hub_stats.app import HubStats
from hf_assets.demo.hub_stats.commits import FIRST_DAY
from hf_assets.demo.hub_stats.faults import ArchiveFaults
from hf_assets.demo.world.generator import GeneratedHub

# Shorter pasts have no day that differs.
SHORTEST_WITH_ODD_DAYS = 20


@dataclass(frozen=True)
class Past:
    """The days before a day.

    Args:
        day: the day shown, which is not among them.
        days: how many; 0 for none.

    Raises:
        ValueError: the archive does not go back as far.
    """

    day: date
    days: int

    def __post_init__(self) -> None:
        most = (self.day - FIRST_DAY).days
        if not 0 <= self.days <= most:
            raise ValueError(f"--days {self.days}: the archive begins on {FIRST_DAY}; 0 to {most}")

    @property
    def span(self) -> str:
        """First and last day as a range of partitions."""
        return f"{self.day - timedelta(self.days)}...{self.day - timedelta(1)}"

    @property
    def keys(self) -> Sequence[str]:
        """The days as partition keys, oldest first."""
        return [f"{self.day - timedelta(back)}" for back in range(self.days, 0, -1)]

    @property
    def faults(self) -> ArchiveFaults:
        """One day without a revision, one with a quarter of its rows, one whose downloads stand
        still: what the archive's real years have, too."""
        if self.days < SHORTEST_WITH_ODD_DAYS:
            return ArchiveFaults()
        gap, partial, stalled = (
            self.day - timedelta(round(self.days * share)) for share in (0.55, 0.35, 0.18)
        )
        return ArchiveFaults(gaps={gap}, partial={partial}, stalled={stalled})

    @property
    def on_purpose(self) -> list[str]:
        """Which days differ, in words."""
        faults = self.faults
        return [
            f"{day} {what}"
            for days, what in (
                (faults.gaps, "is missing"),
                (faults.partial, "has a quarter of its rows"),
                (faults.stalled, "has the downloads of the day before"),
            )
            for day in sorted(days)
        ]


def archive(hub: GeneratedHub, past: Past, faults: str) -> HubStats:
    """The archive that the embedded Hub serves, with further faults as a command line has them."""
    switches = ArchiveFaults.parse(faults)
    ours = past.faults
    switches.gaps |= ours.gaps
    switches.partial |= ours.partial
    switches.stalled |= ours.stalled
    # Without `usage`, Spaces would have no past: see `HubStats`. The real archive is made at 13 h;
    # this one at the hour of now, so that yesterday is a day before today's capture.
    return HubStats(hub, switches, usage=True, hour=datetime.now(UTC).hour)
