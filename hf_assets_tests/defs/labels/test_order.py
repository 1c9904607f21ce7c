"""One run over the Hub's assets and the labels': the Hub, which shows only now, comes first."""

from pathlib import Path

import dagster as dg
import pytest

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import Make, failures, made

# Static partitions: a run has either a day or a base model.
BASE_MODELS = ("classifier", "onnx_classifier", "quantized_classifier", "leaderboard",
               "tagger_space")  # fmt: skip
# Steps that ask another service, or for each Space.
LATE = ("raw_inference_providers", "raw_space_trees")


@pytest.mark.heavy
def test_a_run_over_everything_makes_the_hub_first_and_skips_what_is_off(
    world: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    hub = world(GeneratedHub(3000, 300, seed=4))
    graph = hub.definitions.resolve_asset_graph()
    chosen = {
        key: "labels" in graph.get(key).owners[0]
        for key in graph.executable_asset_keys
        if key.path[-1] not in BASE_MODELS
    }
    run = hub.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=hub.instance,
        asset_selection=list(chosen),
        partition_key=today(),
        raise_on_error=False,
    )
    assert failures(run) == {}
    order = [event.step_key for event in run.all_events if event.event_type_value == "STEP_START"]
    keys = {"__".join(key.path): of_labels for key, of_labels in chosen.items()}
    steps = [step for step in order if step in keys]
    first = next(at for at, step in enumerate(steps) if keys[step])
    # What shows predicted categories follows them, and what asks another service comes last.
    before = {step for step in steps[:first] if step not in LATE}
    assert before >= {"daily_metrics", "daily_changes", "day_quality", "snapshot_figures"}
    assert {"raw_models", "raw_spaces", "raw_datasets", "uses", "families"} <= before
    shown = {"predicted_categories", "category_history", "trend_figures", "insights_report"}
    assert shown <= made(run)
    skipped = {event.step_key for event in run.all_events if event.is_step_skipped}
    assert {"questions__corpus", "datasets__corpus", "questions__baseline"} <= skipped
    assert hub.instance.fetch_observations(dg.AssetKey("question_dump"), limit=1).records
