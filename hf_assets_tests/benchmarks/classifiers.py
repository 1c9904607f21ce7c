"""`make bench-classifiers`: our recipe beside its former self, TF-IDF and an earlier project's.

One run, one split, one seed: the corpus is built by the code that users run, everything is trained
on the same training rows, tuned on the same validation rows and scored on the same test rows.
`HF_ASSETS_REAL_DATA` names the folder with stackexchange-2016-10/. Two hours on two cores: with
`--folder` a run that was killed goes on; what is there is scored again, and not made again.

`ours` and `former` are the same chain (training, graph, int8, TF-IDF beside it) by the recipe of
today and by the one without the fields that came since (`config.EARLIER`). What each serves by
default is compared on the same test rows, with intervals over resampled rows, in pairs.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import msgspec
import numpy as np
import torch
from msgspec.structs import replace

from hf_assets.classifiers.evaluation import baselines
from hf_assets.classifiers.evaluation.leaderboard import measure
from hf_assets.classifiers.evaluation.render import write_figures
from hf_assets.classifiers.evaluation.results import HELPED, INT8, ONNX, TFIDF, TORCH
from hf_assets.classifiers.export import quantize, to_onnx
from hf_assets.classifiers.metrics import lost_f1, predicted_at
from hf_assets.classifiers.records import ExportRecord, QuantizationRecord, StepRecord
from hf_assets.classifiers.tagger import Tagger
from hf_assets.classifiers.tfidf import blended
from hf_assets.classifiers.training.base_models import BASE_MODELS, locate
from hf_assets.classifiers.training.config import EARLIER, Recipe, RecordedRecipe
from hf_assets.classifiers.training.devices import device
from hf_assets.classifiers.training.distillation import finetune
from hf_assets.classifiers.training.network import load_tokenizer, new_network
from hf_assets.classifiers.training.record import TrainingRecord
from hf_assets.classifiers.training.train import train
from hf_assets.corpora.building import build
from hf_assets.corpora.corpus import Corpus, Split, open_corpus
from hf_assets.corpora.registry import corpora
from hf_assets.corpora.tables.table_source import read_table
from hf_assets.storage.json_files import read_record
from hf_assets_tests.benchmarks.naive_recipe import naive_scores
from hf_assets_tests.benchmarks.plain_loop import plain_loop

BASE = "all-minilm-l6-v2"
SEED = 0
# Texts that int8 and fp32 answer in turn, and which of the two begins.
TURNS = 400
TURNS_OF_TRAINING = 3
PARTS = ("ours", "former", "naive", "pace")

Made = TypeVar("Made", bound=StepRecord)


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", default="biology", choices=("biology", "robotics"))
    parser.add_argument("--rare-share", type=float, default=0.001)
    parser.add_argument("--epochs", type=int, default=Recipe().epochs)
    parser.add_argument("--max-length", type=int, default=Recipe().max_length)
    parser.add_argument("--only", default="", help=f"parts, comma-separated: {', '.join(PARTS)}")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--folder", type=Path, help="keep what is made there")
    parser.add_argument("--out", type=Path, default=Path("bench-classifiers.json"))
    options = parser.parse_args()
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # read when CUDA is first asked for
    if options.device == "cuda" and device().kind != "cuda":
        print("--device cuda: torch sees no GPU here", file=sys.stderr)
        return 2
    if unknown := set(filter(None, options.only.split(","))) - set(PARTS):
        print(f"--only knows {', '.join(PARTS)}, not {', '.join(unknown)}", file=sys.stderr)
        return 2
    real = os.environ.get("HF_ASSETS_REAL_DATA")
    table = Path(real or "") / "stackexchange-2016-10" / f"{options.site}.csv"
    if not real or not table.exists():
        print("HF_ASSETS_REAL_DATA must name a folder with stackexchange-2016-10/", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        figures = _bench(options, table, folder)
    options.out.write_text(json.dumps(figures, indent=1))
    print(f"\nwritten to {options.out}")
    return 0


def _bench(options: argparse.Namespace, table: Path, folder: Path) -> dict[str, Any]:
    corpus = _corpus(options, table, folder)
    encoder = locate(BASE_MODELS[BASE])
    parts = set(options.only.split(",") if options.only else PARTS)
    figures: dict[str, Any] = {
        "machine": platform.processor(),
        "cores": os.cpu_count(),
        "device": device().kind,
    }
    recipe = Recipe(epochs=options.epochs, max_length=options.max_length, seed=SEED)
    chains: dict[str, _Chain] = {}
    for part, wanted in (("ours", recipe), ("former", replace(recipe, **EARLIER))):
        if part in parts:
            chains[part] = _chain(part, corpus, encoder, folder, wanted)
    if "ours" in chains:
        figures |= chains["ours"].figures
    if "former" in chains:
        figures["former"] = chains["former"].figures
    if len(chains) == 2:
        figures["gain"] = _gained(corpus, chains["ours"], chains["former"])
    if "naive" in parts:
        began = time.perf_counter()
        found, tuned = naive_scores(
            corpus, encoder, seed=SEED, log=_tell, kept=folder / "earlier-recipe.pt"
        )
        figures["naive"] = {**found, "seconds": time.perf_counter() - began, "tuned": tuned}
        _score("the earlier recipe, at 0.5", found)
        _score("… at a threshold tuned on validation", tuned)
    if "pace" in parts:
        figures["samples_per_second"] = _paces(corpus, encoder, folder)
    _ratios(figures)
    return figures


def _corpus(options: argparse.Namespace, table: Path, folder: Path) -> Corpus:
    entry = folder / "corpora.toml"
    entry.write_text(
        f'[{options.site}]\nsource = {json.dumps(str(table))}\ntext = ["title", "content"]\n'
        f'labels = "tags"\nformat = "html"\nseparator = " "\nid = "id"\nlicense = "CC BY-SA 3.0"\n'
        f"rare_share = {options.rare_share}\n"
    )
    spec, place = corpora(entry).specs[options.site], folder / "corpus"
    if not (place / "facts.json").exists():
        place.mkdir(exist_ok=True)
        build(spec, [read_table(spec)], place, log=_tell)
    corpus = open_corpus(place)
    sizes = {name: len(corpus.split(name).texts) for name in ("train", "validation", "test")}
    print(f"{options.site}: {len(corpus.labels)} labels, rows {sizes}")
    return corpus


@dataclass(frozen=True)
class _Chain:
    """A recipe's chain: its figures, and what it serves by default for each test row."""

    figures: dict[str, Any]
    served: np.ndarray


def _chain(part: str, corpus: Corpus, encoder: Path, folder: Path, recipe: Recipe) -> _Chain:
    """Train, export, quantise and score; `ours` lies in the folder itself."""
    print(f"\n{part}: {recipe}")
    own = folder if part == "ours" else folder / part
    chain, baseline = own / BASE, folder / "baseline"
    if not (baseline / "baseline.json").exists():
        baselines.fit(corpus, _new(baseline), _tell)
    trained = _trained(corpus, encoder, chain, recipe)
    validation, test = corpus.split("validation"), corpus.split("test")
    exported = _made(
        chain / "onnx/export.json",
        ExportRecord,
        lambda new: to_onnx.export(chain / "classifier", new, validation.texts[:16], _tell),
    )
    chosen = _made(
        chain / "quantized/quantization.json",
        QuantizationRecord,
        lambda new: quantize.quantize(
            chain / "onnx", new, validation, _tell, training_texts=corpus.split("train").texts
        ),
    )
    board = measure(corpus, baseline, {BASE: chain}, _tell, SEED)
    write_figures(board, own)
    rows = {
        row["runtime"] if row["strategy"] else row["model"]: row for row in board.rows.to_dicts()
    }
    for name, row in rows.items():
        _score(name, row)
    blend, tagger = board.record.blend, Tagger.load(chain / "quantized", words=False)
    scores, threshold = tagger.scores(test.texts), tagger.threshold
    if blend and board.words:
        scores = blended(scores, board.words.scores(test.texts), blend.weight)
        threshold = blend.threshold
    figures = {
        "rows": rows,
        "training": {name: getattr(trained, name) for name in ("seconds", "samples_per_second")},
        "parity": exported.max_difference,
        "quantization": msgspec.to_builtins(chosen),
        "blend": msgspec.to_builtins(blend),
        "pace": _in_turn(chain, test.texts[:TURNS]),
    }
    return _Chain(figures, predicted_at(scores, threshold))


def _trained(corpus: Corpus, encoder: Path, chain: Path, recipe: Recipe) -> TrainingRecord:
    """A training by that recipe; one that was killed goes on from its checkpoints."""
    work = chain / "work"

    def new(folder: Path) -> TrainingRecord:
        work.mkdir(exist_ok=True)
        return train(corpus, encoder, folder, recipe, work, _tell)

    record = _made(chain / "classifier/training.json", TrainingRecord, new)
    if record.recipe != RecordedRecipe.of(recipe):
        sys.exit(f"{chain} was trained by another recipe: delete it, or give another --folder")
    shutil.rmtree(work, ignore_errors=True)
    return record


def _made(path: Path, kind: type[Made], make: Callable[[Path], Made]) -> Made:
    """A step of a chain, from an earlier run where its record is there."""
    if path.exists():
        print(f"    {path.parent} is kept as an earlier run made it")
        return read_record(path, kind)
    shutil.rmtree(path.parent, ignore_errors=True)
    return make(_new(path.parent))


def _gained(corpus: Corpus, ours: _Chain, former: _Chain) -> dict[str, Any]:
    """What is served by default over what was: points with 95 % intervals, and the time."""
    # What the first loses against the second, the second gains.
    lost = lost_f1(corpus.split("test").targets, ours.served, former.served, SEED)
    print("\nserved by default (int8, with TF-IDF where that is better) over the former recipe")
    gained: dict[str, Any] = {}
    for name, points, goal in zip(("micro_f1", "macro_f1"), lost, (2, 3), strict=True):
        value, low, high = (100 * each for each in (points.value, points.low, points.high))
        print(f"  → {name}: {value:+.2f} points ({low:+.2f} to {high:+.2f})   (goal ≥ {goal})")
        gained[name] = {"points": value, "low": low, "high": high}
    seconds = [chain.figures["training"]["seconds"] for chain in (ours, former)]
    gained["seconds"] = seconds
    _goal(f"training, {seconds[0]:.0f} s over {seconds[1]:.0f} s", seconds[0] / seconds[1], "≤ 2")
    return gained


def _paces(corpus: Corpus, encoder: Path, folder: Path) -> dict[str, list[float]]:
    """Samples a second of our training and of a plain loop, in turn, on as many rows."""
    train, few = _some(corpus.split("train"), 1280), _some(corpus.split("validation"), 64)
    found: dict[str, list[float]] = {"ours": [], "plain": []}
    tokenizer = load_tokenizer(encoder)
    for turn in range(TURNS_OF_TRAINING):
        work = _new(folder / f"pace{turn}")
        network = new_network(encoder, corpus.labels, Recipe().max_length)
        recipe = Recipe(epochs=1, teachers=0, seed=SEED)
        learned = finetune(network, tokenizer, train, few, recipe, work, _quiet, lambda *_: None)
        found["ours"].append(learned.samples_per_second)
        found["plain"].append(plain_loop(corpus, encoder, seed=turn))
        shutil.rmtree(work)
        ours, plain = found["ours"][-1], found["plain"][-1]
        print(f"  {'our training, a plain fp32 loop':<44}{ours:>8.1f}{plain:>8.1f} samples/s")
    return found | _costs(corpus, encoder, folder)


def _costs(corpus: Corpus, encoder: Path, folder: Path) -> dict[str, list[float]]:
    """CPU seconds of whole trainings by today's recipe and by the former, in turn, on few rows."""
    train, few = _some(corpus.split("train"), 512), _some(corpus.split("validation"), 64)
    recipe = Recipe(seed=SEED, threads=torch.get_num_threads())
    recipes = {"cpu_ours": recipe, "cpu_former": replace(recipe, **EARLIER)}
    found: dict[str, list[float]] = {name: [] for name in recipes}
    for turn, (name, each) in product(range(TURNS_OF_TRAINING), recipes.items()):
        work = _new(folder / f"cost{turn}")
        network = new_network(encoder, corpus.labels, each.max_length)
        began = time.process_time()
        finetune(network, load_tokenizer(encoder), train, few, each, work, _quiet, lambda *_: None)
        found[name].append(time.process_time() - began)
        shutil.rmtree(work)
    ours, former = (median(spent) for spent in found.values())
    _goal(f"training, {ours:.0f} over {former:.0f} CPU s", ours / former, "≤ 2")
    return found


def _some(split: Split, count: int) -> Split:
    chosen = np.random.default_rng(SEED).permutation(len(split.texts))[:count]
    ids, texts = ([of[at] for at in chosen] for of in (split.ids, split.texts))
    return Split(ids, texts, split.targets[chosen])


def _quiet(_: str) -> None:
    pass


def _in_turn(chain: Path, texts: list[str]) -> dict[str, float]:
    """Texts a second of int8 and of fp32 ONNX, one text at a time, in turn on the same texts."""
    taggers = {INT8: Tagger.load(chain / "quantized"), ONNX: Tagger.load(chain / "onnx")}
    seconds = dict.fromkeys(taggers, 0.0)
    for text in [*texts[:20], *texts]:
        for name, tagger in taggers.items():
            began = time.perf_counter()
            tagger.scores([text])
            seconds[name] += time.perf_counter() - began
    return {name: (len(texts) + 20) / spent for name, spent in seconds.items()}


def _ratios(figures: Mapping[str, Any]) -> None:
    print()
    rows = figures.get("rows")
    if rows:
        fp32, int8, pace = rows[ONNX], rows[INT8], figures["pace"]
        for of in ("micro_f1", "macro_f1"):
            gain = 100 * (rows[TORCH][of] - rows[TFIDF][of])
            _goal(f"{of} over TF-IDF, points", gain, "≥ 2, macro above")
        _goal("int8 over fp32, bytes", int8["size_bytes"] / fp32["size_bytes"], "≤ 0.21")
        gained = 100 * (int8["micro_f1"] - fp32["micro_f1"])
        _goal("int8 over fp32, micro-F1 points", gained, "≥ -0.3")
        _goal("int8 over fp32, texts/s one at a time", pace[INT8] / pace[ONNX], "≥ 1.8")
        _goal("int8, ms a text (median)", int8["ms_p50"], "≤ 15")
        if HELPED in rows:
            gain = 100 * (rows[HELPED]["micro_f1"] - int8["micro_f1"])
            _goal("int8 with TF-IDF over int8, micro-F1 points", gain, "about 1.5")
    if rows and "naive" in figures:
        for of in ("micro_f1", "macro_f1"):
            gain = 100 * (rows[TORCH][of] - figures["naive"][of])
            _goal(f"{of} over the earlier recipe, points", gain, "≥ 5, macro above")
    if "samples_per_second" in figures:
        ours, plain = (median(figures["samples_per_second"][of]) for of in ("ours", "plain"))
        _goal("training over a plain fp32 loop, samples/s", ours / plain, "≥ 3")


def _score(name: str, row: Mapping[str, Any]) -> None:
    micro, macro = (100 * row[of] for of in ("micro_f1", "macro_f1"))
    print(f"  {name:<44}micro-F1 {micro:>5.1f}  macro-F1 {macro:>5.1f}", flush=True)


def _goal(name: str, value: float, goal: str) -> None:
    print(f"  → {name}: {value:.2f}   (goal {goal})", flush=True)


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _tell(line: str) -> None:
    print(f"    {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
