"""How a classifier is trained, as numbers. Light to import: the graph's config is made of it."""

from dataclasses import dataclass
from typing import Literal, get_args

Strategy = Literal["finetune", "head"]
Dtype = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class Recipe:
    """The settings of a training; the same recipe, corpus and base model give the same result.

    To the last bit on one kind of processor, with the same versions: a head whatever the number of
    threads, a fine-tuned encoder with as many. What a training ran on is in its facts.

    Attributes:
        strategy: "finetune" trains all; "head" trains a linear layer on the frozen encoder.
        epochs: passes over the training rows, at most, when fine-tuning.
        batch: rows a step.
        max_length: tokens that a text is cut to, special tokens included.
        encoder_rate, head_rate: peak learning rates of AdamW.
        warm_up: share of the steps in which the rates rise; then they fall linearly to 0.
        weight_decay: of weight matrices; biases and norms have none.
        clip: norm that a step's gradient is cut to.
        patience: epochs without a better micro-F1 on validation after which training stops.
        seed: of the head's first weights, the order of rows and the dropout.
        dtype: what the encoder's products are computed in while training. "auto" is float32 for a
            head, which any processor has; fine-tuning takes bfloat16 where the hardware multiplies
            it faster. Scores are always measured in float32.
    """

    strategy: Strategy = "finetune"
    epochs: int = 3
    batch: int = 32
    max_length: int = 128
    encoder_rate: float = 2e-4
    head_rate: float = 3e-3
    warm_up: float = 0.06
    weight_decay: float = 0.01
    clip: float = 1.0
    patience: int = 2
    seed: int = 42
    dtype: Dtype = "auto"

    def __post_init__(self) -> None:
        if self.strategy not in get_args(Strategy):
            known = ", ".join(get_args(Strategy))
            raise ValueError(f"not a strategy: {self.strategy!r}; there are {known}")
        if self.dtype not in get_args(Dtype):
            known = ", ".join(get_args(Dtype))
            raise ValueError(f"not a dtype: {self.dtype!r}; there are {known}")
        if min(self.epochs, self.batch, self.patience) < 1:
            raise ValueError("epochs, batch and patience must be 1 or more")
