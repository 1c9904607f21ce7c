"""How a corpus of few rows is trained: by the way that answers rows best that it did not see.

Five ways are compared by cross-validation on the training rows: centroids, or least squares, or a
linear head trained in steps, on the frozen encoder; centroids on an encoder that was first tuned on
pairs of texts; and the recipe's fine-tuning. Validation, of a few dozen rows here, is too
small to choose by.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hf_assets.classifiers.few_rows import pairs
from hf_assets.classifiers.few_rows.directions import Directions, Scale
from hf_assets.classifiers.techniques.folds import rows_of
from hf_assets.classifiers.thresholds import choose_threshold
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.devices import device
from hf_assets.classifiers.training.heads import Head, fit_head
from hf_assets.classifiers.training.network import TagNetwork, features, predict
from hf_assets.classifiers.training.objective import TrainingResult, summed_loss
from hf_assets.classifiers.training.record import (
    FEW_ROWS,
    EpochScores,
    FewRows,
    FewRowsCandidate,
)
from hf_assets.classifiers.training.train import Fit, Fitted
from hf_assets.corpora.corpus import Corpus, Split

_FOLDS = 3
# Of F1: a dearer way must be better by this share.
_WORTH = 0.01
# Processor seconds of each thread that a way may take; what would take longer is left out. Not
# seconds by the clock: what else the machine does must not choose another way.
_SECONDS = 600.0
_FROZEN = {
    "centroids": Directions.of_centroids,
    "least_squares": Directions.of_least_squares,
}


@dataclass(frozen=True)
class Way:
    """A way to learn, tried.

    Attributes:
        scores: float32 [rows, labels], of each training row by a fold that did not see it.
        scale: of its answers; None of a linear head.
    """

    candidate: FewRowsCandidate
    scores: np.ndarray
    scale: Scale | None = None

    @property
    def mean_f1(self) -> float:
        """Of micro- and macro-F1: the rows count, and every label does."""
        return (self.candidate.micro_f1 + self.candidate.macro_f1) / 2


def fit_for(corpus: Corpus, below: int = FEW_ROWS) -> Fit | None:
    """The `fit` of a corpus with fewer training rows than that; None for others.

    And for one or two rows: a fold would be left with none, or with no pair, to learn from.
    """
    few = _FOLDS <= len(corpus.split("train").texts) < below
    return partial(fit, below=below) if few else None


def fit(
    network: TagNetwork,
    tokenizer: Any,
    train: Split,
    validation: Split,
    recipe: Recipe,
    log: Callable[[str], None],
    *,
    below: int = FEW_ROWS,
    seconds: float = _SECONDS,
) -> Fitted:
    """Train `network` in place by the best way; a `Fit` of `train`.

    The strategy "head" leaves the encoder as it is: pairs and fine-tuning are then no candidates.
    """
    began = time.monotonic()
    dtype = network.computed(device().dtype(recipe))
    seen = features(network, tokenizer, train.texts, recipe.batch_size, log, dtype=dtype)
    beside = features(network, tokenizer, validation.texts, recipe.batch_size, log, dtype=dtype)
    ways = [
        *(_frozen(name, seen, train.targets, recipe) for name in _FROZEN),
        _linear(seen, train, beside, validation, recipe),
    ]
    if recipe.strategy == "finetune":
        ways.append(_pairs(network, tokenizer, train, recipe, seconds, log))
        ways.append(_finetuned(network, tokenizer, train, validation, recipe, seconds, log))
    # The cheapest first: a later one must be worth it.
    best = ways[0]
    for way in ways[1:]:
        if not way.candidate.left_out and way.mean_f1 > best.mean_f1 + _WORTH:
            best = way
    name, losses = best.candidate.name, []
    if name == "pairs":
        losses = pairs.tune(network, tokenizer, train.texts, train.targets, recipe, log)
        seen, beside = (
            features(network, tokenizer, split.texts, recipe.batch_size, log, dtype=dtype)
            for split in (train, validation)
        )
    if name == "finetune":
        learned = _finetune(network, tokenizer, train, validation, recipe, log)
    elif best.scale:
        head = _FROZEN.get(name, Directions.of_centroids)(seen, train.targets).head(best.scale)
        learned = _history(head, seen, train, beside, validation, losses)
        network.normalised = True
    else:
        head, learned = fit_head(seen, train.targets, beside, validation.targets, recipe.seed, log)
    network.cpu()
    if name != "finetune":
        network.head.load_state_dict(asdict(head))
    spent = time.monotonic() - began
    pace = len(train.texts) / max(spent, 1e-9)
    result = replace(learned, seconds=spent, samples_per_second=pace)
    choice = _choice(best, ways, below)
    log(f"few rows: {choice.why}")
    strategy = "finetune" if name in {"pairs", "finetune"} else "head"
    return Fitted(result, strategy, choice, train.targets, best.scores)


def _choice(best: Way, ways: list[Way], below: int) -> FewRows:
    said = "; ".join(
        f"{way.candidate.name} "
        + (
            way.candidate.left_out
            or f"{100 * way.candidate.micro_f1:.1f} / {100 * way.candidate.macro_f1:.1f}"
        )
        for way in ways
    )
    why = (
        f"{best.candidate.name} has the best mean of micro- and macro-F1 of training rows, in "
        f"{_FOLDS} folds, of ways worth their cost ({said}, in %)"
    )
    return FewRows(best.candidate.name, why, below, _FOLDS, [way.candidate for way in ways])


def _folds(rows: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions of the rows to learn from and of those to answer, ascending, fold by fold."""
    order = np.random.default_rng(seed).permutation(rows)
    for at in range(_FOLDS):
        own = np.sort(order[at::_FOLDS])
        yield np.setdiff1d(order, own), own


def _measured(
    name: str, targets: np.ndarray, scores: np.ndarray, began: float, scale: Scale | None = None
) -> Way:
    chosen = choose_threshold(targets, scores)
    candidate = FewRowsCandidate(
        name, chosen.micro_f1, chosen.macro_f1, round(time.monotonic() - began, 2)
    )
    return Way(candidate, scores, scale)


def _frozen(name: str, seen: np.ndarray, targets: np.ndarray, recipe: Recipe) -> Way:
    began, learn = time.monotonic(), _FROZEN[name]
    answers = np.zeros(targets.shape, np.float32)
    for others, own in _folds(len(seen), recipe.seed):
        answers[own] = learn(seen[others], targets[others]).answers(seen[own])
    scale = Scale.of(answers, targets)
    return _measured(name, targets, scale.scores(answers), began, scale)


def _linear(
    seen: np.ndarray, train: Split, beside: np.ndarray, validation: Split, recipe: Recipe
) -> Way:
    began = time.monotonic()
    scores = np.zeros(train.targets.shape, np.float32)
    for others, own in _folds(len(seen), recipe.seed):
        # Validation ends it early, not the rows that it is measured on.
        head, _ = fit_head(
            seen[others], train.targets[others], beside, validation.targets, recipe.seed
        )
        logits = torch.from_numpy(seen[own]) @ head.weight.T + head.bias
        scores[own] = torch.sigmoid(logits).numpy()
    return _measured("linear", train.targets, scores, began)


def _processor_seconds() -> float:
    """Of this process, a thread."""
    return time.process_time() / torch.get_num_threads()


def _left_out(
    name: str, began: float, spent: float, fold: int, seconds: float
) -> FewRowsCandidate | None:
    """The way as one that is left out, where its folds so far say that it would take too long."""
    # The last one, on all rows, takes as long as a fold and a half.
    if fold == _FOLDS or spent / fold * (_FOLDS + 1.5) <= seconds:
        return None
    why = f"left out: it would take more than {seconds:.0f} s of a processor a thread"
    return FewRowsCandidate(name, seconds=round(time.monotonic() - began, 2), left_out=why)


def _by_folds(
    name: str,
    answer: Callable[[np.ndarray, np.ndarray], np.ndarray],
    train: Split,
    recipe: Recipe,
    seconds: float,
    log: Callable[[str], None],
    scaled: Callable[[np.ndarray], Scale | None] = lambda _: None,
) -> Way:
    """A way that trains an encoder in each fold; left out where that would take too long.

    Args:
        answer: answers to the rows of the second positions, by what it learns from the first.
        scaled: of all answers, what makes probabilities of them; None where they are.
    """
    began, spent_before = time.monotonic(), _processor_seconds()
    answers = np.zeros(train.targets.shape, np.float32)
    for fold, (others, own) in enumerate(_folds(len(train.texts), recipe.seed), start=1):
        log(f"{name}: fold {fold} of {_FOLDS}")
        answers[own] = answer(others, own)
        spent = _processor_seconds() - spent_before
        if left_out := _left_out(name, began, spent, fold, seconds):
            return Way(left_out, answers)
    scale = scaled(answers)
    scores = scale.scores(answers) if scale else answers
    return _measured(name, train.targets, scores, began, scale)


def _pairs(
    network: TagNetwork,
    tokenizer: Any,
    train: Split,
    recipe: Recipe,
    seconds: float,
    log: Callable[[str], None],
) -> Way:
    dtype = network.computed(device().dtype(recipe))

    def answer(others: np.ndarray, own: np.ndarray) -> np.ndarray:
        tuned, learnt = deepcopy(network), rows_of(train, others)
        pairs.tune(tuned, tokenizer, learnt.texts, learnt.targets, recipe, log)
        states = features(tuned, tokenizer, train.texts, recipe.batch_size, dtype=dtype)
        return Directions.of_centroids(states[others], learnt.targets).answers(states[own])

    return _by_folds(
        "pairs", answer, train, recipe, seconds, log, partial(Scale.of, targets=train.targets)
    )


def _finetuned(
    network: TagNetwork,
    tokenizer: Any,
    train: Split,
    validation: Split,
    recipe: Recipe,
    seconds: float,
    log: Callable[[str], None],
) -> Way:
    def answer(others: np.ndarray, own: np.ndarray) -> np.ndarray:
        tuned = deepcopy(network)
        _finetune(tuned, tokenizer, rows_of(train, others), validation, recipe, log)
        return predict(tuned, tokenizer, [train.texts[i] for i in own], recipe.batch_size)

    return _by_folds("finetune", answer, train, recipe, seconds, log)


def _finetune(
    network: TagNetwork,
    tokenizer: Any,
    train: Split,
    validation: Split,
    recipe: Recipe,
    log: Callable[[str], None],
) -> TrainingResult:
    """As the recipe has it, without what an interrupted run left: it is minutes of work."""
    from hf_assets.classifiers.training.distillation import finetune

    with tempfile.TemporaryDirectory() as work:
        return finetune(
            network, tokenizer, train, validation, recipe, Path(work), log, lambda *_: None
        )


def _history(
    head: Head,
    seen: np.ndarray,
    train: Split,
    beside: np.ndarray,
    validation: Split,
    losses: list[tuple[int, float]],
) -> TrainingResult:
    """One entry: centroids have no epochs."""

    def logits(states: np.ndarray) -> torch.Tensor:
        rows = torch.nn.functional.normalize(torch.from_numpy(states))
        return rows @ head.weight.T + head.bias

    answers = logits(beside)
    chosen = choose_threshold(validation.targets, torch.sigmoid(answers).numpy())
    entry = EpochScores(
        epoch=1,
        step=losses[-1][0] if losses else 1,
        loss=summed_loss(logits(seen), torch.from_numpy(train.targets)).item(),
        validation_loss=summed_loss(answers, torch.from_numpy(validation.targets)).item(),
        micro_f1=chosen.micro_f1,
        macro_f1=chosen.macro_f1,
        threshold=chosen.value,
    )
    return TrainingResult([entry], [(entry.step, entry.loss)], 0.0, 0.0, best=1)
