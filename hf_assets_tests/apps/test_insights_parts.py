"""Parts of the pages without a browser: tables, axes, addresses, histories."""

from datetime import date
from urllib.parse import unquote

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from hf_assets.apps.explore import address, charts, histories, tables
from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets_tests.support.apps.hub_lake import DAYS, LAST, MARKUP, NAMES, RARE, write_hub_lake


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> LakeReader:
    root = tmp_path_factory.mktemp("parts")
    write_hub_lake(root)
    return LakeReader(root)


def _shown() -> None:
    """The script of a page with widgets of each kind."""
    import streamlit as st

    from hf_assets.apps.explore import address
    from hf_assets.apps.explore.tables import listed

    address.begin()
    address.text(st, "Words", "search")
    address.choice(st, "Order", "sort", ["downloads", "likes"], clears=("item",))
    address.several(st, "Items", "item", ["a", "b"], 2)
    found = address.counters(st, "Likes", "likes")
    spanned = address.dates(st, "Created", "created")
    st.text(f"{found} {spanned} {address.number_of('rows', 50, 1000)}")
    listed(st.session_state["rows"], "Rows", names="models", sorts=("likes",), keep=("likes",))


@pytest.fixture
def script() -> AppTest:
    test = AppTest.from_function(_shown, default_timeout=60)
    test.session_state["rows"] = pl.DataFrame({"id": [MARKUP], "likes": [1234], "license": [None]})
    return test


def test_a_widget_takes_and_writes_its_part_of_the_address(script: AppTest) -> None:
    script.query_params.update(
        {"search": "llama", "item": ["b", "new", "third"], "likes": "5..", "rows": "70", "x": "1"}
    )
    script.run()
    assert not script.exception
    assert script.text_input[0].value == "llama"
    # Of one's own, though not offered; no more than allowed.
    assert script.multiselect[0].value == ["b", "new"]
    assert script.text[0].value == "(5, None) (None, None) 70"
    script.text_input[0].set_value("").run()
    # What the page does not know stays; the list begins at its first row again.
    assert script.query_params == {"item": ["b", "new"], "likes": "5..", "x": "1"}
    script.selectbox[0].set_value("likes").run()
    assert script.query_params == {"likes": "5..", "x": "1", "sort": "likes"}
    script.number_input[1].set_value(9).run()
    assert script.query_params["likes"] == "5..9"


@pytest.mark.parametrize(
    "wrong",
    [{"sort": "<b>"}, {"likes": "a..b"}, {"likes": "1..9999999999999999"}, {"created": "1066-1-1"},
     {"created": "1066-10-14..2026-01-01"}],
)  # fmt: skip
def test_a_part_that_cannot_be_read_is_said_and_not_taken(
    script: AppTest, wrong: dict[str, str]
) -> None:
    script.query_params.update(wrong)
    script.run()
    assert not script.exception
    assert script.text[0].value == "(None, None) (None, None) 50"
    said = [
        element.proto.body for element in script.get("html") if "role=alert" in element.proto.body
    ]
    assert len(said) == 1
    assert "<b>" not in said[0]


def test_a_table_is_escaped_and_its_names_are_links(script: AppTest) -> None:
    script.query_params["day"] = LAST
    script.run()
    html = script.get("html")[-1].proto.body
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert f'href="model?day={LAST}&amp;id=%3Cimg%20' in html
    assert "<th scope=row" in html
    assert "1\u00a0234" in html
    assert f'href="?day={LAST}&amp;sort=likes"' in html


def test_addresses_of_the_hub_are_of_the_kind() -> None:
    assert address.on_the_hub("model", "a/b c?d") == "https://huggingface.co/a/b%20c%3Fd"
    assert address.on_the_hub("space", "a/b") == "https://huggingface.co/spaces/a/b"
    assert address.on_the_hub("dataset", "a/b") == "https://huggingface.co/datasets/a/b"
    assert ' onclick="' not in tables.hub_link("model", '" onclick="x')


def test_an_axis_begins_at_zero_where_that_tells_something() -> None:
    assert charts.from_zero(pl.Series([10.0, 50.0, None]))
    assert charts.from_zero(pl.Series([-1.0, 50.0]))
    assert charts.from_zero(pl.Series([], dtype=pl.Float64))
    assert not charts.from_zero(pl.Series([2_400_000, 2_500_000]))


def test_histories_name_the_table_they_are_from(reader: LakeReader) -> None:
    first, rare = reader.model(LAST, NAMES[0]), reader.model(LAST, RARE)
    assert first
    assert rare
    past = histories.of_model(reader, first)
    assert past
    assert past.rows.height == len(DAYS)
    assert str(past.released) == "2025-01-01"
    unknown = histories.of_model(reader, rare)
    assert unknown
    assert unknown.released is None
    assert unknown.rows.height == len(DAYS)
    authors = histories.of_key(reader, "author", "author0")
    assert authors
    assert authors.asset == "author_history"
    assert authors.rows.height == len(DAYS)
    assert histories.of_key(reader, "license", "mit") is None


def test_an_axis_of_few_days_marks_each_of_them() -> None:
    days = [date(2026, 11, day) for day in (17, 18, 21)]
    chart = charts.lines(pl.DataFrame({"day": days, "n": [1.0, 2.0, 3.0]}), "n", "rows")
    axis = chart.to_dict()["layer"][0]["encoding"]["x"]["axis"]
    # Parts of dates: the browser draws no mark for a number of milliseconds.
    assert axis["values"] == [{"year": 2026, "month": 11, "date": day} for day in range(17, 22)]


@pytest.mark.parametrize(
    ("values", "path", "said"),
    [
        ([0.0, None, 4.0, 2.0], "M0.0,21.0M64.0,1.0L96.0,11.0", "from 0 to 2"),
        ([None, 1.0, 1.0], "M48.0,1.0L96.0,1.0", "from 1 to 1"),
    ],
)
def test_a_small_line_breaks_where_nothing_is_known(
    script: AppTest, values: list[float | None], path: str, said: str
) -> None:
    script.session_state["rows"] = pl.DataFrame({"id": ["a/b", "c/d"], "trend": [values, [None]]})
    html = script.run().get("html")[-1].proto.body
    assert path in unquote(html)
    assert f'alt="{said}"' in html
    assert html.count("<img") == 1  # a single day is no line


def test_an_axis_of_ages_has_a_gap_for_each_missing_day() -> None:
    aged = pl.DataFrame({"age": [3, 5], "n": [1.0, 2.0], "which": ["a", "a"]})
    drawn = charts.lines(aged, "n", "rows", by="which", x="age").data
    assert drawn.select("age", "n").rows() == [(3, 1.0), (4, None), (5, 2.0)]


def test_the_sum_of_the_rest_is_no_leader() -> None:
    day = date(2026, 11, 20)
    frame = pl.DataFrame(
        {"day": [day] * 4, "key": ["(other)", "a", "b", "c"], "n": [90.0, 5.0, 3.0, 2.0]}
    )
    alone = charts.leading(frame, "key", "n", most=2, rest=False)
    assert alone["key"].to_list() == ["a", "b"]
    summed = charts.leading(frame, "key", "n", most=2)
    assert summed.select("key", "n").rows() == [("a", 5.0), ("b", 3.0), (charts.OTHER, 92.0)]
