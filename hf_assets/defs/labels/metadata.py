"""What corpora and classifiers say of themselves in the UI. Not here: anything that is counted."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars.selectors as cs

from hf_assets.defs.common.metadata import gallery, placed, shown

if TYPE_CHECKING:
    from hf_assets.classifiers.evaluation.results import Leaderboard


def table(rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """Rows with the same names, every value short and inert."""
    names = list(rows[0]) if rows else ["none"]
    return dg.MetadataValue.table(
        records=[dg.TableRecord({name: shown(row[name]) for name in names}) for row in rows],
        schema=dg.TableSchema([dg.TableColumn(name, "string") for name in names]),
    )


def pictures(folder: Path, *names: str) -> dg.MarkdownMetadataValue:
    """Stored figures as the UI shows them, each under 50 kB."""
    from PIL import Image

    from hf_assets.charts.saving import gallery_png

    small = {}
    for name in names:
        with Image.open(io.BytesIO((folder / f"{name}.png").read_bytes())) as image:
            small[name] = gallery_png(image.convert("RGB").reduce(2))
    return gallery(small)


def corpus_facts(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Rows, labels, what was left out and why, lengths, the commonest labels, their figure."""
    length = facts["length"]
    return {
        "dagster/row_count": facts["rows"],
        "labels": facts["labels"],
        "labels a row": facts["labels a row"],
        **{f"rows: {side}": count for side, count in facts["splits"].items()},
        **{f"lost: {shown(reason)}": count for reason, count in facts["lost"].items()},
        "length in characters": dg.MetadataValue.json(length["characters"]),
        "length in words": dg.MetadataValue.json(length["words"]),
        "commonest labels": table(facts["commonest"]),
        "licences": dg.MetadataValue.json(dict(facts["licences"])),
        "label frequencies": pictures(folder, "label_frequencies"),
        "formats of the texts": dg.MetadataValue.json(dict(facts["formats"])),
        "sources": dg.MetadataValue.json(facts["sources"]),
        **placed(folder),
    }


def baseline_facts(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The floors and TF-IDF, on validation."""
    constant, words = facts["constant"], facts["tfidf"]
    return {
        f"micro-F1 of {constant['k']} constant labels": constant["validation"]["micro_f1"],
        "micro-F1 of TF-IDF": words["validation"]["micro_f1"],
        "macro-F1 of TF-IDF": words["validation"]["macro_f1"],
        "threshold": words["threshold"],
        "terms": words["terms"],
        "seconds": words["seconds"],
        **placed(folder),
    }


def classifier_facts(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Scores on validation, time, pace, and the curves."""
    return {
        "micro-F1": facts["validation"]["micro_f1"],
        "macro-F1": facts["validation"]["macro_f1"],
        "threshold": facts["threshold"],
        **{name: facts[name] for name in ("strategy", "epochs", "best_epoch", "seconds")},
        "samples/s": facts["samples_per_second"],
        "device": f"{facts['device']} {facts['dtype']}, {facts['threads']} threads",
        "machine": _machine(facts),
        "recipe": dg.MetadataValue.json(facts["recipe"]),
        "rows": dg.MetadataValue.json(facts["rows"]),
        "versions": dg.MetadataValue.json(facts["versions"]),
        "curves": pictures(folder, "curves"),
        **placed(folder),
    }


def _machine(facts: Mapping[str, Any]) -> str:
    """The processor a result was computed on, and those instructions of it that decide its bits."""
    return f"{facts['machine']}; {' '.join(facts['instructions'])}"


def onnx_facts(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """How near the graph is to torch."""
    return {
        "greatest difference of a logit": facts["max_difference"],
        "texts compared": facts["texts"],
        "opset": facts["opset"],
        "inputs": ", ".join(facts["inputs"]),
        "seconds": facts["seconds"],
        **placed(folder),
    }


def quantized_facts(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What was chosen, and everything it was chosen from."""
    names = ("name", "bytes", "size", "micro_f1", "macro_f1", "loss", "ms", "passed")
    tried = [facts["fp32"], *facts["candidates"]]
    return {
        "chosen": facts["chosen"],
        "micro-F1 lost on validation": facts["loss"],
        "share of float32's bytes": facts["size"],
        "ms a text": facts["ms"],
        "threshold": facts["threshold"],
        "candidates": table([{name: one.get(name) for name in names} for one in tried]),
        "rule": facts["rule"],
        "machine": _machine(facts),
        **placed(folder),
    }


def leaderboard_facts(folder: Path, board: "Leaderboard") -> dict[str, Any]:
    """The table and its figures."""
    from hf_assets.classifiers.evaluation.render import FIGURES

    rounded = board.rows.with_columns(cs.float().round(4))
    drawn = [name for name in FIGURES if (folder / f"{name}.png").exists()]
    return {
        "dagster/row_count": board.rows.height,
        "best int8": board.facts["best"] or "none yet",
        "leaderboard": table(rounded.to_dicts()),
        **{name.replace("_", " "): pictures(folder, name) for name in drawn},
        "facts": dg.MetadataValue.json(board.facts),
        **placed(folder),
    }


def space_facts(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What lies ready to be published, and its cards."""
    names = ("base_model", "micro_f1", "macro_f1", "threshold", "license", "labels", "attributed")
    return {
        **{name.replace("_", " "): facts[name] for name in names},
        "bytes of the graph": facts["model_bytes"],
        "with words": facts["words"],
        "model card": dg.MetadataValue.md((folder / "model" / "README.md").read_text("utf-8")),
        "Space card": dg.MetadataValue.md((folder / "README.md").read_text("utf-8")),
        **placed(folder),
    }
