"""Labels and texts of a network."""

from typing import Any

from transformers import (
    BertConfig,
    BertModel,
    DebertaConfig,
    DebertaModel,
    RobertaConfig,
    RobertaModel,
)

LABELS = ("../x", 'a "b", c', "\N{ROBOT FACE}", "z" * 300)
# Random and tiny: they show that shapes and files fit, and no more than that.
_TINY: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 34,
}
TINY: dict[str, tuple[Any, Any]] = {
    "bert": (BertModel, BertConfig(**_TINY)),
    "roberta": (RobertaModel, RobertaConfig(**_TINY, type_vocab_size=1, pad_token_id=1)),
    "deberta": (
        DebertaModel,
        DebertaConfig(
            **_TINY, relative_attention=True, pos_att_type=["c2p", "p2c"], type_vocab_size=0
        ),
    ),
}
