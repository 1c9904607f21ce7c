import io
import math
import random
import threading
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection
from PIL import Image

from hf_assets.charts import marks, numbers, saving, wording

UNITS = {"k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
COUNTS = st.one_of(
    st.integers(-(2**63), 2**63),
    st.floats(0.001, 1e18),
    st.integers(0, 62).map(lambda n: 2**n),
    st.integers(0, 18).map(lambda n: 10**n - 1),
)


def parsed(text: str) -> float:
    sign = -1 if text.startswith(numbers.MINUS) else 1
    digits = text.removeprefix(numbers.MINUS).replace("\u00a0", "")
    unit = UNITS.get(digits[-1], 1.0)
    return sign * float(digits.rstrip("kMBT")) * unit


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (1, "1"), (277, "277"), (999, "999"), (1000, "1k"), (1212, "1.21k"),
        (2645, "2.65k"), (999_499, "999k"), (999_999, "1M"), (95_564_844, "95.6M"), (71e6, "71M"),
        (1.5e9, "1.5B"), (1e12, "1T"), (2**63, "9\u00a0220\u00a0000T"), (0.25, "0.25"),
        (-1200, "\u22121.2k"), (1e-9, "<0.0001"), (math.nan, "\u2013"), (math.inf, "\u2013"),
    ],
)  # fmt: skip
def test_human_numbers(value: float, text: str) -> None:
    assert numbers.human(value) == text


@given(COUNTS)
def test_human_is_never_scientific_and_within_one_percent(value: float) -> None:
    text = numbers.human(value)
    assert "e" not in text.lower()
    assert len(text.rstrip("kMBT").replace(".", "").replace("\u00a0", "").strip("\u22120")) <= 3
    assert parsed(text) == pytest.approx(value, rel=0.01)


@given(COUNTS, COUNTS)
def test_human_keeps_the_order(one: float, two: float) -> None:
    low, high = sorted((one, two))
    assert parsed(numbers.human(low)) <= parsed(numbers.human(high))


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0%"), (0, 9, "0%"), (1, 1, "100%"), (421, 737, "57%"), (5, 100, "5%"),
        (1, 10_000, "<0.1%"), (42, 1000, "4.2%"), (9_999, 10_000, ">99.9%"), (994, 1000, "99.4%"),
    ],
)  # fmt: skip
def test_percent(part: float, whole: float, text: str) -> None:
    assert numbers.percent(part, whole) == text


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_only_all_is_a_hundred_percent(part: int, whole: int) -> None:
    if part < whole:
        assert numbers.percent(part, whole) != "100%"


def test_plural_and_exact() -> None:
    assert numbers.plural(1, "model") == "1\u00a0model"
    assert numbers.plural(0, "model") == "0\u00a0models"
    assert numbers.plural(1000, "category", "categories") == "1\u00a0000\u00a0categories"
    assert numbers.plural(12_345, "model") == "12.3k\u00a0models"
    assert numbers.exact(1_234_567) == "1\u00a0234\u00a0567"


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("a\x00b\x1b[31mc", "ab[31mc"), ("one\ntwo\r\n\tthree\u2028four", "one two three four"),
        ("\u202eevil\u2066x\u200b", "evilx"), ("", "(blank)"), (" \n ", "(blank)"),
        ("x\u0335\u0489b", "xb"), ("模型", "□□"), ("\ud800", "(blank)"), ("$x^2$", "$x^2$"),
    ],
)  # fmt: skip
def test_clean_makes_text_inert(text: str, inert: str) -> None:
    assert wording.clean(text) == inert


@given(st.text(max_size=800), st.integers(5, 150))
@settings(max_examples=40)
def test_clean_holds_its_limit(text: str, limit: int) -> None:
    line = wording.clean(text, limit)
    assert 0 < len(line) <= max(limit, len("(blank)"))
    assert line.isprintable() or "\u00a0" in line
    assert wording.clean(line, limit) == line


@given(st.text(max_size=200).map(wording.clean), st.integers(40, 400))
@settings(max_examples=60)
def test_fit_holds_its_width(text: str, width: int) -> None:
    for bold in (False, True):
        assert wording.text_width(wording.fit(text, 10, width, bold), 10, bold) <= width


def test_fit_keeps_both_ends() -> None:
    short = wording.fit("organisation/a-very-long-model-name-instruct-GGUF", 10, 180)
    assert short.startswith("organ")
    assert short.endswith("GGUF")
    assert short.count("…") == 1


def sheet(rows: list[marks.Bar]) -> marks.Sheet:
    with marks.house_style():
        made = marks.Sheet("Title", "Subtitle", ["caption"], marks.body(len(rows)))
        marks.bars(made, rows, "things")
    return made


def test_bars_stand_in_the_order_given_and_are_as_long_as_their_values() -> None:
    values = [30.0, 20.0, 7.5, 0.0, -3.0]
    made = sheet([marks.Bar(f"n{v}", v, numbers.human(v)) for v in values])
    drawn = next(c for c in made.figure.axes[0].collections if isinstance(c, PolyCollection))
    boxes = [path.get_extents() for path in drawn.get_paths()]
    assert [box.width for box in boxes] == [30, 20, 7.5, 0, 0]
    assert [(box.y0 + box.y1) / 2 for box in boxes] == pytest.approx(range(5))


def test_a_wide_spread_gets_a_log_axis_that_says_so_and_survives_zeros() -> None:
    values = [1e9, 1e4, 1e3, 0.0, -5.0]
    axes = sheet([marks.Bar(str(v), v, numbers.human(v)) for v in values]).figure.axes[0]
    assert axes.get_xlabel() == "things (log scale)"
    dots = np.asarray(axes.collections[-1].get_offsets())[:, 0]
    assert dots[0] > dots[1] > dots[2] > 0 == dots[3] == dots[4]
    assert axes.get_xticklabels()[0].get_text() == "1k"


def test_few_or_even_values_stay_linear() -> None:
    assert not marks.spans_magnitudes([])
    assert not marks.spans_magnitudes([1e9, 1])
    assert not marks.spans_magnitudes([0, 0, 0])
    assert not marks.spans_magnitudes([50, 40, 30])


def test_the_sheet_grows_with_its_rows() -> None:
    assert sheet([marks.Bar("a", 1, "1")]).height == marks.HEIGHT
    many = sheet([marks.Bar(str(i), i, str(i)) for i in range(60)])
    assert many.height > 60 * 25
    assert many.figure.get_size_inches()[1] * wording.DPI == pytest.approx(many.height)


@pytest.mark.parametrize("size", [(900, 594), (3000, 40), (1, 1), (37, 2000)])
def test_a_noisy_gallery_image_still_fits(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    data = saving.gallery_png(Image.fromarray(noise))
    assert len(data) <= saving.GALLERY_BYTES
    assert Image.open(io.BytesIO(data)).format == "PNG"


def test_an_impossible_limit_ends_in_one_pixel() -> None:
    image = Image.new("RGB", (64, 64), "red")
    assert Image.open(io.BytesIO(saving.gallery_png(image, 1))).size == (1, 1)


def test_files_are_the_same_twice_and_white_is_white() -> None:
    rows = [marks.Bar("<b>&\"'$x$", 5, "5", "note"), marks.Bar("b", 3, "3")]
    one, two = saving.render(sheet(rows).figure), saving.render(sheet(rows).figure)
    assert one == two
    image = Image.open(io.BytesIO(one.png))
    assert image.size == (1800, 1188)
    assert image.convert("RGB").getpixel((3, 3)) == (255, 255, 255)
    assert Image.open(io.BytesIO(one.gallery)).size == (900, 594)
    texts = [element.text for element in ElementTree.fromstring(one.svg).iter() if element.text]
    assert "<b>&\"'$x$" in texts
    assert "Title" in texts
    assert b"<dc:date>" not in one.svg


def test_threads_draw_the_same_bytes() -> None:
    values = [random.Random(1).randrange(1000) for _ in range(8)]
    expected = saving.render(sheet([marks.Bar(str(v), v, str(v)) for v in values]).figure)
    found: list[saving.Rendered] = []

    def draw() -> None:
        made = sheet([marks.Bar(str(v), v, str(v)) for v in values])
        found.append(saving.render(made.figure))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4
