"""The repository of the embedded archive: commits, days and paths, as the client sees them."""

import datetime as dt

import httpx2
import polars as pl
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub_stats.app import DATASET
from hf_assets.demo.hub_stats.faults import ArchiveFaults
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.demo.hub_stats import FIRST, HUB, TODAY, ServeArchive, on


def test_every_day_before_today_has_its_revision(past: ServeArchive) -> None:
    served = past()
    days = (TODAY - FIRST).days
    commits = served.listed
    assert set(served.commits()) == {FIRST + dt.timedelta(n) for n in range(days)}
    assert [one.created_at for one in commits] == sorted(
        (one.created_at for one in commits), reverse=True
    )
    assert len({one.commit_id for one in commits}) == len(commits) > 3 * days
    assert commits[-1].title == "initial commit"


def test_the_list_of_commits_comes_in_pages(past: ServeArchive) -> None:
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


def test_paths_info_tells_which_day_a_file_is_of(past: ServeArchive) -> None:
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


def test_tree_and_info(past: ServeArchive) -> None:
    served = past()
    sha = served.commits()[on(9, 5)]
    tree = list(served.api.list_repo_tree(DATASET, repo_type="dataset", revision=sha, expand=True))
    files = ["datasets.parquet", "models.parquet", "spaces.parquet"]
    names = [".gitattributes", "README.md", *files]
    assert [one.path for one in tree] == names
    info = served.api.dataset_info(DATASET, revision=sha)
    assert (info.sha, info.author) == (sha, "cfahlgren1")
    assert info.siblings
    assert [one.rfilename for one in info.siblings] == names
    newest = served.api.dataset_info(DATASET)
    assert newest.sha == served.commits("datasets.parquet")[on(11, 19)]


def test_what_is_not_there_is_named(past: ServeArchive) -> None:
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


def test_days_that_differ(past: ServeArchive) -> None:
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


def test_the_client_does_not_get_past_a_list_that_stays_away(past: ServeArchive) -> None:
    served = past(ArchiveFaults.parse("502:*@2/commits"))
    url = f"{served.url}/api/datasets/{DATASET}/commits/main"
    assert [httpx2.get(f"{url}?p={p}").status_code for p in (0, 1, 2)] == [200, 502, 200]


def test_wrong_faults_are_told() -> None:
    for text in ("gaps=2026-13-01", "partial", "nonsense", "503/papers"):
        with pytest.raises(ValueError, match="fault"):
            ArchiveFaults.parse(text)


def test_an_error_that_stays_reaches_the_caller(past: ServeArchive) -> None:
    served = past(ArchiveFaults.parse("500:*/info"))
    with pytest.raises(HfHubHTTPError):
        served.api.dataset_info(DATASET)
