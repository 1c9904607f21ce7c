"""Cleans labels, counts them, drops rare ones, and puts them in order."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

# A label that training shows once can be neither learnt nor tested.
LEAST_ROWS = 2

# White space, line ends and control characters: a label is a line of a file and a name on a page.
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")


def cleaned(labels: Iterable[str | None]) -> list[str]:
    """Labels as one line each without blanks around it, each once, in the order given."""
    squeezed = (_BLANKS.sub(" ", label).strip() for label in labels if label)
    return list(dict.fromkeys(label for label in squeezed if label))


def least_rows(rare_share: float, rows: int) -> int:
    """How many of `rows` training rows a label must be given to, to be kept."""
    return max(LEAST_ROWS, int(rare_share * rows))


def kept_labels(training: Iterable[Iterable[str]], rare_share: float) -> list[str]:
    """The labels given to enough training rows, in code point order, whatever the rows' order."""
    counts: Counter[str] = Counter()
    rows = 0
    for labels in training:
        counts.update(set(labels))
        rows += 1
    least = least_rows(rare_share, rows)
    return sorted(label for label, count in counts.items() if count >= least)


def multi_hot(lists: pl.Series, labels: Sequence[str]) -> np.ndarray:
    """Lists of labels as uint8 [rows, labels]: 1 in the columns of the labels a row is given.

    Raises:
        KeyError: a row has a label that is not among `labels`.
    """
    at = {label: column for column, label in enumerate(labels)}
    targets = np.zeros((len(lists), len(labels)), np.uint8)
    for row, given in enumerate(lists.to_list()):
        for label in given or ():
            targets[row, at[label]] = 1
    return targets
