"""Training texts that calibrate a graph: which ones, and the values that they take in it."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from tokenizers import Tokenizer

from hf_assets.classifiers.records import CalibrationRecord
from hf_assets.storage.json_files import read_json

# Texts that are tokenised; of them the longest, and others as they come: ranges of long texts and
# of short ones differ.
DRAWN, LONGEST, OTHERS = 1000, 32, 32
# Bytes of the rows of activations that are kept: at most so many rows of each product's input.
KEPT_BYTES, KEPT_ROWS = 1 << 28, 2048
# A score that so much is added to has no weight.
HIDDEN = -1e4


@dataclass(frozen=True)
class Calibration:
    """Texts to calibrate with, as token ids; none where there are no training texts.

    Attributes:
        max_length: tokens that the tagger reads.
        record: for quantization.json.
    """

    ids: list[list[int]]
    max_length: int
    record: CalibrationRecord


@dataclass
class Observed:
    """What a value was, over all tokens of the texts.

    Attributes:
        low, high: its extremes.
        norm: largest length of a vector along the last axis; column_spread: of a vector along the
            axis before, less the first of these.
        rows: some tokens' vectors, float32 [rows, width], where they were asked for.
        rank: number of its axes.
    """

    low: float = 0.0
    high: float = 0.0
    norm: float = 0.0
    column_spread: float = 0.0
    rows: list[np.ndarray] = field(default_factory=list)
    rank: int = 0

    def add(self, value: np.ndarray, kept: np.ndarray | None) -> None:
        """Count a text's values in, and keep these tokens of it."""
        self.rank = value.ndim
        self.low, self.high = min(self.low, value.min()), max(self.high, value.max())
        self.norm = max(self.norm, float(np.linalg.norm(value, axis=-1).max()))
        if value.ndim > 1:
            spread = np.linalg.norm(value - value[..., :1], axis=-2).max()
            self.column_spread = max(self.column_spread, float(spread))
        if kept is not None:
            self.rows.append(value.reshape(-1, value.shape[-1])[kept])

    @property
    def largest(self) -> float:
        """The largest absolute value."""
        return float(max(self.high, -self.low))


def draw_calibration(folder: Path, texts: Sequence[str], seed: int = 0) -> Calibration:
    """Texts by seed, tokenised as the tagger in `folder` does: the longest, and others."""
    max_length = int(read_json(folder / "config.json")["max_length"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    order = np.random.default_rng(seed).permutation(len(texts))[:DRAWN]
    drawn = [texts[at] for at in order]
    encoded = [each.ids for each in tokenizer.encode_batch(drawn)]
    by_length = sorted(range(len(drawn)), key=lambda at: -len(encoded[at]))
    chosen = by_length[:LONGEST] + sorted(by_length[LONGEST:])[:OTHERS]
    digest = hashlib.sha256()
    for at in chosen:
        content = drawn[at].encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    record = CalibrationRecord(
        texts=len(chosen),
        tokens=sum(len(encoded[at]) for at in chosen),
        sha256=digest.hexdigest(),
    )
    return Calibration([encoded[at] for at in chosen], max_length, record)


def observe(
    model: onnx.ModelProto, values: Sequence[str], inputs: dict[str, int], texts: Calibration
) -> dict[str, Observed]:
    """What these values of the graph are on the calibration texts, answered one at a time.

    Args:
        model: float32.
        values: names of values.
        inputs: of products, with their widths: rows of them are kept.
        texts: at least one.
    """
    seen = {name: Observed() for name in (*values, *inputs)}
    tokens = sum(map(len, texts.ids))
    rows = min(KEPT_ROWS, KEPT_BYTES // (4 * max(1, sum(inputs.values()))))
    draw = np.random.default_rng(0)
    for length, found in _run(model, list(seen), texts.ids):
        kept = np.flatnonzero(draw.random(length) < rows / tokens)
        for name, value in found.items():
            seen[name].add(value, kept if name in inputs else None)
    return seen


def masks_padding(model: onnx.ModelProto, masks: Sequence[str], texts: Calibration) -> bool:
    """Whether these values, added to attention's scores, hide padding and nothing else.

    Args:
        model: float32.
        masks: names of values.
        texts: at least one.
    """
    # As long as any text: a window hides nothing of a short one, and positions end there.
    ids = np.resize(np.array(max(texts.ids, key=len), np.int64), (2, texts.max_length))
    shown = np.ones_like(ids)
    shown[1, 1:] = 0
    found = _answer(_session(model, masks), masks, ids, shown)
    there = shown[:, None, None, :] == 1
    try:
        return all((np.where(there, each == 0, each < HIDDEN)).all() for each in found)
    except ValueError:  # of another shape
        return False


def biases_by_distance(
    model: onnx.ModelProto, biases: Sequence[str], texts: Calibration
) -> dict[str, np.ndarray] | None:
    """Values added to attention's scores that depend on how far apart two tokens are, and no more.

    Args:
        model: float32.
        biases: names of values.
        texts: at least one.

    Returns:
        of each [heads, distances], from that of the last token of as many as are read to the first
        of them, to that of the first to the last; None where one depends on more.
    """
    longest = texts.max_length
    ids = np.resize(np.array(max(texts.ids, key=len), np.int64), (2, longest))
    ids[1] = ids[1, ::-1]
    shown = np.ones_like(ids)
    shown[1, 1:] = 0
    at = np.arange(longest)
    distances = at[None, :] - at[:, None] + longest - 1
    found = {}
    for name, each in zip(
        biases, _answer(_session(model, biases), biases, ids, shown), strict=True
    ):
        if each.ndim != 4 or each.shape[-2:] != (longest, longest):
            return None
        table = np.concatenate([each[0, :, :0:-1, 0], each[0, :, 0]], axis=-1)
        if (each != table[:, distances]).any():
            return None
        found[name] = table
    return found


def _run(
    model: onnx.ModelProto, values: list[str], texts: list[list[int]]
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    session = _session(model, values)
    for ids in texts:
        row = np.array([ids], np.int64)
        found = _answer(session, values, row, np.ones_like(row))
        yield len(ids), dict(zip(values, found, strict=True))


def _session(model: onnx.ModelProto, values: Sequence[str]) -> onnxruntime.InferenceSession:
    own = onnx.ModelProto()
    own.CopyFrom(model)
    del own.graph.output[:]
    own.graph.output.extend(onnx.ValueInfoProto(name=name) for name in values)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(own.SerializeToString(), options, ["CPUExecutionProvider"])


def _answer(
    session: onnxruntime.InferenceSession, values: Sequence[str], ids: np.ndarray, mask: np.ndarray
) -> list[np.ndarray]:
    given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    names = [each.name for each in session.get_inputs()]
    return [np.asarray(each) for each in session.run(values, {name: given[name] for name in names})]
