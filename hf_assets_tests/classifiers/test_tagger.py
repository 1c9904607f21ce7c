"""The served classifier: real int8 MiniLM, and folders that are broken on purpose."""

import ast
import json
import math
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from onnx import numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from hf_assets.classifiers import tagger as module
from hf_assets.classifiers.tagger import CHUNK, NotATagger, NotFinite, Tag, Tagger
from hf_assets.corpora.corpus import Corpus
from hf_assets_tests.support.classifiers.artefacts import make_model
from hf_assets_tests.support.classifiers.minilm import LABELS, TrainedModel, copied

PIECES = (
    "cell wall ", "x" * 150, " " * 90, "細胞", "é", "e\u0301", "\u0301", "[MASK]", "[SEP]", "don't",
    "'", "'l", "\n\n", "\x00", "\u200d", "👩‍🔬", "ﬁ", "1234567", "-", "\u00a0", "ß", "i̇", "नमस्ते ",
)  # fmt: skip


@pytest.fixture(scope="session")
def tagger(trained: TrainedModel) -> Tagger:
    return Tagger.load(trained.quantized)


@pytest.fixture
def small(make_corpus, tmp_path: Path) -> Path:
    """A graph of a bag of words, loaded in no time."""
    corpus: Corpus = make_corpus(4, 4)
    return make_model(tmp_path / "small", corpus) / "onnx"


def test_labels_come_best_first(tagger: Tagger, trained: TrainedModel) -> None:
    found = tagger.predict(trained.texts)
    targets = trained.validation.targets
    right = sum(
        LABELS[i] in {t.label for t in tags}
        for tags, row in zip(found, targets, strict=True)
        for i in np.flatnonzero(row)
    )
    assert right / targets.sum() > 0.9
    for tags, row in zip(found, tagger.scores(trained.texts), strict=True):
        assert tags == sorted(tags, key=lambda tag: -tag.score)
        wanted = {
            LABELS[i]: float(row[i]) for i in np.flatnonzero(row >= np.float32(tagger.threshold))
        }
        assert {tag.label: tag.score for tag in tags} == wanted


def test_k_and_threshold(tagger: Tagger) -> None:
    text = ["violin melody and protein genome"]
    every = tagger.predict(text, threshold=0)[0]
    assert [tag.label for tag in every[:2]] == ['a "b", c', "genes"] or [
        tag.label for tag in every[:2]
    ] == ["genes", 'a "b", c']
    assert len(every) == len(LABELS)
    assert tagger.predict(text, k=2, threshold=0) == [every[:2]]
    assert tagger.predict(text, k=1) == [every[:1]]
    assert tagger.predict(text, threshold=1) == [[]]
    assert isinstance(every[0], Tag)
    for wrong in (
        {"k": 0},
        {"k": -1},
        {"threshold": 1.1},
        {"threshold": -0.1},
        {"threshold": math.nan},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            tagger.predict(text, **wrong)  # ty: ignore[invalid-argument-type]


@pytest.mark.heavy
def test_an_answer_does_not_depend_on_neighbours_threads_or_workers(
    tagger: Tagger, trained: TrainedModel
) -> None:
    texts = [f"{trained.texts[i % 60]} {i}" for i in range(2 * CHUNK + 5)]
    alone = np.concatenate([tagger.scores([text]) for text in texts])
    assert (tagger.scores(texts) == alone).all()
    assert (tagger.scores(texts[::-1])[::-1] == alone).all()
    assert (Tagger.load(trained.quantized, threads=2).scores(texts[:9]) == alone[:9]).all()
    with ThreadPoolExecutor(4) as pool:
        assert (np.concatenate(list(pool.map(lambda t: tagger.scores([t]), texts))) == alone).all()
    assert (tagger.scores(texts, workers=2) == alone).all()
    with pytest.raises(ValueError, match="workers"):
        tagger.scores(texts, workers=0)


def test_no_texts_and_empty_texts(tagger: Tagger) -> None:
    assert tagger.scores([]).shape == (0, len(LABELS))
    assert tagger.scores([], workers=4).dtype == np.float32
    assert tagger.predict([]) == []
    assert np.isfinite(tagger.scores(["", " ", "\n", "\x00"])).all()


@pytest.mark.parametrize("bad", [None, math.nan, 3, b"bytes", "half \ud83d a pair", ["nested"]])
def test_what_is_no_text_is_refused_by_position(tagger: Tagger, bad: object) -> None:
    with pytest.raises(TypeError, match=r"texts\[1\]"):
        tagger.scores(["fine", bad])  # ty: ignore[invalid-argument-type]
    with pytest.raises(TypeError, match=r"texts\[1\]"):
        tagger.predict(["fine", bad], workers=2)  # ty: ignore[invalid-argument-type]


def test_one_text_is_not_a_list_of_texts(tagger: Tagger) -> None:
    with pytest.raises(TypeError, match="list"):
        tagger.predict("violin")
    assert tagger.predict([np.str_("violin")]) == tagger.predict(["violin"])


# Anything a program can hold as a text, half surrogate pairs too, and what tokenizers trip over.
WILD = st.text(st.characters(exclude_categories=()), max_size=80) | st.builds(
    str.__mul__, st.sampled_from(PIECES), st.integers(1, 400)
)


@settings(max_examples=40)
@example(["fine", "half \ud83d a pair", "\udc00"])
@given(st.lists(WILD, max_size=5))
def test_wild_texts_are_answered_alone_as_together_or_refused_by_position(
    tagger: Tagger, texts: list[str]
) -> None:
    half = [any("\ud800" <= char <= "\udfff" for char in text) for text in texts]
    if any(half):
        with pytest.raises(TypeError, match=rf"texts\[{half.index(True)}\]: .*surrogate"):
            tagger.scores(texts)
    texts = [text for text, odd in zip(texts, half, strict=True) if not odd]
    scores, tags = tagger.scores(texts), tagger.predict(texts, threshold=0)
    assert np.isfinite(scores).all()
    assert ((scores >= 0) & (scores <= 1)).all()
    for text, row, given_tags in zip(texts, scores, tags, strict=True):
        np.testing.assert_array_equal(tagger.scores([text])[0], row)
        assert {tag.label: tag.score for tag in given_tags} == dict(
            zip(LABELS, row.tolist(), strict=True)
        )


@pytest.fixture(scope="session")
def tokenizers_of(tagger: Tagger, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    """For WordPiece and byte pairs, a tagger of 8 tokens, and a tokenizer that reads it all."""
    bytes_too = Tokenizer(models.BPE())
    bytes_too.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bytes_too.train_from_iterator([*PIECES, "the cell wall don't we'll"] * 3, trainer)
    bytes_too.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0))
    found = {}
    for name, written in (("words", None), ("bytes", bytes_too.to_str())):
        folder = tmp_path_factory.mktemp(name) / "tagger"
        copied(tagger.folder, folder, max_length=8)
        if written:
            (folder / "tokenizer.json").write_text(written, "utf-8")
        whole = Tokenizer.from_file(str(folder / "tokenizer.json"))
        whole.no_padding()
        whole.enable_truncation(8)
        found[name] = [Tagger.load(folder), whole]
    return found


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["words", "bytes"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(PIECES) | st.text(max_size=5), st.integers(1, 40)), max_size=14
    )
)
def test_a_long_text_is_read_as_if_it_were_read_whole(
    tokenizers_of: dict, kind: str, pieces: list
) -> None:
    tagger, whole = tokenizers_of[kind]
    text = "".join(piece * times for piece, times in pieces)
    assert tagger._encode(text).ids == whole.encode(text).ids


def test_ten_megabytes_of_prose(tagger: Tagger) -> None:
    prose = "Which protein in the cell wall? " * 320_000
    assert (tagger.scores([prose]) == tagger.scores([prose[:5000]])).all()


BROKEN = {
    "no model": lambda f: (f / "onnx/model.onnx").unlink(),
    "config.json": lambda f: (f / "config.json").unlink(),
    "tokenizer.json": lambda f: (f / "tokenizer.json").unlink(),
    "Expecting": lambda f: (f / "config.json").write_text("{"),
    "no whole": lambda f: (f / "tokenizer.json").write_text('{"version": "1.0"}'),
    "no graph": lambda f: (f / "onnx/model.onnx").write_bytes(b"not a graph"),
    "id2label": lambda f: _change(f, id2label=None),
    "numbers? ": lambda f: _change(f, id2label={"1": "a", "2": "b"}),
    "twice|once": lambda f: _change(f, id2label=dict.fromkeys("01234", "a")),
    "5 ?|names 2": lambda f: _change(f, id2label={"0": "a", "1": "b"}, label2id={"a": 0, "b": 1}),
    "differently": lambda f: _change(f, label2id={label: 4 - i for i, label in enumerate(LABELS)}),
    "threshold": lambda f: _change(f, threshold=None),
    "threshold must": lambda f: _change(f, threshold=math.nan),
    "threshold .* 1,": lambda f: _change(f, threshold=7),
    "threshold .*True": lambda f: _change(f, threshold=True),
    "max_length": lambda f: _change(f, max_length=2),
    "max_length .*128": lambda f: _change(f, max_length="128"),
}  # fmt: skip


def _change(folder: Path, **config: object) -> None:
    path = folder / "config.json"
    changed = json.loads(path.read_bytes()) | config
    path.write_text(json.dumps({k: v for k, v in changed.items() if v is not None}))


@pytest.mark.parametrize("says", BROKEN)
def test_a_broken_folder_says_what_is_wrong(small: Path, says: str) -> None:
    assert Tagger.load(small).labels == LABELS
    BROKEN[says](small)
    with pytest.raises(NotATagger, match=says):
        Tagger.load(small)


def test_a_graph_that_wants_more_is_refused(small: Path) -> None:
    path = small / "onnx/model.onnx"
    model = onnx.load(path)
    model.graph.input[0].name = "pixels"
    model.graph.node[0].input[1] = "pixels"
    onnx.save(model, path)
    with pytest.raises(NotATagger, match="pixels"):
        Tagger.load(small)


def test_a_damaged_model_does_not_answer(small: Path) -> None:
    path = small / "onnx/model.onnx"
    model = onnx.load(path)
    bias = next(one for one in model.graph.initializer if one.name == "bias")
    bias.CopyFrom(numpy_helper.from_array(np.array([0, np.nan, 0, 0, 0], np.float32), "bias"))
    onnx.save(model, path)
    with pytest.raises(NotFinite, match="NaN"):
        Tagger.load(small).scores(["word1"])


def test_the_quantised_graph_is_preferred(small: Path) -> None:
    shutil.copy(small / "onnx/model.onnx", small / "onnx/model_quantized.onnx")
    assert Tagger.load(small).path.name == "model_quantized.onnx"
    assert Tagger.load(str(small), "onnx/model.onnx").path.name == "model.onnx"
    with pytest.raises(NotATagger, match=r"other\.onnx"):
        Tagger.load(small, "onnx/other.onnx")


@pytest.mark.filterwarnings("error")
def test_scores_far_from_zero_do_not_overflow(make_corpus, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "strong", make_corpus(4, 4), strength=400.0) / "onnx"
    scores = Tagger.load(folder).scores(["word0", "how does one"])
    assert scores[0, 0] == 1
    assert (scores[1] == 0).all()


def test_the_file_stands_by_itself() -> None:
    """It travels into published folders: what it imports there must be what they install."""
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    main = next(node for node in tree.body if isinstance(node, ast.If))
    inside = set(ast.walk(main))
    names = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if node not in inside and isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [n.name for n in node.names]
        )
    }
    assert names - sys.stdlib_module_names == {"numpy", "onnxruntime", "tokenizers"}
