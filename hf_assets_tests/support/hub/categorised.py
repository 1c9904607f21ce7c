"""Days of models whose words tell their category, with authors, and some without a category."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hf_assets.classifiers.evaluation import baselines
from hf_assets.classifiers.prediction.predictor import Predictor, open_predictor, store_predictor
from hf_assets.corpora.building import build
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.corpora.facts import CorpusFacts
from hf_assets.corpora.hub.drawing import hub_texts
from hf_assets.corpora.registry import corpora
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets_tests.support.hub.days import OLD, Row, store_day

FIRST_DAY, SECOND_DAY, THIRD_DAY = "2026-03-01", "2026-03-02", "2026-03-03"
CATEGORIES = ("text-generation", "image-classification", "text-to-speech", "fill-mask")
_WORDS = {
    "text-generation": ("Llama", "llama", "chat"),
    "image-classification": ("ViT", "vit", "vision"),
    "text-to-speech": ("Kokoro", "tts", "voice"),
    "fill-mask": ("Bert", "bert", "mlm"),
}


def categorised(at: int, **fields: Any) -> Row:
    """The model of that number: its category by its number, its author one of 97; likes it or not.

    Every 25th has the words of another category, so that no classifier is always right.
    """
    category = CATEGORIES[at % 4]
    name, tag, other = _WORDS[CATEGORIES[(at + 1) % 4] if at % 25 == 24 else category]
    return {
        "hub_id": f"{at:024x}",
        "id": f"author{at % 97}/{name}-v{at}",
        "author": f"author{at % 97}",
        "created_at": OLD + dt.timedelta(minutes=at),
        "category": category,
        "library": "transformers",
        "tags": [tag, category, "autotrain_compatible", "region:us", other],
        "base_models": [{"id": f"base/{name}", "relation": "finetune"}],
        "downloads": at,
        "gated": "false",
    } | fields


def some_days(count: int = 1200, none_of: int = 3) -> list[Row]:
    """So many models; every `none_of`-th without a category."""
    return [
        categorised(at, **({"category": None} if at % none_of == 0 else {})) for at in range(count)
    ]


def stored(root: Path, rows: Iterable[Row] = (), day: str = FIRST_DAY) -> StoredTable:
    """A day of them in a lake."""
    return store_day(Lake(root), day, list(rows) or some_days())


def corpus_of(models: StoredTable, folder: Path, before: Path | None = None) -> Corpus:
    """The corpus `hub_models` of that day."""
    folder.mkdir(parents=True)
    facts_of(models, folder, before)
    return open_corpus(folder)


def facts_of(models: StoredTable, folder: Path, before: Path | None = None) -> CorpusFacts:
    return build(corpora().specs["hub_models"], [hub_texts(models)], folder, before)


def predictor_of(corpus: Corpus, folder: Path) -> Predictor:
    """The predictor from the baseline alone."""
    for name in ("baseline", "predictor"):
        (folder / name).mkdir(parents=True)
    baselines.fit(corpus, folder / "baseline")
    store_predictor(corpus, folder / "baseline", None, lambda name: folder / name,
                    folder / "predictor")  # fmt: skip
    return open_predictor(folder / "predictor")
