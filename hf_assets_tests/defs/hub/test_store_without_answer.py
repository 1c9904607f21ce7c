"""A store that refuses: a failing check and an alarm in words, without the key."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hf_assets.alarms.outbox import Outbox
from hf_assets.configuration import store_problems
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.hub import newest_day
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.path import StorePath
from hf_assets.settings import Settings, settings

SECRET = "anotherSecretThanItsOwn"


@pytest.fixture
def refusing(
    bucket: StorePath, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[LakeResource]:
    overwrite(bucket / "models" / "begun", b"")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("HF_ASSETS_ALARM", "true")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(newest_day.newest_day, "expected_day", lambda *_: date(2026, 11, 27))
    settings.cache_clear()
    yield LakeResource(root=str(bucket))
    settings.cache_clear()


def test_the_newest_day_is_unknown_and_an_alarm_is_kept(refusing: LakeResource) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            context = dg.build_sensor_context(instance=instance)
            found: Any = newest_day.watch_newest_day(context, lake=refusing)
    (evaluation,) = found.asset_events
    assert not evaluation.passed
    for word in ("the lake cannot be read", "SignatureDoesNotMatch: set AWS_SECRET_ACCESS_KEY"):
        assert word in evaluation.description
    (waiting,) = Outbox.of(refusing.tree.root).waiting()
    assert waiting.alarm.error == evaluation.description
    assert SECRET not in f"{evaluation} {waiting}"


def test_the_configuration_s_check_says_what_to_do(
    refusing: LakeResource, bucket: StorePath
) -> None:
    (problem,) = store_problems(Settings(data=bucket))
    assert problem.endswith(
        "SignatureDoesNotMatch: set AWS_SECRET_ACCESS_KEY to the secret of that key"
    )
    assert SECRET not in problem
    assert refusing.root == str(bucket)


def test_a_bucket_that_is_missing(bucket: StorePath) -> None:
    missing = Settings(data="s3://there-is-none/lake")
    (problem,) = store_problems(missing)
    assert problem == (
        "s3://there-is-none/lake: NoSuchBucket: create the bucket, or correct HF_ASSETS_DATA"
    )
    assert bucket.is_dir() is False
    assert store_problems(Settings(data=bucket)) == []
