"""Base models of each architecture: random weights, tiny. They show that shapes and files fit, and
nothing of how well an architecture learns.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from hf_assets.classifiers.encoders.reading import quiet
from hf_assets_tests.classifiers.conftest import FILLER, TOPICS
from hf_assets_tests.support.classifiers.artefacts import make_tokenizer

WORDS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]"),
    *sorted({word for said in (*TOPICS.values(), FILLER) for word in said.split()}),
]
_SHAPE: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 66,
    "pad_token_id": 0,
}
_FRAME: dict[str, Any] = {
    "bos_token_id": 2, "cls_token_id": 2, "eos_token_id": 3, "sep_token_id": 3,
}  # fmt: skip
_RELATIVE: dict[str, Any] = {
    "relative_attention": True,
    "pos_att_type": ["c2p", "p2c"],
    "type_vocab_size": 0,
    "position_biased_input": False,
}


def _small(name: str, **shape: Any) -> Callable[[], Any]:
    config = getattr(transformers, f"{name}Config")
    return lambda: getattr(transformers, f"{name}Model")(config(**(shape or _SHAPE)))


ENCODERS: dict[str, Callable[[], Any]] = {
    "bert": _small("Bert"),
    "roberta": _small("Roberta", **_SHAPE, type_vocab_size=1),
    "xlm-roberta": _small("XLMRoberta", **_SHAPE, type_vocab_size=1),
    "distilbert": _small(
        "DistilBert", vocab_size=len(WORDS), dim=32, n_layers=2, n_heads=2, hidden_dim=64,
        max_position_embeddings=66,
    ),
    "deberta": _small("Deberta", **_SHAPE, **_RELATIVE),
    "deberta-v2": _small(
        "DebertaV2", **_SHAPE, **_RELATIVE, share_att_key=True, norm_rel_ebd="layer_norm",
        position_buckets=16,
    ),
    "modernbert": _small("ModernBert", **_SHAPE, **_FRAME, local_attention=16),
    "mpnet": _small("MPNet"),
    "electra": _small("Electra", **_SHAPE, embedding_size=32),
    "albert": _small("Albert", **_SHAPE, embedding_size=32),
}  # fmt: skip
# What is refused: a decoder, both, and an encoder without a mask.
OTHERS: dict[str, Callable[[], Any]] = {
    "gpt2": _small(
        "GPT2", vocab_size=len(WORDS), n_embd=32, n_layer=1, n_head=2, n_positions=66,
    ),
    "t5": _small(
        "T5", vocab_size=len(WORDS), d_model=32, d_kv=16, d_ff=64, num_layers=1, num_heads=2,
    ),
    "bart": _small(
        "Bart", vocab_size=len(WORDS), d_model=32, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64,
        decoder_ffn_dim=64, max_position_embeddings=66,
    ),
    "fnet": _small("FNet", **_SHAPE),
    "bert-decoder": _small("Bert", **_SHAPE, is_decoder=True),
}  # fmt: skip


def write_base(folder: Path, kind: str, *, pad: bool = True) -> Path:
    """A base model of that architecture in `folder`, with a tokenizer that knows topical texts."""
    torch.manual_seed(0)
    tokenizer = make_tokenizer(0)
    tokenizer.model = WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]")
    special = {"cls_token": "[CLS]", "sep_token": "[SEP]"} | ({"pad_token": "[PAD]"} if pad else {})
    with quiet():
        (ENCODERS | OTHERS)[kind]().save_pretrained(folder)
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return folder
