"""The leaderboard as a table: its columns, its files, and which model it chooses.

What belongs here: what reads or shows a leaderboard needs. What does not: measuring it
(`leaderboard.py`). Light to import: neither torch nor scikit-learn.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.classifiers.evaluation.tfidf import TfIdf
from hf_assets.errors import InputError
from hf_assets.storage.json_files import read_json
from hf_assets.storage.parquet import Column, Table

NOTHING, CONSTANT, TFIDF = "predict nothing", "constant labels", "TF-IDF + linear SVM"
TORCH, ONNX, INT8, HELPED = "torch", "onnx", "int8", "int8 + TF-IDF"
FLOOR, BASELINE = "floor", "numpy"

COLUMNS: dict[str, Column] = {
    "model": Column(pl.String, "the base model, or what the baseline is called"),
    "runtime": Column(pl.String, "torch, onnx, int8, int8 + TF-IDF, numpy, or floor"),
    "strategy": Column(pl.String, "finetune or head; null for a baseline"),
    "micro_precision": Column(pl.Float64, "share of the labels given that are right"),
    "micro_recall": Column(pl.Float64, "share of the right labels that are given"),
    "micro_f1": Column(pl.Float64, "harmonic mean of both, over all labels of all rows"),
    "micro_f1_low": Column(pl.Float64, "2.5 % quantile of micro-F1, rows drawn anew 1000 times"),
    "micro_f1_high": Column(pl.Float64, "97.5 % quantile of the same"),
    "gain_over_tfidf": Column(pl.Float64, "micro-F1 less that of TF-IDF"),
    "macro_precision": Column(pl.Float64, "mean over the labels that a test row has"),
    "macro_recall": Column(pl.Float64, "mean over the labels that a test row has"),
    "macro_f1": Column(pl.Float64, "mean over the labels that a test row has"),
    "mean_average_precision": Column(pl.Float64, "mean over those labels; needs no threshold"),
    "subset_accuracy": Column(pl.Float64, "share of rows whose labels are exactly right"),
    "hamming_accuracy": Column(pl.Float64, "share of cells (a label of a row) that are right"),
    "hamming_accuracy_of_nothing": Column(
        pl.Float64, "the same if no label were ever given: what the one before must be read against"
    ),
    "rows_unlabelled": Column(pl.Float64, "share of rows to which no label is given"),
    "threshold": Column(pl.Float64, "score from which a label fits, tuned on validation"),
    "validation_micro_f1": Column(pl.Float64, "micro-F1 on validation, by which int8 is chosen"),
    "size_bytes": Column(pl.Int64, "of the files with weights"),
    "ms_p50": Column(pl.Float64, "ms a text, one at a time on one thread, median"),
    "ms_p95": Column(pl.Float64, "ms a text, one at a time on one thread, 95 % quantile"),
    "texts_per_second": Column(pl.Float64, "in batches of 32 of like length, on one thread"),
    "training_seconds": Column(pl.Float64, "wall time of the training"),
}
LABEL_COLUMNS: dict[str, Column] = {
    "label": Column(pl.String, "as in the corpus"),
    "training_rows": Column(pl.Int64, "rows it was learnt from"),
    "test_rows": Column(pl.Int64, "rows it was measured on"),
    "f1": Column(pl.Float64, "on test, of the best int8 model; null where no test row has it"),
}
TABLE = Table("leaderboard", COLUMNS, required=("model", "runtime", "micro_f1", "macro_f1"))
LABELS = Table("labels", LABEL_COLUMNS, required=("label",))


@dataclass(frozen=True)
class Blend:
    """How much the words count, and from which probability a label fits then.

    `micro_f1` and `alone`, on validation, are those with the words and of the network by itself.
    """

    weight: float
    threshold: float
    micro_f1: float
    alone: float


@dataclass(frozen=True)
class Leaderboard:
    """What was measured.

    Attributes:
        rows: with `COLUMNS`, best micro-F1 first.
        labels: with `LABEL_COLUMNS`, in the corpus's order; empty where there is no int8 model.
        facts: corpus, labels, test and validation rows, seed, day, machine, `best` (the base model
            whose int8 is served, or None), `blend` (see `Blend`; None where it does not help),
            `made_from` (marks of the corpus and of the best int8 graph: see `provenance`).
        words: the small TF-IDF model of the blend, or None.
    """

    rows: pl.DataFrame
    labels: pl.DataFrame
    facts: dict[str, Any]
    words: TfIdf | None = None

    @property
    def blend(self) -> Blend | None:
        """Weight and threshold with the words, or None where they do not help."""
        return Blend(**self.facts["blend"]) if self.facts["blend"] else None


def write(board: Leaderboard, folder: Path) -> None:
    """Leave the tables, the facts and the blend's words in `folder`, for `open_leaderboard`."""
    board.rows.write_parquet(folder / "leaderboard.parquet")
    board.labels.write_parquet(folder / "labels.parquet")
    text = json.dumps(board.facts, ensure_ascii=False, indent=1)
    (folder / "leaderboard.json").write_text(text, encoding="utf-8")
    if board.words is not None:
        board.words.save(folder / "tfidf.npz")


def open_leaderboard(folder: Path) -> Leaderboard:
    """What `write` left.

    Raises:
        InputError: a file is missing or torn.
    """
    facts, words = read_json(folder / "leaderboard.json"), folder / "tfidf.npz"
    try:
        rows, labels = (
            pl.read_parquet(folder / f"{name}.parquet") for name in (TABLE.name, LABELS.name)
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{folder} is not whole ({error}): materialise it again") from error
    return Leaderboard(rows, labels, facts, TfIdf.load(words) if words.exists() else None)


def best_int8(rows: pl.DataFrame) -> str | None:
    """The base model whose int8 is served: the best micro-F1 on validation, then the smallest.

    Test rows have no say: what is chosen by a score is flattered by it.
    """
    found = rows.filter(pl.col("runtime") == INT8)
    order = ["validation_micro_f1", "size_bytes", "model"]
    ranked = found.sort(order, descending=[True, False, False], nulls_last=True)
    return ranked["model"][0] if ranked.height else None
