"""`make bench-serving`: the int8 graph beside float32 ONNX and an int8 of an earlier version.

One run, in turn, on the test rows of the chain's corpus. `ARGS="--chain FOLDER"` names a folder as
`make bench-classifiers --folder` leaves it: corpus/, and a base model's onnx/ and quantized/.
`--before` names the int8 folder of an earlier version; without it, its ratios are left out.
`--schemes` makes other int8 graphs of the same network and measures each of them, too. Parts that
need qemu or Node are skipped with a reason (`serving_elsewhere`).
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from hf_assets.classifiers.export.sameness import measure_sameness
from hf_assets.classifiers.metrics import lost_f1, predicted_at
from hf_assets.classifiers.tagger import Tagger
from hf_assets.corpora.corpus import Split, open_corpus
from hf_assets_tests.benchmarks.classifiers import BASE
from hf_assets_tests.benchmarks.serving_elsewhere import logits_at, why_not
from hf_assets_tests.benchmarks.serving_schemes import other_schemes

# Texts that a graph answers in its turn, after the first of them, which are not timed: the threads
# of the graph before it spin for 26 ms after an answer, and would share the cores.
_BLOCK, _WARM = 20, 10
_LEVELS = ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED")


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chain", type=Path, required=True)
    parser.add_argument("--base", default=BASE)
    parser.add_argument("--quantized", type=Path, help="another int8 folder than the chain's")
    parser.add_argument("--before", type=Path, help="int8 folder of an earlier version")
    parser.add_argument("--schemes", action="store_true", help="other ways to int8 beside it")
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
    with tempfile.TemporaryDirectory() as temporary:
        figures = _bench(options, Path(temporary))
    options.out.write_text(json.dumps(figures, indent=1))
    print(f"\nwritten to {options.out}")
    return 0


def _bench(options: argparse.Namespace, temporary: Path) -> dict[str, float]:
    folder = options.chain / options.base
    corpus = open_corpus(options.chain / "corpus")
    test = corpus.split("test")
    # More texts than those of test, where their labels do not matter.
    texts = [text for name in ("test", "validation", "train") for text in corpus.split(name).texts]
    paths = {"int8": options.quantized or folder / "quantized", "fp32": folder / "onnx"}
    if options.before:
        paths["before"] = options.before
    if options.schemes:
        paths |= other_schemes(folder / "onnx", temporary, corpus.split("train").texts)
    taggers = {
        name: Tagger.load(path, threads=options.threads, words=False)
        for name, path in paths.items()
    }
    figures: dict[str, float] = {}

    def goal(name: str, value: float, goal: str) -> None:
        figures[name] = value
        print(f"  → {name}: {value:.4g}   (goal {goal})", flush=True)

    fp32 = taggers["fp32"]
    for name, tagger in taggers.items():
        if tagger is not fp32:
            size = tagger.path.stat().st_size / fp32.path.stat().st_size
            goal(f"{name}: bytes over fp32", size, "≤ 0.22")
    _loss(taggers, test, options.texts, goal)
    for name, tagger in taggers.items():
        if tagger is not fp32:
            _sameness(name, tagger, test.texts, goal)
    _pace(taggers, texts, options, goal)
    _elsewhere(taggers, texts, options, goal)
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


def _sameness(name: str, tagger: Tagger, texts: Sequence[str], goal: Goal) -> None:
    same = measure_sameness(tagger, list(texts))
    goal(f"{name}: alone against a batch, largest difference of a score", same.batches, "≤ 1e-4")
    goal(f"{name}: one thread against two, largest difference of a score", same.threads, "≤ 1e-4")
    goal(f"{name}: texts with other labels, of {same.texts}", same.labels, "0")


def _pace(
    taggers: dict[str, Tagger], texts: Sequence[str], options: argparse.Namespace, goal: Goal
) -> None:
    """Seconds in turn, some texts at a time; of titles in bulk, chunk by chunk.

    Wall time is what a user waits for; processor time bears a busy machine better.
    """
    int8 = taggers["int8"]
    lengths = ((text, int8.feed([text])["input_ids"].size) for text in texts)
    long = list(islice((text for text, size in lengths if size >= int8.max_length), options.long))
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in taggers}
    for at in range(0, len(long), _BLOCK):
        block = long[at : at + _BLOCK]
        for name, tagger in taggers.items():
            found = [_seconds(tagger, [text], together=False) for text in [*block[:_WARM], *block]]
            spent[name] += found[_WARM:]
    alone = {name: np.median(found, axis=0) for name, found in spent.items()}
    for name, (wall, cpu) in alone.items():
        print(f"  {name}: {1000 * wall:.1f} ms a long text alone, {1000 * cpu:.1f} of processors")
    for name in set(alone) - {"int8"}:
        allowed = {"fp32": "≥ 2.2", "before": "≥ 0.95"}.get(name, "said")
        for kind, of in enumerate(("wall", "processor")):
            ratio = float(alone[name][kind] / alone["int8"][kind])
            goal(f"long texts alone over {name}, texts/s ({of})", ratio, allowed)
    titles = [text.partition("\n")[0] for text in texts]
    titles = (titles * (1 + options.titles // max(1, len(titles))))[: options.titles]
    other = "before" if "before" in taggers else "fp32"
    # Folders of an earlier version answer one text at a time.
    ways = {"int8": True, "int8 alone": False, f"{other} alone": False}
    bulk = dict.fromkeys(ways, np.zeros(2))
    for at in range(0, len(titles), 500):
        for name, together in ways.items():
            tagger = taggers[name.removesuffix(" alone")]
            bulk[name] = bulk[name] + _seconds(tagger, titles[at : at + 500], together=together)
    print({name: f"{len(titles) / found[0]:.0f} titles/s" for name, found in bulk.items()})
    for name in list(ways)[1:]:
        for kind, of in enumerate(("wall", "processor")):
            ratio = float(bulk[name][kind] / bulk["int8"][kind])
            goal(f"titles in bulk over {name} ({of})", ratio, "≥ 1.5")


def _seconds(tagger: Tagger, texts: list[str], *, together: bool) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    for group in [texts] if together else [[text] for text in texts]:
        tagger.scores(group)
    return time.perf_counter() - wall, time.process_time() - cpu


def _elsewhere(
    taggers: dict[str, Tagger], texts: Sequence[str], options: argparse.Namespace, goal: Goal
) -> None:
    for name, tagger in taggers.items():
        if name == "fp32":
            continue
        here = _sigmoid(logits_at("here", tagger, texts[: options.others]))
        ways = [("here", level, options.others) for level in _LEVELS]
        ways += [("qemu", "ORT_ENABLE_ALL", options.emulated), ("node", "", options.others)]
        for place, level, count in ways:
            words = f"{name}: {level}" if place == "here" else f"{name}: {place}"
            reason = "no texts were asked for" if not count else place != "here" and why_not(place)
            if reason:
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
