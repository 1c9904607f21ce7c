"""What an artefact was made from, so that those of two trainings or two corpora are never mixed.

What belongs here: marks, and refusing what is out of date. What does not: what an artefact is
worth. Light to import: neither torch nor onnxruntime.

A classifier's mark stands for its weights and the corpus it learnt from. It is taken once, when
they are written; each later step hands it on in its own facts, so that no weights are read again. A
step reads its source's mark before the source itself: if another run replaces the source meanwhile,
the mark that is handed on is the older one, and the next step refuses it.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hf_assets.corpora.corpus import Corpus
from hf_assets.errors import InputError
from hf_assets.storage.json_files import read_json

# Of each step: the asset that makes its folder, and the file in it that says how it was made.
STEPS = {
    "classifier": ("classifier", "training.json"),
    "onnx": ("onnx_classifier", "export.json"),
    "quantized": ("quantized_classifier", "quantization.json"),
}
# What training reads and the leaderboard counts; links and licences may change.
_DECISIVE = ("id", "split", "text", "labels")
_ROWS = 10_000  # of a corpus, hashed at a time


def corpus_mark(corpus: Corpus) -> str:
    """The same for the same labels and rows, in whatever order these are stored."""
    made = hashlib.sha256(json.dumps(corpus.labels).encode())
    for rows in corpus.frame.select(_DECISIVE).sort("id").iter_slices(_ROWS):
        made.update(rows.write_ndjson().encode())
    return made.hexdigest()[:16]


def file_mark(*paths: Path, of: str = "") -> str:
    """The same for the same bytes of those files and the same `of`."""
    made = hashlib.sha256(of.encode())
    for path in paths:
        with path.open("rb") as file:
            made.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return made.hexdigest()[:16]


def classifier_mark(folder: Path, corpus: str) -> str:
    """The mark of the classifier that was written into `folder`, learnt from that corpus."""
    weights = sorted((folder / "encoder").glob("*.safetensors"))
    others = (folder / name for name in ("head.safetensors", "labels.json", "tokenizer.json"))
    return file_mark(*weights, *others, of=corpus)


def require_current(corpus: Corpus, models: Iterable[Path], steps: Sequence[str]) -> None:
    """Nothing, if those steps of those base models come from this corpus and one training each.

    Args:
        corpus: as it is now.
        models: folders of base models, with classifier/, onnx/, quantized/ or some of them.
        steps: of `STEPS`; those that are not there are passed over.

    Raises:
        InputError: one is out of date; the message names what to materialise.
    """
    wanted = corpus_mark(corpus)
    for model in models:
        there = [step for step in steps if (model / step).is_dir()]
        if not there:
            continue
        training = read_json(model / "classifier" / STEPS["classifier"][1])
        if _source(training, "corpus") != wanted:
            raise InputError(
                f"the classifier {model.name} learnt from other rows or labels than corpus "
                f"{corpus.name} has now: {_again(corpus, 'classifier', model)}, then what follows "
                f"from it (or remove {model}, to do without this base model)"
            )
        for step in there:
            facts = read_json(model / step / STEPS[step][1])
            if step != "classifier" and _source(facts, "classifier") != training["mark"]:
                raise InputError(
                    f"{model / step} was not made from the classifier {model.name} that is there "
                    f"now: {_again(corpus, STEPS[step][0], model)}"
                )


def require_same_corpus(corpus: Corpus, facts: dict[str, Any], asset: str) -> None:
    """Nothing, if `facts`, which that asset wrote, are of this corpus as it is now.

    Raises:
        InputError: they are of another state of it.
    """
    if _source(facts, "corpus") != corpus_mark(corpus):
        raise InputError(
            f"{corpus.name}/{asset} was made from other rows or labels than corpus {corpus.name} "
            f"has now: materialise {corpus.name}/{asset} again"
        )


def _source(facts: dict[str, Any], name: str) -> str:
    """The mark of what those facts say they were made from; empty where they do not say."""
    return (facts.get("made_from") or {}).get(name) or ""


def _again(corpus: Corpus, asset: str, model: Path) -> str:
    return f"materialise {corpus.name}/{asset}, partition {model.name}, again"
