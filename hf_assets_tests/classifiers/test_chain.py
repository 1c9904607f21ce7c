"""The chain of one corpus in the real graph: retrained, grown, published by itself."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hf_assets.classifiers.training import heads
from hf_assets.definitions import defs as code_location
from hf_assets.settings import settings
from hf_assets.storage import folders
from hf_assets_tests.classifiers.conftest import topical
from hf_assets_tests.classifiers.training.test_lock import holder
from hf_assets_tests.support.classifiers.minilm import small_base

BASE = "all-minilm-l6-v2"
STEPS = ("classifier", "onnx_classifier", "quantized_classifier")


@dataclass(frozen=True)
class Graph:
    """The graph over a corpus `own`, of a table that a test may change, and a small base model."""

    root: Path
    instance: dg.DagsterInstance
    definitions: dg.Definitions

    @property
    def places(self) -> Path:
        return self.root / "lake" / "classifiers" / "own"

    def write_table(self, seed: int) -> None:
        lines = [json.dumps({"text": text, "tags": tags}) for text, tags in topical(240, seed)]
        (self.root / "own.jsonl").write_text("\n".join(lines), "utf-8")

    def run(self, *assets: str, **config: Mapping[str, Any]) -> dg.ExecuteInProcessResult:
        """One run over those assets of the corpus, with their checks."""
        partitioned = set(assets) & set(STEPS)
        ops = {f"own__{name}": {"config": dict(given)} for name, given in config.items()}
        return self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(["own", name]) for name in assets],
            partition_key=BASE if partitioned else None,
            run_config={"ops": ops},
            raise_on_error=False,
        )

    def train(self, **config: Any) -> dg.ExecuteInProcessResult:
        return self.run(
            "classifier", classifier={"strategy": "head", "max_length": 32, "few_rows": 0} | config
        )

    def says(self, *assets: str) -> str:
        """Why a run over those assets fails."""
        failed = self.run(*assets).get_step_failure_events()
        return " ".join(str(one.step_failure_data.user_failure_data) for one in failed)


pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    root = tmp_path_factory.mktemp("chain")
    (root / "corpora.toml").write_text(
        '[own]\nsource = "own.jsonl"\ntext = ["text"]\nlabels = "tags"\nrare_share = 0.01\n'
    )
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("HF_ASSETS_DATA", str(root / "lake"))
        patch.setenv("HF_ASSETS_BASE_MODELS", str(small_base(root / "base" / BASE).parent))
        patch.setenv("HF_ASSETS_CORPORA", str(root / "corpora.toml"))
        patch.setenv("HF_ASSETS_LOCK_WAIT", "0")
        patch.setattr(heads, "_LEAST_STEPS", 600)
        settings.cache_clear()
        made = Graph(root, instance, code_location())
        made.write_table(seed=3)
        assert made.run("corpus", "baseline").success
        assert made.train().success
        assert made.run(*STEPS[1:], quantized_classifier={"max_loss": 0.2}).success
        assert made.run("leaderboard", "tagger_space").success
        yield made
    settings.cache_clear()


def test_checkpoints_go_after_the_classifier_is_in_its_place(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = graph.places / BASE / "checkpoints" / "checkpoints-of-an-epoch"
    left.mkdir(parents=True)

    def full(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(folders, "_put", full)
        assert not graph.train().success
    assert left.is_dir()
    assert graph.train().success
    assert not left.parent.exists()


def test_a_second_run_of_a_base_model_does_not_train_beside_the_first(graph: Graph) -> None:
    with holder(graph.places / BASE / "checkpoints") as other:
        assert f"another run has been training {BASE}" in graph.says("classifier")
        other.communicate("end\n")


def test_what_an_earlier_training_left_is_refused_and_what_to_do_is_named(graph: Graph) -> None:
    assert graph.train(seed=7).success
    again = f"materialise own/onnx_classifier, partition {BASE}, again"
    assert again in graph.says("quantized_classifier")
    assert again in graph.says("leaderboard")
    quantized = f"materialise own/quantized_classifier, partition {BASE}, again"
    assert quantized in graph.says("tagger_space")
    # The same training as before gives the same classifier: what follows from it holds again.
    assert graph.train().success
    assert graph.run("tagger_space").success


def test_a_corpus_made_anew_asks_for_training_only_where_it_has_changed(graph: Graph) -> None:
    assert graph.run("corpus").success
    assert graph.run("tagger_space").success
    graph.write_table(seed=4)
    assert graph.run("corpus").success
    assert "materialise own/leaderboard again" in graph.says("tagger_space")
    assert "materialise own/baseline again" in graph.says("leaderboard")
    for asset in STEPS[1:]:
        assert f"materialise own/classifier, partition {BASE}, again" in graph.says(asset)
