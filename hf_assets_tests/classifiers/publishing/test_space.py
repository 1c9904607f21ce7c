"""The published folder: its files, its model, and what is not published."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from huggingface_hub.errors import HFValidationError

from hf_assets.classifiers.evaluation.leaderboard import measure
from hf_assets.classifiers.evaluation.results import INT8, Leaderboard
from hf_assets.classifiers.publishing.space import Hints, write_space
from hf_assets.classifiers.tagger import Tagger
from hf_assets.classifiers.tfidf import blended
from hf_assets.corpora.corpus import Corpus
from hf_assets.errors import InputError
from hf_assets_tests.support.classifiers.artefacts import HOSTILE
from hf_assets_tests.support.classifiers.minilm import TrainedModel
from hf_assets_tests.support.classifiers.published import MODEL


def test_the_folder_is_what_the_hub_expects(space: Path) -> None:
    found = {str(path.relative_to(space)) for path in space.rglob("*") if path.is_file()}
    assert found == {
        "README.md", "NOTICE", "app.py", "guard.py", "meaning.py", "requirements.txt",
        "examples.json",
        "model/README.md",
        "model/NOTICE", "model/ATTRIBUTION.csv.gz", "model/config.json", "model/tokenizer.json",
        "model/tokenizer_config.json", "model/onnx/model_quantized.onnx", "model/tagger.py",
        "model/tfidf.npz", "model/tfidf.py", "model/tagger_workers.py",
    }  # fmt: skip


def test_facts_are_those_of_the_folder(
    tmp_path: Path, corpus: Corpus, trained: Path, board: Leaderboard
) -> None:
    told: list[str] = []
    hints = Hints(words=False)
    facts = write_space(tmp_path, corpus, trained / "quantized", board, told.append, hints)
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
    space: Path, trained: Path, corpus: Corpus, board: Leaderboard
) -> None:
    texts = corpus.split("test").texts[:20]
    published, measured = Tagger.load(space / "model"), Tagger.load(trained / "quantized")
    alone = Tagger.load(space / "model", words=False)
    np.testing.assert_array_equal(alone.scores(texts), measured.scores(texts))
    assert published.labels == tuple(sorted(HOSTILE))
    assert alone.threshold == measured.threshold
    blend = board.record.blend
    assert blend is not None
    assert board.words is not None
    both = blended(measured.scores(texts), board.words.scores(texts), blend.weight)
    np.testing.assert_array_equal(published.scores(texts), both)
    assert published.threshold == blend.threshold != alone.threshold


def test_the_card_s_python_runs_in_a_copy_of_the_model(
    tmp_path: Path, space: Path, corpus: Corpus, board: Leaderboard
) -> None:
    folder = shutil.copytree(space / "model", tmp_path / "copy")
    parts = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text("utf-8"), re.S)
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


@pytest.mark.release
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
