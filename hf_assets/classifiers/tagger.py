"""The served classifier: texts in, labels with scores out, from one folder and without torch.

Published folders get a copy of this file, of `tagger_workers.py` and of `tfidf.py` beside it: they
import numpy, onnxruntime and tokenizers, and nothing of the package around. The command line is
`hf-assets tag`.

Where the folder holds a blend, a TF-IDF model that was better on validation together with the
network than the network alone, that is what answers.

    tagger = Tagger.load("tagger_space")
    tagger.predict(["Why do plants need light?"], k=3)

Where config.json says that a neighbour changes no answer, many texts are answered in batches of
like length; else, as in folders of earlier versions, each by itself, unpadded. More speed comes
from more processes.
"""

import importlib
import importlib.util
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

FILES = ("onnx/model_quantized.onnx", "onnx/model.onnx")
# A text is first read this many characters a token deep; prose has four or five.
CHARACTERS_A_TOKEN = 16
# A cut through a text can change how the words just before it are split, not those further back.
WORDS_NEAR_A_CUT = 8
# Texts a worker process is handed at a time.
CHUNK = 32
# Texts that are sorted by length at a time, and tokens of a batch of them: more leave the caches.
SORTED, TOKENS = 256, 512


class NotATagger(ValueError):
    """A folder from which no tagger can be loaded; the message says what is wrong with it."""


class NotFinite(ArithmeticError):
    """A model gave NaN or infinity: its file is damaged."""


class Tag(NamedTuple):
    """A label that fits a text, and the probability the classifier gives it, 0 to 1."""

    label: str
    score: float


class Tagger:
    """A classifier loaded from a folder by `load`. It may be used from several threads.

    Attributes:
        folder, path: where it lies, and which graph in it was loaded.
        config: all of config.json.
        labels: in the order of the columns of `scores`.
        threshold: the score from which a label fits, tuned for what answers.
        words: the blend with TF-IDF that answers, or None: the network alone.
        batches: whether many texts are answered in batches, as a neighbour changes no answer.
        max_length: tokens that are read; what a text has beyond them is not.
    """

    def __init__(self, folder: Path, path: Path, threads: int, words: bool) -> None:
        self.folder, self.path = folder, path
        try:
            self.config = json.loads((folder / "config.json").read_bytes())
            self._tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text("utf-8"))
        except Exception as error:  # tokenizers raises nothing narrower
            raise NotATagger(f"no whole config.json and tokenizer.json: {error}") from error
        self.labels = _labels(self.config)
        self.threshold = _number(self.config, "threshold", 0, 1)
        self.words = _words(folder, self.config, len(self.labels)) if words else None
        if self.words:
            self.threshold = self.words.threshold
        least = self._tokenizer.num_special_tokens_to_add(is_pair=False) + 1
        self.max_length = int(_number(self.config, "max_length", least, 1 << 20))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.max_length)
        served = self.config.get("quantization") if path == folder / FILES[0] else None
        self.batches = isinstance(served, dict) and served.get("batches") is True
        self._padding = int(self.config.get("pad_token_id") or 0)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors: its warnings are about its own optimiser
        try:
            self._session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises nothing narrower
            raise NotATagger(f"{path} is no graph that onnxruntime can load: {error}") from error
        self._inputs = [one.name for one in self._session.get_inputs()]
        if unknown := set(self._inputs) - {"input_ids", "attention_mask", "token_type_ids"}:
            raise NotATagger(f"{path} wants inputs that are not known here: {sorted(unknown)}")
        widths = {one.name: one.shape[-1] for one in self._session.get_outputs()}
        if widths.get("logits") != len(self.labels):
            raise NotATagger(f"{path} gives {widths}, config.json names {len(self.labels)} labels")

    @classmethod
    def load(
        cls, folder: str | Path, file: str | None = None, threads: int = 1, *, words: bool = True
    ) -> "Tagger":
        """The tagger in `folder`: config.json, tokenizer.json and a graph.

        Args:
            folder: in the Hub's layout.
            file: the graph, relative to the folder; by default the quantised one, else the other.
            threads: that one text may use; more can make an answer faster, never another one.
            words: False has the network answer alone, at the threshold tuned for that.

        Raises:
            NotATagger: something is missing, damaged, or does not belong together.
        """
        folder = Path(folder)
        choices = [folder / name for name in ((file,) if file else FILES)]
        for path in choices:
            if path.is_file():
                return cls(folder, path, threads, words)
        raise NotATagger(f"no model in {folder}: looked for {' and '.join(map(str, choices))}")

    def predict(
        self,
        texts: Sequence[str],
        k: int | None = None,
        threshold: float | None = None,
        workers: int | None = None,
    ) -> list[list[Tag]]:
        """The labels that fit each text, best first; an empty list where none does.

        Args:
            texts: of any length, also empty.
            k: at most so many labels a text; all that fit by default.
            threshold: 0 to 1, instead of the tuned one; 0 with `k` gives the best k, fit or not.
            workers: processes, as in `scores`.

        Raises:
            TypeError, ValueError, NotFinite: as in `scores`, and for such a k or threshold.
        """
        choose = self.chooser(k, threshold)
        return [choose(row) for row in self.each(_checked(texts), workers)]

    def scores(self, texts: Sequence[str], workers: int | None = None) -> np.ndarray:
        """The probability of each label for each text, float32 [texts, labels].

        Args:
            texts: of any length, also empty.
            workers: processes that share the texts; None or 1 stays in this one. Each takes
                about half a second to start and loads the model for itself. They are spawned: a
                script that asks for them needs the usual `if __name__ == "__main__"`.

        Raises:
            TypeError: `texts` is one text, or holds what is none; the message says where.
            ValueError: fewer than one worker.
            NotFinite: the model is damaged.
        """
        texts = _checked(texts)
        made = np.empty((len(texts), len(self.labels)), np.float32)
        for position, row in enumerate(self.each(texts, workers)):
            made[position] = row
        return made

    def each(
        self, texts: Iterable[str], workers: int | None, ahead: bool = False
    ) -> Iterator[np.ndarray]:
        """Scores text by text, float32 [labels], in order; for texts that no `refusal` meets.

        With workers it reads a few chunks ahead; a stream, with `ahead`, some hundred texts.
        """
        if workers is not None and workers < 1:
            raise ValueError(f"workers must be 1 or more, not {workers}")
        workers = workers or 1
        if isinstance(texts, list):
            workers = min(workers, math.ceil(len(texts) / CHUNK))
        if workers > 1:
            # Imported late: who serves one text at a time needs no such file.
            package = f"{__package__}." if __package__ else ""
            pool = importlib.import_module(f"{package}tagger_workers")
            return pool.answers(self, iter(texts), workers)
        if self.batches and (ahead or isinstance(texts, list)):
            return self._in_batches(iter(texts))
        return map(self._scores_of, texts)

    def reads(self, text: str) -> bool:
        """Whether the model knows a word of a text, or a part of one."""
        if not any(character.isalnum() for character in text):
            return False
        encoding = self._encode(text)
        named = getattr(self._tokenizer.model, "unk_token", None)
        unknown = self._tokenizer.token_to_id(named) if named else None
        words = zip(encoding.ids, encoding.special_tokens_mask, strict=True)
        return any(not special and word != unknown for word, special in words)

    def chooser(self, k: int | None, threshold: float | None) -> Callable[[np.ndarray], list[Tag]]:
        """What turns a row of scores into tags, best first; arguments as in `predict`."""
        if k is not None and k < 1:
            raise ValueError(f"k must be 1 or more, not {k}")
        least = self.threshold if threshold is None else threshold
        if not 0 <= least <= 1:
            raise ValueError(f"threshold must lie between 0 and 1, not at {least}")

        def choose(row: np.ndarray) -> list[Tag]:
            best = np.argsort(-row, kind="stable")[:k]
            return [Tag(self.labels[i], float(row[i])) for i in best if row[i] >= np.float32(least)]

        return choose

    def feed(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """What the graph is given for these texts, at least one: int64 [texts, tokens], padded."""
        return self._feed([self._encode(text) for text in texts])

    def _feed(self, encodings: Sequence[Any]) -> dict[str, np.ndarray]:
        for encoding in encodings:
            encoding.pad(max(len(each.ids) for each in encodings), pad_id=self._padding)
        given = {"input_ids": "ids", "attention_mask": "attention_mask"}
        given["token_type_ids"] = "type_ids"
        columns = {
            name: [getattr(each, given[name]) for each in encodings] for name in self._inputs
        }
        return {name: np.array(column, np.int64) for name, column in columns.items()}

    def _in_batches(self, texts: Iterator[str]) -> Iterator[np.ndarray]:
        while chunk := list(islice(texts, SORTED)):
            encodings = [self._encode(str(text)) for text in chunk]
            lengths = [len(encoding.ids) for encoding in encodings]
            rows: dict[int, np.ndarray] = {}
            waiting = sorted(range(len(chunk)), key=lengths.__getitem__, reverse=True)
            while waiting:
                count = max(1, TOKENS // lengths[waiting[0]])
                batch, waiting = waiting[:count], waiting[count:]
                logits = self._logits([encodings[at] for at in batch])
                rows |= zip(batch, logits, strict=True)
            yield from (self._finished(text, rows[at]) for at, text in enumerate(chunk))

    def _scores_of(self, text: str) -> np.ndarray:
        return self._finished(text, self._logits([self._encode(str(text))])[0])

    def _logits(self, encodings: Sequence[Any]) -> np.ndarray:
        return np.asarray(self._session.run(["logits"], self._feed(encodings))[0])

    def _finished(self, text: str, logits: np.ndarray) -> np.ndarray:
        if not np.isfinite(logits).all():
            raise NotFinite(f"{self.path} gives NaN or infinity for the text {text!r:.60}")
        with np.errstate(over="ignore"):
            scores = 1 / (1 + np.exp(-logits))
        return self.words.added(scores, str(text)) if self.words else scores

    def _encode(self, text: str) -> Any:
        # What lies far behind the last token kept is not read; the tokens are the same.
        window = CHARACTERS_A_TOKEN * self.max_length
        while window < len(text):
            encoding = self._tokenizer.encode(text[:window])
            beyond = [word for part in encoding.overflowing for word in part.word_ids]
            words = [word for word in beyond if word is not None]
            if words and words[0] + WORDS_NEAR_A_CUT <= words[-1]:
                return encoding
            window *= 16
        return self._tokenizer.encode(text)


def _words(folder: Path, config: Any, labels: int) -> Any:
    """The blend that the folder serves. Earlier versions wrote one that was only an offer."""
    blend = config.get("blend")
    if not isinstance(blend, dict) or not blend.get("served"):
        return None
    # The file beside this one: in the package, or in a published copy.
    if __package__:
        module: Any = importlib.import_module(f"{__package__}.tfidf")
    else:
        path = Path(__file__).with_name("tfidf.py")
        if not path.is_file():
            raise NotATagger(f"{path.name} is missing beside {Path(__file__).name}: copy both")
        # By a name that no other module of the program has.
        name = f"{__name__}_tfidf"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    try:
        return module.Words.load(folder, blend, labels)
    except ValueError as error:
        raise NotATagger(str(error)) from error


def _labels(config: Any) -> tuple[str, ...]:
    if not isinstance(config, dict) or not isinstance(config.get("id2label"), dict):
        raise NotATagger("config.json must name the label of each column in id2label")
    named, numbered = config["id2label"], config.get("label2id")
    if not named or set(named) != {str(column) for column in range(len(named))}:
        raise NotATagger("config.json: id2label must number its labels 0, 1, 2 …")
    labels = tuple(named[str(column)] for column in range(len(named)))
    if not all(isinstance(label, str) for label in labels) or len(set(labels)) < len(labels):
        raise NotATagger("config.json: the labels in id2label must be texts, each there once")
    if numbered is not None and numbered != {label: i for i, label in enumerate(labels)}:
        raise NotATagger("config.json: id2label and label2id number the labels differently")
    return labels


def _number(config: dict[str, Any], name: str, low: float, high: float) -> float:
    value = config.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise NotATagger(f"config.json: {name} must be a number from {low} to {high}, not {value}")
    return float(value)


def refusal(text: Any) -> str | None:
    """Why this is no text that can be answered, or None where it is one."""
    if not isinstance(text, str):
        return f"a text is wanted, not {text!r:.50} of type {type(text).__name__}"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"character {error.start} is half of a surrogate pair, which no UTF-8 text can hold"
    return None


def _checked(texts: Iterable[str]) -> list[str]:
    if isinstance(texts, str | bytes):
        raise TypeError("texts must be a list of texts, not one text")
    listed = list(texts)
    for position, text in enumerate(listed):
        if why := refusal(text):
            raise TypeError(f"texts[{position}]: {why}")
    return listed


if __name__ == "__main__":
    # The earlier name of `hf-assets tag`, for one more version. A published copy has none.
    from subprocess import call

    print("The command line is: hf-assets tag FOLDER < texts", file=sys.stderr)
    sys.exit(call([sys.executable, "-m", "hf_assets.classifiers.tagger_cli", *sys.argv[1:]]))
