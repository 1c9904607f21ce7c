"""config.json and the tokenizer's files, which transformers.js, Optimum and the tagger read."""

import shutil
from pathlib import Path

import msgspec
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES as ARCHITECTURES,
)

from hf_assets.classifiers.records import ThresholdRule
from hf_assets.storage.json_files import read_json, write_json

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
MODEL, QUANTIZED = "onnx/model.onnx", "onnx/model_quantized.onnx"


def write_hub_files(
    source: Path,
    folder: Path,
    *,
    labels: tuple[str, ...],
    threshold: float,
    rule: ThresholdRule | None,
    max_length: int,
    corpus: str,
    pooling: str = "mean",
) -> None:
    """Write config.json and the tokenizer's files of the classifier in `source` into `folder`.

    Args:
        source: holds encoder/config.json, and the tokenizer's files.
        folder: exists already.
        labels: in the order of the logits.
        threshold: chosen on validation; rule: how, or None where the training does not say.
        max_length: tokens a text is cut to.
        corpus: name of the corpus the classifier was trained on.
        pooling: of token states, to features: mean or cls.
    """
    config = read_json(source / "encoder" / "config.json")
    # Private keys hold paths of the machine that trained.
    kept = {name: value for name, value in config.items() if not name.startswith("_")}
    hub_config = {
        **kept,
        "architectures": [ARCHITECTURES[config["model_type"]]],
        "problem_type": "multi_label_classification",
        "id2label": {str(column): label for column, label in enumerate(labels)},
        "label2id": {label: column for column, label in enumerate(labels)},
        "threshold": threshold,
        **({"threshold_rule": msgspec.to_builtins(rule)} if rule else {}),
        "max_length": max_length,
        "pooling": pooling,
        "corpus": corpus,
    }
    write_json(folder / "config.json", hub_config)
    _copy_tokenizer(source, folder)


def reuse_hub_files(source: Path, folder: Path) -> None:
    """Copy them from the folder of another graph of the same classifier, its threshold too."""
    write_json(folder / "config.json", read_json(source / "config.json"))
    _copy_tokenizer(source, folder)


def _copy_tokenizer(source: Path, folder: Path) -> None:
    for name in TOKENIZER_FILES:
        if (source / name).exists() or name == "tokenizer.json":
            shutil.copyfile(source / name, folder / name)
