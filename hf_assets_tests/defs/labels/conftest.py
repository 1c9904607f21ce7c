"""The half of the labels, from embedded services to a tagger's folder, in the real graph."""

from collections.abc import Iterator

import pytest

from hf_assets.storage.lake import today
from hf_assets_tests.support.defs.labels import Labels, labels_graph


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labels]:
    """The graph and its services."""
    base_models = tmp_path_factory.mktemp("base_models")
    with labels_graph(tmp_path_factory.mktemp("labels"), base_models) as labels:
        yield labels


@pytest.fixture(scope="module")
def sources(labels: Labels) -> Labels:
    """The same, with the questions and datasets of every source in its lake."""
    assert labels.run("question_dump", "dataset_dump").success
    assert labels.run("new_questions", "new_datasets", partition=today()).success
    return labels
