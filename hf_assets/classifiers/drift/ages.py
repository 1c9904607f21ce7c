"""How old the models of a corpus are: what came in since they learnt, and labels they lack."""

from collections.abc import Mapping
from pathlib import Path

from hf_assets.classifiers.evaluation.results import BaselineRecord
from hf_assets.classifiers.provenance import STEPS
from hf_assets.classifiers.records import StepRecord
from hf_assets.classifiers.training.record import TrainingRecord
from hf_assets.corpora.corpus import Corpus
from hf_assets.corpora.growth import Age, model_age
from hf_assets.storage.json_files import read_json, read_record


def baseline_age(corpus: Corpus, folder: Path, fresh: Age) -> Age:
    """How old a baseline is.

    Args:
        corpus: as it is now.
        folder: of the baseline.
        fresh: the age of the corpus.
    """
    record = read_record(folder / "baseline.json", BaselineRecord)
    learnt = record.made_from.corpus if record.made_from else None
    rows = record.rows.train + record.rows.validation
    return model_age(corpus, learnt, record.labels, rows, fresh)


def int8_ages(corpus: Corpus, trained: Mapping[str, Path], fresh: Age) -> dict[str, Age]:
    """How old the int8 graph of each base model is that has one.

    Args:
        corpus: as it is now.
        trained: folders with classifier/ and quantized/, by base model.
        fresh: the age of the corpus.
    """
    ages = {}
    for name, model in trained.items():
        if not (model / "quantized").is_dir():
            continue
        training = read_record(model / "classifier" / STEPS["classifier"][1], TrainingRecord)
        quantized = read_record(model / "quantized" / STEPS["quantized"][1], StepRecord)
        labels = read_json(model / "quantized" / "config.json").get("id2label", {})
        learnt = training.made_from.corpus if training.made_from else None
        rows = training.rows.train + training.rows.validation
        of = quantized.made_from.classifier if quantized.made_from else None
        if of != training.fingerprint:
            # A newer training is there; what the older one learnt from is recorded nowhere.
            learnt = None
        ages[name] = model_age(corpus, learnt, list(labels.values()), rows, fresh)
    return ages
