"""A store is asked before a command begins: what is wrong with it is said in a sentence."""

from pathlib import Path

import pytest

from hf_assets.cli.main import main
from hf_assets.object_store import path
from hf_assets.object_store.path import StorePath
from hf_assets.runner import process
from hf_assets_tests.support.object_store.counting import CountingProxy, Fault
from hf_assets_tests.support.object_store.weed import KEY, SECRET
from hf_assets_tests.support.servers import free_port

COMMANDS = {
    "launch": ["launch", "--job", "past_days", "--partition", "2026-11-20", "--data", "LAKE"],
    "dev": ["dev", "--data", "LAKE"],
    "capture": ["capture", "--data", "LAKE"],
    "status": ["status", "--data", "LAKE"],
    "copy to": ["copy", "FOLDER", "LAKE"],
    "copy from": ["copy", "LAKE", "FOLDER"],
}
WORDS = {
    "NoSuchBucket": "create the bucket, or correct HF_ASSETS_DATA",
    "InvalidAccessKeyId": "set AWS_ACCESS_KEY_ID to a key that the store knows",
    "RequestTimeTooSkewed": "set the clock of this machine",
    "no answer": "look whether the store is up and AWS_ENDPOINT_URL is right",
}
every_command = pytest.mark.parametrize("command", COMMANDS)


@pytest.fixture(autouse=True)
def begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Commands of Dagster that would have begun."""
    calls: list[list[str]] = []
    monkeypatch.setattr(process, "become", lambda command, _: calls.append(command))
    monkeypatch.setattr(path, "SHORT_SECONDS", 0.1)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "lake" / "models").mkdir(parents=True)
    return calls


def words(command: str, lake: StorePath, tmp_path: Path) -> list[str]:
    there = {"LAKE": str(lake), "FOLDER": str(tmp_path / "lake")}
    return [there.get(word, word) for word in COMMANDS[command]]


@every_command
@pytest.mark.parametrize("code", WORDS)
def test_trouble_is_named_before_anything_begins(
    bucket: StorePath,
    store_proxy: CountingProxy,
    begun: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    code: str,
) -> None:
    if code == "no answer":
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    else:
        store_proxy.faults = [Fault(code)]
    assert main(words(command, bucket, tmp_path)) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"Error: {bucket}: {code}: {WORDS[code]}")
    assert KEY not in error
    assert SECRET not in error
    assert begun == []
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("command", ["launch", "dev"])
def test_a_store_that_answers_is_asked_once(
    bucket: StorePath,
    store_proxy: CountingProxy,
    begun: list[list[str]],
    tmp_path: Path,
    command: str,
) -> None:
    main(words(command, bucket, tmp_path))
    assert len(begun) == 1
    assert store_proxy.counts() == {"LIST": 1}
