"""Reads an encoder of any architecture from a folder, or says why it cannot be used."""

import inspect
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoConfig, AutoModel
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
)
from transformers.utils import logging as transformers_logging
from transformers.utils.logging import is_progress_bar_enabled

from hf_assets.classifiers.encoders.files import why_unreadable
from hf_assets.errors import InputError, clean


class NetworkError(InputError):
    """Files are missing, or do not make the network they say they are."""


def read_encoder(folder: Path, attention: Literal["eager", "sdpa"], **config: Any) -> Any:
    """The encoder in that folder, in float32, on the CPU.

    Args:
        attention: the kernel, where the architecture has it; else "eager".
        config: values for its configuration; those that it does not have are left out.

    Raises:
        NetworkError: there is none that can be used here; the message says why and what to do.
    """
    with quiet():
        try:
            read = AutoConfig.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, **config
            )
            _require_encoder(read, folder)
            kind: Any = AutoModel._model_mapping[type(read)]
            encoder, loaded = AutoModel.from_pretrained(
                folder,
                config=read,
                dtype=torch.float32,
                local_files_only=True,
                trust_remote_code=False,
                attn_implementation=attention if kind._supports_sdpa else "eager",
                output_loading_info=True,
            )
        except NetworkError:
            raise
        except Exception as error:
            if why := why_unreadable(folder, error):
                raise NetworkError(why) from None  # its text has signs for terminals
            raise
    if "attention_mask" not in inspect.signature(encoder.forward).parameters:
        raise NetworkError(_no_encoder(folder, encoder.config, "it reads no attention_mask"))
    missing = [name for name in loaded["missing_keys"] if not name.startswith("pooler.")]
    if missing or loaded["mismatched_keys"]:
        wrong = ", ".join(sorted(map(str, [*missing, *loaded["mismatched_keys"]]))[:5])
        raise NetworkError(f"the weights in {folder} do not fill the encoder: {wrong}")
    return encoder


def _require_encoder(config: Any, folder: Path) -> None:
    """Require an architecture that reads a text from both sides, as BERT's does."""
    if getattr(config, "is_encoder_decoder", False):
        raise NetworkError(_no_encoder(folder, config, "it has a decoder, too"))
    if getattr(config, "is_decoder", False):
        raise NetworkError(_no_encoder(folder, config, "it is set up as a decoder"))
    # What is trained on masked words sees those behind a word; a decoder does not.
    if config.model_type not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        raise NetworkError(_no_encoder(folder, config, "it is no masked language model"))
    if config.model_type not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES:
        raise NetworkError(_no_encoder(folder, config, "transformers classifies no texts with it"))


def _no_encoder(folder: Path, config: Any, why: str) -> str:
    return (
        f"{folder} holds a model of the type {clean(config.model_type, 60)!r}, which is not used "
        f"here: {why}. Take an encoder: BERT, RoBERTa, DeBERTa, ModernBERT, MPNet, ELECTRA …"
    )


def most_tokens(encoder: Any) -> int | None:
    """The most tokens that it takes, or None where nothing limits them."""
    most = getattr(encoder.config, "max_position_embeddings", None)
    embeddings = getattr(encoder, "embeddings", None)
    # RoBERTa and its kin count positions from the padding id + 1.
    offset = getattr(embeddings, "padding_idx", None)
    return most and most - (0 if offset is None else offset + 1)


def freeze_below(encoder: Any, layers: int) -> None:
    """Freeze all but the topmost layers, and a norm after them.

    Raises:
        NetworkError: it has fewer, or shares their weights.
    """
    count = getattr(encoder.config, "num_hidden_layers", 0)
    lists = [
        part
        for part in encoder.modules()
        if isinstance(part, torch.nn.ModuleList) and len(part) == count > 1
    ]
    if not lists or layers > count:
        has = f"has {count}" if lists else "shares its weights between layers, or has a single one"
        raise NetworkError(
            f"layers_to_train is {layers}, and this encoder ({encoder.config.model_type}) {has}: "
            "set another number, or leave it out"
        )
    encoder.requires_grad_(False)
    for part in (*lists[0][-layers:], getattr(encoder, "final_norm", None)):
        if part is not None:
            part.requires_grad_(True)


@contextmanager
def quiet() -> Generator[None]:
    """No bars and load reports of transformers in the run log; what matters is raised here."""
    before, shown = transformers_logging.get_verbosity(), is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(before)
        if shown:
            transformers_logging.enable_progress_bar()
