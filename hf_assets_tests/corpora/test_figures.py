"""The figure of label frequencies: what it says, for many labels, few and hostile ones."""

import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure

from hf_assets.charts.saving import render
from hf_assets.corpora.figures import label_frequencies
from hf_assets_tests.corpora.conftest import Build, make_rows


def said(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_few_labels_are_bars_alone(built: Build) -> None:
    corpus = built(make_rows(200))
    figure = label_frequencies(corpus)
    assert len(figure.axes) == 1
    most = corpus.facts.commonest[0]
    drawn = [text.get_text() for text in figure.axes[0].texts]
    assert str(max(one.train for one in corpus.facts.commonest)) in drawn
    assert most.label in drawn
    assert any("is given to" in line for line in said(figure))
    training = corpus.facts.splits["train"]
    assert any(f"200\u00a0rows, {training} for training" in line for line in said(figure))


def test_many_labels_are_a_curve_too(built: Build) -> None:
    rows = make_rows(400)
    for number, row in enumerate(rows):
        row["labels"] = [f"label {at:02}" for at in range(40) if number % (at + 1) == 0]
    rows += [{**row, "labels": ["rare"]} for row in make_rows(1, seed=9)]
    corpus = built(rows)
    figure = label_frequencies(corpus)
    bars, curve = figure.axes
    assert bars.get_xlabel() == "training rows"
    assert curve.get_yscale() == "log"
    by_rank, least = (np.asarray(line.get_ydata()).tolist() for line in curve.lines)
    assert len(by_rank) == len(corpus.labels)
    assert least == [3, 3]
    assert by_rank == sorted(by_rank, reverse=True)
    assert by_rank[0] == corpus.facts.splits["train"]
    assert "The 20 commonest" in said(figure)
    assert any(
        "1\u00a0label of fewer than 3 training rows left out" in text for text in said(figure)
    )


def test_hostile_names_are_drawn_inert(built: Build) -> None:
    rows = make_rows(200)
    for row in rows:
        row["labels"] = ["<script>alert(1)</script>", "$x^2$", "\u202eevil"]
    rendered = render(label_frequencies(built(rows)))
    assert b"<script>" not in rendered.svg
    assert "\u202e" not in rendered.svg.decode()
    assert "$x^2$" in rendered.svg.decode()


@pytest.mark.parametrize("labels", [(), ("apple",)])
def test_hardly_any_label(built: Build, labels: tuple[str, ...]) -> None:
    corpus = dataclasses.replace(built(make_rows(200)), labels=labels)
    assert render(label_frequencies(corpus)).png
