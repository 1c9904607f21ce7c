"""A fine-tuning as a recipe wants it: head start, threads, a teacher of each fold, the student.

Each of its trainings goes on by itself: a teacher that has ended leaves its answers, an interrupted
one its checkpoints, and a run that finds them takes them.
"""

from collections.abc import Callable
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import torch

from hf_assets.classifiers.techniques.folds import (
    LEAST_ROWS,
    Answers,
    Fold,
    folds,
    rows_of,
    softened,
)
from hf_assets.classifiers.techniques.label_names import SAMPLE, NamedStart, named_start, wording
from hf_assets.classifiers.techniques.rates import frozen_below
from hf_assets.classifiers.techniques.threads import threads_for
from hf_assets.classifiers.training.batches import pad_id, padded, token_ids
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.devices import device, torch_threads
from hf_assets.classifiers.training.finetuning import Course, fit, steps_of
from hf_assets.classifiers.training.network import TagNetwork, features
from hf_assets.classifiers.training.objective import (
    TrainingResult,
    prior_bias,
    summed_loss,
    validated,
)
from hf_assets.corpora.corpus import Split
from hf_assets.storage.folders import remove_folder


@dataclass(frozen=True)
class _Tuning:
    """What the trainings of a fine-tuning share.

    Attributes:
        network: as it is before any training.
        head: what a head starts with, where it starts from names.
        threads: of each step.
    """

    network: TagNetwork
    tokenizer: Any
    recipe: Recipe
    work: Path
    log: Callable[[str], None]
    progress: Callable[[int, int], None]
    head: NamedStart | None
    threads: int


def finetune(
    network: TagNetwork,
    tokenizer: Any,
    train: Split,
    validation: Split,
    recipe: Recipe,
    work: Path,
    log: Callable[[str], None],
    progress: Callable[[int, int], None],
) -> TrainingResult:
    """Train `network` in place; it is left with the weights of its best epoch.

    Args:
        work: a folder for checkpoints of this very training and no other.
        progress: called after each step with steps done and steps in all, those of teachers too.

    Raises:
        TrainingError: the loss is no number.
    """
    parts = folds(len(train.texts), recipe.teachers or 0, recipe.seed)
    if recipe.teachers and not parts:
        log(f"no teachers: {len(train.texts)} rows are fewer than {LEAST_ROWS} for each of them")
    head = _head_start(network, tokenizer, train, recipe, log)
    threads = torch.get_num_threads()
    if device().kind == "cpu":
        threads = threads_for(
            _step(network, tokenizer, train, recipe), work, recipe.threads or None, log
        )
    tuning = _Tuning(network, tokenizer, recipe, work, log, progress, head, threads)
    courses = _courses(train, parts, recipe)
    answered = [
        _taught(tuning, train, part, work / f"teacher-{at + 1}.npz", courses[at])
        for at, part in enumerate(parts)
    ]
    student = train
    if parts:
        mixed = softened(
            train.targets, zip(parts, answered, strict=True), recipe.teacher_share or 0.0
        )
        student = replace(train, targets=mixed)
    learning = _fresh(tuning, train)
    with torch_threads(threads):
        past = fit(
            learning, tokenizer, student, validation, recipe, work, log, progress, courses[-1]
        )
    network.load_state_dict(learning.state_dict())
    rows = sum(len(part.others) for part in parts) * (recipe.teacher_epochs or 1)
    seconds = sum(each.seconds for each in answered)
    return past.result(len(train.texts), threads, rows, seconds)


def _courses(train: Split, parts: list[Fold], recipe: Recipe) -> list[Course]:
    """The trainings in their order, the student the last."""
    epochs = [recipe.teacher_epochs or 1] * len(parts) + [recipe.epochs]
    rows = [len(part.others) for part in parts] + [len(train.texts)]
    steps = [steps_of(*of) for of in zip(rows, [recipe] * len(rows), epochs, strict=True)]
    names = [f"teacher {at + 1} of {len(parts)}" for at in range(len(parts))]
    names.append("student" if parts else "")
    # A teacher has a seed of its own; the student has the recipe's, with teachers or without.
    return [
        Course(
            name,
            epochs[at],
            recipe.seed + (at + 1) % len(names),
            sum(steps[:at]),
            sum(steps[at + 1 :]),
        )
        for at, name in enumerate(names)
    ]


def _taught(tuning: _Tuning, train: Split, part: Fold, stored: Path, course: Course) -> Answers:
    """A teacher's answers to its own rows: those that are stored, or of a training now."""
    if stored.exists():
        tuning.log(f"{course.name}: an interrupted run left its answers")
        return Answers.load(stored)
    recipe = tuning.recipe
    rows, own = rows_of(train, part.others), rows_of(train, part.own)
    network = _fresh(tuning, rows)
    checkpoints = stored.with_suffix("")
    checkpoints.mkdir(exist_ok=True)
    with ExitStack() as held:
        # Half a step of a small encoder goes into its vocabulary; a teacher does without.
        held.enter_context(frozen_below(network.encoder))
        held.enter_context(torch_threads(tuning.threads))
        past = fit(
            network, tuning.tokenizer, rows, None, recipe, checkpoints, tuning.log,
            tuning.progress, course,
        )  # fmt: skip
    started = monotonic()
    read = features(
        network, tuning.tokenizer, own.texts, recipe.batch_size, dtype=device().dtype(recipe)
    )
    with torch_threads(tuning.threads), torch.no_grad():
        logits = network.head(torch.from_numpy(read).to(network.head.weight.device))
        scores = torch.sigmoid(logits).half().cpu().numpy()
    answers = Answers(scores, past.seconds + monotonic() - started)
    reached = validated(own.targets, scores.astype("float32"))
    tuning.log(
        f"{course.name}: {len(rows.texts)} rows in {answers.seconds:.0f} s; on the other "
        f"{len(own.texts)} it has micro-F1 {100 * reached['micro_f1']:.1f} %, macro-F1 "
        f"{100 * reached['macro_f1']:.1f} %"
    )
    answers.save(stored)
    remove_folder(checkpoints)
    return answers


def _fresh(tuning: _Tuning, train: Split) -> TagNetwork:
    """A copy of the network as it is before any training, with a head for these rows.

    A copy, as what Trainer leaves on a network moves the last bits of the next training: one that
    goes on would end elsewhere.
    """
    network, head = deepcopy(tuning.network), tuning.head
    prior = prior_bias(train.targets)
    with torch.no_grad():
        if head is not None:
            network.head.weight.copy_(head.weight)
            prior = head.bias(prior)
        network.head.bias.copy_(prior)
    return network


def _head_start(
    network: TagNetwork,
    tokenizer: Any,
    train: Split,
    recipe: Recipe,
    log: Callable[[str], None],
) -> NamedStart | None:
    """What the encoder says of the labels' names, or None where the recipe has none of it."""
    if (recipe.head_start or "random") == "random":
        return None
    some = rows_of(
        train, torch.randperm(len(train.texts), generator=_draws(recipe))[:SAMPLE].numpy()
    )
    names, texts = (
        features(network, tokenizer, each, recipe.batch_size)
        for each in ([wording(label) for label in network.labels], some.texts)
    )
    with torch_threads(1):  # the same to the last bit on any number of them
        start = named_start(names, texts, some.targets, prior_bias(train.targets))
    if start.deviation:
        log(f"the head starts from the names of the labels, logits deviate by {start.deviation:g}")
    else:
        log("the head starts at 0: the names of the labels tell nothing of the texts")
    return start


def _step(network: TagNetwork, tokenizer: Any, train: Split, recipe: Recipe) -> Callable[[], None]:
    """A training step on the first rows that changes no weight and draws no random number."""
    some = rows_of(train, range(min(recipe.batch_size, len(train.texts))))
    rows = token_ids(tokenizer, some.texts, recipe.max_length)
    inputs = padded(rows, pad_id(tokenizer))
    targets, here = torch.from_numpy(some.targets), device()

    def step() -> None:
        network.train()
        with torch.random.fork_rng(devices=[]), here.autocast(here.dtype(recipe)):
            summed_loss(network(**inputs), targets).backward()
        network.zero_grad(set_to_none=True)

    return step


def _draws(recipe: Recipe) -> torch.Generator:
    return torch.Generator().manual_seed(recipe.seed)
