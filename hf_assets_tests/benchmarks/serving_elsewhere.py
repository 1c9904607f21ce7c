"""The same graph on other machines: logits of tokenised texts in each.

Emulated AVX2 without VNNI needs `qemu-x86_64` (Debian: qemu-user); WebAssembly needs `node`, and
onnxruntime-web in a folder that `HF_ASSETS_NODE_MODULES` names (`npm install onnxruntime-web`).
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hf_assets.classifiers.tagger import Tagger

_PYTHON = """
import json, sys
import numpy as np, onnxruntime
path, given, out, level = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 3
options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
rows = []
for feed in json.load(open(given)):
    feed = {name: np.array(array, np.int64) for name, array in feed.items()}
    rows.append(session.run(["logits"], feed)[0])
np.concatenate(rows).astype(np.float32).tofile(out)
"""
_NODE = """
import fs from 'fs';
import {pathToFileURL} from 'url';
const [path, given, out, modules] = process.argv.slice(2);
const file = `${modules}/onnxruntime-web/dist/ort.node.min.mjs`;
const ort = await import(pathToFileURL(file).href);
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';
const session = await ort.InferenceSession.create(path, {executionProviders: ['wasm']});
const rows = [];
for (const feed of JSON.parse(fs.readFileSync(given, 'utf8'))) {
  const tensors = {};
  for (const [name, rows] of Object.entries(feed)) {
    const flat = BigInt64Array.from(rows.flat().map(BigInt));
    tensors[name] = new ort.Tensor('int64', flat, [rows.length, rows[0].length]);
  }
  const {logits} = await session.run(tensors);
  rows.push(Buffer.from(Float32Array.from(logits.data).buffer));
}
fs.writeFileSync(out, Buffer.concat(rows));
"""


def why_not(place: str) -> str:
    """Why texts cannot be answered there, or nothing."""
    if place == "qemu":
        return "" if shutil.which("qemu-x86_64") else "qemu-x86_64 is missing (Debian: qemu-user)"
    if not shutil.which("node"):
        return "node is missing"
    modules = Path(os.environ.get("HF_ASSETS_NODE_MODULES") or "node_modules")
    if not (modules / "onnxruntime-web").is_dir():
        return "HF_ASSETS_NODE_MODULES names no folder with onnxruntime-web"
    return ""


def logits_at(
    place: str, tagger: Tagger, texts: Sequence[str], level: str = "ORT_ENABLE_ALL"
) -> np.ndarray:
    """Logits of texts, answered one at a time, float32 [texts, labels].

    Args:
        place: here (a process of its own), qemu (Haswell: AVX2, no VNNI), or node (WebAssembly).
        tagger: serves the graph.
        texts: at least one.
        level: of onnxruntime's optimisation, but in Node.

    Raises:
        CalledProcessError: the program there failed.
    """
    with tempfile.TemporaryDirectory() as temporary:
        given, out = Path(temporary) / "texts.json", Path(temporary) / "logits"
        feeds = [{k: v.tolist() for k, v in tagger.feed([text]).items()} for text in texts]
        given.write_text(json.dumps(feeds))
        files = [str(tagger.path), str(given), str(out)]
        if place == "node":
            program = Path(temporary) / "logits.mjs"
            program.write_text(_NODE)
            modules = Path(os.environ.get("HF_ASSETS_NODE_MODULES") or "node_modules")
            command = ["node", str(program), *files, str(modules.resolve())]
        else:
            emulated = ["qemu-x86_64", "-cpu", "Haswell"] if place == "qemu" else []
            command = [*emulated, sys.executable, "-c", _PYTHON, *files, level]
        subprocess.run(command, check=True, capture_output=True)
        return np.fromfile(out, np.float32).reshape(len(texts), len(tagger.labels))
