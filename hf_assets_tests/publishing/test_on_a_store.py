"""A lake on a store is published as one in a folder: the same files, and none is sent twice."""

from pathlib import Path

from hf_assets.object_store.path import StorePath
from hf_assets.publishing.record import read_published
from hf_assets.storage.folders import replacing_folder
from hf_assets.storage.lake import Lake
from hf_assets_tests.publishing.conftest import Served
from hf_assets_tests.support.publishing import PIXEL, publish_now, small_lake


def test_a_lake_on_a_store_is_published_as_one_in_a_folder(
    hub: Served, lake: Lake, bucket: StorePath, tmp_path: Path
) -> None:
    there = small_lake(bucket)
    publish_now(lake, "small,models")
    published = {path: hub.bytes(path) for path in hub.paths}
    assert "figures/ranks.png" in published
    assert "figures/day/downloads.png" in published
    # The hashes of every file are those that the repository has.
    outcome = publish_now(there, "small,models")
    assert not outcome.differs
    assert outcome.unchanged == len(published) - 1  # all but .gitattributes
    assert list(read_published(there).files) == list(read_published(lake).files)
    staging = tmp_path / "scratch" / "work"
    assert [path for path in staging.rglob("*") if path.is_file()] == []


def test_a_second_publication_reads_no_file_again(hub: Served, bucket: StorePath) -> None:
    lake = small_lake(bucket)
    publish_now(lake)
    marks = {path: one.mark for path, one in read_published(lake).files.items()}
    assert not publish_now(lake).differs
    assert {path: one.mark for path, one in read_published(lake).files.items()} == marks
    with replacing_folder(lake.folder("trend_figures", None), public=True) as folder:
        (folder / "ranks.png").write_bytes(PIXEL + b"newer")
    assert list(publish_now(lake).sent) == ["figures/ranks.png"]
    assert hub.bytes("figures/ranks.png") == PIXEL + b"newer"
