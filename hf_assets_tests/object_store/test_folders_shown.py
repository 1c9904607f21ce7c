"""Names for people of a folder on a store: of the version that won last, and of no other."""

from typing import Any

import pytest

from hf_assets.object_store import folders
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.path import StorePath
from hf_assets.object_store.versions import MARKER
from hf_assets.storage.folders import (
    local_folder,
    local_path,
    replacing_folder,
)
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.object_store.counting import CountingProxy
from hf_assets_tests.support.object_store.folder_writer import keys, put


def test_small_files_get_their_plain_names_and_pages_come_last(
    place: StorePath, store_proxy: CountingProxy
) -> None:
    put(place, public=True, one_png="1", two_png="1", index_html="one two", rows_bin="1")
    assert {path.name: path.read_text() for path in place.children()[1]} | {MARKER: ""} == {
        "one.png": "1", "two.png": "1", "index.html": "one two", MARKER: "",
    }  # fmt: skip
    store_proxy.clear()
    put(place, public=True, one_png="2", index_html="one")
    asked = [(each.kind, each.key.rpartition("/")[2]) for each in store_proxy.asked
             if "/v=" not in each.key and each.kind != "GET"]  # fmt: skip
    assert asked[:3] == [("PUT", MARKER), ("PUT", "one.png"), ("PUT", "index.html")]
    assert {kind for kind, _ in asked[3:]} == {"LIST", "DELETE many"}
    assert [path.name for path in place.children()[1]] == [MARKER, "index.html", "one.png"]


def test_plain_names_in_a_folder_go_with_their_files(place: StorePath) -> None:
    def store(*names: str) -> None:
        with replacing_folder(place, public=True) as folder:
            for name in names:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(name)

    other = place / "apart" / "c.svg"
    overwrite(other, b"of another part")
    store("badge/a/b.svg", "badge/a/c.svg", "page.html")
    store("badge/a/c.svg", "page.html")
    shown = [name for name in keys(place) if not name.startswith("v=")]
    assert shown == ["apart/c.svg", "badge/a/c.svg", MARKER, "page.html"]
    store("page.html")
    shown = [name for name in keys(place) if not name.startswith("v=")]
    assert shown == ["apart/c.svg", MARKER, "page.html"]


def test_plain_names_are_of_the_version_that_won_last(
    place: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = folders._copy

    def slow(*arguments: Any) -> None:
        monkeypatch.setattr(folders, "_copy", copy)
        put(place, public=True, a_png="newer")
        copy(*arguments)

    monkeypatch.setattr(folders, "_copy", slow)
    put(place, public=True, a_png="new")
    assert (place / "a.png").read_text() == "newer"
    assert local_path(place / "a.png").read_text() == "newer"


def test_figures_of_a_day_are_replaced_as_one_and_listed_by_their_marker(
    any_lake: Lake,
) -> None:
    day, on_store = "2026-11-20", isinstance(any_lake.root, StorePath)
    any_lake.write_files(
        "snapshot_figures", day, {"a.png": b"1", "b.png": b"1", "figures.json": b"{}"}
    )
    assert any_lake.days("snapshot_figures", "figures.json") == [day]
    place = any_lake.folder("snapshot_figures", day)
    before = local_folder(place)
    any_lake.write_files("snapshot_figures", day, {"a.png": b"2", "figures.json": b"{}"})
    assert (place / "a.png").read_bytes() == (local_folder(place) / "a.png").read_bytes() == b"2"
    # A reader that has begun reads on in the version that it has.
    assert (before / "a.png").read_bytes() == (b"1" if on_store else b"2")
    assert any_lake.days("snapshot_figures", "figures.json") == [day]
