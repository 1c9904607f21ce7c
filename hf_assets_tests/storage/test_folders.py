"""A reader of a folder that is replaced meanwhile: of the old or the new, never of both."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hf_assets.apps import trained
from hf_assets.apps.trained import Taggers, Trained
from hf_assets.classifiers.tagger import Tagger
from hf_assets.corpora import corpus as corpora
from hf_assets.corpora.corpus import CorpusError, open_corpus
from hf_assets.corpora.schemas import CORPUS_COLUMNS
from hf_assets.defs.labels.paths import CorpusPaths
from hf_assets.object_store.path import LakePath
from hf_assets.storage import folders
from hf_assets.storage.folders import ReplacedFolder, local_folder, read_folder, replacing_folder
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.apps.models import write_model

FILES = ("a", "b", "c")


def put(place: LakePath, content: str) -> None:
    with replacing_folder(place) as folder:
        for name in FILES:
            (folder / name).write_text(content)


@pytest.mark.parametrize("at", range(4), ids=["before", "first", "second", "after"])
def test_a_folder_replaced_between_two_of_its_files_is_read_again(tmp_path: Path, at: int) -> None:
    place, writes = tmp_path / "onnx", ["new"]
    put(place, "old")

    def load(folder: Path) -> list[str]:
        found = []
        for number, name in enumerate(FILES):
            if number == at and writes:
                put(place, writes.pop())
            found.append((folder / name).read_text())
        if at == len(FILES) and writes:
            put(place, writes.pop())
        return found

    assert read_folder(place, load) == ["new"] * 3


def test_an_error_of_a_folder_that_was_replaced_is_no_error_of_the_new(tmp_path: Path) -> None:
    place, writes = tmp_path / "onnx", ["new"]
    put(place, "old")

    def load(folder: Path) -> str:
        if writes:
            put(place, writes.pop())
            raise ValueError("files of two folders do not belong together")
        return (folder / "a").read_text()

    assert read_folder(place, load) == "new"
    with pytest.raises(ZeroDivisionError):
        read_folder(place, lambda _: 1 // 0)
    with pytest.raises(FileNotFoundError):
        read_folder(tmp_path / "none", lambda folder: (folder / "a").read_text())


def test_a_folder_that_is_replaced_again_and_again_is_named(tmp_path: Path) -> None:
    place = tmp_path / "onnx"
    put(place, "old")
    with pytest.raises(ReplacedFolder, match="onnx was replaced while it was read") as seen:
        read_folder(place, lambda _: put(place, "new"))
    assert not seen.value.permanent


# Who reads folders


def write_corpus(place: Path, label: str) -> None:
    with replacing_folder(place) as folder:
        rows = [{"id": "1", "text": label, "labels": [label], "split": "train"}]
        schema = {name: column.dtype for name, column in CORPUS_COLUMNS.items()}
        pl.DataFrame(rows, schema=schema).write_parquet(folder / "corpus.parquet")
        (folder / "labels.json").write_text(json.dumps({"labels": [label]}))
        (folder / "facts.json").write_text(json.dumps({"labels": 1, "rows": 1, "name": label}))


def replaced_before(
    call: Callable[..., object], change: Callable[[], None], at: int = 2
) -> Callable[..., object]:
    """The same function; all has changed when it is called for that time."""
    calls = []

    def changed(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == at:
            change()
        return call(*arguments)

    return changed


def test_a_corpus_is_one_version_whenever_its_rows_are_read(
    folder_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder_lake.folder("corpora/own", None)
    write_corpus(place, "old")
    corpus = CorpusPaths(folder_lake, "own").corpus
    write_corpus(place, "new")
    assert (corpus.name, corpus.labels) == ("old", ("old",))
    assert corpus.frame["text"].to_list() == ["old"]
    # Its labels and its facts are two files.
    read = replaced_before(corpora.read_record, lambda: write_corpus(place, "newest"), at=1)
    monkeypatch.setattr(corpora, "read_record", read)
    corpus = open_corpus(place)
    # A version that was replaced meanwhile is read on, on a store.
    version = "newest" if isinstance(place, Path) else "new"
    assert (corpus.name, corpus.labels) == (version, (version,))
    assert corpus.frame["labels"].to_list() == [[version]]
    with replacing_folder(place) as folder:
        (folder / "corpus.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorpusError, match="cannot be read"):
        open_corpus(place)


def test_a_tagger_that_is_replaced_while_it_loads_is_one_of_the_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, load = tmp_path / "tagger_space", Tagger.load

    def put_model(word: str, label: str) -> None:
        with replacing_folder(place) as folder:
            write_model(folder / "model", {word: label})

    def loading(folder: Path) -> Tagger:
        monkeypatch.undo()
        found = load(folder)
        put_model("weather", "climate")
        return found

    put_model("forest", "random-forest")
    monkeypatch.setattr(trained.Tagger, "load", loading)
    taggers = Taggers()
    assert list(taggers.get(place / "model").labels) == ["climate"]
    known = taggers.get(place / "model")
    assert taggers.get(place / "model") is known


def test_what_was_measured_is_of_the_model_of_the_same_leaderboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "classifiers" / "own" / "leaderboard"

    def measured(best: str, score: float) -> None:
        rows = [(best, "int8", score, 5.0), ("other", "int8", 0.1, 5.0), ("0", "floor", 0.0, None)]
        schema = ["model", "runtime", "micro_f1", "ms_p50"]
        with replacing_folder(place) as folder:
            frame = pl.DataFrame(rows, schema=schema, orient="row")
            frame.write_parquet(folder / "leaderboard.parquet")
            (folder / "leaderboard.json").write_text(json.dumps({"best": best}))

    measured("small", 0.5)
    read = pl.read_parquet

    def reading(path: Path) -> pl.DataFrame:
        monkeypatch.undo()
        found = read(path)
        measured("other", 0.7)
        return found

    monkeypatch.setattr(pl, "read_parquet", reading)
    model = Trained("own", tmp_path / "model", tmp_path)
    assert model.measured["Micro-F1 on test"] == "0.700"


def test_a_step_whose_input_was_replaced_is_made_again(folder_lake: Lake) -> None:
    chain = CorpusPaths(folder_lake, "own")
    place = chain.folder("base", "classifier")
    put(place, "old")

    def step(change: Callable[[], None]) -> None:
        with chain.reading():
            assert chain.stored("base", "classifier").name == "classifier"
            change()

    step(lambda: None)
    with pytest.raises(ReplacedFolder, match="classifier was replaced while it was read"):
        step(lambda: put(place, "new"))

    def torn() -> None:
        here = local_folder(place)
        put(place, "newer")
        (here / "gone").read_text()

    with pytest.raises(ReplacedFolder) as seen:
        step(torn)
    assert isinstance(seen.value.__cause__, FileNotFoundError)


def test_an_interrupt_is_an_interrupt(lake: Lake) -> None:
    chain = CorpusPaths(lake, "own")
    put(chain.folder("base", "onnx"), "old")

    def stopped() -> None:
        put(chain.stored("base", "onnx"), "new")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), chain.reading():
        stopped()


def test_the_folder_of_a_killed_writer_is_read(tmp_path: Path) -> None:
    place = tmp_path / "onnx"
    put(place, "old")
    place.rename(folders._aside(place))
    assert read_folder(place, lambda folder: (folder / "a").read_text()) == "old"
