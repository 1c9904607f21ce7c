"""What Compare draws, number by number, against the tables of the lake."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import polars as pl
import pyarrow as pa
import pytest

from hf_assets.apps.explore import components
from hf_assets.apps.explore.components import in_range
from hf_assets.apps.index.query import NONE_GIVEN
from hf_assets.apps.pages.compare import _ranged
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.apps.hub_lake import (
    DAYS,
    NAMES,
    RARE,
    write_groups,
    write_hub_lake,
)
from hf_assets_tests.support.apps.scripts import Script

RELEASED = {NAMES[0]: date(2025, 1, 1), NAMES[1]: date(2025, 1, 2)}
SERIES = {
    "model": ("model_history", "id", None),
    "author": ("author_history", "key", None),
    "category": ("category_history", "key", None),
    "library": ("library_history", "key", None),
    "license": ("license_history", "key", "license"),
    "family": ("family_history", "key", "family"),
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    written = write_hub_lake(tmp_path_factory.mktemp("compare"))
    write_groups(written)
    return written


@pytest.fixture(scope="module")
def script(lake: Lake) -> Script:
    assert isinstance(lake.root, Path)
    return Script(lake.root)


def drawn(script: Script, **address: Any) -> dict[str, list[tuple[Any, float | None]]]:
    """The points of the chart that an address shows, by their line."""
    [chart] = script.open("compare?" + urlencode(address, doseq=True)).charts
    sets = [pl.DataFrame(pa.ipc.open_stream(one.data.data).read_all()) for one in chart.datasets]
    [frame] = [one for one in sets if "which" in one.columns]  # the other one: days not trusted
    x = "age" if "age" in frame.columns else "day"
    return {
        name: frame.filter(which=name).sort(x).select(x, "value").rows()
        for name in frame["which"].unique()
    }


def table(lake: Lake, kind: str, item: str, column: str) -> dict[date, float]:
    """An item's values by day, read here."""
    asset, key, of = SERIES[kind]
    rows = lake.read(asset, None).frame.collect()
    rows = rows if of is None else rows.filter(of=of)
    named = pl.col(key).is_null() if item == NONE_GIVEN else pl.col(key) == item
    return dict(rows.filter(named).select("day", pl.col(column).cast(pl.Float64)).iter_rows())


@pytest.mark.parametrize(
    ("kind", "items"),
    [
        ("model", NAMES[:5]),
        ("author", ("author0", "author1")),
        ("category", ("fill-mask", NONE_GIVEN)),
        ("library", ("author0",)),  # the lake's libraries have these names
        ("license", ("mit", NONE_GIVEN)),
        ("family", (NAMES[0], RARE)),
    ],
)
def test_each_kind_is_drawn_as_its_table_has_it(
    script: Script, lake: Lake, kind: str, items: tuple[str, ...]
) -> None:
    for metric in ("downloads", "likes" if kind == "model" else "share_downloads"):
        lines = drawn(script, of=kind, item=items, metric=metric)
        assert set(lines) == set(items)
        for item, points in lines.items():
            known = table(lake, kind, item, metric)
            assert len(known) == len(DAYS)
            # A day that is missing has no number, and no line runs over it.
            assert points == [(day, known.get(day)) for day in sorted({*known, date(2026, 11, 19)})]


@pytest.mark.parametrize("kind", ["model", "license", "family"])
def test_indexed_lines_begin_at_100(script: Script, lake: Lake, kind: str) -> None:
    item = "mit" if kind == "license" else NAMES[0]
    points = [value for _, value in drawn(script, of=kind, item=[item], **{"as": "indexed"})[item]]
    known = table(lake, kind, item, "downloads")
    first = known[min(known)]
    assert points[0] == 100
    assert points[-1] == pytest.approx(known[max(known)] / first * 100)


def test_a_range_is_of_the_last_days() -> None:
    days = [date(2026, 1, 1) + timedelta(n) for n in range(40)]
    frame = pl.DataFrame({"day": days})
    assert in_range(frame, "30")["day"].to_list() == days[10:]
    assert in_range(frame, "all").equals(frame)


@pytest.mark.parametrize("kind", ["model", "family"])
def test_lines_are_aligned_at_release(script: Script, lake: Lake, kind: str) -> None:
    items = NAMES[:2] if kind == "model" else NAMES[:1]
    lines = drawn(script, of=kind, item=items, **{"as": "release"})
    for item in items:
        known = table(lake, kind, item, "downloads")
        aged = {(day - RELEASED[item]).days: value for day, value in known.items()}
        assert {age: value for age, value in lines[item] if value is not None} == aged
        ages = [age for age, _ in lines[item]]
        # A missing day breaks the line here, too.
        assert ages == list(range(ages[0], ages[-1] + 1))
    # The first 30 days since release: long before the first stored day.
    script.open(
        "compare?" + urlencode({"of": kind, "item": items[0], "as": "release", "range": 30})
    )
    assert script.charts == []
    assert "No stored day of theirs is within 30 days of their release" in script.said


def test_what_is_left_out_is_said(script: Script) -> None:
    script.open("compare?" + urlencode({"item": [NAMES[0], RARE, "no/one"], "as": "release"}, True))
    assert f"The day of release of {RARE} is unknown" in script.said
    assert "There is no model no/one" in script.said
    assert len(script.charts) == 1
    script.open("compare?of=license&item=mit&item=wtfpl&as=release")
    assert "as “release”, which is unknown here" in script.said
    assert "wtfpl has no stored history" in script.said
    script.open("compare?" + urlencode({"item": NAMES[:5]}, True))
    assert f"{NAMES[0]}, {NAMES[1]} and 3\u00a0others compared</h1>" in script.html
    # Of a metric that its series does not have.
    script.open("compare?" + urlencode({"item": NAMES[0], "metric": "share_downloads"}))
    assert f"{NAMES[0]} has no history of its share of all downloads" in script.said


def test_indexed_lines_begin_at_the_first_day_of_the_range(
    script: Script, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(components.RANGES, "30", 3)
    address = {"of": "author", "item": ["author0", "author1"], "as": "indexed", "range": "30"}
    for item, points in drawn(script, **address).items():
        known = table(lake, "author", item, "downloads")
        first, last = (date.fromisoformat(day) for day in DAYS[-2:])
        assert points == [(first, 100), (last, pytest.approx(known[last] / known[first] * 100))]
    # Of ages, the range is of the first days.
    rows = pl.DataFrame({"age": [29, 30, 31]})
    assert _ranged(rows, "release", "30")["age"].to_list() == [29, 30]
