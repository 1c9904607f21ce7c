import datetime as dt
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.charts import axes, ledger, lines, marks, panels, wording

NAN = math.nan


def slices(x: list[float], y: list[float | None]) -> list[tuple[int, int]]:
    return [(run.start, run.stop) for run in lines.runs(x, y)]


def test_a_line_is_open_where_days_or_values_are_missing() -> None:
    assert slices([1, 2, 3, 6, 7], [1, 1, 1, 1, 1]) == [(0, 3), (3, 5)]
    assert slices([1, 2, 3, 4], [1, None, NAN, 1]) == [(0, 1), (3, 4)]
    assert slices([1, 8, 15, 29], [1, 1, 1, 1]) == [(0, 3), (3, 4)]  # a day a week has no gaps
    assert slices([5], [2.0]) == [(0, 1)]
    assert slices([], []) == []


@given(st.lists(st.floats(-500, 1500), max_size=12), st.floats(1, 30))
def test_names_stay_apart_in_order_and_inside(wanted: list[float], gap: float) -> None:
    low, high = 0.0, 12 * 30.0
    places = panels.spread(wanted, gap, low, high)
    ordered = sorted(places)
    assert all(b - a >= gap - 1e-6 for a, b in itertools.pairwise(ordered))
    assert all(low - 1e-6 <= place <= high + 1e-6 for place in places)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    assert [places[i] for i in order] == pytest.approx(ordered)


def test_names_that_are_apart_stay_where_their_lines_end() -> None:
    assert panels.spread([10, 50, 30], 16, 0, 100) == pytest.approx([10, 50, 30])
    assert panels.spread([50, 50], 16, 0, 100) == pytest.approx([42, 58])


@given(st.integers(0, 3000), st.integers(700_000, 760_000), st.integers(60, 900))
def test_days_have_few_round_ticks_inside(span: int, first: int, px: int) -> None:
    ticks = axes.day_ticks(first, first + span, px)
    places = [x for x, _ in ticks]
    assert all(first <= x <= first + span for x in places)
    assert places == sorted(places)
    assert 1 <= len(places) <= max(1, px // 58)
    if len(ticks) > 1:
        step = min(b - a for a, b in itertools.pairwise(places)) / max(span, 1) * px
        widest = max(wording.text_width(line, 9) for _, text in ticks for line in text.split("\n"))
        assert step >= min(widest, 58) * 0.85


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-11-25", "2026-11-25", ["25 Nov\n2026"]),
        ("2026-12-31", "2027-01-01", ["31 Dec\n2026", "1 Jan\n2027"]),
        ("2025-06-03", "2025-12-20", ["Jul\n2025", "Aug", "Sep", "Oct", "Nov", "Dec"]),
        ("2024-12-05", "2026-11-25",
         ["Jan\n2025", "Mar", "May", "Jul", "Sep", "Nov",
          "Jan\n2026", "Mar", "May", "Jul", "Sep", "Nov"]),
    ],
)  # fmt: skip
def test_ticks_read_like_a_calendar(first: str, last: str, said: list[str]) -> None:
    begin, end = (dt.date.fromisoformat(day).toordinal() for day in (first, last))
    assert [text for _, text in axes.day_ticks(begin, end, 800)] == said


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=6), st.booleans())
def test_a_value_axis_holds_its_values(values: list[float], log: bool) -> None:
    kept = [v for v in values if not math.isfinite(v) or abs(v) < 1e15]
    kept = [v for v in kept if v == 0 or abs(v) > 1e-6]
    up = axes.span_up(kept, log=log)
    assert up.low < up.high
    for value in kept:
        if math.isfinite(value) and (value > 0 or not log):
            assert up.low <= value <= up.high
    ticks = up.ticks(300)
    assert len(set(up.labels(ticks))) == len(ticks)


def test_ticks_that_three_digits_would_not_tell_apart_have_more() -> None:
    up = axes.span_up([2_001_000, 2_004_000], zero=False)
    said = up.labels(up.ticks(200))
    assert len(set(said)) == len(said) > 1


def test_where_no_tick_fits_the_last_day_is_one() -> None:
    begin, end = (dt.date(2026, 2, day).toordinal() for day in (3, 27))
    assert axes.day_ticks(begin, end, 60) == [(end, "27 Feb\n2026")]


def test_a_name_without_a_rank_on_the_last_day_is_not_written() -> None:
    rows = [
        lines.Ranked("a", [1, 2], [2, 1], "#000000"),
        lines.Ranked("b", [1, 2], [1, None], "#123"),
    ]
    with marks.house_style():
        sheet = marks.Sheet("T", "", [])
        lines.ranks_panel(sheet, lines.plot_box(sheet), axes.days_along(1, 2), rows, 2)
    said = [text.get_text() for text in sheet.figure.texts]
    assert "a" in said
    assert "b" not in said


# Machado, Oliveira and Fernandes (2009), severity 1.
SEEN = {
    "all": np.eye(3),
    "no green": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                          [-0.011820, 0.042940, 0.968881]]),
    "no red": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                        [-0.003882, -0.048116, 1.051998]]),
    "no blue": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                         [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip


def lab(color: str, seen: np.ndarray) -> np.ndarray:
    c = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    light = seen @ np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722],
                       [0.0193, 0.1192, 0.9505]])  # fmt: skip
    xyz = to_xyz @ np.clip(light, 0, 1) / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("seen", SEEN)
def test_every_pair_of_colours_is_told_apart_by_every_eye(seen: str) -> None:
    colors = [lab(color, SEEN[seen]) for color in (*panels.PALETTE, marks.OTHER)]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(colors, 2)) > 17


def test_a_table_leaves_wide_columns_out_on_a_phone() -> None:
    heads = (ledger.Head("name", 0.5), ledger.Head("kind", 0.3, wide=True),
             ledger.Head("line", 0.2))  # fmt: skip
    rows = [[ledger.Cell("a" * 300), ledger.Cell("b"), ledger.Spark([1, 2], [None, 3.0])]]
    for width, kinds in ((1000, 1), (480, 0)):
        with marks.house_style(), marks.page(width):
            sheet = marks.Sheet("T", "", [])
            ledger.ledger(sheet, lines.plot_box(sheet), heads, rows)
        said = [text.get_text() for text in sheet.figure.texts]
        assert said.count("b") == kinds
        assert any("…" in text for text in said)


def test_a_page_is_as_wide_as_asked_and_bare_of_its_words() -> None:
    with marks.house_style(), marks.page(480):
        assert marks.is_narrow()
        sheet = marks.Sheet("Title", "Found", ["one", "two"], legend=[("#000000", "w" * 40)] * 3)
    assert not marks.is_narrow()
    made = sheet.figure
    assert made.get_size_inches()[0] * wording.DPI == 480
    assert (made.title, made.finding, made.caption) == ("Title", "Found", "one · two")
    assert [text.get_text() for text in made.texts] == ["w" * 40] * 3
