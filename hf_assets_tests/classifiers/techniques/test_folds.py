"""Folds of training rows, and what their teachers make of the targets."""

from pathlib import Path

import numpy as np
import pytest

from hf_assets.classifiers.techniques import folds as module
from hf_assets.classifiers.techniques.folds import Answers, Fold, folds, rows_of, softened
from hf_assets.corpora.corpus import Split


def test_each_row_is_answered_by_a_teacher_that_did_not_learn_from_it() -> None:
    parts = folds(500, 3, seed=1)
    assert sorted(np.concatenate([part.own for part in parts])) == list(range(500))
    assert not any(set(part.own) & set(part.others) for part in parts)
    assert all(len(part.own) + len(part.others) == 500 for part in parts)
    assert {len(part.own) for part in parts} <= {166, 167}
    again = folds(500, 3, seed=1)
    assert all((a.own == b.own).all() for a, b in zip(parts, again, strict=True))
    assert folds(500, 3, seed=2)[0].own.tolist() != parts[0].own.tolist()


@pytest.mark.parametrize(("rows", "count"), [(500, 0), (199, 2), (0, 2)])
def test_too_few_rows_or_no_teachers_have_no_folds(rows: int, count: int) -> None:
    assert module.LEAST_ROWS == 100
    assert folds(rows, count, seed=1) == []


def test_answers_soften_targets_but_not_of_labels_that_a_teacher_never_saw() -> None:
    targets = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 0]], np.uint8)
    first, second = (
        Fold(np.array([0, 1]), np.array([2, 3])),
        Fold(np.array([2, 3]), np.array([0, 1])),
    )
    half = Answers(np.full((2, 3), 0.5, np.float16), 1.0)
    mixed = softened(targets, [(first, half), (second, half)], 0.4)
    # Row 0 alone has the last label: its teacher learnt from rows 2 and 3.
    expected = [[0.8, 0.2, 1], [0.2, 0.8, 0], [0.8, 0.2, 0.2], [0.2, 0.8, 0.2]]
    np.testing.assert_allclose(mixed, expected, atol=1e-3)
    assert mixed.dtype == np.float16


def test_answers_are_stored_whole(tmp_path: Path) -> None:
    scores = np.array([[0.25, 1.0]], np.float16)
    Answers(scores, 12.5).save(tmp_path / "teacher-1.npz")
    stored = Answers.load(tmp_path / "teacher-1.npz")
    assert (stored.scores == scores).all()
    assert stored.seconds == 12.5
    assert [path.name for path in tmp_path.iterdir()] == ["teacher-1.npz"]


def test_rows_keep_what_belongs_together() -> None:
    split = Split(["a", "b", "c"], ["x", "y", "z"], np.array([[0], [1], [0]], np.uint8))
    some = rows_of(split, [2, 1])
    assert (some.ids, some.texts, some.targets.tolist()) == (["c", "b"], ["z", "y"], [[0], [1]])
