"""What capture.json says, as this version and older ones wrote it."""

import json
from pathlib import Path
from typing import Any

import pytest

from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.files import read_journal, read_manifest
from hf_assets.hub.capture_store.manifest import CaptureManifest, CorruptCapture
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.listing import ListingQuery
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.hub.captures import first_manifest, open_capture

# Of archives: what the version that read them first wrote, then what later ones added.
RECOVERED = {
    "endpoint": "",
    "source": "folder",
    "file": "a.csv",
    "file_sha256": "f" * 64,
    "time_known": False,
    "absent": ["gated"],
    "unread": {},
    "identity": "name",
    "recovered": "2026-11-21T00:00:00+00:00",
}
HUB_STATS = {
    "source": "hub-stats",
    "dataset": "a/b",
    "revision": "c" * 40,
    "committed": "2026-11-20T05:00:00+00:00",
    "file": "models.parquet",
    "bytes_fetched": 10,
    "bytes_whole": 100,
    "absent": [],
    "identity": "hub",
    "without_id": 3,
}
LATER = {
    "counted": {"rows": 3, "fields": {"likes": {"sum": 2**90}}},
    "times_without_zone": ["createdAt"],
    "repeated_header_lines": 1,
    "absent_kind": "The folder has no models.",
    "objection": "Only 6.6% of the rows that the Hub counts.",
    "pages_dropped": "2027-01-01",
}
SHAPES: dict[str, dict[str, Any]] = {
    "first": {},
    "folder": RECOVERED,
    "hub-stats": HUB_STATS,
    "later": RECOVERED | {"without_id": 0, **LATER},
    "unknown keys": {"without_id": 0, "compression": {"level": 3}, "other": [1, None]},
}


def written(lake: Lake, said: dict[str, Any]) -> Capture:
    folder = lake.folder("raw_models", DAY)
    folder.mkdir(parents=True)
    (folder / "capture.json").write_text(json.dumps(said))
    capture = open_capture(folder)
    assert capture is not None
    return capture


@pytest.mark.parametrize("shape", SHAPES)
def test_a_capture_of_any_version_comes_back_as_it_was(lake: Lake, shape: str) -> None:
    said = first_manifest(**SHAPES[shape])
    manifest = written(lake, said).manifest
    assert manifest.plain() == {"without_id": 0, **said}
    assert CaptureManifest.of(manifest.plain()) == manifest
    # Rewritten as retention does, a key that this version does not know stays.
    CaptureStore(lake, "raw_models").drop_pages(DAY, "2027-02-01")
    rewritten = json.loads((lake.folder("raw_models", DAY) / "capture.json").read_bytes())
    assert rewritten == {"without_id": 0, **said, "pages_dropped": "2027-02-01"}


def test_what_the_first_version_wrote_reads_as_a_live_capture(lake: Lake) -> None:
    said = first_manifest(rows=7, sha256="a", started="2026-11-20T03:00:00+00:00")
    del said["distinct"]
    capture = written(lake, said)
    assert (capture.rows, capture.distinct, capture.manifest.without_id) == (7, 7, 0)
    assert (capture.source, capture.limited, capture.whole_hub) == ("captured", False, True)
    assert (capture.answered_twice, capture.pages_dropped, capture.absent_kind) == (
        False,
        False,
        None,
    )
    assert capture.unread == capture.counted == {}
    names = ("endpoint", "started", "finished", "pages", "rows", "sha256", "client")
    assert capture.provenance == {
        **{name: said[name] for name in names},
        **{"source": "captured", "limited": False},
    }


def test_a_footer_says_where_an_archived_day_is_from(lake: Lake) -> None:
    provenance = written(lake, first_manifest(**RECOVERED, **LATER)).provenance
    names = ("source", "file", "file_sha256", "time_known", "absent", "unread", "identity")
    assert {name: provenance[name] for name in names} == {
        name: value for name, value in RECOVERED.items() if name in names
    }
    assert provenance["absent_kind"] == LATER["absent_kind"]
    assert provenance.keys().isdisjoint(("counted", "objection", "recovered", "dataset"))


def test_a_limited_capture_covers_the_same_question_only(lake: Lake) -> None:
    query = {"kind": "models", "fields": ["likes"], "sort": "likes", "filter": ["x"], "max_rows": 5}
    capture = written(lake, first_manifest(ask=query))
    assert capture.limited
    assert capture.covers(ListingQuery("models", (), "likes", ("x",), 5))
    assert not capture.covers(ListingQuery("models", (), "createdAt", ("x",), 5))
    assert not capture.covers(ListingQuery("models"))


@pytest.mark.parametrize(
    "content", [b"", b'{"rows": ', b"[]", b"{}", b'"text"', b"\xff", b'{"rows": "many"}']
)
def test_a_broken_capture_json_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "capture.json").write_bytes(content)
    with pytest.raises(CorruptCapture, match=r"capture\.json is no record of a capture"):
        read_manifest(tmp_path)


def test_a_journal_of_an_older_version_is_read(tmp_path: Path) -> None:
    header = {
        "ask": {"kind": "models", "fields": ["likes"], "sort": "createdAt", "filter": []},
        "endpoint": "https://hub",
        "started": "2026-11-20T03:00:00+00:00",
        "unknown": 1,
    }
    line = {"page": 0, "url": "u", "next": None, "rows": 1, "bytes": 2, "sha256": "s", "total": 1}
    content = "\n".join(map(json.dumps, (header, line, line | {"refused": ["a"]})))
    (tmp_path / "journal.jsonl").write_text(f'{content}\n{{"page": 2, "url')
    read, lines = read_journal(tmp_path)
    assert read is not None
    assert read.query == ListingQuery("models", ("likes",))
    assert [(one.page, one.next, one.refused) for one in lines] == [
        *((0, None, ()), (0, None, ("a",)))
    ]
