"""The tables of cards: every model's scores, and those of labels."""

from typing import Any

from hf_assets.classifiers.evaluation.results import Leaderboard
from hf_assets.markdown import inert, table

_SHOWN_LABELS = 20
_SHARES = (
    "micro_f1", "micro_f1_low", "micro_f1_high", "macro_f1", "micro_precision", "micro_recall",
    "mean_average_precision", "subset_accuracy", "hamming_accuracy",
)  # fmt: skip
_NONE = "\N{EN DASH}"


def percent(share: float | None) -> str:
    """A share in percent, with a digit after the point; a dash where there is none."""
    return _NONE if share is None else f"{100 * share:.1f}"


def of_model(board: Leaderboard, model: str, column: str) -> float | None:
    """A score of a model's first row; None where it has no row."""
    found = board.rows.filter(model=model)[column]
    return found[0] if len(found) else None


def leaderboard(board: Leaderboard, served: dict[str, Any]) -> str:
    """A row a model and runtime; that of what is served is bold."""
    header = [
        "Model", "Runtime", "Micro-F1 (interval)", "Macro-F1", "Precision, recall", "mAP",
        "All labels right", "Hamming accuracy", "MB", "ms a text (p50, p95)", "Texts/s",
    ]  # fmt: skip
    rows = []
    for row in board.rows.to_dicts():
        best = (row["model"], row["runtime"]) == (served["model"], served["runtime"])
        name, answers = inert(row["model"]), row["ms_p50"] is not None
        share = {column: percent(row[column]) for column in _SHARES}
        rows.append([
            f"**{name}**" if best else name,
            inert(row["runtime"]),
            f"{share['micro_f1']} ({share['micro_f1_low']} to {share['micro_f1_high']})",
            share["macro_f1"],
            f"{share['micro_precision']}, {share['micro_recall']}",
            share["mean_average_precision"],
            share["subset_accuracy"],
            share["hamming_accuracy"],
            f"{row['size_bytes'] / 1e6:.1f}" if answers else _NONE,
            f"{row['ms_p50']:.1f}, {row['ms_p95']:.1f}" if answers else _NONE,
            f"{row['texts_per_second']:,.0f}" if answers else _NONE,
        ])  # fmt: skip
    return table(header, rows)


def labels(board: Leaderboard) -> str:
    """The labels with the most training rows, and the F1 of each."""
    shown = board.labels.sort(["training_rows", "label"], descending=[True, False]).head(
        _SHOWN_LABELS
    )
    return table(
        ["Label", "Training rows", "F1"],
        [[inert(label), f"{rows:,}", percent(f1)]
         for label, rows, f1 in shown.select("label", "training_rows", "f1").iter_rows()],
    )  # fmt: skip
