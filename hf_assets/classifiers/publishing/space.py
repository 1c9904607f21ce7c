"""The best int8 model as a folder to publish: a Space, and in it the model, each with its card.

What belongs here: which files there are. What does not: what the cards say (`card_text.py`), whose
texts the model learnt from (`notices.py`), what the page does (`space/app.py`).

The folder is a Space's repository; `model/` in it is a model's, in the layout that transformers.js
and Optimum read.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub.utils import validate_repo_id

from hf_assets.classifiers.evaluation.results import INT8, Leaderboard
from hf_assets.classifiers.evaluation.rules import beats_floors
from hf_assets.classifiers.provenance import require_current, require_same_corpus
from hf_assets.classifiers.publishing.cards import Published, model_card, space_card
from hf_assets.classifiers.publishing.notices import examples, hub_licence, write_notice
from hf_assets.corpora.corpus import Corpus
from hf_assets.errors import InputError
from hf_assets.storage.json_files import read_json

GRAPH = "onnx/model_quantized.onnx"
_CLASSIFIERS = Path(__file__).resolve().parents[1]
_TEMPLATE = Path(__file__).parent / "template"
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


@dataclass(frozen=True)
class Hints:
    """What the cards say beyond what was measured.

    Attributes:
        model_repo: the Hub id the model will have, if it is known.
        remark: a sentence on top of the card and in the NOTICE, such as that texts are generated.
        words: publish the small TF-IDF model too, as an option of the tagger.
    """

    model_repo: str | None = None
    remark: str = ""
    words: bool = False


def write_space(
    folder: Path,
    corpus: Corpus,
    quantized: Path,
    board: Leaderboard,
    log: Callable[[str], None] = lambda _: None,
    hints: Hints = Hints(),
) -> dict[str, Any]:
    """Fill an empty folder with what `huggingface_hub.upload_folder` is to send.

    Args:
        folder: becomes the Space.
        corpus: what the model was trained on.
        quantized: the folder of the int8 model that the leaderboard calls best.
        board: names that model, and holds the scores of the card.
        log: a line of the run log.
        hints: what else to say.

    Returns:
        `base_model`, `micro_f1`, `macro_f1`, `threshold`, `license`, `labels`, `attributed` rows,
        `files`, `bytes` and `model_bytes` (of the graph).

    Raises:
        HFValidationError: `model_repo` can be no id on the Hub.
        InputError: the leaderboard has no int8 model, that model is no better than a constant
            answer, or it is not what was measured: of another training, corpus or labels.
    """
    if hints.model_repo:
        validate_repo_id(hints.model_repo)
    served = board.rows.filter(model=board.facts["best"] or "", runtime=INT8).to_dicts()
    if not served:
        raise InputError("the leaderboard has no int8 model: materialise quantized_classifier")
    floors = beats_floors(board.rows)
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
    require_same_corpus(corpus, board.facts, "leaderboard")
    require_current(corpus, [quantized.parent], [quantized.name])
    measured = served[0]["threshold"], board.facts["made_from"]["int8"]
    if (config["threshold"], read_json(quantized / "quantization.json")["mark"]) != measured:
        raise InputError(
            f"{quantized} is not what was measured: materialise {corpus.name}/leaderboard again"
        )
    model = folder / "model"
    (model / "onnx").mkdir(parents=True)
    shutil.copyfile(quantized / GRAPH, model / GRAPH)
    for name in _TOKENIZER:
        if (quantized / name).exists() or name == "tokenizer.json":
            shutil.copyfile(quantized / name, model / name)
    shutil.copyfile(_CLASSIFIERS / "tagger.py", model / "tagger.py")
    blend = board.blend if hints.words else None
    if blend is not None and board.words is not None:
        board.words.save(model / "tfidf.npz")
        shutil.copyfile(_CLASSIFIERS / "evaluation" / "tfidf.py", model / "tfidf.py")
        about = {"weight": blend.weight, "threshold": blend.threshold}
        config["blend"] = {"file": "tfidf.npz"} | about
    _write_json(model / "config.json", config)
    published = Published(
        corpus=corpus,
        board=board,
        row=served[0],
        training=read_json(quantized.parent / "classifier" / "training.json"),
        size=(model / GRAPH).stat().st_size,
        max_length=config["max_length"],
        licence=hub_licence(corpus),
        attributed=write_notice(model, corpus, hints.remark),
        repo=hints.model_repo,
        remark=hints.remark,
        blend=blend,
    )
    _write(model / "README.md", model_card(published))
    _write(folder / "README.md", space_card(published))
    _write_json(folder / "examples.json", examples(corpus))
    shutil.copyfile(model / "NOTICE", folder / "NOTICE")
    shutil.copyfile(_CLASSIFIERS / "guard.py", folder / "guard.py")
    for name in ("app.py", "requirements.txt"):
        shutil.copyfile(_TEMPLATE / name, folder / name)
    files = [path for path in folder.rglob("*") if path.is_file()]
    facts = {
        "base_model": published.row["model"],
        "micro_f1": published.row["micro_f1"],
        "macro_f1": published.row["macro_f1"],
        "threshold": config["threshold"],
        "license": published.licence,
        "labels": len(corpus.labels),
        "attributed": published.attributed,
        "words": blend is not None,
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
        "model_bytes": published.size,
    }
    log("{base_model} as int8: {files} files, {bytes:,} bytes, licence {license}".format(**facts))
    return facts


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "backslashreplace"))


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    _write(path, text + "\n")
