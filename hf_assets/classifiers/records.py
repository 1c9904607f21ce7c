"""The files in which each step of the chain records how it made its folder.

Field names are the program's; `rename` gives the keys of the files, which stay as they are: a lake
written by an earlier version is read as before. Light to import: neither torch nor onnxruntime.
"""

from typing import NamedTuple

import msgspec

# Rows with a label: half of fewer says nothing of the other half, and chance chooses a threshold.
LEAST_ROWS = 100


class Lost(NamedTuple):
    """How much F1 is lost, as a share, and the 95 % interval of that; below 0 it is won."""

    value: float
    low: float
    high: float


class MadeFrom(msgspec.Struct, frozen=True, omit_defaults=True):
    """Fingerprints of the inputs of a step; None where the step has no such input."""

    corpus: str | None = None
    classifier: str | None = None
    int8: str | None = None


class StepRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What every step records; `made_from` is None in files of the first versions."""

    made_from: MadeFrom | None = None


class FingerprintedStep(StepRecord, frozen=True, kw_only=True, rename={"fingerprint": "mark"}):
    """A step whose result has a fingerprint, which the next step hands on."""

    fingerprint: str | None = None


class ThresholdRule(msgspec.Struct, frozen=True):
    """How a threshold was chosen (see `thresholds`); files of earlier versions do not say.

    Attributes:
        rule: in words.
        distance: of micro-F1 on validation from the best, as a share.
        rows: with a label, that it was chosen on; 0: not recorded.
    """

    rule: str
    distance: float
    rows: int = 0


def rests_on(rows: int | None) -> str:
    """What to know of scores at a threshold of so few rows; empty where they are enough.

    Args:
        rows: with a label; 0 or None where they were not recorded.
    """
    if not rows or rows >= LEAST_ROWS:
        return ""
    return (
        f"Its threshold rests on {rows} rows with labels: another draw of so few would have chosen "
        "another one, and F1 may be points higher or lower there."
    )


class RowCounts(msgspec.Struct, frozen=True):
    """Rows of a corpus that a step has read."""

    train: int = 0
    validation: int = 0


class ExportRecord(StepRecord, frozen=True, kw_only=True):
    """export.json: the ONNX graph, and how near its answers are to torch's.

    Attributes:
        max_difference: largest difference of a logit from torch's; `allowed`: the limit.
        texts: probe texts that were compared; `shapes`: [rows, tokens] of the batches.
        seconds: that the export took.
        bytes: of the graph.
    """

    max_difference: float
    allowed: float
    bytes: int
    texts: int = 0
    shapes: list[tuple[int, int]] = []
    seconds: float = 0.0
    opset: int | None = None
    inputs: list[str] = []
    outputs: list[str] = []


class CalibrationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The training texts that a graph was calibrated with.

    Attributes:
        texts, tokens: how many.
        sha256: of the texts, each after the length of its UTF-8 in 8 bytes.
    """

    texts: int = 0
    tokens: int = 0
    sha256: str = ""


class Sameness(msgspec.Struct, frozen=True, kw_only=True):
    """How far the answers of one graph lie apart, served in other ways than alone.

    Attributes:
        texts: that were answered in each way.
        batches: largest difference of a score from the text's alone, in a padded batch; threads:
            with two threads; levels: at other levels of onnxruntime's optimisation.
        labels: texts with other labels in one of these ways.
    """

    texts: int
    batches: float
    threads: float
    levels: float
    labels: int

    @property
    def largest(self) -> float:
        """The largest difference of a score."""
        return max(self.batches, self.threads, self.levels)


class GraphMeasurement(msgspec.Struct, frozen=True, omit_defaults=True):
    """A graph as it was served, one text at a time on one thread.

    Attributes:
        bytes: of its file; `size`: as a share of float32's.
        threshold: float32's, for all graphs; micro_f1 and macro_f1 at it, on these texts. In files
            of earlier versions each graph has its own, tuned on these texts.
        loss: of micro-F1 against float32, each text at a threshold of float32 that the other half
            of the texts chose; loss_low, loss_high: its 95 % interval over resampled texts, paired.
            In files of earlier versions each graph had its own threshold, tuned on these texts, and
            `loss_error` was the standard error.
        macro_loss, macro_loss_low, macro_loss_high: the same of macro-F1; earlier versions did not
            measure it.
        ms: a text, the median; texts_per_second: from all texts.
        sameness: of the answers; None where it was not measured.
        passed: whether it may be chosen; `rejected`: why it could not be measured.
    """

    name: str
    bytes: int
    size: float
    threshold: float = 0.0
    micro_f1: float = 0.0
    macro_f1: float = 0.0
    loss: float = 1.0
    loss_error: float = 0.0
    loss_low: float | None = None
    loss_high: float | None = None
    macro_loss: float | None = None
    macro_loss_low: float | None = None
    macro_loss_high: float | None = None
    ms: float = 0.0
    texts_per_second: float = 0.0
    sameness: Sameness | None = None
    # Factories, so that both are written always.
    passed: bool = msgspec.field(default_factory=lambda: False)
    rejected: str = msgspec.field(default_factory=lambda: "")


class QuantizedStep(FingerprintedStep, frozen=True, kw_only=True):
    """What later steps read of quantization.json."""

    validation_micro_f1: float | None = None
    threshold_rule: ThresholdRule | msgspec.UnsetType = msgspec.UNSET
    chosen: str = ""
    candidates: list[GraphMeasurement] = []

    @property
    def measured(self) -> GraphMeasurement | None:
        """The measurement of the chosen graph, or None where there is none."""
        return next((each for each in self.candidates if each.name == self.chosen), None)


class QuantizationRecord(QuantizedStep, frozen=True, kw_only=True):
    """quantization.json: the chosen int8 graph, and every candidate it was chosen from.

    Attributes:
        chosen: name of the candidate; threshold, bytes, size, loss and ms are its measurements.
        max_loss: of micro-F1 on validation that the config allowed, as a share; max_macro_loss: of
            macro-F1, which earlier versions did not limit.
        texts: that the candidates were measured on, of `texts_in_validation`, drawn by `seed`.
        rule: of the choice, in words.
        calibration: the training texts that gave the scales of activations; earlier versions had
            none.
        optimization: level of onnxruntime's optimisation at which the graph was measured, and at
            which `Tagger` serves it.
        passed_over: where the chosen graph's answers depend on the batch, why none was chosen whose
            answers do not: a sentence a candidate.
    """

    threshold: float
    bytes: int
    loss: float
    max_loss: float
    max_macro_loss: float | msgspec.UnsetType = msgspec.UNSET
    texts: int
    fp32: GraphMeasurement
    size: float | None = None
    ms: float | None = None
    machine: str = ""
    instructions: list[str] = []
    rule: str = ""
    texts_in_validation: int = 0
    seed: int = 0
    calibration: CalibrationRecord | msgspec.UnsetType = msgspec.UNSET
    optimization: str | msgspec.UnsetType = msgspec.UNSET
    passed_over: list[str] | msgspec.UnsetType = msgspec.UNSET
