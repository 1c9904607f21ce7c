import dataclasses
import itertools
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from hf_assets.charts.marks import house_style
from hf_assets.charts.point_labels import Box, place
from hf_assets.charts.saving import render
from hf_assets.classifiers.evaluation.figures import (
    label_scores,
    score_against_latency,
    score_against_size,
)
from hf_assets.classifiers.evaluation.results import (
    COLUMNS,
    CONSTANT,
    HELPED,
    INT8,
    LABELS,
    NOTHING,
    TABLE,
    TFIDF,
    Leaderboard,
    LeaderboardRecord,
)
from hf_assets_tests.support.classifiers.artefacts import HOSTILE

ONE = {"all-minilm-l6-v2": (0.523, 91.5, 14.0)}
FIVE = ONE | {
    "distilroberta-base": (0.521, 328.0, 18.0), "roberta-base": (0.534, 499.0, 33.0),
    "bert-base-uncased": (0.529, 438.0, 32.0), "deberta-base": (0.536, 556.0, 55.0),
}  # fmt: skip
FIGURES = (score_against_size, score_against_latency, label_scores)


def board(
    models: dict[str, tuple[float, float, float]],
    labels: list[str] | None = None,
    constant: float = 0.1175,
    tfidf: float = 0.4464,
) -> Leaderboard:
    def row(model: str, runtime: str, f1: float, size: float = 0, ms: float = 0) -> dict[str, Any]:
        return {
            "model": model, "runtime": runtime, "micro_f1": f1, "micro_f1_low": max(f1 - 0.012, 0),
            "micro_f1_high": f1 + 0.012, "macro_f1": f1 / 2, "size_bytes": int(1e6 * size) or None,
            "ms_p50": ms or None,
        }  # fmt: skip

    rows = [row(NOTHING, "floor", 0.0), row(CONSTANT, "floor", constant)]
    rows.append(row(TFIDF, "numpy", tfidf, 73, 0.4))
    for model, (f1, size, ms) in models.items():
        rows += [
            row(model, "torch", f1, size, 1.3 * ms), row(model, "onnx", f1, 1.003 * size, ms),
            row(model, INT8, f1 - 0.003, 0.21 * size, ms / 2.2),
        ]  # fmt: skip
    best = next(iter(models), None)
    if best:
        f1, size, ms = models[best]
        helped = row(best, HELPED, f1 + 0.012, 0.21 * size + 4, ms / 2.2 + 0.2)
        rows.append(helped | {"threshold_distance": 0.002})
    labels = labels or [f"label-{i}" for i in range(359)]
    rng = np.random.default_rng(0)
    training = (10 ** (1 + 2.2 * rng.random(len(labels)) ** 2)).astype(int)
    f1 = np.clip(0.18 * np.log(training) - 0.2 + 0.2 * rng.normal(size=len(labels)), 0, 1)
    scored = {
        "label": labels, "training_rows": training, "test_rows": training // 8,
        "f1": [None if i % 40 == 3 else float(value) for i, value in enumerate(f1)],
    }  # fmt: skip
    facts: dict[str, Any] = {
        "corpus": "questions", "labels": len(labels), "test_rows": 1279, "seed": 7,
        "day": "2026-11-21", "machine": "A processor, 2 cores", "best": best, "blend": None,
    }  # fmt: skip
    table = [{name: one.get(name) for name in COLUMNS} for one in rows]
    return Leaderboard(
        pl.DataFrame(table, TABLE.schema),
        pl.DataFrame(scored, LABELS.schema) if best else pl.DataFrame(schema=LABELS.schema),
        LeaderboardRecord(**facts),
    )


BOARDS = {
    "one model": board(ONE),
    "five models": board(FIVE),
    "hostile": board({"<b>$x$</b>|" * 40: (0.5, 90, 9), "\u202eevil": (0.52, 95, 9)}, [*HOSTILE]),
    "weak": board({"weak": (0.05, 90, 9), "weaker": (0.01, 91, 9)}),
    "perfect": board({"perfect": (0.988, 90, 9)}, ["a", "b"]),
    "near its baselines": board(ONE, constant=0.5215, tfidf=0.522),
    "alike": board({f"model-{i}": (0.5, 90, 9) for i in range(5)}),
}


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def boxes(figure: Figure) -> list[tuple[str, Any]]:
    FigureCanvasAgg(figure).draw()
    renderer = FigureCanvasAgg(figure).get_renderer()
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in figure.findobj(Text)
        if text.get_text().strip() and text.get_visible()
    ]


@pytest.mark.parametrize("make", FIGURES)
@pytest.mark.parametrize("name", BOARDS)
def test_no_text_covers_another_or_leaves_the_sheet(name: str, make: Any) -> None:
    with house_style():
        figure = make(BOARDS[name])
        found = boxes(figure)
    width, height = figure.canvas.get_width_height()
    for text, box in found:
        assert box.x0 >= 0, text
        assert box.x1 <= width, text
        assert box.y0 >= 0, text
        assert box.y1 <= height, text
    for (one, a), (two, b) in itertools.combinations(found, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        down = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across < 2 or down < 3, f"{one!r} covers {two!r}"


@pytest.mark.heavy
@pytest.mark.parametrize("make", FIGURES)
@pytest.mark.parametrize("name", ["five models", "hostile"])
def test_every_figure_becomes_files(name: str, make: Any) -> None:
    files = render(make(BOARDS[name]))
    assert files.png.startswith(b"\x89PNG")
    ElementTree.fromstring(files.svg)
    assert b"<script" not in files.svg.lower()


@pytest.mark.parametrize("make", [score_against_size, score_against_latency])
def test_every_model_is_named_and_every_point_drawn(make: Any) -> None:
    figure = make(BOARDS["five models"])
    named = [text.get_text() for text in figure.findobj(Annotation)]
    assert {name for name in named if name in FIVE} == set(FIVE)
    points = sum(len(found.get_offsets()) for found in figure.axes[0].collections
                 if len(found.get_offsets()) == 1 and found.get_offsets()[0].any())  # fmt: skip
    assert points == 3 * 5 + 1


@pytest.mark.heavy
def test_floors_out_of_sight_are_told_all_the_same() -> None:
    far = words(score_against_size(BOARDS["five models"]))
    assert "constant labels 11.8 ↓" in far
    assert "predict nothing 0.0 ↓" in far
    assert "TF-IDF + SVM 44.6\n" in f"{far}\n"
    near = words(score_against_size(BOARDS["weak"]))
    assert "↓" not in near


def test_the_score_axis_holds_every_interval() -> None:
    for name, made in BOARDS.items():
        low, high = score_against_size(made).axes[0].get_ylim()
        shown = made.rows.filter(pl.col("ms_p50").is_not_null() & (pl.col("model") != TFIDF))
        assert low <= 100 * float(shown["micro_f1_low"].to_numpy().min()), name
        assert high >= 100 * float(shown["micro_f1_high"].to_numpy().max()), name


@pytest.mark.parametrize("make", FIGURES)
def test_captions_say_what_was_measured(make: Any) -> None:
    told = words(make(BOARDS["five models"])).replace("\u00a0", " ")
    for part in ("questions", "1 279 test rows", "359 labels", "seed 7", "A processor", "2026"):
        assert part in told, part


def test_a_finding_names_the_served_model() -> None:
    told = words(score_against_size(BOARDS["one model"]))
    assert (
        "all-minilm-l6-v2 as int8 + TF-IDF reaches 53.5, TF-IDF 44.6 and the best constant" in told
    )
    assert "23.2 MB" in told


def test_label_figure_counts_what_it_shows() -> None:
    told = words(label_scores(BOARDS["five models"])).replace("\u00a0", " ")
    found = BOARDS["five models"].labels["f1"]
    never = (found == 0).sum()
    assert f"{never} of {found.count()} labels never rightly given" in told
    assert f"{found.null_count()} labels without" in told.replace("\n", " ")


@pytest.mark.parametrize("make", FIGURES)
def test_nothing_measured_gives_a_frame_that_says_so(make: Any) -> None:
    assert "measured yet" in words(make(board({})))


def test_labels_without_a_score_give_a_frame() -> None:
    made = dataclasses.replace(
        BOARDS["one model"],
        labels=BOARDS["one model"].labels.with_columns(f1=pl.lit(None, pl.Float64)),
    )
    assert "measured yet" in words(label_scores(made))


@given(
    st.lists(st.tuples(st.floats(0, 900), st.floats(0, 400), st.floats(5, 200)), max_size=12),
    st.lists(st.tuples(st.floats(0, 900), st.floats(0, 400)), max_size=12),
)
def test_places_meet_nothing(
    points: list[tuple[float, float, float]], at: list[tuple[float, float]]
) -> None:
    frame = Box(0, 0, 900, 400)
    taken = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in at]
    found = place(frame, taken, points)
    assert len(found) == len(points)
    placed = [box for box in found if box]
    for box in placed:
        assert box.within(frame)
        assert not any(box.meets(other) for other in taken)
    assert not any(a.meets(b) for a, b in itertools.combinations(placed, 2))


def test_a_lonely_point_is_named_at_its_right() -> None:
    (found,) = place(Box(0, 0, 900, 400), [], [(100, 200, 50)])
    assert found is not None
    assert 100 < found.left < 120
    assert found.low < 200 < found.high
