"""A stored network: its tokenizer, and files that are broken or missing."""

import io
import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from hf_assets.classifiers.training.network import (
    NetworkError,
    load_network,
    new_network,
)
from hf_assets_tests.support.classifiers.networks import LABELS


def test_the_stored_tokenizer_cuts_and_keeps_the_closing_token(trained: Path) -> None:
    from tokenizers import Tokenizer

    stored = Tokenizer.from_file(str(trained / "tokenizer.json"))
    tokens = stored.encode("word " * 500).tokens
    assert len(tokens) == 48
    assert (tokens[0], tokens[-1]) == ("[CLS]", "[SEP]")
    assert len(stored.encode("word").tokens) == 3  # and it pads nothing
    config = json.loads((trained / "tokenizer_config.json").read_text("utf-8"))
    assert config["model_max_length"] == 48
    assert json.loads((trained / "labels.json").read_text("utf-8")) == {"labels": list(LABELS)}


def _without_bias(head: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {"weight": head["weight"]}


def _with_more(head: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return head | {"scale": torch.ones(1)}


def _one_label_less(head: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor[1:].clone() for name, tensor in head.items()}


@pytest.mark.parametrize("change", [_without_bias, _with_more, _one_label_less])
def test_a_head_that_does_not_fit_is_refused(trained: Path, tmp_path: Path, change: Any) -> None:
    folder = tmp_path / "classifier"
    shutil.copytree(trained, folder)
    head = load_file(folder / "head.safetensors")
    save_file(change(head), folder / "head.safetensors", {"max_length": "48"})
    with pytest.raises(NetworkError, match="4 labels over 384 features"):
        load_network(folder)


@pytest.mark.parametrize("name", ["encoder", "head.safetensors", "labels.json"])
def test_half_a_classifier_is_refused(trained: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "classifier"
    shutil.copytree(trained, folder)
    (folder / name).rename(tmp_path / "gone")
    with pytest.raises(NetworkError, match=f"has no {name}"):
        load_network(folder)


def test_an_encoder_without_some_weights_is_refused(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "classifier"
    shutil.copytree(trained, folder)
    path = folder / "encoder" / "model.safetensors"
    weights = load_file(path)
    gone = "encoder.layer.3.output.dense.weight"
    save_file({k: v for k, v in weights.items() if k != gone}, path, {"format": "pt"})
    with pytest.raises(NetworkError, match=gone):
        load_network(folder)


def _saved(value: Any) -> bytes:
    out = io.BytesIO()
    torch.save(value, out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("pytorch_model.bin", _saved({"a": Decimal(1)}), "holds other things than weights"),
        ("pytorch_model.bin", b"<html>", "holds other things than weights"),
        ("pytorch_model.bin", b"", "holds no encoder that can be read: EOFError"),
        ("pytorch_model.bin", _saved([1]), "holds no encoder that can be read"),
        ("pytorch_model.bin", _saved({"a": torch.ones(9999)})[:-3000], "holds no encoder"),
        ("pytorch_model.bin", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("model.safetensors", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("model.safetensors", b"", "holds no encoder that can be read"),
        ("model.safetensors", b"x" * 100, "holds no encoder that can be read"),
    ],
)
def test_weights_that_are_refused_are_told_without_a_library_s_advice(
    tiny: dict[str, Path], tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    folder = tmp_path / "base"
    shutil.copytree(tiny["bert"], folder)
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(content)
    with pytest.raises(NetworkError, match=said) as refused:
        new_network(folder, "ab", 16)
    message = str(refused.value)
    assert str(folder) in message
    assert message.isprintable()
    assert "weights_only" not in message
    assert refused.value.__cause__ is None


def test_a_head_that_is_broken_is_refused(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "classifier"
    shutil.copytree(trained, folder)
    (folder / "head.safetensors").write_bytes(b"")
    with pytest.raises(NetworkError, match=r"head.safetensors cannot be read .*train"):
        load_network(folder)


def test_a_folder_that_holds_no_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="no encoder"):
        new_network(tmp_path, "a", 16)
