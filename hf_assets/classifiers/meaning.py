"""What the best score says of a text, in plain words, where it is no plain answer.

A file of its own that needs no package: it is copied beside the Space's `app.py`.
"""

from typing import Any

import numpy as np


def meaning(best: Any, threshold: float, *, is_read: bool) -> str:
    """What the best score says of a text, in plain words; empty where it is a plain answer.

    Args:
        best: the label with the highest score, a `tagger.Tag`.
        threshold: the score from which a label fits.
        is_read: whether the model knows a word of the text (`Tagger.reads`).
    """
    if not is_read:
        return (
            "The model knows no word of this text: its scores are the same for any such text, and "
            "say nothing of this one."
        )
    if best.score >= np.float32(threshold):
        return ""
    said = (
        f"The best, {best.label}, has {best.score:.3f}, and {threshold:.3f} is needed: by the "
        f"model's own estimate, {_of_a_hundred(best.score)} of 100 texts like this have that label."
    )
    if best.score >= threshold / 2:
        return f"{said} A weak hint, not an answer."
    return f"{said} No label comes near: the text is of another subject, too short, or nonsense."


def _of_a_hundred(score: float) -> str:
    return "fewer than 1" if score < 0.01 else f"about {score * 100:.0f}"
