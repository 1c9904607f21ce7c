"""The files of the embedded archive: what a day holds, which bytes of it are read, what fails."""

import io
import json

import httpx2
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfFileSystem
from huggingface_hub.file_download import get_hf_file_metadata

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub_stats.app import DATASET, HubStats
from hf_assets.demo.service.switches import At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.demo.hub_stats import FIRST, HUB, KINDS, TODAY, ServeArchive, on


def test_a_day_is_what_the_listing_showed_that_day(past: ServeArchive) -> None:
    """Every column that the listing has, too, on three days."""
    served = past(usage=True)
    for day in (on(9, 1), on(10, 7), on(11, 19)):
        HUB.day = day
        for kind in KINDS:
            archived = served.archive.files.content(kind, day)[1]
            rows = {row["_id"]: row for row in pq.read_table(io.BytesIO(archived)).to_pylist()}
            fields = frozenset(set(next(iter(rows.values()))) - {"cardData", "config", "siblings"})
            alive = HUB._alive_on(kind, day)
            listed = HUB.render(kind, alive, day, fields)
            assert len(rows) == len(listed)
            for text in listed:
                row = json.loads(text)
                mine = rows[row["_id"]]
                for name, value in row.items():
                    if name in ("createdAt", "lastModified"):
                        assert mine[name].isoformat() == value.removesuffix(".000Z")
                    elif name in ("gguf", "safetensors"):
                        assert mine[name]["total"] == value["total"]
                    elif name == "gated":
                        assert mine[name] == str(value).lower()
                    elif name == "runtime":
                        assert mine[name]["stage"] == value["stage"]
                        assert mine[name]["hardware"] == value["hardware"]
                    else:
                        assert mine[name] == value, (name, mine)
                assert all(mine[name] is None for name in fields - row.keys())
    HUB.day = TODAY


def test_reading_a_few_columns_reads_few_bytes(serve: Serve) -> None:
    archive = HubStats(GeneratedHub(12_000, 10, seed=3, day=TODAY))
    url = serve(create_app(HUB, archive=archive)).url
    system = HfFileSystem(endpoint=url, token=False, skip_instance_cache=True)
    with system.open(f"datasets/{DATASET}/models.parquet", cache_type="none") as file:
        table = pq.ParquetFile(file).read(columns=["downloads", "downloadsAllTime", "likes"])
    assert table.num_rows > 11_000
    assert archive.sent["models"] < 0.25 * archive.files.blob("models", on(11, 19)).size


def test_the_same_bytes_for_the_same_seed_and_day(past: ServeArchive) -> None:
    content = [past().archive.files.content("models", on(9, 5)) for _ in range(2)]
    assert content[0] == content[1]
    again = HubStats(GeneratedHub(1500, 700, seed=3, day=on(10, 1), sized_on=TODAY))
    again.files.content("models", on(8, 1))  # rendered in another order
    assert again.files.content("models", on(9, 5)) == content[0]
    other = HubStats(GeneratedHub(1500, 700, seed=4, day=TODAY))
    assert other.files.content("models", on(9, 5)) != content[0]


def test_head_has_what_the_client_reads(past: ServeArchive) -> None:
    served = past()
    sha = served.commits()[on(9, 5)]
    found = get_hf_file_metadata(served.address(on(9, 5)), token=False, endpoint=served.url)
    blob = served.archive.files.blob("models", on(9, 5))
    assert (found.commit_hash, found.etag, found.size) == (sha, blob.sha256, blob.size)
    head = httpx2.head(served.address(on(9, 5)))
    assert head.headers["ETag"] == head.headers["X-Linked-ETag"] == f'"{blob.sha256}"'
    assert head.headers["X-Linked-Size"] == head.headers["Content-Length"] == str(blob.size)
    assert head.content == b""


def test_ranges(past: ServeArchive) -> None:
    served = past()
    address = served.address(on(9, 5))
    whole = httpx2.get(address)
    content, size = whole.content, len(whole.content)
    assert (whole.status_code, whole.headers["Accept-Ranges"]) == (200, "bytes")
    for asked, start, end in (
        ("0-0", 0, 1), ("5-104", 5, 105), (f"{size - 8}-", size - 8, size),
        ("-8", size - 8, size), (f"-{size * 2}", 0, size), (f"9-{size * 3}", 9, size),
    ):  # fmt: skip
        part = httpx2.get(address, headers={"Range": f"bytes={asked}"})
        assert part.status_code == 206, asked
        assert part.content == content[start:end]
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        assert part.headers["ETag"] == whole.headers["ETag"]
    for asked in (f"{size}-", "-0", "-", "8-5", "0-1,5-6", "a-b"):
        part = httpx2.get(address, headers={"Range": f"bytes={asked}"})
        assert (part.status_code, part.headers["Content-Range"]) == (416, f"bytes */{size}"), asked
    assert httpx2.get(address, headers={"Range": "lines=1-2"}).content == content


def test_files_have_their_own_rate_limit(serve: Serve) -> None:
    app = create_app(HUB, archive=HubStats(HUB), rate_limit=2, window=60)
    url = serve(app).url
    card = f"{url}/datasets/{DATASET}/resolve/main/README.md"
    first = httpx2.get(card)
    assert first.headers["RateLimit"] == '"resolvers";r=11;t=60'
    assert first.headers["RateLimit-Policy"] == '"fixed window";"resolvers";q=12;w=60'
    info = f"{url}/api/datasets/{DATASET}"
    assert [httpx2.get(info).status_code for _ in range(3)] == [200, 200, 429]
    statuses = [httpx2.get(card).status_code for _ in range(12)]
    assert statuses == [200] * 11 + [429]
    known = {"Authorization": "Bearer hf_" + "a" * 34}
    assert httpx2.get(card, headers=known).headers["RateLimit"] == '"resolvers";r=19;t=60'


def test_eras(past: ServeArchive) -> None:
    served = past()
    columns = {
        day: set(served.read(day).columns)
        for day in (FIRST, on(9, 30, 2024), on(10, 1, 2024), on(2, 25, 2025), on(2, 26, 2025))
    }
    cards, all_time = {"cardData", "trendingScore"}, {"downloadsAllTime"}
    new = [have & (cards | all_time) for have in columns.values()]
    assert new == [set(), set(), cards, cards, cards | all_time]
    path, usual = "datasets.parquet", {"gated", "private", "disabled", "description", "tags", "sha"}
    for day, later in (
        (FIRST, set()),
        (on(10, 1, 2024), cards),
        (on(2, 28), cards | all_time),
        (on(3, 1), cards | all_time | {"mainSize"}),
    ):
        have = set(served.read(day, path).columns)
        assert usual <= have
        assert have & (cards | all_time | {"mainSize"}) == later


@pytest.mark.heavy
def test_requests_that_fail(past: ServeArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    served = past()
    address, faults = served.address(on(9, 5)), served.archive.faults
    some = {"Range": "bytes=100-1099"}
    whole = httpx2.get(address).content
    faults.cut.append(At(value=0.3, kind="models"))
    with pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(address, headers=some)
    faults.stall_body.append(At(value=5, kind="models"))
    with httpx2.stream("GET", address, headers=some, timeout=60) as answer:
        answer.request.extensions["timeout"]["read"] = 1.0
        with pytest.raises(httpx2.ReadTimeout):
            answer.read()
    faults.whole.append(At(kind="models"))
    assert httpx2.get(address, headers=some).content == whole
    faults.too_many.append(At(value=7, kind="models"))
    refused = httpx2.get(address, headers=some)
    assert (refused.status_code, refused.headers["RateLimit"]) == (429, '"resolvers";r=0;t=7')
    faults.errors[503] = [At(times=2, kind="models")]
    with served.file(served.commits()[on(9, 5)], cache_type="none") as file:  # tries again
        file.seek(100)
        assert file.read(1000) == whole[100:1100]
    assert faults.fired == {"cut": 1, "stall_body": 1, "whole": 1, "too_many": 1, "503": 2}


def test_cards_hold_what_cards_have_held(past: ServeArchive) -> None:
    cards = past().read(on(9, 5))["cardData"]
    odd = []
    for text in cards.drop_nulls():
        try:
            assert isinstance(json.loads(text), dict)
        except (ValueError, AssertionError):
            odd.append(text)
    assert 0 < len(odd) < 0.02 * len(cards)
    assert 0.1 < cards.null_count() / len(cards) < 0.5


def test_files_are_kept_up_to_a_size() -> None:
    archive = HubStats(HUB, kept=1)
    first = archive.files.content("models", on(9, 5))
    archive.files.content("models", on(9, 6))
    assert len(archive.files.kept["models"]) == 1
    assert archive.files.content("models", on(9, 5)) == first


def test_an_empty_hub_has_empty_files(serve: Serve) -> None:
    archive = HubStats(GeneratedHub(0, 0, day=TODAY), usage=True)
    for kind in KINDS:
        table = pq.read_table(io.BytesIO(archive.files.content(kind, on(9, 5))[1]))
        assert (table.num_rows, "id" in table.column_names) == (0, True)
