import datetime as dt
import itertools
import re
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import polars as pl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hf_assets.charts import marks, saving
from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.trends.figures.history.history import TABLES, History
from hf_assets.trends.figures.history.render import TREND_FIGURES
from hf_assets.trends.series import schemas
from hf_assets_tests.support.trends.series import LAST, past
from hf_assets_tests.trends.figures.test_day import FIGURES, HOSTILE, SNAPSHOTS, texts, words

# Words of ours, not of the Hub.
FIXED = {"permissive", "openrail", "copyleft", "restricted", "none", "looser", "same", "stricter",
         "unknown", "Spaces", "Spaces with models", "models used"}  # fmt: skip
NUMBERS = (pl.Float64, pl.Int64, pl.Int32)


def remade(old: History, make: Callable[[str, pl.DataFrame], pl.DataFrame]) -> History:
    return History.of({name: make(name, frame.collect()) for name, frame in old.frames.items()})


def nulls(_: str, frame: pl.DataFrame) -> pl.DataFrame:
    kept = {"milestone", "age"}
    return frame.with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in frame.schema.items()
        if dtype in NUMBERS and name not in kept
    )


def zeros(_: str, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        pl.lit(0).cast(dtype).alias(name) for name, dtype in frame.schema.items()
        if dtype in NUMBERS and name not in {"milestone", "age", "rank"}
    )  # fmt: skip


def odd(_: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Numbers that are none, that are negative, and that are too large."""
    rows = pl.int_range(pl.len()) % 7
    return frame.with_columns(
        pl.when(rows == 1).then(float("nan")).when(rows == 2).then(float("inf"))
        .when(rows == 3).then(-pl.col(name)).when(rows == 4).then(pl.col(name) * 1e9)
        .otherwise(pl.col(name)).alias(name)
        for name, dtype in frame.schema.items() if dtype == pl.Float64
    )  # fmt: skip


def hostile(_: str, frame: pl.DataFrame) -> pl.DataFrame:
    swaps = {}
    for name in ("key", "id", "category", "source", "origin"):
        if name in frame.columns and name != "key":
            keys = frame[name].unique(maintain_order=True).to_list()
            swaps[name] = {key: HOSTILE[i % len(HOSTILE)] for i, key in enumerate(keys)}
        elif name in frame.columns:
            keys = [k for k in frame[name].unique(maintain_order=True) if k not in FIXED]
            swaps[name] = {key: HOSTILE[i % len(HOSTILE)] for i, key in enumerate(keys)}
    return frame.with_columns(
        pl.col(name).replace_strict(list(to), list(to.values()), default=pl.col(name),
                                    return_dtype=pl.String)
        for name, to in swaps.items() if to
    )  # fmt: skip


def weekly(_: str, frame: pl.DataFrame) -> pl.DataFrame:
    if "day" not in frame.columns:
        return frame
    return frame.filter(pl.col("day").dt.weekday() == 3)


PASTS: dict[str, Callable[[], History]] = {
    "sixty": lambda: past(60),
    "two_years": lambda: past(721, models=20),
    "two": lambda: past(2, models=25),
    "one": lambda: past(1, models=25),
    "empty": lambda: History.of({}),
    "days_only": lambda: History.of({"day_quality": past(30).frames["day_quality"]}),
    "null_types": lambda: remade(past(20), lambda _, f: f.with_columns(
        pl.lit(None).alias(name) for name in f.columns if name not in ("day", "of"))),
    "nulls": lambda: remade(past(20), nulls),
    "zeros": lambda: remade(past(20), zeros),
    "odd": lambda: remade(past(30), odd),
    "hostile": lambda: remade(past(30), hostile),
    "weekly": lambda: remade(past(120, models=30), weekly),
    "no_columns": lambda: History.of({name: pl.DataFrame() for name in TABLES}),
}  # fmt: skip


@cache
def given(kind: str) -> History:
    return PASTS[kind]()


def check_texts(make: Callable[[], Figure]) -> None:
    """Every text lies on the sheet, is inert, and covers no other."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = make()
        with marks.house_style():
            canvas = FigureCanvasAgg(made)
            canvas.draw()
            boxes = [(t.get_window_extent(canvas.get_renderer()), t) for t in texts(made)]
    width, height = canvas.get_width_height()
    for box, text in boxes:
        said = text.get_text()
        assert not text.get_parse_math(), said
        assert "e+" not in said, said
        assert box.x0 >= 0 <= box.y0, (said, box)
        assert box.x1 <= width + 0.5, (said, box)
        assert box.y1 <= height, (said, box)
    for (one, a), (two, b) in itertools.combinations(boxes, 2):
        across = min(one.x1, two.x1) - max(one.x0, two.x0)
        along = min(one.y1, two.y1) - max(one.y0, two.y0)
        assert across <= 1 or along <= 4, (a.get_text(), b.get_text())


@pytest.mark.parametrize("name", TREND_FIGURES)
@pytest.mark.parametrize("kind", PASTS)
def test_every_text_is_inside_apart_and_inert(name: str, kind: str) -> None:
    check_texts(lambda: TREND_FIGURES[name](given(kind)))


@pytest.mark.parametrize("name", TREND_FIGURES)
@pytest.mark.parametrize("kind", ["sixty", "hostile"])
def test_a_page_for_phones_is_as_clear(name: str, kind: str) -> None:
    with marks.page(480):
        check_texts(lambda: TREND_FIGURES[name](given(kind)))
        made = TREND_FIGURES[name](given(kind))
    assert isinstance(made, marks.Drawn)
    assert made.get_size_inches()[0] == 4.8
    assert made.title
    assert made.title not in words(made)
    assert not made.caption or made.caption not in words(made)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_a_day_fit_a_phone(name: str) -> None:
    with marks.page(480):
        check_texts(lambda: FIGURES[name](SNAPSHOTS["normal"]()))


@pytest.mark.parametrize("kind", ["sixty", "hostile"])
@pytest.mark.parametrize("name", ["category_shares", "top_ranks", "hype_phases"])
def test_files_are_small_and_the_same_twice(name: str, kind: str) -> None:
    one, two = (saving.render(TREND_FIGURES[name](given(kind))) for _ in range(2))
    assert one == two
    assert len(one.gallery) <= saving.GALLERY_BYTES
    assert b"<script" not in one.svg


def said(name: str, history: History) -> str:
    return words(TREND_FIGURES[name](history)).replace("\n", " ")


def test_every_figure_is_registered_under_its_name_and_described() -> None:
    assert set(TREND_FIGURES) == {
        "category_shares", "library_shares", "license_mix", "license_drift", "concentration",
        "space_usage", "top_ranks", "risers", "fallers", "hype_phases", "adoption_curves",
        "time_to_downloads", "new_models", "day_quality",
    }  # fmt: skip
    for name, make in TREND_FIGURES.items():
        assert getattr(make, "__name__", "") == name
        assert re.fullmatch(r"[a-z_]+", name)
        assert make.__doc__


def test_captions_tell_days_gaps_flags_sources_and_rows() -> None:
    caption = TREND_FIGURES["category_shares"](given("sixty"))
    assert isinstance(caption, marks.Drawn)
    told = caption.caption.replace("\u00a0", " ")
    assert "27 Sep 2026 to 25 Nov 2026: 58 days, 2 missing, 2 not trusted" in told
    assert "captured from huggingface.co (30), hub-stats (28)" in told
    assert "category_history: 870 rows" in told


def test_shading_is_explained_where_there_is_any() -> None:
    assert "not trusted" in said("concentration", given("sixty"))
    assert "not trusted" not in said("concentration", given("two"))


def test_what_is_not_there_is_said_plainly() -> None:
    for name, words_ in {
        "category_shares": "no shares of categories yet",
        "license_drift": "no derivatives beside their base models yet",
        "new_models": "no two days of the whole Hub to compare yet",
        "risers": "no models yet",
        "adoption_curves": "no model was seen from its release on yet",
        "day_quality": "no day yet",
    }.items():
        assert words_ in said(name, given("empty"))
    assert "no two days a week apart yet" in said("risers", given("two"))


def model_rows(*rows: tuple[str, float, float]) -> History:
    """Models of the last day: id, downloads, growth over 7 days."""
    table = schemas.MODEL_HISTORY
    full = [
        dict.fromkeys(table.columns)
        | {"day": LAST, "hub_id": name, "id": name, "downloads": n, "growth_7": growth,
           "rank": i + 1, "trusted": True}
        for i, (name, n, growth) in enumerate(rows)
    ]  # fmt: skip
    return History.of({table.name: pl.DataFrame(full, schema=table.schema)})


def test_risers_had_a_base_and_the_first_rose_most() -> None:
    history = model_rows(("a/small", 90_000.0, 99.0), ("a/large", 30_000.0, 1.0),
                         ("a/fell", 20_000.0, -0.5), ("a/larger", 50_000.0, 0.2))  # fmt: skip
    risers = said("risers", history)
    assert "a/large rose most, +100% to 30k downloads" in risers
    assert "a/small" not in risers
    assert risers.index("a/large") < risers.index("a/larger")
    fallers = said("fallers", history)
    assert "a/fell fell most, \u221250% to 20k downloads" in fallers
    assert "a/larger" not in fallers


def test_ranks_tell_who_came_and_who_moved() -> None:
    rows: list[dict[str, Any]] = []
    for day, order in ((LAST - dt.timedelta(1), "abc"), (LAST, "cad")):
        rows += [
            dict.fromkeys(schemas.MODEL_HISTORY.columns)
            | {"day": day, "hub_id": one, "id": f"x/{one}", "rank": i + 1, "trusted": True}
            for i, one in enumerate(order)
        ]
    frame = pl.DataFrame(rows, schema=schemas.MODEL_HISTORY.schema)
    ranks = said("top_ranks", History.of({"model_history": frame}))
    for told in ("x/c is first on 25 Nov 2026", "▲2", "▼1", "new"):
        assert told in ranks


def test_a_week_counts_over_the_days_really_spanned() -> None:
    monday = dt.date(2026, 11, 16)
    rows = [
        {"day": monday + dt.timedelta(i), "days_spanned": spanned, "created": created,
         "trusted": True}
        for i, (spanned, created) in enumerate([(1.0, 10), (2.0, 20), (4.0, 40), (0.0, 5)])
    ]  # fmt: skip
    full = [dict.fromkeys(schemas.LIFECYCLE.columns) | row for row in rows]
    frame = pl.DataFrame(full, schema=schemas.LIFECYCLE.schema)
    assert "70 new models in the week of 16 Nov 2026" in said(
        "new_models", History.of({"lifecycle": frame})
    )


def test_flagged_days_are_counted_by_kind() -> None:
    told = said("day_quality", given("sixty"))
    for words_ in ("56 of 60 days can be trusted", "2 missing", "1 partial", "1 stalled"):
        assert words_ in told
    assert f"{DAY_QUALITY.name}: 60 rows" in told
