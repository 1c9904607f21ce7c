"""Writes the best int8 model as a folder to publish: a Space, and in it the model, with cards.

The folder is a Space's repository; `model/` in it is a model's, in the layout that transformers.js
and Optimum read.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import polars as pl
from huggingface_hub.utils import validate_repo_id

from hf_assets.classifiers.evaluation.results import HELPED, INT8, Leaderboard, add_blend
from hf_assets.classifiers.evaluation.rules import beats_floors
from hf_assets.classifiers.provenance import require_current, require_same_corpus
from hf_assets.classifiers.publishing.cards import Published, model_card, space_card
from hf_assets.classifiers.publishing.notices import examples, hub_licence, write_notice
from hf_assets.classifiers.records import FingerprintedStep
from hf_assets.classifiers.training.record import TrainingRecord
from hf_assets.corpora.corpus import Corpus
from hf_assets.errors import InputError
from hf_assets.storage.json_files import read_json, read_record, write_json

GRAPH = "onnx/model_quantized.onnx"
_CLASSIFIERS = Path(__file__).resolve().parents[1]
_TEMPLATE = Path(__file__).parent / "template"
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


@dataclass(frozen=True)
class Hints:
    """Additions to the cards.

    Attributes:
        model_repo: the model's future id on the Hub, or None.
        remark: a sentence on top of the card and in the NOTICE, such as that texts are generated.
        words: serve the small TF-IDF model too, where it was better on validation.
        languages: of the texts, codes of ISO 639; datasets: on the Hub, that they are from.
    """

    model_repo: str | None = None
    remark: str = ""
    words: bool = True
    languages: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()


class PublishedFolder(msgspec.Struct, frozen=True, kw_only=True):
    """The written folder: its model's scores on test, and its size.

    Attributes:
        licence: the Hub's name of the texts' licence.
        attributed: texts with a row of attribution.
        words: whether the small TF-IDF model is included, and answers with the network.
        bytes: of all files; model_bytes: of the graph.
    """

    base_model: str
    micro_f1: float
    macro_f1: float
    threshold: float
    licence: str
    labels: int
    attributed: int
    words: bool
    files: int
    bytes: int
    model_bytes: int


def write_space(
    folder: Path,
    corpus: Corpus,
    quantized: Path,
    board: Leaderboard,
    log: Callable[[str], None] = lambda _: None,
    hints: Hints = Hints(),
) -> PublishedFolder:
    """Fill an empty folder with the files to upload with `huggingface_hub.upload_folder`.

    Args:
        folder: becomes the Space.
        corpus: that the model was trained on.
        quantized: the folder of the int8 model that the leaderboard calls best.
        board: names that model, and holds the scores of the card.
        log: takes lines of the run log.
        hints: additions to the cards.

    Raises:
        HFValidationError: `model_repo` can be no id on the Hub.
        InputError: the leaderboard has no int8 model, that model is no better than a constant
            answer, or it is not what was measured: of another training, corpus or labels.
    """
    if hints.model_repo:
        validate_repo_id(hints.model_repo)
    served = board.rows.filter(model=board.record.best or "", runtime=INT8).to_dicts()
    if not served:
        raise InputError("the leaderboard has no int8 model: materialise quantized_classifier")
    rows = board.rows if hints.words else board.rows.filter(pl.col("runtime") != HELPED)
    floors = beats_floors(rows)
    if not (floors.passed or floors.severity == "WARN"):
        raise InputError(
            f"{floors.description} It is not published: train longer or another base model, then "
            f"materialise {corpus.name}/leaderboard again"
        )
    config = read_json(quantized / "config.json")
    if list(config["id2label"].values()) != list(corpus.labels):
        raise InputError(
            f"{quantized} has other labels than corpus {corpus.name}: materialise it again"
        )
    require_same_corpus(corpus, board.record, "leaderboard")
    require_current(corpus, [quantized.parent], [quantized.name])
    fingerprint = read_record(quantized / "quantization.json", FingerprintedStep).fingerprint
    measured = served[0]["threshold"], board.record.made_from and board.record.made_from.int8
    if (config["threshold"], fingerprint) != measured:
        raise InputError(
            f"{quantized} is not what was measured: materialise {corpus.name}/leaderboard again"
        )
    model = folder / "model"
    (model / "onnx").mkdir(parents=True)
    shutil.copyfile(quantized / GRAPH, model / GRAPH)
    for name in _TOKENIZER:
        if (quantized / name).exists() or name == "tokenizer.json":
            shutil.copyfile(quantized / name, model / name)
    for name in ("tagger.py", "tagger_workers.py"):
        shutil.copyfile(_CLASSIFIERS / name, model / name)
    shutil.copyfile(quantized / "config.json", model / "config.json")
    blend = board.record.blend if hints.words and add_blend(board, model) else None
    if blend is not None:
        shutil.copyfile(_CLASSIFIERS / "tfidf.py", model / "tfidf.py")
    graph = served[0]
    row = next(iter(rows.filter(model=graph["model"], runtime=HELPED).to_dicts()), graph)
    published = Published(
        corpus=corpus,
        board=board,
        row=row if blend else graph,
        graph=graph,
        training=read_record(quantized.parent / "classifier" / "training.json", TrainingRecord),
        size=(model / GRAPH).stat().st_size,
        max_length=config["max_length"],
        licence=hub_licence(corpus),
        attributed=write_notice(model, corpus, hints.remark),
        repo=hints.model_repo,
        remark=hints.remark,
        blend=blend,
        languages=hints.languages,
        datasets=hints.datasets,
        quantization=config.get("quantization", {}),
    )
    _write(model / "README.md", model_card(published))
    _write(folder / "README.md", space_card(published))
    write_json(folder / "examples.json", examples(corpus))
    shutil.copyfile(model / "NOTICE", folder / "NOTICE")
    if published.licence == "other":
        # Where the Hub looks for the terms.
        for side in (model, folder):
            shutil.copyfile(model / "NOTICE", side / "LICENSE")
    for name in ("guard.py", "meaning.py"):
        shutil.copyfile(_CLASSIFIERS / name, folder / name)
    for name in ("app.py", "requirements.txt"):
        shutil.copyfile(_TEMPLATE / name, folder / name)
    files = [path for path in folder.rglob("*") if path.is_file()]
    result = PublishedFolder(
        base_model=published.row["model"],
        micro_f1=published.row["micro_f1"],
        macro_f1=published.row["macro_f1"],
        threshold=published.row["threshold"],
        licence=published.licence,
        labels=len(corpus.labels),
        attributed=published.attributed,
        words=blend is not None,
        files=len(files),
        bytes=sum(path.stat().st_size for path in files),
        model_bytes=published.size,
    )
    log(
        f"{result.base_model} as int8: {result.files} files, {result.bytes:,} bytes, "
        f"licence {result.licence}"
    )
    return result


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "backslashreplace"))
