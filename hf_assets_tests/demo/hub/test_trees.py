"""huggingface_hub's own client reads file trees of the embedded Hub, which refuses what it must."""

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    BadRequestError,
    DisabledRepoError,
    GatedRepoError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile, RepoFolder

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.space_files import access_of, content_of
from hf_assets_tests.support.hub.captures import hub_id
from hf_assets_tests.support.hub.space_files import numbers_of, small_hub, space

HUGE = next(numbers_of(pages=2))
SMALL = next(numbers_of(pages=1))
CLOSED = {access: next(numbers_of(access)) for access in ("gone", "gated", "private", "disabled")}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("hub")
    hub = small_hub(folder, [SMALL, HUGE, *CLOSED.values()])
    with LoopbackServer(create_app(hub, rate_limit=10**6)) as server:
        yield server.url


def named(number: int) -> str:
    return str(space(number)["id"])


@pytest.mark.parametrize("number", [SMALL, HUGE])
def test_the_client_lists_every_file_and_folder(url: str, number: int) -> None:
    found = list(HfApi(url).list_repo_tree(named(number), repo_type="space", recursive=True))
    files = [one for one in found if isinstance(one, RepoFile)]
    folders = [one for one in found if isinstance(one, RepoFolder)]
    assert len(found) == len({one.path for one in found}) == len(files) + len(folders)
    assert all(re.fullmatch(r"[0-9a-f]{40}", one.blob_id) for one in files)
    assert all(one.lfs.size == one.size for one in files if one.lfs)
    assert {"README.md", "app.py", "requirements.txt"} <= {one.path for one in files}
    parents = {one.path.rpartition("/")[0] for one in found} - {""}
    assert parents == {one.path for one in folders}
    assert (len(found) > 1000) == (number == HUGE)


def test_without_recursion_a_folder_has_its_own_entries(url: str) -> None:
    api = HfApi(url)
    top = [one.path for one in api.list_repo_tree(named(HUGE), repo_type="space")]
    assert "data" in top
    assert not any("/" in path for path in top)
    (first, *_) = api.list_repo_tree(named(HUGE), "data", repo_type="space")
    assert first.path == "data/000"
    pages = list(api.list_repo_tree(named(HUGE), "data/000", repo_type="space", expand=True))
    assert len(pages) == 500
    assert isinstance(pages[0], RepoFile)
    assert pages[0].last_commit


def test_the_client_fetches_requirements(url: str, tmp_path: Path) -> None:
    path = HfApi(url).hf_hub_download(
        named(SMALL), "requirements.txt", repo_type="space", local_dir=tmp_path
    )
    sized = next(
        one for one in HfApi(url).list_repo_tree(named(SMALL), repo_type="space")
        if one.path == "requirements.txt"
    )  # fmt: skip
    assert isinstance(sized, RepoFile)
    assert Path(path).stat().st_size == sized.size


@pytest.mark.parametrize(
    ("access", "error"),
    [
        ("gone", RepositoryNotFoundError),
        ("private", RepositoryNotFoundError),
        ("gated", GatedRepoError),
        ("disabled", DisabledRepoError),
    ],
)
def test_closed_spaces(url: str, access: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        list(HfApi(url).list_repo_tree(named(CLOSED[access]), repo_type="space"))


def test_what_is_not_there(url: str) -> None:
    api = HfApi(url)
    with pytest.raises(RepositoryNotFoundError):
        list(api.list_repo_tree("nobody/nothing", repo_type="space"))
    with pytest.raises(RevisionNotFoundError):
        list(api.list_repo_tree(named(SMALL), repo_type="space", revision="v9"))
    with pytest.raises(RemoteEntryNotFoundError):
        list(api.list_repo_tree(named(SMALL), "no/folder", repo_type="space"))
    with pytest.raises(RemoteEntryNotFoundError):
        api.hf_hub_download(named(SMALL), "setup.py", repo_type="space")


@pytest.mark.parametrize(
    "query", ["recursive=maybe", "limit=0", "limit=x", "cursor=%%", "cursor=e30=", "depth=2"]
)
def test_invalid_parameters_are_refused(url: str, query: str) -> None:
    answer = httpx2.get(f"{url}/api/spaces/{named(SMALL)}/tree/main?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_pages_join_at_any_limit(url: str) -> None:
    address: str | None = f"{url}/api/spaces/{named(HUGE)}/tree/main?recursive=true&limit=400"
    paths: list[str] = []
    while address:
        answer = httpx2.get(address)
        page = [one["path"] for one in answer.json()]
        assert len(page) <= 400
        paths += page
        address = answer.links.get("next", {}).get("url")
    whole = HfApi(url).list_repo_tree(named(HUGE), repo_type="space", recursive=True)
    assert paths == [one.path for one in whole]


def test_files_count_in_the_quota_of_files(url: str) -> None:
    tree = httpx2.get(f"{url}/api/spaces/{named(SMALL)}/tree/main")
    file = httpx2.get(f"{url}/spaces/{named(SMALL)}/resolve/main/requirements.txt")
    assert tree.headers["ratelimit"].startswith('"api"')
    assert file.headers["ratelimit"].startswith('"resolvers"')


def test_a_commit_changes_files_and_nothing_else_does() -> None:
    one, two = (content_of(hub_id(SMALL), commit, "gradio") for commit in ("a", "b"))
    assert content_of(hub_id(SMALL), "a", "gradio") == one
    assert [entry.path for entry in one.entries] == [entry.path for entry in two.entries]
    assert one != two


def test_a_third_are_duplicates_of_templates() -> None:
    oids = [
        tuple(entry.oid for entry in content_of(hub_id(n), f"{n}", "gradio").entries)
        for n in range(600)
    ]
    copies = len(oids) - len(set(oids))
    assert 120 < copies < 280


def test_generated_spaces_have_files() -> None:
    hub = GeneratedHub(50, 40, seed=1, day=dt.date(2026, 11, 20))
    with LoopbackServer(create_app(hub, rate_limit=10**6)) as server:
        api = HfApi(server.url)
        for one in api.list_spaces(expand=["sha"]):
            if access_of(str(one.__dict__["_id"])) != "open":
                continue
            at_commit = api.list_repo_tree(one.id, repo_type="space", revision=one.sha)
            assert {"README.md", ".gitattributes"} <= {file.path for file in at_commit}


def test_bad_request_is_the_clients_error(url: str) -> None:
    with pytest.raises(BadRequestError):
        list(HfApi(url).list_repo_tree(named(SMALL), repo_type="space", recursive="x"))  # ty: ignore[invalid-argument-type]
