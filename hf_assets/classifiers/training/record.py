"""training.json: how a classifier was trained, and its scores on validation. Light to import."""

import msgspec

from hf_assets.classifiers.records import FingerprintedStep, RowCounts, ThresholdRule
from hf_assets.classifiers.training.config import RecordedRecipe

# Training rows below which the way to learn is chosen by `few_rows.choosing`.
FEW_ROWS = 500


# Of a corpus of few rows, where that is not what others have.
_PARTS = {
    "centroids": "a head of label centroids on the frozen encoder",
    "least_squares": "a head by least squares on the frozen encoder",
    "pairs": "the encoder, on pairs of texts, with a head of label centroids,",
}


class EpochScores(msgspec.Struct, frozen=True):
    """Loss and scores after an epoch.

    Attributes:
        step: optimizer steps so far.
        loss: mean of the epoch's steps.
        validation_loss, micro_f1, macro_f1: on validation, at `threshold`.
    """

    epoch: int
    step: int
    loss: float
    validation_loss: float
    micro_f1: float
    macro_f1: float
    threshold: float


History = list[EpochScores]


class ValidationScores(msgspec.Struct, frozen=True):
    """F1 on validation of the stored classifier, at its threshold."""

    micro_f1: float
    macro_f1: float | None = None


class FewRowsCandidate(msgspec.Struct, frozen=True):
    """A way to learn from few rows, as cross-validation saw it.

    Attributes:
        name: "centroids", "least_squares", "linear" (trained in steps), all on the frozen body;
            "pairs": centroids on a body tuned on pairs of texts.
        micro_f1, macro_f1: of training rows, each answered by a fold that did not learn from it.
        seconds: of all folds.
        left_out: why it was not measured; the figures are then 0.
    """

    name: str
    micro_f1: float = 0.0
    macro_f1: float = 0.0
    seconds: float = 0.0
    left_out: str | None = None


class FewRows(msgspec.Struct, frozen=True):
    """The choice for a corpus of few rows.

    Attributes:
        chosen: the name of a candidate; `why`: in words.
        below: training rows below which a choice is made.
        folds: of the cross-validation.
    """

    chosen: str
    why: str
    below: int
    folds: int
    candidates: list[FewRowsCandidate]


class TrainingRecord(FingerprintedStep, frozen=True, kw_only=True):
    """What training.json holds.

    Attributes:
        base_model_id: on the Hub; empty where it came from a folder of its own.
        revision: the commit of its files, or what the entry asks for; None where nothing says.
        pooling, layers_to_train: as `BaseModel` has them.
        few_rows: how the head of a small corpus was chosen.
        rows: of the corpus, by split; `labels`: how many.
        epochs: that were trained; `best_epoch`: the one whose weights were kept.
        seconds: spent on steps, of killed runs too; samples_per_second: rows a second in them.
        device, gpu, dtype, threads, machine, instructions, versions: what a result depends on
            besides its inputs.
        losses: (step, mean loss since the last) of the loss curve.
    """

    threshold: float
    threshold_rule: ThresholdRule | msgspec.UnsetType = msgspec.UNSET
    corpus: str = ""
    base_model: str = ""
    base_model_id: str | msgspec.UnsetType = msgspec.UNSET
    revision: str | msgspec.UnsetType | None = msgspec.UNSET
    pooling: str | msgspec.UnsetType = msgspec.UNSET
    layers_to_train: int | msgspec.UnsetType | None = msgspec.UNSET
    strategy: str = ""
    recipe: RecordedRecipe | None = None
    seed: int = 0
    rows: RowCounts = RowCounts()
    labels: int = 0
    max_length: int = 0
    epochs: int = 0
    best_epoch: int = 0
    validation: ValidationScores | None = None
    seconds: float = 0.0
    samples_per_second: float = 0.0
    device: str = ""
    gpu: str | None = None
    dtype: str = ""
    threads: int = 0
    machine: str = ""
    instructions: list[str] = msgspec.field(default_factory=list)
    versions: dict[str, str] = msgspec.field(default_factory=dict)
    history: History = msgspec.field(default_factory=list)
    losses: list[tuple[int, float]] = msgspec.field(default_factory=list)
    few_rows: FewRows | msgspec.UnsetType = msgspec.UNSET

    @property
    def part(self) -> str:
        """What was trained of the network, in words."""
        chosen = self.few_rows.chosen if self.few_rows else ""
        usual = "a linear head on the frozen encoder" if self.strategy == "head" else ""
        return _PARTS.get(chosen) or usual or "encoder and head"
