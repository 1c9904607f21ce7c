"""Drift and ages in the real graph: a corpus, days that come after it, and what a night says."""

import re
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hf_assets.storage.lake import today
from hf_assets_tests.support.defs.labels import Labels

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def drifted(labels: Labels) -> Labels:
    """A corpus of questions with its baseline, a day of questions after it, and the drift."""
    assert labels.run("question_dump").success
    assert labels.run("questions/corpus", "questions/baseline").success
    assert labels.run("new_questions", partition=today()).success
    assert labels.run("questions/drift").success
    return labels


def _values(labels: Labels, asset: str) -> dict[str, Any]:
    return {name: value.value for name, value in labels.metadata(asset).items()}


def _checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {
        f"{one.asset_key.to_user_string()} {one.check_name}": one
        for one in result.get_asset_check_evaluations()
    }


def test_a_corpus_and_its_baseline_are_young_when_they_are_made(drifted: Labels) -> None:
    for asset in ("questions/corpus", "questions/baseline"):
        found = _values(drifted, asset)
        assert (found["unseen rows"], found["unseen labels"]) == (0, 0)
        assert found["days since the corpus was built"] == 0
    found = _values(drifted, "questions/corpus")
    assert found["tokens counted by"]
    assert "texts of more than 128 tokens" in found


def test_the_drift_has_a_row_of_the_week_that_came(drifted: Labels) -> None:
    found = _values(drifted, "questions/drift")
    assert found["dagster/row_count"] == found["weeks"] == 1
    assert found["texts since the corpus was built"] > 0
    assert found["distance of label shares"] > 0
    assert 0 < found["unseen words, usual"] < 1
    assert "texts without a label" not in found  # no tagger is stored


def test_a_night_measures_all_that_is_there_and_fails_for_nothing(drifted: Labels) -> None:
    job = drifted.definitions.resolve_job_def("measure_drift")
    result = job.execute_in_process(instance=drifted.instance)
    assert result.success
    found = _checks(result)
    assert {name for name in found if name.startswith("questions/")} == {
        *("questions/corpus not_old", "questions/baseline not_old"),
        *("questions/quantized_classifier not_old",),
        *("questions/drift corpus_not_old", "questions/drift not_drifted"),
    }
    for name in ("corpus", "baseline"):
        one = found[f"questions/{name} not_old"]
        assert one.passed
        rows = one.metadata["unseen rows"].value
        assert rows == _values(drifted, "questions/drift")["texts since the corpus was built"]
    # No corpus of datasets is stored: its drift is skipped, its age is nobody's fault.
    assert "datasets/drift not_drifted" not in found
    assert found["datasets/corpus not_old"].passed
    assert all(one.passed or one.severity == dg.AssetCheckSeverity.WARN for one in found.values())


def test_a_table_has_an_age_and_no_drift(drifted: Labels) -> None:
    graph = drifted.definitions.resolve_asset_graph()
    assert dg.AssetKey(["own", "drift"]) not in graph.get_all_asset_keys()
    assert graph.get(dg.AssetKey(["own", "corpus"])).automation_condition is None
    assert _checks(drifted.run("own/corpus"))["own/corpus not_old"].passed
    path = _table(drifted)
    with path.open("a", encoding="utf-8") as file:
        file.write("\n")
    job = drifted.definitions.resolve_job_def("measure_drift")
    result = job.execute_in_process(instance=drifted.instance)
    one = _checks(result)["own/corpus not_old"]
    assert not one.passed
    # A table has a corpus that is built; nothing of it is trained.
    assert re.search(
        r"was changed since .*\. Build the corpus again, then train\.", one.description or ""
    )


def _table(labels: Labels) -> Path:
    node = labels.definitions.resolve_asset_graph().get(dg.AssetKey(["own", "table"]))
    path = node.metadata["path"]
    assert isinstance(path, dg.PathMetadataValue)
    return Path(str(path.value))
