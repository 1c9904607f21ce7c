"""Metadata of corpora and classifiers in the UI: the one place where fields become labels."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import msgspec
import polars.selectors as cs

from hf_assets.defs.common.metadata import gallery, shown, stored_folder, table
from hf_assets.object_store.path import LakePath
from hf_assets.rule_result import RuleResult
from hf_assets.storage.folders import local_folder

if TYPE_CHECKING:
    from hf_assets.classifiers.evaluation.results import BaselineRecord, Leaderboard
    from hf_assets.classifiers.prediction.predictor import Predictor, PredictorRecord
    from hf_assets.classifiers.publishing.space import PublishedFolder
    from hf_assets.classifiers.records import (
        ExportRecord,
        GraphMeasurement,
        QuantizationRecord,
        ThresholdRule,
    )
    from hf_assets.classifiers.training.record import TrainingRecord
    from hf_assets.corpora.facts import CorpusFacts
    from hf_assets.corpora.growth import Age

# Of fields that the rules of a classifier give.
LABELS = {
    "max_difference": "largest difference of a logit",
    "allowed": "allowed difference",
    "texts": "texts compared",
    "max_loss": "micro-F1 that may be lost",
    "loss": "micro-F1 lost on validation",
    "loss_low": "micro-F1 lost, lower end of 95 %",
    "loss_high": "micro-F1 lost, upper end of 95 %",
    "macro_loss": "macro-F1 lost on validation",
    "macro_loss_low": "macro-F1 lost, lower end of 95 %",
    "macro_loss_high": "macro-F1 lost, upper end of 95 %",
    "max_macro_loss": "macro-F1 that may be lost",
    "bytes": "file size in bytes",
    "fp32_bytes": "file size of float32 in bytes",
    "size": "share of float32's file size",
    "largest": "largest allowed share",
    "labels_of_corpus": "labels of the corpus",
    "seconds_to_load": "seconds to load",
    "imported": "forbidden imports",
}


def labelled(result: RuleResult) -> RuleResult:
    """The result with its metadata under the labels of the UI, floats with four digits."""
    metadata = {
        LABELS.get(name, name): float(f"{value:.4g}") if isinstance(value, float) else value
        for name, value in result.metadata.items()
    }
    return RuleResult(result.passed, result.description, metadata, severity=result.severity)


def pictures(folder: Path, *names: str) -> dg.MarkdownMetadataValue:
    """Stored figures as the UI shows them, each under 50 kB."""
    from PIL import Image

    from hf_assets.charts.saving import gallery_png

    small = {}
    for name in names:
        with Image.open(io.BytesIO((folder / f"{name}.png").read_bytes())) as image:
            small[name] = gallery_png(image.convert("RGB").reduce(2))
    return gallery(small)


def corpus(folder: LakePath, facts: "CorpusFacts") -> dict[str, Any]:
    """Rows, labels, rows left out by reason, lengths, the commonest labels, their figure."""
    return {
        "dagster/row_count": facts.rows,
        "labels": facts.labels,
        "labels per row": facts.labels_per_row,
        **{f"rows: {split}": count for split, count in facts.splits.items()},
        **{f"left out: {shown(reason)}": count for reason, count in facts.lost.items()},
        "length in characters": dg.MetadataValue.json(facts.length.characters),
        "length in words": dg.MetadataValue.json(facts.length.words),
        **_tokens(facts),
        **left_out_of_published(facts),
        "commonest labels": table(
            [
                {"label": each.label, "rows": each.rows, "training rows": each.train}
                for each in facts.commonest
            ]
        ),
        "licences": dg.MetadataValue.json(facts.licences),
        "label frequencies": pictures(local_folder(folder), "label_frequencies"),
        "formats of the texts": dg.MetadataValue.json(facts.formats),
        "sources": dg.MetadataValue.json(facts.sources),
        **stored_folder(folder),
    }


def _tokens(facts: "CorpusFacts") -> dict[str, Any]:
    """The shares of texts that are longer than what models read, and who counted."""
    if facts.tokens is None:
        return {}
    about = "about " if facts.tokens.estimated else ""
    return {
        f"texts of more than {limit} tokens": f"{about}{share:.1%}"
        for limit, share in facts.tokens.beyond.items()
    } | {"tokens counted by": facts.tokens.by}


def left_out_of_published(facts: "CorpusFacts") -> dict[str, Any]:
    """What published splits lack here; nothing where they lack nothing."""
    missing = facts.left_out_of_published
    return {"left out of published splits": missing} if missing else {}


def age(found: "Age") -> dict[str, Any]:
    """Rows and labels that a corpus or a model has not seen, when it was built."""
    return {
        "unseen rows": found.rows,
        "unseen labels": len(found.labels),
        **({} if found.days is None else {"days since the corpus was built": found.days}),
    }


def baseline(folder: LakePath, record: "BaselineRecord") -> dict[str, Any]:
    """Scores on validation of the constant answer and of TF-IDF."""
    constant, tfidf = record.constant, record.tfidf
    return {
        f"micro-F1 of {constant.k} constant labels": _score(constant.validation["micro_f1"]),
        "micro-F1 of TF-IDF": _score(tfidf.validation["micro_f1"]),
        "macro-F1 of TF-IDF": _score(tfidf.validation["macro_f1"]),
        "threshold": _score(tfidf.threshold),
        **_rule(tfidf.threshold_rule),
        "terms": tfidf.terms,
        "seconds": round(tfidf.seconds, 1),
        **stored_folder(folder),
    }


def classifier(folder: LakePath, record: "TrainingRecord") -> dict[str, Any]:
    """Scores on validation, time, speed, and the curves."""
    scores, recipe = record.validation, record.recipe
    return {
        "micro-F1": _score(scores.micro_f1 if scores else None),
        "macro-F1": _score(scores.macro_f1 if scores else None),
        "threshold": _score(record.threshold),
        **_rule(record.threshold_rule),
        "strategy": record.strategy,
        **_few_rows(record),
        "epochs": record.epochs,
        "best epoch": record.best_epoch,
        "seconds": round(record.seconds, 1),
        "samples per second": round(record.samples_per_second, 1),
        "device": f"{record.device} {record.dtype}, {record.threads} threads",
        "machine": _machine(record),
        **({"training config": dg.MetadataValue.json(_set(recipe))} if recipe else {}),
        "rows": dg.MetadataValue.json(msgspec.structs.asdict(record.rows)),
        "versions": dg.MetadataValue.json(record.versions),
        "curves": pictures(local_folder(folder), "curves"),
        **stored_folder(folder),
    }


def _few_rows(record: "TrainingRecord") -> dict[str, Any]:
    """Of a corpus of few rows: the way that was chosen, and the figures of each."""
    if not (found := record.few_rows):
        return {}
    ways = [
        {
            "way": each.name,
            "micro-F1": None if each.left_out else _score(each.micro_f1),
            "macro-F1": None if each.left_out else _score(each.macro_f1),
            "left out because": each.left_out,
        }
        for each in found.candidates
    ]
    return {
        "way of few rows": found.chosen,
        "chosen because": found.why,
        "ways of few rows, cross-validated": table(ways),
    }


def _set(settings: msgspec.Struct) -> dict[str, Any]:
    """The fields that are set, under their present names."""
    fields = msgspec.structs.asdict(settings)
    return {name: value for name, value in fields.items() if value is not msgspec.UNSET}


def onnx(folder: LakePath, record: "ExportRecord") -> dict[str, Any]:
    """How near the graph's answers are to torch's."""
    return {
        "largest difference of a logit": record.max_difference,
        "texts compared": record.texts,
        "opset": record.opset,
        "inputs": ", ".join(record.inputs),
        "seconds": round(record.seconds, 1),
        **stored_folder(folder),
    }


def quantized(folder: LakePath, record: "QuantizationRecord") -> dict[str, Any]:
    """The chosen graph, and every candidate."""
    found = record.measured
    return {
        "chosen": record.chosen,
        "micro-F1 lost on validation": _score(record.loss),
        **({"macro-F1 lost on validation": _score(found.macro_loss)} if found else {}),
        "share of float32's file size": _score(record.size),
        **_sameness(record),
        "ms per text": _rounded(record.ms, 2),
        "threshold": _score(record.threshold),
        **_rule(record.threshold_rule),
        "candidates": table([_candidate(each) for each in (record.fp32, *record.candidates)]),
        "rule": record.rule,
        "machine": _machine(record),
        **stored_folder(folder),
    }


def _sameness(record: "QuantizationRecord") -> dict[str, Any]:
    found, reasons = record.measured, record.passed_over
    if found is None or found.sameness is None:
        return {}
    return {
        **({"why its answers depend on the batch": "; ".join(reasons)} if reasons else {}),
        "largest difference of a score in a batch": float(found.sameness.batches),
        "largest difference of a score with two threads": float(found.sameness.threads),
        "largest difference of a score at other optimisation levels": float(found.sameness.levels),
    }


def leaderboard(folder: LakePath, board: "Leaderboard", facts: "CorpusFacts") -> dict[str, Any]:
    """The results table and its figures, and which rows of a published split it leaves out."""
    from hf_assets.classifiers.evaluation.render import FIGURES

    rounded, here = board.rows.with_columns(cs.float().round(4)), local_folder(folder)
    drawn = [name for name in FIGURES if (here / f"{name}.png").exists()]
    return {
        "dagster/row_count": board.rows.height,
        "best int8": board.record.best or "none yet",
        **left_out_of_published(facts),
        "leaderboard": table([_words(row) for row in rounded.to_dicts()]),
        **{name.replace("_", " "): pictures(here, name) for name in drawn},
        "measurement": dg.MetadataValue.json(_words(msgspec.to_builtins(board.record))),
        **stored_folder(folder),
    }


def predictor(folder: LakePath, record: "PredictorRecord") -> dict[str, Any]:
    """The chosen model, its threshold, and its precision on validation and test."""
    return {
        "model": record.model,
        "chosen because": record.why,
        "micro-F1 on validation": dg.MetadataValue.json(record.candidates),
        "labels": len(record.labels),
        "calibration": "temperature scaling on validation: softmax of the scores x "
        f"{record.factor:.3g}",
        **_precision(record),
        **stored_folder(folder),
    }


def precision(predictor: "Predictor | None") -> dict[str, Any]:
    """What a day's predictions promise; nothing where nothing is predicted."""
    return _precision(predictor.record) if predictor else {}


def _precision(record: "PredictorRecord") -> dict[str, Any]:
    from hf_assets.classifiers.prediction.predictor import described

    return {
        "classifier version": record.version,
        "predicted from probability": _score(record.threshold),
        "precision on validation": described(record.validation),
        "precision on test": described(record.test),
        "precision, test": _score(record.test.precision),
        "coverage, test": _score(record.test.coverage),
        "accuracy of all, test": _score(record.test.accuracy),
    }


def space(folder: LakePath, published: "PublishedFolder") -> dict[str, Any]:
    """The model ready to publish, and its cards."""
    here = local_folder(folder)
    return {
        "base model": published.base_model,
        "micro-F1": _score(published.micro_f1),
        "macro-F1": _score(published.macro_f1),
        "threshold": _score(published.threshold),
        "licence": published.licence,
        "labels": published.labels,
        "attributed texts": published.attributed,
        "size of the graph (bytes)": published.model_bytes,
        "with TF-IDF": published.words,
        "model card": dg.MetadataValue.md((here / "model" / "README.md").read_text("utf-8")),
        "Space card": dg.MetadataValue.md((here / "README.md").read_text("utf-8")),
        **stored_folder(folder),
    }


def _candidate(graph: "GraphMeasurement") -> dict[str, Any]:
    measured = not graph.rejected
    return {
        "name": graph.name,
        "MB": round(graph.bytes / 1e6, 1),
        "share of float32": _score(graph.size),
        "micro-F1": _score(graph.micro_f1) if measured else None,
        "macro-F1": _score(graph.macro_f1) if measured else None,
        "micro-F1 lost": _lost(graph.loss, graph.loss_low, graph.loss_high) if measured else None,
        "macro-F1 lost": _lost(graph.macro_loss, graph.macro_loss_low, graph.macro_loss_high),
        "ms per text": _rounded(graph.ms, 2) if measured else None,
        "passed": graph.passed,
    }


def _lost(value: float | None, low: float | None, high: float | None) -> str | None:
    if value is None:
        return None
    interval = "" if low is None or high is None else f" ({low:.4f} to {high:.4f})"
    return f"{value:.4f}{interval}"


def _rule(rule: "ThresholdRule | msgspec.UnsetType") -> dict[str, Any]:
    """How a threshold was chosen; nothing where an earlier version did not record it."""
    if isinstance(rule, msgspec.UnsetType):
        return {}
    return {"threshold chosen": rule.rule, "distance from the best micro-F1": rule.distance}


def _machine(record: "TrainingRecord | QuantizationRecord") -> str:
    """The processor of a result, and those of its instructions that decide the result's bits."""
    return f"{record.machine}; {' '.join(record.instructions)}"


def _words(row: Mapping[str, Any]) -> dict[str, Any]:
    """Column names as words."""
    return {name.replace("_", " "): value for name, value in row.items()}


def _score(share: float | None) -> float | None:
    """A share with as many digits as a test of some thousand rows supports."""
    return _rounded(share, 4)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
