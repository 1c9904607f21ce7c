import datetime
import io
import itertools
import re
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable
from typing import Any

import polars as pl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from hf_assets.charts import marks, saving
from hf_assets.trends.figures.day.render import FIGURES
from hf_assets.trends.figures.day.snapshot import Snapshot

METRICS = {
    "dimension": pl.String, "key": pl.String, "rank": pl.Int32, "rows": pl.Int64,
    "downloads": pl.Int64, "downloads_all_time": pl.Int64, "likes": pl.Int64,
    "trending_score": pl.Float64, "share_rows": pl.Float32, "share_downloads": pl.Float32,
    "share_likes": pl.Float32, "value": pl.Float64,
}  # fmt: skip
USAGE = {
    "id": pl.String, "spaces": pl.Int64, "authors": pl.Int64, "likes": pl.Int64,
    "category": pl.String, "known": pl.Boolean, "chosen_tags": pl.List(pl.String),
}  # fmt: skip
HOSTILE = [
    "<script>alert(1)</script>", "$x^2$ \\frac{a}{b}", "a|b", "]()", "../../etc/passwd",
    "x" * 10_000, "W" * 300, "a\x00\x07b\nnew\r\nline", "\u202eevil\u202c", "😀🤗 模型",
    "שלום עולם", "Z\u0338\u0327algo" * 30, "", "   ", "ﷺ" * 40, "%s {0} {{x}} &amp;", "$",
    "\ufeff\u200b", "]]><!--", "\u2028",
]  # fmt: skip
Rows = list[dict[str, Any]]


def snapshot(rows: Rows, usage: Rows | None = None, **rest: Any) -> Snapshot:
    defaults: dict[str, Any] = {
        "day": datetime.date(2025, 12, 1), "source": "huggingface.co", "models": 1000,
        "spaces": 5000,
    }  # fmt: skip
    return Snapshot(
        metrics=pl.DataFrame([{k: row.get(k) for k in METRICS} for row in rows], METRICS),
        usage=pl.DataFrame([{k: row.get(k) for k in USAGE} for row in usage or []], USAGE),
        **(defaults | rest),
    )


def row(dimension: str, key: str | None, n: int, **more: Any) -> dict[str, Any]:
    counts = {"rows": n, "downloads": n * 1000, "likes": n * 7, "trending_score": n * 1.5}
    return {"dimension": dimension, "key": key, **counts, **more}


def normal(categories: int = 48) -> Rows:
    found = [
        row(dimension, f"{dimension}-of-some-length-{i}", 900 // (i + 1) ** 2 + 1)
        for dimension in ("category", "library", "license", "model", "author")
        for i in range(categories)
    ]
    found += [row(dimension, None, 206) for dimension in ("category", "library", "license")]
    years = {"2022-03-02 (floor)": 55, "2022": 27, "2023": 86, "2024": 208, "2025": 624}
    found += [row("year", key, n) for key, n in years.items()]
    found += [
        {"dimension": "correlation", "key": f"{method}/{one}/{two}", "value": value}
        for method in ("pearson", "spearman")
        for one, two, value in (
            ("likes", "downloads", 0.18), ("likes", "trending_score", None),
            ("trending_score", "downloads", -0.93),
        )
    ]  # fmt: skip
    found += [
        {"dimension": "concentration", "key": f"downloads/{key}", "value": value}
        for key, value in {"gini": 0.93, "hhi": 700, "top_1": 0.17, "top_10": 0.52, "top_100": 0.9,
                           "top_1000": 1.0}.items()
    ]  # fmt: skip
    found += [row("models_per_space", str(n), 4000 // 3**n + 1) for n in range(8)]
    found += [row("models_per_space", "512", 1)]
    tags = ("text-classification", "text-generation")
    found += [row("usage_tag", tag, 912 + i, value=837.0) for i, tag in enumerate(tags)]
    found += [row("usage_category", tag, 912 + i, value=837.0) for i, tag in enumerate(tags)]
    return found


def chosen(models: int = 25) -> Rows:
    return [
        {"id": f"organisation-{i}/model-with-a-long-name-{i}-instruct", "spaces": 1200 // (i + 1),
         "authors": 1, "likes": 3, "category": "text-generation", "known": True,
         "chosen_tags": ["text-generation", "text-classification"][: 1 + i % 2]}
        for i in range(models)
    ]  # fmt: skip


def hostile() -> Snapshot:
    rows = [
        row(dimension, key, 100 - i, value=11.0)
        for dimension in (
            "category", "library", "license", "author", "model", "year", "correlation",
            "concentration", "models_per_space", "usage_category", "usage_tag",
        )
        for i, key in enumerate([*HOSTILE, None])
    ]  # fmt: skip
    for key, value in (
        ("pearson/likes/downloads", float("nan")), ("spearman/likes/downloads", float("inf")),
        ("pearson/downloads/trending_score", -1.0000002), ("a/b/c/d", 1.0), ("//", 1.0),
    ):  # fmt: skip
        rows.append({"dimension": "correlation", "key": key, "value": value})
    usage = [
        {"id": key, "spaces": 50 - i, "category": HOSTILE[i % 5], "chosen_tags": HOSTILE[: i % 9]}
        for i, key in enumerate(HOSTILE)
    ]
    return snapshot(rows, usage, source="<b>$x$</b>\u202e\n" + "evil" * 900)


def changed(old: Rows, /, **columns: Callable[[dict[str, Any]], Any]) -> Rows:
    return [one | {name: make(one) for name, make in columns.items()} for one in old]


def nothing(_: object) -> None:
    return None


def times(name: str, factor: int) -> Callable[[dict[str, Any]], Any]:
    return lambda old: None if old.get(name) is None else int(old[name] * factor)


COUNTED = ("rows", "downloads", "likes", "trending_score")
SNAPSHOTS: dict[str, Callable[[], Snapshot]] = {
    "normal": lambda: snapshot(normal(), chosen()),
    "one": lambda: snapshot(normal(1), chosen(1), models=1, spaces=1),
    "twenty_one": lambda: snapshot(normal(21), chosen(21)),
    "empty": lambda: snapshot([], models=0, spaces=0),
    "no_columns": lambda: Snapshot(
        datetime.date(2025, 1, 1), "", 0, 0, pl.DataFrame(), pl.DataFrame()
    ),
    "nulls": lambda: snapshot(
        changed(normal(), **dict.fromkeys([*COUNTED, "value"], nothing)),
        changed(chosen(), spaces=nothing, category=nothing),
    ),
    "null_types": lambda: Snapshot(
        datetime.date(2025, 1, 1), "x", 9, 9,
        snapshot(normal()).metrics.with_columns(
            pl.lit(None).alias(name) for name in [*COUNTED, "value"]
        ),
        snapshot([], chosen()).usage,
    ),
    "zeros": lambda: snapshot(
        changed(normal(), **dict.fromkeys([*COUNTED, "value"], lambda _: 0)),
        changed(chosen(), spaces=lambda _: 0),
    ),
    "negative": lambda: snapshot(changed(normal(), **{n: times(n, -1) for n in COUNTED}), chosen()),
    "huge": lambda: snapshot(
        changed(normal(), **{n: times(n, 10**12) for n in COUNTED}),
        changed(chosen(), spaces=times("spaces", 10**12)), models=10**15, spaces=10**15,
    ),
    "hostile": hostile,
}  # fmt: skip
EVERY = list(itertools.product(FIGURES, SNAPSHOTS))


def texts(made: Figure) -> list[Text]:
    found = [*made.texts]
    for axes in made.axes:
        found += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
        found += [*axes.get_xticklabels(), *axes.get_yticklabels()]
    return [text for text in found if text.get_text() and text.get_visible()]


def words(made: Figure) -> str:
    return "\n".join(text.get_text() for text in texts(made)).replace("\u00a0", " ")


def names(made: Figure, axes: int = 0) -> list[str]:
    return [
        text.get_text()
        for text in made.axes[axes].texts
        if text.get_horizontalalignment() == "right"
    ]


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_every_text_is_inside_apart_and_without_mathtext(name: str, kind: str) -> None:
    made = FIGURES[name](SNAPSHOTS[kind]())
    with marks.house_style(), warnings.catch_warnings():
        warnings.simplefilter("error")
        canvas = FigureCanvasAgg(made)
        canvas.draw()
        boxes = [(t.get_window_extent(canvas.get_renderer()), t) for t in texts(made)]
    width, height = canvas.get_width_height()
    assert width == marks.WIDTH
    assert height >= marks.HEIGHT
    assert boxes
    for box, text in boxes:
        said = text.get_text()
        assert not text.get_parse_math(), said
        assert box.x0 >= 0 <= box.y0, said
        assert box.x1 <= width + 0.5, said
        assert box.y1 <= height, said
    # A line's box has the font's leading above and below its ink: 2 px each may touch.
    for (one, a), (two, b) in itertools.combinations(boxes, 2):
        across = min(one.x1, two.x1) - max(one.x0, two.x0)
        along = min(one.y1, two.y1) - max(one.y0, two.y0)
        assert across <= 1 or along <= 4, (a.get_text(), b.get_text())


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("kind", ["normal", "hostile", "empty"])
def test_files_are_small_sound_and_inert(name: str, kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files = saving.render(FIGURES[name](SNAPSHOTS[kind]()))
    assert len(files.gallery) <= saving.GALLERY_BYTES
    assert Image.open(io.BytesIO(files.png)).size[0] == 1800
    tree = ElementTree.fromstring(files.svg)
    tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert not tags & {"script", "foreignObject", "a", "image"}
    for element in tree.iter():
        assert not [key for key in element.attrib if key.lower().startswith("on")]


def test_the_same_day_gives_the_same_bytes() -> None:
    for name in ("downloads_by_category", "chosen_models_by_tag", "correlations"):
        one, two = (saving.render(FIGURES[name](SNAPSHOTS["hostile"]())) for _ in range(2))
        assert one == two


def test_every_figure_is_registered_under_its_name_and_described() -> None:
    assert set(FIGURES) == {
        "downloads_by_category", "likes_by_category", "trending_by_category", "category_share",
        "models_by_year", "correlations", "chosen_models_by_tag", "usage_by_category",
        "models_per_space", "library_share", "license_mix", "top_models", "concentration",
    }  # fmt: skip
    for name, make in FIGURES.items():
        assert getattr(make, "__name__", "") == name
        assert re.fullmatch(r"[a-z_]+", name)
        assert make.__doc__


def test_categories_are_sorted_with_the_others_last_and_ties_by_name() -> None:
    rows = [row("category", key, n) for key, n in (("b", 5), ("c", 9), ("a", 5), (None, 99))]
    made = FIGURES["downloads_by_category"](snapshot(rows, models=118))
    assert names(made) == ["c", "a", "b"]
    said = words(made)
    assert "c leads 3 categories with 9 000 of 19k downloads (47%)" in said
    assert "2025-12-01 · huggingface.co · 118 models: 19 with a category, 99 without one" in said
    long = FIGURES["likes_by_category"](snapshot(normal()))
    assert names(long)[-1] == "28 other categories"
    assert len(names(long)) == 21
    assert not any("other" in n for n in names(FIGURES["top_models"](snapshot(normal(21)))))
    assert len(names(FIGURES["likes_by_category"](snapshot(normal(21))))) == 21


def said(name: str, rows: Iterable[dict[str, Any]], **rest: Any) -> str:
    return words(FIGURES[name](snapshot(list(rows), chosen(2), **rest)))


def test_findings_hold_for_one_for_ties_and_for_nothing() -> None:
    one = [row("category", "x", 1, downloads=1)]
    assert "x, the only category, has 1 of 1 download (100%)" in said("downloads_by_category", one)
    tie = [row("category", key, 4) for key in "ab"]
    assert "2 categories tie at the top with 28 of 56 likes (50%) each" in said(
        "likes_by_category", tie
    )
    none = [row("category", key, 3, trending_score=0.0) for key in "abcd"]
    assert "No trending score in any of the 4 categories" in said("trending_by_category", none)
    four = [row("category", key, n) for key, n in zip("abcd", (4, 3, 2, 1), strict=True)]
    assert "The first three of 4 categories take 63 of 70 likes (90%)" in said(
        "likes_by_category", four
    )


def test_what_the_capture_lacks_is_said_plainly() -> None:
    for measure, name in (
        ("likes", "likes_by_category"), ("downloads", "downloads_by_category"),
        ("trending_score", "trending_by_category"), ("downloads", "top_models"),
    ):  # fmt: skip
        rows = changed(normal(), **{measure: nothing})
        assert f"no {measure.replace('_', ' ')} in this capture" in said(name, rows)
    assert "no models in this capture" in said("downloads_by_category", [], models=0)
    assert "no models by category in this capture" in said("category_share", [])
    assert "no Spaces in this capture" in said("models_per_space", [], spaces=0)
    assert "no use of a chosen model in this capture" in said("usage_by_category", [])
    only = [row("category", None, 5)]
    assert "no models with a category in this capture" in said("downloads_by_category", only)
    partly = [row("category", "a", 5), row("category", "b", 5, likes=None)]
    assert "1 category without a number left out" in said("likes_by_category", partly)


def test_shares_are_of_all_models() -> None:
    rows = [row("license", "mit", 60), row("license", "other", 20), row("license", None, 20)]
    text = said("license_mix", rows, models=100)
    assert "mit leads 2 licences with 60 of 100 models (60%); 20% of the models give no" in text
    assert names(FIGURES["license_mix"](snapshot(rows, models=100)))[-1] == "no licence given"


def test_the_floor_date_stands_apart_and_a_missing_year_is_a_gap() -> None:
    keys = {"2022-03-02 (floor)": 55, "2025": 624, "2022": 27, "2024": 208, "1e9": 3}
    made = FIGURES["models_by_year"](snapshot([row("year", k, n) for k, n in keys.items()]))
    ticks = [tick.get_text() for tick in made.axes[0].get_xticklabels()]
    assert ticks == ["≤ 2022-03-02", "2022", "2023", "2024", "2025 so far"]
    assert "624 of 917 models (68%) were created in 2025" in words(made)
    left_out = "3 models without a year of creation left out"
    assert left_out in words(made).replace("\n", " ")


def test_correlations_print_values_and_what_is_not_defined() -> None:
    text = said("correlations", normal())
    assert text.count("\u22120.93") == 5  # twice in each grid, once in the subtitle
    assert text.count("undefined") == 4
    assert "Closest: downloads and trending" in text
    none = [{"dimension": "correlation", "key": "pearson/likes/downloads", "value": None}]
    assert "None of them is defined" in said("correlations", none)


def test_chosen_models_stand_by_tag_with_their_totals() -> None:
    made = FIGURES["chosen_models_by_tag"](snapshot(normal(), chosen(30)))
    assert len(made.axes) == 2
    assert "913 uses in 837 Spaces" in words(made)
    first, second = (len(names(made, axes)) for axes in (0, 1))
    assert (first, second) == (20, 15)
    values = [
        float(t.get_text().replace("k", "")) * (1000 if "k" in t.get_text() else 1)
        for t in made.axes[0].texts if t.get_horizontalalignment() == "left"
    ]  # fmt: skip
    assert values == sorted(values, reverse=True)


def test_more_tags_than_fit_are_counted() -> None:
    usage = [{"id": "a/b", "spaces": 4, "chosen_tags": [f"tag-{i}" for i in range(9)]}]
    made = FIGURES["chosen_models_by_tag"](snapshot([], usage))
    assert len(made.axes) == 6
    assert "3 more tags left out" in words(made)


def test_models_per_space_are_counted_in_buckets() -> None:
    counts = {"0": 70, "1": 20, "2": 6, "7": 3, "60": 1}
    made = FIGURES["models_per_space"](
        snapshot([row("models_per_space", key, n) for key, n in counts.items()])
    )
    ticks = [tick.get_text() for tick in made.axes[0].get_xticklabels()]
    assert ticks == ["0", "1", "2", "3", "4", "5", "6–10", "11–20", "21–50", "51–100"]  # noqa: RUF001
    assert (
        "30 of 100 Spaces (30%) name a model, 33% of those more than one; the most is 60"
        in words(made)
    )


def test_concentration_says_gini_and_share() -> None:
    text = said("concentration", normal())
    assert "The first 10 models hold 52% of the downloads of the last 30 days; Gini 0.93" in text


def test_nothing_imports_pyplot_or_dagster() -> None:
    code = (
        "import sys, hf_assets.trends.figures.day.render;"
        "print([m for m in ('matplotlib.pyplot', 'dagster', 'pandas') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
