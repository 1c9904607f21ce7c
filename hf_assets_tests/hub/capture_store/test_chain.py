"""Where a chain of pages meets the next one."""

import pytest

from hf_assets.hub.capture_store.chain import Chain
from hf_assets.hub.capture_store.manifest import ChainStart, PageRecord

START = "https://hub/api/models?cursor=here"
FIRST = [f"f{number:02d}" for number in range(20)]
BEFORE = [f"b{number:02d}" for number in range(20)]
AFTER = [f"z{number:02d}" for number in range(20)]


def next_chain() -> Chain:
    """One with a first page."""
    chain = Chain(ChainStart(START, 100))
    chain.count(PageRecord(1, START, None, 20, 9, "", None, (), 1), FIRST, 20)
    return chain


@pytest.mark.parametrize(
    ("ids", "shared", "met"),
    [
        (BEFORE, 0, False),
        ([*BEFORE[:17], *FIRST[:3]], 3, True),
        ([*BEFORE[:10], *FIRST[:10]], 10, True),
        (FIRST, 20, True),
        # Too few to be sure: the next page will tell.
        ([*BEFORE[:18], *FIRST[:2]], 2, False),
        ([*FIRST[2:], *AFTER[:2]], 18, True),
        # The first rows are gone since, or some in the middle.
        ([*BEFORE[:10], *FIRST[2:12]], 10, True),
        ([*BEFORE[:12], *FIRST[:4], *FIRST[8:12]], 8, True),
        # A larger page holds all of the first one.
        ([*BEFORE, *FIRST, *AFTER], 20, True),
        # Rows that are listed a second time, far from their place.
        ([*BEFORE[:10], FIRST[0], *BEFORE[10:]], 0, False),
        ([FIRST[7], *BEFORE], 0, False),
        ([*BEFORE, FIRST[7]], 0, False),
        ([*BEFORE[:5], FIRST[0], FIRST[9], FIRST[15], *BEFORE[5:]], 0, False),
        ([*BEFORE, *FIRST[12:16]], 0, False),
        # An empty id, or none, is that of many rows.
        ([*BEFORE, "", None, ""], 0, False),
    ],
)
def test_a_seam_is_where_the_next_chain_begins(
    ids: list[str | None], shared: int, met: bool
) -> None:
    assert Chain(ChainStart("")).shared_rows(next_chain(), "https://hub?cursor=x", ids) == (
        shared,
        met,
    )


def test_a_link_to_the_start_is_a_seam() -> None:
    chain = Chain(ChainStart(""))
    assert chain.shared_rows(next_chain(), START, BEFORE) == (0, True)
    assert chain.shared_rows(next_chain(), START, [*BEFORE, FIRST[0]]) == (1, True)
    assert chain.shared_rows(next_chain(), None, BEFORE) == (0, False)


def test_a_short_first_page_is_met_by_all_of_it() -> None:
    short = Chain(ChainStart(START, 100))
    short.count(PageRecord(1, START, None, 1, 9, "", None, (), 1), ["f"], 1)
    assert Chain(ChainStart("")).shared_rows(short, None, [*BEFORE, "f"]) == (1, True)
