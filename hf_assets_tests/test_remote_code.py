"""No repository's program runs here: transformers is told so in every call that could."""

import ast
import json
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
FILES = sorted(
    path for room in ("hf_assets", "hf_assets_tests") for path in (PROJECT / room).rglob("*.py")
)
# What of transformers and sentence-transformers, torch.hub may fetch and run a program; datasets
# runs none since its version 4.
LOADERS = {"from_pretrained", "pipeline", "SentenceTransformer", "CrossEncoder",
           "get_class_from_dynamic_module"}  # fmt: skip


# To parse every file takes four seconds, in each process that collects tests.
NAMES = re.compile("|".join([*LOADERS, r"\bAuto"]))


def calls(path: Path) -> list[ast.Call]:
    """The calls of that file which could."""
    text = path.read_text("utf-8")
    if not NAMES.search(text):
        return []
    tree = ast.parse(text, path.name)
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (name := ast.unparse(node.func).rpartition(".")[2]) not in own
        and (name in LOADERS or ast.unparse(node.func).startswith("Auto"))
    ]


WITH_CALLS = [path for path in FILES if calls(path)]


def test_there_is_something_to_look_at() -> None:
    assert sum(len(calls(path)) for path in WITH_CALLS if "hf_assets/" in str(path)) >= 3


@pytest.mark.parametrize("path", WITH_CALLS, ids=lambda path: path.name)
def test_every_call_refuses_remote_code(path: Path) -> None:
    for call in calls(path):
        said = {one.arg: ast.unparse(one.value) for one in call.keywords}
        assert said.get("trust_remote_code") == "False", f"{path.name}:{call.lineno}"


def test_a_base_model_that_brings_a_program_is_refused_and_not_run(tmp_path: Path) -> None:
    network = pytest.importorskip("hf_assets.classifiers.training.network")
    (tmp_path / "program.py").write_text(
        f"from pathlib import Path\nPath({str(tmp_path / 'mark')!r}).touch()\n"
        "from transformers import PretrainedConfig\n"
        "class Config(PretrainedConfig):\n    model_type = 'of-its-own'\n"
    )
    config = {"model_type": "of-its-own", "auto_map": {"AutoConfig": "program.Config"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(network.NetworkError, match="trust_remote_code"):
        network.new_network(tmp_path, "ab", 16)
    assert not (tmp_path / "mark").exists()
