"""Trainings of small corpora, and the score that each must beat."""

from pathlib import Path
from typing import Any

import numpy as np

from hf_assets.classifiers.metrics import micro_f1
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.train import train
from hf_assets.corpora.corpus import Corpus

HEAD = Recipe(strategy="head", max_length=32)
SHORT = Recipe(epochs=2, batch_size=16, max_length=24)


def floor(corpus: Corpus) -> float:
    """Micro-F1 of the best constant answer on validation."""
    targets = corpus.split("validation").targets
    commonest = np.argsort(-corpus.split("train").targets.sum(axis=0))
    constant = np.zeros((len(commonest) + 1, len(commonest)), np.uint8)
    for k in range(len(commonest)):
        constant[k + 1 :, commonest[k]] = 1
    return max(micro_f1(targets, np.tile(row, (len(targets), 1))) for row in constant)


def run(corpus: Corpus, encoder: Path, folder: Path, recipe: Recipe, **options: Any) -> Any:
    folder.mkdir(parents=True)
    work = options.pop("work", folder.parent / "work")
    return train(corpus, encoder, folder, recipe, work, **options)
