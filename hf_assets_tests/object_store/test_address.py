"""What is wrong with an address, or missing for it, is said in a sentence: no server is asked."""

import sys
from pathlib import Path

import pytest

from hf_assets.cli.main import main
from hf_assets.object_store.address import AddressError, StoreAddress
from hf_assets.object_store.path import StorePath, location

STORED = StorePath(StoreAddress("lake-bucket", "hub"))


@pytest.mark.parametrize("text", ["S3://bucket/hub", "s4://bucket", "gs://bucket", "file:///lake"])
def test_another_scheme_is_not_the_name_of_a_folder(
    text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AddressError, match="is s3://bucket/prefix"):
        location(text)
    assert main(["copy", text, "there"]) == 1
    assert (
        "Error: the address of a lake on a store is s3://bucket/prefix" in capsys.readouterr().err
    )
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "command", [["status", "--data", f"{STORED}"], ["copy", f"{STORED}", "to"]]
)
def test_without_obstore_a_sentence_names_the_extra(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "obstore"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "obstore", None)
    assert main(command) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"Error: {STORED}")
    assert "requires obstore: pip install 'hf_assets[cluster]'" in error


@pytest.mark.parametrize("command", [["capture"], ["backfill", "2026-11-01...2026-11-02"]])
def test_a_store_that_cannot_be_asked_is_named_before_a_run(
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "localhost")
    assert main([*command, "--data", f"{STORED}"]) == 1
    assert capsys.readouterr().err.startswith("Error: AWS_ENDPOINT_URL is not the address")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "server", ["127.0.0.1:8333", "localhost", "s3.example.org/path", "http://"]
)
def test_an_endpoint_without_a_scheme_is_named(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    with pytest.raises(AddressError, match="AWS_ENDPOINT_URL is not the address of a server"):
        STORED.children()
