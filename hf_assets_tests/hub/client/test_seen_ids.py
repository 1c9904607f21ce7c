"""Ids are counted as a set of them would be."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.hub.client.seen_ids import SeenIds


@settings(max_examples=40)
@given(st.lists(st.lists(st.one_of(st.none(), st.integers(0, 40).map(str)), max_size=12)))
def test_new_and_different_ids_are_counted(pages: list[list[str | None]]) -> None:
    seen, known = SeenIds(), set()
    for page in pages:
        before = len(known)
        known |= {one for one in page if one is not None}
        assert seen.add(page) == len(known) - before
        assert seen.distinct == len(known)


def test_ids_of_any_kind_are_counted() -> None:
    seen = SeenIds()
    assert seen.add([{"$oid": "5"}, [1], 2**70, "a\udcff", None]) == 4
    assert seen.add(["a\udcff", [1]]) == 0
