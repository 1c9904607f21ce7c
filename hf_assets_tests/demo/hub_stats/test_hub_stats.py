"""The embedded archive of past days, asked by huggingface_hub's own client and by plain HTTP."""

import datetime as dt
import functools
import io
import json
from collections.abc import Callable
from typing import Any

import httpx2
import polars as pl
import pyarrow.parquet as pq
import pytest
from huggingface_hub import GitCommitInfo, HfApi, HfFileSystem
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import get_hf_file_metadata
from huggingface_hub.hf_api import RepoFile

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub_stats.app import DATASET, HubStats
from hf_assets.demo.hub_stats.faults import ArchiveFaults
from hf_assets.demo.service.switches import At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.source import Kind
from hf_assets_tests.conftest import Serve

TODAY = dt.date(2026, 11, 20)
KINDS: tuple[Kind, ...] = ("models", "spaces")
FIRST = dt.date(2024, 7, 29)
HUB = GeneratedHub(1500, 700, seed=3, day=TODAY)


class Served:
    """A served archive and its clients."""

    def __init__(self, serve: Serve, faults: ArchiveFaults | None, options: dict[str, Any]) -> None:
        self.archive = HubStats(HUB, faults, **options)
        self.app = create_app(HUB, archive=self.archive, rate_limit=10_000)
        self.url = serve(self.app).url
        self.api = HfApi(endpoint=self.url, token=False)

    def commits(self, path: str = "models.parquet") -> dict[dt.date, str]:
        """The hash of each day's upload of that file, by the titles of the commits."""
        return {
            commit.created_at.date(): commit.commit_id
            for commit in self.listed
            if path in commit.title
        }

    @functools.cached_property
    def listed(self) -> list[GitCommitInfo]:
        """All commits, as the client lists them."""
        return self.api.list_repo_commits(DATASET, repo_type="dataset")

    def file(self, sha: str, path: str = "models.parquet", **options: Any) -> Any:
        system = HfFileSystem(endpoint=self.url, token=False, skip_instance_cache=True)
        return system.open(f"datasets/{DATASET}@{sha}/{path}", "rb", **options)

    def read(self, day: dt.date, path: str = "models.parquet") -> pl.DataFrame:
        with self.file(self.commits(path)[day], path) as file:
            return pl.DataFrame(pl.from_arrow(pq.read_table(file)))

    def address(self, day: dt.date, path: str = "models.parquet") -> str:
        return f"{self.url}/datasets/{DATASET}/resolve/{self.commits(path)[day]}/{path}"


Past = Callable[..., Served]


@pytest.fixture
def past(serve: Serve) -> Past:
    return lambda faults=None, **options: Served(serve, faults, options)


def on(month: int, day: int, year: int = 2026) -> dt.date:
    return dt.date(year, month, day)


def test_every_day_before_today_has_its_revision(past: Past) -> None:
    served = past()
    days = (TODAY - FIRST).days
    commits = served.listed
    assert set(served.commits()) == {FIRST + dt.timedelta(n) for n in range(days)}
    assert [one.created_at for one in commits] == sorted(
        (one.created_at for one in commits), reverse=True
    )
    assert len({one.commit_id for one in commits}) == len(commits) > 2 * days
    assert commits[-1].title == "initial commit"


def test_the_list_of_commits_comes_in_pages(past: Past) -> None:
    url = f"{past().url}/api/datasets/{DATASET}/commits/main"
    first = httpx2.get(url)
    assert (len(first.json()), first.links["next"]["url"]) == (50, f"{url}?p=1")
    total, found, number = int(first.headers["X-Total-Count"]), [], 0
    while page := httpx2.get(f"{url}?limit=1000&p={number}").json():
        found += page
        number += 1
    assert len({one["id"] for one in found}) == len(found) == total
    assert found[:50] == first.json()
    assert "next" not in httpx2.get(f"{url}?limit=1000&p={number - 1}").links
    older = httpx2.get(f"{url.removesuffix('main')}{found[10]['id']}?limit=1000").json()
    assert older == found[10:1010]
    for wrong in ("limit=x", "p=-1", "limit=0"):
        assert httpx2.get(f"{url}?{wrong}").status_code == 400


def test_paths_info_tells_which_day_a_file_is_of(past: Past) -> None:
    served = past()
    models, spaces = served.commits(), served.commits("spaces.parquet")
    day, before = on(9, 5), on(9, 4)
    paths = ["models.parquet", "spaces.parquet", "README.md", "nothing.parquet"]
    found = served.api.get_paths_info(
        DATASET, paths, repo_type="dataset", revision=models[day], expand=True
    )
    by_path = {one.path: one for one in found if isinstance(one, RepoFile)}
    assert list(by_path) == paths[:3]
    last = {path: one.last_commit for path, one in by_path.items() if one.last_commit}
    assert last["models.parquet"]["oid"] == models[day]
    # The Spaces are uploaded after the models: at that commit they are a neighbour's.
    assert last["spaces.parquet"]["oid"] == spaces[before]
    assert last["spaces.parquet"]["date"].date() == before
    assert last["README.md"]["date"].date() == on(9, 1)
    lfs = by_path["models.parquet"].lfs
    assert lfs
    content = httpx2.get(served.address(day)).content
    assert lfs["size"] == by_path["models.parquet"].size == len(content)
    assert (by_path["README.md"].lfs, by_path["README.md"].size > 0) == (None, True)
    plain = served.api.get_paths_info(DATASET, paths[0], repo_type="dataset")
    assert plain[0].last_commit is None
    body = {"paths": ["models.parquet"], "expand": True}
    url = f"{served.url}/api/datasets/{DATASET}/paths-info/main"
    assert httpx2.post(url, json=body).json()[0]["lastCommit"]["date"].startswith("2026-11-19")
    assert httpx2.post(url, json={"paths": 3}).status_code == 400


def test_tree_and_info(past: Past) -> None:
    served = past()
    sha = served.commits()[on(9, 5)]
    tree = list(served.api.list_repo_tree(DATASET, repo_type="dataset", revision=sha, expand=True))
    names = [".gitattributes", "README.md", "models.parquet", "spaces.parquet"]
    assert [one.path for one in tree] == names
    info = served.api.dataset_info(DATASET, revision=sha)
    assert (info.sha, info.author) == (sha, "cfahlgren1")
    assert info.siblings
    assert [one.rfilename for one in info.siblings] == names
    newest = served.api.dataset_info(DATASET)
    assert newest.sha == served.commits("spaces.parquet")[on(11, 19)]


def test_a_day_is_what_the_listing_showed_that_day(past: Past) -> None:
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


def test_the_same_bytes_for_the_same_seed_and_day(past: Past) -> None:
    content = [past().archive.files.content("models", on(9, 5)) for _ in range(2)]
    assert content[0] == content[1]
    again = HubStats(GeneratedHub(1500, 700, seed=3, day=on(10, 1), sized_on=TODAY))
    again.files.content("models", on(8, 1))  # rendered in another order
    assert again.files.content("models", on(9, 5)) == content[0]
    other = HubStats(GeneratedHub(1500, 700, seed=4, day=TODAY))
    assert other.files.content("models", on(9, 5)) != content[0]


def test_head_has_what_the_client_reads(past: Past) -> None:
    served = past()
    sha = served.commits()[on(9, 5)]
    found = get_hf_file_metadata(served.address(on(9, 5)), token=False, endpoint=served.url)
    blob = served.archive.files.blob("models", on(9, 5))
    assert (found.commit_hash, found.etag, found.size) == (sha, blob.sha256, blob.size)
    head = httpx2.head(served.address(on(9, 5)))
    assert head.headers["ETag"] == head.headers["X-Linked-ETag"] == f'"{blob.sha256}"'
    assert head.headers["X-Linked-Size"] == head.headers["Content-Length"] == str(blob.size)
    assert head.content == b""


def test_ranges(past: Past) -> None:
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


def test_what_is_not_there_is_named(past: Past) -> None:
    served = past()
    with pytest.raises(RepositoryNotFoundError):
        served.api.list_repo_commits("cfahlgren1/other", repo_type="dataset")
    with pytest.raises(RevisionNotFoundError):
        served.api.list_repo_commits(DATASET, repo_type="dataset", revision="f" * 40)
    with pytest.raises(RevisionNotFoundError):
        served.api.dataset_info(DATASET, revision="refs/convert/parquet")
    with pytest.raises(RevisionNotFoundError):
        served.api.get_paths_info(DATASET, ["x"], repo_type="dataset", revision="v1")
    with pytest.raises(EntryNotFoundError):
        list(served.api.list_repo_tree(DATASET, "folder", repo_type="dataset"))
    base = f"{served.url}/datasets/{DATASET}/resolve"
    for rest, code in (("main/nothing.parquet", "Entry"), ("v1/models.parquet", "Revision")):
        answer = httpx2.get(f"{base}/{rest}")
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, f"{code}NotFound")
    other = httpx2.get(f"{served.url}/datasets/a/b/resolve/main/models.parquet")
    assert (other.status_code, other.headers["X-Error-Code"]) == (404, "RepoNotFound")
    with pytest.raises(FileNotFoundError):
        served.file("main", "nothing.parquet")


def test_a_hub_without_an_archive_says_that_there_is_none(serve: Serve) -> None:
    api = HfApi(endpoint=serve(create_app(HUB)).url, token=False)
    with pytest.raises(RepositoryNotFoundError):
        api.list_repo_commits(DATASET, repo_type="dataset")


def test_eras(past: Past) -> None:
    served = past()
    columns = {
        day: set(served.read(day).columns)
        for day in (FIRST, on(9, 30, 2024), on(10, 1, 2024), on(2, 25, 2025), on(2, 26, 2025))
    }
    cards, all_time = {"cardData", "trendingScore"}, {"downloadsAllTime"}
    new = [have & (cards | all_time) for have in columns.values()]
    assert new == [set(), set(), cards, cards, cards | all_time]


def test_days_that_differ(past: Past) -> None:
    faults = ArchiveFaults.parse(
        "gaps=2026-09-03+2026-09-04,partial=2026-09-10,stalled=2026-09-15+2026-09-16,"
        "readme-only=2026-09-20,rolled-back=2026-09-25,early=2026-09-28"
    )
    served = past(faults)
    commits = served.listed
    by_day: dict[dt.date, list[str]] = {}
    for one in commits:
        by_day.setdefault(one.created_at.date(), []).append(one.title)
    assert not {on(9, 3), on(9, 4)} & by_day.keys()
    assert by_day[on(9, 20)] == ["Update README.md"]
    hours = {one.created_at.date(): one.created_at.hour for one in commits}
    assert (hours[on(9, 27)], hours[on(9, 28)], hours[on(9, 29)]) == (13, 1, 13)

    before, partial = served.read(on(9, 9)), served.read(on(9, 10))
    assert 0.2 < len(partial) / len(before) < 0.3
    assert len(served.read(on(9, 10), "spaces.parquet")) < 0.3 * len(
        served.read(on(9, 9), "spaces.parquet")
    )

    def both(earlier: dt.date, later: dt.date) -> pl.DataFrame:
        return served.read(earlier).join(served.read(later), on="_id")

    for later in (on(9, 15), on(9, 16)):
        frozen = both(on(9, 14), later)
        assert (frozen["downloads"] == frozen["downloads_right"]).all()
        assert (frozen["downloadsAllTime"] == frozen["downloadsAllTime_right"]).all()
        assert len(served.read(later)) > len(frozen)
    moving = both(on(9, 16), on(9, 17))
    assert (moving["downloads"] != moving["downloads_right"]).sum() > 0.1 * len(moving)
    fell = both(on(9, 24), on(9, 25))
    assert (fell["downloadsAllTime"] > fell["downloadsAllTime_right"]).sum() > 0.05 * len(fell)

    info = served.api.get_paths_info(
        DATASET, "models.parquet", repo_type="dataset", expand=True,
        revision=next(one.commit_id for one in commits if one.created_at.date() == on(9, 20)),
    )  # fmt: skip
    assert info[0].last_commit
    assert info[0].last_commit["date"].date() == on(9, 19)


def test_requests_that_fail(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
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
        answer.request.extensions["timeout"]["read"] = 0.2
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


def test_the_client_does_not_get_past_a_list_that_stays_away(past: Past) -> None:
    served = past(ArchiveFaults.parse("502:*@2/commits"))
    url = f"{served.url}/api/datasets/{DATASET}/commits/main"
    assert [httpx2.get(f"{url}?p={p}").status_code for p in (0, 1, 2)] == [200, 502, 200]


def test_cards_hold_what_cards_have_held(past: Past) -> None:
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


def test_wrong_faults_are_told() -> None:
    for text in ("gaps=2026-13-01", "partial", "nonsense", "503/datasets"):
        with pytest.raises(ValueError, match="fault"):
            ArchiveFaults.parse(text)


def test_an_empty_hub_has_empty_files(serve: Serve) -> None:
    archive = HubStats(GeneratedHub(0, 0, day=TODAY), usage=True)
    for kind in KINDS:
        table = pq.read_table(io.BytesIO(archive.files.content(kind, on(9, 5))[1]))
        assert (table.num_rows, "id" in table.column_names) == (0, True)


def test_an_error_that_stays_reaches_the_caller(past: Past) -> None:
    served = past(ArchiveFaults.parse("500:*/info"))
    with pytest.raises(HfHubHTTPError):
        served.api.dataset_info(DATASET)
