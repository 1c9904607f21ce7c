"""The predictor of categories: one model of a corpus, its calibration and its threshold, on disk.

It is chosen and calibrated on validation, and measured on test once, when it is stored. The folder
holds its own copy of the model: a later training does not change what an earlier one predicted.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from hf_assets.classifiers.evaluation.results import (
    HELPED,
    INT8,
    TFIDF,
    BaselineRecord,
    Leaderboard,
    add_blend,
    open_leaderboard,
)
from hf_assets.classifiers.prediction.calibration import (
    PRECISION,
    Precision,
    fitted_factor,
    measured,
    threshold_of,
    top,
)
from hf_assets.classifiers.provenance import (
    corpus_fingerprint,
    file_fingerprint,
    require_same_corpus,
)
from hf_assets.classifiers.records import MadeFrom, StepRecord
from hf_assets.classifiers.tfidf import TfIdf
from hf_assets.corpora.corpus import Corpus
from hf_assets.errors import InputError
from hf_assets.storage.json_files import read_record, write_record
from hf_assets.storage.lake import today

# Micro-F1 on validation by which the network must be better: below that, TF-IDF answers a million
# texts in a minute and the network in an hour, for the same categories.
TOLERANCE = 0.01
RECORD = "predictor.json"
_WORDS, _NETWORK = "tfidf.npz", "model"
Tell = Callable[[str], None]
Scores = Callable[[Sequence[str]], np.ndarray]


class PredictorRecord(StepRecord, frozen=True, kw_only=True):
    """What predictor.json holds.

    Attributes:
        version: fingerprint of the model's files, its factor and its threshold.
        model: TF-IDF, or the base model; runtime: numpy, int8, or int8 + TF-IDF.
        labels: in the order of the scores.
        factor: of the softmax; threshold: the probability from which on a category is predicted, or
            None where none is precise enough.
        validation, test: precision and coverage there.
        candidates: micro-F1 on validation of the models to choose from; `why` one was chosen.
        categories: that the texts leave out as tags.
        day: UTC, when it was stored.
    """

    version: str
    model: str
    runtime: str
    labels: list[str]
    factor: float
    threshold: float | None
    validation: Precision
    test: Precision
    candidates: dict[str, float] = msgspec.field(default_factory=dict)
    why: str = ""
    categories: list[str] = msgspec.field(default_factory=list)
    corpus: str = ""
    day: str = ""
    precision: float = PRECISION


@dataclass(frozen=True)
class Predictor:
    """A stored predictor, open."""

    record: PredictorRecord
    scores: Scores

    def predict(self, texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
        """The likeliest category of each text, and its probability (float32)."""
        if not texts:
            return [], np.zeros(0, np.float32)
        columns, probability = top(self.scores(texts), self.record.factor)
        return [self.record.labels[column] for column in columns], probability


def store_predictor(
    corpus: Corpus,
    baseline: Path,
    leaderboard: Path | None,
    quantized: Callable[[str], Path],
    folder: Path,
    log: Tell = lambda _: None,
) -> PredictorRecord:
    """Choose, calibrate, measure and store the predictor of a corpus with one label a text.

    Args:
        corpus: whose validation rows choose, and whose test rows are read once.
        baseline: the folder of `baselines.fit`, of this corpus.
        leaderboard: that of the corpus, or None: TF-IDF then.
        quantized: the int8 folder of a base model.
        folder: an empty folder, which becomes the predictor.
        log: takes lines of the run log.

    Raises:
        InputError: the baseline is of another state of the corpus, or a split has no rows.
    """
    floors = read_record(baseline / "baseline.json", BaselineRecord)
    require_same_corpus(corpus, floors, "baseline")
    board = open_leaderboard(leaderboard) if leaderboard else None
    model, candidates, why = _choice(corpus, floors, board)
    runtime = INT8
    if model == TFIDF or board is None:
        shutil.copyfile(baseline / _WORDS, folder / _WORDS)
        runtime = "numpy"
    else:
        shutil.copytree(quantized(model), folder / _NETWORK)
        if add_blend(board, folder / _NETWORK):
            runtime = HELPED
    scores = _scores(folder)
    found = {}
    for name in ("validation", "test"):
        split = corpus.split(name)
        if not split.texts:
            raise InputError(f"corpus {corpus.name} has no {name} rows: add texts")
        found[name] = scores(split.texts), split.targets.argmax(axis=1)
    factor = fitted_factor(*found["validation"])
    (validation, right), (test, right_in_test) = (
        (top(answers, factor), right) for answers, right in found.values()
    )
    threshold = threshold_of(validation[1], validation[0] == right)
    record = PredictorRecord(
        version=_version(folder, f"{factor} {threshold}"),
        model=model,
        runtime=runtime,
        labels=list(corpus.labels),
        factor=factor,
        threshold=threshold,
        validation=measured(validation[1], validation[0] == right, threshold),
        test=measured(test[1], test[0] == right_in_test, threshold),
        candidates=candidates,
        why=why,
        categories=_categories(corpus),
        corpus=corpus.name,
        day=today(),
        made_from=MadeFrom(corpus=corpus_fingerprint(corpus)),
    )
    write_record(folder / RECORD, record)
    log(f"{model} ({why}): {described(record.test)} on test")
    return record


def described(found: Precision) -> str:
    """Precision with its interval, and coverage, in words."""
    if found.precision is None:
        return f"nothing is predicted of {found.rows:,} texts"
    return (
        f"{found.precision:.1%} of {found.covered:,} predictions are right "
        f"({found.low:.1%} to {found.high:.1%}), {found.coverage:.1%} of {found.rows:,} texts "
        "have one"
    )


def open_predictor(folder: Path) -> Predictor:
    """The stored predictor.

    Raises:
        InputError: a file is missing or torn.
    """
    record = read_record(folder / RECORD, PredictorRecord)
    if _version(folder, f"{record.factor} {record.threshold}") != record.version:
        raise InputError(f"{folder} has other files than it was stored with: materialise it again")
    return Predictor(record, _scores(folder))


def _choice(
    corpus: Corpus, floors: BaselineRecord, board: Leaderboard | None
) -> tuple[str, dict[str, float], str]:
    """The model, micro-F1 on validation of each candidate, and why that one."""
    words = floors.tfidf.validation["micro_f1"]
    candidates = {TFIDF: words}
    best = board.record.best if board else None
    if board is None or best is None:
        return TFIDF, candidates, "no int8 model is scored"
    if getattr(board.record.made_from, "corpus", None) != corpus_fingerprint(corpus):
        return TFIDF, candidates, "the leaderboard is of an earlier corpus"
    (network,) = board.rows.filter(model=best, runtime=INT8)["validation_micro_f1"]
    candidates[best] = network
    if blend := board.served_blend:
        network = candidates[f"{best}, {HELPED}"] = blend.micro_f1
    if words >= network - TOLERANCE:
        return TFIDF, candidates, f"within {TOLERANCE} of {best} on validation"
    return best, candidates, f"{network - words:.3f} better than TF-IDF on validation"


def _scores(folder: Path) -> Scores:
    """What answers texts: distances of TF-IDF, or logits of the network."""
    try:
        if (folder / _WORDS).exists():
            return TfIdf.load(folder / _WORDS).scores
    except (ValueError, KeyError, OSError) as error:
        raise InputError(f"{folder / _WORDS} is torn ({error}): materialise it again") from error
    # Imported late: onnxruntime.
    from hf_assets.classifiers.tagger import NotATagger, Tagger

    try:
        tagger = Tagger.load(folder / _NETWORK)
    except NotATagger as error:
        raise InputError(f"{folder / _NETWORK} is torn ({error}): materialise it again") from error

    def logits(texts: Sequence[str]) -> np.ndarray:
        p = np.clip(tagger.scores(texts).astype(np.float64), 1e-45, 1 - 2**-25)
        return (np.log(p) - np.log1p(-p)).astype(np.float32)

    return logits


def _version(folder: Path, of: str) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
    return file_fingerprint(*files, of=of)


def _categories(corpus: Corpus) -> list[str]:
    (source,) = corpus.facts.sources.get("models", [{}])
    return list(source.get("categories", corpus.labels))
