"""The programs of a built card run as they stand there, and answer as the tagger does."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from huggingface_hub import snapshot_download

from hf_assets.classifiers.evaluation.results import Leaderboard
from hf_assets.classifiers.tagger import Tagger
from hf_assets.corpora.corpus import Corpus
from hf_assets.publishing.tagger import Target, publish_tagger, repositories
from hf_assets_tests.classifiers.conftest import topical
from hf_assets_tests.publishing.conftest import Served, serving
from hf_assets_tests.support.classifiers.artefacts import HOSTILE
from hf_assets_tests.support.classifiers.minilm import TrainedModel

# The model's repository in the cards of the fixture `space`; that of a user who publishes.
REPO, OURS = "someone/tags", "acme/tags"
SHOWN = "A title\n\nand a text"
# As the card names them.
PACKAGES = ("@huggingface/transformers@4.3.1", "onnxruntime-web@1.30.0")
RUNTIMES = ("@huggingface/transformers", "onnxruntime-web")


def programs(card: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", card, re.S)


def of_runtime(card: str, package: str) -> str:
    """The JavaScript of the card whose graph that package runs: the last that it imports."""
    (code,) = (
        one for one in programs(card, "js") if re.findall(r'from "(.*?)"', one)[-1] == package
    )
    return code


def needs_node() -> None:
    if not shutil.which("node"):
        pytest.skip("there is no node to run JavaScript")


def run_node(folder: Path, code: str, texts: list[str], before: str = "") -> Any:
    """The labels that the card's own text gets, and the scores of texts, in `folder`."""
    (folder / "texts.json").write_text(json.dumps(texts), "utf-8")
    (folder / "card.mjs").write_text(
        'import { readFileSync as _read } from "node:fs";\n'
        f"{before}\n{code}\nconst answers = [];\n"
        'for (const text of JSON.parse(_read("texts.json", "utf8"))) '
        "answers.push((await scores(text)).map(({ score }) => score));\n"
        "console.log(JSON.stringify({ labels, answers }));\n",
        "utf-8",
    )
    done = subprocess.run(
        ["node", "card.mjs"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_card_s_python_runs_in_a_copy_of_the_model(
    tmp_path: Path, space: Path, corpus: Corpus, board: Leaderboard
) -> None:
    folder = shutil.copytree(space / "model", tmp_path / "copy")
    parts = programs((folder / "README.md").read_text("utf-8"), "python")
    code = "".join(part for part in parts if "tagger" in part)
    assert "Tagger.load" in code
    check = (
        "\nimport sys\nprint(tagger.predict(['word1'])[0][0].label, tagger.words.weight)"
        "\nassert not {'torch', 'transformers', 'hf_assets', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code + check], cwd=folder, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"]}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert board.record.blend is not None
    assert done.stdout.split() == [corpus.labels[1], f"{board.record.blend.weight}"]


# What Transformers.js 4.3.1 and onnxruntime-web do with a text: token ids are its characters'
# codes, between 1 and 2, and a cut comes after these. The first logit is the last token, the others
# are how many.
_TRANSFORMERS_JS = """
export const env = { remoteHost: "https://huggingface.co/" };
export class Tensor {
  constructor(type, data, dims) { Object.assign(this, { type, data, dims }); }
  sigmoid() {
    return new Tensor(this.type, this.data.map((x) => 1 / (1 + Math.exp(-x))), this.dims);
  }
  tolist() { return [this.data]; }
}
const tokenizer = (text, { truncation = false, return_tensor = true } = {}) => {
  const ids = [1, ...[...text].map((char) => char.codePointAt(0)), 2];
  const kept = truncation ? ids.slice(0, 64) : ids;
  return { input_ids: return_tensor ? new Tensor("int64", kept, [1, kept.length]) : kept };
};
export const answer = ({ input_ids: { data, dims, type }, attention_mask: mask }) => {
  if (mask && (mask.dims.join() !== dims.join() || type !== "int64")) throw dims;
  return [Number(data.at(-1)), ...Array(LABELS - 1).fill(data.length / 64)];
};
export const id2label = Object.fromEntries(
  Array.from({ length: LABELS }, (_, i) => [i, String(i)]),
);
export const AutoTokenizer = { from_pretrained: async () => tokenizer };
export const AutoModelForSequenceClassification = { from_pretrained: async () => Object.assign(
  async (inputs) => ({ logits: new Tensor("float32", answer(inputs), [1, LABELS]) }),
  { config: { id2label } },
) };
"""
_ONNXRUNTIME_WEB = """
import { answer } from "@huggingface/transformers";
export { Tensor } from "@huggingface/transformers";
export const InferenceSession = { create: async (graph) => ({
  inputNames: ["input_ids", "token_type_ids", "attention_mask"],
  run: async (feeds) => {
    if (graph !== "graph" || feeds.token_type_ids.data.some(Boolean)) throw feeds;
    return { logits: { data: answer(feeds) } };
  },
}) };
"""
_FETCH = """
import { id2label as _names } from "@huggingface/transformers";
globalThis.fetch = async (address) => ({
  json: async () => ({ id2label: _names }), arrayBuffer: async () => "graph", address,
});
"""


@pytest.mark.parametrize("package", RUNTIMES)
def test_the_card_s_javascript_keeps_the_closing_token(
    tmp_path: Path, space: Path, package: str
) -> None:
    needs_node()
    for name, code in (
        (RUNTIMES[0], f"const LABELS = {len(HOSTILE)};\n{_TRANSFORMERS_JS}"),
        (RUNTIMES[1], _ONNXRUNTIME_WEB),
    ):
        folder = tmp_path / "node_modules" / name
        folder.mkdir(parents=True)
        (folder / "package.json").write_text('{"type": "module", "exports": "./index.js"}')
        (folder / "index.js").write_text(code, "utf-8")
    code = of_runtime((space / "model" / "README.md").read_text("utf-8"), package)
    texts = ["a" * (tokens - 2) for tokens in (2, 64, 65, 500)]
    answered = run_node(tmp_path, code, texts, _FETCH)
    for tokens, scores in zip((2, 64, 64, 64), answered["answers"], strict=True):
        logits = [2.0] + [tokens / 64] * (len(HOSTILE) - 1)
        assert scores == pytest.approx([1 / (1 + math.exp(-logit)) for logit in logits])
    threshold = float(re.findall(r"score >= ([0-9.]+)\)", code)[0])
    assert {one["score"] >= threshold for one in answered["labels"]} == {True}


# --- before a release: the packages themselves, a real encoder, two hundred texts -----------------


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `node_modules`: that of HF_ASSETS_NODE_MODULES, or freshly installed."""
    needs_node()
    folder = tmp_path_factory.mktemp("node")
    if own := os.environ.get("HF_ASSETS_NODE_MODULES"):
        (folder / "node_modules").symlink_to(own)
    elif not shutil.which("npm"):
        pytest.skip("there is no npm, and HF_ASSETS_NODE_MODULES names no node_modules")
    else:
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm installs nothing here: {done.stderr[-300:]}")
    for name in RUNTIMES:
        if not (folder / "node_modules" / name).is_dir():
            pytest.skip(f"HF_ASSETS_NODE_MODULES has no {name}")
    return folder


def with_graph(space: Path, folder: Path, model: TrainedModel) -> Path:
    """The Space with another model in it, its cards as they were built but for what it decides."""
    shutil.copytree(space, folder)
    for path in model.quantized.rglob("*"):
        if path.is_file() and path.name != "quantization.json":
            shutil.copyfile(path, folder / "model" / path.relative_to(model.quantized))
    tagger = Tagger.load(model.quantized)
    for path in (folder / "README.md", folder / "model" / "README.md"):
        text = path.read_text("utf-8").replace(REPO, OURS)
        text = text.replace("most = 64", f"most = {tagger.max_length}")
        text = re.sub(r"score >= [0-9.]+\)", f"score >= {tagger.threshold})", text)
        path.write_text(text, "utf-8")
    return folder


def two_hundred() -> list[str]:
    """Short and long texts, and some that nobody would write."""
    drawn = [text for text, _ in topical(160, seed=5)]
    long = [" ".join(drawn[at : at + 30]) for at in range(0, 30)]
    odd = [
        "",
        " ",
        "\n\n",
        "😀 emoji",
        "\u200bzero",
        "日本語 の テキスト",
        "<b>bold",
        "e\u0301",
    ]
    return [*drawn, *long, *odd, "word " * 5000, "x" * 5000]


@pytest.fixture(scope="module")
def public(space: Path, minilm_made: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tagger published for all to read on a loopback Hub; the Hub, and the folder."""
    folder = with_graph(space, tmp_path_factory.mktemp("public") / "space", minilm_made)
    with serving() as hub:
        publish_tagger(folder, Target(*repositories(OURS, private=False), "toys"))
        yield hub, folder


def _tolerance(graph: Path, package: str) -> tuple[float, int]:
    """How far scores, and labels of how many of 200 texts, may be from Python's.

    The same kernels give the same bits. WebAssembly rounds otherwise, which dynamic quantisation
    amplifies, and exact sums do not.
    """
    if package == RUNTIMES[0]:
        return 1e-5, 0
    config = json.loads((graph.parents[1] / "config.json").read_bytes())
    if config["quantization"]["name"].startswith("exact"):
        return 1e-5, 0
    kinds = {node.op_type for node in onnx.load(graph, load_external_data=False).graph.node}
    return (0.12, 10) if "DynamicQuantizeLinear" in kinds else (0.03, 2)


@pytest.mark.release
@pytest.mark.heavy
@pytest.mark.parametrize("package", RUNTIMES)
def test_the_card_s_javascript_answers_as_the_tagger(
    public: tuple[Served, Path], packages: Path, package: str
) -> None:
    """From the Hub, as a user has it; without the words, as the card says."""
    hub, folder = public
    texts = two_hundred()
    assert len(texts) == 200
    code = of_runtime((folder / "model" / "README.md").read_text("utf-8"), package)
    assert OURS in code
    settings = (
        'import { env as _env } from "@huggingface/transformers";\n'
        f"_env.remoteHost = {json.dumps(hub.url + '/')};\n"
        f"_env.cacheDir = {json.dumps(str(packages / 'cache' / package))};\n"
    )
    answered = run_node(packages, code, texts, settings)
    tagger = Tagger.load(folder / "model", words=False)
    wanted, scores = tagger.scores(texts), np.array(answered["answers"])
    most, changed = _tolerance(tagger.path, package)
    assert np.abs(scores - wanted).max() <= most
    other = (scores >= tagger.threshold) != (wanted >= tagger.threshold)
    assert other.any(axis=1).sum() <= changed
    near = np.abs(wanted - tagger.threshold) <= most
    assert not (other & ~near).any()
    shown = {one["label"]: one["score"] for one in answered["labels"]}
    expected = {tag.label: tag.score for tag in tagger.predict([SHOWN])[0]}
    assert shown == pytest.approx(expected, abs=most)


@pytest.mark.release
@pytest.mark.heavy
def test_the_card_s_python_answers_as_the_tagger(
    public: tuple[Served, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a copy that huggingface_hub fetches, as a user has it."""
    _, folder = public
    copy = Path(snapshot_download(OURS, cache_dir=tmp_path / "cache"))
    assert {path.name for path in copy.iterdir()} >= {"tagger.py", "config.json", "README.md"}
    (code,) = (one for one in programs((copy / "README.md").read_text("utf-8"), "python")
               if "Tagger.load" in one)  # fmt: skip
    texts = two_hundred()
    (tmp_path / "texts.json").write_text(json.dumps(texts), "utf-8")
    code += (
        f"\nimport json\ntexts = json.load(open({str(tmp_path / 'texts.json')!r}))"
        "\nprint(json.dumps([list(map(list, tags)) for tags in tagger.predict(texts)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=copy, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"]}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    wanted = Tagger.load(folder / "model").predict(texts)
    assert json.loads(done.stdout) == [[[tag.label, tag.score] for tag in tags] for tags in wanted]
