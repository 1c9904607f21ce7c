"""The cards of a published model: text and front matter.

Text from outside gets into a card as plain text only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from string import Template
from typing import Any

from huggingface_hub import EvalResult, ModelCardData, SpaceCardData
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from hf_assets.classifiers.evaluation.results import (
    CONSTANT,
    NOTHING,
    TFIDF,
    Blend,
    Leaderboard,
    threshold_note,
)
from hf_assets.classifiers.publishing import int8_words, notices
from hf_assets.classifiers.training.base_models import BASE_MODELS
from hf_assets.classifiers.training.record import TrainingRecord
from hf_assets.corpora.corpus import Corpus
from hf_assets.markdown import inert, table

_TEMPLATES = Path(__file__).parent / "template"
_GRADIO = "6.31.0"  # where none is installed: what the page was written for
_SHOWN_LABELS = 20
_SHARES = (
    "micro_f1", "micro_f1_low", "micro_f1_high", "macro_f1", "micro_precision", "micro_recall",
    "mean_average_precision", "subset_accuracy", "hamming_accuracy",
)  # fmt: skip
_TRAINED_WITH = ("torch", "transformers", "tokenizers")
_NONE = "\N{EN DASH}"


@dataclass(frozen=True)
class Published:
    """A model to publish.

    Attributes:
        corpus: that it was trained on.
        board: holds its scores; `row`: that of what is served; `graph`: that of the graph alone.
        training: its training.json.
        size: bytes of its graph.
        max_length: tokens it reads.
        licence: the Hub's name for that of the texts.
        attributed: texts with a row of attribution.
        repo: its future id on the Hub, or None.
        remark: a sentence on top, or empty.
        blend: what answers, where TF-IDF answers with the network.
        languages: of the texts; datasets: on the Hub, that they are from.
        quantization: what config.json says of it; empty in folders of earlier versions.
    """

    corpus: Corpus
    board: Leaderboard
    row: dict[str, Any]
    graph: dict[str, Any]
    training: TrainingRecord
    size: int
    max_length: int
    licence: str
    attributed: int
    repo: str | None
    remark: str
    blend: Blend | None
    languages: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    quantization: Mapping[str, Any] = field(default_factory=dict)


def model_card(model: Published) -> str:
    """README.md of the model's repository."""
    return _card("model_card.md", _model_data(model), _said(model))


def space_card(model: Published) -> str:
    """README.md of the Space."""
    return _card("space_card.md", _space_data(model), _said(model))


def _card(name: str, data: ModelCardData | SpaceCardData, values: dict[str, str]) -> str:
    # In one pass: a dollar sign in a value stays one.
    text = Template((_TEMPLATES / name).read_text("utf-8")).substitute(values)
    return f"---\n{data.to_yaml()}\n---\n\n{text}"


# --- front matter --------------------------------------------------------------------------------


def _model_data(model: Published) -> ModelCardData:
    row, name = model.row, _slug(model.corpus.name)
    scores = {
        "Micro-F1": ("f1", row["micro_f1"]),
        "Macro-F1": ("f1", row["macro_f1"]),
        "Mean average precision": ("mean_average_precision", row["mean_average_precision"]),
    }
    results = [
        EvalResult(
            task_type="text-classification", task_name="Multi-label text classification",
            dataset_type=name, dataset_name=name, dataset_split="test",
            metric_type=kind, metric_name=metric, metric_value=round(value, 4),
        )
        for metric, (kind, value) in scores.items()
    ]  # fmt: skip
    return ModelCardData(
        model_name=f"{name}-{_slug(row['model'])}-int8",
        **_base_data(_base_id(model)),
        language=list(model.languages) or None,
        datasets=list(model.datasets) or None,
        library_name="transformers.js",
        pipeline_tag="text-classification",
        metrics=["f1"],
        tags=["multi-label-classification", "onnx", "int8", name],
        eval_results=results,
        **_licence_data(model.licence),
    )


def _space_data(model: Published) -> SpaceCardData:
    try:
        gradio = version("gradio")
    except PackageNotFoundError:
        gradio = _GRADIO
    return SpaceCardData(
        title=f"Labels for {_slug(model.corpus.name)}"[:60],
        emoji="🏷️",
        colorFrom="blue",
        colorTo="indigo",
        sdk="gradio",
        sdk_version=gradio,
        python_version="3.11",
        app_file="app.py",
        pinned=False,
        short_description="Gives a text the labels that fit it",
        models=[model.repo] if model.repo else None,
        **_licence_data(model.licence),
    )


def _base_id(model: Published) -> str:
    """The base model's id on the Hub; empty for a folder of a machine."""
    named = model.training.base_model_id
    if isinstance(named, str):
        return named
    # Of a training by an earlier version.
    base = BASE_MODELS.get(model.row["model"])
    return base.repo if base else ""


def _base_data(repo: str) -> dict[str, Any]:
    """The base model, where it is one of the Hub's, and that ours was trained from it."""
    if not _is_on_the_hub(repo):
        return {}
    return {"base_model": repo, "base_model_relation": "finetune"}


def _is_on_the_hub(repo: str) -> bool:
    try:
        validate_repo_id(repo)
    except HFValidationError:
        return False
    return True


def _licence_data(licence: str) -> dict[str, Any]:
    if licence != "other":
        return {"license": licence}
    return {"license": "other", "license_name": "see-notice", "license_link": "LICENSE"}


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "corpus"


def _said(model: Published) -> dict[str, str]:
    corpus, board, row = model.corpus, model.board, model.row
    base, training = _base_id(model), model.training
    sides = dict(corpus.frame.group_by("split").len().iter_rows())
    low, high = row["micro_f1_low"], row["micro_f1_high"]
    return {
        "title": f"Labels for {inert(corpus.name)}",
        "remark": f"**{inert(model.remark, 300)}**\n" if model.remark else "",
        "labels": f"{len(corpus.labels):,}",
        "base_model": f"[{base}](https://huggingface.co/{base})"
        if base else inert(row["model"]),
        "revision": (f", revision {inert(training.revision)}" if training.revision else "")
        + (", pooled by its first token" if training.pooling == "cls" else ""),
        "strategy": training.part,
        "megabytes": f"{model.size / 1e6:.1f}",
        "threshold": f"{row['threshold']:.6g}",
        "graph_threshold": f"{model.graph['threshold']:.6g}",
        "graph_alone": _graph_alone(model),
        "rule": _rule(row, model.blend),
        "resting": threshold_note(row),
        "lost": int8_words.lost(model.graph, sides.get("validation", 0)),
        "sameness": int8_words.sameness(model.quantization),
        "elsewhere": int8_words.elsewhere(model.quantization),
        "leaderboard": _leaderboard(board, row),
        "micro_f1": f"{_percent(row['micro_f1'])} ({_percent(low)} to {_percent(high)})",
        "constant": _percent(_of(board, CONSTANT, "micro_f1")),
        "tfidf": _percent(_of(board, TFIDF, "micro_f1")),
        "nothing": _percent(_of(board, NOTHING, "hamming_accuracy")),
        "machine": inert(board.record.machine),
        "instructions": inert(" ".join(board.record.instructions or ["(not recorded)"])),
        "trained_on": _trained_on(model.training),
        "day": inert(board.record.day),
        "label_table": _labels(board),
        "words": _words(model),
        "repo": model.repo or "<you>/<model>",
        "corpus": inert(corpus.name),
        "rows": f"{corpus.frame.height:,}",
        "train_rows": f"{sides.get('train', 0):,}",
        "validation_rows": f"{sides.get('validation', 0):,}",
        "test_rows": f"{sides.get('test', 0):,}",
        "left_out": _left_out(corpus),
        "licences": table(
            ["Licence", "Rows"],
            [[inert(name), f"{rows:,}"] for name, rows in notices.licences(corpus).items()],
        ),
        "attribution": f", and `{notices.ATTRIBUTION}`, with link, author and licence of "
        f"{model.attributed:,} texts" if model.attributed else "",
        "max_length": str(model.max_length),
        "unlabelled": f"{_percent(row['rows_unlabelled'])} %",
    }  # fmt: skip


def _left_out(corpus: Corpus) -> str:
    """What the published splits lack: a score on all of them is another number."""
    missing = corpus.facts.left_out_of_published
    return f" {inert(missing, 600)}" if missing else ""


def _trained_on(training: TrainingRecord) -> str:
    """The machine of the training, as a point of the list; empty where the record has none."""
    if not training.machine:
        return ""
    processor = training.gpu or training.machine
    setup = f"{processor}, {training.dtype}, {training.threads} threads"
    named = ((name, training.versions.get(name)) for name in _TRAINED_WITH)
    versions = ", ".join(f"{name} {number}" for name, number in named if number)
    return (
        f"- **Trained** on: {inert(setup)}; with {inert(versions)}. Another kind of processor "
        "gives other weights; so does another number of threads where the encoder was trained "
        "too.\n"
    )


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{100 * share:.1f}"


def _of(board: Leaderboard, model: str, column: str) -> float | None:
    found = board.rows.filter(model=model)[column]
    return found[0] if len(found) else None


def _leaderboard(board: Leaderboard, served: dict[str, Any]) -> str:
    header = [
        "Model", "Runtime", "Micro-F1 (interval)", "Macro-F1", "Precision, recall", "mAP",
        "All labels right", "Hamming accuracy", "MB", "ms a text (p50, p95)", "Texts/s",
    ]  # fmt: skip
    rows = []
    for row in board.rows.to_dicts():
        best = (row["model"], row["runtime"]) == (served["model"], served["runtime"])
        name, answers = inert(row["model"]), row["ms_p50"] is not None
        share = {column: _percent(row[column]) for column in _SHARES}
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


def _labels(board: Leaderboard) -> str:
    shown = board.labels.sort(["training_rows", "label"], descending=[True, False]).head(
        _SHOWN_LABELS
    )
    return table(
        ["Label", "Training rows", "F1"],
        [[inert(label), f"{rows:,}", _percent(f1)]
         for label, rows, f1 in shown.select("label", "training_rows", "f1").iter_rows()],
    )  # fmt: skip


def _words(model: Published) -> str:
    if model.blend is None or model.board.words is None:
        return ""
    return (
        f"The words of a text are counted in: {model.blend.weight:.3g} times the scores of a "
        f"TF-IDF model (`tfidf.npz`, {model.board.words.size / 1e6:.1f} MB) are added to the "
        "network's logits, since that is better on validation. `Tagger` does so; "
        '`Tagger.load(".", words=False)` has the network answer alone, at its own threshold.\n'
    )


def _graph_alone(model: Published) -> str:
    """What the programs reach that run the graph alone."""
    if model.blend is None:
        return ""
    graph = model.graph
    return (
        "The programs below run the network alone, **without the words**, as "
        '`Tagger.load(".", words=False)` does. So they reach '
        f"{_percent(graph['micro_f1'])} micro-F1 and {_percent(graph['macro_f1'])} macro-F1 on "
        f"test, at the threshold {graph['threshold']:.6g}.\n"
    )


def _rule(row: dict[str, Any], blend: Blend | None = None) -> str:
    if blend and (rule := blend.threshold_rule):
        return f"{rule.rule}; the distance is {100 * rule.distance:.1f} points"
    distance = row.get("threshold_distance")
    if distance is None:
        return "the one with the best micro-F1"
    return (
        f"of those within {100 * distance:.1f} points of the best micro-F1 the one with the best "
        "macro-F1 (the distance by resampled halves)"
    )
