"""Small artefacts as the graph leaves them: a corpus whose words give its labels away, graphs of a
bag of words, and the folders around them."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import polars as pl
import torch
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from hf_assets.classifiers.provenance import (
    classifier_fingerprint,
    corpus_fingerprint,
    file_fingerprint,
)
from hf_assets.classifiers.training.network import TagNetwork, save_network
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.corpora.schemas import CORPUS_COLUMNS

HOSTILE = (
    "../x", "a, b", 'say "hi"', "`code` | pipe", "<script>alert(1)</script>", "{{ x }} {% y %}",
    "😀 emoji", "L" * 300, "key: value # no", "- item", "---", "[a](javascript:alert(1))", "null",
    "$x^2$", "'single'", "back\\slash", "&amp;",
)  # fmt: skip
PLAIN = ("actuator", "battery", "camera", "drone", "encoder", "filter")
_FILLING = ("how", "does", "one", "make", "this", "work", "with", "some", "other", "thing")


def make_corpus(
    folder: Path, labels: Sequence[str] = PLAIN, rows: int = 400, seed: int = 0, name: str = "toys"
) -> Corpus:
    """Texts in which label j shows as the word `word<j>`, in four of five cases."""
    rng = np.random.default_rng(seed)
    labels = sorted(labels)
    share = 1 / np.arange(1, len(labels) + 1)
    made = []
    for row in range(rows):
        given = sorted(
            rng.choice(len(labels), min(1 + row % 3, len(labels)), False, share / share.sum())
        )
        said = [f"word{j}" for j in given if rng.random() < 0.8] + list(rng.choice(_FILLING, 5))
        rng.shuffle(said)
        made.append(
            {
                "id": f"toys:{row}",
                "text": " ".join(said),
                "labels": [labels[j] for j in given],
                "split": "test" if row % 4 == 0 else "validation" if row % 4 == 1 else "train",
                "group": f"toys:{row}",
                "link": f"https://toys.example/{row}",
                "author": f"Author {row % 5} <b>",
                "author_link": f"https://toys.example/u/{row % 5}",
                "license": "CC BY-SA 4.0" if row % 3 else "CC BY-SA 3.0",
            }
        )
    folder.mkdir(parents=True, exist_ok=True)
    schema = {column: about.dtype for column, about in CORPUS_COLUMNS.items()}
    pl.DataFrame(made, schema=schema).write_parquet(folder / "corpus.parquet")
    licences = {"CC BY-SA 4.0": rows - -(-rows // 3), "CC BY-SA 3.0": -(-rows // 3)}
    facts = {"name": name, "rows": rows, "labels": len(labels), "licences": licences}
    _write(folder / "labels.json", {"labels": list(labels)})
    _write(folder / "facts.json", facts)
    return open_corpus(folder)


def make_model(
    folder: Path,
    corpus: Corpus,
    strength: float = 6.0,
    validation: float = 0.7,
    known: int | None = None,
) -> Path:
    """A base model's folder: an untrained tiny network, and graphs that know the words, the
    stronger the surer; or only the first so many."""
    make_classifier(folder / "classifier", corpus)
    training = json.loads((folder / "classifier" / "training.json").read_bytes())
    made_from = {"classifier": training["mark"]}
    for runtime, file in (("onnx", "model.onnx"), ("quantized", "model_quantized.onnx")):
        place = folder / runtime
        (place / "onnx").mkdir(parents=True)
        tokenizer = make_tokenizer(len(corpus.labels))
        tokenizer.save(str(place / "tokenizer.json"))
        graph = make_graph(tokenizer, len(corpus.labels), strength, known)
        onnx.save(graph, place / "onnx" / file)
        _write(place / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
        _write(place / "config.json", config(corpus))
    _write(folder / "onnx" / "export.json", {"made_from": made_from})
    mark = file_fingerprint(folder / "quantized" / "onnx" / "model_quantized.onnx")
    told = {"validation_micro_f1": validation, "made_from": made_from, "mark": mark}
    _write(folder / "quantized" / "quantization.json", told)
    return folder


def make_classifier(folder: Path, corpus: Corpus, seed: int = 0) -> TagNetwork:
    """A classifier's folder, as training would leave it."""
    torch.manual_seed(seed)
    tokenizer = make_tokenizer(len(corpus.labels))
    shape = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=16, num_hidden_layers=1,
        num_attention_heads=2, intermediate_size=16,
    )  # fmt: skip
    special = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", **special)
    network = TagNetwork(BertModel(shape), corpus.labels, 64)
    folder.mkdir(parents=True)
    save_network(network, fast, folder)
    training = {
        "strategy": "head", "seconds": 12.5, "threshold": 0.4, "corpus": corpus.name,
        "dtype": "bfloat16", "threads": 3, "machine": "A <b>CPU</b>, 4 cores", "gpu": None,
        "versions": {"torch": "9.8.7"}, "validation": {"micro_f1": 0.1},
        "made_from": {"corpus": corpus_fingerprint(corpus)},
        "mark": classifier_fingerprint(folder, corpus_fingerprint(corpus)),
    }  # fmt: skip
    _write(folder / "training.json", training)
    return network


def config(corpus: Corpus) -> dict[str, object]:
    return {
        "architectures": ["BertForSequenceClassification"],
        "model_type": "bert",
        "problem_type": "multi_label_classification",
        "id2label": {str(i): label for i, label in enumerate(corpus.labels)},
        "label2id": {label: i for i, label in enumerate(corpus.labels)},
        "threshold": 0.5,
        "max_length": 64,
        "pooling": "mean",
        "pad_token_id": 0,
        "corpus": corpus.name,
    }


def make_tokenizer(labels: int) -> Tokenizer:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(f"word{j}" for j in range(labels)), *_FILLING]
    vocabulary = {word: position for position, word in enumerate(words)}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def make_graph(
    tokenizer: Tokenizer, labels: int, strength: float, known: int | None = None
) -> onnx.ModelProto:
    """logits = sum over tokens that are no padding of a table's row, - strength / 2."""
    table = np.zeros((tokenizer.get_vocab_size(), labels), np.float32)
    for j in range(known or labels):
        table[tokenizer.token_to_id(f"word{j}"), j] = strength
    bias = np.full(labels, -strength / 2, np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["states"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
        helper.make_node("Mul", ["states", "wide"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "tokens"], ["sum"], keepdims=0),
        helper.make_node("Add", ["sum", "bias"], ["logits"]),
    ]
    constants = {"table": table, "bias": bias, "last": np.array([2]), "tokens": np.array([1])}
    shape = ["batch", "tokens"]
    graph = helper.make_graph(
        nodes,
        "words",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, shape)
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", labels])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
