"""Heads trained on topical texts, exported and quantised once a test run: on the real MiniLM and on
a small base model; and tiny networks of each architecture."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from tokenizers.models import WordLevel
from transformers import (
    BertConfig,
    BertModel,
    DebertaConfig,
    DebertaModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

from hf_assets.classifiers.export.quantize import quantize
from hf_assets.classifiers.export.to_onnx import export
from hf_assets.classifiers.training.network import (
    TagNetwork,
    features,
    load_tokenizer,
    new_network,
    quiet,
    save_network,
)
from hf_assets.corpora.corpus import Split
from hf_assets_tests.classifiers.conftest import FILLER, TOPICS, topical
from hf_assets_tests.support.classifiers.artefacts import make_tokenizer

LABELS = tuple(sorted(TOPICS))
_SHAPE: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "intermediate_size": 48,
}
TINY = {
    "bert": lambda: BertModel(BertConfig(**_SHAPE, max_position_embeddings=40)),
    "roberta": lambda: RobertaModel(
        RobertaConfig(**_SHAPE, max_position_embeddings=42, type_vocab_size=1, pad_token_id=1)
    ),
    "deberta": lambda: DebertaModel(
        DebertaConfig(
            **_SHAPE,
            max_position_embeddings=40,
            type_vocab_size=0,
            relative_attention=True,
            position_biased_input=False,
            pos_att_type=["c2p", "p2c"],
        )
    ),
}


@dataclass(frozen=True)
class TrainedModel:
    """The three folders of a base model, and what it was trained and measured on."""

    folder: Path
    texts: list[str]
    validation: Split

    @property
    def classifier(self) -> Path:
        return self.folder / "classifier"

    @property
    def onnx(self) -> Path:
        return self.folder / "onnx"

    @property
    def quantized(self) -> Path:
        return self.folder / "quantized"


def made_once(folder: Path, name: str, encoder: Path) -> TrainedModel:
    """That base model trained, exported and quantised, by whichever process comes first."""
    model, done = folder / name, folder / f"{name}.done"
    validation = split_of(60, seed=2)
    with FileLock(folder / f"{name}.lock"):
        if not done.exists():
            _make(model, validation, encoder)
            done.touch()
    return TrainedModel(model, validation.texts, validation)


def _make(folder: Path, validation: Split, encoder: Path) -> None:
    for step in ("classifier", "onnx", "quantized"):
        (folder / step).mkdir(parents=True)
    torch.manual_seed(0)
    network, tokenizer = new_network(encoder, LABELS, 32, "eager"), load_tokenizer(encoder)
    train = split_of(120, seed=1)
    states = torch.from_numpy(features(network, tokenizer, train.texts))
    optimizer = torch.optim.Adam(network.head.parameters(), 1e-2)
    for _ in range(150):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            network.head(states), torch.from_numpy(train.targets).float()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    finish(network, tokenizer, folder / "classifier")
    export(folder / "classifier", folder / "onnx", validation.texts[:4])
    quantize(folder / "onnx", folder / "quantized", validation, training_texts=train.texts)


def tiny(kind: str, folder: Path) -> TagNetwork:
    """An untrained classifier of that architecture, in `folder`."""
    torch.manual_seed(0)
    words = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=make_tokenizer(40), **words)
    network = TagNetwork(TINY[kind](), LABELS, 24)
    folder.mkdir(parents=True)
    finish(network, tokenizer, folder)
    return network


def small_base(folder: Path) -> Path:
    """A base model's folder: an untrained BERT that knows the words of topical texts."""
    torch.manual_seed(0)
    known = sorted({word for said in (*TOPICS.values(), FILLER) for word in said.split()})
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *known]
    tokenizer = make_tokenizer(0)
    tokenizer.model = WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]")
    special = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    shape = BertConfig(
        vocab_size=len(words), hidden_size=128, num_hidden_layers=1, num_attention_heads=4,
        intermediate_size=512, max_position_embeddings=64,
    )  # fmt: skip
    with quiet():
        BertModel(shape).save_pretrained(folder)
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return folder


def finish(network: TagNetwork, tokenizer: object, folder: Path) -> None:
    save_network(network, tokenizer, folder)
    rule = {"rule": "by hand", "distance": 0.0, "rows": 40}
    told = {"threshold": 0.25, "threshold_rule": rule, "corpus": "topics"}
    (folder / "training.json").write_text(json.dumps(told), "utf-8")


def split_of(rows: int, seed: int) -> Split:
    drawn = topical(rows, seed)
    targets = np.array([[label in given for label in LABELS] for _, given in drawn], np.uint8)
    return Split([f"row:{i}" for i in range(rows)], [text for text, _ in drawn], targets)


def copied(source: Path, folder: Path, **config: object) -> Path:
    """A copy of a graph's folder with another config.json; None takes a key away."""
    shutil.copytree(source, folder)
    changed = json.loads((folder / "config.json").read_bytes()) | config
    kept = {name: value for name, value in changed.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(kept), "utf-8")
    return folder
