"""Tiny encoders, and a stored classifier on MiniLM."""

from pathlib import Path

import pytest
import torch

from hf_assets.classifiers.training.network import (
    load_tokenizer,
    new_network,
    quiet,
    save_network,
)
from hf_assets_tests.support.classifiers.networks import LABELS, TINY


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each architecture, with random weights."""
    made = {}
    torch.manual_seed(0)
    with quiet():
        for name, (model, config) in TINY.items():
            made[name] = tmp_path_factory.mktemp(name)
            model(config).save_pretrained(made[name])
    return made


@pytest.fixture(scope="module")
def trained(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored classifier on MiniLM, whose head is not trained at all."""
    folder = tmp_path_factory.mktemp("classifier")
    torch.manual_seed(3)
    save_network(new_network(minilm, LABELS, 48), load_tokenizer(minilm), folder)
    return folder
