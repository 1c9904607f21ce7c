"""Runs on Ray are where what they ask for is; one that no node can take says so and can be ended.

Of the two workers, which have a CPU each, the first has more memory, and the second a GPU.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hf_assets.defs.common.pools import RESOURCES
from hf_assets.object_store.versions import current_version
from hf_assets.run_logs import FOLDER
from hf_assets.storage.folders import replacing_folder
from hf_assets.storage.lake import Lake
from hf_assets_tests.classifiers.conftest import topical, write_corpus
from hf_assets_tests.cluster.conftest import CORPORA, LARGE_BASE, SMALL_BASE
from hf_assets_tests.support.cluster.cluster import RANGE_END, RANGE_START, Cluster
from hf_assets_tests.support.cluster.past import Past
from hf_assets_tests.support.deploy.running import until

pytestmark = [pytest.mark.heavy, pytest.mark.release]
CONFIG = {"strategy": "head", "max_length": 24, "few_rows": 0}


@pytest.fixture
def trained(running_cluster: Cluster, lake: Lake, tmp_path: Path) -> Iterator[Cluster]:
    """The cluster, with a few texts as each of the corpora; runs that are left are ended."""
    splits = ["train"] * 48 + ["validation"] * 24 + ["test"] * 4
    for name in CORPORA:
        rows = topical(len(splits))
        corpus = write_corpus(tmp_path / name, rows, splits, name)
        with replacing_folder(lake.folder(f"corpora/{name}", None)) as folder:
            for file in corpus.folder.iterdir():
                (folder / file.name).write_bytes(file.read_bytes())
    yield running_cluster
    for run in running_cluster.going_on():
        running_cluster.terminate(run)


def train(cluster: Cluster, corpus: str, base: str = SMALL_BASE) -> str:
    """Begin a training, as the UI does; its run."""
    config = {"ops": {f"{corpus}__classifier": {"config": CONFIG}}}
    tags = {"dagster/partition": base}
    return cluster.launch("__ASSET_JOB", tags, [f"{corpus}/classifier"], config)


def asked(cluster: Cluster, run: str) -> dict[str, float]:
    """What Ray was asked for, beside a CPU."""
    tags = {tag["key"]: tag["value"] for tag in cluster.newest(run)["tags"]}
    return json.loads(tags[RESOURCES])


@pytest.mark.parametrize(
    ("corpus", "wanted", "node"),
    [
        ("on_a_gpu", {"num_gpus": 1}, "ray-worker-2"),
        ("with_memory", {"memory": 2_000_000_000}, "ray-worker-1"),
    ],
)
def test_a_training_is_where_there_is_what_its_corpus_asks_for(
    corpus: str, wanted: dict[str, float], node: str, trained: Cluster, lake: Lake
) -> None:
    run = train(trained, corpus)
    assert trained.end_of(run) == "SUCCESS", trained.said()
    assert trained.node_of(run) == node
    assert asked(trained, run) == wanted
    stored = lake.folder(f"classifiers/{corpus}/{SMALL_BASE}/classifier", None)
    assert current_version(stored).writer == run


@pytest.mark.parametrize(
    ("corpus", "base", "words"),
    [
        ("on_many_cpus", SMALL_BASE, "asks one node for 4 CPU; the largest have: ray-worker-"),
        ("with_more_memory", SMALL_BASE, "asks one node for 1 CPU, 900.0 GB memory; the largest"),
        # The settings say so of the base model, whatever the corpus says.
        ("on_a_gpu", LARGE_BASE, "asks one node for 2 GPU, 1 CPU; the largest have: ray-worker-2"),
    ],
)
def test_a_training_that_no_node_can_take_says_so_and_waits(
    corpus: str, base: str, words: str, trained: Cluster
) -> None:
    run = train(trained, corpus, base)
    said = until(lambda: [one for one in trained.events(run) if "No node of Ray" in one],
                 trained.said, 120)  # fmt: skip
    assert words in said[0]
    assert trained.newest(run)["status"] == "STARTING"
    # Until it is ended, it keeps its place in the pool of trainings.
    trained.terminate(run)
    assert trained.end_of(run) == "CANCELED"


def test_a_run_that_asks_for_a_gpu_by_its_own_tag_is_where_one_is(
    running_cluster: Cluster, made_month: Past, lake: Lake
) -> None:
    day = made_month.days[0]
    tags = {RANGE_START: day, RANGE_END: day, RESOURCES: '{"num_gpus": 1}'}
    run = running_cluster.launch("past_days", tags)
    assert running_cluster.end_of(run) == "SUCCESS", running_cluster.said()
    assert running_cluster.node_of(run) == "ray-worker-2"
    assert lake.days("models") == [day]
    # What it printed is in the store, for a UI on any machine.
    logs = [path.suffix for path, _ in (lake.root / FOLDER / run).below()]
    assert sorted(logs) == [".err", ".out"]
