"""Models of a lake for the tagger page, with their card, scores and examples.

A model needs only its own folder; card, leaderboard and corpus are optional.
"""

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from hf_assets.classifiers.tagger import NotATagger, Tagger
from hf_assets.corpora.corpus import CorpusError, is_generated, open_corpus
from hf_assets.object_store.errors import StoreError
from hf_assets.object_store.listing import folder_names
from hf_assets.object_store.path import LakePath
from hf_assets.storage.folders import (
    ReplacedFolder,
    is_stored,
    local_folder,
    local_path,
    read_folder,
    written_at,
)

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
    folder: LakePath
    data: LakePath

    @property
    def config(self) -> dict[str, Any]:
        """config.json."""
        return _json(self.folder / "config.json")

    @property
    def base_model(self) -> str | None:
        """The base model's name, or None where it is unknown."""
        return self._named(self._leaderboard)

    def _named(self, leaderboard: LakePath) -> str | None:
        if self.folder.name == "quantized":
            return self.folder.parent.name
        best = _json(leaderboard / "leaderboard.json").get("best")
        return str(best) if best else None

    @property
    def measured(self) -> dict[str, str]:
        """Scores of the model from the leaderboard, by label; empty without a leaderboard."""
        try:
            rows, name = read_folder(
                self._leaderboard,
                lambda at: (pl.read_parquet(at / "leaderboard.parquet"), self._named(at)),
            )
            ours = rows.filter(runtime=self._runtime, model=name).row(0, named=True)
            floor = rows.filter(runtime="floor").sort("micro_f1").row(-1, named=True)
            return {
                "Micro-F1 on test": f"{ours['micro_f1']:.3f}",
                f"Floor, {floor['model']}": f"{floor['micro_f1']:.3f}",
                "A text": f"{ours['ms_p50']:.1f} ms",
            }
        except (OSError, pl.exceptions.PolarsError, ReplacedFolder):
            return {}

    @property
    def _runtime(self) -> str:
        blend = self.config.get("blend")
        served = isinstance(blend, dict) and blend.get("served")
        return "int8 + TF-IDF" if served else "int8"

    @property
    def _leaderboard(self) -> LakePath:
        return self.data / "classifiers" / self.corpus / "leaderboard"

    @property
    def card(self) -> str:
        """The model card's Markdown without its front matter; empty where there is none."""
        try:
            card = local_path(self.folder / "README.md").read_text("utf-8")
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
        except (CorpusError, ReplacedFolder, StoreError):
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
        self._loaded: dict[LakePath, tuple[Stamp, Tagger]] = {}

    def get(self, folder: LakePath) -> Tagger:
        """The current tagger of a folder. Raises as `Tagger.load` does."""
        with self._lock:
            known = self._loaded.get(folder)
            try:
                here = local_path(folder)
            except OSError as error:  # a store that is away takes no tagger from who has it
                if known is None:
                    raise NotATagger(f"no model in {folder}: {error}") from error
                return known[1]
            stamp = _stamp(here)
            # Between the two renames of a replacement there is no folder: keep the old tagger.
            if known is None or (stamp and stamp != known[0]):
                known = read_folder(here, lambda at: (_stamp(at), Tagger.load(at)))
                self._loaded[folder] = known
            return known[1]


def find(data: LakePath) -> dict[str, Trained]:
    """The model of each corpus: the one of its Space, else the newest int8 model."""
    found, homes = {}, data / "classifiers"
    for name in folder_names(homes):
        folder = _model_in(homes / name / "tagger_space") or _last_made(homes / name)
        if folder:
            found[name] = Trained(name, folder, data)
    return found


def _model_in(folder: LakePath) -> LakePath | None:
    """The folder in it that has config.json and onnx/."""
    try:
        here = local_folder(folder)
    except FileNotFoundError:
        return None
    places = sorted(path.parent for path in here.rglob("config.json"))
    model = next((place for place in places if (place / "onnx").is_dir()), None)
    return model and folder / model.relative_to(here).as_posix()


def _last_made(home: LakePath) -> LakePath | None:
    folders = [home / name / "quantized" for name in folder_names(home)]
    folders = sorted(filter(is_stored, folders), key=written_at, reverse=True)
    return next(filter(None, map(_model_in, folders)), None)


def _stamp(folder: Path) -> Stamp:
    """Inodes and times of the folder's files; empty without the folder."""
    try:
        files = [path.stat() for path in (folder, folder / "config.json", folder / "onnx")]
    except FileNotFoundError:
        return ()
    return tuple((one.st_ino, one.st_mtime_ns) for one in files)


def _json(path: LakePath) -> dict[str, Any]:
    """The object in a JSON file; empty where it is missing or invalid."""
    try:
        found = json.loads(local_path(path).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
