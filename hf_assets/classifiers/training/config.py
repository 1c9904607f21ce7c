"""How a classifier is trained, as numbers. Light to import: the graph's config is made of it."""

from typing import Literal, get_args

import msgspec

Strategy = Literal["finetune", "head"]
Dtype = Literal["auto", "float32", "bfloat16"]

# Earlier names of fields. Files keep them: the fingerprint of an interrupted training is of them.
EARLIER_NAMES = {
    "batch_size": "batch",
    "body_learning_rate": "encoder_rate",
    "head_learning_rate": "head_rate",
    "warmup_ratio": "warm_up",
    "max_grad_norm": "clip",
}


class Recipe(msgspec.Struct, frozen=True, rename=EARLIER_NAMES):
    """The settings of a training; the same recipe, corpus and base model give the same result.

    To the last bit on one kind of processor, with the same versions: a head whatever the number of
    threads, a fine-tuned encoder with as many. training.json names the machine of a training.

    Attributes:
        strategy: "finetune" trains all layers; "head" trains a linear layer on the frozen encoder.
        epochs: passes over the training rows, at most, when fine-tuning.
        batch_size: rows a step.
        max_length: tokens that a text is cut to, special tokens included.
        body_learning_rate, head_learning_rate: peak learning rates of AdamW, of the encoder and of
            the head.
        warmup_ratio: share of the steps in which the rates rise; then they fall linearly to 0.
        weight_decay: of weight matrices; biases and norms have none.
        max_grad_norm: norm that a step's gradient is cut to.
        patience: epochs without a better micro-F1 on validation after which training stops.
        seed: of the head's first weights, the order of rows and the dropout.
        dtype: number format of the encoder's products while training. "auto" is float32 for a
            head, which any processor has; fine-tuning takes bfloat16 where the hardware multiplies
            it faster. Scores are always measured in float32.
    """

    strategy: Strategy = "finetune"
    epochs: int = 3
    batch_size: int = 32
    max_length: int = 128
    body_learning_rate: float = 2e-4
    head_learning_rate: float = 3e-3
    warmup_ratio: float = 0.06
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    patience: int = 2
    seed: int = 42
    dtype: Dtype = "auto"

    def __post_init__(self) -> None:
        if self.strategy not in get_args(Strategy):
            strategies = ", ".join(get_args(Strategy))
            raise ValueError(f"not a strategy: {self.strategy!r}; there are {strategies}")
        if self.dtype not in get_args(Dtype):
            dtypes = ", ".join(get_args(Dtype))
            raise ValueError(f"not a dtype: {self.dtype!r}; there are {dtypes}")
        if min(self.epochs, self.batch_size, self.patience) < 1:
            raise ValueError("epochs, batch_size and patience must be 1 or more")
