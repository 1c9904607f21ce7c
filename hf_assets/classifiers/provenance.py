"""Fingerprints of inputs, so that artefacts of two trainings or two corpora are never mixed.

Light to import: neither torch nor onnxruntime.

A classifier's fingerprint is of its weights and of the corpus it learnt from. It is computed once,
when they are written; each later step hands it on in its own record, so that no weights are read
again. A step reads its source's fingerprint before the source itself: if another run replaces the
source meanwhile, the fingerprint that is handed on is the older one, and the next step refuses it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from hf_assets.classifiers.records import FingerprintedStep, StepRecord
from hf_assets.corpora.corpus import Corpus
from hf_assets.corpora.growth import corpus_fingerprint
from hf_assets.errors import InputError
from hf_assets.storage.json_files import read_record

# Of each step: the asset that makes its folder, and the record in it.
STEPS = {
    "classifier": ("classifier", "training.json"),
    "onnx": ("onnx_classifier", "export.json"),
    "quantized": ("quantized_classifier", "quantization.json"),
}


def file_fingerprint(*paths: Path, of: str = "") -> str:
    """Fingerprint of the names and bytes of those files, and of `of`."""
    digest = hashlib.sha256(of.encode())
    for path in paths:
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def classifier_fingerprint(folder: Path, corpus: str) -> str:
    """Fingerprint of the classifier in `folder`, which learnt from the corpus fingerprinted so."""
    weights = sorted((folder / "encoder").glob("*.safetensors"))
    others = (folder / name for name in ("head.safetensors", "labels.json", "tokenizer.json"))
    return file_fingerprint(*weights, *others, of=corpus)


def require_current(corpus: Corpus, models: Iterable[Path], steps: Sequence[str]) -> None:
    """Require that those steps of those base models come from this corpus and one training each.

    Args:
        corpus: as it is now.
        models: folders of base models, with classifier/, onnx/, quantized/ or some of them.
        steps: of `STEPS`; missing ones are skipped.

    Raises:
        InputError: one is out of date; the message names what to materialise.
    """
    wanted = corpus_fingerprint(corpus)
    for model in models:
        stored = [step for step in steps if (model / step).is_dir()]
        if not stored:
            continue
        training = read_record(model / "classifier" / STEPS["classifier"][1], FingerprintedStep)
        if _source(training, "corpus") != wanted:
            raise InputError(
                f"the classifier {model.name} learnt from other rows or labels than corpus "
                f"{corpus.name} has now: {_again(corpus, 'classifier', model)}, then what follows "
                f"from it (or remove {model}, to do without this base model)"
            )
        for step in stored:
            record = read_record(model / step / STEPS[step][1], StepRecord)
            if step != "classifier" and _source(record, "classifier") != training.fingerprint:
                raise InputError(
                    f"{model / step} was not made from the classifier {model.name} that is there "
                    f"now: {_again(corpus, STEPS[step][0], model)}"
                )


def require_same_corpus(corpus: Corpus, record: StepRecord, asset: str) -> None:
    """Require that `record`, which that asset wrote, is of this corpus as it is now.

    Raises:
        InputError: it is of another state of it.
    """
    if _source(record, "corpus") != corpus_fingerprint(corpus):
        raise InputError(
            f"{corpus.name}/{asset} was made from other rows or labels than corpus {corpus.name} "
            f"has now: materialise {corpus.name}/{asset} again"
        )


def _source(record: StepRecord, name: str) -> str:
    """The fingerprint of that input of the step; empty where the record names none."""
    return getattr(record.made_from, name, None) or ""


def _again(corpus: Corpus, asset: str, model: Path) -> str:
    return f"materialise {corpus.name}/{asset}, partition {model.name}, again"
