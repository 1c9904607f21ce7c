"""The results table of a corpus: its columns, its files, and the model that it chooses.

`leaderboard.py` measures it. Light to import: neither torch nor scikit-learn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from hf_assets.classifiers.records import RowCounts, StepRecord, ThresholdRule, rests_on
from hf_assets.classifiers.tfidf import TfIdf
from hf_assets.errors import InputError
from hf_assets.storage.json_files import read_json, read_record, write_json, write_record
from hf_assets.storage.parquet import Column, Table

NOTHING, CONSTANT, TFIDF = "predict nothing", "constant labels", "TF-IDF + linear SVM"
TORCH, ONNX, INT8, HELPED = "torch", "onnx", "int8", "int8 + TF-IDF"
FLOOR, BASELINE = "floor", "numpy"
BLENDED = "tfidf.npz"
_LOST = "{} lost in quantisation, at float32's threshold, on validation rows that did not choose it"

COLUMNS: dict[str, Column] = {
    "model": Column(pl.String, "base model, or name of the baseline"),
    "runtime": Column(pl.String, "torch, onnx, int8, int8 + TF-IDF, numpy, or floor"),
    "strategy": Column(pl.String, "finetune or head; null for a baseline"),
    "micro_precision": Column(pl.Float64, "share of the labels given that are right"),
    "micro_recall": Column(pl.Float64, "share of the right labels that are given"),
    "micro_f1": Column(pl.Float64, "harmonic mean of both, over all labels of all rows"),
    "micro_f1_low": Column(pl.Float64, "2.5 % quantile of micro-F1, 1000 resamples of the rows"),
    "micro_f1_high": Column(pl.Float64, "97.5 % quantile of micro-F1, 1000 resamples of the rows"),
    "gain_over_tfidf": Column(pl.Float64, "micro-F1 less that of TF-IDF"),
    "macro_precision": Column(pl.Float64, "mean over the labels that a test row has"),
    "macro_recall": Column(pl.Float64, "mean over the labels that a test row has"),
    "macro_f1": Column(pl.Float64, "mean over the labels that a test row has"),
    "mean_average_precision": Column(
        pl.Float64, "mean over the same labels; independent of the threshold"
    ),
    "subset_accuracy": Column(pl.Float64, "share of rows whose labels are exactly right"),
    "hamming_accuracy": Column(pl.Float64, "share of cells (a label of a row) that are right"),
    "hamming_accuracy_of_nothing": Column(
        pl.Float64, "hamming_accuracy of predicting no label at all, for comparison"
    ),
    "rows_unlabelled": Column(pl.Float64, "share of rows to which no label is given"),
    "threshold": Column(pl.Float64, "lowest score at which a label is given, tuned on validation"),
    "threshold_distance": Column(
        pl.Float64,
        "micro-F1 from the best on validation within which the threshold has the best macro-F1",
    ),
    "threshold_rows": Column(
        pl.Int64, "rows with labels that the threshold was chosen on; null: not recorded"
    ),
    "validation_micro_f1": Column(pl.Float64, "micro-F1 on validation, by which int8 is chosen"),
    "micro_f1_lost": Column(pl.Float64, _LOST.format("micro-F1")),
    "micro_f1_lost_low": Column(pl.Float64, "2.5 % quantile of it, resampled rows in pairs"),
    "micro_f1_lost_high": Column(pl.Float64, "97.5 % quantile of it, resampled rows in pairs"),
    "macro_f1_lost": Column(pl.Float64, _LOST.format("macro-F1")),
    "macro_f1_lost_low": Column(pl.Float64, "2.5 % quantile of it, resampled rows in pairs"),
    "macro_f1_lost_high": Column(pl.Float64, "97.5 % quantile of it, resampled rows in pairs"),
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
    "f1": Column(
        pl.Float64, "on test, of the best int8 model as it is served; null where no test row has it"
    ),
}
TABLE = Table("leaderboard", COLUMNS, required=("model", "runtime", "micro_f1", "macro_f1"))
LABELS = Table("labels", LABEL_COLUMNS, required=("label",))


class ConstantBaseline(msgspec.Struct, frozen=True):
    """The best constant answer: k labels, and its scores on validation by measure."""

    labels: list[str]
    k: int = 0
    validation: dict[str, float] = {}


class TfidfBaseline(msgspec.Struct, frozen=True, rename={"error_weight": "C"}):
    """TF-IDF with linear SVMs: bytes of its file, seconds to fit, scores on validation by measure.

    `error_weight` is liblinear's C.
    """

    threshold: float
    bytes: int
    validation: dict[str, float]
    terms: int = 0
    weights: int = 0
    error_weight: float | None = None
    seconds: float = 0.0
    threshold_rule: ThresholdRule | msgspec.UnsetType = msgspec.UNSET


class BaselineRecord(StepRecord, frozen=True, kw_only=True):
    """What baseline.json holds."""

    labels: list[str]
    constant: ConstantBaseline
    tfidf: TfidfBaseline
    corpus: str = ""
    rows: RowCounts = RowCounts()
    seed: int = 0
    machine: str = ""
    instructions: list[str] = msgspec.field(default_factory=list)


class Blend(msgspec.Struct, frozen=True):
    """The weight of TF-IDF's scores beside the network's, and the threshold that goes with it.

    Attributes:
        micro_f1, alone: on validation, with TF-IDF and of the network alone.
        macro_f1, macro_alone: the same of macro-F1.
        gain: of micro-F1 on the halves of validation that chose neither weight nor threshold. It is
            above 0, or there is no blend. Earlier versions did not measure it, nor macro-F1.
    """

    weight: float
    threshold: float
    micro_f1: float
    alone: float
    macro_f1: float | msgspec.UnsetType = msgspec.UNSET
    macro_alone: float | msgspec.UnsetType = msgspec.UNSET
    gain: float | msgspec.UnsetType = msgspec.UNSET
    threshold_rule: ThresholdRule | msgspec.UnsetType = msgspec.UNSET


class LeaderboardRecord(StepRecord, frozen=True, kw_only=True):
    """What leaderboard.json holds.

    Attributes:
        labels, test_rows: how many; `seed`: of the resamples.
        day: UTC, of the measurement; machine, instructions: of the processor.
        best: the base model whose int8 is served, or None.
        blend: what is served in place of the int8 model alone, or None where TF-IDF does not help.
        made_from: fingerprints of the corpus and of the best int8 graph (see `provenance`).
    """

    corpus: str = ""
    labels: int = 0
    test_rows: int = 0
    seed: int = 0
    day: str = ""
    machine: str = ""
    instructions: list[str] = msgspec.field(default_factory=list)
    best: str | None = None
    blend: Blend | None = None


@dataclass(frozen=True)
class Leaderboard:
    """The results table of a corpus, with its record.

    Attributes:
        rows: with `COLUMNS`, best micro-F1 first.
        labels: with `LABEL_COLUMNS`, in the corpus's order; empty where there is no int8 model.
        record: see `LeaderboardRecord`.
        words: the small TF-IDF model of the blend, or None.
    """

    rows: pl.DataFrame
    labels: pl.DataFrame
    record: LeaderboardRecord
    words: TfIdf | None = None

    @property
    def served_blend(self) -> Blend | None:
        """The blend that is served, or None; that of an earlier version was only an offer."""
        blend = self.record.blend
        return blend if blend is not None and blend.gain and self.words is not None else None


def write(board: Leaderboard, folder: Path) -> None:
    """Write the tables, the record and the blend's TF-IDF model into `folder`."""
    board.rows.write_parquet(folder / "leaderboard.parquet")
    board.labels.write_parquet(folder / "labels.parquet")
    write_record(folder / "leaderboard.json", board.record)
    if board.words is not None:
        board.words.save(folder / "tfidf.npz")


def add_blend(board: Leaderboard, folder: Path) -> bool:
    """Have the int8 folder, a copy, serve the blend, where there is one; whether there is."""
    blend = board.served_blend
    if blend is None or board.words is None:
        return False
    board.words.save(folder / BLENDED)
    about: dict[str, Any] = {"weight": blend.weight, "threshold": blend.threshold}
    if blend.threshold_rule:
        about["threshold_rule"] = msgspec.to_builtins(blend.threshold_rule)
    config = read_json(folder / "config.json")
    config["blend"] = {"file": BLENDED, "served": True} | about
    write_json(folder / "config.json", config)
    return True


def open_leaderboard(folder: Path) -> Leaderboard:
    """The leaderboard that `write` wrote.

    Raises:
        InputError: a file is missing or torn.
    """
    record = read_record(folder / "leaderboard.json", LeaderboardRecord)
    words = folder / "tfidf.npz"
    try:
        rows, labels = (
            pl.read_parquet(folder / f"{name}.parquet") for name in (TABLE.name, LABELS.name)
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{folder} is not whole ({error}): materialise it again") from error
    return Leaderboard(rows, labels, record, TfIdf.load(words) if words.exists() else None)


def served_row(rows: pl.DataFrame) -> dict[str, Any] | None:
    """The row of what is served: the best int8 model, with TF-IDF where that is better."""
    best = best_int8(rows)
    if best is None:
        return None
    found = rows.filter(pl.col("runtime").is_in([INT8, HELPED]), model=best).to_dicts()
    # A row with TF-IDF is there only where validation says that it is better, on rows that did not
    # choose it; in tables of earlier versions, which lack the distance, on those that did.
    helped = [
        row
        for row in found
        if row["runtime"] == HELPED and row.get("threshold_distance") is not None
    ]
    return next(iter(helped), next(row for row in found if row["runtime"] == INT8))


def threshold_note(row: Mapping[str, Any]) -> str:
    """What to know of its threshold, as a sentence behind another; empty where that is nothing."""
    few = rests_on(row.get("threshold_rows"))
    return f" {few}" if few else ""


def best_int8(rows: pl.DataFrame) -> str | None:
    """The base model whose int8 is served: the best micro-F1 on validation, then the smallest.

    Test rows have no say: a model chosen by a score has that score flattered.
    """
    candidates = rows.filter(pl.col("runtime") == INT8)
    order = ["validation_micro_f1", "size_bytes", "model"]
    ranked = candidates.sort(order, descending=[True, False, False], nulls_last=True)
    return ranked["model"][0] if ranked.height else None
