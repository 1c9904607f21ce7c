"""Settings: the lake is a folder or an address; what cannot be used is named, without a secret."""

from pathlib import Path

import pytest

from hf_assets.errors import redact
from hf_assets.object_store.path import StorePath
from hf_assets.settings import Settings, SettingsError, rejected, settings


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    settings.cache_clear()
    return monkeypatch


def test_the_lake_is_a_folder_or_an_address(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fresh.setenv("HF_ASSETS_DATA", str(tmp_path / "lake"))
    assert Settings().data == tmp_path / "lake"
    fresh.setenv("HF_ASSETS_DATA", "s3://lake-bucket/hub")
    stored = Settings().data
    assert isinstance(stored, StorePath)
    assert str(stored) == "s3://lake-bucket/hub"


@pytest.mark.parametrize(
    "address",
    [
        "s3://AKIAKEY:wordofpass@bucket/hub",
        "s3://b?secret=wordofpass",
        "s3:/bucket",
        # Not a folder with this name.
        "S3://bucket/hub",
        "s4://bucket/hub",
        "gs://bucket/hub",
    ],
)
def test_an_invalid_address_is_not_repeated(fresh: pytest.MonkeyPatch, address: str) -> None:
    fresh.setenv("HF_ASSETS_DATA", address)
    with pytest.raises(
        SettingsError, match=r"HF_ASSETS_DATA cannot be used: the address .*s3://bucket/prefix"
    ) as seen:
        settings()
    assert "wordofpass" not in str(seen.value)
    settings.cache_clear()


@pytest.mark.parametrize(
    "name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD"]
)
def test_keys_of_stores_and_databases_leave_no_message(
    fresh: pytest.MonkeyPatch, name: str
) -> None:
    fresh.setenv(name, "wordofpass")
    assert redact("signed with wordofpass") == "signed with ***"


@pytest.mark.parametrize(
    ("name", "value"), [("TRAINING_GPUS", "two"), ("STALE_ROWS", "-1"), ("PUBLISH_TAGGERS", "{")]
)
def test_an_unusable_setting_of_labels_does_not_stop_the_hub(
    fresh: pytest.MonkeyPatch, name: str, value: str
) -> None:
    fresh.setenv(f"HF_ASSETS_{name}", value)
    usual = Settings.model_fields[name.lower()].default
    assert getattr(settings(), name.lower()) == usual
    assert list(rejected()) == [f"HF_ASSETS_{name}"]
