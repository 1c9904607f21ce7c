"""Revisions of a dataset: strict about commits, files and days, whatever a Hub says."""

import json
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hf_assets.hub.archive import ranged_file
from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.capture.from_archive import from_archive
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.hub.past_hub import DAY, NOW
from hf_assets_tests.support.hub.strict_archive import Strict, reader


def test_one_row_group_ahead_over_redirects(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranged_file, "AHEAD_BYTES", 0)
    rows = 3000
    table = pa.table(
        {
            "_id": [f"{n:024x}" for n in range(rows)],
            "id": [f"a/m{n}" for n in range(rows)],
            "cardData": [f"{n}" * 400 for n in range(rows)],
            "likes": list(range(rows)),
        }
    )
    strict = Strict(table, row_group_size=500)
    found = reader(serve, strict).find("models", DAY)
    assert found is not None
    pages = found.read()
    next(pages)
    third = pq.ParquetFile(pa.BufferReader(strict.content)).metadata.row_group(2)
    assert strict.spans[0][1] == len(strict.content), "the footer first"
    assert all(end <= third.column(0).dictionary_page_offset for _, end in strict.spans[1:])
    assert sum(len(page.ids) for page in pages) == rows - 500
    fetched = sum(end - start for start, end in strict.spans)
    assert found.facts["bytes_fetched"] == fetched < len(strict.content) / 2


def test_a_file_that_is_as_a_day_before_left_it_is_not_this_days(serve: Serve) -> None:
    strict = Strict(pa.table({"id": ["a/x"]}))
    strict.paths[0]["lastCommit"]["date"] = "2026-11-12T23:59:59.000Z"
    archive = reader(serve, strict)
    assert archive.days() == {DAY}
    assert archive.find("models", DAY) is None
    assert archive.find("models", "2026-11-12") is None


def test_days_are_utc(serve: Serve) -> None:
    strict = Strict(pa.table({"id": ["a/x"]}))
    strict.commits[0]["date"] = "2026-11-13T01:00:00+09:00"
    assert reader(serve, strict).days() == {"2026-11-12"}


@pytest.mark.parametrize(
    ("commits", "said"),
    [
        ({"error": "x"}, "no list of commits"),
        ([{"id": "../../etc/passwd", "date": f"{DAY}T13:00:00.000Z"}], "not a commit"),
        ([{"id": "a" * 40, "date": "yesterday"}], "no list of commits"),
        ([{"id": "a" * 40}], "no list of commits"),
        ([7], "no list of commits"),
    ],
)
def test_a_list_of_commits_that_is_none(serve: Serve, commits: Any, said: str) -> None:
    strict = Strict(pa.table({"id": ["a/x"]}))
    strict.commits = commits
    with pytest.raises(ArchiveError, match=said):
        reader(serve, strict).days()


@pytest.mark.parametrize(
    "wrote",
    [None, {}, {"id": "a/../b", "date": f"{DAY}T13:00:00.000Z"}, {"id": "a" * 40, "date": 7}],
)
def test_a_hub_that_does_not_say_when_a_file_changed(serve: Serve, wrote: Any) -> None:
    strict = Strict(pa.table({"id": ["a/x"]}))
    strict.paths[0]["lastCommit"] = wrote
    with pytest.raises(ArchiveError, match="does not say what its files are"):
        reader(serve, strict).find("models", DAY)


def test_links_of_a_list_that_goes_round_or_elsewhere(serve: Serve) -> None:
    strict = Strict(pa.table({"id": ["a/x"]}))
    strict.link = "https://elsewhere.invalid/steal?limit=1000&p=1"
    assert reader(serve, strict).days() == {DAY}
    assert strict.listed == 2


@pytest.mark.parametrize("content", [b"no parquet" * 9000, b"PAR1" * 9])
def test_a_revision_that_is_no_parquet(serve: Serve, content: bytes) -> None:
    found = reader(serve, Strict(content)).find("models", DAY)
    assert found is not None
    with pytest.raises(ArchiveError, match=r"o/d@a{40}/models.parquet cannot be read as Parquet"):
        list(found.read())


def test_a_list_of_commits_has_an_end(serve: Serve) -> None:
    strict, asked = Strict(b"no parquet" * 9000), []

    def commits(request: Request) -> Response:
        asked.append(request.url.query)
        link = f'<https://elsewhere.example/?cursor={len(asked)}>; rel="next"'
        return JSONResponse(strict.commits, headers={"Link": link})

    strict.app.routes.insert(0, Route("/api/datasets/o/d/commits/main", commits))
    assert reader(serve, strict).days() == {DAY}
    assert asked == ["limit=1000", "cursor=1"]


@pytest.mark.parametrize("link", ["http://[::1/x?cursor=1", "/api/datasets/o/d/commits/main"])
def test_a_list_of_commits_with_a_link_to_nowhere(serve: Serve, link: str) -> None:
    strict = Strict(b"no parquet")
    strict.link = link
    with pytest.raises(ArchiveError, match="gives no list of commits: ValueError: a next link"):
        reader(serve, strict).days()


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+14:00", "x" * 1_000_000, "\x1b[31mred", 5])
def test_a_commit_of_no_date(serve: Serve, date: Any) -> None:
    strict = Strict(b"no parquet")
    strict.commits = [{"id": "a" * 40, "date": date}]
    with pytest.raises(ArchiveError, match="gives no list of commits") as raised:
        reader(serve, strict).days()
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 1000


def test_hostile_fields_of_a_revision(serve: Serve, lake: Lake) -> None:
    ids = ["<script>alert(1)</script>/x", "../../etc/passwd", "a/" + "x" * 50_000, "a/nul\x00"]
    table = pa.table(
        {
            "_id": ids,
            "id": ids,
            "downloads": [float("nan"), -7.0, 2.0**70, 5.0],
            "tags": [["<b>"], [], None, ["license:mit"]],
            "createdAt": ["yesterday", None, "2024-01-02T03:04:05.000Z", ""],
        }
    )
    found = reader(serve, Strict(table)).find("models", DAY)
    assert found is not None
    capture = from_archive(CaptureStore(lake, "raw_models"), DAY, "models", found, lambda: NOW)
    stored = lake.write(schemas.MODELS, DAY, cleaning.models(capture, DAY))
    frame = stored.frame.collect()
    assert sorted(frame["id"].to_list()) == sorted(ids)
    assert frame.filter(pl.col("downloads").is_not_null())["downloads"].to_list() == [0, 5]
    assert stored.notes["nulled downloads"] == 1  # NaN is no value
    assert stored.notes["clipped downloads"] == 1
    assert {path.name for path in lake.root.rglob("*") if "passwd" in str(path)} == set()
    assert json.loads((capture.folder / "capture.json").read_text())["rows"] == 4
