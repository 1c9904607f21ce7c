"""Rows that the Hub serves twice: the newest page wins, and the rest is counted."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.switches import At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.client import listing
from hf_assets.hub.tables import cleaning
from hf_assets.hub.tables.newest import Newest
from hf_assets.storage.lake import Lake, iso
from hf_assets_tests.conftest import DAY, ServeHub
from hf_assets_tests.support.hub.captures import (
    captured,
    hub_id,
    made_models,
    model,
    recorded,
)
from hf_assets_tests.support.hub.wild_rows import as_json


def test_of_doubled_rows_the_newest_page_wins(
    hub: ServeHub, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 10)
    monkeypatch.setattr(cleaning, "BATCH_PAGES", 2)
    old = [model(number, likes=0) for number in range(40)]
    source = recorded(tmp_path / "hub", old)
    # The youngest three come again on the last page, as they are by then.
    again = [as_json({**row, "likes": 5, "id": f"renamed/{row['_id']}"}) for row in old[-3:]]
    served = hub(source, Faults(odd_rows={"models": again}, odd_page=4))
    stored = made_models(lake, served)
    frame = stored.frame.collect()
    assert frame.height == frame["hub_id"].n_unique() == 40
    newer = frame.filter(pl.col("likes") == 5)
    assert sorted(newer["hub_id"]) == [hub_id(number) for number in (37, 38, 39)]
    assert all(name.startswith("renamed/") for name in newer["id"])
    assert stored.notes["doubled"] == 3
    assert (stored.notes["served"], stored.notes["rows"]) == (43, 40)


@pytest.mark.parametrize("batch", [1, 2, 128])
def test_rows_repeated_from_page_to_page_are_kept_once(
    hub: ServeHub, lake: Lake, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 100)
    monkeypatch.setattr(cleaning, "BATCH_PAGES", batch)
    source = GeneratedHub(900, 0, seed=4, day=iso(DAY))
    faults = Faults(duplicates=[At(page=page, value=0.1) for page in range(1, 9)])
    served = hub(source, faults)
    stored = made_models(lake, served)
    capture = captured(lake, served)
    frame = stored.frame.collect()
    assert capture.manifest.distinct == frame.height == frame["hub_id"].n_unique() == 900
    assert stored.notes["doubled"] == capture.rows - 900 == 80
    assert stored.notes["served"] == capture.rows


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(0, 30), max_size=8), min_size=1, max_size=6))
def test_newest_keeps_the_first_it_is_shown(batches: list[list[int]]) -> None:
    newest, seen = Newest(), set()
    for numbers in batches:
        frame = pl.DataFrame(
            {"_id": [hub_id(number) for number in numbers], "row": range(len(numbers))},
            schema={"_id": pl.String, "row": pl.Int64},
        )
        fresh = []
        for row, number in enumerate(numbers):
            if number not in seen:
                seen.add(number)
                fresh.append(row)
        assert newest.keep(frame)["row"].to_list() == fresh
