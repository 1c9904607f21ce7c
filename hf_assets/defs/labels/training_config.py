"""The run config of a training: the fields of a recipe, and their earlier names."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import msgspec
from msgspec import UNSET
from pydantic import Field

from hf_assets.classifiers.training.config import (
    EARLIER_NAMES,
    Dtype,
    HeadStart,
    Recipe,
    Strategy,
)
from hf_assets.classifiers.training.record import FEW_ROWS

DEFAULTS = Recipe()
_USUAL: dict[str, Any] = msgspec.structs.asdict(DEFAULTS)


def _renamed(name: str) -> str:
    return f"Earlier name of `{name}`; version 0.3 drops it."


class TrainingConfig(dg.Config):
    """How a classifier is trained."""

    strategy: Strategy = Field(
        default=DEFAULTS.strategy,
        description="finetune: train body and head. head: train the head alone, on the frozen "
        "body; minutes in place of hours without a GPU.",
    )
    epochs: int = Field(
        default=DEFAULTS.epochs,
        description="Passes over the training texts, at most; only for finetune.",
    )
    batch_size: int = Field(
        default=DEFAULTS.batch_size, description="Texts of a training step; more take more memory."
    )
    max_length: int = Field(
        default=DEFAULTS.max_length,
        description="Tokens of a text that are read; the rest is cut off. The body sets a limit, "
        "and the entry of a base model may set another default.",
    )
    body_learning_rate: float = Field(
        default=DEFAULTS.body_learning_rate,
        description="Highest step size of the body's weights; without effect for head.",
    )
    head_learning_rate: float = Field(
        default=DEFAULTS.head_learning_rate, description="Highest step size of the head's weights."
    )
    patience: int = Field(
        default=DEFAULTS.patience,
        description="Epochs without a higher micro-F1 on validation after which training stops; "
        "the best epoch is kept.",
    )
    seed: int = Field(
        default=DEFAULTS.seed,
        description="Seed of every random draw: the same seed on the same machine gives the same "
        "classifier.",
    )
    dtype: Dtype = Field(
        default=DEFAULTS.dtype,
        description="Numbers that training multiplies. auto: float32 for a head, and for "
        "finetune bfloat16 where the hardware multiplies it faster. The metadata name the choice.",
    )
    head_start: HeadStart = Field(
        default=_USUAL["head_start"],
        description="label_names: the head starts from what the body says of the labels' names, as "
        "far as that fits the training texts. random: as it did before; only for finetune.",
    )
    layer_decay: float = Field(
        default=_USUAL["layer_decay"],
        description="Step size of a layer of the body, as a share of that of the layer above; 1: "
        "all alike. Only for finetune.",
    )
    dropout: float = Field(
        default=_USUAL["dropout"],
        description="Share of the body's hidden values that a training step leaves out; only for "
        "finetune.",
    )
    teachers: int = Field(
        default=_USUAL["teachers"],
        description="Folds of the training texts. Each is answered by a teacher trained on the "
        "others, and the answers soften the targets; 0: none, in half the time. Only for finetune.",
    )
    teacher_epochs: int = Field(
        default=_USUAL["teacher_epochs"], description="Passes of each teacher over its texts."
    )
    teacher_share: float = Field(
        default=_USUAL["teacher_share"],
        description="Share of the teachers' answers in a text's targets; the rest is its labels.",
    )
    threads: int | None = Field(
        default=None,
        description="Threads of a training step on a CPU; null: measured when the training begins. "
        "Results are equal with as many threads.",
    )
    few_rows: int = Field(
        default=FEW_ROWS,
        ge=0,
        description="Training rows below which centroids, least squares, a head and pairs of texts "
        "are compared with fine-tuning, and the best trains. 0: always the strategy.",
    )
    batch: int | None = Field(default=None, description=_renamed("batch_size"))
    encoder_rate: float | None = Field(default=None, description=_renamed("body_learning_rate"))
    head_rate: float | None = Field(default=None, description=_renamed("head_learning_rate"))

    def recipe(self, warn: Callable[[str], None]) -> Recipe:
        """The recipe of this config; `warn` takes a line for each field under its earlier name."""
        values = self.model_dump(exclude={"few_rows"})
        if values["threads"] is None:
            values["threads"] = UNSET
        for name, earlier in EARLIER_NAMES.items():
            value = values.pop(earlier, None)
            if value is None:
                continue
            if values[name] not in (getattr(DEFAULTS, name), value):
                raise dg.Failure(f"{earlier} and {name} differ: set {name}", allow_retries=False)
            warn(f"`{earlier}` is now called `{name}`; version 0.3 drops the earlier name")
            values[name] = value
        try:
            return Recipe(**values)
        except ValueError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
