"""An index of a day that lies in a folder or on a store; single rows of both."""

from pathlib import Path

import pytest

from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.index import folders, indexes
from hf_assets.apps.index.indexes import Indexes
from hf_assets.apps.index.query import ModelQuery
from hf_assets.storage.lake import Lake
from hf_assets.storage.opened import read_row
from hf_assets_tests.support.apps.hub_lake import DAYS, LAST, NAMES, write_hub_lake


def test_answers_are_the_same_with_an_index(
    any_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ASSETS_SCRATCH", str(tmp_path / "scratch"))
    write_hub_lake(any_lake.root, DAYS[-2:], history=False)
    models = any_lake.read("models", LAST)
    # As the child does: by the address alone, and of this very version.
    assert indexes.main(str(any_lake.root), LAST, folders.index_name(models)) == 0
    own = Indexes(fewest=1)
    assert own.of(any_lake, models)
    found, plain = LakeReader(any_lake.root, own), LakeReader(any_lake.root)
    for query in (ModelQuery("model"), ModelQuery(base_model=(NAMES[0],), sort="likes")):
        assert found.models(LAST, query).rows.equals(plain.models(LAST, query).rows)
    assert found.model(LAST, NAMES[7]) == plain.model(LAST, NAMES[7])
    rows = models.frame.collect()
    assert [read_row(models.file, at).rows() for at in (0, 9)] == [[rows.row(0)], [rows.row(9)]]
    for at in (-1, len(NAMES)):
        with pytest.raises(IndexError):
            read_row(models.file, at)
