"""A base model that knows nothing, in the place of a real one: a chain takes seconds with it."""

from pathlib import Path

import torch
from transformers import BertConfig, BertModel

from hf_assets.classifiers.training.base_models import BASE_MODELS, locate
from hf_assets.classifiers.training.network import load_tokenizer, quiet


def write_small_base_model(folder: Path, name: str) -> None:
    """`folder`/`name` for HF_ASSETS_BASE_MODELS: an untrained BERT of one layer, whose features of
    a text tell its words apart, with the tokenizer of the real one.
    """
    torch.manual_seed(0)
    with quiet():
        source = locate(BASE_MODELS[name])
        tokenizer = load_tokenizer(source)
        shape = BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=96,
            num_hidden_layers=1,
            num_attention_heads=4,
            intermediate_size=96,
            max_position_embeddings=512,
        )
        BertModel(shape).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
