"""What a card says of the int8 graph: what it loses, and what changes its answers."""

from collections.abc import Mapping
from typing import Any

from hf_assets.classifiers.quality import LEAST_TEXTS

# What the release of hf_assets measured with models of its own corpora: `make bench-serving`.
_ELSEWHERE = (
    "Other processors, with a model of this kind: of 12 texts on an emulated one with AVX2 and "
    "without VNNI, and of 299 in WebAssembly (Node), no score differed by more than 1e-06. ARM was "
    "not tried."
)


def sameness(quantization: Mapping[str, Any]) -> str:
    """Whether the batch, threads and onnxruntime's level change an answer, and by how much.

    Args:
        quantization: of config.json; empty in folders of earlier versions.
    """
    if not quantization.get("batches"):
        return (
            "is scored as it is served: one text at a time, unpadded, since a neighbour in the "
            "batch would change its answer."
        )
    texts = quantization.get("texts")
    measured = f"Of {texts} texts" if texts else "Of the texts that were measured"
    largest = max(float(quantization.get("largest_difference", 0.0)), 1e-6)
    return (
        "adds up whole numbers, so that neither a neighbour in the batch nor the order of a sum "
        f"changes an answer. {measured}, alone, in padded batches, with two threads and at "
        f"each level of onnxruntime's optimisation, no score differs by more than {largest:.0e}."
    )


def elsewhere(quantization: Mapping[str, Any]) -> str:
    """What other processors do to an answer."""
    if quantization.get("batches"):
        return _ELSEWHERE
    return (
        "Rounding to int8 amplifies last bits, which other processors compute otherwise: with "
        "models like this a score moved by up to 0.11 where a processor has AVX2 and no VNNI, and "
        "by up to 0.05 in WebAssembly."
    )


def lost(graph: Mapping[str, Any], texts: int) -> str:
    """What quantisation lost, in points with intervals; empty where it was not measured so.

    Args:
        graph: its row of the leaderboard.
        texts: of validation, on which it was measured.
    """
    if graph.get("macro_f1_lost") is None:
        return ""
    losses = " and ".join(
        f"{100 * graph[name]:.2f} points of {words} "
        f"({100 * graph[f'{name}_low']:.2f} to {100 * graph[f'{name}_high']:.2f})"
        for name, words in (("micro_f1_lost", "micro-F1"), ("macro_f1_lost", "macro-F1"))
    )
    return (
        f" Against float32 it loses {losses}, at float32's threshold, on validation rows that did "
        "not choose it."
        + (f" {texts} rows are too few to show what is lost." if texts < LEAST_TEXTS else "")
    )
