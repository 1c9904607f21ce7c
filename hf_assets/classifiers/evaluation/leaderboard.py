"""Scores every artefact of a corpus on its test rows, with sizes and speeds.

No earlier step reads test rows; thresholds come from validation, by one rule (`thresholds`).
`models.py` opens the artefacts, `rules.py` holds the requirements, `figures.py` draws.

The floors, TF-IDF, and the best int8 model helped by TF-IDF are rows like the others.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hf_assets.classifiers.evaluation.baselines import constant_scores
from hf_assets.classifiers.evaluation.blending import BYTES, tune
from hf_assets.classifiers.evaluation.models import (
    ScoredModel,
    require_same_labels,
    rows_of,
    scored_models,
    stored_artefacts,
)
from hf_assets.classifiers.evaluation.results import (
    BASELINE,
    COLUMNS,
    CONSTANT,
    FLOOR,
    HELPED,
    INT8,
    LABELS,
    NOTHING,
    TABLE,
    TFIDF,
    BaselineRecord,
    Blend,
    Leaderboard,
    LeaderboardRecord,
    TfidfBaseline,
    best_int8,
)
from hf_assets.classifiers.metrics import bootstrap_micro_f1, label_f1, predicted_at, scores_at
from hf_assets.classifiers.provenance import (
    STEPS,
    corpus_fingerprint,
    require_current,
    require_same_corpus,
)
from hf_assets.classifiers.records import FingerprintedStep, MadeFrom
from hf_assets.classifiers.speed import instructions, machine, timed
from hf_assets.classifiers.tfidf import TfIdf, blended
from hf_assets.corpora.corpus import Corpus, Split
from hf_assets.errors import InputError
from hf_assets.progress import ItemLog
from hf_assets.storage.json_files import read_record
from hf_assets.storage.lake import today

Tell = Callable[[str], None]


def measure(
    corpus: Corpus,
    baseline: Path,
    models: Mapping[str, Path],
    log: Tell = lambda _: None,
    seed: int = 0,
    workers: int | None = None,
) -> Leaderboard:
    """Score and time every stored artefact; a base model that was not trained has no row.

    Args:
        corpus: whose test rows decide.
        baseline: the folder that `baselines.fit` filled.
        models: for each base model its folder, with classifier/, onnx/, quantized/ or some of them.
        log: a line of the run log.
        seed: of the bootstrap.
        workers: processes that answer; as many as there are cores by default.

    Raises:
        InputError: an artefact was made from another training or corpus, or is torn.
    """
    workers = workers or os.cpu_count() or 1
    test = corpus.split("test")
    if not test.texts:
        raise InputError(f"corpus {corpus.name} has no test rows: add texts")
    floors = read_record(baseline / "baseline.json", BaselineRecord)
    require_same_labels(corpus.labels, floors.labels, baseline)
    require_same_corpus(corpus, floors, "baseline")
    require_current(corpus, models.values(), tuple(STEPS))
    # Before the graphs are read: see `provenance`.
    graphs = {name: _graph_fingerprint(folder) for name, folder in models.items()}
    words = TfIdf.load(baseline / "tfidf.npz")
    table = [_floor(NOTHING, [], test, seed)]
    constant = [corpus.labels.index(label) for label in floors.constant.labels]
    table.append(_floor(CONSTANT, constant, test, seed))
    predicted: dict[tuple[str, str], np.ndarray] = {}
    lines = ItemLog(log, 1 + stored_artefacts(models))

    def score(model: ScoredModel, add: Tell = lines.add) -> None:
        with model.one_thread():
            pace, scores = timed(model.scores, model.batches, test.texts)
        # Answers from the timing are kept: only the remaining texts are scored now.
        if rest := test.texts[len(scores) :]:
            scores = np.concatenate([scores, model.scores(rest)])
        table.append(_row(model, scores, test, seed) | pace)
        if model.runtime in (INT8, HELPED):
            predicted[model.model, model.runtime] = predicted_at(scores, model.threshold)
        line = "{model}, {runtime}: micro-F1 {micro_f1:.3f}, {ms_p50:.2f} ms a text"
        add(line.format(**table[-1]))

    score(_tfidf(words, floors.tfidf))
    for model in scored_models(corpus.labels, models, workers):
        score(model)
    best = best_int8(_framed(table))
    labels, blend, small = pl.DataFrame(schema=LABELS.schema), None, None
    if best is not None:
        served = next(scored_models(corpus.labels, {best: models[best]}, workers, (INT8,)))
        small = words.pruned(BYTES) if words.size > BYTES else words
        blend = _blend(served, small, corpus.split("validation"), log)
        if blend is not None:
            score(_helped(served, small, blend), log)
        labels = _labels(corpus, test, predicted[best, HELPED if blend else INT8])
    record = LeaderboardRecord(
        corpus=corpus.name,
        labels=len(corpus.labels),
        test_rows=len(test.texts),
        seed=seed,
        day=today(),
        machine=machine(),
        instructions=instructions(),
        best=best,
        blend=blend,
        made_from=MadeFrom(corpus=corpus_fingerprint(corpus), int8=best and graphs[best]),
    )
    return Leaderboard(_framed(table), labels, record, small if blend else None)


def _graph_fingerprint(model: Path) -> str | None:
    path = model / "quantized" / STEPS["quantized"][1]
    return read_record(path, FingerprintedStep).fingerprint if path.parent.is_dir() else None


def _floor(name: str, columns: list[int], test: Split, seed: int) -> dict[str, Any]:
    scores = constant_scores(test.targets.shape, columns)
    return {"model": name, "runtime": FLOOR} | _scored(scores, 0.5, test, seed)


def _row(model: ScoredModel, scores: np.ndarray, test: Split, seed: int) -> dict[str, Any]:
    return {
        "model": model.model,
        "runtime": model.runtime,
        "strategy": model.strategy,
        "validation_micro_f1": model.validation,
        "size_bytes": model.size,
        "training_seconds": model.seconds,
        "threshold_distance": model.distance,
        "threshold_rows": model.threshold_rows,
        **model.lost,
    } | _scored(scores, model.threshold, test, seed)


def _scored(scores: np.ndarray, threshold: float, test: Split, seed: int) -> dict[str, Any]:
    low, high = bootstrap_micro_f1(test.targets, predicted_at(scores, threshold), seed)
    measures = scores_at(test.targets, scores, threshold)
    return measures | {"micro_f1_low": low, "micro_f1_high": high}


def _tfidf(words: TfIdf, record: TfidfBaseline) -> ScoredModel:
    return ScoredModel(
        model=TFIDF, runtime=BASELINE, threshold=record.threshold, size=record.bytes,
        distance=record.threshold_rule.distance if record.threshold_rule else None,
        threshold_rows=rows_of(record.threshold_rule),
        validation=record.validation["micro_f1"], seconds=record.seconds, scores=words.scores,
        batches=words.scores,
    )  # fmt: skip


def _blend(served: ScoredModel, words: TfIdf, validation: Split, log: Tell) -> Blend | None:
    blend = tune(
        validation.targets, served.scores(validation.texts), words.scores(validation.texts)
    )
    gain = blend.gain or 0.0
    log(
        f"{served.model}, {INT8}: the best on validation, micro/macro-F1 {blend.alone:.3f}/"
        f"{blend.macro_alone or 0:.3f} alone and {blend.micro_f1:.3f}/{blend.macro_f1 or 0:.3f} "
        f"with {blend.weight:.3g} x TF-IDF; micro-F1 gain {gain:+.4f} on rows that "
        "chose neither weight nor threshold"
    )
    return blend if gain > 0 and blend.weight else None


def _helped(served: ScoredModel, words: TfIdf, blend: Blend) -> ScoredModel:
    def both(scores: Callable[[Sequence[str]], np.ndarray]) -> Any:
        return lambda texts: blended(scores(texts), words.scores(texts), blend.weight)

    return replace(
        served, runtime=HELPED, threshold=blend.threshold, validation=blend.micro_f1, lost={},
        distance=blend.threshold_rule.distance if blend.threshold_rule else None,
        threshold_rows=rows_of(blend.threshold_rule),
        size=served.size + words.size, scores=both(served.scores), batches=both(served.batches),
    )  # fmt: skip


def _framed(table: list[dict[str, Any]]) -> pl.DataFrame:
    rows = [{name: row.get(name) for name in COLUMNS} for row in table]
    frame = pl.DataFrame(rows, schema=TABLE.schema)
    tfidf = frame.filter(model=TFIDF)["micro_f1"]
    gain = pl.col("micro_f1") - (tfidf[0] if len(tfidf) else None)
    # Equal scores, as torch's and its graph's often are, stay in the order they came in.
    return frame.with_columns(gain_over_tfidf=gain).sort(
        "micro_f1", descending=True, maintain_order=True
    )


def _labels(corpus: Corpus, test: Split, predicted: np.ndarray) -> pl.DataFrame:
    training = corpus.split("train").targets.sum(axis=0, dtype=np.int64)
    columns = {
        "label": list(corpus.labels),
        "training_rows": training,
        "test_rows": test.targets.sum(axis=0, dtype=np.int64),
        "f1": label_f1(test.targets, predicted),
    }
    return pl.DataFrame(columns, schema=LABELS.schema).with_columns(pl.col("f1").fill_nan(None))
