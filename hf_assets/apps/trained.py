"""Models of a lake for the tagger page, with their card, scores and examples.

A model needs only its own folder; card, leaderboard and corpus are optional.
"""

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from hf_assets.classifiers.tagger import Tagger
from hf_assets.corpora.corpus import CorpusError, is_generated, open_corpus
from hf_assets.storage.folders import ReplacedFolder, read_folder

# Characters of an example, title and text together.
EXAMPLE_LENGTH = (40, 600)

Stamp = tuple[tuple[int, int], ...]


class Example(NamedTuple):
    """A test row with its author, link and licence."""

    title: str
    text: str
    link: str | None
    author: str | None
    license: str | None


@dataclass(frozen=True)
class Trained:
    """The model of a corpus. `folder` has config.json and onnx/; `data` is the root of the lake."""

    corpus: str
    folder: Path
    data: Path

    @property
    def config(self) -> dict[str, Any]:
        """config.json."""
        return _json(self.folder / "config.json")

    @property
    def base_model(self) -> str | None:
        """The base model's name, or None where it is unknown."""
        if self.folder.name == "quantized":
            return self.folder.parent.name
        best = _json(self._leaderboard / "leaderboard.json").get("best")
        return str(best) if best else None

    @property
    def measured(self) -> dict[str, str]:
        """Scores of the model from the leaderboard, by label; empty without a leaderboard."""
        try:
            rows, name = read_folder(
                self._leaderboard,
                lambda folder: (pl.read_parquet(folder / "leaderboard.parquet"), self.base_model),
            )
            ours = rows.filter(runtime="int8", model=name).row(0, named=True)
            floor = rows.filter(runtime="floor").sort("micro_f1").row(-1, named=True)
            return {
                "Micro-F1 on test": f"{ours['micro_f1']:.3f}",
                f"Floor, {floor['model']}": f"{floor['micro_f1']:.3f}",
                "A text": f"{ours['ms_p50']:.1f} ms",
            }
        except (OSError, pl.exceptions.PolarsError, ReplacedFolder):
            return {}

    @property
    def _leaderboard(self) -> Path:
        return self.data / "classifiers" / self.corpus / "leaderboard"

    @property
    def card(self) -> str:
        """The model card's Markdown without its front matter; empty where there is none."""
        try:
            card = (self.folder / "README.md").read_text("utf-8")
        except OSError:
            return ""
        opened, _, rest = card.partition("---\n")
        return rest.partition("\n---\n")[2].strip() if rest and not opened else card.strip()

    @property
    def generated(self) -> bool:
        """Whether some of the corpus's texts were generated."""
        return is_generated(_json(self.data / "corpora" / self.corpus / "facts.json"))

    def examples(self, count: int = 3) -> list[Example]:
        """Short test rows with different first labels; none without a corpus."""
        try:
            corpus = open_corpus(self.data / "corpora" / self.corpus)
        except (CorpusError, ReplacedFolder):
            return []
        rows = (
            corpus.unread.filter(pl.col("split") == "test")
            .filter(pl.col("text").str.len_chars().is_between(*EXAMPLE_LENGTH))
            .select("text", "link", "author", "license", first=pl.col("labels").list.first())
            .unique("first", keep="first", maintain_order=True)
            .head(count)
            .collect()
        )
        found = []
        for row in rows.iter_rows(named=True):
            title, _, text = row["text"].partition("\n\n")
            # A text of one part is a text, not a title.
            title, text = (title, text) if text else ("", title)
            found.append(Example(title, text, row["link"], row["author"], row["license"]))
        return found


class Taggers:
    """Taggers by folder, loaded on demand and again when the files change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: dict[Path, tuple[Stamp, Tagger]] = {}

    def get(self, folder: Path) -> Tagger:
        """The current tagger of a folder. Raises as `Tagger.load` does."""
        with self._lock:
            known, stamp = self._loaded.get(folder), _stamp(folder)
            # Between the two renames of a replacement there is no folder: keep the old tagger.
            if known is None or (stamp and stamp != known[0]):
                known = read_folder(folder, lambda at: (_stamp(at), Tagger.load(at)))
                self._loaded[folder] = known
            return known[1]


def find(data: Path) -> dict[str, Trained]:
    """The model of each corpus: the one of its Space, else the newest int8 model."""
    found = {}
    for home in sorted(path for path in (data / "classifiers").glob("*") if path.is_dir()):
        folder = _model_in(home / "tagger_space") or _last_made(home)
        if folder:
            found[home.name] = Trained(home.name, folder, data)
    return found


def _model_in(folder: Path) -> Path | None:
    places = sorted(path.parent for path in folder.rglob("config.json"))
    return next((place for place in places if (place / "onnx").is_dir()), None)


def _last_made(home: Path) -> Path | None:
    folders = [model for path in home.glob("*/quantized") if (model := _model_in(path))]
    return max(folders, key=lambda path: path.stat().st_mtime_ns, default=None)


def _stamp(folder: Path) -> Stamp:
    """Inodes and times of the folder's files; empty without the folder."""
    try:
        files = [path.stat() for path in (folder, folder / "config.json", folder / "onnx")]
    except FileNotFoundError:
        return ()
    return tuple((one.st_ino, one.st_mtime_ns) for one in files)


def _json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty where it is missing or invalid."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
