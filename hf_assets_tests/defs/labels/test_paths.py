"""The folders of a corpus's artefacts, of a lake in a folder and on a store."""

from pathlib import Path

import pytest

from hf_assets.defs.labels.paths import CorpusPaths
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.object_store.folder_writer import put


def test_a_base_model_whose_entry_is_gone_is_named(
    any_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its scores would be missing from the leaderboard, and nobody would know why."""
    paths, file = CorpusPaths(any_lake, "own"), tmp_path / "base_models.toml"
    assert paths.nameless() == []
    for name in ("mine", "roberta-base"):
        put(paths.folder(name, "classifier"), **{"training.json": "{}"})
    for name in ("baseline", "leaderboard"):
        put(paths.folder(name), a="b")
    monkeypatch.setenv("HF_ASSETS_OWN_BASE_MODELS", str(file))
    settings.cache_clear()
    try:
        file.write_text('[mine]\nid = "a/b"\n')
        assert paths.nameless() == []
        file.write_text('[mine]\nid = "a/b"\npooling = "max"\n')
        assert paths.nameless() == ["mine"]
        assert list(paths.trained()) == ["roberta-base"]
    finally:
        monkeypatch.undo()
        settings.cache_clear()
