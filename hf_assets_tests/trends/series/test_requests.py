"""How often a store is asked for the series: so many times a day that is read, and a series."""

from hf_assets.object_store.path import StorePath
from hf_assets.storage.lake import Lake
from hf_assets.trends.series.incremental import refresh
from hf_assets.trends.series.past import Past
from hf_assets_tests.support.object_store.counting import CountingProxy
from hf_assets_tests.support.trends.quarters import COUNTS, LEVELS, Days

SERIES = (*LEVELS, *COUNTS)
# docs/scale.md says these.
A_DAY, A_SERIES = 3, 20


def test_the_requests_of_the_series_are_bounded(
    bucket: StorePath, store_proxy: CountingProxy
) -> None:
    days = Days(Lake(bucket))

    def requests(first: int, last: int) -> int:
        """Of all series, once those days came."""
        for number in range(first, last + 1):
            days.put(number, number % 10)
        days.judged()
        store_proxy.clear()
        refresh(Past(days.lake), *SERIES)
        return store_proxy.counts().total()

    # The first day of the lake is the first of March.
    assert requests(0, 14) <= 15 * A_DAY + len(SERIES) * A_SERIES
    assert requests(15, 30) <= 31 * A_DAY + len(SERIES) * A_SERIES
    # A day of the next month reads that month, and the days that its rates look back on.
    assert requests(31, 31) <= 29 * A_DAY + len(SERIES) * A_SERIES
    assert requests(32, 32) <= 29 * A_DAY + len(SERIES) * A_SERIES
    # Nothing changed: whether that is so is asked of each series.
    store_proxy.clear()
    refresh(Past(days.lake), *SERIES)
    assert store_proxy.counts().total() <= 14 * len(SERIES)
