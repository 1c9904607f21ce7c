"""One answer everywhere: what the folder holds is what each way of serving it says."""

import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from hf_assets.apps.tagger_service import TaggerService
from hf_assets.apps.trained import Trained
from hf_assets.classifiers import tagger_cli
from hf_assets.classifiers.evaluation import baselines, results
from hf_assets.classifiers.evaluation.leaderboard import measure
from hf_assets.classifiers.evaluation.results import HELPED, INT8, Leaderboard
from hf_assets.classifiers.prediction import predictor
from hf_assets.classifiers.prediction.predictor import open_predictor, store_predictor
from hf_assets.classifiers.publishing.space import Hints, write_space
from hf_assets.classifiers.quality import answers_alone
from hf_assets.classifiers.tagger import NotATagger, Tagger
from hf_assets.corpora.corpus import Corpus
from hf_assets_tests.support.classifiers.artefacts import make_corpus, make_model

MODEL = "small"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def chain(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A baseline, a model that words help, its leaderboard, and the folder to publish."""
    chain = tmp_path_factory.mktemp("chain")
    (chain / "baseline").mkdir()
    baselines.fit(corpus, chain / "baseline")
    make_model(chain / MODEL, corpus, strength=0.9, known=3)
    board = measure(corpus, chain / "baseline", {MODEL: chain / MODEL})
    for name in ("leaderboard", "space"):
        (chain / name).mkdir()
    results.write(board, chain / "leaderboard")
    write_space(chain / "space", corpus, chain / MODEL / "quantized", board)
    return chain


@pytest.fixture(scope="module")
def board(chain: Path) -> Leaderboard:
    return results.open_leaderboard(chain / "leaderboard")


@pytest.fixture(scope="module")
def texts(corpus: Corpus) -> list[str]:
    return ["", "word0 and word3", "thing " * 200 + "word1", *corpus.split("test").texts[:40]]


@pytest.fixture(scope="module")
def wanted(chain: Path, board: Leaderboard, texts: list[str]) -> list[list[str]]:
    """Labels by hand: the graph's logits, the words' scores, the tuned weight and threshold."""
    blend, words = board.record.blend, board.words
    assert blend is not None
    assert words is not None
    p = Tagger.load(chain / MODEL / "quantized").scores(texts).astype(np.float64)
    logits = np.log(p) - np.log1p(-p) + blend.weight * words.scores(texts)
    scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
    labels = Tagger.load(chain / MODEL / "quantized").labels
    return [
        [
            labels[i]
            for i in np.argsort(-row, kind="stable")
            if row[i] >= np.float32(blend.threshold)
        ]
        for row in scores
    ]


def test_words_change_answers(chain: Path, texts: list[str], wanted: list[list[str]]) -> None:
    alone = Tagger.load(chain / "space" / "model", words=False).predict(texts)
    assert [[tag.label for tag in tags] for tags in alone] != wanted


def test_the_tagger(chain: Path, texts: list[str], wanted: list[list[str]]) -> None:
    tagger = Tagger.load(chain / "space" / "model")
    assert [[tag.label for tag in tags] for tags in tagger.predict(texts)] == wanted


def test_the_published_copy_alone(chain: Path, texts: list[str], wanted: list[list[str]]) -> None:
    code = (
        "import json, sys\nfrom tagger import Tagger\n"
        "answers = Tagger.load('.').predict(json.loads(sys.stdin.read()))\n"
        "print(json.dumps([[tag.label for tag in tags] for tags in answers]))\n"
        "assert not {'torch', 'transformers', 'hf_assets', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=chain / "space" / "model", input=json.dumps(texts),
        capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == wanted


def test_the_check_loads_it_by_its_path(chain: Path) -> None:
    assert answers_alone(chain / "space" / "model").passed
    copy = shutil.copytree(chain / "space" / "model", chain / "without-programs")
    for name in ("tagger.py", "tfidf.py"):
        (copy / name).unlink()
    assert answers_alone(copy).passed


def test_the_command_line(
    chain: Path, texts: list[str], wanted: list[list[str]],
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes],
) -> None:  # fmt: skip
    given = "".join(f"{json.dumps(text)}\n" for text in texts).encode()

    def answered(*options: str) -> list[list[str]]:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(given)))
        assert tagger_cli.main([str(chain / "space" / "model"), *options]) == 0
        lines = capsysbinary.readouterr().out.splitlines()
        return [[tag["label"] for tag in json.loads(line)["labels"]] for line in lines]

    monkeypatch.setattr(tagger_cli, "_show", lambda *_, **__: None)
    assert answered() == wanted
    assert answered("--no-words") != wanted


def test_the_page(chain: Path, texts: list[str], wanted: list[list[str]]) -> None:
    folder = chain / "space" / "model"
    service = TaggerService({"toys": Trained("toys", folder, chain)})
    answers = service.each("toys", texts, None)
    for answer, labels in zip(answers, wanted, strict=True):
        assert [tag.label for tag in answer.fit] == labels if answer else labels == wanted[0]
    one = service.answer("toys", "", texts[1], None)
    assert [tag.label for tag in one.fit] == wanted[1]


@pytest.mark.heavy
def test_the_space(chain: Path, texts: list[str], wanted: list[list[str]], tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    code = (
        "import json, runpy, sys\n"
        "page = runpy.run_path('app.py', run_name='page')\n"
        "answers = [page['answer']('', text)[1] or {} for text in json.loads(sys.stdin.read())]\n"
        "print(json.dumps([list(answer) for answer in answers]))"
    )
    settings = {"PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=chain / "space", input=json.dumps(texts[1:]),
        capture_output=True, text=True, env=settings, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == wanted[1:]


def test_the_predictor_of_categories(
    chain: Path, corpus: Corpus, board: Leaderboard, texts: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(predictor, "TOLERANCE", -1.0)  # words alone are nearly as good here
    record = store_predictor(
        corpus, chain / "baseline", chain / "leaderboard",
        lambda name: chain / name / "quantized", tmp_path,
    )  # fmt: skip
    assert board.record.blend is not None
    assert (record.model, record.runtime) == (MODEL, HELPED)
    assert record.candidates[f"{MODEL}, {HELPED}"] == board.record.blend.micro_f1
    labels, _ = open_predictor(tmp_path).predict(texts)
    scores = Tagger.load(chain / "space" / "model").scores(texts)
    assert labels == [corpus.labels[column] for column in scores.argmax(axis=1)]


def test_without_words_the_network_answers_alone(
    chain: Path, corpus: Corpus, board: Leaderboard, texts: list[str], tmp_path: Path
) -> None:
    hints = Hints(words=False)
    write_space(tmp_path, corpus, chain / MODEL / "quantized", board, hints=hints)
    published, measured = Tagger.load(tmp_path / "model"), Tagger.load(chain / MODEL / "quantized")
    assert published.words is None
    assert published.predict(texts) == measured.predict(texts)


def test_a_folder_of_an_earlier_version_serves_what_it_served(
    chain: Path, texts: list[str], tmp_path: Path
) -> None:
    """Its blend was an offer, which no program took by itself."""
    folder = shutil.copytree(chain / "space" / "model", tmp_path / "model")
    config = json.loads((folder / "config.json").read_bytes())
    earlier = {name: config["blend"][name] for name in ("file", "weight", "threshold")}
    (folder / "config.json").write_text(json.dumps(config | {"blend": earlier}))
    assert Tagger.load(folder).predict(texts) == Tagger.load(chain / MODEL / "quantized").predict(
        texts
    )


def earlier(board: Leaderboard) -> Leaderboard:
    """As an earlier version stored it: its blend's gain was not measured."""
    assert board.record.blend is not None
    blend = msgspec.structs.replace(
        board.record.blend, gain=msgspec.UNSET, threshold_rule=msgspec.UNSET
    )
    record = msgspec.structs.replace(board.record, blend=blend)
    return replace(board, record=record, rows=board.rows.drop("threshold_distance"))


def test_a_leaderboard_of_an_earlier_version_has_the_network_answer_alone(
    chain: Path, corpus: Corpus, board: Leaderboard, texts: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Its blend was better on the rows that chose it, and only an offer."""
    before, quantized = earlier(board), chain / MODEL / "quantized"
    for name in ("space", "leaderboard", "predictor"):
        (tmp_path / name).mkdir()
    facts = write_space(tmp_path / "space", corpus, quantized, before)
    alone = Tagger.load(quantized)
    assert Tagger.load(tmp_path / "space" / "model").predict(texts) == alone.predict(texts)
    row = before.rows.filter(runtime=INT8).to_dicts()[0]
    assert (facts.words, facts.micro_f1) == (False, row["micro_f1"])
    assert results.served_row(before.rows) == row
    monkeypatch.setattr(predictor, "TOLERANCE", -1.0)
    results.write(before, tmp_path / "leaderboard")
    record = store_predictor(
        corpus, chain / "baseline", tmp_path / "leaderboard",
        lambda name: chain / name / "quantized", tmp_path / "predictor",
    )  # fmt: skip
    assert (record.runtime, *record.candidates) == (INT8, results.TFIDF, MODEL)


def test_a_copy_without_its_words_program_is_no_tagger(chain: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(chain / "space" / "model", tmp_path / "model")
    (copy / "tfidf.py").unlink()
    code = (
        "import sys, types\nsys.modules['tfidf'] = own = types.ModuleType('tfidf')\n"
        "from tagger import NotATagger, Tagger\n"
        "assert Tagger.load('.', words=False).words is None\n"
        "try: Tagger.load('.')\nexcept NotATagger as error: print(error)\n"
        "assert sys.modules['tfidf'] is own"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=copy, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"]}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "tfidf.py is missing beside tagger.py" in done.stdout


@pytest.mark.parametrize(
    "blend",
    [
        {"served": True},
        {"served": True, "file": "../tfidf.npz", "weight": 1.0, "threshold": 0.5},
        {"served": True, "file": "absent.npz", "weight": 1.0, "threshold": 0.5},
        {"served": True, "file": "config.json", "weight": 1.0, "threshold": 0.5},
        {"served": True, "file": "tfidf.npz", "weight": -1.0, "threshold": 0.5},
        {"served": True, "file": "tfidf.npz", "weight": 1.0, "threshold": None},
        {"served": True, "file": "tfidf.npz", "weight": 1.0, "threshold": 7},
    ],
)
def test_a_blend_that_cannot_be_served_is_no_tagger(
    chain: Path, tmp_path: Path, blend: dict[str, object]
) -> None:
    folder = shutil.copytree(chain / "space" / "model", tmp_path / "model")
    config = json.loads((folder / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps(config | {"blend": blend}))
    with pytest.raises(NotATagger, match=r"blend in config\.json cannot be served"):
        Tagger.load(folder)
    assert Tagger.load(folder, words=False).words is None
