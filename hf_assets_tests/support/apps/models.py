"""A lake with models one can reason about: a text gets the labels whose words it holds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from hf_assets.corpora.schemas import CORPUS_COLUMNS

IMAGE = "<img src=x onerror=alert(1)>"
# The word that calls for a label, and the label; the last three are what nobody should name so.
WORDS = {
    "forest": "random-forest",
    "prior": "bayesian",
    "image": IMAGE,
    "template": "${7*7} {{value}} </script>",
    "long": "l" * 300,
}
SPECIAL = ["[UNK]", "[CLS]", "[SEP]"]
THRESHOLD = 0.2731
# Logits of a label whose word is there, whose word is there but weak, and of the others.
SURE, UNSURE, NO = 3.0, -1.5, -6.0


def write_model(folder: Path, words: Mapping[str, str] = WORDS, sure: float = SURE) -> None:
    """A model folder in the Hub's layout. "maybe" makes the first label unsure."""
    (folder / "onnx").mkdir(parents=True)
    labels, vocabulary = list(words.values()), [*SPECIAL, "maybe", *words]
    table = np.full((len(vocabulary), len(labels)), NO, np.float32)
    table[vocabulary.index("maybe"), 0] = UNSURE
    for column, word in enumerate(words):
        table[vocabulary.index(word), column] = sure
    # logits [1, labels]: the best that any token gives each label.
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["found"], axis=0),
            helper.make_node("Unsqueeze", ["attention_mask", "last"], ["mask"]),
            helper.make_node("Cast", ["mask"], ["weights"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["found", "weights"], ["masked"]),
            helper.make_node("ReduceMax", ["masked", "tokens"], ["logits"], keepdims=0),
        ],
        "words",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(labels)])],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array([2], np.int64), "last"),
            numpy_helper.from_array(np.array([1], np.int64), "tokens"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, folder / "onnx" / "model_quantized.onnx")

    tokenizer = Tokenizer(WordLevel({w: i for i, w in enumerate(vocabulary)}, "[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    specials = [("[CLS]", 1), ("[SEP]", 2)]
    tokenizer.post_processor = TemplateProcessing("[CLS] $A [SEP]", special_tokens=specials)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "architectures": ["BertForSequenceClassification"],
        "problem_type": "multi_label_classification",
        "id2label": {str(i): label for i, label in enumerate(labels)},
        "label2id": {label: i for i, label in enumerate(labels)},
        "threshold": THRESHOLD,
        "max_length": 64,
        "pooling": "mean",
    }
    (folder / "config.json").write_text(json.dumps(config))


def write_corpus(folder: Path, rows: list[dict[str, Any]], facts: dict[str, Any]) -> None:
    """A corpus folder with those rows; columns they do not name are null."""
    folder.mkdir(parents=True)
    schema = {name: column.dtype for name, column in CORPUS_COLUMNS.items()}
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(folder / "corpus.parquet")
    labels = sorted({label for row in rows for label in row["labels"]})
    (folder / "labels.json").write_text(json.dumps({"labels": labels}))
    said = {"name": folder.name, "rows": len(rows), "labels": len(labels)} | facts
    (folder / "facts.json").write_text(json.dumps(said))
