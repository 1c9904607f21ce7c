"""The job `sweep_store`, and its schedule."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hf_assets.copying import orphans
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.sweeping import IN_A_FOLDER, daily_sweep, sweep_store
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.path import StorePath
from hf_assets.settings import settings

ORPHAN = "corpora/letters/v=20261101T000000.000000Z-dead/facts.json"


def swept(root: Any, **config: object) -> dg.ExecuteInProcessResult:
    return sweep_store.execute_in_process(
        resources={"lake": LakeResource(root=str(root))},
        run_config={"ops": {"sweep_orphans": {"config": config}}},
        raise_on_error=False,
    )


def facts(run: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = run.get_step_success_events() and [
        one for one in run.all_events if one.event_type_value == "STEP_OUTPUT"
    ]
    return {name: one.value for name, one in event.step_output_data.metadata.items()}


def test_orphans_are_reported_and_deleted(
    bucket: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    overwrite(bucket / ORPHAN, b"left")
    assert facts(swept(bucket))["objects"] == 0
    monkeypatch.setattr("hf_assets.object_store.versions.KEPT", orphans.timedelta(0))
    said = facts(swept(bucket, dry_run=True))
    assert (said["objects"], said["bytes"], said["deleted"]) == (1, 4, False)
    assert (bucket / ORPHAN).is_file()
    said = facts(swept(bucket))
    assert (said["objects"], said["bytes"], said["deleted"]) == (1, 4, True)
    assert said["by asset"].records[0].data == {"asset": "corpora", "objects": 1, "bytes": 4}
    assert not (bucket / ORPHAN).is_file()


def test_a_lake_in_a_folder_is_skipped(tmp_path: Path) -> None:
    assert facts(swept(tmp_path)) == {"skipped": IN_A_FOLDER}


def test_a_store_that_refuses_is_a_failure_in_words(
    bucket: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anotherSecretThanItsOwn")
    (failed,) = swept(bucket).get_failed_step_keys and [
        one for one in swept(bucket).all_events if one.event_type_value == "STEP_FAILURE"
    ]
    text = str(failed.step_failure_data.error)
    assert "SignatureDoesNotMatch: set AWS_SECRET_ACCESS_KEY to the secret of that key" in text
    assert "anotherSecretThanItsOwn" not in text


def test_the_schedule_runs_for_a_lake_on_a_store(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for value, kind in ((str(tmp_path), dg.SkipReason), ("s3://bucket/lake", dg.RunRequest)):
        monkeypatch.setenv("HF_ASSETS_DATA", value)
        settings.cache_clear()
        assert isinstance(daily_sweep(), kind)
    monkeypatch.undo()
    settings.cache_clear()
