"""The chain of labels on a lake in a store, and what its folders hold."""

import hashlib
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from hf_assets.object_store.address import StoreAddress
from hf_assets.object_store.path import LakePath, StorePath
from hf_assets.storage.folders import local_folder
from hf_assets_tests.support.defs.labels import BASE, labels_graph
from hf_assets_tests.support.object_store.fixtures import BUCKET, use_store

NAME = "own"
# The folders that a chain stores, by their assets.
FOLDERS = {
    f"{NAME}/corpus": f"corpora/{NAME}",
    **{f"{NAME}/{step}": f"classifiers/{NAME}/{step}"
       for step in ("baseline", "leaderboard", "tagger_space")},
    f"{NAME}/classifier": f"classifiers/{NAME}/{BASE}/classifier",
    f"{NAME}/onnx_classifier": f"classifiers/{NAME}/{BASE}/onnx",
    f"{NAME}/quantized_classifier": f"classifiers/{NAME}/{BASE}/quantized",
}  # fmt: skip
# What a clock gives, in records, tables and cards.
_TIMES = {
    *("seconds", "samples_per_second", "ms", "ms_p50", "ms_p95", "texts_per_second"),
    *("training_seconds", "history"),
}


@dataclass(frozen=True)
class StoredChain:
    """A chain that has run: its lake, its runs, and what each asset said of itself."""

    root: StorePath
    runs: list[dg.ExecuteInProcessResult]
    metadata: dict[str, Mapping[str, Any]]


@contextmanager
def stored_chain(endpoint: str, root: Path, base_models: Path) -> Generator[StoredChain]:
    """Run the chain on that store; the variables that name the store stay until the end."""
    data = StorePath(StoreAddress(BUCKET, "labels"))
    with pytest.MonkeyPatch.context() as patch:
        use_store(patch, endpoint, root / "scratch")
        with labels_graph(root, base_models, data) as graph:
            runs = graph.chain(NAME)
            metadata = {asset: graph.metadata(asset) for asset in FOLDERS}
        yield StoredChain(data, runs, metadata)


def contents(root: LakePath) -> dict[str, str]:
    """The hash of each file of the chain; without times, and without cards, which name speeds."""
    return {
        f"{name}/{file.relative_to(folder)}": hashlib.sha256(_content(file)).hexdigest()
        for name in FOLDERS.values()
        for folder in (local_folder(root / name),)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.suffix not in (".png", ".svg", ".md")
    }


def _content(file: Path) -> bytes:
    if file.suffix == ".json":
        return json.dumps(_untimed(json.loads(file.read_bytes()))).encode()
    if file.suffix == ".parquet":
        frame = pl.read_parquet(file)
        return frame.drop(name for name in _TIMES if name in frame.columns).write_json().encode()
    return file.read_bytes()


def _untimed(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _untimed(one) for name, one in value.items() if name not in _TIMES}
    return [_untimed(one) for one in value] if isinstance(value, list) else value
