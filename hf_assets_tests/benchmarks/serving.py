"""`make bench-serving`: the int8 graph beside float32 ONNX and an int8 of an earlier version.

One run, in turn, on the test rows of the chain's corpus. `ARGS="--chain FOLDER"` names a folder as
`make bench-classifiers --folder` leaves it: corpus/, and a base model's onnx/ and quantized/.
`--before` names the int8 folder of an earlier version; without it, its ratios are left out. Parts
that need qemu or Node are skipped with a reason (`serving_elsewhere`).
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hf_assets.classifiers.export.sameness import measure_sameness
from hf_assets.classifiers.metrics import lost_f1, predicted_at
from hf_assets.classifiers.tagger import Tagger
from hf_assets.corpora.corpus import Split, open_corpus
from hf_assets_tests.benchmarks.classifiers import BASE
from hf_assets_tests.benchmarks.serving_elsewhere import logits_at, why_not

_LEVELS = ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED")


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chain", type=Path, required=True)
    parser.add_argument("--base", default=BASE)
    parser.add_argument("--quantized", type=Path, help="another int8 folder than the chain's")
    parser.add_argument("--before", type=Path, help="int8 folder of an earlier version")
    parser.add_argument("--texts", type=int, default=10_000, help="test rows for the loss")
    parser.add_argument("--long", type=int, default=200, help="long texts, timed alone")
    parser.add_argument("--titles", type=int, default=10_000, help="titles, timed in bulk")
    parser.add_argument("--emulated", type=int, default=100, help="texts on emulated AVX2")
    parser.add_argument("--others", type=int, default=1000, help="texts in Node and at each level")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("bench-serving.json"))
    options = parser.parse_args()
    if not (options.chain / "corpus" / "facts.json").exists():
        print(f"--chain: {options.chain} holds no corpus/", file=sys.stderr)
        return 2
    figures = _bench(options)
    options.out.write_text(json.dumps(figures, indent=1))
    print(f"\nwritten to {options.out}")
    return 0


def _bench(options: argparse.Namespace) -> dict[str, float]:
    folder = options.chain / options.base
    test = open_corpus(options.chain / "corpus").split("test")
    paths = {"int8": options.quantized or folder / "quantized", "fp32": folder / "onnx"}
    if options.before:
        paths["before"] = options.before
    taggers = {
        name: Tagger.load(path, threads=options.threads, words=False)
        for name, path in paths.items()
    }
    figures: dict[str, float] = {}

    def goal(name: str, value: float, goal: str) -> None:
        figures[name] = value
        print(f"  → {name}: {value:.4g}   (goal {goal})", flush=True)

    int8, fp32 = taggers["int8"], taggers["fp32"]
    size = int8.path.stat().st_size / fp32.path.stat().st_size
    goal("bytes over fp32", size, "≤ 0.22")
    _loss(taggers, test, options.texts, goal)
    _sameness(int8, test.texts, goal)
    _pace(taggers, test.texts, options, goal)
    _elsewhere(taggers, test.texts, options, goal)
    return figures


Goal = Callable[[str, float, str], None]


def _loss(taggers: dict[str, Tagger], test: Split, most: int, goal: Goal) -> None:
    texts, targets = test.texts[:most], test.targets[:most]
    threshold = taggers["fp32"].threshold
    float32 = predicted_at(taggers["fp32"].scores(texts), threshold)
    for name, tagger in taggers.items():
        if name == "fp32":
            continue
        lost = lost_f1(targets, float32, predicted_at(tagger.scores(texts), threshold), seed=0)
        for of, found, allowed in zip(("micro", "macro"), lost, ("0.3", "0.6"), strict=True):
            interval = f"{100 * found.low:.2f} to {100 * found.high:.2f}"
            words = f"{name}: {of}-F1 points lost on {len(texts)} texts ({interval})"
            goal(words, 100 * found.value, f"≤ {allowed}")


def _sameness(tagger: Tagger, texts: Sequence[str], goal: Goal) -> None:
    same = measure_sameness(tagger, list(texts))
    goal("alone against a batch, largest difference of a score", same.batches, "≤ 1e-4")
    goal("one thread against two, largest difference of a score", same.threads, "≤ 1e-4")
    goal(f"texts with other labels, of {same.texts}", same.labels, "0")


def _pace(
    taggers: dict[str, Tagger], texts: Sequence[str], options: argparse.Namespace, goal: Goal
) -> None:
    """Seconds in turn, text by text; of titles in bulk, chunk by chunk."""
    int8 = taggers["int8"]
    long = [text for text in texts if int8.feed([text])["input_ids"].size >= int8.max_length]
    spent: dict[str, list[float]] = {name: [] for name in taggers}
    for text in [*long[:10], *long[: options.long]]:
        for name, tagger in taggers.items():
            spent[name].append(_seconds(tagger, [text], together=False))
    alone = {name: float(np.median(found[10:])) for name, found in spent.items()}
    print({name: f"{1000 * found:.1f} ms" for name, found in alone.items()})
    goal("long texts alone over fp32, texts/s", alone["fp32"] / alone["int8"], "≥ 2.2")
    if "before" in alone:
        goal("long texts alone over before, texts/s", alone["before"] / alone["int8"], "≥ 0.95")
    titles = [text.partition("\n")[0] for text in texts]
    titles = (titles * (1 + options.titles // max(1, len(titles))))[: options.titles]
    other = "before" if "before" in taggers else "fp32"
    bulk = {"int8": 0.0, other: 0.0}
    for at in range(0, len(titles), 500):
        for name in bulk:
            bulk[name] += _seconds(taggers[name], titles[at : at + 500], together=name == "int8")
    print({name: f"{len(titles) / found:.0f} titles/s" for name, found in bulk.items()})
    goal(f"titles in bulk over {other} alone", bulk[other] / bulk["int8"], "≥ 1.5")


def _seconds(tagger: Tagger, texts: list[str], *, together: bool) -> float:
    began = time.perf_counter()
    for group in [texts] if together else [[text] for text in texts]:
        tagger.scores(group)
    return time.perf_counter() - began


def _elsewhere(
    taggers: dict[str, Tagger], texts: Sequence[str], options: argparse.Namespace, goal: Goal
) -> None:
    for name in ("int8", "before"):
        if name not in taggers:
            continue
        tagger = taggers[name]
        here = _sigmoid(logits_at("here", tagger, texts[: options.others]))
        ways = [("here", level, options.others) for level in _LEVELS]
        ways += [("qemu", "ORT_ENABLE_ALL", options.emulated), ("node", "", options.others)]
        for place, level, count in ways:
            words = f"{name}: {level}" if place == "here" else f"{name}: {place}"
            if place != "here" and (reason := why_not(place)):
                print(f"  {words} is skipped: {reason}")
                continue
            own = here[:count]
            there = _sigmoid(logits_at(place, tagger, texts[:count], level))
            labels = (there >= tagger.threshold) != (own >= tagger.threshold)
            goal(
                f"{words}, largest difference of a score", float(np.abs(there - own).max()), "said"
            )
            share = 100 * float(labels.any(axis=1).mean())
            goal(f"{words}, % of {len(own)} texts with other labels", share, "≤ 0.5")


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


if __name__ == "__main__":
    sys.exit(main())
