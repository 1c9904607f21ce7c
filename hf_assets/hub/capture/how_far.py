"""How far a running capture is, for the run log."""

from dataclasses import dataclass

from hf_assets.progress import time_left


@dataclass(frozen=True)
class Progress:
    """How far a running capture is. The rate is rows a second, of the recent part."""

    pages: int
    rows: int
    rows_per_second: float
    requests_left: int | None
    expected_rows: int | None

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end at the present rate, or None where the end is unknown."""
        if self.expected_rows is None or self.rows_per_second <= 0:
            return None
        return max(0, self.expected_rows - self.rows) / self.rows_per_second

    def __str__(self) -> str:
        share = f" of {self.expected_rows:,}" if self.expected_rows else ""
        quota = "" if self.requests_left is None else f", {self.requests_left} requests left"
        left = time_left(self.seconds_left)
        return (
            f"{self.pages} pages, {self.rows:,} rows{share}, "
            f"{self.rows_per_second:,.0f} rows/s{quota}{left and f' · {left}'}"
        )
