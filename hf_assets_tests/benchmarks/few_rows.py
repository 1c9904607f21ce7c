"""`make bench-few-rows`: what a user's first rows are worth, beside SetFit's recipe.

Questions of biology.stackexchange with the ten most frequent labels of their training rows, each
question with all of those that it has (multi-label). No setting of ours was chosen by looking at
them. For each number of rows a label, that many training rows are drawn for each label (a row may
count for several); validation rows are a fifth as many, drawn beside them. All ways learn from the
same rows, read as many tokens of a text, take their threshold by the same rule on the same
validation rows, and score the same test rows. Beside that stand ours as it is served, whose
threshold is taken on the answers of its folds, too; every way at 0.5, at which SetFit labels; and
every way at the threshold that is best on test, which nobody can know. Differences from ours have
intervals of resampled test rows, the same rows for both and for all seeds.

SetFit's recipe is that of version 1.2.0: pairs of texts, an epoch, batches of 16, a logistic head
for each label; `--pairs-a-row` and `--most-steps` limit its pairs, and each count of steps is a row
of its own. Figures that `--out` has are kept, so that a comparison can be run in parts.
`HF_ASSETS_REAL_DATA` names the folder with stackexchange-2016-10/; SetFit is installed by
`pip install --no-deps setfit==1.2.0 evaluate`.
"""

import argparse
import base64
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import msgspec
import numpy as np

from hf_assets.classifiers.few_rows import choosing
from hf_assets.classifiers.metrics import lost_f1, predicted_at, scores_at
from hf_assets.classifiers.thresholds import choose_threshold
from hf_assets.classifiers.training.base_models import BASE_MODELS, locate
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.network import load_network, load_tokenizer, predict
from hf_assets.classifiers.training.record import TrainingRecord
from hf_assets.classifiers.training.train import train
from hf_assets.corpora.building import build
from hf_assets.corpora.corpus import Corpus, Split, open_corpus
from hf_assets.corpora.registry import corpora
from hf_assets.corpora.tables.table_source import read_table
from hf_assets_tests.classifiers.conftest import write_corpus

BASE = "all-minilm-l6-v2"
LABELS = 10
WAYS = ("ours", "usual", "setfit")


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="8,16,32", help="rows a label, comma-separated")
    parser.add_argument("--seeds", default="0,1,2", help="comma-separated")
    parser.add_argument("--ways", default=",".join(WAYS), help=f"of {', '.join(WAYS)}")
    parser.add_argument("--strategy", default="finetune", choices=("finetune", "head"))
    parser.add_argument("--pairs-a-row", type=int, default=20, help="SetFit's num_iterations")
    parser.add_argument("--most-steps", default="-1", help="SetFit's max_steps; -1: all pairs")
    parser.add_argument("--test-rows", type=int, default=600, help="at most, drawn once for all")
    parser.add_argument("--corpus", type=Path, help="a corpus that is built already")
    parser.add_argument("--out", type=Path, default=Path("bench-few-rows.json"))
    options = parser.parse_args()
    ways = [way for way in options.ways.split(",") if way in WAYS]
    if "setfit" in ways and not importlib.util.find_spec("setfit"):
        print("setfit is not installed here: its rows are left out", file=sys.stderr)
        ways.remove("setfit")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        corpus = open_corpus(options.corpus) if options.corpus else _corpus(folder)
        if corpus is None:
            print("HF_ASSETS_REAL_DATA must name a folder with stackexchange-2016-10/")
            return 2
        _bench(corpus, ways, options, folder)
    print(f"\nwritten to {options.out}")
    return 0


def _bench(corpus: Corpus, ways: list[str], options: argparse.Namespace, folder: Path) -> None:
    counts = corpus.split("train").targets.sum(axis=0)
    columns = np.sort(np.argsort(-counts, kind="stable")[:LABELS])
    labels = [corpus.labels[at] for at in columns]
    test = _having(corpus.split("test"), columns)
    if len(test.texts) > options.test_rows:
        draw = np.random.default_rng(0)
        test = _some(test, np.sort(draw.choice(len(test.texts), options.test_rows, replace=False)))
    encoder = locate(BASE_MODELS[BASE])
    print(f"{len(labels)} labels: {', '.join(labels)}; {len(test.texts)} test rows")
    learn: dict[str, Callable[..., dict[str, Any]]] = {
        "ours": partial(_ours, few=True, options=options),
        "usual": partial(_ours, few=False, options=options),
    }
    if "setfit" in ways:
        ways.remove("setfit")
        for steps in map(int, options.most_steps.split(",")):
            name = "setfit" if steps < 0 else f"setfit-{steps}"
            learn[name] = partial(_setfit, most_steps=steps, options=options)
            ways.append(name)
    stored = json.loads(options.out.read_text()) if options.out.exists() else []
    figures = {(each["rows"], each["seed"], each["way"]): each for each in stored}
    if figures:
        print(f"{len(figures)} figures of {options.out} are kept: delete it to measure them again")
    for rows in map(int, options.rows.split(",")):
        for seed in map(int, options.seeds.split(",")):
            train_rows, validation = _drawn(corpus, columns, rows, seed)
            small = _stored(folder / f"{rows}-{seed}", train_rows, validation, test, labels)
            for way in ways:
                if (rows, seed, way) in figures:
                    continue
                place, began = folder / f"{way}-{rows}-{seed}", time.process_time()
                figure = learn[way](small, encoder, place, seed)
                figure |= {"way": way, "rows": rows, "seed": seed, "learnt": len(train_rows.texts),
                           "cpu_seconds": time.process_time() - began}  # fmt: skip
                figures[rows, seed, way] = figure
                options.out.write_text(json.dumps(list(figures.values()), indent=1))
                _tell(figure)
        _summed([each for each in figures.values() if each["rows"] == rows], test.targets)


def _ours(
    corpus: Corpus, encoder: Path, place: Path, seed: int, *, few: bool, options: Any
) -> dict[str, Any]:
    recipe = Recipe(strategy=options.strategy, seed=seed)
    place.mkdir()
    fit = choosing.fit_for(corpus) if few else None
    record: TrainingRecord = train(
        corpus, encoder, place, recipe, place / "work", base=BASE_MODELS[BASE], fit=fit
    )
    test = corpus.split("test")
    network, tokenizer = load_network(place), load_tokenizer(place)
    beside, scores = (
        predict(network, tokenizer, split.texts) for split in (corpus.split("validation"), test)
    )
    figure = _scored(corpus, beside, scores)
    served = scores_at(test.targets, scores, record.threshold)
    figure |= {"served": [served["micro_f1"], served["macro_f1"]]}
    if not record.few_rows:
        return figure | {"chosen": options.strategy}
    candidates = [msgspec.to_builtins(each) for each in record.few_rows.candidates]
    return figure | {"chosen": record.few_rows.chosen, "candidates": candidates}


def _setfit(
    corpus: Corpus, encoder: Path, place: Path, seed: int, *, most_steps: int, options: Any
) -> dict[str, Any]:
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments  # ty: ignore[import-not-found]

    model = SetFitModel.from_pretrained(
        str(encoder),
        multi_target_strategy="one-vs-rest",
        labels=list(corpus.labels),
        trust_remote_code=False,
    )
    # Its own argument is for torch heads alone: the body would read twice as much as ours.
    model.model_body.max_seq_length = Recipe().max_length
    learnt, validation, test = (corpus.split(n) for n in ("train", "validation", "test"))
    rows = Dataset.from_dict({"text": learnt.texts, "label": learnt.targets.tolist()})
    arguments = TrainingArguments(
        output_dir=str(place), batch_size=16, num_epochs=1, num_iterations=options.pairs_a_row,
        max_steps=most_steps, seed=seed, save_strategy="no", report_to="none",
    )  # fmt: skip
    Trainer(model=model, args=arguments, train_dataset=rows).train()
    in_all = -(-2 * options.pairs_a_row * len(learnt.texts) // 16)
    beside, scores = (
        np.asarray(model.predict_proba(split.texts, as_numpy=True), np.float32)
        for split in (validation, test)
    )
    steps = in_all if most_steps < 0 else min(most_steps, in_all)
    return _scored(corpus, beside, scores) | {"chosen": "setfit", "pairs": 16 * steps}


def _scored(corpus: Corpus, beside: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    """Scores of test at the threshold that validation alone gives, which all ways have."""
    targets, validation = corpus.split("test").targets, corpus.split("validation").targets
    threshold = choose_threshold(validation, beside).value
    at, half = (scores_at(targets, scores, each) for each in (threshold, 0.5))
    best = max(scores_at(targets, scores, t)["micro_f1"] for t in np.arange(0.05, 0.95, 0.02))
    given = np.packbits(predicted_at(scores, threshold))
    return {
        "micro_f1": at["micro_f1"],
        "macro_f1": at["macro_f1"],
        "at_half": [half["micro_f1"], half["macro_f1"]],
        "best_micro_f1": best,
        "mean_average_precision": at["mean_average_precision"],
        "threshold": threshold,
        "given": base64.b64encode(given.tobytes()).decode(),
    }


def _drawn(corpus: Corpus, columns: np.ndarray, rows: int, seed: int) -> tuple[Split, Split]:
    """Training rows, so many a label, and a fifth as many others for validation."""
    split, draw = _having(corpus.split("train"), columns), np.random.default_rng(seed)
    chosen: set[int] = set()
    for label in range(len(columns)):
        there = np.flatnonzero(split.targets[:, label])
        chosen.update(draw.choice(there, min(rows, len(there)), replace=False).tolist())
    others = np.setdiff1d(np.arange(len(split.texts)), list(chosen))
    beside = draw.choice(others, max(10, len(chosen) // 5), replace=False)
    return _some(split, np.array(sorted(chosen))), _some(split, np.sort(beside))


def _having(split: Split, columns: np.ndarray) -> Split:
    kept = np.flatnonzero(split.targets[:, columns].any(axis=1))
    some = _some(split, kept)
    return Split(some.ids, some.texts, some.targets[:, columns])


def _some(split: Split, at: np.ndarray) -> Split:
    ids, texts = ([of[i] for i in at] for of in (split.ids, split.texts))
    return Split(ids, texts, split.targets[at])


def _stored(
    folder: Path, train: Split, validation: Split, test: Split, labels: list[str]
) -> Corpus:
    """These rows as a corpus, which the training reads."""
    parts = {"train": train, "validation": validation, "test": test}
    rows = [
        (text, [label for label, there in zip(labels, row, strict=True) if there])
        for part in parts.values()
        for text, row in zip(part.texts, part.targets, strict=True)
    ]
    splits = [name for name, part in parts.items() for _ in part.texts]
    return write_corpus(folder, rows, splits, folder.name)


def _corpus(folder: Path) -> Corpus | None:
    real = os.environ.get("HF_ASSETS_REAL_DATA")
    table = Path(real or "") / "stackexchange-2016-10" / "biology.csv"
    if not real or not table.exists():
        return None
    entry, place = folder / "corpora.toml", folder / "corpus"
    entry.write_text(
        f'[biology]\nsource = {json.dumps(str(table))}\ntext = ["title", "content"]\n'
        'labels = "tags"\nformat = "html"\nseparator = " "\nid = "id"\nrare_share = 0.001\n'
    )
    place.mkdir()
    spec = corpora(entry).specs["biology"]
    build(spec, [read_table(spec)], place)
    return open_corpus(place)


def _tell(figure: dict[str, Any]) -> None:
    pairs = f", {figure['pairs']} pairs" if "pairs" in figure else ""
    print(
        f"  {figure['rows']:>3} rows a label, seed {figure['seed']}, {figure['way']:<10}"
        f"({figure['chosen']}, {figure['learnt']} rows{pairs})  micro-F1 "
        f"{100 * figure['micro_f1']:.1f}  macro-F1 {100 * figure['macro_f1']:.1f}  "
        f"{figure['cpu_seconds']:.0f} s of CPU",
        flush=True,
    )


def _summed(figures: list[dict[str, Any]], targets: np.ndarray) -> None:
    """Prints the means over seeds of each way, and how far ours is ahead where both have a seed."""
    by_way: dict[str, dict[int, dict[str, Any]]] = {}
    for figure in figures:
        by_way.setdefault(figure["way"], {})[figure["seed"]] = figure
    for way, seeds in by_way.items():
        ours = {seed: one for seed, one in by_way.get("ours", {}).items() if seed in seeds}
        line = f"→ {figures[0]['rows']:>3} rows a label, {way:<10} {len(seeds)} seeds: "
        line += f"micro-F1 {_spread(seeds, 'micro_f1')} macro-F1 {_spread(seeds, 'macro_f1')} "
        line += f"mAP {_spread(seeds, 'mean_average_precision')} "
        line += f"best threshold {_spread(seeds, 'best_micro_f1')} "
        for name in ("served", "at_half"):
            if all(name in each for each in seeds.values()):
                pair = (mean(100 * each[name][i] for each in seeds.values()) for i in (0, 1))
                line += f"{name} {' / '.join(f'{value:.1f}' for value in pair)} "
        print(line + f"{mean(each['cpu_seconds'] for each in seeds.values()):.0f} s", flush=True)
        if way == "ours" or not ours:
            continue
        # Columns beside each other: a row is drawn for all seeds, or for none.
        there = np.tile(targets, (1, len(ours)))
        labels = [
            np.hstack([_given(by[seed], targets.shape) for seed in sorted(ours)])
            for by in (ours, seeds)
        ]
        ahead = " ".join(
            f"{name} {100 * lost.value:+.1f} ({100 * lost.low:+.1f} to {100 * lost.high:+.1f})"
            for name, lost in zip(
                ("micro-F1", "macro-F1"), lost_f1(there, *labels, seed=0), strict=True
            )
        )
        print(f"      ours against {way}, {len(ours)} seeds: {ahead}", flush=True)


def _spread(seeds: dict[int, dict[str, Any]], name: str) -> str:
    values = [100 * each[name] for each in seeds.values()]
    return f"{mean(values):.1f} ± {stdev(values) if len(values) > 1 else 0:.1f}"


def _given(figure: dict[str, Any], shape: tuple[int, ...]) -> np.ndarray:
    packed = np.frombuffer(base64.b64decode(figure["given"]), np.uint8)
    return np.unpackbits(packed, count=int(np.prod(shape))).reshape(shape).astype(bool)


if __name__ == "__main__":
    sys.exit(main())
