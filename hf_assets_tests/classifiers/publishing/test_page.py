"""The Space's page, run from its folder."""

import html
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from hf_assets.classifiers.tagger import Tagger
from hf_assets_tests.support.classifiers.artefacts import HOSTILE
from hf_assets_tests.support.servers import free_port


@pytest.mark.heavy
def test_the_page_runs_from_its_folder_without_a_network(tmp_path: Path, space: Path) -> None:
    client = pytest.importorskip("gradio_client")
    folder = shutil.copytree(space, tmp_path / "space")
    # As it is published.
    named = {"model": {"repository": "someone/tags", "commit": "0123456789abcdef" * 2}}
    (folder / "hf_assets.json").write_text(json.dumps(named))
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
            config = json.load(told)
        _credits_stand_beside_the_examples(config, folder)
        says = f"[someone/tags](https://huggingface.co/someone/tags/tree/{'0123456789abcdef' * 2})"
        assert f"The model is {says} at 01234567." in json.dumps(config)
        ask = client.Client(url, verbose=False).predict
        said, labels = ask("word1", "and word4", api_name="/tags")
        needed = Tagger.load(folder / "model").threshold
        assert said.startswith(f"2 labels fit; a label needs {needed:.2f}")
        names = sorted(HOSTILE)
        assert {one["label"] for one in labels["confidences"]} == {names[1], names[4]}
        assert ask(" ", "", api_name="/tags")[0] == "Write a title or a text."
        assert "knows no word" in ask("<script>", "x" * 100_000, api_name="/tags")[0]
        assert "are too many" in ask("", "x" * 200_001, api_name="/tags")[0]
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


@pytest.mark.heavy
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
