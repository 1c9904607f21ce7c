import datetime as dt
import re
from typing import Any

import polars as pl
import pytest
from matplotlib.colors import to_hex

from hf_assets.charts import marks
from hf_assets.charts.panels import MISSING, SHADE
from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.trends.figures.history import shares
from hf_assets.trends.figures.history.history import History, grown, sources
from hf_assets.trends.figures.registry import HISTORY_FIGURES
from hf_assets.trends.series import schemas
from hf_assets_tests.support.trends.histories import given
from hf_assets_tests.support.trends.series import LAST
from hf_assets_tests.support.trends.texts import words

FIGURES = {figure.name: figure for figure in HISTORY_FIGURES}


def said(name: str, history: History) -> str:
    return words(FIGURES[name](history)).replace("\n", " ")


def test_every_figure_is_registered_under_its_name_and_described() -> None:
    assert set(FIGURES) == {
        "category_shares", "library_shares", "license_mix", "license_drift", "derivatives",
        "biggest_families", "model_sizes", "concentration", "space_usage", "training_data_share",
        "most_used", "top_ranks", "risers", "fallers", "hype_phases", "adoption_curves",
        "time_to_downloads", "new_models", "day_quality", "datasets_listed", "dataset_sizes",
        "dataset_tasks", "predicted_categories", "risers_of_all",
    }  # fmt: skip
    for name, make in FIGURES.items():
        assert getattr(make, "__name__", "") == name
        assert re.fullmatch(r"[a-z_]+", name)
        assert make.__doc__


def test_captions_tell_days_gaps_flags_sources_and_rows() -> None:
    caption = FIGURES["category_shares"](given("sixty"))
    assert isinstance(caption, marks.Drawn)
    told = caption.caption.replace("\u00a0", " ")
    assert "27 Sep 2026 to 25 Nov 2026: 58 days, 2 missing, 2 not trusted" in told
    assert "captured from huggingface.co (30), hub-stats (28)" in told
    assert "category_history: 870 rows" in told


def test_shading_is_explained_where_there_is_any() -> None:
    assert "not trusted" in said("concentration", given("sixty"))
    assert "not trusted" not in said("concentration", given("two"))


def test_untrusted_days_are_interpolated_but_have_no_ranks_and_missing_ones_are_shaded() -> None:
    for name in ("category_shares", "concentration", "space_usage", "license_drift"):
        assert "days not trusted: interpolated between trusted days, or left open" in said(
            name, given("sixty")
        )
    assert "days not trusted: no ranks" in said("top_ranks", given("sixty"))
    assert "days not trusted: not counted" in said("new_models", given("sixty"))
    for name in ("category_shares", "top_ranks", "day_quality"):
        assert "missing days" in said(name, given("sixty"))
        made = FIGURES[name](given("sixty"))
        shaded = {
            to_hex(patch.get_facecolor()).upper(): patch.get_extents().width
            for patch in made.axes[0].patches
        }
        # Two days are missing, one after the other; two are not trusted, each by itself.
        assert shaded[MISSING] == pytest.approx(2 * shaded[SHADE], rel=0.05)
    assert "missing" not in said("concentration", given("two"))


@pytest.mark.parametrize(
    "name",
    ["category_shares", "library_shares", "license_mix", "license_drift", "concentration",
     "space_usage"],
)  # fmt: skip
def test_the_first_day_stands_clear_of_the_lowest_value(name: str) -> None:
    made = FIGURES[name](given("sixty"))
    made.draw_without_rendering()
    for axes in made.axes:
        lowest = min(axes.get_yticklabels(), key=lambda label: label.get_position()[1])
        first = axes.get_xticklabels()[0]
        assert first.get_window_extent().y1 < lowest.get_window_extent().y0 + 1


def test_what_is_not_there_is_said_plainly() -> None:
    for name, words_ in {
        "category_shares": "no shares of categories yet",
        "license_drift": "no derivatives of listed base models yet",
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
    # The key names the colours that occur: nobody fell by more than a rank.
    for told in ("rose most", "new among the first 20", "others"):
        assert told in ranks
    assert "fell most" not in ranks


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


def weeks(count: int, spanned: float = 7.0) -> History:
    """So many weeks of ten new models, twenty in the last."""
    rows = [
        {"day": dt.date(2026, 11, 15) - dt.timedelta(7 * i), "days_spanned": spanned,
         "created": 10 if i else 20, "trusted": True}
        for i in range(count)
    ]  # fmt: skip
    full = [dict.fromkeys(schemas.LIFECYCLE.columns) | row for row in rows]
    return History.of({"lifecycle": pl.DataFrame(full, schema=schemas.LIFECYCLE.schema)})


def test_the_finding_of_new_models_tells_of_full_weeks_alone() -> None:
    assert "20 new models in the week of 9 Nov 2026, the most of 3 full weeks" in said(
        "new_models", weeks(3)
    )
    assert "At the rate of the days there are: 28 new models a week" in said(
        "new_models", weeks(3, spanned=5.0)
    )


def test_columns_of_many_weeks_have_no_numbers() -> None:
    few, many = (FIGURES["new_models"](weeks(count)) for count in (5, 100))
    assert len(few.axes[0].texts) == 5
    assert not many.axes[0].texts


def test_sources_growths_and_shares_in_words() -> None:
    assert sources([{"source": "folder", "origin": None}]) == "recorded files"
    assert [grown(rate) for rate in (None, 0.034, -0.5, 12.4)] == [
        "", "+3.4%", "\u221250%", "+1\u00a0240%",
    ]  # fmt: skip
    assert shares.moved([None, None]) == ""
    assert shares._gains([], "downloads") == ""


def test_new_models_are_counted_in_whole_models() -> None:
    monday = dt.date(2026, 11, 16)
    rows = [{"day": monday, "days_spanned": 6.9, "created": 10, "deleted": 3, "trusted": True}]
    full = [dict.fromkeys(schemas.LIFECYCLE.columns) | row for row in rows]
    frame = pl.DataFrame(full, schema=schemas.LIFECYCLE.schema)
    told = said("new_models", History.of({"lifecycle": frame}))
    assert "10 new models in the week of 16 Nov 2026" in told
    assert "3 left the listing" in told
    assert "10.1" not in told


def test_a_peak_is_one_so_far() -> None:
    told = said("hype_phases", given("sixty"))
    assert told.count("at the peak") == told.count("at the peak so far") == 3
    assert "highest so far" in told


def test_flagged_days_are_counted_by_kind() -> None:
    told = said("day_quality", given("sixty"))
    for words_ in ("56 of 60 days can be trusted", "2 missing", "1 partial", "1 stalled"):
        assert words_ in told
    assert f"{DAY_QUALITY.name}: 60 rows" in told
