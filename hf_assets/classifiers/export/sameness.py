"""Measures how far a graph's answers lie apart: alone, in batches, on threads, at each level."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime

from hf_assets.classifiers.records import Sameness
from hf_assets.classifiers.tagger import Tagger

# Scores that differ by this much at most are the same.
SAME = 1e-4
TEXTS, ROWS = 24, 8
_LEVEL = onnxruntime.GraphOptimizationLevel
_OTHER_LEVELS = (_LEVEL.ORT_DISABLE_ALL, _LEVEL.ORT_ENABLE_BASIC, _LEVEL.ORT_ENABLE_EXTENDED)


def measure_sameness(tagger: Tagger, texts: list[str]) -> Sameness:
    """The differences over the first texts, 24 at most.

    Args:
        tagger: serves the graph.
        texts: at least one.
    """
    texts = texts[:TEXTS]
    alone = [[text] for text in texts]
    # As they come: a batch has long and short texts, and padding.
    together = [texts[at : at + ROWS] for at in range(0, len(texts), ROWS)]
    usual = _scores(tagger, alone)
    ways = {
        "batches": [_scores(tagger, together)],
        "threads": [_scores(tagger, alone, threads=2), _scores(tagger, together, threads=2)],
        "levels": [_scores(tagger, alone, level=level) for level in _OTHER_LEVELS],
    }
    labels = usual >= np.float32(tagger.threshold)
    others = np.stack([found for scores in ways.values() for found in scores])
    changed = ((others >= np.float32(tagger.threshold)) != labels).any(axis=(0, 2))
    return Sameness(
        texts=len(texts),
        labels=int(changed.sum()),
        **{name: float(np.abs(np.stack(found) - usual).max()) for name, found in ways.items()},
    )


def _scores(
    tagger: Tagger,
    groups: list[list[str]],
    threads: int = 1,
    level: onnxruntime.GraphOptimizationLevel = _LEVEL.ORT_ENABLE_ALL,
) -> np.ndarray:
    session = _session(tagger.path, threads, level)
    return np.concatenate(list(_answers(session, tagger, groups)))


def _session(
    path: Path, threads: int, level: onnxruntime.GraphOptimizationLevel
) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = level
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])


def _answers(
    session: onnxruntime.InferenceSession, tagger: Tagger, groups: list[list[str]]
) -> Iterator[np.ndarray]:
    for group in groups:
        logits = np.asarray(session.run(["logits"], tagger.feed(group))[0], np.float32)
        with np.errstate(over="ignore"):
            yield 1 / (1 + np.exp(-logits))
