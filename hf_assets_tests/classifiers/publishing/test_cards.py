import csv
import gzip
import html
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import yaml
from huggingface_hub import ModelCard, SpaceCard
from huggingface_hub.errors import HFValidationError
from hypothesis import example, given
from hypothesis import strategies as st

from hf_assets.classifiers.evaluation import baselines
from hf_assets.classifiers.evaluation.leaderboard import measure
from hf_assets.classifiers.evaluation.results import CONSTANT, INT8, Leaderboard
from hf_assets.classifiers.publishing import notices
from hf_assets.classifiers.publishing.markdown import inert, table
from hf_assets.classifiers.publishing.space import Hints, write_space
from hf_assets.classifiers.speed import instructions
from hf_assets.classifiers.tagger import Tagger
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.errors import InputError
from hf_assets_tests.support.classifiers.artefacts import HOSTILE, make_corpus, make_model
from hf_assets_tests.support.classifiers.minilm import TrainedModel
from hf_assets_tests.support.servers import free_port

MODEL = "all-minilm-l6-v2"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("corpus"), HOSTILE)


@pytest.fixture(scope="module")
def trained(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classifiers")
    (folder / "baseline").mkdir()
    baselines.fit(corpus, folder / "baseline")
    return make_model(folder / MODEL, corpus, strength=0.9)


@pytest.fixture(scope="module")
def board(corpus: Corpus, trained: Path) -> Leaderboard:
    return measure(corpus, trained.parent / "baseline", {MODEL: trained})


@pytest.fixture(scope="module")
def space(
    corpus: Corpus, trained: Path, board: Leaderboard, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A Space with all that it may have."""
    folder = tmp_path_factory.mktemp("space")
    hints = Hints(model_repo="someone/tags", remark="The texts are <b>generated</b>.", words=True)
    write_space(folder, corpus, trained / "quantized", board, hints=hints)
    return folder


def front(path: Path) -> dict[str, Any]:
    _, matter, _ = path.read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(matter)


# --- files ---------------------------------------------------------------------------------------


def test_the_folder_is_what_the_hub_expects(space: Path) -> None:
    found = {str(path.relative_to(space)) for path in space.rglob("*") if path.is_file()}
    assert found == {
        "README.md", "NOTICE", "app.py", "guard.py", "requirements.txt", "examples.json",
        "model/README.md",
        "model/NOTICE", "model/ATTRIBUTION.csv.gz", "model/config.json", "model/tokenizer.json",
        "model/tokenizer_config.json", "model/onnx/model_quantized.onnx", "model/tagger.py",
        "model/tfidf.npz", "model/tfidf.py",
    }  # fmt: skip


def test_facts_are_those_of_the_folder(
    tmp_path: Path, corpus: Corpus, trained: Path, board: Leaderboard
) -> None:
    told: list[str] = []
    facts = write_space(tmp_path, corpus, trained / "quantized", board, told.append)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert facts.files == len(files)
    assert facts.bytes == sum(path.stat().st_size for path in files)
    row = board.rows.filter(runtime=INT8).to_dicts()[0]
    assert (facts.micro_f1, facts.base_model) == (row["micro_f1"], MODEL)
    assert (facts.licence, facts.attributed, facts.words) == ("cc-by-sa-4.0", 400, False)
    assert not (tmp_path / "model" / "tfidf.npz").exists()
    assert "blend" not in json.loads((tmp_path / "model/config.json").read_text("utf-8"))
    assert msgspec.json.encode(facts)
    assert told


def test_the_published_model_answers_as_the_measured_one(
    space: Path, trained: Path, corpus: Corpus
) -> None:
    texts = corpus.split("test").texts[:20]
    published, measured = Tagger.load(space / "model"), Tagger.load(trained / "quantized")
    np.testing.assert_array_equal(published.scores(texts), measured.scores(texts))
    assert published.labels == tuple(sorted(HOSTILE))
    assert published.threshold == measured.threshold


def test_the_card_s_python_runs_in_a_copy_of_the_model(
    tmp_path: Path, space: Path, corpus: Corpus
) -> None:
    folder = shutil.copytree(space / "model", tmp_path / "copy")
    parts = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text("utf-8"), re.S)
    code = "".join(part for part in parts if "tagger" in part)
    assert "Tagger.load" in code
    assert "blended" in code
    check = (
        "\nimport sys\nprint(tagger.predict(['word1'])[0][0].label, fits.shape)"
        "\nassert not {'torch', 'transformers', 'hf_assets', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code + check], cwd=folder, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"]}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [corpus.labels[1], "(1,", f"{len(HOSTILE)})"]


def test_nothing_of_this_machine_is_published(space: Path, tmp_path: Path) -> None:
    for path in space.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for odd in (str(space).encode(), str(Path.home()).encode() + b"/", b"hf_"):
                kept = content.replace(b"hf_assets", b"").replace(b"hf_hub", b"")
                assert odd not in kept, (path, odd)


# What Transformers.js 4.3.1 does with a text: token ids are its characters' codes, between 1 and 2,
# and a cut comes after these. The model's first logit is the last token, the others are how many.
_TRANSFORMERS_JS = """
export class Tensor {
  constructor(type, data, dims) { Object.assign(this, { type, data, dims }); }
  sigmoid() { return this; }
  tolist() { return [this.data]; }
}
const tokenizer = (text, { truncation = false, return_tensor = true } = {}) => {
  const ids = [1, ...[...text].map((char) => char.codePointAt(0)), 2];
  const kept = truncation ? ids.slice(0, 64) : ids;
  return { input_ids: return_tensor ? new Tensor("int64", kept, [1, kept.length]) : kept };
};
const answer = ({ input_ids: { data, dims, type }, attention_mask: mask }) => {
  if (mask && (mask.dims.join() !== dims.join() || type !== "int64")) throw dims;
  return [Number(data.at(-1)), ...Array(LABELS - 1).fill(data.length)];
};
const id2label = Object.fromEntries(Array.from({ length: LABELS }, (_, i) => [i, String(i)]));
const named = (logits) => logits.map((score, i) => ({ label: String(i), score }));
export const AutoTokenizer = { from_pretrained: async () => tokenizer };
export const AutoModelForSequenceClassification = { from_pretrained: async () => Object.assign(
  async (inputs) => ({ logits: new Tensor("float32", answer(inputs), [1, LABELS]) }),
  { config: { id2label } },
) };
export const pipeline = async () => async (text) =>
  named(answer({ input_ids: tokenizer(text, { truncation: true }).input_ids }));
"""


@pytest.mark.parametrize("tokens", [64, 65, 500])
def test_the_card_s_javascript_keeps_the_closing_token(
    tmp_path: Path, space: Path, tokens: int
) -> None:
    if not shutil.which("node"):
        pytest.skip("there is no node to run JavaScript")
    package = tmp_path / "node_modules" / "@huggingface" / "transformers"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"type": "module", "exports": "./index.js"}')
    (package / "index.js").write_text(f"const LABELS = {len(HOSTILE)};\n{_TRANSFORMERS_JS}")
    scores = _javascript(space, tmp_path, "a" * (tokens - 2))
    assert [one["score"] for one in scores] == [2] + [64] * (len(HOSTILE) - 1)


@pytest.mark.heavy
def test_the_card_s_javascript_answers_as_the_tagger(
    tmp_path: Path, space: Path, minilm_made: TrainedModel
) -> None:
    folder = os.environ.get("HF_ASSETS_NODE_MODULES", "")
    if not (Path(folder) / "@huggingface" / "transformers").is_dir() or not shutil.which("node"):
        pytest.skip("HF_ASSETS_NODE_MODULES names no node_modules with @huggingface/transformers")
    (tmp_path / "node_modules").symlink_to(folder)
    (tmp_path / "someone").mkdir()
    quantized = minilm_made.quantized
    shutil.copytree(quantized, tmp_path / "someone" / "tags")
    local = (
        'import { env } from "@huggingface/transformers";\n'
        f"env.allowRemoteModels = false;\nenv.localModelPath = {json.dumps(f'{tmp_path}/')};\n"
    )
    tagger = Tagger.load(quantized)
    for text in ("", "violin and chord", "how " * 27 + "bridge river melody", "orbit " * 500):
        answered = _javascript(space, tmp_path, text, local, tagger.max_length)
        scores = {one["label"]: one["score"] for one in answered}
        wanted = dict(zip(tagger.labels, tagger.scores([text])[0].tolist(), strict=True))
        assert scores == pytest.approx(wanted, abs=1e-6)


def _javascript(
    space: Path, folder: Path, text: str, before: str = "", most: int = 64
) -> list[dict[str, Any]]:
    """All scores that the card's JavaScript gives that text, run where its packages lie."""
    card = (space / "model" / "README.md").read_text("utf-8")
    (code,) = re.findall(r"```js\n(.*?)```", card, re.S)
    assert code.count('"A title\\n\\nand a text"') == 1
    code = code.replace('"A title\\n\\nand a text"', json.dumps(text))
    code, shown = re.subn(r"score >= [0-9.]+\)", "true)", code)
    assert shown == 1
    code = code.replace("most = 64;", f"most = {most};")
    script = folder / "card.mjs"
    script.write_text(f"{before}{code}\nconsole.log(JSON.stringify(labels));", "utf-8")
    done = subprocess.run(
        ["node", str(script)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# --- cards ---------------------------------------------------------------------------------------


def test_the_model_card_has_what_the_hub_reads(space: Path, board: Leaderboard) -> None:
    data = front(space / "model" / "README.md")
    assert data["license"] == "cc-by-sa-4.0"
    assert data["pipeline_tag"] == "text-classification"
    assert data["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert "multi-label-classification" in data["tags"]
    row = board.rows.filter(runtime=INT8).to_dicts()[0]
    results = {
        r.metric_name: r for r in ModelCard.load(space / "model/README.md").data.eval_results
    }
    assert results["Micro-F1"].metric_value == pytest.approx(row["micro_f1"], abs=1e-4)
    assert results["Macro-F1"].metric_value == pytest.approx(row["macro_f1"], abs=1e-4)
    assert results["Micro-F1"].dataset_split == "test"


def test_the_space_card_starts_the_page(space: Path) -> None:
    data = front(space / "README.md")
    assert (data["sdk"], data["app_file"], data["license"]) == ("gradio", "app.py", "cc-by-sa-4.0")
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", data["sdk_version"])
    assert isinstance(data["python_version"], str)
    assert len(data["short_description"]) <= 60
    assert data["models"] == ["someone/tags"]
    assert SpaceCard.load(space / "README.md").data.sdk == "gradio"


def test_scores_stand_beside_their_floors(space: Path, board: Leaderboard) -> None:
    text = (space / "model" / "README.md").read_text("utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if " | " in line]
    scores = {(row[0].strip("|* "), row[1]): row[2] for row in rows if len(row) > 5}
    for row in board.rows.to_dicts():
        shown = scores[row["model"], row["runtime"]]
        assert shown.startswith(f"{100 * row['micro_f1']:.1f} (")
    constant = board.rows.filter(model=CONSTANT)["micro_f1"][0]
    assert f"the best constant answer reaches {100 * constant:.1f}" in text
    assert "&#60;b&#62;generated" in text
    says = "A &#60;b&#62;CPU&#60;/b&#62;, 4 cores, bfloat16, 3 threads; with torch 9.8.7."
    assert f"**Trained** on: {says}" in text
    assert f"are of one with: {inert(' '.join(instructions()) or '(not recorded)')}." in text


def test_hostile_labels_stay_text(space: Path) -> None:
    text = (space / "model" / "README.md").read_text("utf-8")
    body = re.sub(r"```.*?```", "", text.split("---\n", 2)[2], flags=re.S)
    assert "<script" not in body
    assert "](javascript" not in body
    assert "{{" not in body
    tables = [line for line in body.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {3, 4, 12}
    assert len(max(tables, key=len)) < 500


@pytest.mark.parametrize("name", ["../x: y", "'\"\n- a", "null", "---", "ö" * 300, "😀"])
def test_a_hostile_corpus_name_stays_text(
    tmp_path: Path, corpus: Corpus, trained: Path, board: Leaderboard, name: str
) -> None:
    named = Corpus(corpus.folder, name, corpus.labels, corpus.facts)
    write_space(tmp_path, named, trained / "quantized", board)
    for path in (tmp_path / "README.md", tmp_path / "model" / "README.md"):
        data = front(path)
        assert data["license"] == "cc-by-sa-4.0"
    assert data["model-index"][0]["results"][0]["dataset"]["type"]
    assert "\n- a" not in (tmp_path / "model" / "NOTICE").read_text("utf-8")


@pytest.mark.parametrize("repo", ["no spaces", "a/b/c", "../x", "a/b\n- c"])
def test_a_repository_that_cannot_be_is_refused(
    tmp_path: Path, corpus: Corpus, trained: Path, board: Leaderboard, repo: str
) -> None:
    with pytest.raises(HFValidationError):
        write_space(tmp_path, corpus, trained / "quantized", board, hints=Hints(model_repo=repo))


def test_another_model_than_was_measured_is_refused(
    tmp_path: Path, corpus: Corpus, trained: Path, board: Leaderboard
) -> None:
    folder = shutil.copytree(trained, tmp_path / MODEL) / "quantized"
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"threshold": 0.1}))
    with pytest.raises(InputError, match="not what was measured"):
        write_space(tmp_path / "out", corpus, folder, board)
    names = {str(i): label for i, label in enumerate(reversed(corpus.labels))}
    (folder / "config.json").write_text(json.dumps(config | {"id2label": names}))
    with pytest.raises(InputError, match="other labels"):
        write_space(tmp_path / "out", corpus, folder, board)


def test_without_an_int8_model_there_is_nothing_to_publish(
    tmp_path: Path, corpus: Corpus, trained: Path
) -> None:
    board = measure(corpus, trained.parent / "baseline", {})
    with pytest.raises(InputError, match="no int8 model"):
        write_space(tmp_path, corpus, trained / "quantized", board)


# --- whose texts ---------------------------------------------------------------------------------


def test_every_text_is_attributed(space: Path, corpus: Corpus) -> None:
    packed = (space / "model" / notices.ATTRIBUTION).read_bytes()
    rows = list(csv.DictReader(gzip.decompress(packed).decode().splitlines()))
    assert [row["id"] for row in rows] == sorted(corpus.frame["id"])
    first = corpus.frame.filter(id=rows[0]["id"]).to_dicts()[0]
    assert rows[0] == {name: first[name] for name in rows[0]}
    told = (space / "model" / "NOTICE").read_text("utf-8")
    assert told == (space / "NOTICE").read_text("utf-8")
    assert "266  CC BY-SA 4.0" in told
    assert "creativecommons.org/licenses/by-sa" in told
    again = json.loads((space / "examples.json").read_text("utf-8"))
    assert again
    assert all(one["link"] and one["author"] and one["license"] for one in again)
    links = {one["license"]: one["license_link"] for one in again}
    for version in ("3.0", "4.0"):
        wanted = f"https://creativecommons.org/licenses/by-sa/{version}/"
        assert links.get(f"CC BY-SA {version}", wanted) == wanted


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"license": None}, False),
        ({"license": " "}, False),
        ({"license": "CC BY-SA 4.0", "link": None, "author": None}, False),
        ({"license": "Attribution 4.0 International", "link": None, "author": None}, False),
        ({"license": "CC BY-SA 4.0", "link": None}, True),
        ({"license": "CC BY-SA 4.0", "author": None}, True),
        ({"license": "CC0-1.0", "link": None, "author": None}, True),
    ],
)
def test_only_what_may_be_shown_is_an_example(
    tmp_path: Path, given: dict[str, str | None], shown: bool
) -> None:
    corpus = make_corpus(tmp_path)
    columns = {name: pl.lit(value, pl.String) for name, value in given.items()}
    corpus.frame.with_columns(**columns).write_parquet(tmp_path / "corpus.parquet")
    assert bool(notices.examples(open_corpus(tmp_path))) == shown


@pytest.mark.parametrize(
    ("licence", "link"),
    [
        ("CC BY-SA 2.5", "licenses/by-sa/2.5/"),
        ("cc-by-4.0", "licenses/by/4.0/"),
        ("CC BY-NC-SA 4.0", "licenses/by-nc-sa/4.0/"),
        ("CC0: Public Domain", "publicdomain/zero/1.0/"),
        ("MIT", None),
        ("CC BY-SA 4.0/../..", None),
    ],
)
def test_where_a_licence_can_be_read(licence: str, link: str | None) -> None:
    found = notices.licence_link(licence)
    assert found == (link and f"https://creativecommons.org/{link}")


def with_licences(folder: Path, licences: list[str | None]) -> Corpus:
    corpus = make_corpus(folder)
    given = pl.Series("license", licences * 400, pl.String).head(400)
    corpus.frame.with_columns(given).write_parquet(folder / "corpus.parquet")
    return open_corpus(folder)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["CC BY-SA 2.5", "CC BY-SA 4.0"], "cc-by-sa-4.0"),
        (["CC0: Public Domain"], "cc0-1.0"),
        (["CC0-1.0"], "cc0-1.0"),
        (["Apache 2.0"], "apache-2.0"),
        (["MIT"], "mit"),
        (["CC BY-SA 4.0", None], "other"),
        (["MIT", "CC BY-SA 4.0"], "other"),
        (["CC BY-NC-SA 4.0"], "other"),
        ([None], "other"),
    ],
)
def test_the_hub_s_name_of_a_licence(
    tmp_path: Path, given: list[str | None], expected: str
) -> None:
    assert notices.hub_licence(with_licences(tmp_path, given)) == expected


def test_an_unknown_licence_points_to_the_notice(
    tmp_path: Path, trained: Path, board: Leaderboard, corpus: Corpus
) -> None:
    other = corpus.frame.with_columns(license=pl.lit("My | own\n<b>terms</b>"))
    folder = shutil.copytree(corpus.folder, tmp_path / "corpus")
    other.write_parquet(folder / "corpus.parquet")
    write_space(tmp_path / "out", open_corpus(folder), trained / "quantized", board)
    data = front(tmp_path / "out" / "model" / "README.md")
    assert (data["license"], data["license_name"]) == ("other", "see-notice")
    assert data["license_link"] == "NOTICE"
    text = (tmp_path / "out" / "model" / "README.md").read_text("utf-8")
    assert "| My &#124; own &#60;b&#62;terms&#60;/b&#62; | 400 |" in text
    told = (tmp_path / "out" / "model" / "NOTICE").read_text("utf-8")
    assert "My | own <b>terms</b>" in told
    assert "BY-SA" not in told


def test_texts_of_nobody_need_no_attribution(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "corpus")
    none = [pl.lit(None, pl.String).alias(c) for c in ("link", "author", "author_link", "license")]
    corpus.frame.with_columns(none).write_parquet(tmp_path / "corpus" / "corpus.parquet")
    assert notices.write_notice(tmp_path, open_corpus(tmp_path / "corpus"), "") == 0
    assert not (tmp_path / notices.ATTRIBUTION).exists()
    assert "neither links nor authors" in (tmp_path / "NOTICE").read_text("utf-8")


def test_the_same_texts_give_the_same_bytes(
    tmp_path: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, now in (("one", 1e9), ("two", 2e9)):
        (tmp_path / name).mkdir()
        monkeypatch.setattr("time.time", lambda now=now: now)
        notices.write_notice(tmp_path / name, corpus)
    one, two = (tmp_path / name / notices.ATTRIBUTION for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


# --- Markdown ------------------------------------------------------------------------------------


@given(st.text(max_size=400))
@example("\ud800")
@example("www.evil.example http://evil.example a@b.example :bomb:")
@example("1. list")
def test_inert_text_is_one_line_without_markup(text: str) -> None:
    made = inert(text)
    assert made.strip()
    assert not re.search(r"[\\`*_{}\[\]<>|~$:@\x00-\x1f\u2028\u202e]", made)
    assert not re.match(r"[-+#]|[0-9]+\.", made)
    assert "www." not in made.lower()
    assert not re.search(r"&(?!#[0-9]+;)", made)
    assert len(re.sub(r"&#[0-9]+;", "x", made)) <= 90
    made.encode()


def test_inert_text_can_be_read() -> None:
    assert inert("machine-learning, 2.0 (c++)") == "machine-learning, 2.0 (c++)"
    assert inert("a|b") == "a&#124;b"
    assert inert("") == "(blank)"


def test_a_table_is_a_table() -> None:
    made = table(["A", "B"], [["x", "1"]])
    assert made.splitlines() == ["| A | B |", "| --- | ---: |", "| x | 1 |"]


# --- the page ------------------------------------------------------------------------------------


def test_the_page_runs_from_its_folder_without_a_network(tmp_path: Path, space: Path) -> None:
    client = pytest.importorskip("gradio_client")
    folder = shutil.copytree(space, tmp_path / "space")
    port = free_port()
    settings = {
        "GRADIO_SERVER_PORT": str(port), "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home"),
        "PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        page = subprocess.Popen(
            [sys.executable, "app.py"], cwd=folder, env=settings, stdout=log, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/config", page, tmp_path / "log")
        with urllib.request.urlopen(f"{url}/config") as told:
            _credits_stand_beside_the_examples(json.load(told), folder)
        ask = client.Client(url, verbose=False).predict
        said, labels = ask("word1", "and word4", False, api_name="/tags")
        assert said.startswith("2 labels fit; a label needs 0.50")
        names = sorted(HOSTILE)
        assert {one["label"] for one in labels["confidences"]} == {names[1], names[4]}
        assert ask(" ", "", False, api_name="/tags")[0] == "Write a title or a text."
        assert ask("<script>", "x" * 100_000, False, api_name="/tags")[0].startswith("No label")
        assert "needs 0.50" not in ask("word0", "", True, api_name="/tags")[0]
        assert "are too many" in ask("", "x" * 200_001, False, api_name="/tags")[0]
        for path, headers in (
            ("monitoring", {}),
            ("config", {"Host": "evil.example"}),
            ("config", {"Origin": "https://evil.example"}),
        ):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(urllib.request.Request(f"{url}/{path}", None, headers))
    finally:
        page.terminate()
        page.wait()


# Runs the page's file three times, its model in a repository whose program leaves a mark.
_REMOTE = """
import contextlib, io, json, os, pathlib, runpy, shutil, sys
import huggingface_hub
asked, told = [], []
def snapshot_download(repo, revision=None, ignore_patterns=None):
    asked.append([repo, revision, ignore_patterns])
    return "repository"
huggingface_hub.snapshot_download = snapshot_download
def run():
    pathlib.Path("mark").unlink(missing_ok=True)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            page = runpy.run_path("app.py", run_name="page")
    except SystemExit as ended:
        return str(ended.code)
    shown = [one.value for one in page["page"].blocks.values() if hasattr(one, "value")]
    said = page["answer"]("word1", "")[0].split(";")[0]
    return [pathlib.Path("mark").exists(), said, any("runs the program" in str(v) for v in shown)]
told.append(run())
for name in ("tagger.py", "tfidf.py"):
    shutil.copyfile("own/" + name, name)
told.append(run())
os.remove("tagger.py")
os.environ |= {"TAGGER_TRUST_REMOTE_CODE": "1", "TAGGER_REVISION": "abc"}
told.append(run())
print(json.dumps([asked, told]))
"""


def test_the_page_runs_no_program_of_a_repository_unasked(tmp_path: Path, space: Path) -> None:
    folder = shutil.copytree(space, tmp_path / "space")
    (folder / "model").rename(folder / "repository")
    (folder / "own").mkdir()
    for name in ("tagger.py", "tfidf.py"):
        shutil.copyfile(folder / "repository" / name, folder / "own" / name)
    with (folder / "repository" / "tagger.py").open("a") as file:
        file.write("\nPath('mark').touch()\n")
    settings = {"TAGGER_MODEL": "some/tagger", "HF_HUB_OFFLINE": "1", "PATH": os.environ["PATH"],
                "HF_HOME": str(tmp_path / "home")}  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-c", _REMOTE], cwd=folder, env=settings, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    asked, (refused, own, trusted) = json.loads(ended.stdout.splitlines()[-1])
    assert "that of some/tagger (TAGGER_MODEL) is not run unread" in refused
    assert "TAGGER_TRUST_REMOTE_CODE=1" in refused
    assert own == [False, "1 label fits", False]
    assert trusted == [True, "1 label fits", True]
    assert asked == [["some/tagger", None, ["*.py", "*.so"]], ["some/tagger", "abc", None]]


def _credits_stand_beside_the_examples(config: dict[str, Any], folder: Path) -> None:
    kinds = [one["type"] for one in config["components"]]
    at = kinds.index("dataset")
    samples = config["components"][at]["props"]["samples"]
    told = next(one for one in config["components"][at:] if one["type"] == "html")["props"]["value"]
    examples = json.loads((folder / "examples.json").read_bytes())
    assert len(samples) == len(examples) == told.count("<li>") == 4
    for one, said in zip(examples, told.split("<li>")[1:], strict=True):
        for link in ("link", "author_link", "license_link"):
            assert f"<a href='{one[link]}' rel=" in said
        assert f"{html.escape(one['author'])}</a>, " in said
        assert f">{one['license']}</a></li>" in said
    assert "<b>" not in told


def _wait_for(url: str, page: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        assert page.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url).close()
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())
