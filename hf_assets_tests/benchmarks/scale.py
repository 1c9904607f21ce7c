"""What a lake of the whole Hub costs on a store, over years: objects, bytes, requests, money.

`python -m hf_assets_tests.benchmarks.scale` prints the tables of docs/scale.md. Nothing is stored:
it goes through the nights one by one, with what `make bench` and `make bench-cluster` measured of a
night. Prices are assumptions, and are parameters.
"""

import argparse
import sys
from dataclasses import dataclass, field
from datetime import date, timedelta

PAGE = 1_000


@dataclass(frozen=True)
class Measured:
    """Of a night, measured: bytes a row, and objects and requests that do not grow with the Hub."""

    # `make bench-full`, `make bench-history`: bytes a row, of listings and their tables.
    page_bytes: float = 88.0
    table_bytes: float = 49.0
    # Uses, families and predictions, which no thinning touches: 151 MB over 4.5 M rows.
    other_bytes: float = 34.0
    # What the series of a month take for a row of a day: with names and all counters, 1.3 where
    # 70 % of rows stand still, 2.05 where 29 % do. An emptied day has no more than that.
    series_bytes: float = 2.0
    # `make bench-cluster`: objects that a night adds beside its pages, and requests of a night that
    # do not depend on the rows.
    tables: int = 40
    writes: int = 520
    reads: int = 690
    # Requests for a page of a listing: to store it, to verify the capture, and for its table.
    page_writes: float = 1.0
    page_reads: float = 2.0
    # A large table is read by ranges: bytes a request, and how many readers a night has of it.
    range_bytes: int = 8 << 20
    readers: int = 4
    # Figures, series, day_quality: objects that are replaced every night.
    replaced: int = 120


@dataclass(frozen=True)
class Scale:
    """How much there is of everything.

    Args:
        corpora, base_models: each pair is trained once a month.
        corpus_bytes, classifier_bytes: of a folder.
        kept_versions: of a folder, until the sweep.
    """

    models: int = 2_500_000
    spaces: int = 1_000_000
    datasets: int = 1_000_000
    growth: float = 0.0  # a year
    years: int = 5
    corpora: int = 100
    base_models: int = 5
    corpus_bytes: float = 60e6
    corpus_objects: int = 8
    classifier_bytes: float = 260e6
    classifier_objects: int = 40
    kept_versions: int = 2
    keep_tables: int = 60
    keep_pages: int = 30
    thin: bool = True


@dataclass(frozen=True)
class Prices:
    """Assumptions, in US dollars: a store of class "standard" of a large cloud, without traffic."""

    gigabyte_month: float = 0.023
    thousand_writes: float = 0.005
    thousand_reads: float = 0.0004


@dataclass
class Year:
    """At its end: objects and bytes; over it: requests and money."""

    objects: int = 0
    bytes: float = 0.0
    writes: float = 0.0
    reads: float = 0.0
    byte_months: float = field(default=0.0, repr=False)

    def cost(self, prices: Prices) -> tuple[float, float, float]:
        """Storage, writes and listings, reads."""
        return (
            self.byte_months / 1e9 * prices.gigabyte_month,
            self.writes / 1e3 * prices.thousand_writes,
            self.reads / 1e3 * prices.thousand_reads,
        )


def simulate(scale: Scale, measured: Measured, begin: date) -> list[Year]:
    """Every night of every year, with thinning and a training of each pair a month."""
    years, nights = [], []
    folders = scale.corpora * (scale.corpus_bytes + scale.base_models * scale.classifier_bytes)
    parts = scale.corpora * (scale.corpus_objects + scale.base_models * scale.classifier_objects)
    for number in range(scale.years):
        year = Year()
        for offset in range(365):
            day = begin + timedelta(days=number * 365 + offset)
            rows = (scale.models + scale.spaces + scale.datasets) * (1 + scale.growth) ** (
                number + offset / 365
            )
            nights.append((day, rows))
            pages = rows / PAGE
            table = rows * (measured.table_bytes + measured.other_bytes)
            year.writes += pages * measured.page_writes + measured.writes
            year.reads += pages * measured.page_reads + measured.reads
            year.reads += measured.readers * table / measured.range_bytes
            if day.day == 1:
                # A training reads a corpus, and stores a folder.
                year.writes += parts
                year.reads += parts
            if scale.thin and len(nights) > scale.keep_tables:
                year.writes += measured.tables / 10 + 2
                year.reads += table / measured.range_bytes
            year.byte_months += _stored(nights, scale, measured)[1] / 30.4
            year.byte_months += folders * scale.kept_versions / 30.4
        objects, size = _stored(nights, scale, measured)
        year.objects = objects + measured.replaced + parts * scale.kept_versions
        year.bytes = size + folders * scale.kept_versions
        years.append(year)
    return years


def _stored(
    nights: list[tuple[date, float]], scale: Scale, measured: Measured
) -> tuple[int, float]:
    """Objects and bytes of the days that are there."""
    objects, size = 0, 0.0
    for age, (day, rows) in enumerate(reversed(nights)):
        whole = not scale.thin or age < scale.keep_tables or day.day == 1
        size += rows * (measured.series_bytes + measured.other_bytes)
        size += rows * measured.table_bytes * whole
        objects += measured.tables
        if not scale.thin or age < scale.keep_pages:
            size += rows * measured.page_bytes
            objects += int(rows / PAGE)
    return objects, size


def table(years: list[Year], prices: Prices) -> str:
    """As Markdown."""
    lines = [
        "| year | objects | TB | writes a day | reads a day | $ storage | $ writes | $ reads |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for number, year in enumerate(years, 1):
        storage, writes, reads = year.cost(prices)
        lines.append(
            f"| {number} | {year.objects:,} | {year.bytes / 1e12:.2f} | {year.writes / 365:,.0f} |"
            f" {year.reads / 365:,.0f} | {storage:,.0f} | {writes:,.0f} | {reads:,.0f} |"
        )
    return "\n".join(lines)


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m hf_assets_tests.benchmarks.scale", description=__doc__
    )
    scale, prices = Scale(), Prices()
    for name in ("models", "spaces", "datasets", "years", "corpora", "base_models"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(scale, name))
    parser.add_argument("--growth", type=float, default=scale.growth, help="of the Hub, a year")
    for name in ("gigabyte_month", "thousand_writes", "thousand_reads"):
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=float, default=getattr(prices, name), metavar="DOLLARS")
    options = vars(parser.parse_args())
    paid = Prices(**{name: options.pop(name) for name in Prices.__dataclass_fields__})
    begin = date(2027, 1, 1)
    for title, thin in (("Thinned by the week", True), ("Everything kept", False)):
        print(f"\n{title}\n")
        print(table(simulate(Scale(**options, thin=thin), Measured(), begin), paid))
    return 0


if __name__ == "__main__":
    sys.exit(main())
