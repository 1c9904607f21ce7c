"""What tests of the embedded question service share: a time that passes only where one waits."""

from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass
class FakeTime:
    """Unix seconds that `sleep` alone moves on; `slept` are the pauses."""

    seconds: float = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
