"""Small corpora of generated texts, made as the graph makes them."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hf_assets.corpora.building import build
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.corpora.schemas import texts_frame
from hf_assets.storage.lake import TableWrite

Rows = list[dict[str, Any]]
Build = Callable[..., Corpus]

LABELS = ("apple", "pear", "plum", "quince")


def make_rows(count: int, seed: int = 0, words: int = 25) -> Rows:
    """Texts that have nothing to do with each other, each with one to three labels."""
    draw = random.Random(seed)
    return [
        {
            "id": f"toys:{seed}-{number}",
            "title": f"Question {seed}-{number}",
            "body": f"<p>{' '.join(f'w{draw.randrange(10**6)}' for _ in range(words))}</p>",
            "labels": draw.sample(LABELS, draw.randint(1, 3)),
            "license": "CC BY-SA 4.0",
        }
        for number in range(count)
    ]


@pytest.fixture
def built(tmp_path: Path) -> Build:
    """Builds a corpus of rows into a folder of its own; further arguments change the entry."""
    made: list[Path] = []

    def make(
        *rows: Rows, before: Corpus | None = None, told: list[str] | None = None, **entry: Any
    ) -> Corpus:
        folder = tmp_path / f"corpus-{len(made)}"
        made.append(folder)
        folder.mkdir()
        fields: dict[str, Any] = {"source": ("question_dump",), "rare_share": 0.01, **entry}
        earlier = before.folder if before else None
        sources = [TableWrite([texts_frame(part)]) for part in rows]
        log = told.append if told is not None else lambda _: None
        build(CorpusSpec(name="toys", **fields), sources, folder, earlier, log)
        return open_corpus(folder)

    return make
