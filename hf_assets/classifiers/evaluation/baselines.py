"""The baselines of a classifier: two constant answers, and TF-IDF with a linear model.

They are fitted on training rows and tuned on validation rows; `leaderboard.py` scores them on test
rows.
"""

import os
import time
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.svm import LinearSVC

from hf_assets.classifiers.evaluation.results import (
    BaselineRecord,
    ConstantBaseline,
    TfidfBaseline,
)
from hf_assets.classifiers.metrics import scores_at
from hf_assets.classifiers.provenance import corpus_fingerprint
from hf_assets.classifiers.records import MadeFrom, RowCounts
from hf_assets.classifiers.speed import instructions, machine
from hf_assets.classifiers.tfidf import TfIdf, title_of
from hf_assets.classifiers.thresholds import choose_threshold
from hf_assets.corpora.corpus import Corpus, Split
from hf_assets.errors import InputError
from hf_assets.progress import TimedLog
from hf_assets.storage.json_files import write_record

# A term of one text tells nothing of others; of 106 k terms the last 6 k added no score.
LEAST_TEXTS, MOST_TERMS = 2, 100_000
# A term of the title as often as this: of questions on validation, 0.6 and 0.8 points of micro- and
# 2.7 and 4.7 of macro-F1.
TITLE = 3
# Non-zero cells of the texts times labels from which processes pay for their start: about 2 s.
WORTH_PROCESSES = 30_000_000
C = 0.5  # liblinear's: the weight of errors against that of large coefficients
Tell = Callable[[str], None]
# Of a label: terms with a weight, their weights as float16, and the bias.
_Fitted = tuple[np.ndarray, np.ndarray, float]


def fit(corpus: Corpus, folder: Path, log: Tell = lambda _: None, seed: int = 0) -> BaselineRecord:
    """Fit the floors and TF-IDF, write them into `folder`, and return the content of baseline.json.

    The constant answer is the k labels that most training rows have, with the k that is best on
    validation. TF-IDF's one threshold is tuned on validation as well, and its scores there are
    recorded; test rows are not read.

    Raises:
        InputError: the training texts have no words in common, or a split has no rows.
    """
    train, validation = corpus.split("train"), corpus.split("validation")
    for name, split in (("training", train), ("validation", validation)):
        if not split.texts or not corpus.labels:
            raise InputError(f"corpus {corpus.name} has no {name} rows with labels: add texts")
    columns = constant_columns(train.targets, validation.targets)
    began = time.perf_counter()
    model = fit_tfidf(train, log, seed)
    seconds = time.perf_counter() - began
    scores = model.scores(validation.texts)
    chosen = choose_threshold(validation.targets, scores)
    reached = scores_at(validation.targets, scores, chosen.value)
    log(
        f"TF-IDF: {len(model.terms):,} terms in {seconds:.0f} s, micro-F1 "
        f"{reached['micro_f1']:.3f} on validation at {chosen.value:.3f}"
    )
    model.save(folder / "tfidf.npz")
    record = BaselineRecord(
        corpus=corpus.name,
        made_from=MadeFrom(corpus=corpus_fingerprint(corpus)),
        labels=list(corpus.labels),
        rows=RowCounts(train=len(train.texts), validation=len(validation.texts)),
        seed=seed,
        machine=machine(),
        instructions=instructions(),
        constant=ConstantBaseline(
            k=len(columns),
            labels=[corpus.labels[column] for column in columns],
            validation=_constant_scores(validation.targets, columns),
        ),
        tfidf=TfidfBaseline(
            terms=len(model.terms),
            weights=len(model.weights),
            bytes=(folder / "tfidf.npz").stat().st_size,
            error_weight=C,
            seconds=round(seconds, 2),
            threshold=chosen.value,
            threshold_rule=chosen.rule,
            validation=reached,
        ),
    )
    write_record(folder / "baseline.json", record)
    return record


def constant_columns(train: np.ndarray, validation: np.ndarray) -> list[int]:
    """The columns of the best constant answer: as many of the commonest as pay on validation."""
    counts = train.sum(axis=0, dtype=np.int64)
    order = np.argsort(-counts, kind="stable")
    hits = np.cumsum(validation.sum(axis=0, dtype=np.int64)[order])
    if not len(hits) or not hits[-1]:
        return []
    f1 = 2 * hits / (len(validation) * np.arange(1, len(hits) + 1) + hits[-1])
    return order[: np.argmax(f1) + 1].tolist()


def constant_scores(shape: tuple[int, ...], columns: list[int]) -> np.ndarray:
    """Scores, float32, of an answer that is the same for every row: 1 in these columns, else 0."""
    scores = np.zeros(shape, np.float32)
    scores[:, columns] = 1
    return scores


def fit_tfidf(train: Split, log: Tell = lambda _: None, seed: int = 0) -> TfIdf:
    """One linear SVM a label over the TF-IDF of words and pairs of words.

    Raises:
        InputError: no word is in two of the texts.
    """
    terms, counts = _counted(train.texts)
    weighing = TfidfTransformer(sublinear_tf=True)
    weighed = weighing.fit_transform(counts)
    labels = train.targets.shape[1]
    log(f"TF-IDF: {weighed.shape[1]:,} terms in {len(train.texts):,} texts, {labels} labels")
    given = (weighed, np.asfortranarray(train.targets), seed)
    jobs = min(os.cpu_count() or 1, labels) if weighed.nnz * labels > WORTH_PROCESSES else 1
    if jobs == 1:
        fitted = _counted_off((_fit_label(label, *given) for label in range(labels)), labels, log)
    else:
        # Not threads: liblinear's random numbers are one stream a process, which they would share.
        with ProcessPoolExecutor(jobs, get_context("spawn"), _start, given) as pool:
            fitted = _counted_off(pool.map(_fit_label, range(labels), chunksize=4), labels, log)
    # One label's weights at a time in 16 bits: all of them dense would take gigabytes.
    starts = np.cumsum([0] + [len(given) for given, _, _ in fitted])
    rows = np.concatenate([given for given, _, _ in fitted])
    weights = np.concatenate([weights for _, weights, _ in fitted]).view(np.int16)
    by_term = csc_matrix((weights, rows, starts), shape=(weighed.shape[1], labels)).tocsr()
    return TfIdf(
        terms=tuple(terms),
        idf=weighing.idf_.astype(np.float32),
        starts=by_term.indptr,
        columns=by_term.indices.astype(np.min_scalar_type(max(labels - 1, 256))),
        weights=by_term.data.view(np.float16),
        scale=np.ones(labels, np.float32),
        bias=np.array([bias for _, _, bias in fitted], np.float32),
        title=TITLE,
    )


def _counted_off(fitted: Iterable[_Fitted], labels: int, log: Tell) -> list[_Fitted]:
    """The labels as they come, with a line now and then."""
    progress, ready = TimedLog(log, labels), []
    for label in fitted:
        ready.append(label)
        progress.at(len(ready), "TF-IDF: labels fitted")
    return ready


def _counted(texts: list[str]) -> tuple[list[str], csr_matrix]:
    """The terms, in alphabetical order, and how often each text has them, float32.

    Those of `LEAST_TEXTS` texts, and of them the commonest; of equally common ones the first. The
    vectorizer's own `max_features` takes whichever of them an unstable sort leaves in front, which
    depends on the processor. Terms of titles count `TITLE` times.
    """
    counter = CountVectorizer(ngram_range=(1, 2), min_df=LEAST_TEXTS, dtype=np.float32)
    try:
        counts = counter.fit_transform(texts)
    except ValueError as error:
        raise InputError(f"TF-IDF found no word that two training texts share: {error}") from error
    times = np.asarray(counts.sum(axis=0, dtype=np.float64)).ravel()
    kept = np.sort(np.argsort(-times, kind="stable")[:MOST_TERMS])
    counts += (TITLE - 1) * counter.transform(map(title_of, texts))
    return counter.get_feature_names_out()[kept].tolist(), counts[:, kept]


_given: tuple[csr_matrix, np.ndarray, int]


def _start(*given: Any) -> None:
    global _given
    _given = given


def _fit_label(label: int, *given: Any) -> _Fitted:
    weighed, targets, seed = given or _given
    target = targets[:, label]
    if target.all() or not target.any():
        return np.empty(0, np.int32), np.empty(0, np.float16), 1.0 if target.any() else -1.0
    with warnings.catch_warnings():
        # A label that is not quite there after 1000 rounds is scored like any other.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LinearSVC(C=C, random_state=seed).fit(weighed, target)
    weights = model.coef_[0].astype(np.float16)
    terms = np.flatnonzero(weights).astype(np.int32)
    return terms, weights[terms], float(model.intercept_[0])


def _constant_scores(targets: np.ndarray, columns: list[int]) -> dict[str, float]:
    return scores_at(targets, constant_scores(targets.shape, columns), 0.5)
