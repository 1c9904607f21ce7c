"""hub-stats over HTTP: the revision of a day, the columns that are needed, and no byte more."""

import datetime as dt
import json
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub_stats.app import DATASET
from hf_assets.demo.hub_stats.app import HubStats as ServedArchive
from hf_assets.demo.hub_stats.faults import ArchiveFaults
from hf_assets.demo.service.switches import At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.archive import hub_stats
from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.archive.hub_stats import HubStats
from hf_assets.hub.archive.ranged_file import RangedFile
from hf_assets.hub.capture.from_archive import find_day, from_archive
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.connection import HubConnection, HubError
from hf_assets.hub.client.listing import FIELDS, ListingQuery
from hf_assets.hub.client.rows import Kind
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets_tests.conftest import Clock, Serve, ServedHub

TODAY = dt.date(2026, 11, 20)
DAY = "2026-11-13"
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    hub_stats._commits.clear()
    yield
    hub_stats._commits.clear()


class Past:
    """An archive that is served, and the one that reads it."""

    def __init__(self, serve: Serve, faults: ArchiveFaults, **options: Any) -> None:
        self.hub = GeneratedHub(1200, 400, seed=4, day=TODAY)
        self.served = ServedArchive(self.hub, faults, **options)
        self.app = create_app(self.hub, archive=self.served, rate_limit=10**6)
        self.server = ServedHub(self.app, serve(self.app).url)
        self.web = HubConnection(self.server.url, read_timeout=5.0, retry_wait=0.001)
        self.archive = HubStats(DATASET, self.web)

    @property
    def asked(self) -> list[str]:
        return [one.path.rsplit("/", 1)[-1] for one in self.server.requests]

    def recover(self, lake: Lake, kind: Kind, day: str) -> Any:
        found = find_day(self.archive, kind, day)
        assert found is not None
        return from_archive(CaptureStore(lake, f"raw_{kind}"), day, kind, found, lambda: NOW)


@pytest.fixture
def past(serve: Serve) -> Callable[..., Past]:
    return lambda faults=None, **options: Past(serve, faults or ArchiveFaults(), **options)


def model_table(lake: Lake, capture: Any, day: str) -> StoredTable:
    return lake.write(schemas.MODELS, day, cleaning.models(capture, day))


def test_the_days_are_those_with_commits(past: Callable[..., Past]) -> None:
    world = past(ArchiveFaults(gaps={ago(3)}, readme_only={ago(4)}))
    days = world.archive.days()
    assert max(days) == f"{ago(1)}"
    assert f"{ago(3)}" not in days
    assert f"{ago(4)}" in days
    # A day's commits that left the files alone make no day of its neighbour's rows.
    for day in (3, 4):
        assert world.archive.find("models", f"{ago(day)}") is None
        assert find_day(world.archive, "spaces", f"{ago(day)}") is None
    assert world.archive.find("models", f"{TODAY}") is None
    assert world.asked.count("main") == 2, "844 days with two commits each are two pages"
    assert HubStats(DATASET, world.web).days() == days
    assert world.asked.count("main") == 2, "one process asks once"


def test_a_day_is_what_the_hub_listed_then(
    past: Callable[..., Past], lake: Lake, tmp_path: Path
) -> None:
    world = past(usage=True)
    capture = world.recover(lake, "models", DAY)
    ours = model_table(lake, capture, DAY).frame.collect().sort("hub_id")
    assert ours.height > 1000
    commit = dt.datetime.fromisoformat(capture.manifest.committed)
    world.hub.day = dt.date.fromisoformat(DAY)
    live = Lake(tmp_path / "live")
    store = CaptureStore(live, "raw_models")
    listed = world.server.capturer(Clock(commit)).get_or_capture(
        store, DAY, ListingQuery.everything("models")
    )
    theirs = model_table(live, listed, DAY).frame.collect().sort("hub_id")
    same = [
        *("hub_id", "id", "author", "created_at", "likes", "downloads", "category"),
        *("downloads_all_time", "library", "license", "tags", "parameters", "base_models"),
    ]
    known = theirs.join(ours.select("hub_id"), on="hub_id", how="semi")
    assert known.height == ours.height
    # The archive's cron and the listing are hours apart: counters may differ, and little else.
    for name in same:
        if name not in ("likes", "downloads", "downloads_all_time"):
            assert known[name].equals(ours[name]), name
    assert ours["gated"].null_count() == ours.height


def test_what_a_revision_says_of_itself(past: Callable[..., Past], lake: Lake) -> None:
    world = past()
    capture = world.recover(lake, "models", DAY)
    facts = capture.manifest.plain()
    assert (facts["source"], facts["dataset"], facts["file"]) == (
        "hub-stats",
        DATASET,
        "models.parquet",
    )
    assert facts["endpoint"] == world.server.url
    assert len(facts["revision"]) == 40
    assert facts["committed"] == facts["finished"] == facts["started"]
    assert facts["finished"].startswith(DAY)
    assert facts["identity"] == "hub"
    assert set(facts["absent"]) == {"gated", "private", "usedStorage"}
    assert set(facts["fields"]) | set(facts["absent"]) == set(FIELDS["models"])
    spaces = world.recover(lake, "spaces", DAY)
    assert spaces.manifest.revision != facts["revision"], "each file's own commit"
    assert {"models", "datasets"} <= set(spaces.manifest.absent)
    models = model_table(lake, capture, DAY)
    made = cleaning.enriched_spaces(spaces, models.frame, DAY)
    frame = lake.write(schemas.ENRICHED_SPACES, DAY, made).frame.collect()
    assert frame["models"].null_count() == frame.height > 300
    assert frame["stage"].null_count() < frame.height


@pytest.mark.parametrize(
    ("day", "absent"),
    [
        ("2024-09-30", {"trendingScore", "downloadsAllTime"}),
        ("2024-10-01", {"downloadsAllTime"}),
        ("2025-02-25", {"downloadsAllTime"}),
        ("2025-02-26", set()),
    ],
)
def test_eras(past: Callable[..., Past], lake: Lake, day: str, absent: set[str]) -> None:
    capture = past().recover(lake, "models", day)
    always = {"gated", "private", "usedStorage"}
    assert set(capture.manifest.absent) - always == absent
    frame = model_table(lake, capture, day).frame.collect()
    names = {"trendingScore": "trending_score", "downloadsAllTime": "downloads_all_time"}
    for wire, column in names.items():
        assert (frame[column].null_count() == frame.height) is (wire in absent)


def test_only_the_columns_that_are_needed_are_fetched(
    past: Callable[..., Past], lake: Lake
) -> None:
    world = past()
    capture = world.recover(lake, "models", DAY)
    ranges = [one for one in world.server.requests if one.path.endswith("models.parquet")]
    assert {one.status for one in ranges} == {206}
    assert capture.manifest.bytes_fetched == world.served.sent["models"]
    assert capture.manifest.bytes_fetched < capture.manifest.bytes_whole


FAULTS = {
    "429": At(value=1, kind="models"),
    "503": At(times=3, kind="models"),
    "a body that breaks off": At(value=0.4, kind="models"),
    "a silent socket": At(value=3, kind="models"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_passes_is_waited_for(
    past: Callable[..., Past], lake: Lake, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    naps: list[float] = []
    monkeypatch.setattr(time, "sleep", naps.append)
    world = past()
    world.web.read_timeout = 0.3
    faults, at = world.served.faults, FAULTS[fault]
    if fault == "429":
        faults.too_many.append(at)
    elif fault == "503":
        faults.errors[503] = [at]
    elif fault == "a silent socket":
        faults.stall.append(at)
    else:
        faults.cut.append(at)
    capture = world.recover(lake, "models", DAY)
    assert capture.rows > 1000
    assert sum(faults.fired.values()) == (3 if fault == "503" else 1)
    assert [nap for nap in naps if nap >= 1] == ([2] if fault == "429" else [])


def test_what_does_not_pass_is_told_and_leaves_nothing(
    past: Callable[..., Past], lake: Lake
) -> None:
    world = past()
    world.served.faults.errors[503] = [At(times=100, kind="models", page=3)]
    world.served.faults.cut.append(At(times=100, value=0.5, kind="models"))
    with pytest.raises(ArchiveError, match=r"models\.parquet cannot be read") as raised:
        world.recover(lake, "models", DAY)
    assert not raised.value.permanent
    assert "Run again later" in str(raised.value)
    assert list(lake.folder("raw_models", DAY).rglob("*.zst")) == []


def test_a_server_that_knows_no_ranges_does_not_send_the_whole_file(
    past: Callable[..., Past], lake: Lake
) -> None:
    world = past()
    world.served.faults.whole.append(At(times=100, kind="models"))
    with pytest.raises(ArchiveError, match="200, not 206: it would send the whole file") as raised:
        world.recover(lake, "models", DAY)
    assert raised.value.permanent
    assert world.web.fetched < 1 << 20


def test_a_hub_without_the_dataset(past: Callable[..., Past]) -> None:
    world = past()
    with pytest.raises(ArchiveError, match=r"HTTP 404 .*check HF_ASSETS_ARCHIVE") as raised:
        HubStats("nobody/nothing", world.web).days()
    assert raised.value.permanent


class Strict:
    """One file in one commit of one day, and what a Hub may say wrongly of it."""

    def __init__(self, table: pa.Table | bytes, day: str = DAY, **options: Any) -> None:
        sink = pa.BufferOutputStream()
        if isinstance(table, pa.Table):
            pq.write_table(table, sink, **options)
        self.content = table if isinstance(table, bytes) else sink.getvalue().to_pybytes()
        self.commits: Any = [{"id": "a" * 40, "date": f"{day}T13:00:00.000Z", "title": "<b>"}]
        wrote = {"id": "a" * 40, "title": "x", "date": f"{day}T13:00:00.000Z"}
        self.paths: Any = [
            {"type": "file", "oid": "b" * 40, "size": len(self.content), "path": "models.parquet",
             "lastCommit": wrote},
            {"type": "directory", "oid": "b" * 40, "path": "data"},
        ]  # fmt: skip
        self.link: str | None = None
        self.listed = 0
        self.spans: list[tuple[int, int]] = []
        self.app = Starlette(
            routes=[
                Route("/api/datasets/o/d/commits/main", self._commits),
                Route("/api/datasets/o/d/paths-info/{revision}", self._paths, methods=["POST"]),
                Route("/datasets/o/d/resolve/{revision}/models.parquet", self._resolve),
                Route("/signed/{revision}", self._range),
            ]
        )

    def _commits(self, request: Request) -> Response:
        self.listed += 1
        headers = {"Link": f'<{self.link}>; rel="next"'} if self.link else {}
        return JSONResponse(self.commits, headers=headers)

    async def _paths(self, request: Request) -> Response:
        form = await request.form()
        assert form.getlist("paths") == ["models.parquet", "spaces.parquet"]
        assert str(form["expand"]).lower() == "true"
        return JSONResponse(self.paths)

    def _resolve(self, request: Request) -> Response:
        assert request.path_params["revision"] == "a" * 40
        return RedirectResponse(f"/signed/{'a' * 40}?Signature=x", 302)

    def _range(self, request: Request) -> Response:
        start, end = request.headers["range"].removeprefix("bytes=").split("-")
        span = int(start), int(end) + 1
        assert 0 <= span[0] < span[1] <= len(self.content)
        self.spans.append(span)
        return Response(self.content[slice(*span)], 206)


def reader(serve: Serve, strict: Strict) -> HubStats:
    return HubStats("o/d", HubConnection(serve(strict.app).url, retry_wait=0.001))


def test_one_row_group_at_a_time_over_redirects(serve: Serve) -> None:
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
    second = pq.ParquetFile(pa.BufferReader(strict.content)).metadata.row_group(1)
    assert strict.spans[0][1] == len(strict.content), "the footer first"
    assert all(end <= second.column(0).data_page_offset for _, end in strict.spans[1:])
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


def served_file(serve: Serve, content: bytes, status: int = 206) -> RangedFile:
    """A file whose every range is this."""
    server = serve(Starlette(routes=[Route("/file", lambda _: Response(content, status))]))
    return RangedFile(HubConnection(server.url, retry_wait=0.0), f"{server.url}/file", 100)


def test_a_range_that_is_longer_than_asked_for_is_not_read(serve: Serve) -> None:
    with pytest.raises(HubError, match="a body over 4 bytes, unpacked") as raised:
        served_file(serve, b"x" * 5_000_000).read(4)
    assert raised.value.permanent


def test_an_error_of_an_archive_is_told_short_and_clean(serve: Serve) -> None:
    said = b"\x1b[2J hf_" + b"s3cr3t" * 6 + b" " + b"x" * 5_000_000
    with pytest.raises(HubError, match=r"HTTP 403 \*\*\* x") as raised:
        served_file(serve, said, 403).read(4)
    assert len(str(raised.value)) < 1000
    assert "s3cr3t" not in "".join(traceback.format_exception(raised.value))


def test_a_range_that_is_shorter_than_asked_for_is_asked_for_again(serve: Serve) -> None:
    asked: list[str] = []

    def short(request: Request) -> Response:
        asked.append(request.headers["range"])
        return Response(b"abc" if len(asked) == 1 else b"abcd", 206)

    server = serve(Starlette(routes=[Route("/file", short)]))
    file = RangedFile(HubConnection(server.url, retry_wait=0.001), f"{server.url}/file", 100)
    file.seek(10)
    assert file.read(4) == b"abcd"
    assert asked == ["bytes=10-13"] * 2
    assert (file.tell(), file.size(), file.seek(0, 2), file.read(5)) == (14, 100, 100, b"")


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
