"""How a classifier is trained, as numbers. Light to import: the graph's config is made of it."""

from typing import Literal, get_args

import msgspec
from msgspec import UNSET, UnsetType

Strategy = Literal["finetune", "head"]
HeadStart = Literal["label_names", "random"]
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
    threads, a fine-tuned encoder with as many. training.json names the machine of a training and
    its threads: set `threads` to them to have the very same again.

    Fields that can be unset came later; unset, a training is what it was before them, files and
    fingerprints lack them, and an interrupted training of that time goes on.

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
        seed: of the head's first weights, the order of rows, the dropout and the folds.
        dtype: number format of the encoder's products while training. "auto" is float32 for a
            head, which any processor has; fine-tuning takes bfloat16 where the hardware multiplies
            it faster. Scores are always measured in float32.
        head_start: of fine-tuning. "label_names" starts the head's weights at what the encoder
            says of the labels' names, as far as they tell texts apart; "random" draws them.
        layer_decay: of fine-tuning: the rate of a layer as a share of that of the layer above.
        dropout: of the encoder's hidden states while fine-tuning, as a share.
        teachers: of fine-tuning: so many folds of the training rows, each answered by a teacher
            that learns from the others' rows; 0 has none. See `techniques.folds`.
        teacher_epochs: passes of a teacher over its rows.
        teacher_share: of the teachers' answers in a row's targets; the rest is its labels.
        threads: of fine-tuning on a CPU; unset, what a measurement at the start says.
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
    head_start: HeadStart | UnsetType = "label_names"
    layer_decay: float | UnsetType = 0.85
    dropout: float | UnsetType = 0.1
    teachers: int | UnsetType = 2
    teacher_epochs: int | UnsetType = 2
    teacher_share: float | UnsetType = 0.5
    threads: int | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.strategy not in get_args(Strategy):
            strategies = ", ".join(get_args(Strategy))
            raise ValueError(f"not a strategy: {self.strategy!r}; there are {strategies}")
        if self.dtype not in get_args(Dtype):
            dtypes = ", ".join(get_args(Dtype))
            raise ValueError(f"not a dtype: {self.dtype!r}; there are {dtypes}")
        if min(self.epochs, self.batch_size, self.patience) < 1:
            raise ValueError("epochs, batch_size and patience must be 1 or more")
        if self.head_start not in (*get_args(HeadStart), UNSET):
            starts = ", ".join(get_args(HeadStart))
            raise ValueError(f"not a head_start: {self.head_start!r}; there are {starts}")
        if self.layer_decay is not UNSET and not 0 < self.layer_decay <= 1:
            raise ValueError("layer_decay must be above 0, and 1 at most")
        if self.dropout is not UNSET and not 0 <= self.dropout < 1:
            raise ValueError("dropout must be 0 or more, and less than 1")
        if self.teacher_share is not UNSET and not 0 <= self.teacher_share <= 1:
            raise ValueError("teacher_share must be from 0 to 1")
        if self.teachers is not UNSET and (self.teachers < 0 or self.teachers == 1):
            raise ValueError("teachers must be 0, or 2 or more: each answers what others learn")
        counts = (self.teacher_epochs, self.threads)
        if any(count is not UNSET and count < 1 for count in counts):
            raise ValueError("teacher_epochs and threads must be 1 or more")


# What a recipe was before these fields.
EARLIER: dict[str, UnsetType] = dict.fromkeys(
    (
        *("head_start", "layer_decay", "dropout", "teachers", "teacher_epochs", "teacher_share"),
        "threads",
    ),
    UNSET,
)


class RecordedRecipe(Recipe, frozen=True, rename=EARLIER_NAMES):
    """The recipe in a training.json: fields that the file lacks are unset."""

    head_start: HeadStart | UnsetType = UNSET
    layer_decay: float | UnsetType = UNSET
    dropout: float | UnsetType = UNSET
    teachers: int | UnsetType = UNSET
    teacher_epochs: int | UnsetType = UNSET
    teacher_share: float | UnsetType = UNSET
    threads: int | UnsetType = UNSET

    @classmethod
    def of(cls, recipe: Recipe) -> "RecordedRecipe":
        """The same settings, to be recorded."""
        return cls(**msgspec.structs.asdict(recipe))
